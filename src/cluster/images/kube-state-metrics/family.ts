import type { MetricFamily, Sample } from '../../../base/prometheus.ts'
import type { Pod } from '../../kinds/generated/types.ts'

/** Any object, as far as metrics that all resources have look at it. */
export type Named = Pick<Pod, 'metadata'>

/** What a metric is made of: the samples that one object gives, without the labels that name the object. */
export interface Metric<T> {
  name: string
  help: string
  type: MetricFamily['type']
  samples(object: T): Iterable<Pick<Sample, 'labels' | 'value'> | undefined>
}

/** How objects of a resource become metrics. */
export interface ResourceMetrics<T> {
  /** As --resources names it. */
  resource: string
  /** Below the server; `namespaced` ones may be asked of some namespaces only. */
  group: string
  isNamespaced: boolean
  /** The labels that every metric of an object has. */
  identity(object: T): Record<string, string>
  metrics: readonly Metric<T>[]
}

export const gauge = <T>(name: string, help: string, samples: Metric<T>['samples']): Metric<T> => ({ name, help, type: 'gauge', samples })
export const counter = <T>(name: string, help: string, samples: Metric<T>['samples']): Metric<T> => ({ name, help, type: 'counter', samples })
/** One number for each object; none where it isn't there. */
export const number = <T>(name: string, help: string, value: (object: T) => number | undefined): Metric<T> => gauge(name, help, (object) => { const found = value(object); return found === undefined ? [] : [{ value: found }] })
/** Always one, for the labels' sake. */
export const info = <T>(name: string, help: string, labels: (object: T) => Record<string, string>): Metric<T> => gauge(name, help, (object) => [{ labels: labels(object), value: 1 }])

/** Seconds since 1970 of a time of the API. */
export const seconds = (time: string | undefined | null): number | undefined => time ? Math.floor(Date.parse(time) / 1000) : undefined

/** The labels of objects in namespaces: theirs, and the object's own under the resource's name. */
export const identity = (label: string) => ({ metadata }: Named): Record<string, string> => ({ namespace: metadata.namespace ?? '', [label]: metadata.name ?? '' })
export const created = <T extends Named>(kind: string): Metric<T> => number(`kube_${kind}_created`, 'Unix creation timestamp', ({ metadata }) => seconds(metadata.creationTimestamp))
/** Who an object belongs to; empty labels where it belongs to nobody. */
export const owner = <T extends Named>(kind: string, shown: string): Metric<T> => gauge(`kube_${kind}_owner`, `Information about the ${shown}'s owner.`, ({ metadata }) => {
  const owners = metadata.ownerReferences ?? []
  return owners.length === 0 ? [{ labels: { owner_kind: '', owner_name: '', owner_is_controller: '' }, value: 1 }] : owners.map((each) => ({ labels: { owner_kind: each.kind, owner_name: each.name, owner_is_controller: String(each.controller ?? false) }, value: 1 }))
})

/** One for the state that holds, zero for the others. */
export function* states(label: string, all: readonly string[], current: string | undefined): Generator<{ labels: Record<string, string>; value: number }> {
  for (const state of all) yield { labels: { [label]: state }, value: Number(state === current) }
}

/** A condition's status as three metrics. */
export function* conditionStates(conditions: readonly { type?: string; status?: string; reason?: string }[] | undefined, withReason = false): Generator<{ labels: Record<string, string>; value: number }> {
  for (const { type = '', status, reason = '' } of conditions ?? []) for (const each of ['true', 'false', 'unknown']) yield { labels: { condition: type, ...(withReason ? { reason } : {}), status: each }, value: Number(status?.toLowerCase() === each) }
}

export const sanitized = (name: string): string => name.replace(/[^a-zA-Z0-9_]/g, '_')
