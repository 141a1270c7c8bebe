import { deepEqual } from '../../../base/freeze.ts'
import { givenEmpty } from '../decode.ts'
import { invalid, type Finding } from '../findings.ts'
import type { NodeAffinity, NodeSelectorTerm, PodSpec } from '../generated/types.ts'
import { internalValue } from './spec-diff.ts'

/**
 * Where a pod that is held back by scheduling gates may go can still be narrowed, by additions only. Puts the old values into `spec`, a copy, so that only
 * other changes are left in it. k8s: pkg/apis/core/validation ValidatePodUpdate, "validations specific to gated pods"
 */
export function takeSteering(out: Finding[], spec: PodSpec, before: Readonly<PodSpec>): void {
  if (!deepEqual(spec.nodeSelector ?? {}, before.nodeSelector ?? {})) {
    if (Object.entries(before.nodeSelector ?? {}).some(([key, value]) => spec.nodeSelector?.[key] !== value))
      out.push(invalid('spec.nodeSelector', spec.nodeSelector ?? (givenEmpty(spec, 'nodeSelector') ? {} : null), 'only additions to spec.nodeSelector are allowed (no mutations or deletions)'))
    if (before.nodeSelector) spec.nodeSelector = before.nodeSelector
    else delete spec.nodeSelector
  }
  const old = before.affinity?.nodeAffinity
  if (deepEqual(spec.affinity?.nodeAffinity, old)) return
  checkNodeAffinity(out, spec.affinity?.nodeAffinity, old, 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms')
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {}
  if (old) spec.affinity = { ...spec.affinity, nodeAffinity: old }
  else if (before.affinity || podAffinity || podAntiAffinity) {
    const { nodeAffinity: _, ...affinity } = spec.affinity!
    spec.affinity = affinity
  } else delete spec.affinity
}

/** k8s: validateNodeAffinityMutation */
function checkNodeAffinity(out: Finding[], now: Readonly<NodeAffinity> | undefined, old: Readonly<NodeAffinity> | undefined, at: string): void {
  const before = old?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const required = now?.requiredDuringSchedulingIgnoredDuringExecution
  const terms = required?.nodeSelectorTerms ?? []
  if (before.length === 0) return
  if (before.length !== terms.length) {
    out.push(invalid(at, internalValue('[]NodeSelectorTerm', terms) ?? (givenEmpty(required, 'nodeSelectorTerms') ? [] : null), 'no additions/deletions to non-empty NodeSelectorTerms list are allowed'))
    return
  }
  terms.forEach((term, i) => {
    if (!onlyAdds(term, before[i]!)) out.push(invalid(`${at}[${i}]`, internalValue('NodeSelectorTerm', term), 'only additions are allowed (no mutations or deletions)'))
  })
}

/** k8s: validateNodeSelectorTermHasOnlyAdditions */
function onlyAdds(now: Readonly<NodeSelectorTerm>, before: Readonly<NodeSelectorTerm>): boolean {
  const { matchExpressions: oldExpressions = [], matchFields: oldFields = [] } = before
  const { matchExpressions = [], matchFields = [] } = now
  if (oldExpressions.length === 0 && oldFields.length === 0) return matchExpressions.length === 0 && matchFields.length === 0
  return deepEqual(matchExpressions.slice(0, oldExpressions.length), oldExpressions) && deepEqual(matchFields.slice(0, oldFields.length), oldFields)
}
