const QUANTITIES = (reference: string) => ({ type: 'object', additionalProperties: { $ref: `${reference}io.k8s.apimachinery.pkg.api.resource.Quantity` } })
const PREFIX = 'io.k8s.metrics.pkg.apis.metrics.v1beta1.'
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.'

/** The schemas of metrics.k8s.io, with references that begin with `#/definitions/` or `#/components/schemas/`. */
function schemas(reference: string): Record<string, unknown> {
  const gvk = (kind: string) => ({ 'x-kubernetes-group-version-kind': [{ group: 'metrics.k8s.io', version: 'v1beta1', kind }] })
  const common = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { $ref: `${reference}${META}ObjectMeta` }, timestamp: { $ref: `${reference}${META}Time` }, window: { $ref: `${reference}${META}Duration` } }
  const list = (kind: string) => ({
    description: `${kind}List is a list of ${kind}.`, type: 'object', required: ['items'], ...gvk(`${kind}List`),
    properties: { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { $ref: `${reference}${META}ListMeta` }, items: { type: 'array', items: { $ref: `${reference}${PREFIX}${kind}` } } },
  })
  return {
    [`${PREFIX}NodeMetrics`]: { description: 'NodeMetrics sets resource usage metrics of a node.', type: 'object', required: ['timestamp', 'window', 'usage'], properties: { ...common, usage: QUANTITIES(reference) }, ...gvk('NodeMetrics') },
    [`${PREFIX}NodeMetricsList`]: list('NodeMetrics'),
    [`${PREFIX}PodMetrics`]: { description: 'PodMetrics sets resource usage metrics of a pod.', type: 'object', required: ['timestamp', 'window', 'containers'], properties: { ...common, containers: { type: 'array', items: { $ref: `${reference}${PREFIX}ContainerMetrics` } } }, ...gvk('PodMetrics') },
    [`${PREFIX}PodMetricsList`]: list('PodMetrics'),
    [`${PREFIX}ContainerMetrics`]: { description: 'ContainerMetrics sets resource usage metrics of a container.', type: 'object', required: ['name', 'usage'], properties: { name: { type: 'string' }, usage: QUANTITIES(reference) } },
    [`${META}Duration`]: { type: 'string' },
    [`${META}Time`]: { type: 'string', format: 'date-time' },
    [`${META}ObjectMeta`]: { type: 'object' },
    [`${META}ListMeta`]: { type: 'object' },
    'io.k8s.apimachinery.pkg.api.resource.Quantity': { type: 'string' },
  }
}

/** What the server says of itself below /openapi. */
export function metricsOpenApi(path: string): unknown {
  const info = { title: 'Kubernetes metrics-server', version: 'v0.8.1' }
  if (path === '/openapi/v3') return { paths: { 'apis/metrics.k8s.io/v1beta1': { serverRelativeURL: '/openapi/v3/apis/metrics.k8s.io/v1beta1' } } }
  if (path === '/openapi/v2') return { swagger: '2.0', info, paths: operations(), definitions: schemas('#/definitions/') }
  return { openapi: '3.0.0', info, paths: operations(), components: { schemas: schemas('#/components/schemas/') } }
}

function operations(): Record<string, unknown> {
  const root = '/apis/metrics.k8s.io/v1beta1'
  const of = (path: string, action: string, kind: string, operationId: string) => [`${root}/${path}`, { get: { description: `${action} ${kind}`, operationId, tags: ['metrics_v1beta1'], responses: { 200: { description: 'OK' }, 401: { description: 'Unauthorized' } }, 'x-kubernetes-action': action, 'x-kubernetes-group-version-kind': { group: 'metrics.k8s.io', version: 'v1beta1', kind } } }]
  return Object.fromEntries([
    of('nodes', 'list', 'NodeMetrics', 'listMetricsV1beta1NodeMetrics'), of('nodes/{name}', 'get', 'NodeMetrics', 'readMetricsV1beta1NodeMetrics'),
    of('namespaces/{namespace}/pods', 'list', 'PodMetrics', 'listMetricsV1beta1NamespacedPodMetrics'), of('namespaces/{namespace}/pods/{name}', 'get', 'PodMetrics', 'readMetricsV1beta1NamespacedPodMetrics'),
    of('pods', 'list', 'PodMetrics', 'listMetricsV1beta1PodMetricsForAllNamespaces'),
  ])
}
