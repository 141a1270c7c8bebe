import type { Controller, ControllerContext } from '../../client/controller-runner.ts'
import { keyOf, type Change } from '../../client/informers.ts'
import {
  CLAIM_FINALIZER, claimNameOf, ClaimNotCreated, isReservedFor, owningPod, POD_CLAIM_NAME, RESOURCE_CLAIM_TEMPLATES, RESOURCE_CLAIMS, whyNotForPod,
} from '../../client/resource-claims.ts'
import type { Pod, PodResourceClaim, ResourceClaimTemplate, ResourceResourceClaim } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { messageOf } from '../pod-control.ts'
import { isPodTerminal } from '../pods.ts'

const BY_TEMPLATE = 'claim-template'
const BY_OWNER = 'owning-pod'
const FIELD_MANAGER = 'ResourceClaimController'
/** What a base of names may have, so that a hyphen and five characters follow. */
const MAX_BASE_LENGTH = 57

const NONE: readonly never[] = []

const nameOf = (pod: Pod, entry: PodResourceClaim): string | undefined => {
  try {
    return claimNameOf(pod, entry).name
  } catch {
    return undefined
  }
}

/** Keys of the claims that a pod names, as far as there are any. */
const claimKeys = (pod: Pod): string[] => [
  ...(pod.spec.resourceClaims ?? []).flatMap((entry) => nameOf(pod, entry) ?? []), ...(pod.status?.extendedResourceClaimStatus ? [pod.status.extendedResourceClaimStatus.resourceClaimName] : []),
].map((name) => `${pod.metadata.namespace}/${name}`)

/** None of its containers runs or ever will. k8s: isPodDone */
const isDone = (pod: Pod) => isPodTerminal(pod) || (pod.metadata.deletionTimestamp !== undefined && !pod.spec.nodeName)

/** Pods by the claims that they name. */
export const PODS_BY_RESOURCE_CLAIM = { resource: 'pods', name: 'resource-claim', values: (pod: Pod): readonly string[] => pod.spec.resourceClaims ? claimKeys(pod) : NONE }

const INDEXES: NonNullable<Controller['indexes']> = [
  PODS_BY_RESOURCE_CLAIM,
  { resource: 'pods', name: BY_TEMPLATE, values: ({ metadata, spec }: Pod) => spec.resourceClaims?.flatMap(({ resourceClaimTemplateName: name }) => name === undefined ? [] : `${metadata.namespace}/${name}`) ?? NONE },
  { resource: RESOURCE_CLAIMS, name: BY_OWNER, values: (claim: ResourceResourceClaim) => { const owner = owningPod(claim); return owner ? [owner.uid] : NONE } },
]

/** Makes pods' claims from templates and reserves claims of pods that nobody scheduled. k8s: pkg/controller/resourceclaim syncPod */
export const resourceClaimPods: Controller = {
  name: 'resourceclaim-controller', for: 'pods', workers: 10, indexes: INDEXES,
  wants: ({ type, object }) => type !== 'delete' && (object as Pod).spec.resourceClaims !== undefined,
  watches: [
    { resource: RESOURCE_CLAIM_TEMPLATES, keys: ({ type, object }, { cache }) => type === 'delete' ? [] : cache.byIndex<Pod>('pods', BY_TEMPLATE, keyOf(object)).map(keyOf) },
    { resource: RESOURCE_CLAIMS, keys: ({ object }, { cache }) => cache.byIndex<Pod>('pods', PODS_BY_RESOURCE_CLAIM.name, keyOf(object)).map(keyOf) },
  ],
  async reconcile(key, context) {
    const { api, cache, events } = context
    const pod = cache.get<Pod>('pods', key)
    if (!pod || pod.metadata.deletionTimestamp !== undefined) return
    const made: { name: string; resourceClaimName: string }[] = []
    for (const entry of pod.spec.resourceClaims ?? []) {
      try {
        const name = await makeClaim(pod, entry, context)
        if (name !== undefined) made.push({ name: entry.name, resourceClaimName: name })
      } catch (error) {
        events.event(pod, 'Warning', 'FailedResourceClaimCreation', `PodResourceClaim ${entry.name}: ${messageOf(error)}`)
        throw error
      }
    }
    if (made.length > 0) {
      const { name, namespace } = pod.metadata
      await api.patch('pods', name!, namespace, 'application/apply-patch+yaml', { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, status: { resourceClaimStatuses: made } }, { subresource: 'status', fieldManager: FIELD_MANAGER, force: true })
    }
    // The scheduler reserves claims of the pods that it places.
    if (pod.spec.nodeName) await reserveAll(pod, context)
  },
}

/** @returns the name of a claim that the pod's status doesn't name yet. k8s: handleClaim */
async function makeClaim(pod: Pod, entry: PodResourceClaim, { api, cache }: ControllerContext): Promise<string | undefined> {
  const { name: podName, namespace } = pod.metadata
  try {
    const { name, isGenerated } = claimNameOf(pod, entry)
    if (name === undefined) return undefined
    const claim = cache.get<ResourceResourceClaim>(RESOURCE_CLAIMS, `${namespace}/${name}`)
    if (claim && !(isGenerated && whyNotForPod(pod, claim))) return undefined
  } catch (error) {
    if (!(error instanceof ClaimNotCreated)) throw error
  }
  const templateName = entry.resourceClaimTemplateName
  if (templateName === undefined) return undefined
  // It was made, and then the pod's status couldn't be written.
  const orphan = cache.byIndex<ResourceResourceClaim>(RESOURCE_CLAIMS, BY_OWNER, pod.metadata.uid!).find(({ metadata }) => metadata.annotations?.[POD_CLAIM_NAME] === entry.name)
  if (orphan) return orphan.metadata.name!
  const template = cache.get<ResourceClaimTemplate>(RESOURCE_CLAIM_TEMPLATES, `${namespace}/${templateName}`)
  if (!template) throw new Error(`resource claim template ${JSON.stringify(templateName)}: resourceclaimtemplate.resource.k8s.io ${JSON.stringify(templateName)} not found`)
  const { metadata = {}, spec } = template.spec
  try {
    const claim = await api.create<ResourceResourceClaim>(RESOURCE_CLAIMS, {
      apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim',
      metadata: {
        generateName: claimNameBase(podName!, entry.name), namespace: namespace!, annotations: { ...metadata.annotations, [POD_CLAIM_NAME]: entry.name }, ...(metadata.labels ? { labels: metadata.labels } : {}),
        ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: podName!, uid: pod.metadata.uid!, controller: true }],
      },
      spec,
    } as unknown as ResourceResourceClaim)
    return claim.metadata.name!
  } catch (error) {
    throw isStatusError(error) ? new Error(`create ResourceClaim : ${messageOf(error)}`) : error
  }
}

