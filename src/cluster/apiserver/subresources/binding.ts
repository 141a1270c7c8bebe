import { rfc3339, type Clock } from '../../../base/clock.ts'
import { deepFreeze } from '../../../base/freeze.ts'
import { notSupported, required, type Finding } from '../../kinds/findings.ts'
import type { Kind } from '../../kinds/kind.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { apiError } from '../../kinds/status-error.ts'
import type { AdmissionChain } from '../admission-chain.ts'
import type { Endpoint } from '../endpoint.ts'
import { plainError } from '../registry.ts'
import type { ManagedWrite } from '../write-operations.ts'

const POD_BINDING = { group: '', resource: 'pods/binding' }

/** Gives a Pod its node. `bindings`: the kind of the resource that it came through, instead of the subresource. k8s: registry/core/pod/storage BindingREST */
export async function bindPod(parts: { clock: Clock; admission: AdmissionChain }, pods: Endpoint, body: KubeObject, write: ManagedWrite, bindings?: Kind): Promise<KubeObject> {
  if ((body.metadata.name ?? '') !== write.name) throw apiError.badRequest('name in URL does not match name in Binding object')
  const admission = { operation: 'CREATE' as const, kind: bindings ?? pods.kind, subresource: bindings ? '' : 'binding', namespace: write.namespace, name: write.name, options: write.options, dryRun: write.dryRun }
  await parts.admission.mutate(admission, write, body)
  const { metadata, target } = body
  const findings: Finding[] = []
  if (target?.kind && target.kind !== 'Node') findings.push(notSupported('target.kind', target.kind, ['Node', '<empty>']))
  if (!target?.name) findings.push(required('target.name'))
  if (findings.length > 0) throw plainError(findings.length === 1 ? findings[0]!.message : `[${findings.map((f) => f.message).join(', ')}]`)
  await parts.admission.validate(admission, write, body)
  if (!write.name) throw apiError.badRequest('Name parameter required.')

  const pod = pods.store.get(write.namespace, write.name)
  if (!pod) throw apiError.notFound(pods.groupResource, write.name)
  const storageError = `StorageError: invalid object, Code: 4, Key: ${write.dryRun ? '' : '/registry'}/pods/${write.namespace}/${write.name}, ResourceVersion: 0, AdditionalErrorMsg:`
  if (metadata.uid && metadata.uid !== pod.metadata.uid)
    throw apiError.conflict(pods.groupResource, write.name, `${storageError} Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${pod.metadata.uid}`)
  if (metadata.resourceVersion && metadata.resourceVersion !== pod.metadata.resourceVersion)
    throw apiError.conflict(pods.groupResource, write.name, `${storageError} Precondition failed: ResourceVersion in precondition: ${metadata.resourceVersion}, ResourceVersion in object meta: ${pod.metadata.resourceVersion}`)
  const refuse = (why: string) => apiError.conflict(POD_BINDING, write.name, why)
  if (pod.metadata.deletionTimestamp) throw refuse(`pod ${pod.metadata.name} is being deleted, cannot be assigned to a host`)
  if (pod['spec'].nodeName) throw refuse(`pod ${pod.metadata.name} is already assigned to node ${JSON.stringify(pod['spec'].nodeName)}`)
  if (pod['spec'].schedulingGates?.length > 0) throw refuse(`pod ${pod.metadata.name} has non-empty .spec.schedulingGates`)

  const draft: KubeObject = { ...pod, metadata: { ...pod.metadata }, spec: { ...pod['spec'], nodeName: target.name } }
  if (pod['status']) {
    draft['status'] = { ...pod['status'] }
    delete draft['status'].nominatedNodeName
  }
  if (metadata.annotations) draft.metadata.annotations = { ...draft.metadata.annotations, ...metadata.annotations }
  if (metadata.labels) draft.metadata.labels = { ...draft.metadata.labels, ...metadata.labels }
  setScheduled(draft, rfc3339(parts.clock.nowMs()))
  if (!write.dryRun) pods.store.replace(write.namespace, draft)
  return SUCCESS_201
}

const SUCCESS_201 = deepFreeze({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }) as KubeObject

/** k8s: podutil.UpdatePodCondition of PodScheduled */
function setScheduled(pod: KubeObject, now: string): void {
  const status = pod['status'] ??= {}
  const conditions: Record<string, unknown>[] = status.conditions ?? []
  const before = conditions.find((condition) => condition['type'] === 'PodScheduled')
  const made = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: before?.['status'] === 'True' ? before['lastTransitionTime'] : now }
  status.conditions = before ? conditions.map((condition) => condition === before ? made : condition) : [...conditions, made]
}
