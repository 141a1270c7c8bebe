import type { Clock } from '../../../base/clock.ts'
import type { Log } from '../../../base/log.ts'
import type { Api } from '../../client/api.ts'
import type { Kind } from '../../kinds/kind.ts'
import type { DiscoverySource } from '../discovery/discovery.ts'
import type { ClusterDialer, Reader } from '../seams.ts'
import { ApiServiceProxy, type ProxiedRequest } from './api-service-proxy.ts'
import { ApiServiceTable, type RemoteApiService } from './api-services.ts'
import { AvailabilityController } from './availability-controller.ts'
import { CrdRegistration } from './crd-registration.ts'
import { RemoteDiscovery } from './remote-discovery.ts'
import { RemoteOpenApi } from './remote-open-api.ts'

export interface AggregatorOptions {
  clock: Clock
  log: Log
  reader: Reader
  api: Api
  dialer: ClusterDialer
  /** By which extension servers know this one. */
  proxyClientCertificatePem: string | undefined
}

// @k8s part: Aggregation: controllers inside the process (garbage collection, namespaces, quota) don't reach resources of extension servers

/** Puts this server and those behind APIServices under one roof. k8s: kube-aggregator/pkg/apiserver */
export class Aggregator {
  readonly table: ApiServiceTable
  readonly proxy: ApiServiceProxy
  readonly discovery: RemoteDiscovery
  readonly openApi: RemoteOpenApi
  readonly #controllers: { start(): void; stop(): void }[]

  constructor({ clock, log, reader, api, dialer, proxyClientCertificatePem }: AggregatorOptions) {
    this.table = new ApiServiceTable(reader)
    this.proxy = new ApiServiceProxy({ clock, reader, dialer, clientCertificatePem: proxyClientCertificatePem })
    this.discovery = new RemoteDiscovery({ clock, reader, table: this.table, proxy: this.proxy })
    this.openApi = new RemoteOpenApi({ clock, table: this.table, proxy: this.proxy })
    this.#controllers = [
      new CrdRegistration({ clock, log, reader, api }), new AvailabilityController({ clock, log, reader, api, table: this.table, proxy: this.proxy }), this.discovery,
    ]
  }

  /** Starts what keeps APIServices and discovery in step; requests are passed on without it, too. */
  start(): void {
    for (const controller of this.#controllers) controller.start()
  }

  stop(): void {
    for (const controller of this.#controllers) controller.stop()
    this.table.stop()
  }

  /** The APIService whose server answers a path; undefined for this server's own. */
  remoteFor(path: string): RemoteApiService | undefined {
    return this.table.remoteFor(path)
  }

  serve(apiService: RemoteApiService, request: ProxiedRequest): Promise<Response> {
    return this.proxy.serve(apiService, request)
  }

  /** What discovery is made of, with these kinds of this server. */
  discoverySource(kinds: readonly Kind[]): DiscoverySource {
    return { kinds, apiServices: this.table.list(), remote: (groupVersion) => this.discovery.get(groupVersion) }
  }
}
