import { isSharedReader, readLineBytes } from '../../../unix/input.ts'
import { joinPath, baseName, directoryName } from '../../../unix/path.ts'
import { copyTree } from '../../../unix/fs/copy-tree.ts'
import type { FileSystem, Proc } from '../../../unix/types.ts'
import type { DockerContainer } from '../docker-container.ts'
import { sharedCpu } from '../cpu-shares.ts'
import type { DockerEngine } from '../docker-engine.ts'
import { DockerError } from '../docker-error.ts'
import { layerDigests } from '../docker-image.ts'
import { commitContainer } from '../commit.ts'
import { pruneBuildCache } from '../image-builder.ts'
import { referenceOf } from '../image-table.ts'
import { binarySize, humanSize } from '../units.ts'
import { forEach } from './command.ts'
import type { CommandContext, DockerCommand } from './command.ts'
import { pruneContainers } from './container-commands.ts'
import { containerObject } from './container-object.ts'
import { credentialsPath, forgetCredentials, keepCredentials } from './credentials.ts'
import { confirm, imageObject, pruneImages, shortId } from './image-commands.ts'
import { printRows, TemplateError, userTemplate } from './table.ts'

/** The release whose ways these are. */
export const DOCKER_VERSION = '28.5.2'
const API_VERSION = '1.51'
const decoder = new TextDecoder()

// --- accounts --------------------------------------------------------------------------------------------------------------------

async function ask({ proc, out }: CommandContext, question: string, silent: boolean): Promise<string> {
  await out(question)
  const { tty } = proc
  const wasRaw = tty?.raw ?? false
  if (silent) tty?.setRaw(true)
  try {
    let text = ''
    for (;;) {
      const bytes = isSharedReader(proc.stdin) ? await readLineBytes(proc.stdin, silent && tty ? 13 : 10) : await proc.stdin.read()
      if (!bytes) return text
      text += decoder.decode(bytes)
      if (/[\r\n]/.test(text)) return text.replace(/[\r\n][\s\S]*$/, '')
    }
  } finally {
    if (silent) { tty?.setRaw(wasRaw); await out('\n') }
  }
}

