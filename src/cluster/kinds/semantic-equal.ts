/** Equality of API objects, to which what is empty is the same as what is missing. k8s: apimachinery/pkg/api/equality Semantic */
export function semanticEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (isEmpty(a) || isEmpty(b)) return isEmpty(a) && isEmpty(b)
  if (typeof a !== 'object' || typeof b !== 'object') return false
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => semanticEqual(item, b[i]))
  const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>]
  for (const key of Object.keys(one)) if (!semanticEqual(one[key], other[key])) return false
  for (const key of Object.keys(other)) if (!Object.hasOwn(one, key) && !isEmpty(other[key])) return false
  return true
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true
  if (typeof value !== 'object') return false
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0
}
