import { rfc3339 } from '../../../base/clock.ts'
import type { Clock } from '../../../base/clock.ts'
import { deepEqual } from '../../../base/freeze.ts'
import { httpRequest } from '../../../base/http.ts'
import type { Log } from '../../../base/log.ts'
import type { Api } from '../../client/api.ts'
import { WorkQueue } from '../../client/work-queue.ts'
import type { APIService, APIServiceCondition, EndpointSlice, Service } from '../../kinds/generated/types.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import type { Reader } from '../seams.ts'
import { API_SERVICES, type ApiServiceTable, isRemote, type RemoteApiService } from './api-services.ts'
import type { ApiServiceProxy } from './api-service-proxy.ts'
import { serviceAddress } from './service-address.ts'

/** Remote servers are looked at again this often, whatever the API says. */
const RESYNC_MS = 30_000
const FIRST_BACKOFF_MS = 5
const MAX_BACKOFF_MS = 30_000
/** How long a server may take to show that it is there. */
const CHECK_TIMEOUT_MS = 5_000
const ATTEMPTS = 5

export interface AvailabilityOptions {
  clock: Clock
  log: Log
  reader: Reader
  /** With the server's own rights. */
  api: Api
  table: ApiServiceTable
  proxy: ApiServiceProxy
}

type Verdict = Pick<APIServiceCondition, 'status' | 'reason' | 'message'>

/** Keeps the condition `Available` of APIServices. k8s: kube-aggregator/pkg/controllers/status */
export class AvailabilityController {
  readonly #options: AvailabilityOptions
  readonly #queue: WorkQueue
  readonly #failures = new Map<string, number>()
  readonly #stops: (() => void)[] = []

  constructor(options: AvailabilityOptions) {
    this.#options = options
    this.#queue = new WorkQueue({ clock: options.clock, process: (name) => this.#sync(name) })
  }

