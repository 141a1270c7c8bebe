/** Whether labels fit. */
export type LabelMatcher = (labels: Record<string, string>) => boolean

/**
 * Parses a label selector for use on this side: `a=b,c!=d,e in (f,g),!h,i`.
 * @throws Error in the server's words, roughly
 */
export function parseSelector(text: string): LabelMatcher {
  const requirements = splitRequirements(text).map(parseRequirement)
  return (labels) => requirements.every((r) => r(labels))
}

/** At commas outside of parentheses. */
function splitRequirements(text: string): string[] {
  const out: string[] = []
  let depth = 0
  let current = ''
  for (const c of text) {
    if (c === '(') depth++
    if (c === ')') depth--
    if (c === ',' && depth === 0) { out.push(current); current = '' } else current += c
  }
  if (current.trim() || out.length > 0) out.push(current)
  return out.map((p) => p.trim()).filter(Boolean)
}

function parseRequirement(text: string): LabelMatcher {
  let m: RegExpExecArray | null
  if ((m = /^!\s*([^\s=!()<>]+)$/.exec(text))) { const key = m[1]!; return (l) => !(key in l) }
  if ((m = /^([^\s=!()<>]+)$/.exec(text))) { const key = m[1]!; return (l) => key in l }
  if ((m = /^([^\s=!()<>]+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(text))) {
    const [, key, operator, list] = m
    const values = new Set(list!.split(',').map((v) => v.trim()))
    return operator === 'in' ? (l) => key! in l && values.has(l[key!]!) : (l) => !(key! in l) || !values.has(l[key!]!)
  }
  if ((m = /^([^\s=!()<>]+)\s*(==|=|!=|<|>)\s*([^\s=!()<>]*)$/.exec(text))) {
    const [, key, operator, value] = m
    switch (operator) {
      case '!=': return (l) => l[key!] !== value
      case '<': return (l) => key! in l && Number(l[key!]) < Number(value)
      case '>': return (l) => key! in l && Number(l[key!]) > Number(value)
      default: return (l) => l[key!] === value
    }
  }
  throw new Error(`unable to parse requirement: ${text}`)
}

/** The text of a LabelSelector as kubectl shows it: `a=b,c in (d)`, `<none>`. k8s: metav1.FormatLabelSelector */
export function formatLabelSelector(selector: { matchLabels?: Record<string, string>; matchExpressions?: { key: string; operator: string; values?: string[] }[] } | null | undefined): string {
  if (!selector) return '<none>'
  const parts: { key: string; text: string }[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` }))
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const list = [...values].sort().join(',')
    parts.push({ key, text: operator === 'In' ? `${key} in (${list})` : operator === 'NotIn' ? `${key} notin (${list})` : operator === 'Exists' ? key : `!${key}` })
  }
  const text = parts.sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0).map((p) => p.text).join(',')
  return text || '<none>'
}

/** A LabelSelector as a query parameter: {@link formatLabelSelector} without the word for none. */
export function selectorQuery(selector: Parameters<typeof formatLabelSelector>[0]): string {
  const text = formatLabelSelector(selector)
  return text === '<none>' ? '' : text
}

/** `a=b,c=d`, sorted; `<none>` without labels. k8s: labels.FormatLabels */
export function formatLabels(labels: Record<string, string> | undefined): string {
  const entries = Object.entries(labels ?? {}).sort(([a], [b]) => a < b ? -1 : 1)
  return entries.length > 0 ? entries.map(([k, v]) => `${k}=${v}`).join(',') : '<none>'
}
