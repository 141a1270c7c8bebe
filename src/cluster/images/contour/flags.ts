/** Flags of a command as kingpin reads them. */
export interface KingpinFlags {
  text(name: string, otherwise?: string): string
  /** @throws UsageError where the flag has another value than the only one that is followed here */
  only(name: string, value: string): void
  flag(name: string): boolean
}

/** A command line that kingpin refuses. */
export class UsageError extends Error {}

/**
 * Reads `--name value`, `--name=value`, `--switch` and `--no-switch`.
 * @param values names of flags with a value @param switches names of those without @param refused known to the original, but followed by nothing here
 * @throws UsageError
 */
export function kingpinFlags(args: readonly string[], values: ReadonlySet<string>, switches: ReadonlySet<string>, refused: ReadonlySet<string> = new Set()): { flags: KingpinFlags; rest: string[] } {
  const found = new Map<string, string>()
  const rest: string[] = []
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (!arg.startsWith('-')) { rest.push(arg); continue }
    const [name = '', inline] = /^--([^=]+)(?:=(.*))?$/s.exec(arg)?.slice(1) ?? (arg === '-c' ? ['config-path'] : arg === '-d' ? ['debug'] : [arg.slice(1)])
    const positive = name.replace(/^no-/, '')
    if (refused.has(name)) throw new UsageError(`flag '--${name}' is not supported by this build`)
    if (switches.has(positive)) { found.set(positive, String(positive === name)); continue }
    if (!values.has(name)) throw new UsageError(`unknown ${arg.startsWith('--') ? 'long' : 'short'} flag '${arg.split('=')[0]}'`)
    const value = inline ?? args[++i]
    if (value === undefined) throw new UsageError(`expected argument for flag '--${name}'`)
    found.set(name, value)
  }
  const only = (name: string, value: string) => { if (found.has(name) && found.get(name) !== value) throw new UsageError(`flag '--${name}' takes only "${value}" in this build`) }
  return { flags: { text: (name, otherwise = '') => found.get(name) ?? otherwise, only, flag: (name) => found.get(name) === 'true' }, rest }
}
