import type { Clock } from '../../../base/clock.ts'
import type { Log } from '../../../base/log.ts'
import type { Api } from '../../client/api.ts'
import { WorkQueue } from '../../client/work-queue.ts'
import type { APIService, CustomResourceDefinition } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import type { Reader } from '../seams.ts'
import { API_SERVICES, DEFAULT_PRIORITIES } from './api-services.ts'

const DEFINITIONS = 'customresourcedefinitions.apiextensions.k8s.io'
/** k8s: kube-aggregator/pkg/controllers/autoregister AutoRegisterManagedLabel */
const MANAGED = 'kube-aggregator.kubernetes.io/automanaged'

export interface CrdRegistrationOptions {
  clock: Clock
  log: Log
  reader: Reader
  /** With the server's own rights. */
  api: Api
}

/**
 * Gives each served version of custom resources its APIService, and takes it away again.
 * k8s: pkg/controlplane/controller/crdregistration, kube-aggregator/pkg/controllers/autoregister
 */
export class CrdRegistration {
  readonly #options: CrdRegistrationOptions
  /** Keys are names of APIServices: `v1.example.com`. */
  readonly #queue: WorkQueue
  readonly #stops: (() => void)[] = []

  constructor(options: CrdRegistrationOptions) {
    this.#options = options
    this.#queue = new WorkQueue({ clock: options.clock, process: (name) => this.#sync(name) })
  }

  start(): void {
    const { reader } = this.#options
    const add = (definition: CustomResourceDefinition) => {
      for (const { name } of definition.spec?.versions ?? []) this.#queue.add(`${name}.${definition.spec.group}`)
    }
    for (const definition of reader.list<CustomResourceDefinition>(DEFINITIONS)) add(definition)
    this.#stops.push(reader.onChange(DEFINITIONS, ({ object, old }) => {
      if (object) add(object as unknown as CustomResourceDefinition)
      if (old) add(old as unknown as CustomResourceDefinition)
    }))
    const consider = (apiService: APIService) => {
      if (apiService.metadata.labels?.[MANAGED] === 'true') this.#queue.add(apiService.metadata.name!)
    }
    for (const apiService of reader.list<APIService>(API_SERVICES)) consider(apiService)
    this.#stops.push(reader.onChange(API_SERVICES, ({ object, old }) => consider((object ?? old) as unknown as APIService)))
  }

  stop(): void {
    this.#queue.stop()
    for (const stop of this.#stops) stop()
  }

  /** k8s: autoregister_controller.go checkAPIService, for what is kept in step all the time. */
  async #sync(name: string): Promise<void> {
    const { reader, api, log } = this.#options
    const dot = name.indexOf('.')
    const [version, group] = [name.slice(0, dot), name.slice(dot + 1)]
    const wanted = reader.list<CustomResourceDefinition>(DEFINITIONS).some(({ spec }) => spec.group === group && spec.versions.some((candidate) => candidate.name === version && candidate.served))
    const current = reader.get<APIService>(API_SERVICES, undefined, name)
    const spec = { group, version, ...DEFAULT_PRIORITIES }
    try {
      if (!current) {
        if (wanted) await api.create(API_SERVICES, { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name, labels: { [MANAGED]: 'true' } }, spec }, { fieldManager: 'kube-apiserver' })
      } else if (current.metadata.labels?.[MANAGED] === 'true') {
        if (!wanted) await api.delete(API_SERVICES, name, undefined, { preconditions: { uid: current.metadata.uid! } })
        else if (!isSameSpec(current.spec, spec)) await api.update(API_SERVICES, { ...current, spec }, { fieldManager: 'kube-apiserver' })
      }
      this.#queue.forget(name)
    } catch (error) {
      // Made, changed or gone meanwhile: its event brings it here again.
      if (isStatusError(error, 'AlreadyExists', 'NotFound', 'Conflict')) return
      log.warn('failed to register the APIService of custom resources', { name, error: String(error) })
      this.#queue.addRateLimited(name)
    }
  }
}

function isSameSpec(current: APIService['spec'], wanted: { group: string; version: string; groupPriorityMinimum: number; versionPriority: number }): boolean {
  return current.group === wanted.group && current.version === wanted.version && current.groupPriorityMinimum === wanted.groupPriorityMinimum
    && current.versionPriority === wanted.versionPriority && current.service === undefined && !current.caBundle && !current.insecureSkipTLSVerify
}
