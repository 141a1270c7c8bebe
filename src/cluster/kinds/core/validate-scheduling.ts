/** Rules for where pods may go: affinity, tolerations, spreading. k8s: pkg/apis/core/validation */
import { checkName, checkQualifiedName } from '../checks.ts'
import { duplicate, forbidden, invalid, notSupported, required, type Finding } from '../findings.ts'
import { labelName, labelValueProblems, subdomainName } from '../names.ts'
import { validateLabelSelector } from '../validate-metadata.ts'
import type { Affinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodAffinityTerm, Toleration, TopologySpreadConstraint } from '../generated/types.ts'

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

/** k8s: validateTaintEffect */
export function checkTaintEffect(out: Finding[], effect: string | undefined, allowEmpty: boolean, at: string): void {
  if (!allowEmpty && !effect) out.push(required(at))
  else if (!EFFECTS.includes(effect ?? '')) out.push(notSupported(at, effect ?? '', EFFECTS))
}

/** k8s: ValidateTolerations */
export function validateTolerations(out: Finding[], tolerations: readonly Toleration[] | undefined, at: string): void {
  ;(tolerations ?? []).forEach(({ key = '', operator = '', value = '', effect = '', tolerationSeconds }, i) => {
    const here = `${at}[${i}]`
    if (key) checkQualifiedName(out, key, `${here}.key`)
    else if ((operator as string) !== 'Exists') out.push(invalid(`${here}.operator`, operator, 'operator must be Exists when `key` is empty, which means "match all values and all keys"'))
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') out.push(invalid(`${here}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"))
    switch (operator as string) {
      case 'Equal': case '': {
        const problems = labelValueProblems(value)
        if (problems.length > 0) out.push(invalid(`${here}.operator`, value, problems.join(';')))
        break
      }
      case 'Exists':
        if (value) out.push(invalid(`${here}.operator`, value, "value must be empty when `operator` is 'Exists'"))
        break
      case 'Lt': case 'Gt':
        out.push(notSupported(`${here}.operator`, operator, ['Equal', 'Exists', 'Lt', 'Gt']))
        break
      default:
        out.push(notSupported(`${here}.operator`, operator, ['Equal', 'Exists']))
    }
    if (effect) checkTaintEffect(out, effect, true, `${here}.effect`)
  })
}

