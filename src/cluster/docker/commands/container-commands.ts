import { parseSignal } from '../../../unix/signals.ts'
import type { Signal } from '../../../unix/types.ts'
import type { DockerContainer } from '../docker-container.ts'
import { DockerError } from '../docker-error.ts'
import type { DockerImage } from '../docker-image.ts'
import { durationMs } from '../durations.ts'
import { referenceOf } from '../image-table.ts'
import { humanSize } from '../units.ts'
import { forEach } from './command.ts'
import type { CommandContext, DockerCommand } from './command.ts'
import { containerFilter, containerRow } from './container-table.ts'
import { FlagError } from './flags.ts'
import type { Flags, FlagSpec } from './flags.ts'
import { confirm, pullImage } from './image-commands.ts'
import { containerFlags, environment, specOf } from './run-options.ts'
import { withCallersStreams } from './streams.ts'
import { alignColumns, printRows } from './table.ts'

/** What `docker run` and `docker create` begin with. */
async function createContainer(context: CommandContext): Promise<DockerContainer> {
  const { engine, flags, args, proc, err } = context
  const name = args[0]!
  const mode = flags.get('pull') ?? 'missing'
  let image: DockerImage | undefined = engine.images.find(name)
  if (mode === 'always' || (!image && mode !== 'never')) {
    const reference = referenceOf(name)
    if (!image && !flags.is('quiet')) await err(`Unable to find image '${reference.requested}' locally\n`)
    image = await pullImage(context, reference, flags.is('quiet') ? async () => {} : err)
  }
  return engine.create(specOf(flags, args, image ?? engine.images.need(name), proc), image ?? engine.images.need(name))
}

export const create: DockerCommand = {
  usage: 'docker create [OPTIONS] IMAGE [COMMAND] [ARG...]', help: 'Create a new container', min: 1, stopAtOperand: true, flags: containerFlags,
  async run(context) {
    await context.out(`${(await createContainer(context)).id}\n`)
    return 0
  },
}

export const run: DockerCommand = {
  usage: 'docker run [OPTIONS] IMAGE [COMMAND] [ARG...]', help: 'Create and run a new container from an image', min: 1, stopAtOperand: true, errorCode: 125,
  flags: [...containerFlags, ['detach', 'd', 'bool', 'Run container in background and print container ID'], ['detach-keys', '', 'string', 'Override the key sequence for detaching a container'], ['sig-proxy', '', 'bool', 'Proxy received signals to the process'], ['cidfile', '', 'string', 'Write the container ID to the file']],
  async run(context) {
    const { engine, flags, proc, out, err } = context
    if (flags.is('tty') && flags.is('interactive') && !flags.is('detach') && !proc.isTty(0)) { await err('the input device is not a TTY\n'); return 1 }
    const container = await createContainer(context)
    if (flags.get('cidfile')) proc.fs.writeFile(proc.resolve(flags.get('cidfile')!), container.id)
    const refuse = async (error: unknown): Promise<number> => {
      if (!(error instanceof DockerError)) throw error
      if (container.spec.autoRemove) await engine.remove(container, { force: true })
      if (flags.is('detach')) await out(`${container.id}\n`)
      await err(`docker: Error response from daemon: ${error.message}\n\nRun 'docker run --help' for more information\n`)
      return error.kind === 'start' ? container.exitCode : 125
    }
    if (flags.is('detach')) {
      try {
        await engine.start(container)
      } catch (error) {
        return refuse(error)
      }
      await out(`${container.id}\n`)
      return 0
    }
    const gone = container.spec.autoRemove ? engine.waitGone(container) : undefined
    try {
      const { detached } = await withCallersStreams(proc, { stdin: flags.is('interactive'), tty: flags.is('tty'), engine, container }, async (io) => { await (await engine.start(container, io)).attached })
      if (detached) return container.status === 'running' && proc.killed.aborted ? 137 : container.status === 'running' && !flags.is('tty') ? 1 : 0
    } catch (error) {
      return refuse(error)
    }
    const code = await engine.wait(container)
    await gone
    return code
  },
}

