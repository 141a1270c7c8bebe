/** How much Envoy writes, from the least on. */
const LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off']
const SHORT: Readonly<Record<string, string>> = { c: 'config-path', l: 'log-level' }

/** What Envoy's command line says. */
export interface EnvoyFlags {
  /** Of the bootstrap file; undefined where none is named. */
  configPath: string | undefined
  /** Whether lines of a level are written. */
  shows(level: string): boolean
}

/** Reads the command line; a flag and its value may be one argument, with a space or `=` between. @throws Error for flags that there aren't, and for those that nothing here follows */
export function envoyFlags(args: readonly string[]): EnvoyFlags {
  const found = new Map<string, string>()
  for (let i = 0; i < args.length; i++) {
    const [, long, short, inline] = /^(?:--([\w-]+)|-(\w))(?:[ =](.*))?$/s.exec(args[i]!) ?? []
    const name = long ?? SHORT[short ?? '']
    // Cluster and node are names for whoever gives the configuration; Contour's doesn't look at them.
    if (name === undefined || !['config-path', 'log-level', 'service-cluster', 'service-node'].includes(name)) throw new Error(`PARSE ERROR: Argument: ${args[i]}\n             Couldn't find match for argument, or it is not supported by this build`)
    const value = inline ?? args[++i]
    if (value === undefined) throw new Error(`PARSE ERROR: Argument: ${args[i - 1]}\n             Missing a value for this argument!`)
    found.set(name, value)
  }
  const level = found.get('log-level') ?? 'info'
  const least = LEVELS.indexOf(level === 'warn' ? 'warning' : level)
  if (least < 0) throw new Error(`error: invalid log level specified '${level}'`)
  return { configPath: found.get('config-path'), shows: (each) => LEVELS.indexOf(each) >= least }
}
