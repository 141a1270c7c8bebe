import { parseDurationMs } from './duration.ts'

export type FlagType = 'string' | 'bool' | 'int' | 'int32' | 'int64' | 'duration' | 'stringSlice' | 'stringArray' | 'tristate' | 'mapStringString' | 'stringToString' | 'moduleLevels'

/** One flag of a command. */
export interface FlagSpec {
  name: string
  /** One letter or empty. */
  short: string
  type: FlagType
  defaultText: string
  /** The value when the flag stands alone; empty where a value is required. */
  noOptionText: string
  hidden: boolean
  deprecated: boolean
}

/** Parsed flags with typed access. Asking for a flag that the command doesn't have gives its type's zero. */
export class FlagValues {
  readonly #values = new Map<string, unknown>()
  readonly #changed = new Set<string>()
  /** What the command line gave, in its order. */
  readonly given: { name: string; text: string }[] = []

  constructor(specs: readonly FlagSpec[]) {
    for (const spec of specs) this.#values.set(spec.name, convert(spec, spec.defaultText, undefined))
  }

  /** @throws Error in pflag's words. */
  set(spec: FlagSpec, text: string): void {
    const before = this.#changed.has(spec.name) ? this.#values.get(spec.name) : undefined
    try {
      this.#values.set(spec.name, convert(spec, text, before))
    } catch (error) {
      const shown = spec.short ? `-${spec.short}, --${spec.name}` : `--${spec.name}`
      throw new Error(`invalid argument ${JSON.stringify(text)} for "${shown}" flag: ${(error as Error).message}`)
    }
    this.#changed.add(spec.name)
  }

