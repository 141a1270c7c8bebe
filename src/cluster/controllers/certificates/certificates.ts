/** The controllers of certificate signing requests. k8s: pkg/controller/certificates */
import type { Clock } from '../../../base/clock.ts'
import { rfc3339 } from '../../../base/clock.ts'
import type { ClusterPki } from '../../apiserver/pki/cluster-pki.ts'
import { base64Of } from '../../../base/base64.ts'
import { SIGNERS, autoApproval, parseSigningRequest, signCsr, signerRefusal } from '../../apiserver/pki/sign-csr.ts'
import type { Controller } from '../../client/controller-runner.ts'
import type { CertificateSigningRequest, SubjectAccessReview } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'

/** k8s: pkg/controller/certificates/certificate_controller.go */
const RETRY = { firstMs: 200 }
const RESOURCE = 'certificatesigningrequests.certificates.k8s.io'
const KUBELET_CLIENT = 'kubernetes.io/kube-apiserver-client-kubelet'
const HOUR_MS = 3_600_000
/** How long requests are kept, in milliseconds. k8s: cleaner/cleaner.go */
const DECIDED_MS = HOUR_MS
const PENDING_MS = 24 * HOUR_MS

type Condition = NonNullable<NonNullable<CertificateSigningRequest['status']>['conditions']>[number]

const conditionOf = (request: CertificateSigningRequest, type: string): Condition | undefined => request.status?.conditions?.find((condition) => condition.type === type)
const isDecided = (request: CertificateSigningRequest) => conditionOf(request, 'Approved') !== undefined || conditionOf(request, 'Denied') !== undefined

/** Approver, signer and cleaner, each with the service account it runs as. */
export function certificateControllers(pki: ClusterPki): { controller: Controller; serviceAccount: string }[] {
  return [approver, signer(pki), cleaner].map((controller) => ({ controller, serviceAccount: 'certificate-controller' }))
}

function withCondition(request: CertificateSigningRequest, clock: Clock, condition: Pick<Condition, 'type' | 'reason' | 'message'>): CertificateSigningRequest {
  const now = rfc3339(clock.nowMs())
  const full = { ...condition, status: 'True', lastUpdateTime: now, lastTransitionTime: now } as Condition
  return { ...request, status: { ...request.status, conditions: [...request.status?.conditions ?? [], full] } }
}

/** Approves the client certificates of kubelets whose user may have them. */
const approver: Controller = {
  name: 'certificatesigningrequest-approving-controller', for: RESOURCE, retry: RETRY,
  async reconcile(key, { api, cache, clock }) {
    const request = cache.get<CertificateSigningRequest>(RESOURCE, key)
    if (!request || request.status?.certificate || isDecided(request) || request.spec.signerName !== KUBELET_CLIENT) return
    const parsed = parseSigningRequest(request.spec.request)
    if (parsed instanceof Error) return
    const { username = '', uid, groups, extra } = request.spec
    const approval = autoApproval(parsed, request.spec.usages ?? [], username)
    if (!approval) return
    const review = await api.create('subjectaccessreviews.authorization.k8s.io', {
      apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', metadata: {},
      spec: {
        user: username, ...(uid ? { uid } : {}), ...(groups ? { groups } : {}), ...(extra ? { extra } : {}),
        resourceAttributes: { group: 'certificates.k8s.io', resource: 'certificatesigningrequests', verb: 'create', subresource: approval.subresource, version: '*' },
      },
    })
    // Rights may still come, with the next binding; the request then waits for another change, as a person's would.
    if (!(review as SubjectAccessReview).status?.allowed) return
    await api.update(RESOURCE, withCondition(request, clock, { type: 'Approved', reason: 'AutoApproved', message: approval.message }), { subresource: 'approval' })
  },
}

/** Signs what has been approved. */
function signer(pki: ClusterPki): Controller {
  return {
    name: 'certificatesigningrequest-signing-controller', for: RESOURCE, retry: RETRY,
    async reconcile(key, { api, cache, clock }) {
      const request = cache.get<CertificateSigningRequest>(RESOURCE, key)
      if (!request || request.status?.certificate || !SIGNERS.includes(request.spec.signerName) || !conditionOf(request, 'Approved') || conditionOf(request, 'Failed')) return
      const usages = request.spec.usages ?? []
      const fail = (message: string) => api.updateStatus(RESOURCE, withCondition(request, clock, { type: 'Failed', reason: 'SignerValidationFailure', message }))
      const parsed = parseSigningRequest(request.spec.request)
      if (parsed instanceof Error) {
        await fail(`unable to parse csr ${JSON.stringify(request.metadata.name)}: ${parsed.message}`)
        return
      }
      const refusal = signerRefusal(request.spec.signerName, parsed, usages)
      if (refusal) {
        await fail(refusal)
        return
      }
      const { expirationSeconds } = request.spec
      const pem = await clock.outside(signCsr(pki.ca, parsed, { usages, nowMs: clock.nowMs(), ...(expirationSeconds !== undefined ? { expirationSeconds } : {}) }))
      await api.updateStatus(RESOURCE, { ...request, status: { ...request.status, certificate: base64Of(new TextEncoder().encode(pem)) } })
    },
  }
}

/** Removes requests that nobody needs any more. */
const cleaner: Controller = {
  name: 'certificatesigningrequest-cleaner-controller', for: RESOURCE, retry: RETRY,
  async reconcile(key, { api, cache, clock }) {
    const request = cache.get<CertificateSigningRequest>(RESOURCE, key)
    if (!request) return
    const decided = conditionOf(request, 'Approved') ?? conditionOf(request, 'Denied') ?? conditionOf(request, 'Failed')
    // Approved without a certificate may be waiting for a signer outside the cluster, but no longer than an undecided one.
    const since = Date.parse((decided?.lastUpdateTime ?? request.metadata.creationTimestamp) as string)
    const dueMs = since + (decided && (request.status?.certificate || decided.type !== 'Approved') ? DECIDED_MS : PENDING_MS)
    if (clock.nowMs() < dueMs) return { requeueAfterMs: dueMs - clock.nowMs() }
    try {
      await api.delete(RESOURCE, request.metadata.name!)
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
    return
  },
}
