import type { KubeObject } from './object.ts'
import type { Finding } from './findings.ts'
import type { Schema } from './schema-table.ts'
import type { MergeType } from './patch/merge-type.ts'

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch'

/** A subresource as discovery shows it. */
export interface SubresourceInfo {
  verbs: readonly string[]
  /** The body's kind where it differs from the resource's own (Scale, Eviction, Binding, TokenRequest, PodExecOptions ...). */
  group?: string
  version?: string
  kind?: string
}

/** A column of the server's Table. */
export interface Column<T = KubeObject> {
  name: string
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  format?: string
  description?: string
  /** 0 is always shown, 1 only with `-o wide`. */
  priority?: number
  /** The cell. Ages are computed against `nowMs`. */
  value(object: T, nowMs: number): string | number | boolean | null | undefined
}

/** What strategies may look at besides the objects. */
export interface StrategyContext {
  nowMs: number
  /** Who asks. */
  user: { name: string; groups: readonly string[] }
  /** What the one who asks is warned of, whatever comes of the request. */
  warn(text: string): void
}

/**
 * What users may and may not set, k8s: registry strategies. Hooks get a mutable draft in the storage version, defaults applied.
 */
export interface Strategy<T = KubeObject> {
  /** PrepareForCreate. */
  beforeCreate?(draft: T, context: StrategyContext): void
  /** PrepareForUpdate of the main resource: keep status, bump generation. */
  beforeUpdate?(draft: T, old: Readonly<T>, context: StrategyContext): void
  /** PrepareForUpdate of `/status`: take only status from the draft. */
  beforeStatusUpdate?(draft: T, old: Readonly<T>, context: StrategyContext): void
  /** Objects go by themselves that long after they were written last. k8s: registry Store TTLFunc */
  ttlSeconds?: number
  /** Whether PUT to a missing name creates. */
  allowCreateOnUpdate?: boolean
  /** Whether an update without resourceVersion is taken (default true). */
  allowUnconditionalUpdate?: boolean
  /** Grace period in seconds if deletion of this object is graceful, else undefined. k8s: CheckGracefulDelete */
  gracePeriodSeconds?(object: Readonly<T>, asked: number | undefined): number | undefined
  /** The object as the first request to delete it leaves it, for kinds that are cleaned up after before they go. */
  beforeDelete?(object: Readonly<T>, nowMs: number): T | undefined
  /** What happens to dependents when the deleter doesn't say. */
  defaultGarbagePolicy?: 'background' | 'orphan'
  /** Brings a new object into its final form once it has been found valid. k8s: RESTCreateStrategy Canonicalize */
  canonicalize?(draft: T): void
  /** Warning header texts. */
  warningsOnDelete?(asked: { orphanDependents?: boolean; propagationPolicy?: string }): string[]
  warningsOnCreate?(object: Readonly<T>): string[]
  warningsOnUpdate?(object: Readonly<T>, old: Readonly<T>): string[]
  /** What the last validation of an update found but let be. */
  warningsOfValidation?(object: Readonly<T>): string[]
  warningsOnStatusUpdate?(object: Readonly<T>): string[]
}

