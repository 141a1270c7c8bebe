import { BrokenPipeError } from '../../base/streams.ts'
import { StatusError } from '../../cluster/kinds/status-error.ts'
import { ProcessExit, ProcessKilled } from '../../unix/types.ts'
import type { Proc, Program } from '../../unix/types.ts'
import { allFlags, APPLYSET_FLAG, findCommand, firstPositional, parseCommandLine, rootCommand, suggestionsFor, usageError } from './command.ts'
import type { CommandSpec } from './command.ts'
import { findHandler } from './commands/handlers.ts'
import { describeFailure, SilentExit } from './errors.ts'
import { Factory } from './factory.ts'
import { createCommandIo } from './io.ts'
import type { CommandIo } from './io.ts'
import { applyPreferences } from './preferences.ts'
import type { PreparedCommandLine } from './preferences.ts'
import { findPlugin, runPlugin } from './plugins.ts'
import { checkRequiredFlags } from './required-flags.ts'

/** A plugin that can't be looked for. The real kubectl's own main function tells of it, not its commands. k8s: cmd.HandlePluginCommand */
class WrongPluginCall extends Error {}

/** The command line client of Kubernetes. Speaks HTTP only, so it can be pointed at any cluster. */
export const kubectl: Program = async (proc) => {
  const io = createCommandIo(proc)
  let code: number
  try {
    code = await runKubectl(proc, io, proc.argv.slice(1))
  } catch (error) {
    if (error instanceof ProcessExit || error instanceof ProcessKilled || error instanceof BrokenPipeError) throw error
    const failure = error instanceof WrongPluginCall ? { message: `Error: ${error.message}`, code: 1 } : describeFailure(error)
    if (failure.message) void io.err(failure.message.endsWith('\n') ? failure.message : `${failure.message}\n`)
    // diff keeps 1 for differences.
    code = failure.code + (error instanceof SilentExit ? 0 : findCommand(proc.argv.slice(1)).spec.path === 'kubectl diff' ? 1 : 0)
  }
  await io.flush()
  return code
}

/** Runs one command line. @returns the exit code */
async function runKubectl(proc: Proc, io: CommandIo, words: readonly string[]): Promise<number> {
  if (words[0] === '__complete' || words[0] === '__completeNoDesc') {
    if (words.length === 1) throw new Error('requires at least 1 arg(s), only received 0')
    const { completeKubectl } = await import('./completion.ts')
    const { completionAnswer } = await import('../completion-script.ts')
    const answer = completionAnswer(await completeKubectl(words.slice(1), proc), words[0] === '__completeNoDesc')
    void io.out(answer.stdout)
    void io.err(answer.stderr)
    return 0
  }
  let prepared: PreparedCommandLine
  try {
    prepared = applyPreferences(proc, words, (text) => void io.err(text))
  } catch (error) {
    void io.err(`error occurred while applying preferences ${(error as Error).message}\n`)
    return 1
  }
  const args = prepared.words
  const { spec: target, rest } = findCommand(args)
  if (target === rootCommand() || target.path === 'kubectl create') {
    const plugin = findPlugin(proc, args)
    if (plugin) return runPlugin(proc, io, plugin)
  }
  if (target === rootCommand()) {
    const unknown = rest[firstPositional(allFlags(target), rest) ?? -1]
    if (unknown && unknown !== 'help' && args[0]!.startsWith('-')) throw new WrongPluginCall(`flags cannot be placed before plugin name: ${args[0]}`)
    if (unknown === 'help') return showHelp(proc, io, rest.slice(rest.indexOf('help') + 1))
    if (unknown) throw new Error(unknownCommand(unknown))
  }
  if (wantsHelp(rest)) return showHelp(proc, io, target.path.split(' ').slice(1))
  const parsed = parseCommandLine(args, prepared.presets, target.path === 'kubectl apply' && isTrue(proc.env['KUBECTL_APPLYSET']) ? [APPLYSET_FLAG] : [])
  const { spec, flags, argsBeforeDash } = parsed
  if (flags.bool('help')) return showHelp(proc, io, spec.path.split(' ').slice(1))
  for (const { name } of flags.given) {
    const warning = DEPRECATED[name]
    if (warning) void io.err(`Flag --${name} has been deprecated, ${warning}\n`)
  }
  const handler = await proc.clock.outside(findHandler(spec.path))
  const f = new Factory(proc, io, flags, spec, prepared.pluginPolicy)
  if (!handler) {
    if (spec.children.length > 0 || spec.path === 'kubectl alpha' || spec === rootCommand()) return runGroup(proc, io, spec, parsed.args)
    throw new Error(`the command ${JSON.stringify(spec.path.slice('kubectl '.length))} is not available in Drydock yet`)
  }
  checkRequiredFlags(spec, flags)
  await f.readPipedKubeconfig()
  let code: number | void
  try {
    code = await handler({ f, args: parsed.args, argsBeforeDash, flags, spec, out: (t) => io.out(t), err: (t) => io.err(t) })
  } catch (error) {
    // k8s: cmdutil StandardErrorMessage; what is invalid has its own words.
    if (error instanceof StatusError && error.reason !== 'Invalid') f.log(4, 'helpers.go:246', `server response object: %s[${JSON.stringify(error.status, null, 2)}]`)
    throw error
  }
  if (!code && flags.bool('warnings-as-errors') && f.warningCount > 0) {
    void io.err(`error: ${f.warningCount} warning${f.warningCount === 1 ? '' : 's'} received\n`)
    return 1
  }
  return code ?? 0
}

