/** What a kubelet said of a container or a node at a moment. */
export interface MetricPoint {
  timeMs: number
  /** When the container started; for nodes: long ago. */
  startedMs: number
  cpuSeconds: number
  memoryBytes: number
}

/** Usage between the last two points. */
export interface MeasuredUsage {
  timeMs: number
  windowMs: number
  cpuNanoCores: number
  memoryBytes: number
}

/** The points of one scrape of one kubelet. */
export interface NodeBatch {
  node?: MetricPoint
  /** By `namespace/name`, then by container. */
  pods: Map<string, Map<string, MetricPoint>>
}

/** Shortest life of a container that has a figure already at its first scrape. */
const FRESH_MS = 10_000

/** Reads `/metrics/resource`. Lines that it doesn't know are passed over. */
export function parseResourceMetrics(text: string, nowMs: number): NodeBatch {
  const batch: NodeBatch = { pods: new Map() }
  const node: Partial<MetricPoint> = {}
  for (const line of text.split('\n')) {
    const match = /^(\w+)(?:\{(.*)\})? (\S+)(?: (\d+))?$/.exec(line)
    if (!match) continue
    const [, name = '', labelText = '', valueText = '', timeText] = match
    const value = Number(valueText)
    const timeMs = timeText === undefined ? nowMs : Number(timeText)
    if (name === 'node_cpu_usage_seconds_total') Object.assign(node, { cpuSeconds: value, timeMs })
    else if (name === 'node_memory_working_set_bytes') Object.assign(node, { memoryBytes: value, timeMs })
    else if (name === 'container_cpu_usage_seconds_total' || name === 'container_memory_working_set_bytes' || name === 'container_start_time_seconds') {
      const labels = Object.fromEntries([...labelText.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((m) => [m[1]!, m[2]!]))
      const key = `${labels['namespace']}/${labels['pod']}`
      let pod = batch.pods.get(key)
      if (!pod) batch.pods.set(key, pod = new Map())
      let point = pod.get(labels['container']!)
      if (!point) pod.set(labels['container']!, point = { timeMs: 0, startedMs: 0, cpuSeconds: NaN, memoryBytes: NaN })
      if (name === 'container_start_time_seconds') point.startedMs = value * 1000
      else {
        point.timeMs = timeMs
        if (name === 'container_cpu_usage_seconds_total') point.cpuSeconds = value
        else point.memoryBytes = value
      }
    }
  }
  if (node.cpuSeconds !== undefined && node.memoryBytes !== undefined) batch.node = { timeMs: node.timeMs!, startedMs: 0, cpuSeconds: node.cpuSeconds, memoryBytes: node.memoryBytes }
  // A pod with a container of which something is missing has no figures at all.
  for (const [key, pod] of batch.pods) if ([...pod.values()].some((point) => Number.isNaN(point.cpuSeconds) || Number.isNaN(point.memoryBytes))) batch.pods.delete(key)
  return batch
}

interface Points {
  last: MetricPoint
  previous?: MetricPoint
}

/** Keeps the last two points of everything; a rate needs both. Behaves as metrics-server's storage does. */
export class MetricStorage {
  readonly #resolutionMs: number
  #nodes = new Map<string, Points>()
  #pods = new Map<string, Map<string, Points>>()

  constructor(resolutionMs: number) {
    this.#resolutionMs = resolutionMs
  }

  /** Takes a round's answers by node; what isn't in them is forgotten. */
  store(batches: ReadonlyMap<string, NodeBatch>): void {
    const nodes = new Map<string, Points>()
    const pods = new Map<string, Map<string, Points>>()
    for (const [name, batch] of batches) {
      if (batch.node) nodes.set(name, followed(this.#nodes.get(name), batch.node))
      for (const [key, containers] of batch.pods) {
        const next = new Map<string, Points>()
        for (const [container, point] of containers) {
          const ageMs = point.timeMs - point.startedMs
          next.set(container, ageMs >= FRESH_MS && ageMs < this.#resolutionMs
            ? { last: point, previous: { ...point, timeMs: point.startedMs, cpuSeconds: 0 } }
            : followed(this.#pods.get(key)?.get(container), point))
        }
        pods.set(key, next)
      }
    }
    this.#nodes = nodes
    this.#pods = pods
  }

  /** Whether there is a figure of any pod or node. */
  get isReady(): boolean {
    return [...this.#nodes.values()].some(({ previous }) => previous) || [...this.#pods.values()].some((pod) => [...pod.values()].some(({ previous }) => previous))
  }

  node(name: string): MeasuredUsage | undefined {
    const points = this.#nodes.get(name)
    return points && usageBetween(points)
  }

  /** By container; undefined unless every container has a figure. */
  pod(key: string): Map<string, MeasuredUsage> | undefined {
    const containers = this.#pods.get(key)
    if (!containers) return undefined
    const out = new Map<string, MeasuredUsage>()
    for (const [name, points] of containers) {
      const usage = usageBetween(points)
      if (!usage) return undefined
      out.set(name, usage)
    }
    return out
  }
}

function followed(known: Points | undefined, point: MetricPoint): Points {
  // A container that started after the last point is another one.
  if (!known || point.startedMs >= known.last.timeMs) return { last: point }
  if (point.timeMs > known.last.timeMs) return { last: point, previous: known.last }
  return { last: point, ...(known.previous ? { previous: known.previous } : {}) }
}

function usageBetween({ last, previous }: Points): MeasuredUsage | undefined {
  if (!previous || last.cpuSeconds < previous.cpuSeconds || last.timeMs <= previous.timeMs) return undefined
  const windowMs = last.timeMs - previous.timeMs
  return { timeMs: last.timeMs, windowMs, cpuNanoCores: Math.round(((last.cpuSeconds - previous.cpuSeconds) / windowMs) * 1e12), memoryBytes: last.memoryBytes }
}
