import type { LabelSelector } from '../kinds/generated/types.ts'

type Labels = Readonly<Record<string, string>> | undefined
type Matcher = (labels: Labels) => boolean

/** Selectors are frozen and live as long as their objects, so each is read once. */
const compiled = new WeakMap<object, Matcher>()
const nothing: Matcher = () => false

/** Whether a selector (absent: selects nothing; empty: everything) matches. k8s: metav1.LabelSelectorAsSelector */
export function selects(selector: Readonly<LabelSelector> | undefined, labels: Labels): boolean {
  return matcherOf(selector)(labels)
}

export function matcherOf(selector: Readonly<LabelSelector> | undefined): Matcher {
  if (!selector) return nothing
  let matcher = Object.isFrozen(selector) ? compiled.get(selector) : undefined
  if (!matcher) {
    matcher = compile(selector)
    if (Object.isFrozen(selector)) compiled.set(selector, matcher)
  }
  return matcher
}

function compile({ matchLabels, matchExpressions }: Readonly<LabelSelector>): Matcher {
  const wanted = matchLabels ?? {}
  const expressions = (matchExpressions ?? []).map(({ key, operator, values = [] }): Matcher => {
    const among = new Set(values)
    switch (operator) {
      case 'In': return (labels) => labels?.[key] !== undefined && among.has(labels[key]!)
      case 'NotIn': return (labels) => labels?.[key] === undefined || !among.has(labels[key]!)
      case 'Exists': return (labels) => labels?.[key] !== undefined
      case 'DoesNotExist': return (labels) => labels?.[key] === undefined
      default: return nothing
    }
  })
  if (expressions.length === 0) return (labels) => holdsAll(wanted, labels)
  return (labels) => holdsAll(wanted, labels) && expressions.every((matches) => matches(labels))
}

/** Whether labels hold all pairs of a plain selector (of a Service or ReplicationController). An absent or empty one matches everything. */
export function holdsAll(pairs: Readonly<Record<string, string>> | undefined, labels: Labels): boolean {
  for (const key in pairs) if (labels?.[key] !== pairs[key]) return false
  return true
}

/** A selector with one more pair. k8s: pkg/util/labels CloneSelectorAndAddLabel */
export function withSelectedLabel(selector: Readonly<LabelSelector> | undefined, key: string, value: string): LabelSelector {
  return { ...selector, matchLabels: { ...selector?.matchLabels, [key]: value } }
}
