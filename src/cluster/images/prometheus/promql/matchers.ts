import { RE2JS } from 're2js'
import { METRIC_NAME, isPlainLabelName, quoted } from '../labels.ts'
import type { Labels } from '../labels.ts'

export type MatchType = '=' | '!=' | '=~' | '!~'

const compiled = new Map<string, RE2JS>()
const MOST_COMPILED = 500

/** A regular expression that must fit the whole text, in RE2's syntax. @throws Error in the words of Go's regexp */
export function anchored(pattern: string): RE2JS {
  const known = compiled.get(pattern)
  if (known) return known
  let made: RE2JS
  try {
    RE2JS.compile(pattern)
    made = RE2JS.compile(`^(?s:${pattern})$`)
  } catch (error) {
    throw new Error(`error parsing regexp: ${(error as Error).message.replace(/^error parsing regexp: /, '')}`)
  }
  if (compiled.size >= MOST_COMPILED) compiled.clear()
  compiled.set(pattern, made)
  return made
}

/** A condition on one label; a missing label is an empty text. */
export class Matcher {
  readonly name: string
  readonly type: MatchType
  readonly value: string
  readonly #matches: (value: string) => boolean

  /** @throws Error where the regular expression is wrong */
  constructor(name: string, type: MatchType, value: string) {
    this.name = name
    this.type = type
    this.value = value
    this.#matches = conditionOf(type, value)
  }

  matches(value: string): boolean {
    return this.#matches(value)
  }

  matchesLabels(labels: Labels): boolean {
    return this.#matches(labels.get(this.name))
  }

  toString(): string {
    return `${isPlainLabelName(this.name) ? this.name : quoted(this.name)}${this.type}${quoted(this.value)}`
  }
}

function conditionOf(type: MatchType, value: string): (text: string) => boolean {
  if (type === '=') return (text) => text === value
  if (type === '!=') return (text) => text !== value
  const wanted = type === '=~'
  // Most expressions are a few words.
  if (/^[\w\-/ ]*(?:\|[\w\-/ ]*)*$/.test(value)) {
    const words = new Set(value.split('|'))
    return (text) => words.has(text) === wanted
  }
  if (value === '.*') return () => wanted
  if (value === '.+') return (text) => (text !== '') === wanted
  const regex = anchored(value)
  const known = new Map<string, boolean>()
  return (text) => {
    let fits = known.get(text)
    if (fits === undefined) {
      fits = regex.matches(text)
      if (known.size > 1000) known.clear()
      known.set(text, fits)
    }
    return fits === wanted
  }
}

/** How a selector of these is written. */
export function selectorText(name: string, matchers: readonly Matcher[]): string {
  const rest = matchers.filter((matcher) => !(name !== '' && matcher.name === METRIC_NAME && matcher.type === '=' && matcher.value === name))
  return rest.length === 0 ? name : `${name}{${rest.join(',')}}`
}
