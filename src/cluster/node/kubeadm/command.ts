import type { UtilityContext } from '../../../unix/utilities/utility.ts'
import { ApiAnswerError, accessOf } from '../kubeconfig-client.ts'
import type { Access } from '../kubeconfig-client.ts'
import type { ControlPlaneInstaller } from '../../control-plane-nodes/installer.ts'

/** One of kubeadm's commands: prints, and throws what it ends with. */
export type Command = (context: UtilityContext, args: Arguments, node: NodeServices) => Promise<void>

/** What kubeadm does on a node besides files and requests. */
export interface NodeServices {
  isActive(service: string): boolean
  isEnabled(service: string): boolean
  start(service: string): void
  stop(service: string): Promise<void>
  /** Ends and removes all containers of pods. */
  removeContainers(): Promise<void>
  /** Gets an image. @throws Error */
  pullImage(name: string): Promise<unknown>
  /** The control plane that the machine's network has, or may get. */
  readonly controlPlane: ControlPlaneInstaller
}

/** Operands and flags of a command line. */
export interface Arguments {
  operands: readonly string[]
  flag(...names: string[]): string | undefined
  all(name: string): readonly string[]
  has(...names: string[]): boolean
}

const ADMIN_KUBECONFIG = '/etc/kubernetes/admin.conf'
export const VERSION = 'v1.36.3'

/** pflag's rules. `valued`: flags that take a value; `switches`: those that may. @throws Error in pflag's words */
export function parseArguments(words: readonly string[], valued: readonly string[], switches: readonly string[]): Arguments {
  const operands: string[] = []
  const flags: [string, string][] = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (word === '--') { operands.push(...words.slice(i + 1)); break }
    if (!word.startsWith('-') || word === '-') { operands.push(word); continue }
    const [, dashes, name = '', value] = /^(--?)([^=]+)(?:=(.*))?$/s.exec(word) ?? []
    const long = dashes === '-' ? SHORT[name[0]!] : name
    if (long === undefined || !(valued.includes(long) || switches.includes(long))) throw new Error(dashes === '-' ? `unknown shorthand flag: ${JSON.stringify(name[0]).replaceAll('"', "'")} in ${word}` : `unknown flag: --${name}`)
    if (switches.includes(long)) { flags.push([long, value ?? 'true']); continue }
    const given = value ?? (dashes === '-' && name.length > 1 ? name.slice(1) : words[++i])
    if (given === undefined) throw new Error(`flag needs an argument: --${long}`)
    flags.push([long, given])
  }
  return {
    operands,
    flag: (...names) => flags.findLast(([name]) => names.includes(name))?.[1],
    all: (name) => flags.filter(([each]) => each === name).flatMap(([, value]) => value.split(',')),
    has: (...names) => names.some((name) => flags.findLast(([each]) => each === name)?.[1] !== undefined && flags.findLast(([each]) => each === name)?.[1] !== 'false'),
  }
}
const SHORT: Readonly<Record<string, string>> = { v: 'v', f: 'force', o: 'output', h: 'help' }

/** The administrator's way to the API server. @throws Error */
export function adminAccess({ proc }: UtilityContext, args: Arguments): Access {
  const path = args.flag('kubeconfig') ?? (proc.fs.exists(ADMIN_KUBECONFIG) ? ADMIN_KUBECONFIG : proc.env['KUBECONFIG'] ?? ADMIN_KUBECONFIG)
  if (!proc.fs.exists(path)) throw new Error(`failed to load admin kubeconfig: open ${path}: no such file or directory`)
  return accessOf(proc.fs.readText(path), (file) => proc.fs.readText(file))
}

/** An error with what was tried before it, as Go wraps them. */
export function wrapped(message: string, error: unknown): Error {
  return new Error(`${message}: ${error instanceof ApiAnswerError || error instanceof Error ? error.message : String(error)}`)
}

/** klog's line of a warning. */
export function klogWarning({ proc, err }: UtilityContext, source: string, text: string): Promise<void> {
  const iso = new Date(proc.clock.nowMs()).toISOString()
  return err(`W${iso.slice(5, 7)}${iso.slice(8, 10)} ${iso.slice(11, 23)}000 ${String(proc.pid).padStart(7)} ${source}] ${text}\n`)
}

/** Lines of cells as Go's tabwriter with a minimum of 10, 3 blanks between columns. The last cell of a line is as wide as it is. */
export function tabbed(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) row.slice(0, -1).forEach((cell, i) => { widths[i] = Math.max(widths[i] ?? 10, cell.length + 3) })
  return rows.map((row) => `${row.map((cell, i) => i === row.length - 1 ? cell : cell.padEnd(widths[i]!)).join('')}\n`).join('')
}
