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
