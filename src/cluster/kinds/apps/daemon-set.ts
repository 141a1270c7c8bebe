import { deepEqual } from '../../../base/freeze.ts'
import { selectorCell, templateCells } from '../cells.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { checkImmutable, checkNotNegative } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import type { DaemonSet } from '../generated/types.ts'
import { invalid, notSupported, required, type Finding } from '../findings.ts'
import { quoted } from '../go-text.ts'
import { labelSelectorOf, labelsText, matchesLabelSelector } from '../label-selector.ts'
import { bumpGeneration, keep, specAndStatus } from '../strategies.ts'
import { validateLabelSelector } from '../validate-metadata.ts'
import { validatePodTemplate } from '../core/validate-pod.ts'
import { checkAlwaysRestarts, checkAtMost100Percent, checkCollisionCount, checkCounts, checkIntOrPercent, intOrPercentValue, shownLabels } from './validate-workload.ts'
import { templateWarnings } from '../core/pod-warnings.ts'

/** Where apps/v1 keeps the generation of the template. */
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation'

function setTemplateGeneration(draft: DaemonSet, generation: number): void {
  draft.metadata.annotations = { ...draft.metadata.annotations, [TEMPLATE_GENERATION]: String(generation) }
}

export const daemonSet = defineKind<DaemonSet>({
  group: 'apps', version: 'v1', resource: 'daemonsets',
  defaults(draft) {
    const strategy = (draft.spec.updateStrategy ??= {})
    strategy.type ??= 'RollingUpdate'
    if (strategy.type === 'RollingUpdate') {
      strategy.rollingUpdate ??= {}
      strategy.rollingUpdate.maxUnavailable ??= 1
      strategy.rollingUpdate.maxSurge ??= 0
    }
    if (strategy.rollingUpdate) {
      // Inside the server these are no pointers.
      strategy.rollingUpdate.maxUnavailable ??= 0
      strategy.rollingUpdate.maxSurge ??= 0
    }
    draft.spec.revisionHistoryLimit ??= 10
    // k8s: pkg/apis/apps/v1 Convert_apps_DaemonSet_To_v1_DaemonSet: inside the server it is a number, that comes out again as an annotation
    if (draft.metadata.annotations?.[TEMPLATE_GENERATION] === undefined) setTemplateGeneration(draft, 0)
    defaultPodTemplate(draft.spec.template)
    // The version that is served always has the annotation, so who writes the object owns it. k8s: pkg/apis/apps/v1 Convert_apps_DaemonSet_To_v1_DaemonSet
    if (draft.metadata.annotations?.[TEMPLATE_GENERATION] === undefined) setTemplateGeneration(draft, 0)
  },
  // k8s: pkg/apis/apps/v1 Convert_v1_DaemonSet_To_apps_DaemonSet
  conversionProblem({ metadata }) {
    const given = metadata.annotations?.[TEMPLATE_GENERATION]
    if (given === undefined) return undefined
    const problem = !/^[+-]?\d+$/.test(given) ? 'invalid syntax' : BigInt.asIntN(64, BigInt(given)) !== BigInt(given) ? 'value out of range' : undefined
    return problem && `strconv.ParseInt: parsing ${quoted(given)}: ${problem}`
  },
  validate: validateDaemonSet,
  validateUpdate(object, old) {
    const out: Finding[] = []
    checkImmutable(out, object.spec.selector, old.spec.selector, 'spec.selector')
    return out.concat(validateDaemonSet(object))
  },
  validateStatusUpdate(object, old) {
    const out: Finding[] = []
    checkCounts(out, (object.status ?? {}) as never, ['currentNumberScheduled', 'numberMisscheduled', 'desiredNumberScheduled', 'numberReady', 'observedGeneration', 'updatedNumberScheduled', 'numberAvailable', 'numberUnavailable', 'collisionCount'], [])
    checkCollisionCount(out, object.status, old.status)
    return out
  },
  strategy: {
    ...specAndStatus<DaemonSet>('io.k8s.api.apps.v1.DaemonSetStatus', {}),
    ...templateWarnings<DaemonSet>((object) => object.spec.template, 'spec.template', false),
    beforeCreate(draft) {
      specAndStatus<DaemonSet>('io.k8s.api.apps.v1.DaemonSetStatus').beforeCreate(draft, undefined as never)
      if (!(Number(draft.metadata.annotations?.[TEMPLATE_GENERATION]) > 0)) setTemplateGeneration(draft, 1)
    },
    beforeStatusUpdate(draft, old, context) {
      specAndStatus<DaemonSet>('io.k8s.api.apps.v1.DaemonSetStatus').beforeStatusUpdate(draft, old, context)
      const before = old.metadata.annotations?.[TEMPLATE_GENERATION]
      if (draft.metadata.annotations?.[TEMPLATE_GENERATION] !== before && before !== undefined) setTemplateGeneration(draft, Number(before))
    },
    beforeUpdate(draft, old) {
      keep(draft, old, 'status')
      const before = Number(old.metadata.annotations?.[TEMPLATE_GENERATION] ?? 0)
      const templateChanged = !deepEqual(draft.spec.template, old.spec.template)
      setTemplateGeneration(draft, templateChanged ? before + 1 : before)
      bumpGeneration(draft, old, !deepEqual(draft.spec, old.spec))
    },
  },
  cells: {
    Desired: ({ status }) => status?.desiredNumberScheduled ?? 0, Current: ({ status }) => status?.currentNumberScheduled ?? 0, Ready: ({ status }) => status?.numberReady ?? 0,
    'Up-to-date': ({ status }) => status?.updatedNumberScheduled ?? 0, Available: ({ status }) => status?.numberAvailable ?? 0,
    'Node Selector': ({ spec }) => labelsText(spec.template?.spec?.nodeSelector),
    ...templateCells<DaemonSet>((object) => object.spec.template),
    ...selectorCell<DaemonSet>((object) => object.spec.selector),
  },
})