export const login: DockerCommand = {
  usage: 'docker login [OPTIONS] [SERVER]', help: 'Authenticate to a registry', max: 1,
  flags: [['password', 'p', 'string', 'Password or Personal Access Token (PAT)'], ['password-stdin', '', 'bool', 'Take the Password or Personal Access Token (PAT) from stdin'], ['username', 'u', 'string', 'Username']],
  async run(context) {
    const { engine, proc, flags, args, out, err } = context
    const server = (args[0] ?? 'docker.io').replace(/^https?:\/\//, '').replace(/\/.*$/, '')
    const domain = server === 'index.docker.io' || server === 'registry-1.docker.io' ? 'docker.io' : server
    let username = flags.get('username')
    let password = flags.get('password')
    if (password !== undefined) await err('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n')
    if (flags.is('password-stdin')) {
      if (password !== undefined) { await err('--password and --password-stdin are mutually exclusive\n'); return 1 }
      if (username === undefined || username === '') { await err('Must provide --username with --password-stdin\n'); return 1 }
      let text = ''
      for (let chunk = await proc.stdin.read(); chunk; chunk = await proc.stdin.read()) text += decoder.decode(chunk)
      password = text.replace(/\r?\n$/, '')
    }
    if (username === undefined || password === undefined) {
      if (!proc.isTty(0)) { await err('Error: Cannot perform an interactive login from a non-TTY device\n'); return 1 }
      if (domain === 'docker.io' && username === undefined) await out('\nLog in with your Docker ID or email address to push and pull images from Docker Hub. If you don\'t have a Docker ID, head over to https://hub.docker.com/ to create one.\nYou can log in with your password or a Personal Access Token (PAT). Using a limited-scope PAT grants better security and is required for organizations using SSO. Learn more at https://docs.docker.com/go/access-tokens/\n\n')
      username ??= (await ask(context, 'Username: ', false)).trim()
      if (username === '') { await err('Error: username is required\n'); return 1 }
      if (password === undefined) {
        await out('\ni Info → A Personal Access Token (PAT) can be used instead.\n         To create a PAT, visit https://app.docker.com/settings\n\n\n')
        password = await ask(context, 'Password: ', true)
      }
    }
    if (password === '') { await err('Error: password is required\n'); return 1 }
    await proc.sleep(200)
    const host = domain === 'docker.io' ? 'registry-1.docker.io' : domain
    const problem = engine.access.signIn(domain, { username, password })
    if (problem === 'unknown host') throw new DockerError(`Get "https://${host}/v2/": dial tcp: lookup ${host.replace(/:\d+$/, '')}: no such host`)
    if (problem) throw new DockerError(`Get "https://${host}/v2/": unauthorized: ${domain === 'docker.io' ? 'incorrect username or password' : 'authentication required'}`)
    keepCredentials(proc, domain, { username, password })
    await err(`\nWARNING! Your credentials are stored unencrypted in '${credentialsPath(proc)}'.\nConfigure a credential helper to remove this warning. See\nhttps://docs.docker.com/go/credential-store/\n\n`)
    await out('Login Succeeded\n')
    return 0
  },
}

export const logout: DockerCommand = {
  usage: 'docker logout [SERVER]', help: 'Log out from a registry', max: 1, flags: [],
  async run({ proc, args, out }) {
    const domain = (args[0] ?? 'docker.io').replace(/^https?:\/\//, '').replace(/\/.*$/, '')
    const shown = domain === 'docker.io' ? 'https://index.docker.io/v1/' : domain
    if (forgetCredentials(proc, domain)) await out(`Removing login credentials for ${shown}\n`)
    else await out(`Not logged in to ${shown}\n`)
    return 0
  },
}

// --- inspect ---------------------------------------------------------------------------------------------------------------------

/** What `docker inspect` looks for, in this order. */
type InspectedKind = 'container' | 'image' | 'volume' | 'network'

function lookUp(engine: DockerEngine, name: string, kind: InspectedKind): unknown {
  if (kind === 'container') return containerObject(engine, engine.find(name))
  if (kind === 'image') return imageObject(engine, engine.images.need(name))
  if (kind === 'volume') return volumeObject(engine, name)
  return networkObject(engine, name)
}

function inspectOf(kinds: readonly InspectedKind[], usage: string, help: string): DockerCommand {
  return {
    usage, help, min: 1, flags: [['format', 'f', 'string', 'Format output using a custom template'], ['size', 's', 'bool', 'Display total file sizes if the type is container'], ['type', '', 'string', 'Only inspect objects of the given type']],
    async run({ engine, flags, args, templateOf, out, err }) {
      const only = flags.get('type') as InspectedKind | undefined
      const objects: unknown[] = []
      const missing: string[] = []
      for (const name of args) {
        const tried = (only ? [only] : kinds).map((kind) => { try { return { object: lookUp(engine, name, kind) } } catch (error) { if (error instanceof DockerError) return { error }; throw error } })
        const found = tried.find((each) => 'object' in each)
        if (found) objects.push(found.object)
        else missing.push(kinds.length > 1 && !only ? `Error: No such object: ${name}` : `Error response from daemon: ${tried[0]!.error!.message}`)
      }
      const format = flags.get('format')
      if (format === undefined) await out(`${JSON.stringify(objects, undefined, 4)}\n`)
      else {
        const template = format === 'json' ? (data: unknown) => JSON.stringify(data) : userTemplate(templateOf, format)
        for (const object of objects) {
          try {
            await out(`${template(object)}\n`)
          } catch (error) {
            throw new TemplateError(`template parsing error: ${(error as Error).message}`)
          }
        }
      }
      for (const line of missing) await err(`${line}\n`)
      return missing.length > 0 ? 1 : 0
    },
  }
}

export const inspect = inspectOf(['container', 'image', 'volume', 'network'], 'docker inspect [OPTIONS] NAME|ID [NAME|ID...]', 'Return low-level information on Docker objects')
export const inspectContainer = inspectOf(['container'], 'docker container inspect [OPTIONS] CONTAINER [CONTAINER...]', 'Display detailed information on one or more containers')
export const inspectImage = inspectOf(['image'], 'docker image inspect [OPTIONS] IMAGE [IMAGE...]', 'Display detailed information on one or more images')
export const inspectVolume = inspectOf(['volume'], 'docker volume inspect [OPTIONS] VOLUME [VOLUME...]', 'Display detailed information on one or more volumes')
export const inspectNetwork = inspectOf(['network'], 'docker network inspect [OPTIONS] NETWORK [NETWORK...]', 'Display detailed information on one or more networks')

// --- volumes and networks --------------------------------------------------------------------------------------------------------

function volumeObject(engine: DockerEngine, name: string) {
  const volume = engine.volumes.get(name)
  if (!volume) throw new DockerError(`get ${name}: no such volume`, 'not found')
  return { CreatedAt: new Date(volume.createdMs).toISOString(), Driver: 'local', Labels: Object.keys(volume.labels).length > 0 ? volume.labels : null, Mountpoint: engine.volumes.pathOf(name), Name: name, Options: null, Scope: 'local' }
}

const volumeUsers = (engine: DockerEngine, name: string) => engine.containers().filter(({ spec }) => spec.mounts.some((mount) => mount.type === 'volume' && mount.source === name))

export const volumeList: DockerCommand = {
  usage: 'docker volume ls [OPTIONS]', help: 'List volumes', max: 0, flags: [['filter', 'f', 'list', 'Provide filter values (e.g. "dangling=true")'], ['format', '', 'string', 'Format output using a custom template'], ['quiet', 'q', 'bool', 'Only display volume names']],
  async run(context) {
    const { engine, flags } = context
    const dangling = flags.all('filter').find((each) => each.startsWith('dangling='))?.slice(9)
    const rows = engine.volumes.list().filter(({ name }) => dangling === undefined || (volumeUsers(engine, name).length === 0) === (dangling === 'true' || dangling === '1')).map(({ name }) => ({ Driver: 'local', Name: name, Mountpoint: engine.volumes.pathOf(name), Scope: 'local', Labels: '' }))
    await printRows(context, rows, [['Driver', 'DRIVER'], ['Name', 'VOLUME NAME']], flags.is('quiet') ? { quiet: 'Name' } : {})
    return 0
  },
}

export const volumeCreate: DockerCommand = {
  refused: ['driver', 'opt'], usage: 'docker volume create [OPTIONS] [VOLUME]', help: 'Create a volume', max: 1, flags: [['driver', 'd', 'string', 'Specify volume driver name'], ['label', '', 'list', 'Set metadata for a volume'], ['opt', 'o', 'list', 'Set driver specific options']],
  async run({ engine, flags, args, out }) {
    const name = args[0] ?? engine.random.hex(32)
    engine.volumes.ensure(name, { labels: Object.fromEntries(flags.all('label').map((each) => { const at = each.indexOf('='); return at < 0 ? [each, ''] : [each.slice(0, at), each.slice(at + 1)] })), anonymous: args[0] === undefined })
    await out(`${name}\n`)
    return 0
  },
}

export const volumeRemove: DockerCommand = {
  usage: 'docker volume rm [OPTIONS] VOLUME [VOLUME...]', help: 'Remove one or more volumes', min: 1, flags: [['force', 'f', 'bool', 'Force the removal of one or more volumes']],
  run: (context) => forEach(context, async (name) => {
    const { engine } = context
    if (!engine.volumes.get(name)) { if (context.flags.is('force')) return name; throw new DockerError(`get ${name}: no such volume`, 'not found') }
    const users = volumeUsers(engine, name)
    if (users.length > 0) throw new DockerError(`remove ${name}: volume is in use - [${users.map(({ id }) => id).join(', ')}]`, 'conflict')
    engine.volumes.remove(name)
    return name
  }),
}

export const volumePrune: DockerCommand = {
  refused: ['filter'], usage: 'docker volume prune [OPTIONS]', help: 'Remove unused local volumes', max: 0, flags: [['all', 'a', 'bool', 'Remove all unused volumes, not just anonymous ones'], ['filter', '', 'list', 'Provide filter values (e.g. "label=<label>")'], ['force', 'f', 'bool', 'Do not prompt for confirmation']],
  async run(context) {
    const { engine, flags, out } = context
    if (!flags.is('force') && !await confirm(context, `WARNING! This will remove ${flags.is('all') ? 'all' : 'anonymous'} local volumes not used by at least one container.\n`)) return 0
    const { names, bytes } = pruneVolumes(engine, flags.is('all'))
    await out(`${names.length > 0 ? `Deleted Volumes:\n${names.map((name) => `${name}\n`).join('')}\n` : ''}Total reclaimed space: ${humanSize(bytes)}\n`)
    return 0
  },
}

function pruneVolumes(engine: DockerEngine, all: boolean): { names: string[]; bytes: number } {
  const unused = engine.volumes.list().filter(({ name, anonymous }) => (all || anonymous) && volumeUsers(engine, name).length === 0)
  const bytes = unused.reduce((sum, { name }) => sum + engine.volumes.sizeOf(name), 0)
  for (const { name } of unused) engine.volumes.remove(name)
  return { names: unused.map(({ name }) => name), bytes }
}

const BUILT_IN_NETWORKS = [['bridge', 'bridge'], ['host', 'host'], ['none', 'null']] as const

function networkObject(engine: DockerEngine, name: string) {
  const driver = BUILT_IN_NETWORKS.find(([each]) => each === name)?.[1] ?? (engine.networks.has(name) ? 'bridge' : undefined)
  if (!driver) throw new DockerError(`network ${name} not found`, 'not found')
  const members = engine.containers().filter(({ spec, ip }) => (spec.networkMode === 'default' ? 'bridge' : spec.networkMode) === name && ip !== '')
  return {
    Name: name, Id: engine.networks.idOf(name), Created: new Date(engine.networks.get(name)?.createdMs ?? engine.startedMs).toISOString(), Scope: 'local', Driver: driver, EnableIPv4: true, EnableIPv6: false, IPAM: { Driver: 'default', Options: null, Config: driver === 'bridge' ? [{ Subnet: '172.17.0.0/16', Gateway: '172.17.0.1' }] : null }, Internal: false, Attachable: false, Ingress: false,
    Containers: Object.fromEntries(members.map((container) => [container.id, { Name: container.name, EndpointID: container.id, MacAddress: '', IPv4Address: `${container.ip}/16`, IPv6Address: '' }])), Options: {}, Labels: {},
  }
}

export const networkList: DockerCommand = {
  usage: 'docker network ls [OPTIONS]', help: 'List networks', max: 0, flags: [['filter', 'f', 'list', 'Provide filter values (e.g. "driver=bridge")'], ['format', '', 'string', 'Format output using a custom template'], ['no-trunc', '', 'bool', 'Do not truncate the output'], ['quiet', 'q', 'bool', 'Only display network IDs']],
  async run(context) {
    const { engine, flags } = context
    const all = [...BUILT_IN_NETWORKS, ...engine.networks.names().map((name) => [name, 'bridge'] as const)].sort(([a], [b]) => a < b ? -1 : 1)
    await printRows(context, all.map(([name, driver]) => ({ ID: flags.is('no-trunc') ? engine.networks.idOf(name) : engine.networks.idOf(name).slice(0, 12), Name: name, Driver: driver, Scope: 'local' })), [['ID', 'NETWORK ID'], ['Name', 'NAME'], ['Driver', 'DRIVER'], ['Scope', 'SCOPE']], flags.is('quiet') ? { quiet: 'ID' } : {})
    return 0
  },
}

export const networkCreate: DockerCommand = {
  refused: ['subnet'], usage: 'docker network create [OPTIONS] NETWORK', help: 'Create a network', min: 1, max: 1, flags: [['driver', 'd', 'string', 'Driver to manage the Network'], ['label', '', 'list', 'Set metadata on a network'], ['subnet', '', 'list', 'Subnet in CIDR format that represents a network segment']],
  async run({ engine, flags, args, out }) {
    const name = args[0]!
    if (flags.get('driver') !== undefined && flags.get('driver') !== 'bridge') throw new DockerError(`could not find plugin ${flags.get('driver')} in v1 plugin registry: plugin not found`)
    if (engine.networks.has(name) || BUILT_IN_NETWORKS.some(([each]) => each === name)) throw new DockerError(`network with name ${name} already exists`)
    await out(`${engine.networks.create(name)}\n`)
    return 0
  },
}

export const networkRemove: DockerCommand = {
  usage: 'docker network rm NETWORK [NETWORK...]', help: 'Remove one or more networks', min: 1, flags: [['force', 'f', 'bool', 'Do not error if the network does not exist']],
  run: (context) => forEach(context, async (name) => {
    const { engine } = context
    if (BUILT_IN_NETWORKS.some(([each]) => each === name)) throw new DockerError(`${name} is a pre-defined network and cannot be removed`)
    if (!engine.networks.has(name)) throw new DockerError(`network ${name} not found`, 'not found')
    if (engine.containers().some(({ spec, status }) => spec.networkMode === name && status === 'running')) throw new DockerError(`error while removing network: network ${name} has active endpoints`)
    engine.networks.remove(name)
    return name
  }),
}

// --- the machine -----------------------------------------------------------------------------------------------------------------

export const version: DockerCommand = {
  usage: 'docker version [OPTIONS]', help: 'Show the Docker version information', max: 0, flags: [['format', 'f', 'string', 'Format output using a custom template']],
  async run({ flags, templateOf, out }) {
    const part = { Version: DOCKER_VERSION, ApiVersion: API_VERSION, Os: 'linux', Arch: 'amd64' }
    const format = flags.get('format')
    if (format !== undefined) { await out(`${format === 'json' ? JSON.stringify({ Client: part, Server: part }) : userTemplate(templateOf, format)({ Client: part, Server: part })}\n`); return 0 }
    await out(`Client: Docker Engine - Community\n Version:           ${DOCKER_VERSION}\n API version:       ${API_VERSION}\n OS/Arch:           linux/amd64\n Context:           default\n\nServer: Docker Engine - Community\n Engine:\n  Version:          ${DOCKER_VERSION}\n  API version:      ${API_VERSION} (minimum version 1.24)\n  OS/Arch:          linux/amd64\n  Experimental:     false\n containerd:\n  Version:          v2.3.7\n runc:\n  Version:          1.3.3\n`)
    return 0
  },
}

export const info: DockerCommand = {
  usage: 'docker info [OPTIONS]', help: 'Display system-wide information', max: 0, flags: [['format', 'f', 'string', 'Format output using a custom template']],
  async run({ engine, proc, flags, templateOf, out }) {
    const all = engine.containers()
    const count = (status: DockerContainer['status']) => all.filter((each) => each.status === status).length
    const { cpus, memoryBytes } = proc.machine.hardware
    const data = {
      ID: engine.networks.idOf('id').slice(0, 36), Containers: all.length, ContainersRunning: count('running'), ContainersPaused: count('paused'), ContainersStopped: all.length - count('running') - count('paused'), Images: engine.images.list().length, Driver: 'overlayfs', LoggingDriver: 'json-file', CgroupDriver: 'systemd', CgroupVersion: '2',
      ServerVersion: DOCKER_VERSION, OSType: 'linux', Architecture: 'x86_64', NCPU: cpus, MemTotal: memoryBytes, Name: proc.machine.hostname, DockerRootDir: '/var/lib/docker', OperatingSystem: 'Drydock',
    }
    const format = flags.get('format')
    if (format !== undefined) { await out(`${format === 'json' ? JSON.stringify(data) : userTemplate(templateOf, format)(data)}\n`); return 0 }
    await out(`Client: Docker Engine - Community\n Version:    ${DOCKER_VERSION}\n Context:    default\n Debug Mode: false\n\nServer:\n Containers: ${data.Containers}\n  Running: ${data.ContainersRunning}\n  Paused: ${data.ContainersPaused}\n  Stopped: ${data.ContainersStopped}\n Images: ${data.Images}\n Server Version: ${DOCKER_VERSION}\n Storage Driver: overlayfs\n  driver-type: io.containerd.snapshotter.v1\n Logging Driver: json-file\n Cgroup Driver: systemd\n Cgroup Version: 2\n Swarm: inactive\n Runtimes: runc\n Default Runtime: runc\n containerd version: v2.3.7\n Operating System: Drydock\n OSType: linux\n Architecture: x86_64\n CPUs: ${cpus}\n Total Memory: ${binarySize(memoryBytes)}\n Name: ${data.Name}\n Docker Root Dir: /var/lib/docker\n Debug Mode: false\n Insecure Registries:\n  127.0.0.0/8\n Live Restore Enabled: false\n`)
    return 0
  },
}

export const stats: DockerCommand = {
  usage: 'docker stats [OPTIONS] [CONTAINER...]', help: "Display a live stream of container(s) resource usage statistics",
  flags: [['all', 'a', 'bool', 'Show all containers (default shows just running)'], ['format', '', 'string', 'Format output using a custom template'], ['no-stream', '', 'bool', 'Disable streaming stats and only pull the first result'], ['no-trunc', '', 'bool', 'Do not truncate output']],
  async run(context) {
    const { engine, flags, args, proc, out } = context
    const named = args.map((name) => engine.find(name))
    for (;;) {
      const chosen = named.length > 0 ? named : engine.containers().filter(({ status }) => flags.is('all') || status === 'running' || status === 'paused')
      const before = usageOf(engine)
      const beforeMs = engine.clock.nowMs()
      await proc.sleep(1_000)
      const overMs = engine.clock.nowMs() - beforeMs
      const shares = sharedCpu([...usageOf(engine)].flatMap(([id, nanoseconds]) => {
        const was = before.get(id)
        const { spec } = engine.find(id)
        const percent = was === undefined || overMs <= 0 ? 0 : (nanoseconds - was) / (overMs * 1e4)
        return [{ id, percent: spec.nanoCpus > 0 ? Math.min(percent, spec.nanoCpus / 1e7) : percent, weight: spec.cpuShares || 1024, cpuset: spec.cpuset }]
      }), proc.machine.hardware.cpus)
      const rows = chosen.map((container) => {
        const usage = engine.machineOf(container)?.usage()
        const limit = container.spec.memoryBytes || proc.machine.hardware.memoryBytes
        const bytes = usage?.memoryBytes ?? 0
        return {
          Container: flags.is('no-trunc') ? container.id : shortId(container.id), ID: flags.is('no-trunc') ? container.id : shortId(container.id), Name: container.name, CPUPerc: `${(shares.get(container.id) ?? 0).toFixed(2)}%`, MemUsage: `${usage ? binarySize(bytes) : '0B'} / ${usage ? binarySize(limit) : '0B'}`,
          MemPerc: `${(usage ? bytes / limit * 100 : 0).toFixed(2)}%`, NetIO: '--', BlockIO: '--', PIDs: String(engine.machineOf(container)?.processes().length ?? 0),
        }
      })
      if (!flags.is('no-stream')) await out('\x1b[H\x1b[J')
      await printRows(context, rows, [['ID', 'CONTAINER ID'], ['Name', 'NAME'], ['CPUPerc', 'CPU %'], ['MemUsage', 'MEM USAGE / LIMIT'], ['MemPerc', 'MEM %'], ['NetIO', 'NET I/O'], ['BlockIO', 'BLOCK I/O'], ['PIDs', 'PIDS']], { headings: [['Container', 'CONTAINER']] })
      if (flags.is('no-stream')) return 0
    }
  },
}

function usageOf(engine: DockerEngine): Map<string, number> {
  return new Map(engine.containers().flatMap((container) => { const usage = engine.machineOf(container)?.usage(); return usage ? [[container.id, usage.cpuNanoseconds]] : [] }))
}

export const systemDf: DockerCommand = {
  usage: 'docker system df [OPTIONS]', help: 'Show docker disk usage', max: 0, flags: [['format', '', 'string', 'Format output using a custom template'], ['verbose', 'v', 'bool', 'Show detailed information on space usage']],
  async run(context) {
    const { engine, cache } = context
    const images = engine.images.list()
    const containers = engine.containers()
    const used = images.filter(({ id }) => engine.usersOf(id).length > 0)
    const sizeOf = (list: typeof images) => [...new Map(list.flatMap((image) => [...(image.base ? [[image.base.digest, image.baseSizeBytes] as const] : []), ...image.layers.map(({ id, sizeBytes }) => [id, sizeBytes] as const)])).values()].reduce((sum, bytes) => sum + bytes, 0)
    const imageBytes = sizeOf(images)
    const volumes = engine.volumes.list()
    const isUsed = (name: string) => volumeUsers(engine, name).length > 0
    const volumeBytes = volumes.reduce((sum, { name }) => sum + engine.volumes.sizeOf(name), 0)
    const freeVolumeBytes = volumes.filter(({ name }) => !isUsed(name)).reduce((sum, { name }) => sum + engine.volumes.sizeOf(name), 0)
    const layerBytes = containers.reduce((sum, { layer }) => sum + layer.usedBytes(), 0)
    const freeLayerBytes = containers.filter(({ status }) => status !== 'running' && status !== 'paused').reduce((sum, { layer }) => sum + layer.usedBytes(), 0)
    const inImages = new Set(images.flatMap(layerDigests))
    const cached = new Map(cache.list().map(([, { layerId, sizeBytes }]) => [layerId, sizeBytes]))
    const cacheBytes = [...cached.values()].reduce((sum, bytes) => sum + bytes, 0)
    const freeCacheBytes = [...cached].filter(([id]) => !inImages.has(id)).reduce((sum, [, bytes]) => sum + bytes, 0)
    const row = (Type: string, total: number, active: number, bytes: number, free: number, percent = true) => ({ Type, TotalCount: String(total), Active: String(active), Size: humanSize(bytes, 4), Reclaimable: `${humanSize(free, 4)}${percent && bytes > 0 ? ` (${Math.floor(free / bytes * 100)}%)` : ''}` })
    await printRows(context, [
      row('Images', images.length, used.length, imageBytes, imageBytes - sizeOf(used)), row('Containers', containers.length, containers.filter(({ status }) => status === 'running').length, layerBytes, freeLayerBytes),
      row('Local Volumes', volumes.length, volumes.filter(({ name }) => isUsed(name)).length, volumeBytes, freeVolumeBytes), row('Build Cache', cached.size, 0, cacheBytes, freeCacheBytes, false),
    ], [['Type', 'TYPE'], ['TotalCount', 'TOTAL'], ['Active', 'ACTIVE'], ['Size', 'SIZE'], ['Reclaimable', 'RECLAIMABLE']])
    return 0
  },
}

export const systemPrune: DockerCommand = {
  refused: ['filter'], usage: 'docker system prune [OPTIONS]', help: 'Remove unused data', max: 0, flags: [['all', 'a', 'bool', 'Remove all unused images not just dangling ones'], ['filter', '', 'list', 'Provide filter values (e.g. "label=<key>=<value>")'], ['force', 'f', 'bool', 'Do not prompt for confirmation'], ['volumes', '', 'bool', 'Prune anonymous volumes']],
  async run(context) {
    const { engine, cache, flags, out } = context
    const all = flags.is('all')
    const warning = `WARNING! This will remove:\n  - all stopped containers\n  - all networks not used by at least one container\n${flags.is('volumes') ? '  - all anonymous volumes not used by at least one container\n' : ''}  - all ${all ? 'images without at least one container associated to them' : 'dangling images'}\n  - ${all ? 'all' : 'unused'} build cache\n\n`
    if (!flags.is('force') && !await confirm(context, warning)) return 0
    const containers = await pruneContainers(context)
    const networks = engine.networks.names().filter((name) => !engine.containers().some(({ spec }) => spec.networkMode === name))
    for (const name of networks) engine.networks.remove(name)
    const volumes = flags.is('volumes') ? pruneVolumes(engine, false) : { names: [], bytes: 0 }
    const images = pruneImages(engine, all)
    const cached = cache.list().map(([key]) => key.slice(7, 32))
    const cacheBytes = pruneBuildCache(engine, cache)
    const section = (title: string, lines: readonly string[]) => lines.length > 0 ? `${title}:\n${lines.map((line) => `${line}\n`).join('')}\n` : ''
    await out(`${section('Deleted Containers', containers.ids)}${section('Deleted Networks', networks)}${section('Deleted Volumes', volumes.names)}${section('Deleted Images', images.lines)}${section('Deleted build cache objects', cached)}Total reclaimed space: ${humanSize(containers.bytes + volumes.bytes + images.bytes + cacheBytes)}\n`)
    return 0
  },
}

export const builderPrune: DockerCommand = {
  refused: ['filter', 'keep-storage'], usage: 'docker builder prune', help: 'Remove build cache', max: 0, flags: [['all', 'a', 'bool', 'Remove all unused build cache, not just dangling ones'], ['filter', '', 'list', 'Provide filter values (e.g. "until=24h")'], ['force', 'f', 'bool', 'Do not prompt for confirmation'], ['keep-storage', '', 'string', 'Amount of disk space to keep for cache']],
  async run(context) {
    const { engine, cache, flags, out } = context
    if (!flags.is('force') && !await confirm(context, 'WARNING! This will remove all dangling build cache. ')) return 0
    await out(`Total:\t${humanSize(pruneBuildCache(engine, cache))}\n`)
    return 0
  },
}

// --- files -----------------------------------------------------------------------------------------------------------------------

export const cp: DockerCommand = {
  usage: 'docker cp [OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tdocker cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH', help: 'Copy files/folders between a container and the local filesystem', min: 2, max: 2,
  flags: [['archive', 'a', 'bool', 'Archive mode (copy all uid/gid information)'], ['follow-link', 'L', 'bool', 'Always follow symbol link in SRC_PATH'], ['quiet', 'q', 'bool', 'Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached']],
  async run({ engine, proc, flags, args, err }) {
    const [from, to] = [endOf(engine, proc, args[0]!), endOf(engine, proc, args[1]!)]
    if (from.container && to.container) { await err('copying between containers is not supported\n'); return 1 }
    if (!from.container && !to.container) { await err('must specify at least one container source\n'); return 1 }
    const source = from.path.replace(/\/\.?$/, '') || '/'
    if (!from.fs.exists(source)) {
      if (from.container) throw new DockerError(`Could not find the file ${from.path} in container ${from.container.name}`)
      await err(`lstat ${source}: no such file or directory\n`)
      return 1
    }
    const isDirectory = from.fs.stat(source).type === 'directory'
    const contentsOnly = isDirectory && /\/\.$/.test(from.given)
    const target = to.path.replace(/(.)\/+$/, '$1')
    const targetIsDirectory = to.fs.exists(target) && to.fs.stat(target).type === 'directory'
    if (isDirectory && to.fs.exists(target) && !targetIsDirectory) { await err('cannot copy directory\n'); return 1 }
    if (!targetIsDirectory && (to.given.endsWith('/') && !isDirectory || !to.fs.exists(directoryName(target)))) {
      if (to.container) throw new DockerError(`Could not find the file ${directoryName(target)} in container ${to.container.name}`)
      await err(`invalid output path: directory ${JSON.stringify(directoryName(target))} does not exist\n`)
      return 1
    }
    const at = targetIsDirectory && !contentsOnly ? joinPath(target, baseName(source)) : target
    // What goes into a container is root's, what comes out the caller's.
    const owner = flags.is('archive') ? {} : { owner: to.container ? { uid: 0, gid: 0 } : { uid: proc.user.uid, gid: proc.user.gid } }
    const wanted = from.container ? (path: string) => !/^(?:proc|dev|sys)(?:\/|$)/.test(joinPath(source, path).slice(1)) : undefined
    await copyTree(from.fs, source, to.fs, at, { clock: engine.clock, ...owner, ...(wanted ? { wanted } : {}) })
    await err(`Successfully copied ${humanSize(archiveSize(to.fs, at) + 1024)} to ${to.container ? `${to.container.name}:${to.given.slice(to.given.indexOf(':') + 1)}` : proc.resolve(args[1]!)}\n`)
    return 0
  },
}

/** What something takes up in an archive: what is copied travels in one. */
function archiveSize(fs: FileSystem, path: string): number {
  const stat = fs.lstat(path)
  if (stat.type === 'directory') return 512 + fs.readdir(path).reduce((sum, name) => sum + archiveSize(fs, joinPath(path, name)), 0)
  return 512 + Math.ceil(stat.sizeBytes / 512) * 512
}

function endOf(engine: DockerEngine, proc: Proc, text: string) {
  const colon = text.indexOf(':')
  if (colon <= 0 || /^[./]/.test(text)) return { fs: proc.fs, path: text === '/' ? '/' : `${proc.resolve(text)}${text.endsWith('/') ? '/' : ''}`, given: text, container: undefined }
  const container = engine.find(text.slice(0, colon))
  const path = text.slice(colon + 1)
  return { fs: engine.filesOf(container), path: path.startsWith('/') ? path : `/${path}`, given: text, container }
}

export const commit: DockerCommand = {
  refused: ['author', 'change'], usage: 'docker commit [OPTIONS] CONTAINER [REPOSITORY[:TAG]]', help: "Create a new image from a container's changes", min: 1, max: 2, flags: [['author', 'a', 'string', 'Author'], ['change', 'c', 'list', 'Apply Dockerfile instruction to the created image'], ['message', 'm', 'string', 'Commit message'], ['pause', 'p', 'bool', 'Pause container during commit (default true)']],
  async run({ engine, flags, args, out }) {
    const image = await commitContainer(engine, engine.find(args[0]!), flags.get('message') ?? '')
    if (args[1] !== undefined) engine.images.tag(referenceOf(args[1]).fullName, image.id)
    await out(`${image.id}\n`)
    return 0
  },
}

