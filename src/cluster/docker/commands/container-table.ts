import type { DockerContainer } from '../docker-container.ts'
import type { DockerEngine } from '../docker-engine.ts'
import { DockerError } from '../docker-error.ts'
import { humanDuration } from '../durations.ts'
import { humanSize } from '../units.ts'
import { FlagError } from './flags.ts'
import { goTime, shortId } from './image-commands.ts'
import { ellipsis } from './table.ts'

/** `Up 5 minutes (healthy)`, `Exited (0) 3 seconds ago`. docker: container State.String */
export function statusText(container: DockerContainer, nowMs: number): string {
  const { status, startedMs, finishedMs, exitCode, health } = container
  const since = (ms: number) => humanDuration(nowMs - ms)
  switch (status) {
    case 'created': return 'Created'
    case 'running': return `Up ${since(startedMs)}${health ? ` (${health.status === 'starting' ? 'health: starting' : health.status})` : ''}`
    case 'paused': return `Up ${since(startedMs)} (Paused)`
    case 'restarting': return `Restarting (${exitCode}) ${since(finishedMs)} ago`
    case 'removing': return 'Removal In Progress'
    case 'exited': return `Exited (${exitCode}) ${since(finishedMs)} ago`
  }
}

/** `0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 443/tcp`. */
function portsText({ status, bindings, spec }: DockerContainer): string {
  if (status !== 'running' && status !== 'paused') return ''
  const published = bindings.flatMap(({ hostIp, hostPort, containerPort, protocol }) => (hostIp === '' ? ['0.0.0.0', '[::]'] : [hostIp]).map((ip) => `${ip}:${hostPort}->${containerPort}/${protocol}`))
  const others = spec.exposedPorts.filter((port) => !bindings.some(({ containerPort, protocol }) => `${containerPort}/${protocol}` === port))
  return [...others, ...published].sort((a, b) => portOf(a) - portOf(b)).join(', ')
}

function portOf(text: string): number {
  return Number(/(\d+)\/\w+$/.exec(text)?.[1] ?? 0)
}

/** The command line as `docker ps` shows it. */
function commandText({ spec }: DockerContainer, whole: boolean): string {
  const text = [...spec.entrypoint, ...spec.cmd].join(' ')
  return JSON.stringify(whole ? text : ellipsis(text, 20))
}

/** A container's row in `docker ps`. */
export function containerRow(engine: DockerEngine, container: DockerContainer, whole: boolean): Record<string, string> {
  const nowMs = engine.clock.nowMs()
  const { spec, id, imageId, createdMs } = container
  let image = spec.image
  try {
    // A name that has moved on doesn't say what the container runs.
    if (engine.images.find(spec.image)?.id !== imageId) image = shortId(imageId)
  } catch { /* The beginning of several ids by now. */ }
  return {
    ID: whole ? id : shortId(id), Image: image, Command: commandText(container, whole), CreatedAt: goTime(createdMs), RunningFor: `${humanDuration(nowMs - createdMs)} ago`, Status: statusText(container, nowMs), State: container.status, Ports: portsText(container), Names: container.name,
    Size: `${humanSize(container.layer.usedBytes())} (virtual ${humanSize(container.layer.usedBytes() + engine.sizeOfImage(imageId))})`, Labels: Object.entries(spec.labels).map(([name, value]) => `${name}=${value}`).join(','),
    Mounts: spec.mounts.map(({ source, target }) => ellipsis(source || target, 15)).join(','), Networks: spec.networkMode === 'default' ? 'bridge' : spec.networkMode, LocalVolumes: String(spec.mounts.filter(({ type }) => type === 'volume').length),
  }
}

/** `--filter` of `docker ps`. @throws FlagError, DockerError */
export function containerFilter(engine: DockerEngine, filters: readonly string[]): (container: DockerContainer) => boolean {
  const byKey = new Map<string, string[]>()
  for (const filter of filters) {
    const at = filter.indexOf('=')
    if (at < 0) throw new FlagError(`invalid argument "${filter}" for "-f, --filter" flag: invalid filter format (expected "<key>=<value>")`)
    byKey.set(filter.slice(0, at), [...byKey.get(filter.slice(0, at)) ?? [], filter.slice(at + 1)])
  }
  return (container) => [...byKey].every(([key, values]) => values.some((value) => matches(engine, container, key, value)))
}

function matches(engine: DockerEngine, container: DockerContainer, key: string, value: string): boolean {
  const { id, name, status, spec, exitCode } = container
  switch (key) {
    case 'name': return new RegExp(value).test(name) || new RegExp(value).test(`/${name}`)
    case 'id': return id.startsWith(value)
    case 'status': return status === value
    case 'exited': return status === 'exited' && String(exitCode) === value
    case 'label': { const [label, wanted] = value.split('='); return label! in spec.labels && (wanted === undefined || spec.labels[label!] === wanted) }
    case 'ancestor': return engine.images.find(value)?.id === container.imageId
    case 'health': return (container.health?.status ?? 'none') === value
    case 'network': return spec.networkMode === value
    case 'volume': return spec.mounts.some(({ source, target }) => source === value || target === value)
    case 'publish': case 'expose': return spec.exposedPorts.some((port) => port === value || port.split('/')[0] === value)
    case 'before': return container.createdMs < engine.find(value).createdMs
    case 'since': return container.createdMs > engine.find(value).createdMs
    default: throw new DockerError(`invalid filter '${key}'`)
  }
}