function checkNodeRequirement(out: Finding[], requirement: Readonly<NodeSelectorRequirement>, allowBadValues: boolean, at: string): void {
  const values = requirement.values ?? []
  switch (requirement.operator as string) {
    case 'In': case 'NotIn':
      if (values.length === 0) out.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
      break
    case 'Exists': case 'DoesNotExist':
      if (values.length > 0) out.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
      break
    case 'Gt': case 'Lt':
      if (values.length !== 1) out.push(required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"))
      break
    default:
      out.push(invalid(`${at}.operator`, requirement.operator, 'not a valid selector operator'))
  }
  checkQualifiedName(out, requirement.key, `${at}.key`)
  if (!allowBadValues) {
    values.forEach((value, i) => {
      for (const problem of labelValueProblems(value)) out.push(invalid(`${at}.values[${i}]`, value, problem))
    })
  }
}

function checkNodeTerm(out: Finding[], term: Readonly<NodeSelectorTerm>, allowBadValues: boolean, at: string): void {
  ;(term.matchExpressions ?? []).forEach((requirement, i) => checkNodeRequirement(out, requirement, allowBadValues, `${at}.matchExpressions[${i}]`))
  ;(term.matchFields ?? []).forEach((requirement, i) => {
    const here = `${at}.matchFields[${i}]`
    const values = requirement.values ?? []
    if (requirement.operator === 'In' || requirement.operator === 'NotIn') {
      if (values.length !== 1) out.push(required(`${here}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"))
    } else out.push(invalid(`${here}.operator`, requirement.operator, 'not a valid selector operator'))
    if (requirement.key !== 'metadata.name') out.push(invalid(`${here}.key`, requirement.key, 'not a valid field selector key'))
    else values.forEach((value, j) => checkName(out, value, subdomainName, `${here}.values[${j}]`))
  })
}

/** k8s: ValidateNodeSelector */
export function validateNodeSelector(out: Finding[], selector: Readonly<NodeSelector>, at: string, allowBadValues = false): void {
  const terms = selector.nodeSelectorTerms ?? []
  if (terms.length === 0) out.push(required(`${at}.nodeSelectorTerms`, 'must have at least one node selector term'))
  terms.forEach((term, i) => checkNodeTerm(out, term, allowBadValues, `${at}.nodeSelectorTerms[${i}]`))
}

function checkPodTerm(out: Finding[], term: Readonly<PodAffinityTerm>, at: string): void {
  out.push(...validateLabelSelector(term.labelSelector, `${at}.labelSelector`), ...validateLabelSelector(term.namespaceSelector, `${at}.namespaceSelector`))
  for (const name of term.namespaces ?? []) checkName(out, name, labelName, `${at}.namespace`)
  checkLabelKeys(out, term.matchLabelKeys, term.mismatchLabelKeys, term.labelSelector, at)
  if (!term.topologyKey) out.push(required(`${at}.topologyKey`, 'can not be empty'))
  checkQualifiedName(out, term.topologyKey ?? '', `${at}.topologyKey`)
}

interface Selector {
  matchLabels?: Record<string, string>
  matchExpressions?: { key: string }[]
}

/** k8s: ValidateMatchLabelKeysAndMismatchLabelKeys */
function checkLabelKeys(out: Finding[], match: readonly string[] | undefined, mismatch: readonly string[] | undefined, selector: Selector | undefined, at: string): void {
  if (!match?.length && !mismatch?.length) return
  for (const [keys, name] of [[match, 'matchLabelKeys'], [mismatch, 'mismatchLabelKeys']] as const) {
    if (!keys?.length) continue
    if (!selector) out.push(forbidden(`${at}.${name}`, 'must not be specified when labelSelector is not set'))
    else keys.forEach((key, i) => checkQualifiedName(out, key, `${at}.${name}[${i}]`))
  }
  const used = new Set(Object.keys(selector?.matchLabels ?? {}))
  for (const { key } of selector?.matchExpressions ?? []) {
    const i = match?.indexOf(key) ?? -1
    if (i >= 0 && used.has(key)) out.push(invalid(`${at}[${i}]`, key, 'exists in both matchLabelKeys and labelSelector'))
    used.add(key)
  }
  ;(match ?? []).forEach((key, i) => {
    if (mismatch?.includes(key)) out.push(invalid(`${at}.matchLabelKeys[${i}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys'))
  })
}

/** k8s: validateAffinity */
export function validateAffinity(out: Finding[], affinity: Readonly<Affinity> | undefined, at: string): void {
  if (!affinity) return
  const node = affinity.nodeAffinity
  if (node) {
    const here = `${at}.nodeAffinity`
    if (node.requiredDuringSchedulingIgnoredDuringExecution) validateNodeSelector(out, node.requiredDuringSchedulingIgnoredDuringExecution, `${here}.requiredDuringSchedulingIgnoredDuringExecution`)
    ;(node.preferredDuringSchedulingIgnoredDuringExecution ?? []).forEach((preferred, i) => {
      const term = `${here}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
      if (preferred.weight <= 0 || preferred.weight > 100) out.push(invalid(`${term}.weight`, preferred.weight, 'must be in the range 1-100'))
      checkNodeTerm(out, preferred.preference, true, `${term}.preference`)
    })
  }
  for (const name of ['podAffinity', 'podAntiAffinity'] as const) {
    const pods = affinity[name]
    if (!pods) continue
    ;(pods.requiredDuringSchedulingIgnoredDuringExecution ?? []).forEach((term, i) => checkPodTerm(out, term, `${at}.${name}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`))
    ;(pods.preferredDuringSchedulingIgnoredDuringExecution ?? []).forEach((preferred, i) => {
      const here = `${at}.${name}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
      if (preferred.weight <= 0 || preferred.weight > 100) out.push(invalid(`${here}.weight`, preferred.weight, 'must be in the range 1-100'))
      checkPodTerm(out, preferred.podAffinityTerm, `${here}.podAffinityTerm`)
    })
  }
}

/** k8s: validateTopologySpreadConstraints */
export function validateTopologySpread(out: Finding[], constraints: readonly TopologySpreadConstraint[] | undefined, at: string): void {
  ;(constraints ?? []).forEach((constraint, i) => {
    const here = `${at}[${i}]`
    if (constraint.maxSkew <= 0) out.push(invalid(`${here}.maxSkew`, constraint.maxSkew, 'must be greater than zero'))
    if (!constraint.topologyKey) out.push(required(`${here}.topologyKey`, 'can not be empty'))
    const action = constraint.whenUnsatisfiable as string
    if (action !== 'DoNotSchedule' && action !== 'ScheduleAnyway') out.push(notSupported(`${here}.whenUnsatisfiable`, action, ['DoNotSchedule', 'ScheduleAnyway']))
    if (constraints!.slice(i + 1).some((other) => other.topologyKey === constraint.topologyKey && other.whenUnsatisfiable === constraint.whenUnsatisfiable)) {
      out.push(duplicate(`${here}.{topologyKey, whenUnsatisfiable}`, `{${constraint.topologyKey}, ${action}}`))
    }
    if (constraint.minDomains !== undefined) {
      if (constraint.minDomains <= 0) out.push(invalid(`${here}.minDomains`, constraint.minDomains, 'must be greater than zero'))
      if (action !== 'DoNotSchedule') out.push(invalid(`${here}.minDomains`, constraint.minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${action}`))
    }
    for (const policy of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      const value = constraint[policy] as string | undefined
      if (value !== undefined && value !== 'Ignore' && value !== 'Honor') out.push(notSupported(`${here}.${policy}`, value, ['Honor', 'Ignore']))
    }
    checkLabelKeys(out, constraint.matchLabelKeys, undefined, constraint.labelSelector, here)
    out.push(...validateLabelSelector(constraint.labelSelector, `${here}.labelSelector`))
  })
}
