/** Rules for Ingress and IngressClass. k8s: pkg/apis/networking/validation */
import { checkDnsSubdomain, checkName, checkPortNumberOrName } from '../checks.ts'
import { givenEmpty } from '../decode.ts'
import { forbidden, invalid, notSupported, required, tooLong, type Finding } from '../findings.ts'
import { parseIp, validateIp } from '../ip.ts'
import { labelName, pathSegmentName, portNameProblems, wildcardSubdomainProblems } from '../names.ts'
import type { HTTPIngressPath, Ingress, IngressBackend, IngressClass, IngressSpec, TypedLocalObjectReference } from '../generated/types.ts'
import { IMMUTABLE, validateObjectMeta } from '../validate-metadata.ts'
import { checkDomainPath } from '../batch/validate-job.ts'

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'
const BAD_SEQUENCES = ['//', '/./', '/../', '%2f', '%2F']
const BAD_ENDINGS = ['/..', '/.']
const NOT_AN_IP = 'must be a DNS name, not an IP address'

/** k8s: ValidateIngressCreate */
export function validateIngress(ingress: Readonly<Ingress>): Finding[] {
  const out: Finding[] = []
  checkSpec(out, ingress.spec ?? {}, 'spec')
  const annotated = ingress.metadata.annotations?.[CLASS_ANNOTATION]
  const named = ingress.spec?.ingressClassName
  if (annotated !== undefined && named !== undefined && annotated !== named) out.push(invalid(`annotations.${CLASS_ANNOTATION}`, annotated, 'must match `ingressClassName` when both are specified'))
  return out
}

/** k8s: ValidateIngressUpdate: ObjectMeta is checked as at creation once more */
export function validateIngressUpdate(ingress: Readonly<Ingress>): Finding[] {
  const out = validateObjectMeta({ namespaced: true }, ingress.metadata)
  checkSpec(out, ingress.spec ?? {}, 'spec')
  return out
}

/** k8s: ValidateIngressLoadBalancerStatus */
export function validateIngressStatus({ status }: Readonly<Ingress>): Finding[] {
  const out: Finding[] = []
  status?.loadBalancer?.ingress?.forEach((point, i) => {
    const at = `status.loadBalancer.ingress[${i}]`
    if (point.ip) out.push(...validateIp(point.ip, `${at}.ip`))
    if (!point.hostname) return
    checkDnsSubdomain(out, point.hostname, `${at}.hostname`)
    if (parseIp(point.hostname)) out.push(invalid(`${at}.hostname`, point.hostname, NOT_AN_IP))
  })
  return out
}

export function ingressWarnings({ metadata }: Readonly<Ingress>): string[] {
  return metadata.annotations?.[CLASS_ANNOTATION] !== undefined ? [`annotation ${JSON.stringify(CLASS_ANNOTATION)} is deprecated, please use 'spec.ingressClassName' instead`] : []
}

/** k8s: ValidateIngressSpec */
function checkSpec(out: Finding[], spec: Readonly<IngressSpec>, at: string): void {
  if (!spec.rules?.length && !spec.defaultBackend) out.push(invalid(at, givenEmpty(spec, 'rules') ? [] : null, 'either `defaultBackend` or `rules` must be specified'))
  if (spec.defaultBackend) checkBackend(out, spec.defaultBackend, `${at}.defaultBackend`)
  spec.rules?.forEach((rule, i) => {
    const here = `${at}.rules[${i}]`
    if (rule.host) {
      if (parseIp(rule.host)) out.push(invalid(`${here}.host`, rule.host, NOT_AN_IP))
      checkHost(out, rule.host, `${here}.host`)
    }
    if (!rule.http) return
    if (!rule.http.paths?.length) out.push(required(`${here}.http.paths`))
    rule.http.paths?.forEach((path, j) => checkPath(out, path, `${here}.http.paths[${j}]`))
  })
  spec.tls?.forEach((tls, i) => {
    tls.hosts?.forEach((host, j) => checkHost(out, host, `${at}.tls[${i}].hosts[${j}]`))
    if (tls.secretName) checkDnsSubdomain(out, tls.secretName, `${at}.tls[${i}].secretName`)
  })
  if (spec.ingressClassName !== undefined) checkDnsSubdomain(out, spec.ingressClassName, `${at}.ingressClassName`)
}

