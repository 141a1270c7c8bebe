import type { MetricFamily } from '../../../base/prometheus.ts'
import type { Aggregator } from '../aggregation/aggregator.ts'
import { isAvailable } from '../aggregation/api-services.ts'
import type { FlowControl } from '../flowcontrol/flow-control.ts'
import type { VersionInfo } from '../non-resource-handler.ts'
import type { ResourceCatalog } from '../resource-catalog.ts'
import type { AdmissionMetrics } from './admission-metrics.ts'
import { buildInfo, startTime } from './process-metrics.ts'
import type { RequestMetrics } from './request-metrics.ts'

export interface ServerMetricsParts {
  requests: RequestMetrics
  admission: AdmissionMetrics
  flow: FlowControl
  catalog: ResourceCatalog
  aggregator: Aggregator
  version: VersionInfo
  startedMs: number
}

// @k8s part: Metrics: requests, admission, flows, deprecated APIs, stored objects and APIServices are counted, under the stable names; what only a real process has (memory, garbage collection, etcd's size and latencies) is left out

/** All that `/metrics` shows. */
export function serverMetrics({ requests, admission, flow, catalog, aggregator, version, startedMs }: ServerMetricsParts): MetricFamily[] {
  const stored = new Map([...catalog.endpoints()].filter((endpoint) => endpoint.isStorageVersion && endpoint.kind.verbs.includes('list')).map((endpoint) => [endpoint.ref, endpoint]))
  const objects = [...stored].map(([resource, endpoint]) => ({ resource, group: endpoint.kind.group, name: endpoint.kind.resource, count: endpoint.store.list().length }))
  return [
    ...requests.families(), ...admission.families(), ...flow.metrics(),
    { name: 'apiserver_storage_objects', type: 'gauge', help: '[STABLE] (Deprecated since 1.34.0) [DEPRECATED, consider using apiserver_resource_objects instead] Number of stored objects at the time of last check split by kind. In case of a fetching error, the value will be -1.', samples: objects.map(({ resource, count }) => ({ labels: { resource }, value: count })) },
    { name: 'apiserver_resource_objects', type: 'gauge', help: '[ALPHA] Number of stored objects at the time of last check split by kind. In case of a fetching error, the value will be -1.', samples: objects.map(({ group, name, count }) => ({ labels: { group, resource: name }, value: count })) },
    { name: 'aggregator_unavailable_apiservice', type: 'gauge', help: '[ALPHA] Gauge of APIServices which are marked as unavailable broken down by APIService name.', samples: aggregator.table.list().map((apiService) => ({ labels: { name: apiService.metadata.name! }, value: isAvailable(apiService) ? 0 : 1 })) },
    // There is one validation here, which declarations are part of: its results can't differ from anything.
    { name: 'apiserver_validation_declarative_validation_mismatch_total', type: 'counter', help: '[BETA] Number of times declarative validation results differed from handwritten validation results for core types.', samples: [{ value: 0 }] },
    { name: 'apiserver_validation_declarative_validation_panic_total', type: 'counter', help: '[BETA] Number of times declarative validation has panicked during validation.', samples: [{ value: 0 }] },
    buildInfo(version),
    startTime(startedMs),
  ]
}
