import { parseGoDuration } from '../kinds/duration.ts'
import { FEATURE_GATES, KNOWN_FLAGS } from './known-flags.ts'

/** Why a component ends before it begins: the last lines that it prints. */
export class LaunchError extends Error {
  /** Of the command line, told without klog's head. */
  readonly isUsage: boolean

  constructor(message: string, isUsage = false) {
    super(message)
    this.isUsage = isUsage
  }
}

/** The command line of a component. k8s: component-base/cli */
export class ComponentFlags {
  readonly #values = new Map<string, string[]>()

  /** @throws LaunchError for flags that there aren't, and values that can't be */
  constructor(component: string, argv: readonly string[]) {
    const kinds = kindsOf(component)
    const words = argv.slice(1)
    for (let i = 0; i < words.length; i++) {
      const [, name, given] = /^--([^=]+)(?:=(.*))?$/s.exec(words[i]!) ?? []
      if (name === undefined) {
        if (words[i]!.startsWith('-')) throw new LaunchError(`unknown shorthand flag: '${words[i]![1] ?? ''}' in ${words[i]}`, true)
        throw new LaunchError(`${JSON.stringify(component)} does not take any arguments, got ${JSON.stringify([words[i]])}`, true)
      }
      const kind = kinds.get(name.replaceAll('_', '-'))
      if (kind === undefined) throw new LaunchError(`unknown flag: --${name}`, true)
      const value = given ?? (kind === 'bool' ? 'true' : words[++i])
      if (value === undefined) throw new LaunchError(`flag needs an argument: --${name}`, true)
      const problem = valueProblem(kind, value)
      if (problem !== undefined) throw new LaunchError(`invalid argument ${JSON.stringify(value)} for "--${name}" flag: ${problem}`, true)
      const known = this.#values.get(name)
      if (known) known.push(value)
      else this.#values.set(name, [value])
    }
    this.#checkGates()
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** The last value. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1)
  }

  /** Values of all its places, split at commas. */
  list(name: string): string[] {
    return (this.#values.get(name) ?? []).flatMap((value) => value === '' ? [] : value.split(','))
  }

  bool(name: string, byDefault: boolean): boolean {
    const value = this.text(name)
    return value === undefined ? byDefault : /^(1|t|true)$/i.test(value)
  }

  number(name: string): number | undefined {
    const value = this.text(name)
    return value === undefined ? undefined : Number(value)
  }

  durationMs(name: string): number | undefined {
    const value = this.text(name)
    return value === undefined ? undefined : parseGoDuration(value)
  }

  #checkGates(): void {
    const known = new Set(FEATURE_GATES.split(/\s+/))
    for (const gate of this.list('feature-gates')) {
      const [name = '', value] = gate.trim().replace(/^\w+:/, '').split('=')
      if (value === undefined) throw new LaunchError(`missing bool value for ${name}`)
      if (!isBool(value)) throw new LaunchError(`invalid value of ${name}=${value}, err: strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`)
      if (!known.has(name)) throw new LaunchError(`unrecognized feature gate: ${name}`)
    }
  }
}

const isBool = (value: string) => /^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(value)

/** What a component's flags take, by their names. */
function kindsOf(component: string): ReadonlyMap<string, string> {
  const kinds = new Map<string, string>([['help', 'bool'], ['version', 'bool'], ['v', 'int'], ['vmodule', 'text']])
  let kind = ''
  for (const word of (KNOWN_FLAGS[component] ?? '').split(/\s+/)) {
    if (word.endsWith(':')) kind = word.slice(0, -1)
    else if (word !== '') kinds.set(word, kind)
  }
  return kinds
}

/** Go's words for a value that isn't of its kind. */
function valueProblem(kind: string, value: string): string | undefined {
  switch (kind) {
    case 'bool': return isBool(value) ? undefined : `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`
    case 'int': return /^[-+]?\d+$/.test(value) ? undefined : `strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`
    case 'float': return value.trim() !== '' && Number.isFinite(Number(value)) ? undefined : `strconv.ParseFloat: parsing ${JSON.stringify(value)}: invalid syntax`
    case 'duration': return parseGoDuration(value) === undefined ? `time: invalid duration ${JSON.stringify(value)}` : undefined
    default: return undefined
  }
}
