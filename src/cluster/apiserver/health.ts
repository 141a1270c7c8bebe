import { plainText } from './responses.ts'

/** Checks of the real server, in its order. k8s: server/healthz, pkg/controlplane */
const CHECKS = ['ping', 'log', 'etcd', 'poststarthook/start-apiserver-admission-initializer', 'poststarthook/generic-apiserver-start-informers',
  'poststarthook/priority-and-fairness-config-consumer', 'poststarthook/priority-and-fairness-filter', 'poststarthook/storage-object-count-tracker-hook',
  'poststarthook/start-apiextensions-informers', 'poststarthook/start-apiextensions-controllers', 'poststarthook/crd-informer-synced',
  'poststarthook/start-system-namespaces-controller', 'poststarthook/start-cluster-authentication-info-controller',
  'poststarthook/start-kube-apiserver-identity-lease-controller', 'poststarthook/start-kube-apiserver-identity-lease-garbage-collector',
  'poststarthook/start-legacy-token-tracking-controller', 'poststarthook/start-service-ip-repair-controllers', 'poststarthook/rbac/bootstrap-roles',
  'poststarthook/scheduling/bootstrap-system-priority-classes', 'poststarthook/priority-and-fairness-config-producer', 'poststarthook/bootstrap-controller',
  'poststarthook/start-kubernetes-service-cidr-controller', 'poststarthook/aggregator-reload-proxy-client-cert',
  'poststarthook/start-kube-aggregator-informers', 'poststarthook/apiservice-status-local-available-controller',
  'poststarthook/apiservice-status-remote-available-controller', 'poststarthook/apiservice-registration-controller', 'poststarthook/apiservice-discovery-controller',
  'poststarthook/kube-apiserver-autoregistration', 'autoregister-completion', 'poststarthook/apiservice-openapi-controller', 'poststarthook/apiservice-openapiv3-controller']

const ENDPOINTS: Record<string, { name: string; checks: readonly string[] }> = {
  healthz: { name: 'healthz', checks: CHECKS },
  livez: { name: 'livez', checks: CHECKS },
  readyz: { name: 'readyz', checks: [...CHECKS.slice(0, 3), 'etcd-readiness', 'informer-sync', ...CHECKS.slice(3), 'shutdown'] },
}

/** `/healthz`, `/livez`, `/readyz` and their single checks; undefined for other paths. */
export function healthAnswer(path: string, query: URLSearchParams): Response | undefined {
  const [endpoint = '', ...rest] = path.replace(/^\/+/, '').split('/')
  const known = Object.hasOwn(ENDPOINTS, endpoint) ? ENDPOINTS[endpoint] : undefined
  if (!known) return undefined
  if (rest.length > 0) return known.checks.includes(rest.join('/')) ? plainText(200, 'ok') : undefined
  if (!query.has('verbose')) return plainText(200, 'ok')
  const excluded = new Set(query.getAll('exclude'))
  const lines = known.checks.map((check) => excluded.has(check) ? `[+]${check} excluded: ok` : `[+]${check} ok`)
  return plainText(200, `${lines.join('\n')}\n${known.name} check passed\n`)
}
