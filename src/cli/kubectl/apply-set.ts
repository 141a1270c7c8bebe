import { sha256 } from '@noble/hashes/sha2.js'
import type { KubeObject } from '../../cluster/kinds/object.ts'
import { isStatusError } from '../../cluster/kinds/status-error.ts'
import { groupVersion, resourcePath } from './discovery.ts'
import type { ApiResource, RestMapper } from './discovery.ts'
import { aggregate, isNotFound, NoResourceMatch } from './errors.ts'
import { CLIENT_VERSION, encodeBase64 } from './factory.ts'
import type { Factory } from './factory.ts'
import { klogLine } from './klog.ts'
import type { DryRun } from './print.ts'
import type { Info } from './resources.ts'

const TOOLING = 'applyset.kubernetes.io/tooling'
const NAMESPACES = 'applyset.kubernetes.io/additional-namespaces'
const OLD_RESOURCES = 'applyset.kubernetes.io/contains-group-resources'
const KINDS = 'applyset.kubernetes.io/contains-group-kinds'
const ID = 'applyset.kubernetes.io/id'
const PART_OF = 'applyset.kubernetes.io/part-of'
const PARENT_TYPE = 'applyset.kubernetes.io/is-parent-type'
const FIELD_MANAGER = 'kubectl-applyset'

/** `Deployment.apps`, `ConfigMap`. */
const groupKind = ({ group, kind }: ApiResource) => group ? `${kind}.${group}` : kind
const isBuiltInParent = ({ group, version, resource }: ApiResource) => group === '' && version === 'v1' && (resource === 'secrets' || resource === 'configmaps')

/**
 * What has been applied together. A parent object remembers which kinds and namespaces its members have, so that those which
 * left the configuration can be found and removed.
 * k8s: kubectl/pkg/cmd/apply ApplySet
 */
export class ApplySet {
  readonly #f: Factory
  readonly #parent: ApiResource
  readonly #name: string
  readonly #namespace: string
  /** What the parent said before. */
  #before = { kinds: new Map<string, ApiResource>(), namespaces: new Set<string>() }
  /** What the configuration has now. */
  readonly #now = { kinds: new Map<string, ApiResource>(), namespaces: new Set<string>() }

  private constructor(f: Factory, parent: ApiResource, name: string, namespace: string) {
    this.#f = f
    this.#parent = parent
    this.#name = name
    this.#namespace = namespace
  }

  /** `NAME`, a Secret's, or `RESOURCE.GROUP/NAME`. @throws Error */
  static async of(f: Factory, reference: string): Promise<ApplySet> {
    const at = reference.indexOf('/')
    const [resource, name] = at < 0 ? ['secrets', reference] : [reference.slice(0, at), reference.slice(at + 1)]
    const bad = (why: string) => new Error(`invalid parent reference ${JSON.stringify(reference)}: ${why}`)
    if (!name) throw bad('name cannot be blank')
    const parent = await f.resolve((mapper) => mapper.resourceFor(resource))
    if (!parent) {
      const [plain, ...group] = resource.split('.')
      throw bad(new NoResourceMatch(plain!, group.join('.')).message)
    }
    const { namespace, explicit } = f.namespace()
    return new ApplySet(f, parent, name, explicit && parent.namespaced ? namespace : '')
  }

