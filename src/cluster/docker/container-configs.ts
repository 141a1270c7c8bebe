import type { Clock } from '../../base/clock.ts'
import { createMemoryFileSystem, createOverlay, withOwnMounts } from '../../unix/file-system.ts'
import type { Machine, MountableFileSystem, NetStack } from '../../unix/types.ts'
import type { BridgeNetwork } from '../network/types.ts'
import type { ContainerConfig, ContainerSecurity, Mount, PodSandboxConfig } from '../runtime/cri.ts'
import type { ContainerSpec, DockerContainer } from './docker-container.ts'
import { DockerError } from './docker-error.ts'
import { envRecord } from './docker-image.ts'
import type { Volumes } from './volumes.ts'
import type { DockerNetworks } from './docker-networks.ts'

/** Where containers are written down. */
export const CONTAINERS = '/var/lib/docker/containers'
const EMPTY_HOSTS = '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n'

export interface ContainerConfigsOptions {
  /** The engine's disk. */
  disk: MountableFileSystem
  /** The machine's own files, for bind mounts. */
  machine: () => Machine
  network: BridgeNetwork
  net: NetStack
  clock: Clock
  networks: DockerNetworks
  volumes: Volumes
  containers: () => readonly DockerContainer[]
}

/** What containers are for the runtime below the engine. */
export class ContainerConfigs {
  readonly #options: ContainerConfigsOptions

  constructor(options: ContainerConfigsOptions) {
    this.#options = options
  }

  /** The place of a container in the network; `ip`: one that it had before. */
  sandbox({ id, name, spec, runs }: DockerContainer, ip?: string): PodSandboxConfig {
    const { net } = this.#options
    return {
      uid: id, namespace: 'docker', name, attempt: runs.length, hostname: spec.hostname ?? (spec.networkMode === 'host' ? net.hostname : id.slice(0, 12)), hostDomain: '', logDirectory: `/var/log/pods/docker_${id}`, dns: { servers: [], searches: [], options: [] },
      hostNetwork: spec.networkMode === 'host', portMappings: [], sysctls: {}, shareProcesses: false, ...(ip ? { ip } : {}),
    }
  }