  has(name: string): boolean { return this.#values.has(name) }
  changed(name: string): boolean { return this.#changed.has(name) }
  str(name: string): string { return (this.#values.get(name) as string | undefined) ?? '' }
  bool(name: string): boolean { const v = this.#values.get(name); return v === true || v === 'true' }
  int(name: string): number { return (this.#values.get(name) as number | undefined) ?? 0 }
  list(name: string): string[] { const v = this.#values.get(name); return Array.isArray(v) ? v as string[] : [] }
  map(name: string): Record<string, string> { const v = this.#values.get(name); return v && typeof v === 'object' && !Array.isArray(v) ? v as Record<string, string> : {} }
  /** Milliseconds. */
  duration(name: string): number { return (this.#values.get(name) as number | undefined) ?? 0 }
  /** Overrides a value from inside a command. */
  put(name: string, value: string | boolean | number | string[]): void { this.#values.set(name, value) }
}

const LIMITS: Record<string, bigint> = { int: 63n, int32: 31n, int64: 63n }

function convert(spec: FlagSpec, text: string, before: unknown): unknown {
  switch (spec.type) {
    case 'string': return text
    case 'moduleLevels': return checkedModuleLevels(text)
    case 'bool': return parseBool(text)
    case 'tristate': return text === '' ? '' : String(parseBool(text))
    case 'int': case 'int32': case 'int64': return parseInteger(text, LIMITS[spec.type]!)
    case 'duration': return spec.name === 'log-flush-frequency' ? standardDuration(text) : parseDurationMs(text)
    case 'stringArray': return text === '[]' && before === undefined && spec.defaultText === '[]' ? [] : [...((before as string[] | undefined) ?? []), text]
    case 'stringSlice': {
      if (before === undefined && /^\[.*\]$/.test(text) && text === spec.defaultText) return text === '[]' ? [] : text.slice(1, -1).split(',')
      return [...((before as string[] | undefined) ?? []), ...splitCsv(text)]
    }
    case 'mapStringString': case 'stringToString': {
      if (text === '' || text === '[]') return {}
      const out: Record<string, string> = { ...(before as Record<string, string> | undefined) }
      for (const pair of splitCsv(text)) {
        const at = pair.indexOf('=')
        if (at < 0) throw new Error(spec.type === 'mapStringString' ? 'malformed pair, expect string=string' : `${pair} must be formatted as key=value`)
        out[pair.slice(0, at)] = pair.slice(at + 1)
      }
      return out
    }
  }
}

/** File names with levels of `-v`, separated by commas. @throws Error in klog's words. k8s: klog parseModuleSpec */
function checkedModuleLevels(text: string): string {
  for (const part of text.split(',')) {
    if (part === '') continue
    const level = /^[^=]+=([+-]?\d+)$/.exec(part)?.[1]
    if (level === undefined || Math.abs(Number(level)) > 0x7fff_ffff) throw new Error('syntax error: expect comma-separated list of filename=N')
    if (Number(level) < 0) throw new Error('negative value for vmodule level')
  }
  return text
}

/** A duration flag of Go's own flag package, which says less about what is wrong. */
function standardDuration(text: string): number {
  try {
    return parseDurationMs(text)
  } catch {
    throw new Error('parse error')
  }
}

/** Go's strconv.ParseBool. */
export function parseBool(text: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false
  throw new Error(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`)
}

function parseInteger(text: string, bits: bigint): number {
  // Base prefixes and underscores between digits, as in Go's source text.
  if (!/^[+-]?(0[xX](_?[0-9a-fA-F])+|0[oO](_?[0-7])+|0(_?[0-7])*|0[bB](_?[01])+|[1-9](_?\d)*)$/.test(text)) throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  const negative = text.startsWith('-')
  const digits = text.replace(/^[+-]/, '').replaceAll('_', '').replace(/^0(?=\d)/, '0o')
  const value = BigInt(digits) * (negative ? -1n : 1n)
  if (value >= 1n << bits || value < -(1n << bits)) throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`)
  return Number(value)
}

/** One line of CSV with quotes, as stringSlice flags read it. */
function splitCsv(text: string): string[] {
  if (text === '') return []
  const out: string[] = []
  let field = ''
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (quoted) {
      if (c === '"' && text[i + 1] === '"') { field += '"'; i++ } else if (c === '"') quoted = false
      else field += c
    } else if (c === '"' && field === '') quoted = true
    else if (c === ',') { out.push(field); field = '' } else field += c
  }
  out.push(field)
  return out
}

export function findFlag(specs: readonly FlagSpec[], name: string): FlagSpec | undefined {
  // k8s: cliflag.WordSepNormalizeFunc lets users write underscores.
  const wanted = name.includes('_') ? name.replaceAll('_', '-') : name
  return specs.find((s) => s.name === wanted)
}

/**
 * Parses flags that may stand between arguments. k8s: spf13/pflag FlagSet.Parse
 * @throws Error in pflag's words.
 */
export function parseFlags(specs: readonly FlagSpec[], words: readonly string[], prepare?: (values: FlagValues) => void): { values: FlagValues; args: string[]; argsBeforeDash: number } {
  const values = new FlagValues(specs)
  prepare?.(values)
  const args: string[] = []
  let argsBeforeDash = -1
  const set = (spec: FlagSpec, text: string) => {
    values.set(spec, text)
    values.given.push({ name: spec.name, text })
  }
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (word === '--') {
      argsBeforeDash = args.length
      args.push(...words.slice(i + 1))
      break
    }
    if (word.startsWith('--')) {
      const at = word.indexOf('=')
      const name = at < 0 ? word.slice(2) : word.slice(2, at)
      if (name === '' || name.startsWith('-') || name.startsWith('=')) throw new Error(`bad flag syntax: ${word}`)
      const spec = findFlag(specs, name)
      if (!spec) throw new Error(`unknown flag: --${name}`)
      if (at >= 0) set(spec, word.slice(at + 1))
      else if (spec.noOptionText) set(spec, spec.noOptionText)
      else if (i + 1 < words.length) set(spec, words[++i]!)
      else throw new Error(`flag needs an argument: --${name}`)
      continue
    }
    if (!word.startsWith('-') || word === '-') { args.push(word); continue }
    for (let letters = word.slice(1); letters; ) {
      const letter = letters[0]!
      const spec = specs.find((s) => s.short === letter)
      if (!spec) throw new Error(`unknown shorthand flag: '${letter}' in -${letters}`)
      if (letters.length > 2 && letters[1] === '=') { set(spec, letters.slice(2)); break }
      if (spec.noOptionText) { set(spec, spec.noOptionText); letters = letters.slice(1); continue }
      if (letters.length > 1) set(spec, letters.slice(1))
      else if (i + 1 < words.length) set(spec, words[++i]!)
      else throw new Error(`flag needs an argument: '${letter}' in -${letters}`)
      break
    }
  }
  return { values, args, argsBeforeDash }
}
