/** Turns what a kind's file says into a Kind: everything that the discovery and schema tables know is filled in from there. */
import facts from './discovery-facts.json' with { type: 'json' }
import { age } from './age.ts'
import type { Column, Kind, Strategy, SubresourceInfo, Verb } from './kind.ts'
import type { KubeObject } from './object.ts'

/** What discovery, printer columns and field selectors of v1.36 say of a resource. */
interface ResourceFacts {
  group: string
  version: string
  kind: string
  resource: string
  singular: string
  namespaced: boolean
  schema: string
  /** Absent: all eight. */
  verbs?: Verb[]
  shortNames?: string[]
  categories?: string[]
  storageVersionHash?: string
  storagePrefix: string
  /** `Name|string|name|0`: name, type, format, priority. */
  columns?: string[]
  selectableFieldNames?: string[]
  subresources?: Record<string, SubresourceInfo & { namespaced?: boolean }>
}

const factsByKey = new Map((facts as unknown as ResourceFacts[]).map((of) => [`${of.group}/${of.version}/${of.resource}`, of]))

const ALL_VERBS: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

/** Cells of a table row after the name: one function per column of the table of facts, by column name. */
export type Cells<T> = Record<string, Column<T>['value']>

/** What a kind's file says: what no table can. */
export interface KindDefinition<T extends KubeObject> extends Partial<Pick<Kind<T>,
  'storageVersion' | 'storageGroup' | 'convert' | 'defaults' | 'validate' | 'validateUpdate' | 'ownRules' | 'createsWithoutMeta' | 'updatesWithoutMeta' | 'validateStatusUpdate' | 'nameRule' | 'conversionProblem' | 'selectableFields' | 'deprecationWarning' | 'storagePrefix' | 'rowOrder' | 'rowConditions'>> {
  group: string
  version: string
  resource: string
  strategy?: Strategy<T>
  /** Cells by column name; columns themselves come from the table of facts. */
  cells?: Cells<T>
  /** k8s: metadata of Table columns */
  columnDescriptions?: Record<string, string>
}

/** Defines a kind of the built-in API. @throws Error when the tables don't know it */
export function defineKind<T extends KubeObject = KubeObject>(definition: KindDefinition<T>): Kind<T> {
  const known = factsByKey.get(`${definition.group}/${definition.version}/${definition.resource}`)
  if (!known) throw new Error(`no such resource: ${definition.group}/${definition.version}/${definition.resource}`)
  const { cells, columnDescriptions, strategy, ...own } = definition
  return {
    schema: known.schema,
    kind: known.kind,
    listKind: `${known.kind}List`,
    singular: known.singular,
    shortNames: known.shortNames ?? [],
    categories: known.categories ?? [],
    namespaced: known.namespaced,
    verbs: known.verbs ?? ALL_VERBS,
    subresources: known.subresources ?? {},
    storageVersion: known.version,
    selectableFieldNames: known.selectableFieldNames ?? [],
    storagePrefix: known.storagePrefix,
    ...(known.storageVersionHash ? { storageVersionHash: known.storageVersionHash } : {}),
    ...own,
    strategy: strategy ?? {},
    columns: (known.columns ?? []).map((text) => columnOf(text, cells, columnDescriptions)),
  }
}

function columnOf<T extends KubeObject>(text: string, cells: Cells<T> | undefined, descriptions: Record<string, string> | undefined): Column<T> {
  const [name = '', type = 'string', format = '', priority = '0'] = text.split('|')
  return {
    name, type: type as Column['type'], ...(format ? { format } : {}), priority: Number(priority),
    ...(descriptions?.[name] ? { description: descriptions[name] } : {}),
    value: cells?.[name] ?? DEFAULT_CELLS[name] ?? (() => ''),
  }
}

const DEFAULT_CELLS: Cells<any> = {
  Name: (object) => object.metadata.name,
  Age: (object, nowMs) => age(object, nowMs),
  'Created At': (object) => object.metadata.creationTimestamp ?? null,
}
