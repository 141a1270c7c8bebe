/** What a flag takes: nothing, one value, or one value each time. */
export type FlagKind = 'bool' | 'string' | 'list'

/** `[long name, short name or empty, kind, what it is for]` */
export type FlagSpec = readonly [name: string, short: string, kind: FlagKind, help: string]

/** A command line that isn't one; the text without usage. */
export class FlagError extends Error {}

/** A command's flags and what is left. */
export class Flags {
  readonly #values = new Map<string, string[]>()
  readonly operands: string[] = []

  /** @param stopAtOperand what follows the first operand is its own business @throws FlagError */
  constructor(specs: readonly FlagSpec[], args: readonly string[], options: { stopAtOperand?: boolean } = {}) {
    const set = (spec: FlagSpec, value: string) => {
      if (spec[2] === 'bool' && !/^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(value)) throw new FlagError(`invalid argument "${value}" for "--${spec[0]}" flag: strconv.ParseBool: parsing "${value}": invalid syntax`)
      if (spec[2] === 'list') this.#values.set(spec[0], [...this.#values.get(spec[0]) ?? [], value])
      else this.#values.set(spec[0], [value])
    }
    for (let i = 0; i < args.length; i++) {
      const arg = args[i]!
      if (arg === '--') { this.operands.push(...args.slice(i + 1)); break }
      if (arg.startsWith('--')) {
        const at = arg.indexOf('=')
        const name = at < 0 ? arg.slice(2) : arg.slice(2, at)
        const spec = specs.find((each) => each[0] === name)
        if (!spec) throw new FlagError(`unknown flag: --${name}`)
        if (at >= 0) set(spec, arg.slice(at + 1))
        else if (spec[2] === 'bool') set(spec, 'true')
        else if (++i < args.length) set(spec, args[i]!)
        else throw new FlagError(`flag needs an argument: --${name}`)
      } else if (/^-./.test(arg)) {
        for (let j = 1; j < arg.length; j++) {
          const spec = specs.find((each) => each[1] === arg[j])
          if (!spec) throw new FlagError(`unknown shorthand flag: '${arg[j]}' in ${arg}`)
          if (spec[2] === 'bool' && arg[j + 1] !== '=') { set(spec, 'true'); continue }
          const rest = arg.slice(j + 1).replace(/^=/, '')
          if (rest !== '') set(spec, rest)
          else if (++i < args.length) set(spec, args[i]!)
          else throw new FlagError(`flag needs an argument: '${arg[j]}' in ${arg}`)
          break
        }
      } else {
        this.operands.push(arg)
        if (options.stopAtOperand) { this.operands.push(...args.slice(i + 1)); break }
      }
    }
  }

  is(name: string): boolean {
    return /^(?:1|t|T|TRUE|true|True)$/.test(this.#values.get(name)?.[0] ?? 'false')
  }

  get(name: string): string | undefined {
    return this.#values.get(name)?.[0]
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? []
  }
}

/** The list of options that `--help` prints. */
export function optionsHelp(specs: readonly FlagSpec[]): string {
  const left = specs.map(([name, short, kind]) => `  ${short ? `-${short}, ` : '    '}--${name}${kind === 'bool' ? '' : kind === 'list' ? ' list' : ' string'}`)
  const width = Math.max(...left.map((text) => text.length)) + 3
  return specs.length === 0 ? '' : `\nOptions:\n${specs.map((spec, i) => `${left[i]!.padEnd(width)}${spec[3]}`).sort((a, b) => a.replace(/^\s*(?:-\w, )?/, '') < b.replace(/^\s*(?:-\w, )?/, '') ? -1 : 1).join('\n')}\n`
}
