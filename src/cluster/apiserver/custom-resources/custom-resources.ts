import { rfc3339, type Clock } from '../../../base/clock.ts'
import { deepEqual } from '../../../base/freeze.ts'
import type { Log } from '../../../base/log.ts'
import type { Random } from '../../../base/random.ts'
import type { Api } from '../../client/api.ts'
import { WorkQueue } from '../../client/work-queue.ts'
import type { Kind } from '../../kinds/kind.ts'
import type { Condition } from '../../kinds/object.ts'
import { addMergeSchema, removeMergeSchema } from '../../kinds/patch/merge-type.ts'
import type { Schema } from '../../kinds/schema-table.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import type { Registry } from '../registry.ts'
import type { ResourceCatalog } from '../resource-catalog.ts'
import type { ClusterDialer, Reader, UserInfo } from '../seams.ts'
import { conversionWebhook } from './conversion-webhook.ts'
import { schemaName } from './custom-resource-schemas.ts'
import { customResourceKinds, isTrue } from './custom-resource-kind.ts'
import type { Definition } from './definition.ts'
import { acceptNames, approvalCondition, conditionOf, establishedCondition, nonStructuralCondition, withCondition, type NewCondition } from './definition-conditions.ts'

// differs: upstream lets a create wait for two seconds after a definition is established, for the sake of API servers beside this one.

const DEFINITIONS = 'customresourcedefinitions.apiextensions.k8s.io'
/** k8s: apiextensions/v1 CustomResourceCleanupFinalizer */
const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io'
/** How often it is looked whether the instances of a definition are gone, and how often at most before starting over. */
const CLEANUP_POLL_MS = 5_000
const CLEANUP_POLLS = 12
/** Whose status is written by this part, whatever is in it. */
const SERVER_USER: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }

export interface CustomResourcesParts {
  clock: Clock
  log: Log
  random: Random
  reader: Reader
  /** With the server's own rights. */
  api: Api
  catalog: ResourceCatalog
  registry: Registry
  dialer: ClusterDialer
}

/** What is served for one definition. */
interface Installed {
  definition: Definition
  kinds: Kind[]
}

/**
 * Serves the kinds of CustomResourceDefinitions, and does what their status asks for: names, establishing, cleaning up.
 * k8s: apiextensions-apiserver/pkg/apiserver/apiserver.go
 */
export class CustomResources {
  readonly #parts: CustomResourcesParts
  readonly #queue: WorkQueue
  readonly #installed = new Map<string, Installed>()
  readonly #stopListening: () => void

