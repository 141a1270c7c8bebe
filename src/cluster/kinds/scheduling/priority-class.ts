import { defineKind } from '../define-kind.ts'
import type { PriorityClass } from '../generated/types.ts'
import { forbidden, invalid, notSupported, required, type Finding } from '../findings.ts'
import { countedGeneration } from '../strategies.ts'
import { IMMUTABLE } from '../validate-metadata.ts'

const SYSTEM_PREFIX = 'system-'
const HIGHEST_USER_VALUE = 1_000_000_000
/** k8s: scheduling.SystemPriorityClasses */
const SYSTEM_CLASSES: ReadonlyMap<string, number> = new Map([['system-node-critical', 2_000_001_000], ['system-cluster-critical', 2_000_000_000]])

/** k8s: IsKnownSystemPriorityClass */
function systemProblem(name: string, { value, globalDefault }: Readonly<PriorityClass>): string | undefined {
  const known = SYSTEM_CLASSES.get(name)
  if (known === undefined) return `${name} is not a known system priority class`
  if (known !== value) return `value of ${name} PriorityClass must be ${known}`
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined
}

/** k8s: ValidatePriorityClass */
function validatePriorityClass(object: Readonly<PriorityClass>): Finding[] {
  const out: Finding[] = []
  const { name = '' } = object.metadata
  if (name.startsWith(SYSTEM_PREFIX)) {
    const problem = systemProblem(name, object)
    if (problem) out.push(forbidden('metadata.name', `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only. error: ${problem}`))
  } else if ((object.value ?? 0) > HIGHEST_USER_VALUE) out.push(forbidden('value', `maximum allowed value of a user defined priority is ${HIGHEST_USER_VALUE}`))
  const policy = object.preemptionPolicy
  if ((policy as string | undefined) === '') out.push(required('preemptionPolicy'))
  else if (policy !== undefined && policy !== 'PreemptLowerPriority' && policy !== 'Never') out.push(notSupported('preemptionPolicy', policy, ['PreemptLowerPriority', 'Never']))
  return out
}

/** k8s: ValidatePriorityClassUpdate */
function validatePriorityClassUpdate(object: Readonly<PriorityClass>, old: Readonly<PriorityClass>): Finding[] {
  const out: Finding[] = []
  if (object.value !== old.value) out.push(forbidden('value', 'may not be changed in an update.'))
  if (object.preemptionPolicy !== old.preemptionPolicy) out.push(invalid('preemptionPolicy', object.preemptionPolicy, IMMUTABLE))
  return out
}

export const priorityClass = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io', version: 'v1', resource: 'priorityclasses',
  defaults(draft) {
    draft.preemptionPolicy ??= 'PreemptLowerPriority'
  },
  validate: validatePriorityClass,
  validateUpdate: validatePriorityClassUpdate,
  strategy: countedGeneration<PriorityClass>(),
  cells: { Value: (object) => object.value, 'Global-Default': (object) => object.globalDefault ?? false, PreemptionPolicy: (object) => object.preemptionPolicy ?? '' },
})
