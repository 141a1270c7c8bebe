/** Semantic versions and constraints as charts use them. k8s: Masterminds/semver */

export interface Version {
  major: number
  minor: number
  patch: number
  prerelease: string
  metadata: string
  /** As it was written. */
  original: string
}

const LOOSE = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/
const STRICT = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/

function versionOf(match: RegExpExecArray | null, original: string): Version | undefined {
  if (!match) return undefined
  const [, major, minor, patch, prerelease, metadata] = match
  if (prerelease?.split('.').some((part) => /^0\d+$/.test(part))) return undefined
  return { major: Number(major), minor: Number(minor ?? 0), patch: Number(patch ?? 0), prerelease: prerelease ?? '', metadata: metadata ?? '', original }
}

/** Also `v1` and `1.2`. */
export const parseVersion = (text: string): Version | undefined => versionOf(LOOSE.exec(text), text)
export const parseStrictVersion = (text: string): Version | undefined => versionOf(STRICT.exec(text), text)

export function versionText({ major, minor, patch, prerelease, metadata }: Version): string {
  return `${major}.${minor}.${patch}${prerelease ? `-${prerelease}` : ''}${metadata ? `+${metadata}` : ''}`
}

export function compareVersions(a: Version, b: Version): number {
  for (const part of ['major', 'minor', 'patch'] as const) if (a[part] !== b[part]) return a[part] < b[part] ? -1 : 1
  if (a.prerelease === b.prerelease) return 0
  if (a.prerelease === '') return 1
  if (b.prerelease === '') return -1
  const left = a.prerelease.split('.')
  const right = b.prerelease.split('.')
  for (let i = 0; ; i++) {
    const x = left[i]
    const y = right[i]
    if (x === undefined || y === undefined) return x === y ? 0 : x === undefined ? -1 : 1
    if (x === y) continue
    const numbers = /^\d+$/.test(x) ? /^\d+$/.test(y) ? 'both' : 'left' : /^\d+$/.test(y) ? 'right' : 'none'
    if (numbers === 'both') return Number(x) < Number(y) ? -1 : 1
    if (numbers !== 'none') return numbers === 'left' ? -1 : 1
    return x < y ? -1 : 1
  }
}

const COMPARISON = /(=|!=|>|<|>=|=>|<=|=<|~|~>|\^)?\s*v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?/y

interface Comparison { operator: string; version: Version; minorDirty: boolean; patchDirty: boolean; dirty: boolean; anything: boolean }

/** Alternatives of comparisons that all must hold. */
export type Constraint = Comparison[][]

/** @throws Error `improper constraint: ...` */
export function parseConstraint(text: string): Constraint {
  const improper = () => new Error(`improper constraint: ${JSON.stringify(text)}`)
  const wildcard = (part: string | undefined) => part === undefined || /^[xX*]$/.test(part)
  const ranged = text.replace(/\s*(v?[0-9xX*][^\s,|]*)\s+-\s+(v?[0-9xX*][^\s,|]*)\s*/g, '>=$1,<=$2')
  return ranged.split('||').map((part) => {
    const out: Comparison[] = []
    let at = 0
    const skip = () => { while (/[\s,]/.test(part[at] ?? '')) at++ }
    for (skip(); at < part.length; skip()) {
      COMPARISON.lastIndex = at
      const m = /^(>=|=>|<=|=<|~>|!=|=|>|<|~|\^)?\s*/.exec(part.slice(at))!
      COMPARISON.lastIndex = at + m[0].length
      const found = COMPARISON.exec(part)
      if (!found || found[1] !== undefined) throw improper()
      at = COMPARISON.lastIndex
      const [, , major, minor, patch, prerelease] = found
      const number = (p: string | undefined) => wildcard(p) ? 0 : Number(p)
      const dirty = wildcard(major) || wildcard(minor) || wildcard(patch)
      out.push({
        operator: ({ '=>': '>=', '=<': '<=', '~>': '~' } as Record<string, string>)[m[1] ?? ''] ?? m[1] ?? '', anything: wildcard(major), minorDirty: wildcard(minor), patchDirty: wildcard(patch), dirty,
        version: { major: number(major), minor: number(minor), patch: number(patch), prerelease: prerelease ?? '', metadata: '', original: '' },
      })
      if (at < part.length && !/[\s,]/.test(part[at]!)) throw improper()
    }
    if (out.length === 0 && text.trim() !== '') throw improper()
    return out
  })
}

/** Whether a version is allowed; prereleases only where a constraint names one. */
export function satisfies(version: Version, constraint: Constraint): boolean {
  return constraint.some((all) => all.every((each) => holds(version, each)))
}

function holds(v: Version, { operator, version: c, dirty, minorDirty, patchDirty, anything }: Comparison): boolean {
  if (v.prerelease !== '' && c.prerelease === '') return false
  const order = compareVersions(v, c)
  const tilde = () => {
    if (anything) return true
    if (order < 0) return false
    return v.major === c.major && (minorDirty || v.minor === c.minor)
  }
  switch (operator) {
    case '': case '=': return dirty ? tilde() : order === 0
    case '!=':
      if (!dirty) return order !== 0
      return v.major !== c.major || (!minorDirty && v.minor !== c.minor)
    case '>':
      if (!dirty) return order > 0
      if (v.major !== c.major) return v.major > c.major
      return !minorDirty && patchDirty && v.minor > c.minor
    case '<': return order < 0
    case '>=': return order >= 0
    case '<=':
      if (!dirty) return order <= 0
      if (v.major !== c.major) return v.major < c.major
      return minorDirty || v.minor <= c.minor
    case '~': return tilde()
    default: { // ^
      if (order < 0) return false
      if (c.major > 0 || minorDirty) return v.major === c.major || anything
      if (v.major > 0) return false
      if (c.minor > 0 || patchDirty) return v.minor === c.minor
      if (v.minor > 0) return false
      return v.patch === c.patch
    }
  }
}

/** Whether a version is in a range; neither needs to be well-formed. k8s: chartutil.IsCompatibleRange */
export function isCompatibleRange(constraint: string, version: string): boolean {
  const parsed = parseVersion(version)
  if (!parsed) return false
  try {
    return satisfies(parsed, parseConstraint(constraint))
  } catch {
    return false
  }
}
