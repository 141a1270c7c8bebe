/** The server's Table: what `kubectl get` shows. k8s: metav1.Table, pkg/printers */
import type { Kind } from './kind.ts'
import type { KubeObject } from './object.ts'

export interface ColumnDefinition {
  name: string
  type: string
  format: string
  description: string
  priority: number
}

export interface TableRow {
  cells: unknown[]
  conditions?: readonly object[]
  object?: unknown
}

/** metav1.Table */
export interface Table {
  kind: 'Table'
  apiVersion: string
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number }
  /** Null in all events of a watch but the first. */
  columnDefinitions: ColumnDefinition[] | null
  rows: TableRow[]
}

/** How much of each object a Table's rows carry. k8s: TableOptions.includeObject */
export type IncludeObject = 'None' | 'Metadata' | 'Object'

const DESCRIPTIONS: Record<string, string> = {
  Name: 'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names',
  Age: 'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata',
}
DESCRIPTIONS['Created At'] = DESCRIPTIONS.Age!

/** What a Table needs to know of a kind. */
export type TableKind = Pick<Kind, 'columns' | 'rowOrder' | 'rowConditions' | 'custom'>

const definitions = new WeakMap<TableKind, ColumnDefinition[]>()

function columnDefinitions(kind: TableKind): ColumnDefinition[] {
  let known = definitions.get(kind)
  if (!known) {
    known = kind.columns.map(({ name, type, format, description, priority }) => ({ name, type, format: format ?? '', description: description ?? DESCRIPTIONS[name] ?? '', priority: priority ?? 0 }))
    definitions.set(kind, known)
  }
  return known
}

export interface TableOptions {
  includeObject?: IncludeObject
  /** Null for the definitions of columns. */
  withoutColumns?: boolean
  /** The version of meta.k8s.io that was asked for, in which rows show metadata, too. */
  apiVersion?: string
}

/** A Table of objects. List metadata (resourceVersion, continue) is the caller's to fill in. */
export function tableOf(kind: TableKind, objects: readonly KubeObject[], nowMs: number, { includeObject = 'Metadata', withoutColumns = false, apiVersion = 'meta.k8s.io/v1' }: TableOptions = {}): Table {
  return {
    kind: 'Table', apiVersion, metadata: {},
    // Watches send the definitions with the first event only. k8s: GenerateOptions.NoHeaders
    columnDefinitions: withoutColumns ? null : columnDefinitions(kind),
    rows: (kind.rowOrder ? [...objects].sort(kind.rowOrder) : objects).map((object) => rowOf(kind, object, nowMs, includeObject, apiVersion)),
  }
}

function rowOf(kind: TableKind, object: KubeObject, nowMs: number, include: IncludeObject, apiVersion: string): TableRow {
  const cells = kind.columns.map((column) => column.value(object, nowMs) ?? null)
  const conditions = kind.rowConditions?.(object)
  const shown = include === 'None' ? null : include === 'Object' ? object : { ...partialObjectOf(object), apiVersion }
  return conditions ? { cells, conditions, object: shown } : { cells, object: shown }
}

/** Only the metadata. k8s: metav1.PartialObjectMetadata */
export function partialObjectOf(object: Readonly<KubeObject>): KubeObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.kind === 'DaemonSet' ? withoutTemplateGeneration(object.metadata) : object.metadata }
}

/** What of a DaemonSet is an annotation for clients is a field inside the server, which makes these views. */
function withoutTemplateGeneration(metadata: KubeObject['metadata']): KubeObject['metadata'] {
  const { 'deprecated.daemonset.template.generation': _, ...annotations } = metadata.annotations ?? {}
  const { annotations: __, ...rest } = metadata
  return Object.keys(annotations).length > 0 ? { ...rest, annotations } : rest
}
