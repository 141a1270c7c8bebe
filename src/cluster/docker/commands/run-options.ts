import { isCapability } from '../../../unix/capabilities.ts'
import { errorText } from '../../../unix/errno.ts'
import { seccompProfile } from '../../../unix/seccomp.ts'
import type { SeccompProfile } from '../../../unix/seccomp.ts'
import { UnixError } from '../../../unix/types.ts'
import { parseSignal } from '../../../unix/signals.ts'
import type { Proc } from '../../../unix/types.ts'
import type { ContainerMount, ContainerSpec, PortBinding, RestartPolicy } from '../docker-container.ts'
import { DockerError } from '../docker-error.ts'
import type { DockerImage } from '../docker-image.ts'
import { durationMs } from '../durations.ts'
import { ramInBytes } from '../units.ts'
import { FlagError } from './flags.ts'
import type { Flags, FlagSpec } from './flags.ts'

/** Flags of `docker run` and `docker create`. */
export const containerFlags: readonly FlagSpec[] = [
  ['add-host', '', 'list', 'Add a custom host-to-IP mapping (host:ip)'], ['attach', 'a', 'list', 'Attach to STDIN, STDOUT or STDERR'], ['cap-add', '', 'list', 'Add Linux capabilities'], ['cap-drop', '', 'list', 'Drop Linux capabilities'], ['cpu-shares', 'c', 'string', 'CPU shares (relative weight)'], ['cpus', '', 'string', 'Number of CPUs'], ['cpuset-cpus', '', 'string', 'CPUs in which to allow execution (0-3, 0,1)'],
  ['entrypoint', '', 'string', 'Overwrite the default ENTRYPOINT of the image'], ['env', 'e', 'list', 'Set environment variables'], ['env-file', '', 'list', 'Read in a file of environment variables'], ['expose', '', 'list', 'Expose a port or a range of ports'], ['health-cmd', '', 'string', 'Command to run to check health'], ['health-interval', '', 'string', 'Time between running the check (ms|s|m|h) (default 0s)'],
  ['health-retries', '', 'string', 'Consecutive failures needed to report unhealthy'], ['health-start-period', '', 'string', 'Start period for the container to initialize before starting health-retries countdown (ms|s|m|h) (default 0s)'], ['health-timeout', '', 'string', 'Maximum time to allow one check to run (ms|s|m|h) (default 0s)'], ['hostname', 'h', 'string', 'Container host name'], ['init', '', 'bool', 'Run an init inside the container that forwards signals and reaps processes'],
  ['interactive', 'i', 'bool', 'Keep STDIN open even if not attached'], ['label', 'l', 'list', 'Set meta data on a container'], ['memory', 'm', 'string', 'Memory limit'], ['memory-reservation', '', 'string', 'Memory soft limit'], ['memory-swap', '', 'string', "Swap limit equal to memory plus swap: '-1' to enable unlimited swap"], ['mount', '', 'list', 'Attach a filesystem mount to the container'], ['name', '', 'string', 'Assign a name to the container'],
  ['network', '', 'string', 'Connect a container to a network'], ['net', '', 'string', 'Connect a container to a network'], ['no-healthcheck', '', 'bool', 'Disable any container-specified HEALTHCHECK'], ['platform', '', 'string', 'Set platform if server is multi-platform capable'], ['privileged', '', 'bool', 'Give extended privileges to this container'], ['publish', 'p', 'list', "Publish a container's port(s) to the host"], ['publish-all', 'P', 'bool', 'Publish all exposed ports to random ports'],
  ['pull', '', 'string', 'Pull image before running ("always", "missing", "never")'], ['quiet', 'q', 'bool', 'Suppress the pull output'], ['read-only', '', 'bool', "Mount the container's root filesystem as read only"], ['restart', '', 'string', 'Restart policy to apply when a container exits'], ['rm', '', 'bool', 'Automatically remove the container and its associated anonymous volumes when it exits'], ['security-opt', '', 'list', 'Security Options'], ['stop-signal', '', 'string', 'Signal to stop the container'],
  ['stop-timeout', '', 'string', 'Timeout (in seconds) to stop a container'], ['tmpfs', '', 'list', 'Mount a tmpfs directory'], ['tty', 't', 'bool', 'Allocate a pseudo-TTY'], ['user', 'u', 'string', 'Username or UID (format: <name|uid>[:<group|gid>])'], ['volume', 'v', 'list', 'Bind mount a volume'], ['workdir', 'w', 'string', 'Working directory inside the container'],
]

