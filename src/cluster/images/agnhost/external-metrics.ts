import { createSelfSignedServer } from '../../../base/certificates.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import type { Proc } from '../../../unix/types.ts'
import { goError, goFlags, goResponse, klog, untilKilled } from './go-server.ts'

const API = '/apis/external.metrics.k8s.io'
const GROUP_VERSION = 'external.metrics.k8s.io/v1beta1'

interface ExternalMetric {
  name: string
  labels: ReadonlyMap<string, string>
  value: number
  fails: boolean
}

/** An adapter that serves external metrics whose values are set by requests, for trying out what scales by them. k8s: test/images/agnhost/external-metrics */
export async function externalMetrics(proc: Proc, args: readonly string[]): Promise<number> {
  const { flags } = goFlags(args)
  const port = Number(flags.get('port') ?? 6443)
  const metrics = new Map<string, ExternalMetric>()
  const create = (name: string, labels: ReadonlyMap<string, string>, value: number, fails: boolean) => metrics.set(keyOf(name, labels), { name, labels, value, fails })
  create('queue_messages_ready', new Map(), 100, false)
  create('http_requests_total', new Map(), 500, false)
  const json = (value: object, status = 200) => goResponse(proc, `${JSON.stringify(value)}\n`, { status, headers: { 'content-type': 'application/json' } })
  const wrong = (text: string, status = 400) => goError(proc, text, status)
  const matching = (name: string, selector: ReadonlyMap<string, string>): ExternalMetric[] => {
    const exact = selector.size > 0 ? metrics.get(keyOf(name, selector)) : undefined
    return exact ? [exact] : [...metrics.values()].filter((metric) => metric.name === name && [...selector].every(([key, value]) => metric.labels.get(key) === value))
  }
  const read = (path: string, selector: ReadonlyMap<string, string>): Response => {
    if (path === '') return json({ apiVersion: 'v1', kind: 'APIGroup', name: 'external.metrics.k8s.io', preferredVersion: { groupVersion: GROUP_VERSION, version: 'v1beta1' }, versions: [{ groupVersion: GROUP_VERSION, version: 'v1beta1' }] })
    if (path === 'v1beta1' || path === 'v1beta1/') return json({ apiVersion: 'v1', groupVersion: GROUP_VERSION, kind: 'APIResourceList', resources: [{ kind: 'ExternalMetricValueList', name: '*', namespaced: true, verbs: ['get'] }] })
    const [, kind, , name] = path.split('/')
    if (kind !== 'namespaces' || name === undefined) return wrong('404 page not found', 404)
    const found = matching(name, selector)
    if (found.length === 0) return wrong(`no metric name called ${name}${selector.size > 0 ? ` with labels ${goMap(selector)}` : ''}`, 404)
    if (found.some(({ fails }) => fails)) return wrong(`metric ${name} is configured to fail`, 500)
    const timestamp = formatDate('%Y-%m-%dT%H:%M:%SZ', proc.clock.nowMs())
    // Metrics of the beginning have no labels at all, which Go writes as null.
    return json({ apiVersion: GROUP_VERSION, items: found.map(({ labels, value }) => ({ metricLabels: labels.size > 0 ? Object.fromEntries(labels) : null, metricName: name, timestamp, value: String(value) })), kind: 'ExternalMetricValueList', metadata: {} })
  }
  const change = (action: string, name: string, query: URLSearchParams): Response => {
    if (name === '') return wrong('metric name required')
    const labels = labelsOf(query.get('labels') ?? '')
    const fail = query.get('fail') ?? ''
    const shown = Object.fromEntries(labels)
    if (action === 'fail') {
      if (fail !== 'true' && fail !== 'false') return wrong('fail param should be true or false')
      const metric = metrics.get(keyOf(name, labels))
      if (!metric) return wrong(`metric ${keyOf(name, labels)} not found`, 404)
      metric.fails = fail === 'true'
      return json({ failing: fail, labels: shown, metric: name, status: 'success' })
    }
    const text = query.get('value') ?? ''
    if (text === '') return wrong('value param required')
    const value = Number(/^[-+]?\d+/.exec(text)?.[0] ?? NaN)
    if (Number.isNaN(value)) return wrong('value param must be an integer')
    if (action === 'create') {
      create(name, labels, value, fail === 'true')
      return json({ failing: fail === 'true', labels: shown, metric: name, status: 'created', value }, 201)
    }
    const metric = metrics.get(keyOf(name, labels))
    if (!metric) return wrong(`metric ${keyOf(name, labels)} not found`, 404)
    metric.value = value
    return json({ metric: name, status: 'success', value })
  }
  const tls = await proc.clock.outside(createSelfSignedServer('localhost', proc.clock.nowMs()))
  klog(proc, 'I', 'server.go:99', `"Starting server on" address="[::]:${port}"`)
  proc.net.listenHttp(port, (request) => {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname === '/healthz' || pathname === '/readyz') return goResponse(proc, 'ok')
    const [, action = '', name = ''] = pathname.split('/')
    const isChange = ['fail', 'set', 'create'].includes(action) && pathname !== `/${action}`
    if (!isChange && pathname !== API && !pathname.startsWith(`${API}/`)) return wrong('404 page not found', 404)
    klog(proc, 'I', isChange ? 'server.go:209' : 'server.go:123', `"" method="${request.method}" path="${pathname}"`)
    return isChange ? change(action, decodeURIComponent(name), searchParams) : read(pathname.slice(API.length).replace(/^\//, ''), labelsOf(searchParams.get('labelSelector') ?? ''))
  }, { tls })
  return untilKilled(proc)
}

function keyOf(name: string, labels: ReadonlyMap<string, string>): string {
  return labels.size === 0 ? name : `${name}:${[...labels].map(([key, value]) => `${key}=${value}`).sort().join(',')}`
}

/** Labels written as `a=b,c=d`. */
function labelsOf(text: string): Map<string, string> {
  return new Map(text.split(',').filter((pair) => pair.includes('=')).map((pair) => [pair.slice(0, pair.indexOf('=')).trim(), pair.slice(pair.indexOf('=') + 1).trim()]))
}

/** A map as Go's `%v` shows it. */
function goMap(map: ReadonlyMap<string, string>): string {
  return `map[${[...map].map(([key, value]) => `${key}:${value}`).sort().join(' ')}]`
}
