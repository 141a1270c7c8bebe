import type { DockerContainer } from '../docker-container.ts'
import type { DockerEngine } from '../docker-engine.ts'
import { imageConfigObject } from './image-commands.ts'

const NEVER = '0001-01-01T00:00:00Z'
const iso = (ms: number) => ms > 0 ? new Date(ms).toISOString() : NEVER

/** `docker inspect` of a container. */
export function containerObject(engine: DockerEngine, container: DockerContainer) {
  const { id, name, createdMs, spec, status, startedMs, finishedMs, exitCode, oomKilled, error, imageId, restartCount, ip, bindings, health } = container
  const image = engine.images.find(imageId)
  const [path = '', ...args] = [...spec.entrypoint, ...spec.cmd]
  const isUp = status === 'running' || status === 'paused'
  const portMap = (ports: readonly { containerPort: number; protocol: string; hostIp: string; hostPort: number }[], any: string[]) => Object.fromEntries([...new Set(ports.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`))].map((key) => [key, ports.filter(({ containerPort, protocol }) => `${containerPort}/${protocol}` === key).flatMap(({ hostIp, hostPort }) => (hostIp === '' ? any : [hostIp]).map((each) => ({ HostIp: each, HostPort: hostPort === 0 ? '' : String(hostPort) })))]))
  const network = { IPAMConfig: null, Links: null, Aliases: null, MacAddress: isUp && ip ? macOf(ip) : '', NetworkID: engine.networks.idOf(spec.networkMode), EndpointID: isUp ? id : '', Gateway: isUp && ip ? '172.17.0.1' : '', IPAddress: isUp ? ip : '', IPPrefixLen: isUp && ip ? 16 : 0, DNSNames: null }
  return {
    Id: id, Created: iso(createdMs), Path: path, Args: args,
    State: {
      Status: status, Running: isUp || status === 'restarting', Paused: status === 'paused', Restarting: status === 'restarting', OOMKilled: oomKilled, Dead: false, Pid: isUp ? 1_000 + parseInt(id.slice(0, 4), 16) : 0, ExitCode: exitCode, Error: error, StartedAt: iso(startedMs), FinishedAt: iso(finishedMs),
      ...(health ? { Health: { Status: health.status, FailingStreak: health.failingStreak, Log: health.log.map(({ startMs, endMs, exitCode: code, output }) => ({ Start: iso(startMs), End: iso(endMs), ExitCode: code, Output: output })) } } : {}),
    },
    Image: imageId, ResolvConfPath: `/var/lib/docker/containers/${id}/resolv.conf`, HostnamePath: `/var/lib/docker/containers/${id}/hostname`, HostsPath: `/var/lib/docker/containers/${id}/hosts`, LogPath: `/var/log/pods/docker_${id}/0.log`,
    Name: `/${name}`, RestartCount: restartCount, Driver: 'overlayfs', Platform: 'linux', MountLabel: '', ProcessLabel: '', AppArmorProfile: '', ExecIDs: null,
    HostConfig: {
      Binds: spec.mounts.filter(({ type }) => type === 'bind').map(({ source, target, readOnly }) => `${source}:${target}${readOnly ? ':ro' : ''}`), LogConfig: { Type: 'json-file', Config: {} }, NetworkMode: spec.networkMode, PortBindings: portMap(spec.ports, ['']), RestartPolicy: { Name: spec.restart.name, MaximumRetryCount: spec.restart.maximumRetryCount },
      AutoRemove: spec.autoRemove, CapAdd: spec.capAdd.length > 0 ? spec.capAdd : null, CapDrop: spec.capDrop.length > 0 ? spec.capDrop : null, ExtraHosts: spec.extraHosts.length > 0 ? spec.extraHosts : null, Privileged: spec.privileged, SecurityOpt: spec.securityOpt?.length ? spec.securityOpt : null, PublishAllPorts: spec.publishAll, ReadonlyRootfs: spec.readOnly, ShmSize: 67_108_864, Runtime: 'runc',
      CpuShares: spec.cpuShares, Memory: spec.memoryBytes, NanoCpus: spec.nanoCpus, CpuPeriod: 0, CpuQuota: 0, CpusetCpus: spec.cpuset, MemoryReservation: 0, MemorySwap: spec.memorySwapBytes || (spec.memoryBytes > 0 ? spec.memoryBytes * 2 : 0), MemorySwappiness: null, OomKillDisable: null, PidsLimit: null,
    },
    GraphDriver: { Data: null, Name: 'overlayfs' },
    Mounts: spec.mounts.filter(({ type }) => type !== 'tmpfs').map(({ type, source, target, readOnly }) => type === 'bind' ? { Type: 'bind', Source: source, Destination: target, Mode: readOnly ? 'ro' : '', RW: !readOnly, Propagation: 'rprivate' } : { Type: 'volume', Name: source, Source: engine.volumes.pathOf(source), Destination: target, Driver: 'local', Mode: 'z', RW: !readOnly, Propagation: '' }),
    Config: {
      Hostname: spec.hostname ?? id.slice(0, 12), Domainname: '', AttachStdin: spec.openStdin, AttachStdout: true, AttachStderr: true, Tty: spec.tty, OpenStdin: spec.openStdin, StdinOnce: spec.openStdin, Image: spec.image,
      ...imageConfigObject({ env: spec.env, ...(spec.cmd.length > 0 ? { cmd: spec.cmd } : {}), ...(spec.entrypoint.length > 0 ? { entrypoint: spec.entrypoint } : {}), workingDir: spec.workingDir, user: spec.user, exposedPorts: spec.exposedPorts, volumes: image?.config.volumes ?? [], labels: spec.labels, ...(spec.stopSignal ? { stopSignal: spec.stopSignal } : {}), ...(spec.healthCheck ? { healthCheck: spec.healthCheck } : {}) }),
      Labels: spec.labels,
    },
    NetworkSettings: {
      SandboxID: isUp ? id : '', SandboxKey: isUp ? `/var/run/docker/netns/${id.slice(0, 12)}` : '', Ports: isUp ? { ...Object.fromEntries(spec.exposedPorts.map((port) => [port, null])), ...portMap(bindings, ['0.0.0.0', '::']) } : {},
      Gateway: network.Gateway, IPAddress: network.IPAddress, IPPrefixLen: network.IPPrefixLen, MacAddress: network.MacAddress, Networks: { [spec.networkMode === 'default' ? 'bridge' : spec.networkMode]: network },
    },
  }
}

/** Docker's own bridges make hardware addresses of network addresses. */
function macOf(ip: string): string {
  return ['02', '42', ...ip.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))].join(':')
}