export const start: DockerCommand = {
  usage: 'docker start [OPTIONS] CONTAINER [CONTAINER...]', help: 'Start one or more stopped containers', min: 1,
  flags: [['attach', 'a', 'bool', 'Attach STDOUT/STDERR and forward signals'], ['interactive', 'i', 'bool', "Attach container's STDIN"], ['detach-keys', '', 'string', 'Override the key sequence for detaching a container']],
  async run(context) {
    const { engine, flags, args, proc } = context
    if (!flags.is('attach') && !flags.is('interactive')) {
      const status = await forEach(context, async (name) => { await engine.start(engine.find(name)); return name })
      if (status !== 0) await context.err(`Error: failed to start containers: ${args.filter((name) => !isRunning(context, name)).join(', ')}\n`)
      return status
    }
    if (args.length > 1) throw new FlagError('you cannot start and attach multiple containers at once')
    const container = engine.find(args[0]!)
    const { detached } = await withCallersStreams(proc, { stdin: flags.is('interactive') && container.spec.openStdin, tty: container.spec.tty, engine, container }, async (io) => {
      const { attached } = await engine.start(container, io)
      await (attached ?? engine.attach(container, io))
    })
    return detached ? 0 : engine.wait(container)
  },
}

function isRunning({ engine }: CommandContext, name: string): boolean {
  try {
    return engine.find(name).status === 'running'
  } catch {
    return false
  }
}

const stopFlags: readonly FlagSpec[] = [['signal', 's', 'string', 'Signal to send to the container'], ['time', 't', 'string', 'Seconds to wait before killing the container'], ['timeout', '', 'string', 'Seconds to wait before killing the container']]

function stopOptions(flags: Flags): { seconds?: number; signal?: Signal } {
  const seconds = flags.get('time') ?? flags.get('timeout')
  if (seconds !== undefined && !/^-?\d+$/.test(seconds)) throw new FlagError(`invalid argument "${seconds}" for "-t, --timeout" flag: strconv.ParseInt: parsing "${seconds}": invalid syntax`)
  const name = flags.get('signal')
  return { ...(seconds === undefined ? {} : { seconds: Number(seconds) }), ...(name === undefined ? {} : { signal: signalOf(name) }) }
}

function signalOf(name: string): Signal {
  const signal = parseSignal(name)
  if (!signal) throw new DockerError(`invalid signal: ${name}`)
  return signal
}

export const stop: DockerCommand = {
  usage: 'docker stop [OPTIONS] CONTAINER [CONTAINER...]', help: 'Stop one or more running containers', min: 1, flags: stopFlags,
  async run(context) {
    const options = stopOptions(context.flags)
    return forEach(context, async (name) => { await context.engine.stop(context.engine.find(name), options); return name })
  },
}

export const restart: DockerCommand = {
  usage: 'docker restart [OPTIONS] CONTAINER [CONTAINER...]', help: 'Restart one or more containers', min: 1, flags: stopFlags,
  async run(context) {
    const options = stopOptions(context.flags)
    return forEach(context, async (name) => { await context.engine.restart(context.engine.find(name), options); return name })
  },
}

export const kill: DockerCommand = {
  usage: 'docker kill [OPTIONS] CONTAINER [CONTAINER...]', help: 'Kill one or more running containers', min: 1, flags: [['signal', 's', 'string', 'Signal to send to the container']],
  run: (context) => forEach(context, async (name) => {
    const { engine, flags } = context
    const signal = signalOf(flags.get('signal') ?? 'KILL')
    const container = engine.find(name)
    try {
      engine.kill(container, signal)
    } catch (error) {
      throw error instanceof DockerError ? new DockerError(error.message.replace(container.id, name)) : error
    }
    if (signal === 'SIGKILL') await engine.wait(container)
    return name
  }),
}

export const pause: DockerCommand = {
  usage: 'docker pause CONTAINER [CONTAINER...]', help: 'Pause all processes within one or more containers', min: 1, flags: [],
  run: (context) => forEach(context, async (name) => { context.engine.pause(context.engine.find(name)); return name }),
}

