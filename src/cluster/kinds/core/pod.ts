import { deepEqual } from '../../../base/freeze.ts'
import { defineKind } from '../define-kind.ts'
import type { Pod } from '../generated/types.ts'
import { ipWarnings } from '../ip.ts'
import { bumpGeneration, firstGeneration, keep } from '../strategies.ts'
import { timeText } from '../time-text.ts'
import { podCells, podRowConditions } from './pod-columns.ts'
import { defaultPod } from './pod-defaults.ts'
import { podQosClass } from './pod-qos.ts'
import { nameWarnings, podWarnings } from './pod-warnings.ts'
import { adoptAppArmorAnnotations } from './profile-annotations.ts'
import { validatePodStatusUpdate } from './validate-pod-status.ts'
import { validatePod, validatePodUpdate } from './validate-pod.ts'

export const pod = defineKind<Pod>({
  group: '', version: 'v1', resource: 'pods',
  defaults: defaultPod,
  validate: validatePod,
  validateUpdate: validatePodUpdate,
  validateStatusUpdate: validatePodStatusUpdate,
  strategy: {
    warningsOnCreate: ({ metadata, spec }) => [...nameWarnings(metadata.name, "the Pod's hostname"), ...podWarnings(spec, metadata)],
    warningsOnStatusUpdate: ({ status }) => (['podIPs', 'hostIPs'] as const).flatMap((list) => (status?.[list] ?? []).flatMap(({ ip = '' }, i) => ipWarnings(ip, `status.${list}[${i}].ip`))),
    beforeCreate(draft, { nowMs, warn }) {
      firstGeneration(draft)
      // k8s: GetPodQOS, which believes what it finds
      draft.status = { phase: 'Pending', qosClass: draft.status?.qosClass || podQosClass(draft.spec) }
      markSchedulingGated(draft, timeText(nowMs))
      mergeMatchLabelKeys(draft)
      adoptAppArmorAnnotations(draft, warn)
    },
    beforeUpdate(draft, old) {
      keep(draft, old, 'status')
      bumpGeneration(draft, old, !deepEqual(draft.spec, old.spec))
    },
    beforeStatusUpdate(draft, old) {
      keep(draft, old, 'spec')
      if (old.metadata.ownerReferences === undefined) delete draft.metadata.ownerReferences
      else draft.metadata.ownerReferences = old.metadata.ownerReferences
      if (old.metadata.deletionTimestamp === undefined) delete draft.metadata.deletionTimestamp
      else draft.metadata.deletionTimestamp = old.metadata.deletionTimestamp
      const status = (draft.status ??= {})
      delete status.nodeAllocatableResourceClaimStatuses
      // The single field wins, for clients that don't know the list.
      if (status.podIP && status.podIPs?.[0]?.ip !== status.podIP) status.podIPs = [{ ip: status.podIP }]
      if (!status.qosClass && old.status?.qosClass) status.qosClass = old.status.qosClass
      keepObservedGenerations(draft, old)
    },
    gracePeriodSeconds(object, asked) {
      let seconds = asked ?? object.spec.terminationGracePeriodSeconds ?? 0
      // What never ran or has ended needs no grace.
      if (!object.spec.nodeName || object.status?.phase === 'Failed' || object.status?.phase === 'Succeeded') seconds = 0
      return seconds < 0 ? 1 : seconds
    },
  },
  rowConditions: podRowConditions,
  cells: podCells,
  selectableFields: (object) => ({
    'spec.nodeName': object.spec.nodeName ?? '',
    'spec.restartPolicy': object.spec.restartPolicy ?? '',
    'spec.schedulerName': object.spec.schedulerName ?? '',
    'spec.serviceAccountName': object.spec.serviceAccountName ?? '',
    'spec.hostNetwork': String(object.spec.hostNetwork ?? false),
    'status.phase': object.status?.phase ?? '',
    'status.podIP': object.status?.podIPs?.[0]?.ip ?? object.status?.podIP ?? '',
    'status.nominatedNodeName': object.status?.nominatedNodeName ?? '',
  }),
})

/** k8s: pkg/registry/core/pod applySchedulingGatedCondition */
function markSchedulingGated(draft: Pod, now: string): void {
  if (!draft.spec.schedulingGates?.length) return
  draft.status!.conditions = [{
    type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'Scheduling is blocked due to non-empty scheduling gates', lastProbeTime: null, lastTransitionTime: now,
  } as never]
}

/** Turns matchLabelKeys into requirements of the selector. k8s: pkg/registry/core/pod mutatePodAffinity, mutateTopologySpreadConstraints */
function mergeMatchLabelKeys(draft: Pod): void {
  const labels = draft.metadata.labels ?? {}
  const merge = (
    selector: { matchExpressions?: { key: string; operator: string; values?: string[] }[] } | undefined, keys: readonly string[] | undefined, operator: 'In' | 'NotIn',
  ) => {
    for (const key of keys ?? []) {
      const value = labels[key]
      if (value !== undefined && selector) (selector.matchExpressions ??= []).push({ key, operator, values: [value] })
    }
  }
  for (const affinity of [draft.spec.affinity?.podAffinity, draft.spec.affinity?.podAntiAffinity]) {
    for (const term of [...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []), ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((preferred) => preferred.podAffinityTerm)]) {
      merge(term.labelSelector, term.matchLabelKeys, 'In')
      merge(term.labelSelector, term.mismatchLabelKeys, 'NotIn')
    }
  }
  for (const constraint of draft.spec.topologySpreadConstraints ?? []) merge(constraint.labelSelector, constraint.matchLabelKeys, 'In')
}

/** k8s: pkg/registry/core/pod preserveOldObservedGeneration */
function keepObservedGenerations(draft: Pod, old: Readonly<Pod>): void {
  const status = draft.status!
  if (!status.observedGeneration && old.status?.observedGeneration) status.observedGeneration = old.status.observedGeneration
  const before = new Map<string, number[]>()
  for (const condition of old.status?.conditions ?? []) {
    const known = before.get(condition.type)
    if (known) known.push(condition.observedGeneration ?? 0)
    else before.set(condition.type, [condition.observedGeneration ?? 0])
  }
  for (const condition of status.conditions ?? []) {
    const generation = before.get(condition.type)?.shift() ?? 0
    if (!condition.observedGeneration && generation) condition.observedGeneration = generation
  }
}