/** Everything the API server knows about one version of a resource. Built-in kinds and CRDs have the same structure. */
export interface Kind<T extends KubeObject = any> {
  /** Key in the schema table. */
  readonly schema: string
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly listKind: string
  /** Plural. */
  readonly resource: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
  readonly verbs: readonly Verb[]
  readonly subresources: Readonly<Record<string, SubresourceInfo>>
  /** The version etcd holds; other versions convert. Same object shape as the storage version except apiVersion where no functions are given. */
  readonly storageVersion: string
  /** The group etcd holds, where it differs (events.k8s.io events are stored as core events). */
  readonly storageGroup?: string
  readonly convert?: {
    /** From this version to the storage version. Returns a new object. */
    toStorage(object: T): KubeObject
    fromStorage(object: KubeObject): T
  }
  /** Defaulting beyond the schema's defaults. Mutates the draft. k8s: SetDefaults_* */
  defaults?(draft: T): void
  /** All findings at once, upstream's order. ObjectMeta is validated by the caller with {@link nameRule}. */
  validate?(object: Readonly<T>): Finding[]
  validateUpdate?(object: Readonly<T>, old: Readonly<T>): Finding[]
  /** Rules of the hub version that are others for requests to this version; they get objects in the hub version. */
  readonly ownRules?: Pick<Kind, 'validate' | 'validateUpdate'>
  /** Set where the rules for creation come before ObjectMeta's, which are asked only when those found nothing. k8s: rest.BeforeCreate */
  readonly createsWithoutMeta?: boolean
  /** Set where the rules for updates don't look at ObjectMeta's changes, or {@link validateUpdate} does so itself. */
  readonly updatesWithoutMeta?: boolean
  validateStatusUpdate?(object: Readonly<T>, old: Readonly<T>): Finding[]
  /** Messages for a bad name, k8s: ValidateNameFunc. Default: DNS-1123 subdomain. */
  nameRule?(name: string, isPrefix: boolean): string[]
  /** Why the server can't turn a body into what it works with; undefined when it can. */
  conversionProblem?(object: Readonly<T>): string | undefined
  readonly strategy: Strategy<T>
  readonly columns: readonly Column<T>[]
  /** Field labels that field selectors may use, beyond metadata.name and metadata.namespace, with their values. */
  selectableFields?(object: Readonly<T>): Record<string, string>
  /** Names of the above. */
  readonly selectableFieldNames: readonly string[]
  /** `etcd` key part under /registry, e.g. `pods`, `services/specs`, `minions`. k8s: the prefixes kube-apiserver uses. */
  readonly storagePrefix: string
  /** Order of rows in a Table, where it isn't the list's own. */
  rowOrder?(a: Readonly<T>, b: Readonly<T>): number
  /** What a Table row says about its object beside the cells. k8s: metav1.TableRowCondition */
  rowConditions?(object: Readonly<T>): readonly object[] | undefined
  /** As discovery shows it: tells clients when the stored form changes. */
  readonly storageVersionHash?: string
  /** Served and listed but deprecated: the text of the Warning header. */
  readonly deprecationWarning?: string
  /** Of kinds that came with a CustomResourceDefinition. */
  readonly custom?: CustomKind
}

/**
 * How objects of a custom resource are read and kept. They are handled in the version in which they are served, and converted where they
 * meet the store; built-in kinds are handled in the version that etcd holds.
 */
export interface CustomKind {
  /** Reads a body: drops what the schema doesn't know, and nulls that it doesn't allow. @throws DecodeError for bad metadata */
  decode(value: unknown): { object: KubeObject; unknownFields: string[] }
  /** What server-side apply merged, as an object of the kind: its fields stay what they are. */
  merged(value: Readonly<KubeObject>): KubeObject
  /** A stored object as this version shows it, with the present defaults of the version that it is stored in; itself (frozen) where that changes nothing. */
  read(stored: Readonly<KubeObject>): KubeObject
  /** A draft as etcd holds it. */
  store(draft: KubeObject): KubeObject | Promise<KubeObject>
  /** Whether versions become one another by a webhook. */
  readonly usesWebhook: boolean
  /** Whether only a webhook can bring this stored object into this version. */
  needsWebhook(stored: Readonly<KubeObject>): boolean
  /** Stored objects in this version, as the webhook makes them. @throws StatusError */
  convert(stored: readonly KubeObject[]): Promise<KubeObject[]>
  /** An object in another version, as the webhook makes it. @throws StatusError */
  convertTo(object: KubeObject, apiVersion: string): Promise<KubeObject>
  /** How objects merge in a version; undefined for versions that the definition doesn't have. */
  mergeTypeIn(apiVersion: string): MergeType | undefined
  /** The definition is being deleted: nothing new may be created. */
  readonly terminating: boolean
  /** Where the scale subresource finds its values. */
  readonly scale?: { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath?: string }
  /** Schemas of the object and its list for OpenAPI, by name, without descriptions added. */
  readonly openApi: Readonly<Record<string, Schema>>
}