export const unpause: DockerCommand = {
  usage: 'docker unpause CONTAINER [CONTAINER...]', help: 'Unpause all processes within one or more containers', min: 1, flags: [],
  run: (context) => forEach(context, async (name) => { context.engine.unpause(context.engine.find(name)); return name }),
}

export const rm: DockerCommand = {
  usage: 'docker rm [OPTIONS] CONTAINER [CONTAINER...]', help: 'Remove one or more containers', min: 1,
  flags: [['force', 'f', 'bool', 'Force the removal of a running container (uses SIGKILL)'], ['link', 'l', 'bool', 'Remove the specified link'], ['volumes', 'v', 'bool', 'Remove anonymous volumes associated with the container']],
  run: (context) => forEach(context, async (name) => {
    const { engine, flags } = context
    let container: DockerContainer
    try {
      container = engine.find(name)
    } catch (error) {
      // What isn't there needn't be removed.
      if (flags.is('force') && error instanceof DockerError && error.kind === 'not found') { await context.err(`Error response from daemon: ${error.message}\n`); return undefined }
      throw error
    }
    try {
      await engine.remove(container, { force: flags.is('force'), volumes: flags.is('volumes') })
    } catch (error) {
      throw error instanceof DockerError ? new DockerError(error.message.replace(`"${container.name}"`, `"${name}"`)) : error
    }
    return name
  }),
}

