import { keyPairProblem } from '../../../base/key-pair.ts'
import * as x509 from '../../../base/x509.ts'
import type { Secret } from '../../kinds/generated/types.ts'
import type { Condition, Issuer } from './types.ts'

export interface IssuerVerdict {
  condition: Omit<Condition, 'lastTransitionTime'>
  /** An event is due where the condition is new. */
  event: { type: 'Normal' | 'Warning'; reason: string; message: string } | undefined
}

/** Kinds of issuers whose authorities are outside. */
const OUTSIDE = ['acme', 'vault', 'venafi'] as const

/** Whether an issuer can sign. @param secret of the namespace in which it looks for them. k8s: cert-manager/pkg/controller/issuers */
export function judgeIssuer(issuer: Issuer, secret: (name: string) => Secret | undefined): IssuerVerdict {
  const ready = (status: 'True' | 'False', reason: string, message: string) => ({ type: 'Ready', status, reason, message, ...issuer.metadata.generation === undefined ? {} : { observedGeneration: issuer.metadata.generation } })
  const refuse = (reason: string, message: string): IssuerVerdict => ({ condition: ready('False', reason, message), event: { type: 'Warning', reason, message } })
  if (issuer.spec.selfSigned) return { condition: ready('True', 'IsReady', ''), event: undefined }
  if (!issuer.spec.ca) {
    const kind = OUTSIDE.find((each) => issuer.spec[each] !== undefined)
    return refuse('ErrInitIssuer', `Error initializing issuer: ${kind === 'acme' ? 'ACME servers cannot be reached from this cluster' : kind ? `${kind} issuers are not supported by this build` : 'no issuer specified for Issuer'}`)
  }
  const { secretName } = issuer.spec.ca
  const found = secret(secretName)
  if (!found) return refuse('ErrGetKeyPair', `Error getting keypair for CA issuer: secrets "${secretName}" not found`)
  const { 'tls.crt': certificate, 'tls.key': key } = found.data ?? {}
  if (!key) return refuse('ErrGetKeyPair', `Error getting keypair for CA issuer: no data for "tls.key" in secret '${found.metadata.namespace}/${secretName}'`)
  if (!certificate) return refuse('ErrGetKeyPair', `Error getting keypair for CA issuer: no data for "tls.crt" in secret '${found.metadata.namespace}/${secretName}'`)
  const problem = keyPairProblem(atob(certificate), atob(key))
  if (problem !== undefined) return refuse('ErrGetKeyPair', `Error getting keypair for CA issuer: ${problem}`)
  const isCa = new x509.X509Certificate(atob(certificate)).getExtension(x509.BasicConstraintsExtension)?.ca === true
  if (!isCa) return refuse('ErrInvalidKeyPair', 'Error getting keypair for CA issuer: certificate is not a CA')
  return { condition: ready('True', 'KeyPairVerified', 'Signing CA verified'), event: { type: 'Normal', reason: 'KeyPairVerified', message: 'Signing CA verified' } }
}
