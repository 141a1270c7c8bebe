import type { HttpRequest } from '../../../base/http.ts'
import { numberText, PROMETHEUS_TYPE } from '../../../base/prometheus.ts'
import type { Proc } from '../../../unix/types.ts'
import { Labels, METRIC_NAME, compareText } from '../prometheus/labels.ts'
import { parseSeries, parseTextFormat } from '../prometheus/scrape/text-format.ts'
import type { MetricMetadata } from '../prometheus/scrape/text-format.ts'

interface Group { labels: Labels; samples: Map<string, { labels: Labels; value: number }>; metadata: Map<string, MetricMetadata>; pushedMs: number }

/** The program `pushgateway`. */
export async function pushgateway(proc: Proc): Promise<number> {
  const flags = new Map(proc.argv.slice(1).map((argument) => { const [name = '', ...value] = argument.replace(/^--?/, '').split('='); return [name, value.join('=')] }))
  const strange = [...flags.keys()].find((name) => !/^(?:web\.(?:listen-address|telemetry-path|external-url|route-prefix|enable-lifecycle)|log\.(?:level|format))$/.test(name))
  if (strange !== undefined) { await proc.stderr.write(`pushgateway: error: unknown flag, or one that is not supported by this build: --${strange}\n`); return 1 }
  const port = Number(/:(\d+)$/.exec(flags.get('web.listen-address') ?? ':9091')?.[1])
  const groups = new Map<string, Group>()
  const startedMs = proc.clock.nowMs()
  const plain = (text: string, status = 200) => new Response(text, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } })
  proc.net.listenHttp(port, async (request) => {
    const path = new URL(request.url).pathname
    if (path === (flags.get('web.telemetry-path') || '/metrics') && request.method === 'GET') return new Response(exposition([...groups.values()], startedMs), { headers: { 'content-type': PROMETHEUS_TYPE } })
    if (path === '/-/healthy' || path === '/-/ready') return plain('OK')
    if (path.startsWith('/metrics/job')) return push(proc, groups, request, path)
    if (path === '/api/v1/metrics') return new Response(JSON.stringify({ status: 'success', data: [...groups.values()].map(({ labels, samples, pushedMs }) => ({ labels: labels.toRecord(), last_push_successful: true, push_time_seconds: { time_stamp: new Date(pushedMs).toISOString() }, ...Object.fromEntries([...samples.values()].map(({ labels: own, value }) => [own.get(METRIC_NAME), { metrics: [{ labels: own.without([METRIC_NAME]).toRecord(), value: numberText(value) }] }])) })) }), { headers: { 'content-type': 'application/json' } })
    if (path === '/') return plain(`Pushgateway: ${groups.size} groups, see /metrics\n`)
    return plain('404 page not found\n', 404)
  })
  await proc.stderr.write(`time=${new Date(proc.clock.nowMs()).toISOString()} level=INFO source=tls_config.go:347 msg="Listening on" address=[::]:${port}\n`)
  await proc.signal('SIGTERM', 'SIGINT')
  return 0
}