export const rename: DockerCommand = {
  usage: 'docker rename CONTAINER NEW_NAME', help: 'Rename a container', min: 2, max: 2, flags: [],
  async run({ engine, args }) {
    engine.rename(engine.find(args[0]!), args[1]!.replace(/^\//, ''))
    return 0
  },
}

export const wait: DockerCommand = {
  usage: 'docker wait CONTAINER [CONTAINER...]', help: 'Block until one or more containers stop, then print their exit codes', min: 1, flags: [],
  run: (context) => forEach(context, async (name) => String(await context.engine.wait(context.engine.find(name)))),
}

const columns = [['ID', 'CONTAINER ID'], ['Image', 'IMAGE'], ['Command', 'COMMAND'], ['RunningFor', 'CREATED'], ['Status', 'STATUS'], ['Ports', 'PORTS'], ['Names', 'NAMES']] as const

export const ps: DockerCommand = {
  usage: 'docker ps [OPTIONS]', help: 'List containers', max: 0,
  flags: [['all', 'a', 'bool', 'Show all containers (default shows just running)'], ['filter', 'f', 'list', 'Filter output based on conditions provided'], ['format', '', 'string', 'Format output using a custom template'], ['last', 'n', 'string', 'Show n last created containers (includes all states)'], ['latest', 'l', 'bool', 'Show the latest created container (includes all states)'], ['no-trunc', '', 'bool', "Don't truncate output"], ['quiet', 'q', 'bool', 'Only display container IDs'], ['size', 's', 'bool', 'Display total file sizes']],
  async run(context) {
    const { engine, flags } = context
    const filters = flags.all('filter')
    const matches = containerFilter(engine, filters)
    const last = flags.is('latest') ? 1 : flags.get('last') === undefined ? undefined : Number(flags.get('last'))
    const all = flags.is('all') || last !== undefined || filters.some((filter) => /^(?:status|exited)=/.test(filter))
    const shown = engine.containers().filter((container) => (all || ['running', 'paused', 'restarting'].includes(container.status)) && matches(container)).slice(0, last)
    const rows = shown.map((container) => containerRow(engine, container, flags.is('no-trunc')))
    await printRows(context, rows, flags.is('size') ? [...columns, ['Size', 'SIZE']] : columns, {
      ...(flags.is('quiet') ? { quiet: 'ID' } : {}), headings: [['CreatedAt', 'CREATED AT'], ['State', 'STATE'], ['Size', 'SIZE'], ['Labels', 'LABELS'], ['Mounts', 'MOUNTS'], ['Networks', 'NETWORKS'], ['LocalVolumes', 'LOCAL VOLUMES']],
    })
    return 0
  },
}

export const logs: DockerCommand = {
  usage: 'docker logs [OPTIONS] CONTAINER', help: 'Fetch the logs of a container', min: 1, max: 1,
  flags: [['details', '', 'bool', 'Show extra details provided to logs'], ['follow', 'f', 'bool', 'Follow log output'], ['since', '', 'string', 'Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)'], ['tail', 'n', 'string', 'Number of lines to show from the end of the logs'], ['timestamps', 't', 'bool', 'Show timestamps'], ['until', '', 'string', 'Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)']],
  async run({ engine, flags, args, proc }) {
    const since = flags.get('since')
    const sinceMs = since === undefined ? undefined : durationMs(since) !== undefined ? engine.clock.nowMs() - durationMs(since)! : /^\d+$/.test(since) ? Number(since) * 1000 : Date.parse(since)
    if (sinceMs !== undefined && Number.isNaN(sinceMs)) throw new DockerError(`invalid value for "since": failed to parse value as time or duration: "${since}"`)
    const tail = flags.get('tail')
    await engine.logs(engine.find(args[0]!), { follow: flags.is('follow'), timestamps: flags.is('timestamps'), ...(tail === undefined || !/^\d+$/.test(tail) ? {} : { tailLines: Number(tail) }), ...(sinceMs === undefined ? {} : { sinceMs }) }, { stdout: proc.stdout, stderr: proc.stderr })
    return 0
  },
}

export const exec: DockerCommand = {
  usage: 'docker exec [OPTIONS] CONTAINER COMMAND [ARG...]', help: 'Execute a command in a running container', min: 2, stopAtOperand: true,
  flags: [['detach', 'd', 'bool', 'Detached mode: run command in the background'], ['detach-keys', '', 'string', 'Override the key sequence for detaching a container'], ['env', 'e', 'list', 'Set environment variables'], ['env-file', '', 'list', 'Read in a file of environment variables'], ['interactive', 'i', 'bool', 'Keep STDIN open even if not attached'], ['privileged', '', 'bool', 'Give extended privileges to the command'], ['tty', 't', 'bool', 'Allocate a pseudo-TTY'], ['user', 'u', 'string', 'Username or UID (format: "<name|uid>[:<group|gid>]")'], ['workdir', 'w', 'string', 'Working directory inside the container']],
  async run({ engine, flags, args, proc, err }) {
    const [name, ...argv] = args
    const container = engine.find(name!)
    if (flags.is('tty') && flags.is('interactive') && !proc.isTty(0)) { await err('the input device is not a TTY\n'); return 1 }
    const env = Object.fromEntries(environment(flags, [], proc).map((each) => { const at = each.indexOf('='); return [each.slice(0, at), each.slice(at + 1)] }))
    const as = { env, ...(flags.get('workdir') ? { workingDir: flags.get('workdir')! } : {}), ...(flags.get('user') ? { user: flags.get('user')! } : {}) }
    let code = 0
    try {
      if (flags.is('detach')) {
        void engine.exec(container, argv, { tty: false }, as).catch(() => {})
        return 0
      }
      await withCallersStreams(proc, { stdin: flags.is('interactive'), tty: flags.is('tty'), engine, container, signals: false }, async (io) => { code = await engine.exec(container, argv, io, as) })
      return code
    } catch (error) {
      if (!(error instanceof DockerError) || error.kind !== 'start') throw error
      await err(`${error.message}\n`)
      return /permission denied/.test(error.message) ? 126 : 127
    }
  },
}

export const attach: DockerCommand = {
  usage: 'docker attach [OPTIONS] CONTAINER', help: 'Attach local standard input, output, and error streams to a running container', min: 1, max: 1,
  flags: [['detach-keys', '', 'string', 'Override the key sequence for detaching a container'], ['no-stdin', '', 'bool', 'Do not attach STDIN'], ['sig-proxy', '', 'bool', 'Proxy all received signals to the process']],
  async run({ engine, flags, args, proc, err }) {
    const container = engine.find(args[0]!)
    if (container.status !== 'running') { await err(`${container.status === 'paused' ? 'cannot attach to a paused container, unpause it first' : 'cannot attach to a stopped container, start it first'}\n`); return 1 }
    const { detached } = await withCallersStreams(proc, { stdin: !flags.is('no-stdin') && container.spec.openStdin, tty: container.spec.tty, engine, container }, (io) => engine.attach(container, io))
    return detached ? 0 : engine.wait(container)
  },
}

export const port: DockerCommand = {
  usage: 'docker port CONTAINER [PRIVATE_PORT[/PROTO]]', help: 'List port mappings or a specific mapping for the container', min: 1, max: 2, flags: [],
  async run({ engine, args, out, err }) {
    const { bindings } = engine.find(args[0]!)
    const wanted = args[1] === undefined ? undefined : args[1].includes('/') ? args[1] : `${args[1]}/tcp`
    const places = (hostIp: string, hostPort: number) => (hostIp === '' ? ['0.0.0.0', '[::]'] : [hostIp]).map((ip) => `${ip}:${hostPort}`)
    const shown = bindings.filter(({ containerPort, protocol }) => wanted === undefined || `${containerPort}/${protocol}` === wanted)
    if (wanted !== undefined && shown.length === 0) { await err(`no public port '${wanted}' published for ${args[0]}\n`); return 1 }
    for (const { hostIp, hostPort, containerPort, protocol } of shown) for (const place of places(hostIp, hostPort)) await out(wanted === undefined ? `${containerPort}/${protocol} -> ${place}\n` : `${place}\n`)
    return 0
  },
}

export const top: DockerCommand = {
  usage: 'docker top CONTAINER [ps OPTIONS]', help: 'Display the running processes of a container', min: 1, flags: [], stopAtOperand: true,
  async run({ engine, args, out }) {
    const container = engine.find(args[0]!)
    const machine = engine.machineOf(container)
    if (!machine) throw new DockerError(`container ${container.id} is not running`, 'conflict')
    // The machine numbers them in its own way.
    const first = 1_000 + parseInt(container.id.slice(0, 4), 16)
    const time = (ms: number) => new Date(ms).toISOString().slice(11, 16)
    await out(alignColumns([['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'], ...machine.processes().map((process) => [process.user.name || String(process.user.uid), String(first + process.pid - 1), String(process.ppid === 0 ? first - 20 : first + process.ppid - 1), '0', time(process.startedMs), container.spec.tty ? 'pts/0' : '?', '00:00:00', process.argv.join(' ')])]))
    return 0
  },
}

export const diff: DockerCommand = {
  usage: 'docker diff CONTAINER', help: "Inspect changes to files or directories on a container's filesystem", min: 1, max: 1, flags: [],
  async run({ engine, args, out }) {
    for (const [kind, path] of engine.changesOf(engine.find(args[0]!))) await out(`${kind} ${path}\n`)
    return 0
  },
}

export const prune: DockerCommand = {
  refused: ['filter'], usage: 'docker container prune [OPTIONS]', help: 'Remove all stopped containers', max: 0,
  flags: [['filter', '', 'list', 'Provide filter values (e.g. "until=<timestamp>")'], ['force', 'f', 'bool', 'Do not prompt for confirmation']],
  async run(context) {
    if (!context.flags.is('force') && !await confirm(context, 'WARNING! This will remove all stopped containers.\n')) return 0
    const { ids, bytes } = await pruneContainers(context)
    await context.out(`${ids.length > 0 ? `Deleted Containers:\n${ids.map((id) => `${id}\n`).join('')}\n` : ''}Total reclaimed space: ${humanSize(bytes)}\n`)
    return 0
  },
}

/** Removes containers that don't run. */
export async function pruneContainers({ engine }: CommandContext): Promise<{ ids: string[]; bytes: number }> {
  const stopped = engine.containers().filter(({ status, guest }) => !guest && (status === 'exited' || status === 'created'))
  let bytes = 0
  for (const container of stopped) {
    bytes += container.layer.usedBytes()
    await engine.remove(container)
  }
  return { ids: stopped.map(({ id }) => id), bytes }
}

