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
  healthz: ['ping', 'log', 'etcd', ...START_HOOKS],
  livez: ['ping', 'log', 'loopback-serving-certificate', 'etcd', ...START_HOOKS],
  readyz: ['ping', 'log', 'etcd', 'etcd-readiness', 'informer-sync', ...START_HOOKS, 'shutdown'],
}

/** `/healthz`, `/livez`, `/readyz` and their single checks; undefined for other paths. */
export function healthAnswer(path: string, query: URLSearchParams): Response | undefined {
  const [endpoint = '', ...rest] = path.replace(/^\/+/, '').split('/')
  const known = Object.hasOwn(ENDPOINTS, endpoint) ? ENDPOINTS[endpoint] : undefined
  if (!known) return undefined
  if (rest.length > 0) return known.includes(rest.join('/')) ? plainText(200, 'ok') : undefined
  if (!query.has('verbose')) return plainText(200, 'ok')
  const excluded = new Set(query.getAll('exclude'))
  const lines = known.map((check) => excluded.has(check) ? `[+]${check} excluded: ok` : `[+]${check} ok`)
  return plainText(200, `${lines.join('\n')}\n${endpoint} check passed\n`)
}