/** k8s: pushgateway handler/push.go */
async function push(proc: Proc, groups: Map<string, Group>, request: HttpRequest, path: string): Promise<Response> {
  const plain = (text: string, status: number) => new Response(text, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } })
  const parts = path.slice('/metrics/'.length).replace(/\/$/, '').split('/').map((part) => decodeURIComponent(part))
  if (parts.length % 2 === 1) return plain(`odd number of components in label string ${JSON.stringify(`/${parts.slice(2).join('/')}`)}\n`, 400)
  const pairs: [string, string][] = []
  try {
    for (let i = 0; i < parts.length; i += 2) pairs.push(parts[i]!.endsWith('@base64') ? [parts[i]!.slice(0, -7), fromBase64Url(parts[i + 1]!)] : [parts[i]!, parts[i + 1]!])
  } catch {
    return plain(`invalid base64 encoding in label string ${JSON.stringify(`/${parts.slice(2).join('/')}`)}\n`, 400)
  }
  if (pairs[0]?.[0] !== 'job' || pairs[0][1] === '') return plain('job name is required\n', 400)
  const labels = Labels.of(pairs)
  if (request.method === 'DELETE') { groups.delete(labels.key); return plain('', 202) }
  if (request.method !== 'PUT' && request.method !== 'POST') return plain('Method Not Allowed\n', 405)
  const metadata = new Map<string, MetricMetadata>()
  const samples = new Map<string, { labels: Labels; value: number }>()
  try {
    for (const sample of parseTextFormat(await request.text(), metadata)) {
      if (!sample) continue
      if (sample.timeMs !== undefined) return plain('pushed metrics must not have timestamps\n', 400)
      // The group's labels win, and every series has an instance, if only an empty one.
      const own = Labels.of([...parseSeries(sample.series), ...labels])
      samples.set(own.key, { labels: own, value: sample.value })
    }
  } catch (error) {
    return plain(`text format parsing error: ${(error as Error).message}\n`, 400)
  }
  const known = groups.get(labels.key)
  const group: Group = known ?? { labels, samples: new Map(), metadata: new Map(), pushedMs: 0 }
  if (request.method === 'PUT') group.samples.clear()
  // A POST replaces metrics of the same names only.
  const names = new Set([...samples.values()].map(({ labels: own }) => own.get(METRIC_NAME)))
  for (const [key, { labels: own }] of group.samples) if (names.has(own.get(METRIC_NAME))) group.samples.delete(key)
  for (const [key, sample] of samples) group.samples.set(key, sample)
  for (const [name, about] of metadata) group.metadata.set(name, about)
  group.pushedMs = proc.clock.nowMs()
  groups.set(labels.key, group)
  return plain('', 200)
}

/** Text in base64 for addresses, with or without what fills it up. An empty one may be written `=`. */
const fromBase64Url = (text: string) => new TextDecoder().decode(Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '')), (sign) => sign.charCodeAt(0)))

function exposition(groups: readonly Group[], startedMs: number): string {
  const families = new Map<string, { about: MetricMetadata; lines: string[] }>()
  const add = (family: string, about: MetricMetadata, labels: Labels, value: number) => {
    let known = families.get(family)
    if (!known) families.set(family, known = { about, lines: [] })
    const name = labels.get(METRIC_NAME)
    const pairs = [...labels.without([METRIC_NAME]), ...labels.get('instance') || !labels.get('job') ? [] : [['instance', ''] as const]].sort(([one], [other]) => compareText(one, other))
    known.lines.push(`${name}${pairs.length > 0 ? `{${pairs.map(([key, text]) => `${key}=${JSON.stringify(text)}`).join(',')}}` : ''} ${numberText(value)}\n`)
  }
  for (const { labels, samples, metadata, pushedMs } of groups) {
    for (const { labels: own, value } of samples.values()) {
      const name = own.get(METRIC_NAME)
      const family = metadata.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, '')
      add(metadata.has(family) ? family : name, metadata.get(family) ?? { type: 'untyped', help: '', unit: '' }, own, value)
    }
    add('push_time_seconds', { type: 'gauge', help: 'Last Unix time when changing this group in the Pushgateway succeeded.', unit: '' }, labels.with(METRIC_NAME, 'push_time_seconds'), pushedMs / 1000)
    // Only what is refused when it is put together with the group counts, and nothing is here.
    add('push_failure_time_seconds', { type: 'gauge', help: 'Last Unix time when changing this group in the Pushgateway failed.', unit: '' }, labels.with(METRIC_NAME, 'push_failure_time_seconds'), 0)
  }
  add('process_start_time_seconds', { type: 'gauge', help: 'Start time of the process since unix epoch in seconds.', unit: '' }, Labels.of([[METRIC_NAME, 'process_start_time_seconds']]), startedMs / 1000)
  return [...families].sort(([a], [b]) => compareText(a, b)).map(([name, { about, lines }]) => `${about.help ? `# HELP ${name} ${about.help}\n` : ''}# TYPE ${name} ${about.type === 'unknown' ? 'untyped' : about.type}\n${lines.join('')}`).join('')
}
