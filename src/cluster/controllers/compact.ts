/** A copy without members that are undefined, so that they don't count as set. One level deep. */
export function compact<T extends object>(object: T): T {
  const out: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(object)) if (value !== undefined) out[key] = value
  return out as T
}
