import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { REMOTE_COMMAND_PROTOCOL, streamRemoteCommand } from '../../remote-command.ts'
import { usageError } from '../command.ts'
import { CommandExit } from '../errors.ts'
import type { Factory } from '../factory.ts'
import { attachablePod, containerNames, containerOrDefault, findContainer, podOrOwner, podRunningTimeout } from '../pods.ts'
import type { PodObject } from '../pods.ts'
import { findResources } from '../resources.ts'
import type { CommandHandler, Invocation } from './handler.ts'

export interface SessionOptions {
  subresource: 'exec' | 'attach'
  container: string
  command?: readonly string[]
  stdin: boolean
  tty: boolean
  /** Where output goes instead of standard output. */
  stdout?: (data: Uint8Array) => Promise<void> | void
  stderr?: (data: Uint8Array) => Promise<void> | void
  stdinFrom?: Factory['proc']['stdin']
}

/** Whether a terminal can be had; says so when not. k8s: exec.StreamOptions.SetupTTY */
function setupTty(f: Factory, stdin: boolean, tty: boolean, quiet: boolean): boolean {
  if (!stdin || !tty) return false
  if (f.proc.isTty(0) && f.proc.tty) return true
  if (!quiet) void f.io.err('Unable to use a TTY - input is not a terminal or the right kind of file\n')
  return false
}

/**
 * Runs a session in a container with this process's streams.
 * @throws CommandExit when the command ended with another code than 0
 */
export async function runSession(f: Factory, pod: PodObject, options: SessionOptions): Promise<void> {
  const query: [string, string][] = []
  // In the order of their names, as Go writes them.
  for (const word of options.command ?? []) query.push(['command', word])
  if (options.container) query.push(['container', options.container])
  if (!options.tty) query.push(['stderr', 'true'])
  if (options.stdin) query.push(['stdin', 'true'])
  query.push(['stdout', 'true'])
  if (options.tty) query.push(['tty', 'true'])
  await f.io.flush()
  const socket = await f.rest().webSocket(`/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}/${options.subresource}`, [REMOTE_COMMAND_PROTOCOL, 'v4.channel.k8s.io'], query)
  f.log(4, 'websocket.go:134', `"Subprotocol negotiated" protocol=${JSON.stringify(REMOTE_COMMAND_PROTOCOL)}`)
  f.log(5, 'websocket.go:269', '"Websocket read starts" deadline="1m1s"')
  const tty = options.tty ? f.proc.tty : undefined
  tty?.setRaw(true)
  const stop = new AbortController()
  const onBroken = () => stop.abort()
  f.io.broken.addEventListener('abort', onBroken)
  f.proc.killed.addEventListener('abort', onBroken)
  try {
    const status = await streamRemoteCommand(socket, {
      ...(options.stdin ? { stdin: options.stdinFrom ?? f.proc.stdin } : {}),
      stdout: options.stdout ?? ((data) => f.io.out(data)),
      stderr: options.stderr ?? ((data) => f.io.err(new TextDecoder().decode(data))),
      ...(tty ? { tty } : {}), signal: stop.signal,
    })
    if (!status || status.status === 'Success') return
    if (status.reason === 'NonZeroExitCode') {
      const code = Number(status.details?.causes?.find((c) => c.reason === 'ExitCode')?.message ?? 1)
      throw new CommandExit(`command terminated with exit code ${code}`, code)
    }
    throw new Error(status.message || status.reason || 'unknown error')
  } finally {
    tty?.setRaw(false)
    f.io.broken.removeEventListener('abort', onBroken)
    f.proc.killed.removeEventListener('abort', onBroken)
  }
}

/** The object that -f or `POD | TYPE/NAME` points at. */
async function target(inv: Invocation, name: string): Promise<KubeObject> {
  const { f, flags } = inv
  const { namespace, explicit } = f.namespace()
  if (flags.list('filename').length === 0) return podOrOwner(f, name, namespace)
  const { infos, error } = await (await findResources(f, { filenames: flags.list('filename'), namespace, enforceNamespace: explicit, latest: true })).infos()
  if (error) throw error
  if (infos.length !== 1) throw new Error('cannot exec into multiple objects at a time')
  return infos[0]!.object!
}