/** k8s: ValidateDaemonSetSpec */
function validateDaemonSet({ spec }: Readonly<DaemonSet>): Finding[] {
  const out: Finding[] = []
  out.push(...validateLabelSelector(spec.selector, 'spec.selector'))
  let usable = true
  try {
    labelSelectorOf(spec.selector)
  } catch {
    usable = false
  }
  const labels = spec.template?.metadata?.labels
  if (usable && !matchesLabelSelector(spec.selector, labels)) out.push(invalid('spec.template.metadata.labels', shownLabels(spec.template), '`selector` does not match template `labels`'))
  if (spec.selector && Object.keys(spec.selector.matchLabels ?? {}).length + (spec.selector.matchExpressions?.length ?? 0) === 0) out.push(invalid('spec.selector', spec.selector, 'empty selector is invalid for daemonset'))
  validatePodTemplate(out, spec.template, 'spec.template')
  checkAlwaysRestarts(out, spec.template, 'spec.template', 'DaemonSet')
  checkNotNegative(out, spec.minReadySeconds, 'spec.minReadySeconds')
  const strategy = spec.updateStrategy ?? {}
  const at = 'spec.updateStrategy.rollingUpdate'
  if (strategy.type === 'RollingUpdate') {
    const rolling = strategy.rollingUpdate
    if (!rolling) out.push(required(at))
    else {
      checkIntOrPercent(out, rolling.maxUnavailable, `${at}.maxUnavailable`)
      checkIntOrPercent(out, rolling.maxSurge, `${at}.maxSurge`)
      checkAtMost100Percent(out, rolling.maxUnavailable, `${at}.maxUnavailable`)
      checkAtMost100Percent(out, rolling.maxSurge, `${at}.maxSurge`)
      const unavailable = intOrPercentValue(rolling.maxUnavailable) !== 0
      const surge = intOrPercentValue(rolling.maxSurge) !== 0
      if (unavailable && surge) out.push(invalid(`${at}.maxSurge`, rolling.maxSurge, 'may not be set when maxUnavailable is non-zero'))
      if (!unavailable && !surge) out.push(required(`${at}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'))
    }
  } else if ((strategy.type as string) !== 'OnDelete') {
    out.push(notSupported('spec.updateStrategy', { Type: strategy.type, RollingUpdate: strategy.rollingUpdate ? { MaxUnavailable: strategy.rollingUpdate.maxUnavailable, MaxSurge: strategy.rollingUpdate.maxSurge } : null }, ['RollingUpdate', 'OnDelete']))
  }
  checkNotNegative(out, spec.revisionHistoryLimit, 'spec.revisionHistoryLimit')
  return out
}
