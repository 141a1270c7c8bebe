import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { StatusError } from '../../../cluster/kinds/status-error.ts'
import { usageError } from '../command.ts'

import type { Factory } from '../factory.ts'
import { allContainers, asPod, comparePods, containerNames, containerOrDefault, findContainer, podOrOwner, podRunningTimeout, podSelectorOf, podsOf } from '../pods.ts'
import type { PodObject } from '../pods.ts'
import { enhanceListError } from '../resources.ts'
import type { CommandHandler } from './handler.ts'

/** One log to read. */
interface LogRequest { pod: PodObject; container: string }

// k8s: kubectl/pkg/cmd/logs LogsOptions
export const logs: CommandHandler = async (inv) => {
  const { f, flags, args, spec, out, err } = inv
  const selector = flags.str('selector')
  const USAGE = `expected '${spec.use}'.\nPOD or TYPE/NAME is a required argument for the logs command`
  let name = ''
  let container = flags.str('container')
  let inlineToo = false
  if (args.length === 0) { if (!selector) throw usageError(spec, USAGE) }
  else if (args.length === 1) {
    name = args[0]!
    if (selector) throw usageError(spec, 'only a selector (-l) or a POD name is allowed')
  } else if (args.length === 2) {
    name = args[0]!
    inlineToo = flags.changed('container')
    container = args[1]!
  } else throw usageError(spec, USAGE)
  const timeoutMs = podRunningTimeout(flags)
  const since = flags.duration('since')
  const allOfThem = flags.bool('all-containers')
  const follow = flags.bool('follow')
  const { namespace } = f.namespace()
  const allPods = flags.bool('all-pods')
  const tail = flags.changed('tail') ? flags.int('tail') : selector ? 10 : -1
  const query: Record<string, string> = {
    ...(follow ? { follow: 'true' } : {}), ...(flags.bool('previous') ? { previous: 'true' } : {}), ...(flags.bool('timestamps') ? { timestamps: 'true' } : {}),
    ...(since ? { sinceSeconds: String(Math.round(since / 1000)) } : {}), ...(flags.str('since-time') ? { sinceTime: flags.str('since-time') } : {}),
    ...(tail >= 0 ? { tailLines: String(tail) } : {}), ...(flags.int('limit-bytes') ? { limitBytes: String(flags.int('limit-bytes')) } : {}),
    ...(flags.bool('insecure-skip-tls-verify-backend') ? { insecureSkipTLSVerifyBackend: 'true' } : {}),
  }
  if (flags.str('since-time') && Number.isNaN(Date.parse(flags.str('since-time')))) throw new Error(`parsing time ${JSON.stringify(flags.str('since-time'))} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(flags.str('since-time'))} as "2006"`)

  const validate = () => {
    if (flags.str('since-time') && since !== 0) throw new Error('at most one of `sinceTime` or `sinceSeconds` may be specified')
    if (allOfThem && container) throw new Error(`--all-containers=true should not be specified with container name ${container}`)
    if (inlineToo) throw new Error('only one of -c or an inline [CONTAINER] arg is allowed')
    if (flags.int('limit-bytes') < 0) throw new Error('--limit-bytes must be greater than 0')
    if (since < 0) throw new Error('--since must be greater than 0')
    if (flags.int('tail') < -1) throw new Error('--tail must be greater than or equal to -1')
  }
  let requests: LogRequest[]
  if (selector) {
    const list = await f.rest().list<KubeObject>(`/api/v1/namespaces/${namespace}/pods`, { labelSelector: selector }).catch((error: unknown) => { throw enhanceListError(error, { group: '', version: 'v1', resource: 'pods' }, selector, '') })
    if (list.items.length === 0) void err(`No resources found in ${namespace} namespace.\n`)
    validate()
    if (list.items.length === 0) return
    requests = list.items.map(asPod).flatMap((pod) => requestsOf(f, pod, container, allOfThem, allPods))
  } else {
    let object: KubeObject
    try {
      object = await podOrOwner(f, name, namespace)
    } catch (error) {
      if (!(error instanceof StatusError) || error.reason !== 'NotFound') throw error
      throw new Error(`error from server (NotFound): ${error.message} in namespace ${JSON.stringify(namespace)}`)
    }
    // What was asked for is judged once the object is known.
    validate()
    requests = await requestsForObject(f, object, container, allOfThem, allPods, timeoutMs)
  }
  const prefix = flags.bool('prefix') || allPods
  const limit = flags.int('max-log-requests')
  if (follow && requests.length > 1 && requests.length > limit)
    throw new Error(`you are attempting to follow ${requests.length} log streams, but maximum allowed concurrency is ${limit}, use --max-log-requests to increase the limit`)
  const read = async (request: LogRequest) => {
    try {
      await consume(f, request, query, prefix, (data) => out(data))
    } catch (error) {
      if (!flags.bool('ignore-errors')) throw error
      void out(`error: ${(error as Error).message}\n`)
    }
  }
  const readPatiently = async (request: LogRequest) => {
    // k8s: consumeWithRetry: a container that isn't there yet is waited for.
    const deadline = f.nowMs() + timeoutMs
    for (;;) {
      try {
        return await read(request)
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        void err(`${error.message}\n`)
        if (f.nowMs() + 1000 > deadline) throw new Error('timed out waiting for the condition')
        await f.proc.sleep(1000)
      }
    }
  }
  if (follow && requests.length > 1) await Promise.all(requests.map(readPatiently))
  else for (const request of requests) await (follow ? readPatiently(request) : read(request))
}

