import type { APIService } from '../../kinds/generated/types.ts'
import type { Reader } from '../seams.ts'

export const API_SERVICES = 'apiservices.apiregistration.k8s.io'

/** Priorities of a group version that no APIService speaks of (yet): those of custom resources. k8s: crdregistration_controller.go */
export const DEFAULT_PRIORITIES = { groupPriorityMinimum: 1000, versionPriority: 100 } as const

/** An APIService that names a Service: its group version is answered by another server. */
export type RemoteApiService = APIService & { spec: { service: { namespace: string; name: string; port?: number } } }

/** Whether requests for an APIService leave this server. */
export function isRemote(apiService: APIService): apiService is RemoteApiService {
  return apiService.spec?.service !== undefined
}

export function isAvailable({ status }: APIService): boolean {
  return status?.conditions?.some((condition) => condition.type === 'Available' && condition.status === 'True') ?? false
}

/** `example.com/v1` of an APIService; just `v1` for the core group. */
export function groupVersionOf({ spec }: APIService): string {
  return spec!.group ? `${spec!.group}/${spec!.version}` : spec!.version!
}

/** The APIServices as they are stored right now, by what requests name. */
export class ApiServiceTable {
  readonly #reader: Reader
  /** Remote ones by group version; most clusters have none. */
  readonly #remote = new Map<string, RemoteApiService>()
  readonly #stopListening: () => void
  /** Counts changes, for whoever remembers what it computed. */
  generation = 0

  constructor(reader: Reader) {
    this.#reader = reader
    for (const apiService of reader.list<APIService>(API_SERVICES)) this.#put(apiService)
    this.#stopListening = reader.onChange(API_SERVICES, ({ object, old }) => {
      this.generation++
      if (old) this.#remote.delete(groupVersionOf(old as unknown as APIService))
      if (object) this.#put(object as unknown as APIService)
    })
  }

  #put(apiService: APIService): void {
    if (isRemote(apiService)) this.#remote.set(groupVersionOf(apiService), apiService)
  }

  list(): readonly APIService[] {
    return this.#reader.list<APIService>(API_SERVICES)
  }

  remotes(): Iterable<RemoteApiService> {
    return this.#remote.values()
  }

  /** The APIService whose server answers a path, or undefined when this one does. */
  remoteFor(path: string): RemoteApiService | undefined {
    if (this.#remote.size === 0) return undefined
    const parts = path.split('/').filter(Boolean)
    if (parts[0] === 'apis' && parts.length >= 3) return this.#remote.get(`${parts[1]}/${parts[2]}`)
    return parts[0] === 'api' && parts.length >= 2 ? this.#remote.get(parts[1]!) : undefined
  }

  stop(): void {
    this.#stopListening()
  }
}
