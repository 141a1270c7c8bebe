import type { EphemeralContainer, Pod } from '../kinds/generated/types.ts'
import { quantityValue } from '../kinds/quantity.ts'
import { DEFAULT_APPARMOR_PROFILE, RuntimeError } from '../runtime/cri.ts'
import type { BlockDeviceMapping, ContainerConfig, ContainerSecurity, ContainerStatus, Mount } from '../runtime/cri.ts'
import { startsByLogFiles } from '../runtime/log-files.ts'
import { resolvePath } from '../../unix/path.ts'
import type { MountableFileSystem, Signal } from '../../unix/types.ts'
import { allContainersCouldRestart } from '../kinds/core/restart-rules.ts'
import { containerHash, findContainer } from './pod-actions.ts'
import type { RuntimePodStatus } from './pod-actions.ts'
import { containerLimits } from './container-limits.ts'
import { hostsFile, podDnsConfig, podHostname, resolvConf } from './dns-config.ts'
import { containerEnvironment, expand } from './environment.ts'
import { StartError } from './image-manager.ts'
import { runHook, tellsHttpFallback } from './lifecycle-hooks.ts'
import type { NodeContext } from './node-context.ts'
import { containerReference, podLogDirectory, podText } from './pod-spec.ts'
import type { AnyContainer } from './pod-spec.ts'
import { prepareSubPath } from './subpath.ts'

const MAX_TERMINATION_MESSAGE_BYTES = 4096

const logPath = (container: AnyContainer, attempt: number) => `${container.name}/${attempt}.log`

/** Makes containers of a pod's spec and starts them. k8s: pkg/kubelet/kuberuntime startContainer */
export class ContainerStarter {
  readonly #node: NodeContext
  readonly #files: MountableFileSystem
  readonly #messages = new Map<string, string>()
  /** Files made so far, by pod. */
  readonly #made = new Map<string, Set<string>>()

  constructor(node: NodeContext) {
    this.#node = node
    this.#files = node.createFileSystem()
  }