const isTrue = (text: string | undefined) => ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text ?? '')

function wantsHelp(rest: readonly string[]): boolean {
  const end = rest.indexOf('--')
  return (end < 0 ? rest : rest.slice(0, end)).some((w) => w === '--help' || w === '-h')
}

function unknownCommand(name: string): string {
  const near = suggestionsFor(rootCommand(), name)
  return `unknown command ${JSON.stringify(name)} for "kubectl"${near.length > 0 ? `\n\nDid you mean this?\n${near.map((n) => `\t${n}\n`).join('')}` : ''}`
}

/** What pflag says when a deprecated flag is used. */
const DEPRECATED: Record<string, string> = {
  record: '--record will be removed in the future',
  reorder: "use the new 'sortOptions' field in kustomization.yaml instead.",
  'enable-managedby-label': "use the new 'buildMetadata' field in kustomization.yaml instead.",
  'cpu-percent': "Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU).",
}

const NO_ALPHA = 'No alpha commands are available in this version of kubectl\n'

/** These print their help to standard output, the other groups to standard error. */
const HELP_ON_STDOUT = new Set(['kubectl', 'kubectl rollout', 'kubectl certificate'])
/** Groups without a program of their own just show their help. */
const HELP_SUCCEEDS = new Set(['kubectl', 'kubectl certificate'])

/** A command that only holds others. k8s: cmdutil.DefaultSubCommandRun */
async function runGroup(proc: Proc, io: CommandIo, spec: CommandSpec, args: readonly string[]): Promise<number> {
  if (spec.path === 'kubectl alpha') {
    void io.err(NO_ALPHA)
    return 0
  }
  if (args.length > 0 && spec.path !== 'kubectl certificate') throw usageError(spec, `unknown command ${JSON.stringify(args.join(' '))}`)
  const { helpText, helpWidth } = await import('./help.ts')
  void (HELP_ON_STDOUT.has(spec.path) ? io.out(helpText(spec, helpWidth(proc))) : io.err(helpText(spec)))
  return HELP_SUCCEEDS.has(spec.path) ? 0 : 1
}

async function showHelp(proc: Proc, io: CommandIo, path: readonly string[]): Promise<number> {
  const { helpText, helpWidth, unknownHelpTopic } = await import('./help.ts')
  const words = path.filter((w) => !w.startsWith('-'))
  const { spec, rest } = findCommand(words)
  if (rest.length > 0 && spec === rootCommand()) {
    void io.err(unknownHelpTopic(rest))
    return 0
  }
  if (spec.path === 'kubectl alpha') void io.err(NO_ALPHA)
  // `options` is its own help, which the real one keeps to itself when asked for it: its template for help is empty.
  else if (spec.path !== 'kubectl options') void io.out(helpText(spec, helpWidth(proc)))
  return 0
}