/** k8s: polymorphichelpers.logsForObjectWithClient */
async function requestsForObject(f: Factory, object: KubeObject, container: string, everyContainer: boolean, allPods: boolean, timeoutMs: number): Promise<LogRequest[]> {
  if (object.kind === 'Pod') return requestsOf(f, asPod(object), container, everyContainer, allPods)
  let selector: string
  try {
    selector = podSelectorOf(object)
  } catch (error) {
    throw new Error(`cannot get the logs from *${object.apiVersion.split('/').at(-1)}.${object.kind}: ${(error as Error).message}`)
  }
  const pods = await podsOf(f, object.metadata.namespace ?? 'default', selector, timeoutMs, 'logs')
  if (pods.length > 1 && allPods) return pods.sort(comparePods('logs')).flatMap((pod) => requestsOf(f, pod, container, everyContainer, true))
  if (pods.length > 1) void f.io.err(`Found ${pods.length} pods, using pod/${pods[0]!.metadata.name}\n`)
  return requestsOf(f, pods[0]!, container, everyContainer, allPods)
}

function requestsOf(f: Factory, pod: PodObject, container: string, everyContainer: boolean, quiet: boolean): LogRequest[] {
  if (everyContainer) {
    const init = pod.spec.initContainers ?? []
    return [...init, ...pod.spec.containers, ...(pod.spec.ephemeralContainers ?? [])].map((c) => ({ pod, container: c.name }))
  }
  const name = container || containerOrDefault(f, pod, '', quiet || allContainers(pod).length < 2).name
  if (!findContainer(pod, name)) throw new Error(`container ${name} is not valid for pod ${pod.metadata.name} out of: ${containerNames(pod)}`)
  return [{ pod, container: name }]
}

/** Streams one log, whole lines at a time where lines are marked. */
export async function consume(f: Factory, { pod, container }: LogRequest, query: Record<string, string>, prefix: boolean, out: (data: Uint8Array) => Promise<void>): Promise<void> {
  const stop = new AbortController()
  const onBroken = () => stop.abort()
  f.io.broken.addEventListener('abort', onBroken)
  f.proc.killed.addEventListener('abort', onBroken)
  try {
    const stream = await f.rest().stream(`/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}/log`, { query: { container, ...query }, accept: '*/*', signal: stop.signal })
    const reader = stream.getReader()
    const mark = new TextEncoder().encode(`[pod/${pod.metadata.name}/${container}] `)
    let rest = new Uint8Array(0)
    for (;;) {
      const { value, done } = await reader.read()
      if (done) break
      // Lines of several logs must not mix.
      const all = new Uint8Array(rest.length + value.length)
      all.set(rest)
      all.set(value, rest.length)
      const end = all.lastIndexOf(10) + 1
      if (end > 0) await out(prefix ? marked(all.subarray(0, end), mark) : all.subarray(0, end))
      rest = all.slice(end)
    }
    if (rest.length > 0) await out(prefix ? marked(rest, mark) : rest)
  } catch (error) {
    if (!stop.signal.aborted) throw error
  } finally {
    f.io.broken.removeEventListener('abort', onBroken)
    f.proc.killed.removeEventListener('abort', onBroken)
  }
}

function marked(lines: Uint8Array, mark: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = []
  let length = 0
  for (let at = 0; at < lines.length; ) {
    const next = lines.indexOf(10, at) + 1 || lines.length
    parts.push(mark, lines.subarray(at, next))
    length += mark.length + next - at
    at = next
  }
  const out = new Uint8Array(length)
  let at = 0
  for (const part of parts) { out.set(part, at); at += part.length }
  return out
}