  /** The label's value that members carry. */
  get id(): string {
    const hash = sha256(new TextEncoder().encode([this.#name, this.#namespace, this.#parent.kind, this.#parent.group].join('.')))
    return `applyset-${encodeBase64(hash).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')}-v1`
  }

  get #shown(): string { return JSON.stringify(`${this.#parent.resource}.${this.#parent.group}/${this.#name}`) }
  get #path(): string { return resourcePath(this.#parent, this.#namespace, this.#name) }

  /** @throws Error */
  async validate(): Promise<void> {
    const errors: Error[] = []
    if (this.#parent.namespaced && !this.#namespace) errors.push(new Error('namespace is required to use namespace-scoped ApplySet'))
    if (!isBuiltInParent(this.#parent)) {
      const { group, version, resource } = this.#parent
      const crds = await this.#f.rest().list('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { labelSelector: PARENT_TYPE })
      if (!crds.items.some((crd) => crd.metadata.name === `${resource}.${group}`)) errors.push(new Error(`resource ${JSON.stringify(`${group}/${version}, Resource=${resource}`)} is not permitted as an ApplySet parent`))
    }
    const failure = aggregate(errors)
    if (failure) throw failure
  }

  /** Makes the object a member. @throws Error where the input says so itself */
  label(object: KubeObject): KubeObject {
    if (object.metadata.labels?.[PART_OF] !== undefined) throw new Error(`ApplySet label ${JSON.stringify(PART_OF)} already set in input data`)
    return { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, [PART_OF]: this.id } } }
  }

  /** Before anything is sent: the parent learns of all that was and all that will be, so that nothing is forgotten if we are stopped. */
  async beforeApply(infos: readonly Info[], dryRun: DryRun, validation: string): Promise<void> {
    await this.#fetchParent()
    for (const { mapping, namespace } of infos) {
      this.#now.kinds.set(groupKind(mapping), mapping)
      if (mapping.namespaced && namespace) this.#now.namespaces.add(namespace)
    }
    await this.#updateParent(new Set([...this.#before.kinds.keys(), ...this.#now.kinds.keys()]), new Set([...this.#before.namespaces, ...this.#now.namespaces]), dryRun, validation)
  }

  async #fetchParent(): Promise<void> {
    let parent: KubeObject
    try {
      parent = await this.#f.rest().json<KubeObject>('GET', this.#path)
    } catch (error) {
      if (!isNotFound(error)) throw new Error(`failed to fetch ApplySet parent object ${this.#shown}: ${(error as Error).message}`)
      if (!isBuiltInParent(this.#parent)) throw new Error('custom resource ApplySet parents cannot be created automatically')
      return
    }
    const { annotations = {}, labels = {} } = parent.metadata
    const tooling = annotations[TOOLING]
    if (tooling === undefined) throw new Error(`ApplySet parent object ${this.#shown} already exists and is missing required annotation ${JSON.stringify(TOOLING)}`)
    const tool = tooling.includes('/') ? tooling.slice(0, tooling.lastIndexOf('/')) : tooling
    if (tool !== 'kubectl') throw new Error(`ApplySet parent object ${this.#shown} already exists and is managed by tooling ${JSON.stringify(tool)} instead of "kubectl"`)
    if (labels[ID] === undefined) throw new Error(`ApplySet parent object ${this.#shown} exists and does not have required label ${ID}`)
    if (labels[ID] !== this.id) throw new Error(`ApplySet parent object ${this.#shown} exists and has incorrect value for label ${JSON.stringify(ID)} (got: ${labels[ID]}, want: ${this.id})`)
    const mapper = await this.#f.mapper()
    try {
      this.#before = { kinds: kindsOf(annotations, mapper), namespaces: new Set((annotations[NAMESPACES] ?? '').split(',').filter(Boolean)) }
    } catch (error) {
      throw new Error(`parsing ApplySet annotation on ${this.#shown}: ${(error as Error).message}`)
    }
    if (this.#parent.namespaced) this.#before.namespaces.add(this.#namespace)
  }

  async #updateParent(kinds: ReadonlySet<string>, namespaces: ReadonlySet<string>, dryRun: DryRun, validation: string): Promise<void> {
    if (dryRun === 'client') return
    const body = {
      kind: this.#parent.kind, apiVersion: groupVersion(this.#parent),
      metadata: {
        name: this.#name, ...(this.#namespace ? { namespace: this.#namespace } : {}), labels: { [ID]: this.id },
        annotations: { [NAMESPACES]: [...namespaces].filter((n) => n !== this.#namespace).sort().join(','), [KINDS]: [...kinds].sort().join(','), [TOOLING]: `kubectl/${CLIENT_VERSION}` },
      },
    }
    const send = (force: boolean) => this.#f.rest().json('PATCH', this.#path, {
      body, contentType: 'application/apply-patch+yaml', query: { fieldManager: FIELD_MANAGER, fieldValidation: validation, force, ...(dryRun === 'server' ? { dryRun: 'All' } : {}) },
    })
    try {
      await send(false).catch((error: Error) => {
        if (!isStatusError(error, 'Conflict')) throw error
        void this.#f.io.err(klogLine(this.#f.proc, 'W', 'applyset.go:434', `WARNING: failed to update ApplySet: ${error.message}\nApplySet field manager ${FIELD_MANAGER} should own these fields. Retrying with conflicts forced.`))
        return send(true)
      })
    } catch (error) {
      throw new Error(`failed to update ApplySet: ${(error as Error).message}`)
    }
  }

  /** Members that are not among the visited objects. */
  async *prunable(visited: ReadonlySet<string>): AsyncGenerator<{ mapping: ApiResource; object: KubeObject }> {
    for (const mapping of this.#before.kinds.values()) {
      for (const namespace of mapping.namespaced ? this.#before.namespaces : ['']) {
        const list = await this.#f.rest().list(resourcePath(mapping, namespace), { labelSelector: `${PART_OF}=${this.id}` })
        for (const item of list.items) if (!visited.has(item.metadata.uid ?? '')) yield { mapping, object: { ...item, apiVersion: groupVersion(mapping), kind: mapping.kind } }
      }
    }
  }

  /** Once what left is gone, the parent forgets it. */
  async afterPrune(dryRun: DryRun, validation: string): Promise<void> {
    try {
      await this.#updateParent(new Set(this.#now.kinds.keys()), this.#now.namespaces, dryRun, validation)
    } catch (error) {
      throw new Error(`apply and prune succeeded, but ApplySet update failed: ${(error as Error).message}`)
    }
  }
}

function kindsOf(annotations: Record<string, string>, mapper: RestMapper): Map<string, ApiResource> {
  const out = new Map<string, ApiResource>()
  const kinds = annotations[KINDS]
  if (kinds === undefined) {
    if (!annotations[OLD_RESOURCES]) throw new Error(`kubectl requires the ${JSON.stringify(KINDS)} annotation to be set on all ApplySet parent objects`)
    for (const text of annotations[OLD_RESOURCES].split(',')) {
      const mapping = mapper.resourceFor(text)
      if (!mapping) throw new Error(`invalid group resource in ${JSON.stringify(OLD_RESOURCES)} annotation: no matches for ${text}`)
      out.set(groupKind(mapping), mapping)
    }
    return out
  }
  for (const text of kinds.split(',').filter(Boolean)) {
    const [kind, ...group] = text.split('.')
    const mapping = mapper.forGroupKind(group.join('.'), kind!)
    if (!mapping) throw new Error(`could not find mapping for kind in ${JSON.stringify(KINDS)} annotation: no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group.join('.'))}`)
    out.set(text, mapping)
  }
  return out
}
