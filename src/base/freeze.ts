/** Freezes a tree of plain objects and arrays in place and returns it; stops at parts that are frozen already. */
export function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) freezeTree(value)
  return value
}

/** Most members are plain values, which need no call. */
function freezeTree(value: object): void {
  Object.freeze(value)
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const member: unknown = value[i]
      if (typeof member === 'object' && member !== null && !Object.isFrozen(member)) freezeTree(member)
    }
  } else {
    for (const key in value) {
      const member: unknown = (value as Record<string, unknown>)[key]
      if (typeof member === 'object' && member !== null && !Object.isFrozen(member)) freezeTree(member)
    }
  }
}

/** A deep, mutable copy of plain JSON data. */
export function thaw<T>(value: T): T {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(thaw) as T
  // A spread copies the shape at once; it takes an own `__proto__` along, so that the assignment below finds it.
  const out: Record<string, unknown> = { ...value as Record<string, unknown> }
  for (const key in out) {
    const member = out[key]
    if (typeof member === 'object' && member !== null) out[key] = thaw(member)
  }
  return out as T
}

/** Assigns an own property also when the key is `__proto__`. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true })
  else target[key] = value
}

/** Whether two JSON values are equal, whatever the order of keys. Undefined members count as absent. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false
    for (let i = 0; i < a.length; i++) if (!deepEqual(a[i], b[i])) return false
    return true
  }
  if (Array.isArray(b)) return false
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  for (const key in left) {
    const member = left[key]
    if (member === right[key]) continue
    if (typeof member !== 'object' || member === null || !deepEqual(member, right[key])) return false
  }
  for (const key in right) if (right[key] !== undefined && left[key] === undefined) return false
  return true
}
