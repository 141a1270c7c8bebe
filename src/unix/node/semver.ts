/** A version's three numbers. */
type Triple = readonly [major: number, minor: number, patch: number]

function triple(text: string): Triple | undefined {
  const [, major, minor, patch] = /^v?(\d+)\.(\d+)\.(\d+)/.exec(text) ?? []
  return major === undefined ? undefined : [Number(major), Number(minor), Number(patch)]
}

function compare(a: Triple, b: Triple): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
}

/** Whether a version is in a range as package.json writes it: `^1.2.3`, `~1.2`, `1.x`, `>=1 <3`, `*`, `a || b`. */
export function satisfies(version: string, range: string): boolean {
  const own = triple(version)
  return own !== undefined && range.split('||').some((part) => part.replace(/([<>=~^])\s+/g, '$1').trim().split(/\s+/).every((comparator) => holds(own, comparator)))
}

function holds(own: Triple, comparator: string): boolean {
  if (comparator === '' || comparator === '*' || comparator === 'latest' || comparator === 'x') return true
  const [, sign = '', major, minor, patch] = /^([<>]=?|=|~|\^)?v?(\d+|x|\*)(?:\.(\d+|x|\*))?(?:\.(\d+|x|\*))?/.exec(comparator) ?? []
  if (major === undefined) return false
  const isGiven = (part: string | undefined) => part !== undefined && part !== 'x' && part !== '*'
  if (!isGiven(major)) return true
  const low: Triple = [Number(major), isGiven(minor) ? Number(minor) : 0, isGiven(patch) ? Number(patch) : 0]
  // The first version that is too high for what was left open.
  const above: Triple = !isGiven(minor) ? [low[0] + 1, 0, 0] : !isGiven(patch) ? [low[0], low[1] + 1, 0] : [low[0], low[1], low[2] + 1]
  switch (sign) {
    case '>=': return compare(own, low) >= 0
    case '>': return compare(own, above) >= 0
    case '<': return compare(own, low) < 0
    case '<=': return compare(own, above) < 0
    case '~': return compare(own, low) >= 0 && compare(own, isGiven(minor) ? [low[0], low[1] + 1, 0] : [low[0] + 1, 0, 0]) < 0
    case '^': return compare(own, low) >= 0 && compare(own, low[0] > 0 || !isGiven(minor) ? [low[0] + 1, 0, 0] : low[1] > 0 || !isGiven(patch) ? [0, low[1] + 1, 0] : [0, 0, low[2] + 1]) < 0
    default: return compare(own, low) >= 0 && compare(own, above) < 0
  }
}
