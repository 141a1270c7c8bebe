import type { Clock } from '../../../base/clock.ts'
import type { JsonClient } from '../../client/json-client.ts'

/** A resource that the API serves for a kind. */
export interface Mapping {
  group: string
  /** The version that the group prefers. */
  version: string
  /** The plural, as in paths. */
  resource: string
}

/** How long what was discovered is believed. k8s: cmd/kube-controller-manager/app/controllermanager.go CreateControllerContext */
const DISCOVERY_MS = 30_000

interface ApiResource {
  name: string
  kind: string
}

/** Finds resources by discovery, for objects that name only a kind. k8s: client-go/restmapper */
export class RestMapper {
  readonly #client: JsonClient
  readonly #clock: Clock
  #readMs = -Infinity
  #groups = new Map<string, Promise<ReadonlyMap<string, readonly ApiResource[]>>>()

  constructor(client: JsonClient, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  /** The resources of a kind, one for each version that has it; the preferred one first. @throws Error when there is none. */
  async mappingsOf(group: string, kind: string): Promise<Mapping[]> {
    const mappings: Mapping[] = []
    for (const [version, resources] of await this.#group(group)) {
      const found = resources.find((resource) => resource.kind === kind || resource.kind.toLowerCase() === kind)
      if (found) mappings.push({ group, version, resource: found.name })
      // Lists have resources in name only.
      else if (kind === 'List' || resources.some((resource) => `${resource.kind}List` === kind)) mappings.push({ group, version, resource: `${kind.toLowerCase()}s` })
    }
    if (mappings.length === 0) throw new Error(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`)
    return mappings
  }

  /** The resources of a group by version, the preferred version first. */
  #group(group: string): Promise<ReadonlyMap<string, readonly ApiResource[]>> {
    const nowMs = this.#clock.nowMs()
    if (nowMs - this.#readMs >= DISCOVERY_MS) {
      this.#groups = new Map()
      this.#readMs = nowMs
    }
    let known = this.#groups.get(group)
    if (!known) this.#groups.set(group, known = this.#discover(group).catch(() => new Map()))
    return known
  }

  async #discover(group: string): Promise<ReadonlyMap<string, readonly ApiResource[]>> {
    const root = group === '' ? '/api' : `/apis/${group}`
    const { preferredVersion, versions } = group === '' ? { preferredVersion: { version: 'v1' }, versions: [{ version: 'v1' }] } : await this.#client.get(root)
    const ordered = new Set<string>([preferredVersion.version, ...versions.map(({ version }: { version: string }) => version)])
    const found = new Map<string, readonly ApiResource[]>()
    for (const version of ordered) {
      // A version whose server is away is left out.
      const list = await this.#client.get(`${root}/${version}`).catch(() => undefined)
      if (list) found.set(version, (list.resources ?? []).filter(({ name }: ApiResource) => !name.includes('/')))
    }
    return found
  }
}