// k8s: kubectl/pkg/cmd/exec
export const exec: CommandHandler = async (inv) => {
  const { f, flags, args, argsBeforeDash, spec } = inv
  const name = args.length > 0 && argsBeforeDash !== 0 ? args[0]! : ''
  let command: string[] = []
  if (argsBeforeDash > -1) command = args.slice(argsBeforeDash)
  else if (args.length > 1 || (args.length > 0 && flags.list('filename').length > 0)) throw usageError(spec, 'exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead')
  const timeoutMs = podRunningTimeout(flags, spec)
  if (!name && flags.list('filename').length === 0) throw new Error('pod, type/name or --filename must be specified')
  if (command.length === 0) throw new Error('you must specify at least one command for the container')
  const pod = await attachablePod(f, await target(inv, name), timeoutMs)
  if (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') throw new Error(`cannot exec into a container in a completed pod; current phase is ${pod.status.phase}`)
  let container = flags.str('container')
  if (!container) container = containerOrDefault(f, pod, '', flags.bool('quiet')).name
  else if (!findContainer(pod, container)) throw new Error(`container ${container} is not valid for pod ${pod.metadata.name} out of: ${containerNames(pod)}`)
  const stdin = flags.bool('stdin')
  await runSession(f, pod, { subresource: 'exec', container, command, stdin, tty: setupTty(f, stdin, flags.bool('tty'), flags.bool('quiet')) })
}

// k8s: kubectl/pkg/cmd/attach
export const attach: CommandHandler = async (inv) => {
  const { f, flags, args, spec } = inv
  if (args.length === 0 && flags.list('filename').length === 0) throw new Error('at least 1 argument is required for attach')
  if (args.length > 2) throw usageError(spec, `expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw ${args.length}: [${args.join(' ')}]`)
  const timeoutMs = podRunningTimeout(flags, spec)
  const name = args.length === 2 ? `${args[0]}/${args[1]}` : args[0] ?? ''
  const pod = await attachablePod(f, await target(inv, name), timeoutMs)
  if (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') throw new Error(`cannot attach a container in a completed pod; current phase is ${pod.status.phase}`)
  const container = flags.str('container')
  if (container && !findContainer(pod, container)) throw new Error(`cannot attach to the container: container ${container} is not valid for pod ${pod.metadata.name} out of: ${containerNames(pod)}`)
  await attachTo(f, pod, { container, stdin: flags.bool('stdin'), tty: flags.bool('tty'), quiet: flags.bool('quiet') })
}

/** Joins a running container. @throws Error */
export async function attachTo(f: Factory, pod: PodObject, options: { container: string; stdin: boolean; tty: boolean; quiet: boolean }): Promise<void> {
  const container = containerOrDefault(f, pod, options.container, options.quiet)
  let tty = options.tty
  if (tty && !container.tty) {
    tty = false
    if (!options.quiet) void f.io.err(`error: Unable to use a TTY - container ${container.name} did not allocate one\n`)
  } else if (!tty && container.tty) tty = true
  tty = setupTty(f, options.stdin, tty, options.quiet)
  if (!options.quiet) {
    void f.io.err('All commands and output from this session will be recorded in container logs, including credentials and sensitive information passed through the command prompt.\n')
    void f.io.err("If you don't see a command prompt, try pressing enter.\n")
  }
  await runSession(f, pod, { subresource: 'attach', container: container.name, stdin: options.stdin, tty })
  if (options.stdin && tty && !options.quiet && pod.spec['restartPolicy'] === 'Always')
    void f.io.out(`Session ended, resume using 'kubectl attach ${pod.metadata.name} -c ${container.name} -i -t' command when the pod is running\n`)
}
