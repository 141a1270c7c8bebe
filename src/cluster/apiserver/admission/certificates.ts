import { deepEqual } from '../../../base/freeze.ts'
import type { CertificateSigningRequest } from '../../kinds/generated/types.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from '../seams.ts'
import { parseSigningRequest } from '../pki/sign-csr.ts'
import { forbidden, isAbout } from './forbidden.ts'

const GROUP = 'certificates.k8s.io'

function isAboutSubresource({ kind, subresource, operation }: AdmissionAttributes, wanted: string): boolean {
  return kind.resource === 'certificatesigningrequests' && kind.group === GROUP && subresource === wanted && operation === 'UPDATE'
}

/** k8s: pkg/certauthorization IsAuthorizedForSignerName: the signer, or all of its domain. */
function mayUseSigner({ user }: AdmissionAttributes, { authorizer }: AdmissionContext, verb: string, signerName: string): boolean {
  const domain = signerName.split('/')[0]
  return [signerName, `${domain}/*`].some((name) => authorizer.authorize({ user, verb, resourceRequest: true, group: GROUP, version: '*', resource: 'signers', subresource: '', namespace: '', name, path: '' }).allowed)
}

/** k8s: plugin/pkg/admission/certificates/approval */
export const certificateApproval: AdmissionPlugin = {
  name: 'CertificateApproval',
  validate(attributes, context) {
    if (!isAboutSubresource(attributes, 'approval')) return
    const { signerName } = (attributes.oldObject as CertificateSigningRequest).spec
    if (!mayUseSigner(attributes, context, 'approve', signerName)) throw forbidden(attributes, `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`)
  },
}

/** k8s: plugin/pkg/admission/certificates/signing */
export const certificateSigning: AdmissionPlugin = {
  name: 'CertificateSigning',
  validate(attributes, context) {
    if (!isAboutSubresource(attributes, 'status')) return
    const old = attributes.oldObject as CertificateSigningRequest
    const request = attributes.object as CertificateSigningRequest
    if (old.status?.certificate === request.status?.certificate && deepEqual(old.status?.conditions ?? [], request.status?.conditions ?? [])) return
    if (!mayUseSigner(attributes, context, 'sign', old.spec.signerName)) throw forbidden(attributes, `user not permitted to sign requests with signerName ${JSON.stringify(old.spec.signerName)}`)
  },
}

/** k8s: plugin/pkg/admission/certificates/subjectrestriction */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  validate(attributes) {
    if (attributes.operation !== 'CREATE' || !isAbout(attributes, 'certificatesigningrequests', GROUP)) return
    const { signerName, request } = (attributes.object as CertificateSigningRequest).spec
    if (signerName !== 'kubernetes.io/kube-apiserver-client') return
    const parsed = parseSigningRequest(request)
    if (parsed instanceof Error) throw forbidden(attributes, `failed to parse CSR: ${parsed.message}`)
    if (parsed.organizations.includes('system:masters')) throw forbidden(attributes, `use of ${signerName} signer with system:masters group is not allowed`)
  },
}
