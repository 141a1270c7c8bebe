/** Versions of expressions. k8s: apiserver/pkg/cel/library/semverlib.go, github.com/blang/semver */
import type { CelOpaque } from './cel-values.ts'

const fail = (problem: string): never => {
  throw new Error(problem)
}

/** A semantic version. */
export class CelSemver implements CelOpaque {
  readonly celType = 'kubernetes.Semver'
  readonly major: bigint
  readonly minor: bigint
  readonly patch: bigint
  readonly #pre: readonly string[]
  /** @throws Error in the library's words */
  constructor(text: string, normalize = false) {
    const given = normalize ? normalized(text) : text
    if (given === '') fail('Version string empty')
    const [major, minor, ...rest] = given.split('.')
    if (minor === undefined || rest.length === 0) fail('No Major.Minor.Patch elements found')
    this.major = number(major!, 'major', 'Major')
    this.minor = number(minor!, 'minor', 'Minor')
    let patch = rest.join('.')
    const plus = patch.indexOf('+')
    const build = plus < 0 ? [] : patch.slice(plus + 1).split('.')
    if (plus >= 0) patch = patch.slice(0, plus)
    const dash = patch.indexOf('-')
    this.#pre = dash < 0 ? [] : patch.slice(dash + 1).split('.')
    if (dash >= 0) patch = patch.slice(0, dash)
    this.patch = number(patch, 'patch', 'Patch')
    for (const part of this.#pre) {
      if (part === '') fail('Prerelease is empty')
      if (/^0\d+$/.test(part)) fail(`Numeric PreRelease version must not contain leading zeroes ${JSON.stringify(part)}`)
      if (!/^[0-9A-Za-z-]+$/.test(part)) fail(`Invalid character(s) found in prerelease ${JSON.stringify(part)}`)
    }
    for (const part of build) {
      if (part === '') fail('Build meta data is empty')
      if (!/^[0-9A-Za-z-]+$/.test(part)) fail(`Invalid character(s) found in build meta data ${JSON.stringify(part)}`)
    }
  }
  compare(other: CelSemver): number {
    for (const part of ['major', 'minor', 'patch'] as const) if (this[part] !== other[part]) return this[part] < other[part] ? -1 : 1
    const [mine, theirs] = [this.#pre, other.#pre]
    if (mine.length === 0 || theirs.length === 0) return mine.length === theirs.length ? 0 : mine.length === 0 ? 1 : -1
    for (let i = 0; i < Math.max(mine.length, theirs.length); i++) {
      const [a, b] = [mine[i], theirs[i]]
      if (a === undefined || b === undefined) return a === undefined ? -1 : 1
      if (a === b) continue
      const [numberA, numberB] = [/^\d+$/.test(a), /^\d+$/.test(b)]
      if (numberA && numberB) return BigInt(a) < BigInt(b) ? -1 : 1
      if (numberA !== numberB) return numberA ? -1 : 1
      return a < b ? -1 : 1
    }
    return 0
  }
  equals(other: unknown): boolean {
    return other instanceof CelSemver && this.compare(other) === 0
  }
}

function number(text: string, name: string, title: string): bigint {
  if (!/^\d*$/.test(text)) return fail(`Invalid character(s) found in ${name} number ${JSON.stringify(text)}`)
  if (/^0\d/.test(text)) return fail(`${title} number must not contain leading zeroes ${JSON.stringify(text)}`)
  return text === '' ? fail('strconv.ParseUint: parsing "": invalid syntax') : BigInt(text)
}

/** Without `v` and leading zeroes, and with all three numbers. k8s: normalizeAndParse */
function normalized(text: string): string {
  const [first = '', second, ...rest] = text.replace(/^v/, '').split('.')
  const parts = [first, ...(second === undefined ? [] : [second]), ...(rest.length > 0 ? [rest.join('.')] : [])].map((part) => {
    if (part.length <= 1) return part
    const short = part.replace(/^0+/, '')
    return /^\d/.test(short) ? short : `0${short}`
  })
  if (parts.length < 3 && /[+-]/.test(parts.at(-1)!)) return fail('short version cannot contain PreRelease/Build meta data')
  while (parts.length < 3) parts.push('0')
  return parts.join('.')
}