  /** @throws StartError */
  async start(pod: Pod, container: AnyContainer, status: RuntimePodStatus, kill: (id: string, container: AnyContainer, message: string) => Promise<void>): Promise<void> {
    const { imageManager, runtime, events, network, clock } = this.#node
    const about = containerReference(pod, container)
    const failed = (message: string) => events.event(about, 'Warning', 'Failed', `Error: ${message}`)
    let imageRef: string
    try {
      imageRef = await imageManager.ensure(pod, about, container.image ?? '', container.imagePullPolicy)
    } catch (error) {
      failed((error as StartError).reason)
      throw error
    }
    const last = findContainer(status, container.name)
    const sandbox = status.sandbox!
    // There can't be files of earlier containers in a pod's first sandbox, unless all its containers were started anew there.
    const attempt = last ? last.attempt + 1 : sandbox.config.attempt === 0 && !allContainersCouldRestart(pod.spec) ? 0 : startsByLogFiles(this.#node.nodeFiles, `${podLogDirectory(pod)}/${container.name}`)
    let config: ContainerConfig
    try {
      config = await this.config(pod, container, status, attempt, imageRef)
    } catch (error) {
      const message = (error as Error).message
      failed(message)
      throw new StartError('CreateContainerConfigError', message)
    }
    let id: string
    try {
      id = runtime.createContainer(sandbox.id, config)
    } catch (error) {
      const message = (error as Error).message
      failed(message)
      throw new StartError('CreateContainerError', message)
    }
    events.event(about, 'Normal', 'Created', 'Container created')
    try {
      await runtime.startContainer(id)
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error
      failed(error.message.replaceAll(id, container.name))
      throw new StartError('RunContainerError', error.message)
    }
    events.event(about, 'Normal', 'Started', 'Container started')
    const hook = container.lifecycle?.postStart
    if (!hook) return
    try {
      await runHook(hook, container, id, status.ips[0] ?? this.#node.hostIps[0] ?? '', { runtime, hostStack: network.hostStack, clock, onHttpFallback: tellsHttpFallback(pod, events) })
    } catch (error) {
      events.event(about, 'Warning', 'FailedPostStartHook', 'PostStartHook failed')
      await kill(id, container, 'FailedPostStartHook')
      throw new StartError('PostStartHookError', (error as Error).message)
    }
  }

  /** What is known of a container that won't run again. */
  endedConfig(pod: Pod, container: AnyContainer, attempt: number, imageRef: string): ContainerConfig {
    return {
      name: container.name, attempt, image: container.image ?? '', imageRef, command: [], args: [], workingDir: '', env: {}, mounts: [], stdin: false, stdinOnce: false, tty: container.tty ?? false, logPath: logPath(container, attempt),
      security: { supplementalGroups: [], mergeImageGroups: false, readOnlyRootFilesystem: false, privileged: false },
      resources: containerLimits(pod, container, quantityValue(this.#node.capacity.memory ?? '0')), annotations: { hash: containerHash(container) },
    }
  }

  /** @throws Error with the message of CreateContainerConfigError. k8s: generateContainerConfig */
  async config(pod: Pod, container: AnyContainer, status: RuntimePodStatus, attempt: number, imageRef: string): Promise<ContainerConfig> {
    const { hostIps, allocatable, objects, images, devices } = this.#node
    const uid = pod.metadata.uid!
    const ips = pod.spec.hostNetwork ? hostIps : status.ips
    await this.#node.servicesReady()
    const env = await containerEnvironment(pod, container, {
      services: this.#node.services, fields: { hostIps, podIps: ips, nodeAllocatable: allocatable },
      configMap: (namespace, name) => objects.configMap(uid, namespace, name), secret: (namespace, name) => objects.secret(uid, namespace, name), file: (volume, path) => this.#volumeFile(uid, volume, path),
    })
    const podSecurity = pod.spec.securityContext
    const security = container.securityContext
    const image = images.imageStatus(imageRef) ?? images.imageStatus(container.image ?? '')
    const runAsUser = security?.runAsUser ?? podSecurity?.runAsUser
    if (security?.runAsNonRoot ?? podSecurity?.runAsNonRoot) {
      const where = `(pod: ${JSON.stringify(podText(pod))}, container: ${container.name})`
      if (runAsUser === 0) throw new Error(`container's runAsUser breaks non-root policy ${where}`)
      if (runAsUser === undefined && image?.userName) throw new Error(`container has runAsNonRoot and image has non-numeric user (${image.userName}), cannot verify user is non-root ${where}`)
      if (runAsUser === undefined && image?.uid === 0) throw new Error(`container has runAsNonRoot and image will run as root ${where}`)
    }
    const runAsGroup = security?.runAsGroup ?? podSecurity?.runAsGroup
    const lookup = (name: string) => env[name]
    const target = (container as EphemeralContainer).targetContainerName
    const targetId = target === undefined ? undefined : findContainer(status, target)?.id
    if (target && !targetId) throw new Error(`unable to find target container ${target}`)
    const cdiDevices = devices.cdiDevices(pod, container)
    const blockDevices = this.#blockDevices(pod, container)
    return {
      name: container.name, attempt, image: container.image ?? '', imageRef,
      command: (container.command ?? []).map((part) => expand(part, lookup)), args: (container.args ?? []).map((part) => expand(part, lookup)),
      workingDir: container.workingDir ?? '', env, mounts: this.#mounts(pod, container, ips, attempt, env),
      stdin: container.stdin ?? false, stdinOnce: container.stdinOnce ?? false, tty: container.tty ?? false, logPath: logPath(container, attempt),
      security: {
        ...(runAsUser !== undefined ? { runAsUser } : {}), ...(runAsGroup !== undefined ? { runAsGroup } : {}),
        supplementalGroups: [...new Set([...(podSecurity?.fsGroup !== undefined ? [podSecurity.fsGroup] : []), ...podSecurity?.supplementalGroups ?? [], ...this.#volumeGroups(pod)])],
        mergeImageGroups: podSecurity?.supplementalGroupsPolicy !== 'Strict', readOnlyRootFilesystem: security?.readOnlyRootFilesystem ?? false, privileged: security?.privileged ?? false,
        ...(security?.capabilities?.add ? { addCapabilities: security.capabilities.add } : {}), ...(security?.capabilities?.drop ? { dropCapabilities: security.capabilities.drop } : {}),
        noNewPrivileges: security?.allowPrivilegeEscalation === false, ...seccompOf(pod, container), ...appArmorOf(pod, container), ownUsers: pod.spec.hostUsers === false,
      },
      resources: containerLimits(pod, container, quantityValue(this.#node.capacity.memory ?? '0')), ...((container.lifecycle as { stopSignal?: string } | undefined)?.stopSignal ? { stopSignal: (container.lifecycle as { stopSignal: Signal }).stopSignal } : {}),
      ...(targetId ? { targetId } : {}), ...(cdiDevices.length > 0 ? { cdiDevices } : {}), ...(blockDevices.length > 0 ? { devices: blockDevices } : {}), annotations: { hash: containerHash(container) },
    }
  }

  #volumeFile(uid: string, volumeName: string, path: string): { nodePath: string; read(): string } {
    const volume = this.#node.volumes.mounted(uid).get(volumeName)
    if (!volume) throw new Error(`cannot find the volume ${JSON.stringify(volumeName)} referenced by FileKeyRef`)
    const inside = resolvePath(volume.root, path.replace(/^\/+/, ''))
    return { nodePath: `/var/lib/kubelet/pods/${uid}/volumes/${volume.plugin.replace('/', '~')}/${volumeName}/${path}`, read: () => volume.tree.readText(inside) }
  }

  // k8s: pkg/kubelet/volumemanager GetExtraSupplementalGroupsForPod
  #volumeGroups(pod: Pod): number[] {
    return [...this.#node.volumes.mounted(pod.metadata.uid!).values()].flatMap(({ group }) => group ?? [])
  }

  // k8s: pkg/kubelet makeBlockVolumes
  #blockDevices(pod: Pod, container: AnyContainer): BlockDeviceMapping[] {
    const mounted = this.#node.volumes.mounted(pod.metadata.uid!)
    return (container.volumeDevices ?? []).map(({ name, devicePath }) => {
      const volume = mounted.get(name)
      if (!volume?.device) throw new Error(`cannot find volume ${JSON.stringify(name)} to pass into container ${JSON.stringify(container.name)}`)
      return { containerPath: devicePath, device: volume.device, readOnly: volume.readOnly }
    })
  }

  // k8s: pkg/kubelet makeMounts
  #mounts(pod: Pod, container: AnyContainer, ips: readonly string[], attempt: number, env: Readonly<Record<string, string>>): Mount[] {
    const { volumes, dns } = this.#node
    const uid = pod.metadata.uid!
    const mounted = volumes.mounted(uid)
    const mounts: Mount[] = []
    for (const mount of container.volumeMounts ?? []) {
      const volume = mounted.get(mount.name)
      if (!volume) throw new Error(`cannot find volume ${JSON.stringify(mount.name)} to mount into container ${JSON.stringify(container.name)}`)
      let subPath = mount.subPath ?? ''
      if (mount.subPathExpr) {
        subPath = expand(mount.subPathExpr, (name) => env[name])
        if (/\$\(/.test(subPath)) throw new Error(`missing value for ${JSON.stringify(/\$\(([^)]*)\)/.exec(subPath)?.[1] ?? '')}`)
      }
      const readOnly = (mount.readOnly ?? false) || volume.readOnly
      let root = volume.root
      const { tree } = volume
      if (subPath.startsWith('/')) throw new Error(`error SubPath \`${subPath}\` must not be an absolute path`)
      if (subPath.split('/').includes('..')) throw new Error(`unable to provision SubPath \`${subPath}\`: must not contain '..'`)
      // The mount holds on to the file that is there now, whatever a ConfigMap's links point at later.
      if (subPath) root = prepareSubPath({ tree, root, subPath, isWholeTree: root === '/' && volume.plugin !== 'kubernetes.io/host-path', volumeMount: mount.name, container: container.name })
      mounts.push({ containerPath: mount.mountPath, tree, ...(root !== '/' ? { subPath: root } : {}), readOnly, inMemory: volume.inMemory ?? false, ...(mount.mountPropagation ? { propagation: mount.mountPropagation as 'None' | 'HostToContainer' | 'Bidirectional' } : {}) })
    }
    let made = this.#made.get(uid)
    if (!made) this.#made.set(uid, made = new Set())
    const log = this.#terminationLog(uid, container.name, attempt)
    const own = (path: string, text: string, containerPath: string) => {
      if (container.volumeMounts?.some((m) => m.mountPath === containerPath)) return
      if (!made.has(path)) {
        this.#files.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
        this.#files.writeFile(path, text, { mode: path === log ? 0o666 : 0o644 })
        if (path === log) this.#files.chmod(path, 0o666)
        made.add(path)
      }
      mounts.push({ containerPath, tree: this.#files, subPath: path, readOnly: false })
    }
    const { hostname, domain } = podHostname(pod, dns.clusterDomain)
    own(`/${uid}/etc-hosts`, hostsFile(pod, ips, hostname, domain), '/etc/hosts')
    own(`/${uid}/resolv.conf`, resolvConf(podDnsConfig(pod, dns)), '/etc/resolv.conf')
    own(`/${uid}/hostname`, `${pod.spec.hostNetwork ? this.#node.nodeName : hostname}\n`, '/etc/hostname')
    own(log, '', container.terminationMessagePath ?? '/dev/termination-log')
    return mounts
  }

  #terminationLog(uid: string, name: string, attempt: number): string {
    return `/${uid}/containers/${name}/${attempt}`
  }

  /** What an ended container leaves as its last word. k8s: getTerminationMessage */
  message(pod: Pod, status: ContainerStatus): string {
    if (status.reason === 'StartError') return status.message
    const held = this.#messages.get(status.id)
    if (held !== undefined) return held
    const spec = [...pod.spec.containers, ...pod.spec.initContainers ?? [], ...pod.spec.ephemeralContainers ?? []].find((c) => c.name === status.name)
    let message = status.message
    try {
      message += this.#files.readText(this.#terminationLog(pod.metadata.uid!, status.name, status.attempt)).slice(0, MAX_TERMINATION_MESSAGE_BYTES)
    } catch { /* it never had one */ }
    if (!message && spec?.terminationMessagePolicy === 'FallbackToLogsOnError' && status.exitCode !== 0) message = this.#node.runtime.containerLog(status.id)?.tail(80, 2048) ?? ''
    this.#messages.set(status.id, message)
    return message
  }

  forget(uid: string, containers: readonly ContainerStatus[]): void {
    if (this.#made.delete(uid)) this.#files.remove(`/${uid}`, { recursive: true, force: true })
    for (const container of containers) this.#messages.delete(container.id)
  }
}

// @k8s part: capabilities: files have none (setcap), and those of users other than root (inheritable, ambient) can't be set

/** How a container's system calls are filtered; without a profile they aren't. k8s: kuberuntime getSeccompProfile */
function seccompOf(pod: Pod, container: AnyContainer): Pick<ContainerSecurity, 'seccomp' | 'seccompFile'> {
  const { type, localhostProfile } = container.securityContext?.seccompProfile ?? pod.spec.securityContext?.seccompProfile ?? {}
  if (type === undefined || type === 'Unconfined' || container.securityContext?.privileged) return { seccomp: false }
  return { seccomp: true, ...(type === 'Localhost' ? { seccompFile: `/var/lib/kubelet/seccomp/${localhostProfile}` } : {}) }
}

/** The profile of AppArmor that confines a container: the runtime's own by default. k8s: kuberuntime getAppArmorProfile */
function appArmorOf(pod: Pod, container: AnyContainer): Pick<ContainerSecurity, 'appArmor'> {
  const { type, localhostProfile } = container.securityContext?.appArmorProfile ?? pod.spec.securityContext?.appArmorProfile ?? {}
  if (type === 'Localhost') return { appArmor: localhostProfile! }
  return type === 'Unconfined' || container.securityContext?.privileged ? {} : { appArmor: DEFAULT_APPARMOR_PROFILE }
}