function checkHost(out: Finding[], host: string, at: string): void {
  if (!host.includes('*')) return checkDnsSubdomain(out, host, at)
  for (const problem of wildcardSubdomainProblems(host)) out.push(invalid(at, host, problem))
}

/** k8s: validateHTTPIngressPath */
function checkPath(out: Finding[], path: Readonly<HTTPIngressPath>, at: string): void {
  const text = path.path ?? ''
  const type = (path.pathType as string | null | undefined) ?? undefined
  switch (type) {
    case undefined:
      out.push(required(`${at}.pathType`, 'pathType must be specified'))
      return
    case 'Exact': case 'Prefix':
      if (!text.startsWith('/')) out.push(invalid(`${at}.path`, text, 'must be an absolute path'))
      for (const bad of BAD_SEQUENCES) if (text.includes(bad)) out.push(invalid(`${at}.path`, text, `must not contain '${bad}'`))
      for (const bad of BAD_ENDINGS) if (text.endsWith(bad)) out.push(invalid(`${at}.path`, text, `cannot end with '${bad}'`))
      break
    case 'ImplementationSpecific':
      if (text && !text.startsWith('/')) out.push(invalid(`${at}.path`, text, 'must be an absolute path'))
      break
    default:
      out.push(notSupported(`${at}.pathType`, type, ['Exact', 'ImplementationSpecific', 'Prefix']))
  }
  checkBackend(out, path.backend ?? {}, `${at}.backend`)
}

/** k8s: validateIngressBackend */
function checkBackend(out: Finding[], backend: Readonly<IngressBackend>, at: string): void {
  const { resource, service } = backend
  if (resource && service) out.push(invalid(at, '', 'cannot set both resource and service backends'))
  else if (resource) checkReference(out, resource, `${at}.resource`)
  else if (service) {
    if (!service.name) out.push(required(`${at}.service.name`))
    else checkName(out, service.name, labelName, `${at}.service.name`)
    const name = service.port?.name
    const number = service.port?.number
    if (name && number) out.push(invalid(at, '', 'cannot set both port name & port number'))
    else if (name) for (const problem of portNameProblems(name)) out.push(invalid(`${at}.service.port.name`, name, problem))
    else if (number) checkPortNumberOrName(out, number, `${at}.service.port.number`)
    else out.push(required(at, 'port name or number is required'))
  } else out.push(invalid(at, '', 'resource or service backend is required'))
}

/** k8s: validateIngressTypedLocalObjectReference */
function checkReference(out: Finding[], reference: Readonly<TypedLocalObjectReference>, at: string): void {
  if (reference.apiGroup !== undefined && reference.apiGroup !== null) checkDnsSubdomain(out, reference.apiGroup, `${at}.apiGroup`)
  for (const field of ['kind', 'name'] as const) {
    if (!reference[field]) out.push(required(`${at}.${field}`))
    else checkName(out, reference[field], pathSegmentName, `${at}.${field}`)
  }
}

/** k8s: ValidateIngressClass */
export function validateIngressClass({ spec }: Readonly<IngressClass>): Finding[] {
  const out: Finding[] = []
  const controller = spec?.controller ?? ''
  if (controller.length > 250) out.push(tooLong('spec.controller', 250))
  checkDomainPath(out, controller, 'spec.controller')
  const parameters = spec?.parameters
  if (!parameters) return out
  const at = 'spec.parameters'
  checkReference(out, parameters, at)
  const { scope, namespace } = parameters
  if (scope === undefined) out.push(required(`${at}.scope`))
  else if (scope === 'Namespace') {
    if (namespace === undefined) out.push(required(`${at}.namespace`, "`parameters.scope` is set to 'Namespace'"))
    else checkName(out, namespace, labelName, `${at}.namespace`)
  } else if (scope === 'Cluster') {
    if (namespace !== undefined) out.push(forbidden(`${at}.namespace`, "`parameters.scope` is set to 'Cluster'"))
  } else out.push(notSupported(`${at}.scope`, scope, ['Cluster', 'Namespace']))
  return out
}

export function validateIngressClassUpdate(ingressClass: Readonly<IngressClass>, old: Readonly<IngressClass>): Finding[] {
  const out: Finding[] = []
  const controller = ingressClass.spec?.controller ?? ''
  if (controller !== (old.spec?.controller ?? '')) out.push(invalid('spec.controller', controller, IMMUTABLE))
  return [...out, ...validateObjectMeta({ namespaced: false }, ingressClass.metadata), ...validateIngressClass(ingressClass)]
}
