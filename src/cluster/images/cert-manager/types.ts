/** cert-manager's own objects, as far as they are looked at. CRDs of cert-manager.io/v1. */
import type { ObjectMeta } from '../../kinds/generated/types.ts'

export interface Condition {
  type: string
  status: 'True' | 'False' | 'Unknown'
  reason: string
  message: string
  lastTransitionTime: string
  observedGeneration?: number
}

export interface IssuerRef {
  name: string
  kind?: string
  group?: string
}

type Metadata = ObjectMeta & { name: string; uid: string; generation?: number }

export interface Issuer {
  apiVersion: string
  kind: 'Issuer' | 'ClusterIssuer'
  metadata: Metadata
  spec: { selfSigned?: object; ca?: { secretName: string } } & Record<string, unknown>
  status?: { conditions?: Condition[] }
}

export interface Certificate {
  apiVersion: string
  kind: 'Certificate'
  metadata: Metadata & { namespace: string }
  spec: {
    secretName: string
    issuerRef: IssuerRef
    commonName?: string
    dnsNames?: string[]
    ipAddresses?: string[]
    duration?: string
    renewBefore?: string
    isCA?: boolean
    usages?: string[]
    subject?: { countries?: string[]; organizations?: string[]; organizationalUnits?: string[]; localities?: string[]; provinces?: string[] }
    /** How many of its requests are kept. */
    revisionHistoryLimit?: number
    privateKey?: { algorithm?: string; size?: number; encoding?: string; rotationPolicy?: string }
  } & Record<string, unknown>
  status?: { conditions?: Condition[]; notBefore?: string; notAfter?: string; renewalTime?: string; revision?: number; nextPrivateKeySecretName?: string }
}

export interface CertificateRequest {
  apiVersion: string
  kind: 'CertificateRequest'
  metadata: Metadata & { namespace: string }
  spec: { issuerRef: IssuerRef; request: string; duration?: string; isCA?: boolean; usages?: string[] }
  status?: { conditions?: Condition[]; certificate?: string; ca?: string; failureTime?: string }
}

export const GROUP = 'cert-manager.io'

/** An object's conditions with one of them said anew; the time of a change stays while its status does. */
export function withCondition(conditions: readonly Condition[] | undefined, next: Omit<Condition, 'lastTransitionTime'>, nowMs: number): Condition[] {
  const before = conditions?.find(({ type }) => type === next.type)
  const lastTransitionTime = before?.status === next.status ? before.lastTransitionTime : `${new Date(nowMs).toISOString().slice(0, 19)}Z`
  return [...(conditions ?? []).filter(({ type }) => type !== next.type), { ...next, lastTransitionTime }]
}
