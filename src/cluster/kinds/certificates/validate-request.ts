/** k8s: pkg/apis/certificates/validation */
import { deepEqual } from '../../../base/freeze.ts'
import { fromBase64 } from '../base64.ts'
import { duplicate, forbidden, invalid, notSupported, required, tooLong, type Finding } from '../findings.ts'
import type { CertificateSigningRequest } from '../generated/types.ts'
import { byteLength, dnsLabelProblems, dnsSubdomainProblems } from '../names.ts'
import { validateObjectMeta } from '../validate-metadata.ts'
import { certificateContentProblem } from './certificate-content.ts'

const USAGES = [
  'any', 'cert sign', 'client auth', 'code signing', 'content commitment', 'crl sign', 'data encipherment', 'decipher only', 'digital signature', 'email protection', 'encipher only', 'ipsec end system',
  'ipsec tunnel', 'ipsec user', 'key agreement', 'key encipherment', 'microsoft sgc', 'netscape sgc', 'ocsp signing', 's/mime', 'server auth', 'signing', 'timestamping',
]
const SHORTEST_SECONDS = 600
/** A domain, and a namespace with a name. */
const LONGEST_SIGNER_NAME = 253 + 1 + 63 + 1 + 253
const PEM_BLOCK = /-----BEGIN ([^-\n]*)-----\r?\n[\s\S]*?-----END \1-----/

/** k8s: validateCertificateSigningRequest */
export function validateRequest({ spec, status }: Readonly<CertificateSigningRequest>): Finding[] {
  const out: Finding[] = []
  const block = PEM_BLOCK.exec(new TextDecoder().decode(fromBase64(spec.request ?? '')))
  if (block?.[1] !== 'CERTIFICATE REQUEST') out.push(invalid('spec.request', spec.request, 'PEM block type must be CERTIFICATE REQUEST'))
  if (!spec.usages?.length) out.push(required('spec.usages'))
  spec.usages?.forEach((usage, i) => USAGES.includes(usage) || out.push(notSupported(`spec.usages[${i}]`, usage, USAGES)))
  const seen = new Set<string>()
  spec.usages?.forEach((usage, i) => {
    if (seen.has(usage)) out.push(duplicate(`spec.usages[${i}]`, usage))
    seen.add(usage)
  })
  if (spec.signerName === 'kubernetes.io/legacy-unknown') out.push(invalid('spec.signerName', spec.signerName, 'the legacy signerName is not allowed via this API version'))
  else checkSignerName(out, spec.signerName, 'spec.signerName')
  if (spec.expirationSeconds !== undefined && spec.expirationSeconds < SHORTEST_SECONDS) out.push(invalid('spec.expirationSeconds', spec.expirationSeconds, 'may not specify a duration less than 600 seconds (10 minutes)'))
  checkConditions(out, status)
  return out
}

/** k8s: ValidateSignerName */
function checkSignerName(out: Finding[], name: string, at: string): void {
  if (!name) {
    out.push(required(at))
    return
  }
  const segments = name.split('/')
  if (segments.length !== 2) {
    out.push(invalid(at, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'"))
    return
  }
  const [domain, path] = segments as [string, string]
  if (byteLength(domain) > 253) out.push(tooLong(at, 253))
  const labels = domain.split('.')
  const report = (parts: readonly string[], problemsOf: (part: string) => string[], whole: string) => {
    const bad = parts.find((part) => problemsOf(part).length > 0)
    if (bad !== undefined) for (const problem of problemsOf(bad)) out.push(invalid(at, whole, `validating label ${JSON.stringify(bad)}: ${problem}`))
  }
  report(labels, dnsLabelProblems, domain)
  if (labels.length < 2) out.push(invalid(at, domain, 'should be a domain with at least two segments separated by dots'))
  report(path.split('.'), dnsSubdomainProblems, path)
  if (byteLength(name) > LONGEST_SIGNER_NAME) out.push(tooLong(at, LONGEST_SIGNER_NAME))
}

type Status = CertificateSigningRequest['status']

function checkConditions(out: Finding[], status: Readonly<Status>): void {
  const seen = new Set<string>()
  status?.conditions?.forEach((condition, i) => {
    const at = `status.conditions[${i}]`
    const { type } = condition
    if (!type) out.push(required(`${at}.type`))
    const allowed = ['Approved', 'Denied', 'Failed'].includes(type) ? ['True'] : ['False', 'True', 'Unknown']
    if (!condition.status) out.push(required(`${at}.status`))
    else if (!allowed.includes(condition.status)) out.push(notSupported(`${at}.status`, condition.status, allowed))
    if ((type === 'Approved' && seen.has('Denied')) || (type === 'Denied' && seen.has('Approved'))) out.push(invalid('status.conditions', type, 'Approved and Denied conditions are mutually exclusive'))
    if (seen.has(type)) out.push(duplicate(`${at}.type`, type))
    seen.add(type)
  })
}

const ofType = (status: Readonly<Status>, type: string) => (status?.conditions ?? []).filter((condition) => condition.type === type)

/** Rules for a change; what may change depends on the endpoint. k8s: validateCertificateSigningRequestUpdate */
export function validateRequestUpdate(object: Readonly<CertificateSigningRequest>, old: Readonly<CertificateSigningRequest>, may: { approve?: boolean; issue?: boolean } = {}): Finding[] {
  const out = [...validateObjectMeta({ namespaced: false, nameRule: () => [] }, object.metadata), ...validateRequest(object)]
  const at = 'status.conditions'
  const problem = object.status?.certificate === old.status?.certificate ? undefined : certificateContentProblem(object.status?.certificate ?? '')
  if (problem) out.push(invalid('status.certificate', '<certificate data>', problem))
  for (const type of ['Approved', 'Denied', 'Failed']) {
    if (ofType(object.status, type).length < ofType(old.status, type).length) out.push(forbidden(at, `updates may not remove a condition of type ${JSON.stringify(type)}`))
  }
  for (const type of may.approve ? [] : ['Approved', 'Denied']) {
    const before = ofType(old.status, type)
    const now = ofType(object.status, type)
    if (now.length > before.length) out.push(forbidden(at, `updates may not add a condition of type ${JSON.stringify(type)}`))
    else if (now.length === before.length && !deepEqual(now, before)) out.push(forbidden(at, `updates may not modify a condition of type ${JSON.stringify(type)}`))
  }
  const certificate = object.status?.certificate ?? ''
  const known = old.status?.certificate ?? ''
  if (certificate !== known) {
    if (!may.issue) out.push(forbidden('status.certificate', 'updates may not set certificate content'))
    else if (known) out.push(forbidden('status.certificate', 'updates may not modify existing certificate content'))
  }
  return out
}
