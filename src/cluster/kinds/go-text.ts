/** How Go prints values: fmt's %v and encoding/json. */

/** fmt.Sprint of JSON data: maps as `map[a:1 b:2]`, lists as `[1 2]`. */
export function goSprint(value: unknown): string {
  if (value === null || value === undefined) return '<nil>'
  if (Array.isArray(value)) return `[${value.map(goSprint).join(' ')}]`
  if (typeof value === 'object') return `map[${Object.keys(value).sort().map((k) => `${k}:${goSprint((value as Record<string, unknown>)[k])}`).join(' ')}]`
  if (typeof value === 'number') return goFloat(value)
  return String(value)
}

/** Integers plainly, large and small fractions with an exponent of at least two digits. */
export function goFloat(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? String(value) : goFloat64(value)
}

/** %v of a float64: an exponent from a million on. k8s: strconv.FormatFloat 'g' with as many digits as it takes */
export function goFloat64(value: number): string {
  const [digits, exponent] = value.toExponential().split('e') as [string, string]
  const power = Number(exponent)
  if (power >= -4 && power < 6) return Object.is(value, -0) ? '-0' : String(value)
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

/** encoding/json with sorted keys; `<`, `>`, `&` escaped as Go does. Undefined members are left out. */
export function goJson(value: unknown, indent = ''): string {
  return escapeHtml(JSON.stringify(sortKeys(value), null, indent) ?? 'null')
}

export function escapeHtml(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

export function sortKeys(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(sortKeys)
  const out: Record<string, unknown> = {}
  // Keys that look like array indexes come first in JavaScript objects whatever the order of assignment; a Map would not survive JSON.stringify.
  for (const key of Object.keys(value).sort(byBytes)) {
    const child = (value as Record<string, unknown>)[key]
    if (key === '__proto__') Object.defineProperty(out, key, { value: sortKeys(child), enumerable: true, writable: true, configurable: true })
    else out[key] = sortKeys(child)
  }
  return out
}

const byBytes = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0

const ESCAPES: Record<string, string> = { '\x07': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v', '"': '\\"', '\\': '\\\\' }

const unseen = (code: number) => code < 0x80 ? `\\x${code.toString(16).padStart(2, '0')}` : code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`

/** %q */
export function quoted(text: string): string {
  // What can't be seen is told by its number.
  return `"${text.replace(/["\\\x00-\x1f\x7f]|(?! )[\p{C}\p{Z}]/gu, (c) => ESCAPES[c] ?? unseen(c.codePointAt(0)!))}"`
}