  /** What its next process is to run with; writes the files that it is given. @throws DockerError for users that its image doesn't know */
  container(container: DockerContainer, attempt: number): ContainerConfig {
    const { spec, imageId, layer } = container
    return {
      name: container.name, attempt, image: spec.image, imageRef: imageId, command: [...spec.entrypoint, ...spec.cmd], args: [], workingDir: spec.workingDir, env: { ...envRecord(spec.env) }, mounts: this.#mountsOf(container),
      stdin: spec.openStdin, stdinOnce: true, tty: spec.tty, logPath: `${attempt}.log`, root: spec.readOnly ? createOverlay(layer, this.#options.clock, { readOnly: true }) : withOwnMounts(layer), annotations: {},
      security: { ...this.#userOf(container), mergeImageGroups: true, readOnlyRootFilesystem: spec.readOnly, privileged: spec.privileged, addCapabilities: spec.capAdd, dropCapabilities: spec.capDrop, ...securityOf(spec) },
      resources: {
        ...(spec.memoryBytes > 0 ? { memoryBytes: spec.memoryBytes } : {}), ...(spec.nanoCpus > 0 ? { cpuMillis: spec.nanoCpus / 1e6 } : {}), cpuShares: spec.cpuShares || 1024,
      },
      ...(spec.stopSignal ? { stopSignal: spec.stopSignal } : {}),
    }
  }

  /** The user as numbers where the container differs from its image. @throws DockerError */
  #userOf({ spec, layer }: DockerContainer): { runAsUser?: number; runAsGroup?: number; supplementalGroups: readonly number[] } {
    const [user = '', group] = spec.user.split(':')
    if (user === '') return { supplementalGroups: [] }
    const lookUp = (file: string, name: string, what: string): number => {
      if (/^\d+$/.test(name)) return Number(name)
      const line = layer.exists(file) ? layer.readText(file).split('\n').find((each) => each.startsWith(`${name}:`)) : undefined
      if (!line) throw new DockerError(`unable to find ${what} ${name}: no matching entries in ${what === 'user' ? 'passwd' : 'group'} file`)
      return Number(line.split(':')[2])
    }
    return { runAsUser: lookUp('/etc/passwd', user, 'user'), ...(group ? { runAsGroup: lookUp('/etc/group', group, 'group') } : {}), supplementalGroups: [] }
  }

  #mountsOf(container: DockerContainer): Mount[] {
    const { disk, volumes, clock } = this.#options
    const mounts: Mount[] = []
    const directory = `${CONTAINERS}/${container.id}`
    disk.mkdir(directory, { recursive: true })
    if (container.spec.networkMode !== 'host') {
      disk.writeFile(`${directory}/hostname`, `${container.spec.hostname ?? container.id.slice(0, 12)}\n`)
      disk.writeFile(`${directory}/hosts`, this.#hostsOf(container))
      disk.writeFile(`${directory}/resolv.conf`, this.#options.machine().fs.readText('/etc/resolv.conf'))
      for (const name of ['hostname', 'hosts', 'resolv.conf']) mounts.push({ containerPath: `/etc/${name}`, tree: disk, subPath: `${directory}/${name}`, readOnly: false })
    }
    for (const mount of container.spec.mounts) {
      if (mount.type === 'tmpfs') mounts.push({ containerPath: mount.target, tree: createMemoryFileSystem({ clock }), readOnly: false, inMemory: true })
      else if (mount.type === 'volume') mounts.push({ containerPath: mount.target, tree: disk, subPath: volumes.pathOf(mount.source), readOnly: mount.readOnly })
      else {
        const { fs } = this.#options.machine()
        if (!fs.exists(mount.source)) fs.mkdir(mount.source, { recursive: true })
        mounts.push({ containerPath: mount.target, tree: fs, subPath: mount.source, readOnly: mount.readOnly })
      }
    }
    return mounts
  }

  #hostsOf(container: DockerContainer): string {
    const { networks, containers, network: { gateway } } = this.#options
    const extra = container.spec.extraHosts.map((each) => { const at = each.indexOf(each.includes('=') ? '=' : ':'); return `${each.slice(at + 1) === 'host-gateway' ? gateway : each.slice(at + 1)}\t${each.slice(0, at)}\n` })
    // On networks of their own containers know each other's names.
    const peers = networks.has(container.spec.networkMode) ? containers().filter((each) => each !== container && each.spec.networkMode === container.spec.networkMode && each.status === 'running' && each.ip !== '').map(({ ip, name, id }) => `${ip}\t${name} ${id.slice(0, 12)}\n`) : []
    return `${EMPTY_HOSTS}${extra.join('')}${container.ip}\t${container.spec.hostname ?? container.id.slice(0, 12)}\n${peers.join('')}`
  }

  /** Tells running containers of networks of their own who came and went. */
  writeHosts(): void {
    const { disk, networks, containers } = this.#options
    for (const container of containers())
      if (!container.guest && container.status === 'running' && networks.has(container.spec.networkMode)) disk.writeFile(`${CONTAINERS}/${container.id}/hosts`, this.#hostsOf(container))
  }
}

/** How system calls are filtered, and whether programs give rights, as `--security-opt` says. */
function securityOf({ privileged, securityOpt = [] }: ContainerSpec): Pick<ContainerSecurity, 'seccomp' | 'seccompText' | 'noNewPrivileges'> {
  const seccomp = securityOpt.findLast((option) => option.startsWith('seccomp='))?.slice('seccomp='.length)
  return {
    seccomp: seccomp === undefined ? !privileged : seccomp !== 'unconfined', ...(seccomp?.startsWith('{') ? { seccompText: seccomp } : {}),
    noNewPrivileges: securityOpt.some((option) => option === 'no-new-privileges' || option === 'no-new-privileges=true'),
  }
}