  constructor(parts: CustomResourcesParts) {
    this.#parts = parts
    this.#queue = new WorkQueue({ clock: parts.clock, process: (name) => this.#process(name) })
    for (const definition of parts.reader.list<Definition>(DEFINITIONS)) this.#serve(definition)
    this.#stopListening = parts.reader.onChange(DEFINITIONS, ({ object, old }) => {
      const name = (object ?? old)!.metadata.name!
      if (object) this.#serve(object as Definition)
      else this.#withdraw(name)
      this.#queue.add(name)
    })
  }

  /** Takes up what an earlier run left unfinished. */
  start(): void {
    for (const definition of this.#parts.reader.list(DEFINITIONS)) this.#queue.add(definition.metadata.name!)
  }

  stop(): void {
    this.#stopListening()
    this.#queue.stop()
  }

  /** Brings what is served in step with a definition: at once, so that whoever sees it established finds it served. */
  #serve(definition: Definition): void {
    const name = definition.metadata.name!
    const known = this.#installed.get(name)
    if (!isTrue(definition, 'Established') || !definition.status.acceptedNames?.plural) {
      if (known) this.#withdraw(name)
      return
    }
    if (known && known.definition.metadata.uid === definition.metadata.uid && isSameForServing(known.definition, definition)) return
    const kinds = this.#kindsOf(definition).filter((kind) => {
      // Where the server has a kind of its own it never asks for a custom one.
      const there = this.#parts.catalog.find(kind.group, kind.version, kind.resource)
      return !there || there.kind.custom
    })
    for (const kind of known?.kinds ?? []) if (!kinds.some((next) => next.version === kind.version && next.resource === kind.resource)) this.#remove(kind)
    for (const version of definition.spec.versions) {
      // Fields may be owned in versions that aren't served any more.
      const name = schemaName(definition.spec.group, version.name, definition.status.acceptedNames.kind)
      const schema = version.schema?.openAPIV3Schema
      if (schema && !definition.spec.preserveUnknownFields) addMergeSchema(name, schema as Schema)
      else removeMergeSchema(name)
      const kind = kinds.find((candidate) => candidate.version === version.name)
      if (kind) this.#parts.catalog.install(kind)
    }
    this.#installed.set(name, { definition, kinds })
  }

  #withdraw(name: string): void {
    for (const kind of this.#installed.get(name)?.kinds ?? []) this.#remove(kind)
    this.#installed.delete(name)
  }

  #remove(kind: Kind): void {
    this.#parts.catalog.remove(kind)
    removeMergeSchema(kind.schema)
  }

  #kindsOf(definition: Definition): Kind[] {
    const { conversion } = definition.spec
    const { clock, reader, dialer, random } = this.#parts
    const config = conversion?.strategy === 'Webhook' ? conversion.webhook?.clientConfig : undefined
    return customResourceKinds(definition, config && conversionWebhook(config, conversion!.webhook!.conversionReviewVersions, { clock, reader, dialer, random }))
  }

  async #process(name: string): Promise<void> {
    try {
      await this.#sync(name)
      this.#queue.forget(name)
    } catch (error) {
      if (isStatusError(error, 'NotFound', 'Conflict')) return
      this.#parts.log.warn('CustomResourceDefinition', { name, error: error instanceof Error ? error.message : String(error) })
      this.#queue.addRateLimited(name)
    }
  }

  async #sync(name: string): Promise<void> {
    const { reader } = this.#parts
    const definition = reader.get<Definition>(DEFINITIONS, undefined, name)
    if (!definition) {
      // It has freed its names.
      const group = name.slice(name.indexOf('.') + 1)
      for (const other of this.#ofGroup(group)) this.#queue.add(other.metadata.name!)
      return
    }
    if (definition.metadata.deletionTimestamp && definition.metadata.finalizers?.includes(CLEANUP_FINALIZER)) return this.#cleanUp(definition)
    const next = this.#nextStatus(definition)
    if (next) await this.#write(definition, next)
  }

  #ofGroup(group: string): Definition[] {
    return this.#parts.reader.list<Definition>(DEFINITIONS).filter((definition) => definition.spec.group === group)
  }

  /** One step of the status; each write leads to the next look. */
  #nextStatus(definition: Definition): Definition['status'] | undefined {
    const { status, spec } = definition
    const now = rfc3339(this.#parts.clock.nowMs())
    const set = (...conditions: NewCondition[]) => conditions.reduce<readonly Condition[] | undefined>((all, condition) => withCondition(all, condition, now), status.conditions)!
    if (!deepEqual(spec.names, status.acceptedNames)) {
      const others = this.#ofGroup(spec.group)
      const { names, conditions } = acceptNames(definition, others)
      const before = conditionOf(status.conditions, 'NamesAccepted')
      if (!deepEqual(names, status.acceptedNames) || !isSame(before, conditions[0])) {
        for (const other of others) if (other !== definition) this.#queue.add(other.metadata.name!)
        return { ...status, acceptedNames: names, conditions: set(...conditions) }
      }
    }
    if (isTrue(definition, 'NamesAccepted') && !isTrue(definition, 'Established')) {
      const established = establishedCondition(definition)
      if (established.status === 'True' || !isSame(conditionOf(status.conditions, 'Established'), established)) return { ...status, conditions: set(established) }
    }
    const approval = approvalCondition(definition)
    if (approval && !isSame(conditionOf(status.conditions, approval.type), approval)) return { ...status, conditions: set(approval) }
    const nonStructural = nonStructuralCondition(definition)
    const before = conditionOf(status.conditions, 'NonStructuralSchema')
    if (nonStructural && !isSame(before, nonStructural)) return { ...status, conditions: set(nonStructural) }
    if (!nonStructural && before) return { ...status, conditions: status.conditions!.filter((condition) => condition !== before) }
    return undefined
  }

  #write(definition: Definition, status: Definition['status'], metadata = definition.metadata): Promise<Definition> {
    return this.#parts.api.updateStatus<Definition>(DEFINITIONS, { ...definition, metadata, status }, { fieldManager: 'kube-apiserver' })
  }

  /** Deletes the instances, then lets the definition go. k8s: controller/finalizer crd_finalizer.go */
  async #cleanUp(given: Definition): Promise<void> {
    const { clock } = this.#parts
    const terminating = (definition: Definition, status: 'True' | 'False', reason: string, message: string): Definition['status'] =>
      ({ ...definition.status, conditions: withCondition(definition.status.conditions, { type: 'Terminating', status, reason, message }, rfc3339(clock.nowMs())) })
    let definition = await this.#write(given, terminating(given, 'True', 'InstanceDeletionInProgress', 'CustomResource deletion is in progress'))
    let end = terminating(definition, 'False', 'NeverEstablished', 'resource was never established')
    if (isTrue(definition, 'Established')) {
      const problem = await this.#deleteInstances(definition).catch((error: unknown) => ({ reason: 'InstanceDeletionFailed', message: `could not issue all deletes: ${error instanceof Error ? error.message : String(error)}` }))
      // Whoever deletes instances in turn may have touched the definition meanwhile.
      definition = this.#parts.reader.get<Definition>(DEFINITIONS, undefined, definition.metadata.name!) ?? definition
      if (problem) {
        await this.#write(definition, terminating(definition, 'True', problem.reason, problem.message))
        throw new Error(problem.message)
      }
      end = terminating(definition, 'False', 'InstanceDeletionCompleted', 'removed all instances')
    }
    const finalizers = definition.metadata.finalizers!.filter((finalizer) => finalizer !== CLEANUP_FINALIZER)
    const { finalizers: _, ...metadata } = definition.metadata
    await this.#write(definition, end, finalizers.length > 0 ? { ...metadata, finalizers } : metadata)
  }

  /** What kept instances from going; undefined when all are gone. */
  async #deleteInstances(definition: Definition): Promise<{ reason: string; message: string } | undefined> {
    const { catalog, registry, clock } = this.#parts
    const { group } = definition.spec
    const { plural } = definition.status.acceptedNames
    const endpoint = [...catalog.endpoints()].find(({ kind }) => kind.custom && kind.group === group && kind.resource === plural)
    if (!endpoint) return undefined
    const ignore = () => {}
    for (const object of endpoint.store.list()) {
      await clock.breathe()
      const place = { namespace: endpoint.kind.namespaced ? object.metadata.namespace ?? '' : '', name: object.metadata.name! }
      try {
        await registry.deleteAdmitted(endpoint, { user: SERVER_USER, warn: ignore, annotate: ignore, ...place, subresource: '', dryRun: false, options: {} })
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) throw error
      }
    }
    for (let poll = 0; endpoint.store.list().length > 0; poll++) {
      if (poll === CLEANUP_POLLS) return { reason: 'InstanceDeletionCheck', message: 'could not confirm zero CustomResources remaining: context deadline exceeded' }
      await clock.sleep(CLEANUP_POLL_MS)
    }
    return undefined
  }
}

function isSame(a: Condition | undefined, b: NewCondition): boolean {
  return a?.status === b.status && a.reason === b.reason && a.message === b.message
}

/** Nothing that requests depend on has changed. */
function isSameForServing(a: Definition, b: Definition): boolean {
  return (a.spec === b.spec || deepEqual(a.spec, b.spec)) && deepEqual(a.status.acceptedNames, b.status.acceptedNames) && isTrue(a, 'Terminating') === isTrue(b, 'Terminating')
}