/** Both names are cut by their share of what is too long. */
function claimNameBase(pod: string, entry: string): string {
  const whole = `${pod}-${entry}-`
  if (whole.length <= MAX_BASE_LENGTH) return whole
  const share = (name: string) => name.slice(0, Math.trunc(name.length * MAX_BASE_LENGTH / whole.length))
  return `${share(pod)}-${share(entry)}`
}

async function reserveAll(pod: Pod, { api, cache }: ControllerContext): Promise<void> {
  for (const entry of pod.spec.resourceClaims ?? []) {
    const { name, isGenerated } = claimNameOf(pod, entry)
    if (name === undefined) continue
    const claim = cache.get<ResourceResourceClaim>(RESOURCE_CLAIMS, `${pod.metadata.namespace}/${name}`)
    if (!claim) return
    const problem = isGenerated ? whyNotForPod(pod, claim) : undefined
    if (problem) throw new Error(problem)
    if (!claim.status?.allocation || isReservedFor(pod, claim)) continue
    await api.updateStatus<ResourceResourceClaim>(RESOURCE_CLAIMS, { ...claim, status: { ...claim.status, reservedFor: [...claim.status.reservedFor ?? [], { resource: 'pods', name: pod.metadata.name!, uid: pod.metadata.uid! }] } })
  }
}

/** Takes reservations of pods back that are done, and with the last one the allocation. k8s: syncClaim */
export const resourceClaims: Controller = {
  name: 'resourceclaim-controller', for: RESOURCE_CLAIMS, workers: 10, indexes: INDEXES,
  watches: [{
    resource: 'pods',
    keys({ type, object }: Change<Pod>) {
      if (!object.spec.resourceClaims && !object.status?.extendedResourceClaimStatus) return NONE
      return type === 'delete' || isDone(object) ? claimKeys(object) : NONE
    },
  }],
  async reconcile(key, context) {
    const { api, cache } = context
    const claim = cache.get<ResourceResourceClaim>(RESOURCE_CLAIMS, key)
    if (!claim) return
    const { reservedFor = [], allocation } = claim.status ?? {}
    const isHeld = claim.metadata.finalizers?.includes(CLAIM_FINALIZER) ?? false
    const remaining: typeof reservedFor = []
    for (const each of reservedFor) if (each.apiGroup || each.resource !== 'pods' || await mayUse(claim.metadata.namespace!, each, context)) remaining.push(each)
    if (remaining.length < reservedFor.length) {
      const { reservedFor: _all, allocation: _allocation, ...rest } = claim.status!
      const kept = allocation && !(remaining.length === 0 && isHeld) ? { allocation } : {}
      const updated = await api.updateStatus<ResourceResourceClaim>(RESOURCE_CLAIMS, { ...claim, status: { ...rest, ...kept, ...(remaining.length > 0 ? { reservedFor: remaining } : {}) } })
      if (!updated.status?.allocation) await release(updated, context)
    } else if (isHeld && claim.metadata.deletionTimestamp && remaining.length === 0) {
      const { allocation: _allocation, ...rest } = claim.status ?? {}
      await release(allocation ? await api.updateStatus<ResourceResourceClaim>(RESOURCE_CLAIMS, { ...claim, status: rest }) : claim, context)
    }
    if (remaining.length > 0) return
    const owner = owningPod(claim)
    const pod = owner && cache.get<Pod>('pods', `${claim.metadata.namespace}/${owner.name}`)
    if (!owner || !pod || (pod.metadata.uid === owner.uid && !isDone(pod))) return
    try {
      await api.delete(RESOURCE_CLAIMS, claim.metadata.name!, claim.metadata.namespace)
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw new Error(`delete unused generated claim ${key}: ${messageOf(error)}`)
    }
  },
}

/** Whether the consumer may still be using the claim. One that the cache doesn't know may only be too new for it. */
async function mayUse(namespace: string, { name, uid }: { name: string; uid: string }, { api, cache }: ControllerContext): Promise<boolean> {
  const known = cache.get<Pod>('pods', `${namespace}/${name}`)
  if (known) return known.metadata.uid === uid && !isDone(known)
  try {
    return (await api.get<Pod>('pods', name, namespace)).metadata.uid === uid
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return false
    throw error
  }
}

/** Lets a claim without allocation be deleted. */
async function release(claim: ResourceResourceClaim, { api }: ControllerContext): Promise<void> {
  const { finalizers = [] } = claim.metadata
  if (finalizers.includes(CLAIM_FINALIZER)) await api.update<ResourceResourceClaim>(RESOURCE_CLAIMS, { ...claim, metadata: { ...claim.metadata, finalizers: finalizers.filter((each) => each !== CLAIM_FINALIZER) } })
}