/** What a container is to be, from the flags and the image. @throws FlagError, DockerError */
export function specOf(flags: Flags, [imageName, ...command]: readonly string[], image: DockerImage, proc: Proc): ContainerSpec {
  const { config } = image
  const entrypoint = flags.get('entrypoint')
  const cmd = command.length > 0 ? command : entrypoint !== undefined ? [] : config.cmd ?? []
  const memoryBytes = bytesOf(flags, 'memory')
  const signal = flags.get('stop-signal')
  const healthCheck = healthCheckOf(flags) ?? config.healthCheck
  const stopSignal = signal === undefined ? config.stopSignal : parseSignal(signal)
  const stopTimeout = flags.get('stop-timeout')
  const workingDir = flags.get('workdir') ?? config.workingDir
  if (workingDir !== '' && !workingDir.startsWith('/')) throw new DockerError(`the working directory '${workingDir}' is invalid, it needs to be an absolute path`)
  return {
    ...(flags.get('name') ? { name: flags.get('name')! } : {}), image: imageName!, entrypoint: entrypoint === undefined ? config.entrypoint ?? [] : entrypoint === '' ? [] : [entrypoint], cmd, env: environment(flags, config.env, proc), workingDir, user: flags.get('user') ?? config.user,
    ...(flags.get('hostname') ? { hostname: flags.get('hostname')! } : {}), labels: { ...config.labels, ...Object.fromEntries(flags.all('label').map(pair)) }, exposedPorts: [...new Set([...config.exposedPorts, ...flags.all('expose').map((port) => port.includes('/') ? port : `${port}/tcp`), ...flags.all('publish').flatMap(portBindings).map(({ containerPort, protocol }) => `${containerPort}/${protocol}`)])],
    ports: flags.all('publish').flatMap(portBindings), publishAll: flags.is('publish-all'), mounts: [...flags.all('volume').map((text) => volumeOf(text, proc)), ...flags.all('mount').map((text) => mountOf(text, proc)), ...flags.all('tmpfs').map((text): ContainerMount => ({ type: 'tmpfs', source: '', target: text.split(':')[0]!, readOnly: false }))],
    tty: flags.is('tty'), openStdin: flags.is('interactive'), memoryBytes, memorySwapBytes: flags.get('memory-swap') === '-1' ? -1 : bytesOf(flags, 'memory-swap'), cpuShares: integerOf(flags, 'cpu-shares', 'cpu-shares', 'c'), nanoCpus: cpusOf(flags), cpuset: flags.get('cpuset-cpus') ?? '', restart: restartOf(flags.get('restart')), autoRemove: flags.is('rm'),
    networkMode: flags.get('network') ?? flags.get('net') ?? 'bridge', extraHosts: flags.all('add-host'), readOnly: flags.is('read-only'), privileged: flags.is('privileged'), capAdd: knownCapabilities(flags.all('cap-add'), 'CapAdd'), capDrop: knownCapabilities(flags.all('cap-drop'), 'CapDrop'), ...(flags.all('security-opt').length > 0 ? { securityOpt: flags.all('security-opt').map((text) => securityOption(text, proc)) } : {}),
    ...(stopSignal ? { stopSignal } : {}), ...(stopTimeout === undefined ? {} : { stopTimeoutSeconds: Number(stopTimeout) }), ...(flags.is('no-healthcheck') || !healthCheck ? {} : { healthCheck }),
  }
}

/** @throws DockerError for names that the kernel doesn't know */
function knownCapabilities(names: readonly string[], field: string): readonly string[] {
  for (const name of names) {
    const short = name.toUpperCase().replace(/^CAP_/, '')
    if (short !== 'ALL' && !isCapability(short)) throw new DockerError(`invalid ${field}: unknown capability: "CAP_${short}"`)
  }
  return names
}