  start(): void {
    const { reader, table } = this.#options
    for (const apiService of table.list()) this.#queue.add(apiService.metadata.name!)
    this.#stops.push(reader.onChange(API_SERVICES, ({ object, old }) => {
      // A status alone is what this controller itself wrote.
      if (!object || !old || !deepEqual(object['spec'], old['spec']) || !(object as unknown as APIService).status?.conditions) this.#queue.add((object ?? old)!.metadata.name!)
    }))
    const ofService = (namespace: string | undefined, name: string | undefined) => {
      for (const apiService of table.remotes()) if (apiService.spec.service.namespace === namespace && apiService.spec.service.name === name) this.#queue.add(apiService.metadata.name!)
    }
    this.#stops.push(reader.onChange('services', ({ object, old }) => ofService((object ?? old)!.metadata.namespace, (object ?? old)!.metadata.name)))
    this.#stops.push(reader.onChange('endpointslices.discovery.k8s.io', ({ object, old }) => {
      const { metadata } = (object ?? old)!
      ofService(metadata.namespace, metadata.labels?.['kubernetes.io/service-name'])
    }))
  }

  stop(): void {
    this.#queue.stop()
    for (const stop of this.#stops) stop()
  }

  async #sync(name: string): Promise<void> {
    const { reader, log } = this.#options
    const apiService = reader.get<APIService>(API_SERVICES, undefined, name)
    if (!apiService) {
      this.#failures.delete(name)
      return
    }
    try {
      const verdict = isRemote(apiService) ? await this.#look(apiService) : { status: 'True', reason: 'Local', message: 'Local APIServices are always available' }
      await this.#write(apiService, verdict)
      if (!isRemote(apiService)) return
      if (verdict.reason !== 'FailedDiscoveryCheck') {
        this.#failures.delete(name)
        this.#queue.addAfter(name, RESYNC_MS)
        return
      }
      this.#retry(name)
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return
      if (!isStatusError(error, 'Conflict')) log.warn('failed to set the availability of an APIService', { name, error: String(error) })
      this.#retry(name)
    }
  }

  #retry(name: string): void {
    const failures = this.#failures.get(name) ?? 0
    this.#failures.set(name, failures + 1)
    this.#queue.addAfter(name, Math.min(FIRST_BACKOFF_MS * 2 ** failures, MAX_BACKOFF_MS))
  }

  async #write(apiService: APIService, verdict: Verdict): Promise<void> {
    const { api, clock, log } = this.#options
    const old = apiService.status?.conditions?.find((condition) => condition.type === 'Available')
    if (old && old.status === verdict.status && old.reason === verdict.reason && old.message === verdict.message) return
    const condition: APIServiceCondition = { type: 'Available', ...verdict, lastTransitionTime: old && old.status === verdict.status ? old.lastTransitionTime : rfc3339(clock.nowMs()) } as APIServiceCondition
    const others = apiService.status?.conditions?.filter((other) => other.type !== 'Available') ?? []
    log.info('changing APIService availability', { name: apiService.metadata.name, oldStatus: old?.status ?? 'Unknown', newStatus: verdict.status, message: verdict.message, reason: verdict.reason })
    await api.updateStatus(API_SERVICES, { ...apiService, status: { ...apiService.status, conditions: [...others, condition] } } as unknown as KubeObject, { fieldManager: 'kube-apiserver' })
  }

  /** k8s: remote_available_controller.go sync */
  async #look(apiService: RemoteApiService): Promise<Verdict> {
    const { reader } = this.#options
    const { namespace, name, port = 443 } = apiService.spec.service
    const no = (reason: string, message: string): Verdict => ({ status: 'False', reason, message })
    const of = `service/${name} in ${JSON.stringify(namespace)}`
    const service = reader.get<Service>('services', namespace, name)
    if (!service) return no('ServiceNotFound', `${of} is not present`)
    if ((service.spec?.type ?? 'ClusterIP') === 'ClusterIP') {
      const found = service.spec?.ports?.find((candidate) => candidate.port === port)
      if (!found) return no('ServicePortError', `${of} is not listening on port ${port}`)
      const slices = reader.list<EndpointSlice>('endpointslices.discovery.k8s.io', namespace).filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === name)
      if (slices.length === 0) return no('EndpointsNotFound', `cannot find endpointslices for ${of}`)
      const portName = found.name ?? ''
      if (!slices.some((slice) => slice.endpoints?.some((endpoint) => endpoint.conditions?.ready !== false) && slice.ports?.some((candidate) => (candidate.name ?? '') === portName && candidate.port !== undefined)))
        return no('MissingEndpoints', `endpointslices for ${of} have no addresses with port name ${JSON.stringify(portName)}`)
    }
    const problem = await this.#discoveryProblem(apiService, namespace, name, port)
    if (problem !== undefined) return no('FailedDiscoveryCheck', problem)
    return { status: 'True', reason: 'Passed', message: 'all checks passed' }
  }

  /** Undefined once the server showed its discovery document. Five are asked for at a time, as several servers may stand behind the Service. */
  async #discoveryProblem(apiService: RemoteApiService, namespace: string, name: string, port: number): Promise<string | undefined> {
    const { clock, proxy, reader } = this.#options
    const { group, version } = apiService.spec
    const path = group ? `/apis/${group}/${version}` : `/api/${version}`
    const ask = async (): Promise<string | undefined> => {
      let address: { host: string; port: number }
      try {
        address = serviceAddress(reader, namespace, name, port)
      } catch (error) {
        return (error as Error).message
      }
      const url = `https://${address.host}:${address.port}${path}`
      const failing = (why: string) => `failing or missing response from ${url}: ${why}`
      const deadline = new AbortController()
      const timer = clock.after(CHECK_TIMEOUT_MS, () => deadline.abort(new Error('context deadline exceeded')))
      try {
        const request = httpRequest(`https://localhost${path}`, { headers: { 'user-agent': 'Go-http-client/1.1' } })
        const late = new Promise<never>((_, reject) => deadline.signal.addEventListener('abort', () => reject(new Error(`Get ${JSON.stringify(url)}: context deadline exceeded`)), { once: true }))
        const response = await Promise.race([
          proxy.send(apiService, address, { request, path, query: new URLSearchParams(), user: { name: 'system:kube-aggregator', groups: ['system:masters'] } }, deadline.signal)
            .catch((error: Error) => { throw new Error(`Get ${JSON.stringify(url)}: ${error.message}`) }),
          late,
        ])
        await response.body?.cancel()
        return response.status < 200 || response.status >= 300 ? failing(`bad status from ${url}: ${response.status}`) : undefined
      } catch (error) {
        return failing((error as Error).message)
      } finally {
        timer.cancel()
      }
    }
    const answers = Array.from({ length: ATTEMPTS }, async () => {
      const problem = await ask()
      if (problem !== undefined) throw problem
    })
    // The first server that answers well will do.
    return Promise.any(answers).then(() => undefined, (failed: AggregateError) => failed.errors.at(-1) as string)
  }
}
