/** Kinds that are only ever bodies of requests: they have no path of their own, but are decoded like any other. */
import type { Kind } from './kind.ts'

/** What decoding needs to know of a kind. */
export type BodyKind = Pick<Kind, 'schema' | 'group' | 'version' | 'kind'>

const body = (schema: string, group: string, version: string, kind: string): BodyKind => ({ schema: `io.k8s.${schema}`, group, version, kind })

export const binding = body('api.core.v1.Binding', '', 'v1', 'Binding')
export const eviction = body('api.policy.v1.Eviction', 'policy', 'v1', 'Eviction')
export const scale = body('api.autoscaling.v1.Scale', 'autoscaling', 'v1', 'Scale')
export const deleteOptions = body('apimachinery.pkg.apis.meta.v1.DeleteOptions', '', 'v1', 'DeleteOptions')
