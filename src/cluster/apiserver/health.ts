import { plainText } from './responses.ts'

/** What the real server does once it has started, in its order. k8s: server/healthz, pkg/controlplane */
const START_HOOKS = [
  'poststarthook/start-apiserver-admission-initializer', 'poststarthook/generic-apiserver-start-informers',
  'poststarthook/priority-and-fairness-config-consumer', 'poststarthook/priority-and-fairness-filter',
  'poststarthook/storage-object-count-tracker-hook', 'poststarthook/start-apiextensions-informers', 'poststarthook/start-apiextensions-controllers',
  'poststarthook/crd-informer-synced', 'poststarthook/start-system-namespaces-controller', 'poststarthook/peer-endpoint-reconciler-controller',
  'poststarthook/start-cluster-authentication-info-controller', 'poststarthook/start-kube-apiserver-identity-lease-controller',
  'poststarthook/start-kube-apiserver-identity-lease-garbage-collector', 'poststarthook/storage-readiness',
  'poststarthook/start-legacy-token-tracking-controller', 'poststarthook/start-service-ip-repair-controllers', 'poststarthook/rbac/bootstrap-roles',
  'poststarthook/scheduling/bootstrap-system-priority-classes', 'poststarthook/priority-and-fairness-config-producer',
  'poststarthook/bootstrap-controller', 'poststarthook/start-kubernetes-service-cidr-controller',
  'poststarthook/aggregator-reload-proxy-client-cert', 'poststarthook/start-kube-aggregator-informers',
  'poststarthook/apiservice-status-local-available-controller', 'poststarthook/apiservice-status-remote-available-controller',
  'poststarthook/apiservice-registration-controller', 'poststarthook/apiservice-discovery-controller',
  'poststarthook/kube-apiserver-autoregistration', 'autoregister-completion', 'poststarthook/apiservice-openapi-controller',
  'poststarthook/apiservice-openapiv3-controller',
]

const ENDPOINTS: Readonly<Record<string, readonly string[]>> = {
  healthz: ['ping', 'log', 'loopback-serving-certificate', 'etcd', ...START_HOOKS],
  livez: ['ping', 'log', 'loopback-serving-certificate', 'etcd', ...START_HOOKS],
  readyz: ['ping', 'log', 'etcd', 'etcd-readiness', 'informer-sync', ...START_HOOKS, 'shutdown'],
}

/** Checks by name that can fail here; the reason, or undefined. All others pass once the server answers at all. */
export type HealthChecks = Readonly<Record<string, () => string | undefined>>

/** Every path of a health endpoint or a single check. */
export function healthPaths(): string[] {
  return Object.entries(ENDPOINTS).flatMap(([endpoint, checks]) => [`/${endpoint}`, ...checks.map((check) => `/${endpoint}/${check}`)])
}

/** `/healthz`, `/livez`, `/readyz` and their single checks; undefined for other paths. k8s: server/healthz handleRootHealth */
export function healthAnswer(path: string, query: URLSearchParams, checks: HealthChecks = {}): Response | undefined {
  const [endpoint = '', ...rest] = path.replace(/^\/+/, '').split('/')
  const known = Object.hasOwn(ENDPOINTS, endpoint) ? ENDPOINTS[endpoint] : undefined
  if (!known) return undefined
  if (rest.length > 0) {
    const name = rest.join('/')
    if (!known.includes(name)) return undefined
    const problem = checks[name]?.()
    // Unlike errors, that come from Go's library, it leaves browsers free to guess its type.
    return problem === undefined ? new Response('ok', { headers: { 'content-type': 'text/plain; charset=utf-8' } }) : plainText(500, `internal server error: ${problem}\n`)
  }
  const excluded = new Set(query.getAll('exclude'))
  const unknown = new Set(excluded)
  let hasFailed = false
  let text = ''
  for (const name of known) {
    if (excluded.has(name)) {
      unknown.delete(name)
      text += `[+]${name} excluded: ok\n`
    } else if (checks[name]?.() !== undefined) {
      hasFailed = true
      text += `[-]${name} failed: reason withheld\n`
    } else text += `[+]${name} ok\n`
  }
  if (unknown.size > 0) text += `warn: some health checks cannot be excluded: no matches for ${[...unknown].sort().map((name) => JSON.stringify(name)).join(',')}\n`
  if (hasFailed) return plainText(500, `${text}${endpoint} check failed\n`)
  return plainText(200, query.has('verbose') ? `${text}${endpoint} check passed\n` : 'ok')
}
