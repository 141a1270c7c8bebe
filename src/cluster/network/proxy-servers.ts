import type { Clock } from '../../base/clock.ts'
import { prometheusText } from '../../base/prometheus.ts'
import type { MetricFamily } from '../../base/prometheus.ts'
import type { Listener, NetStack } from '../../unix/types.ts'
import { usableEndpoints } from './service-endpoints.ts'
import type { ServiceTable } from './service-table.ts'

const HEALTH_PORT = 10_256
const METRICS_PORT = 10_249
const JSON_HEADERS = { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' }

export interface ProxyServersOptions {
  /** The sockets of the node, which kube-proxy shares. */
  net: Pick<NetStack, 'listenHttp'>
  table: ServiceTable
  nodeName: string
  clock: Clock
}

/** One Service that has a health check's port. */
interface HealthCheck {
  port: number
  listener: Listener | undefined
  /** Ready endpoints on the node. */
  endpoints: number
}

/**
 * What kube-proxy serves on its node: its own health, its metrics on the loopback address, and for load balancers whether a Service with
 * externalTrafficPolicy Local has endpoints there. Returns how it ends.
 * k8s: cmd/kube-proxy/app/server.go, pkg/proxy/healthcheck
 */
// @k8s part: kube-proxy's metrics: rules, health and node ports of the loopback address are counted; latencies and what only a real process has are left out
export function serveProxy({ net, table, nodeName, clock }: ProxyServersOptions): () => void {
  const startedMs = clock.nowMs()
  let syncedMs = startedMs
  const answers = { healthz: new Map<number, number>(), livez: new Map<number, number>() }
  const stamp = (ms: number) => new Date(ms).toISOString().replace('Z', '000000Z')

  const health = (kind: 'healthz' | 'livez') => {
    const nodeEligible = table.isEligible(nodeName)
    const status = kind === 'livez' || nodeEligible ? 200 : 503
    answers[kind].set(status, (answers[kind].get(status) ?? 0) + 1)
    const nowMs = clock.nowMs()
    const body = { lastUpdated: stamp(status === 200 ? nowMs : syncedMs), currentTime: stamp(nowMs), ...(kind === 'healthz' ? { nodeEligible } : {}), healthy: true, status: { IPv4: { lastUpdated: stamp(syncedMs), healthy: true } } }
    return new Response(JSON.stringify(body), { status, headers: JSON_HEADERS })
  }
  const notFound = () => new Response('404 page not found\n', { status: 404, headers: { 'content-type': 'text/plain; charset=utf-8' } })

  const metrics = (): MetricFamily[] => {
    const family = { ip_family: 'IPv4' }
    const without = (policy: 'internalLocal' | 'externalLocal') => table.rules(nodeName).filter((rule) => rule[policy] && rule.endpoints.length > 0 && usableEndpoints(rule.endpoints, nodeName, undefined).local.length === 0).length
    const counted = (counts: ReadonlyMap<number, number>) => [...counts].map(([code, value]) => ({ labels: { code: String(code) }, value }))
    return [
      { name: 'kubeproxy_iptables_localhost_nodeports_accepted_packets_total', type: 'counter', help: '[ALPHA] Number of packets accepted on nodeports of loopback interface', samples: [{ value: table.acceptedOnLoopback(nodeName) }] },
      { name: 'kubeproxy_proxy_healthz_total', type: 'counter', help: '[ALPHA] Cumulative proxy healthz HTTP status', samples: counted(answers.healthz) },
      { name: 'kubeproxy_proxy_livez_total', type: 'counter', help: '[ALPHA] Cumulative proxy livez HTTP status', samples: counted(answers.livez) },
      { name: 'kubeproxy_sync_proxy_rules_last_timestamp_seconds', type: 'gauge', help: '[ALPHA] The last time proxy rules were successfully synced', samples: [{ labels: family, value: syncedMs / 1000 }] },
      { name: 'kubeproxy_sync_proxy_rules_no_local_endpoints_total', type: 'gauge', help: '[ALPHA] Number of services with a Local traffic policy and no endpoints', samples: [{ labels: { ...family, traffic_policy: 'internal' }, value: without('internalLocal') }, { labels: { ...family, traffic_policy: 'external' }, value: without('externalLocal') }] },
      { name: 'process_start_time_seconds', type: 'gauge', help: '[ALPHA] Start time of the process since unix epoch in seconds.', samples: [{ value: startedMs / 1000 }] },
    ]
  }

  const own = [
    net.listenHttp(HEALTH_PORT, ({ url }) => {
      const path = new URL(url).pathname
      return path === '/healthz' || path === '/livez' ? health(path.slice(1) as 'healthz' | 'livez') : notFound()
    }),
    net.listenHttp(METRICS_PORT, ({ url }) => {
      const path = new URL(url).pathname
      if (path === '/healthz') return new Response('ok', { headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' } })
      if (path === '/proxyMode') return new Response('iptables', { headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' } })
      if (path === '/metrics') return new Response(prometheusText(metrics()), { headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' } })
      return notFound()
    }, { ip: '127.0.0.1' }),
  ]

  const checks = new Map<string, HealthCheck>()
  const answerFor = (service: string) => {
    const endpoints = checks.get(service)?.endpoints ?? 0
    const [namespace, name] = service.split('/')
    const body = `{\n\t"service": {\n\t\t"namespace": ${JSON.stringify(namespace)},\n\t\t"name": ${JSON.stringify(name)}\n\t},\n\t"localEndpoints": ${endpoints},\n\t"serviceProxyHealthy": true\n}`
    return new Response(body, { status: endpoints > 0 ? 200 : 503, headers: { ...JSON_HEADERS, 'x-load-balancing-endpoint-weight': String(endpoints) } })
  }
  /** A port that somebody else has stays his. k8s: it says so in an event and tries again with the next change */
  const listen = (service: string, port: number): Listener | undefined => {
    try {
      return net.listenHttp(port, () => answerFor(service))
    } catch {
      return undefined
    }
  }
  const sync = () => {
    syncedMs = clock.nowMs()
    const wanted = new Map<string, { port: number; ips: Set<string> }>()
    for (const { service, healthCheckNodePort: port, endpoints } of table.healthChecked(nodeName)) {
      if (port === undefined) continue
      if (!wanted.has(service)) wanted.set(service, { port, ips: new Set() })
      for (const endpoint of endpoints) if (endpoint.nodeName === nodeName && !endpoint.isTerminating) wanted.get(service)!.ips.add(endpoint.ip)
    }
    for (const [service, check] of checks) {
      if (wanted.get(service)?.port === check.port && check.listener) continue
      check.listener?.close()
      checks.delete(service)
    }
    for (const [service, { port, ips }] of wanted) {
      const check = checks.get(service) ?? { port, listener: listen(service, port), endpoints: 0 }
      check.endpoints = ips.size
      checks.set(service, check)
    }
  }
  const stop = table.onReplaced(sync)
  sync()
  return () => {
    stop()
    for (const listener of [...own, ...[...checks.values()].flatMap(({ listener: each }) => each ? [each] : [])]) listener.close()
    checks.clear()
  }
}