/** An option with what its file says. @throws DockerError */
function securityOption(text: string, proc: Proc): string {
  const [, key, value] = /^([^=:]+)(?:[=:](.*))?$/.exec(text) ?? []
  if (key === 'no-new-privileges' && (value === undefined || value === 'true' || value === 'false')) return value === undefined ? key : `${key}=${value}`
  if (key === 'apparmor' && value === 'unconfined') return `apparmor=${value}`
  if (key === 'label') return text
  if (key === 'seccomp' && value !== undefined) {
    if (value === 'unconfined' || value === 'builtin') return `seccomp=${value}`
    try {
      return `seccomp=${JSON.stringify(seccompProfile(JSON.parse(proc.fs.readText(proc.resolve(value))) as SeccompProfile))}`
    } catch (error) {
      if (error instanceof UnixError) throw new FlagError(`opening seccomp profile (${value}) failed: open ${value}: ${errorText(error).toLowerCase()}`)
      throw new DockerError(error instanceof SyntaxError ? `Decoding seccomp profile failed: ${error.message}` : (error as Error).message)
    }
  }
  if (key === 'apparmor') throw new DockerError(`AppArmor profile "${value}" is not loaded`)
  throw new DockerError(`invalid --security-opt 1: "${text}"`)
}

function pair(text: string): [string, string] {
  const at = text.indexOf('=')
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function bytesOf(flags: Flags, name: string): number {
  const text = flags.get(name)
  if (text === undefined) return 0
  const bytes = ramInBytes(text)
  if (bytes === undefined) throw new FlagError(`invalid argument "${text}" for "${name === 'memory' ? '-m, ' : ''}--${name}" flag: invalid size: '${text}'`)
  return bytes
}

function integerOf(flags: Flags, name: string, shown: string, short: string): number {
  const text = flags.get(name)
  if (text === undefined) return 0
  if (!/^-?\d+$/.test(text)) throw new FlagError(`invalid argument "${text}" for "-${short}, --${shown}" flag: strconv.ParseInt: parsing "${text}": invalid syntax`)
  return Number(text)
}

function cpusOf(flags: Flags): number {
  const text = flags.get('cpus')
  if (text === undefined) return 0
  if (!/^\d*\.?\d+$/.test(text)) throw new FlagError(`invalid argument "${text}" for "--cpus" flag: failed to parse ${text} as a rational number`)
  return Math.round(Number(text) * 1e9)
}

function restartOf(text: string | undefined): RestartPolicy {
  if (text === undefined || text === '') return { name: 'no', maximumRetryCount: 0 }
  const [name, count] = text.split(':')
  if (count !== undefined && !/^\d+$/.test(count)) throw new DockerError(`invalid restart policy format: maximum retry count must be an integer`)
  if (!['no', 'on-failure', 'always', 'unless-stopped'].includes(name!)) throw new DockerError(`invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`)
  if (count !== undefined && name !== 'on-failure') throw new DockerError("invalid restart policy: maximum retry count can only be used with 'on-failure'")
  return { name: name as RestartPolicy['name'], maximumRetryCount: Number(count ?? 0) }
}

/** The image's variables, then files', then flags'; a name alone takes the caller's value. */
export function environment(flags: Flags, base: readonly string[], proc: Proc): string[] {
  const env = new Map(base.map(pair))
  const take = (text: string) => {
    if (text.includes('=')) env.set(...pair(text))
    else if (proc.env[text] !== undefined) env.set(text, proc.env[text])
    else env.delete(text)
  }
  for (const file of flags.all('env-file')) {
    const path = proc.resolve(file)
    if (!proc.fs.exists(path)) throw new FlagError(`open ${file}: no such file or directory`)
    for (const line of proc.fs.readText(path).split(/\r?\n/)) if (line.trim() !== '' && !line.startsWith('#')) take(line.trimStart())
  }
  for (const text of flags.all('env')) {
    if (text === '' || text.startsWith('=')) throw new FlagError(`invalid argument "${text}" for "-e, --env" flag: invalid environment variable: ${text}`)
    take(text)
  }
  return [...env].map(([name, value]) => `${name}=${value}`)
}

/** `[[ip:]hostPort:]containerPort[/protocol]`, each port possibly a range. @throws FlagError */
function portBindings(text: string): PortBinding[] {
  const wrong = (why: string) => new FlagError(`invalid argument "${text}" for "-p, --publish" flag: ${why}`)
  const [, before, protocol = 'tcp'] = /^(.*?)(?:\/(\w+))?$/.exec(text)!
  if (protocol !== 'tcp' && protocol !== 'udp') throw wrong(`invalid proto: ${protocol}`)
  const parts = before!.split(':')
  const container = parts.pop()!
  const host = parts.pop() ?? ''
  const hostIp = parts.join(':').replace(/^\[(.*)\]$/, '$1')
  if (container === '') throw wrong(`no port specified: ${text}<empty>`)
  const range = (part: string, what: string): [number, number] => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part)
    if (!match || Number(match[1]) > 65_535 || Number(match[2] ?? 0) > 65_535) throw wrong(`invalid ${what}: ${part}`)
    return [Number(match[1]), Number(match[2] ?? match[1])]
  }
  const [first, last] = range(container, 'containerPort')
  const hostRange = host === '' ? undefined : range(host, 'hostPort')
  if (hostIp !== '' && !/^\d+\.\d+\.\d+\.\d+$/.test(hostIp)) throw wrong(`invalid IP address: ${hostIp}`)
  if (hostRange && hostRange[1] - hostRange[0] !== last - first) throw wrong(`invalid ranges specified for container and host Ports: ${container} and ${host}`)
  return Array.from({ length: last - first + 1 }, (_, i) => ({ containerPort: first + i, protocol, hostIp: hostIp === '0.0.0.0' ? '' : hostIp, hostPort: hostRange ? hostRange[0] + i : 0 }))
}

