import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import { parseQuantity } from '../../kinds/quantity.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'

/** What an object used at a moment: thousandths of a core, bytes. */
interface Point { atMs: number; cpu: number; memory: number }

const MEMORY_BYTES = 14 * 2 ** 20

/** dashboard-metrics-scraper: asks the Metrics API once a minute. k8s: kubernetes/dashboard metrics-scraper */
export async function metricsScraper(proc: Proc): Promise<number> {
  const flags = new Map(proc.argv.slice(1).map((argument) => { const [name = '', ...value] = argument.replace(/^--?/, '').split('='); return [name, value.join('=')] }))
  const unknown = [...flags.keys()].find((name) => !['metric-resolution', 'metric-duration', 'namespace'].includes(name))
  if (unknown !== undefined) { await proc.stderr.write(`${['log-level', 'db-file', 'kubeconfig'].includes(unknown) ? `unsupported flag: --${unknown} does nothing in this scraper` : `unknown flag: --${unknown}`}\n`); return 2 }
  const [roundMs, windowMs] = [durationMs(flags.get('metric-resolution') ?? '1m'), durationMs(flags.get('metric-duration') ?? '15m')]
  if (!roundMs || !windowMs) { await proc.stderr.write('time: invalid duration of --metric-resolution or --metric-duration\n'); return 2 }
  const namespace = flags.get('namespace') ?? ''
  const log = (level: string, msg: string) => proc.stderr.write(`${JSON.stringify({ level, msg, time: new Date(Math.floor(proc.clock.nowMs() / 1000) * 1000).toISOString().replace('.000Z', 'Z') })}\n`)
  proc.useMemory(MEMORY_BYTES)
  const client = clusterClient(proc, 'metrics-sidecar')
  await log('info', `Kubernetes host: https://${proc.env.KUBERNETES_SERVICE_HOST}:${proc.env.KUBERNETES_SERVICE_PORT}`)
  await log('info', `Namespace(s): [${namespace}]`)
  /** By `nodes/NAME` and `NAMESPACE/NAME`. */
  const points = new Map<string, Point[]>()
  proc.net.listenHttp(8000, async (request, peer) => {
    const { pathname } = new URL(request.url)
    const [, scope, names = '', metric] = /^\/api\/v1\/dashboard\/(nodes|namespaces\/[^/]+\/pod-list)\/([^/]+)\/metrics\/(cpu|memory)\//.exec(pathname) ?? []
    const body = pathname === '/' ? 'URL: /' : pathname === '/healthz' ? 'OK' : scope === undefined ? undefined : JSON.stringify({ items: names.split(',').map((name) => {
      const space = scope === 'nodes' ? 'nodes' : scope.split('/')[1]!
      const own = points.get(`${space}/${name}`) ?? []
      return { metricName: metric, metricPoints: own.map((point) => ({ timestamp: new Date(point.atMs).toISOString(), value: Math.round(metric === 'cpu' ? point.cpu : point.memory) })), dataPoints: own.map((point) => ({ x: Math.floor(point.atMs / 1000), y: Math.round(metric === 'cpu' ? point.cpu : point.memory) })), uids: [name] }
    }) })
    await proc.stdout.write(`${peer.remote.ip} - - [${formatDate('%d/%b/%Y:%H:%M:%S +0000', proc.clock.nowMs())}] "${request.method} ${pathname} HTTP/1.1" ${body === undefined ? 404 : 200} ${(body ?? '404 page not found\n').length} "" "${request.headers.get('user-agent') ?? ''}"\n`)
    return new Response(body ?? '404 page not found\n', { status: body === undefined ? 404 : 200, headers: { 'content-type': scope === undefined ? 'text/plain; charset=utf-8' : 'application/json' } })
  })
  const scrape = async (what: 'node' | 'pod') => {
    try {
      const response = await client.fetch(`/apis/metrics.k8s.io/v1beta1/${what === 'pod' && namespace !== '' ? `namespaces/${encodeURIComponent(namespace)}/` : ''}${what}s`)
      const answer = response.status === 404 ? { message: `the server could not find the requested resource (get ${what}s.metrics.k8s.io)` } : await response.json() as { message?: string; items?: { metadata: { name: string; namespace?: string }; usage?: Record<string, string>; containers?: { usage: Record<string, string> }[] }[] }
      if (response.status !== 200) throw new Error(answer.message ?? 'the server is currently unable to handle the request')
      for (const { metadata, usage, containers } of (answer as { items: { metadata: { name: string; namespace?: string }; usage?: Record<string, string>; containers?: { usage: Record<string, string> }[] }[] }).items) {
        const used = containers?.map((container) => container.usage) ?? [usage ?? {}]
        const sum = (name: string) => used.reduce((total, each) => total + Number(parseQuantity(each[name] ?? '0').nanos) / 1e9, 0)
        const key = `${what === 'node' ? 'nodes' : metadata.namespace}/${metadata.name}`
        points.set(key, [...(points.get(key) ?? []).filter((point) => proc.clock.nowMs() - point.atMs < windowMs), { atMs: proc.clock.nowMs(), cpu: sum('cpu') * 1000, memory: sum('memory') }])
      }
    } catch (error) {
      proc.killed.throwIfAborted()
      await log('error', `Error scraping ${what} metrics: ${error instanceof UnixError ? error.message.toLowerCase() : (error as Error).message}`)
    }
  }
  const rounds = (async () => {
    for (;;) {
      await proc.sleep(roundMs)
      await scrape('node')
      await scrape('pod')
      // What is gone isn't scraped any more: its figures leave as a whole.
      for (const [key, own] of points) if (proc.clock.nowMs() - own.at(-1)!.atMs >= windowMs) points.delete(key)
    }
  })()
  rounds.catch(() => {})
  await proc.signal('SIGTERM', 'SIGINT')
  return 0
}

/** `90s`, `15m`, `1h`; undefined for anything else. */
function durationMs(text: string): number | undefined {
  const [, amount, unit] = /^(\d+)([smh])$/.exec(text) ?? []
  return amount === undefined ? undefined : Number(amount) * { s: 1000, m: 60_000, h: 3_600_000 }[unit as 's' | 'm' | 'h']
}
