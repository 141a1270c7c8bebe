/** Changes that are told at most, and characters of a value. */
const MAX_CHANGES = 20
const MAX_TEXT = 120

/** What differs between two objects, a line for each place: `spec.priority: 0`, or the path alone where something was removed. */
export function changesBetween(before: unknown, after: unknown): string[] {
  const out: string[] = []
  compare('', before, after, out)
  return out.length > MAX_CHANGES ? [...out.slice(0, MAX_CHANGES), '…'] : out
}

function compare(path: string, before: unknown, after: unknown, out: string[]): void {
  if (before === after || out.length > MAX_CHANGES) return
  if (after === undefined) return void out.push(path)
  if (isObject(before) && isObject(after) && Array.isArray(before) === Array.isArray(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      compare(Array.isArray(after) ? `${path}[${key}]` : /^[\w-]+$/.test(key) ? `${path}${path ? '.' : ''}${key}` : `${path}[${JSON.stringify(key)}]`, before[key], after[key], out)
    return
  }
  const text = JSON.stringify(after)
  out.push(`${path}: ${text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text}`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