/** `[source:]target[:ro]`. */
function volumeOf(text: string, proc: Proc): ContainerMount {
  const parts = text.split(':')
  const options = parts.length > 2 || (parts.length === 2 && /^(?:ro|rw|z|Z)(?:,|$)/.test(parts[1]!)) ? parts.pop()!.split(',') : []
  if (parts.length > 2) throw new DockerError(`invalid volume specification: '${text}'`)
  const target = parts.pop()!
  const given = parts[0]
  if (!target.startsWith('/')) throw new DockerError(`invalid volume specification: '${text}': invalid mount config for type "${given?.startsWith('/') ? 'bind' : 'volume'}": invalid mount path: '${target}' mount path must be absolute`)
  const source = given === undefined ? '' : /^(?:\.{1,2}(?:\/|$)|~)/.test(given) ? proc.resolve(given) : given
  return { type: source.startsWith('/') ? 'bind' : 'volume', source, target: target.replace(/(.)\/+$/, '$1'), readOnly: options.includes('ro') }
}

/** `type=bind,source=...,target=...`. */
function mountOf(text: string, proc: Proc): ContainerMount {
  const wrong = (why: string) => new FlagError(`invalid argument "${text}" for "--mount" flag: ${why}`)
  const mount = { type: 'volume', source: '', target: '', readOnly: false }
  for (const field of text.split(',')) {
    const [key, value] = pair(field)
    if (key === 'type') mount.type = value
    else if (key === 'source' || key === 'src') mount.source = value
    else if (key === 'target' || key === 'dst' || key === 'destination') mount.target = value
    else if (key === 'readonly' || key === 'ro') mount.readOnly = value === '' || value === 'true' || value === '1'
    else if (!/^(?:bind-|volume-|tmpfs-|consistency)/.test(key)) throw wrong(`unexpected key '${key}' in '${field}'`)
  }
  if (mount.target === '') throw wrong('target is required')
  if (!['bind', 'volume', 'tmpfs'].includes(mount.type)) throw new DockerError(`mount type unknown: "${mount.type}"`)
  if (mount.type === 'bind') {
    mount.source = proc.resolve(mount.source)
    if (!proc.fs.exists(mount.source)) throw new DockerError(`invalid mount config for type "bind": bind source path does not exist: ${mount.source}`)
  }
  return mount as ContainerMount
}

function healthCheckOf(flags: Flags): ContainerSpec['healthCheck'] {
  const command = flags.get('health-cmd')
  if (command === undefined) return undefined
  const ms = (name: string, otherwise: number) => { const text = flags.get(name); return text === undefined ? otherwise : durationMs(text) ?? otherwise }
  return { test: ['CMD-SHELL', command], intervalMs: ms('health-interval', 30_000), timeoutMs: ms('health-timeout', 30_000), startPeriodMs: ms('health-start-period', 0), retries: Number(flags.get('health-retries') ?? 3) || 3 }
}
