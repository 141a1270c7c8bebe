import type { Proc } from '../../../unix/types.ts'
import type { KeyGenConfig } from './keygen.ts'

/** What kuard's command line says. */
export interface KuardConfig {
  debug: boolean
  debugSiteDataDir: string
  address: string
  tlsAddress: string
  /** Where `kuard.crt` and `kuard.key` may be. */
  tlsDir: string
  keygen: KeyGenConfig
  /** How many of the next probes fail; -1: all. */
  livenessFailNext: number
  readinessFailNext: number
}

type FlagType = 'bool' | 'int' | 'string'
interface Flag { type: FlagType; initial: boolean | number | string; usage: string }

const FLAGS: Readonly<Record<string, Flag>> = {
  address: { type: 'string', initial: ':8080', usage: 'The address to serve on' },
  debug: { type: 'bool', initial: false, usage: 'Debug/devel mode' },
  'debug-sitedata-dir': { type: 'string', initial: './sitedata', usage: 'When in debug/dev mode, directory to find the static assets.' },
  'keygen-enable': { type: 'bool', initial: false, usage: 'Enable KeyGen workload' },
  'keygen-exit-code': { type: 'int', initial: 0, usage: 'Exit code when workload complete' },
  'keygen-exit-on-complete': { type: 'bool', initial: false, usage: 'Exit after workload is complete' },
  'keygen-memq-queue': { type: 'string', initial: '', usage: 'The MemQ server queue to use. If MemQ is used, other limits are ignored.' },
  'keygen-memq-server': { type: 'string', initial: '', usage: 'The MemQ server to draw work items from.  If MemQ is used, other limits are ignored.' },
  'keygen-num-to-gen': { type: 'int', initial: 0, usage: 'The number of keys to generate. Set to 0 for infinite' },
  'keygen-time-to-run': { type: 'int', initial: 0, usage: 'The target run time in seconds. Set to 0 for infinite' },
  'liveness-fail-next': { type: 'int', initial: 0, usage: 'Fail the next N probes. 0 is succeed forever. <0 is fail forever.' },
  'readiness-fail-next': { type: 'int', initial: 0, usage: 'Fail the next N probes. 0 is succeed forever. <0 is fail forever.' },
  'tls-address': { type: 'string', initial: ':8443', usage: 'Address to serve TLS on if certs found.' },
  'tls-dir': { type: 'string', initial: '/tls', usage: 'Directory to look to find TLS certs' },
}

/** A command line that kuard doesn't take; `help` was asked for when there is no message. */
export class FlagError extends Error {}

/** Reads the flags as Go's pflag does; other arguments are ignored. @throws FlagError */
export function parseConfig(args: readonly string[]): KuardConfig {
  const values = new Map<string, boolean | number | string>(Object.entries(FLAGS).map(([name, flag]) => [name, flag.initial]))
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (arg === '--') break
    if (arg === '--help' || arg === '-h') throw new FlagError('')
    if (arg.startsWith('-') && !arg.startsWith('--') && arg !== '-') throw new FlagError(`unknown shorthand flag: '${arg[1]}' in ${arg}`)
    const match = /^--([^=]*)(?:=([\s\S]*))?$/.exec(arg)
    if (!match) continue
    const name = match[1]!
    const flag = Object.hasOwn(FLAGS, name) ? FLAGS[name]! : undefined
    if (!flag) throw new FlagError(`unknown flag: --${name}`)
    let text = match[2]
    if (text === undefined) {
      if (flag.type === 'bool') text = 'true'
      else if (i + 1 < args.length) text = args[++i]!
      else throw new FlagError(`flag needs an argument: --${name}`)
    }
    values.set(name, valueOf(name, flag.type, text))
  }
  const bool = (name: string) => values.get(name) as boolean
  const int = (name: string) => values.get(name) as number
  const string = (name: string) => values.get(name) as string
  return {
    debug: bool('debug'), debugSiteDataDir: string('debug-sitedata-dir'), address: string('address'), tlsAddress: string('tls-address'), tlsDir: string('tls-dir'),
    keygen: { enable: bool('keygen-enable'), numToGen: int('keygen-num-to-gen'), timeToRun: int('keygen-time-to-run'), memQServer: string('keygen-memq-server'), memQQueue: string('keygen-memq-queue'), exitOnComplete: bool('keygen-exit-on-complete'), exitCode: int('keygen-exit-code') },
    livenessFailNext: int('liveness-fail-next'), readinessFailNext: int('readiness-fail-next'),
  }
}

function valueOf(name: string, type: FlagType, text: string): boolean | number | string {
  const invalid = (why: string): never => { throw new FlagError(`invalid argument ${JSON.stringify(text)} for "--${name}" flag: ${why}`) }
  if (type === 'int') return /^[-+]?\d+$/.test(text) ? Number(text) : invalid(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  if (type === 'bool') {
    if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
    return ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text) ? false : invalid(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`)
  }
  return text
}

/** The flags, as `--help` lists them. */
export function usageText(program: string): string {
  const rows = Object.entries(FLAGS).map(([name, { type, initial, usage }]) => {
    const shown = type === 'string' && initial !== '' ? ` (default ${JSON.stringify(initial)})` : ''
    return [`      --${name}${type === 'bool' ? '' : ` ${type}`}`, usage + shown] as const
  })
  const width = Math.max(...rows.map(([flag]) => flag.length)) + 3
  return `Usage of ${program}:\n${rows.map(([flag, usage]) => `${flag.padEnd(width)}${usage}\n`).join('')}`
}

/** The configuration as kuard logs it when it starts. */
export function configText(config: KuardConfig): string {
  const { keygen } = config
  return JSON.stringify({
    address: config.address, debug: config.debug, 'debug-sitedata-dir': config.debugSiteDataDir,
    keygen: { enable: keygen.enable, 'exit-code': keygen.exitCode, 'exit-on-complete': keygen.exitOnComplete, 'memq-queue': keygen.memQQueue, 'memq-server': keygen.memQServer, 'num-to-gen': keygen.numToGen, 'time-to-run': keygen.timeToRun },
    liveness: { 'fail-next': config.livenessFailNext }, readiness: { 'fail-next': config.readinessFailNext },
    'tls-address': config.tlsAddress, 'tls-dir': config.tlsDir,
  }, null, 2)
}

/** The port of an address to listen on. */
export function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1))
}

/** The address of an address to listen on; undefined: all. */
export function hostOf(address: string): string | undefined {
  return address.slice(0, address.lastIndexOf(':')) || undefined
}

/** What a container sees of itself, in the order of Go's maps as JSON. */
export function sortedEnvironment(proc: Proc): Record<string, string> {
  return Object.fromEntries(Object.entries(proc.env).sort(([a], [b]) => (a < b ? -1 : 1)))
}
