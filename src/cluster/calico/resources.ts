import type { Status } from '../kinds/status-error.ts'

/** Where Calico's resources are, below the server. */
export const CALICO_API = '/apis/crd.projectcalico.org/v1'
const API_VERSION = 'crd.projectcalico.org/v1'

/** One request for an object. Rejects with StatusError, or with UnixError where the server can't be reached. */
export type Call = <T>(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown) => Promise<T>

/** One of Calico's custom resources. */
export interface Resource<Spec> {
  apiVersion?: string
  kind?: string
  metadata: { name: string; namespace?: string; resourceVersion?: string; uid?: string; labels?: Record<string, string>; annotations?: Record<string, string> }
  spec: Spec
}

/** For which nodes a pool's packets are wrapped up. */
export type EncapsulationMode = 'Never' | 'Always' | 'CrossSubnet'

/** A range for pods' addresses. */
export interface IpPoolSpec {
  cidr: string
  blockSize?: number
  ipipMode?: EncapsulationMode
  vxlanMode?: EncapsulationMode
  natOutgoing?: boolean
  disabled?: boolean
  disableBGPExport?: boolean
  nodeSelector?: string
  namespaceSelector?: string
  allowedUses?: string[]
  assignmentMode?: 'Automatic' | 'Manual'
}
/** The object that a pool is kept in. */
export type IpPool = Resource<IpPoolSpec>

/** Which node a block belongs to. */
export interface BlockAffinitySpec {
  cidr: string
  /** A boolean, as text. */
  deleted: string
  node: string
  state: 'pending' | 'confirmed' | 'pendingDeletion'
  type?: string
}

/** Who has addresses of which blocks. */
export interface IpamHandleSpec {
  handleID: string
  /** How many addresses it has in each block. */
  block: Record<string, number>
  deleted?: boolean
}

/** The cluster's settings of address management. */
export interface IpamConfigSpec {
  strictAffinity: boolean
  autoAllocateBlocks: boolean
  maxBlocksPerHost?: number
}

/** What Calico says of the cluster. */
export interface ClusterInformationSpec {
  calicoVersion?: string
  clusterGUID?: string
  clusterType?: string
  datastoreReady?: boolean
}

const KINDS = {
  ippools: 'IPPool', ipamblocks: 'IPAMBlock', blockaffinities: 'BlockAffinity', ipamhandles: 'IPAMHandle', ipamconfigs: 'IPAMConfig', clusterinformations: 'ClusterInformation',
  felixconfigurations: 'FelixConfiguration', bgpconfigurations: 'BGPConfiguration', tiers: 'Tier', ipreservations: 'IPReservation', kubecontrollersconfigurations: 'KubeControllersConfiguration',
} as const
/** Resources without a namespace that programs of Calico write. */
export type ClusterResource = keyof typeof KINDS

/** Calico's resources behind an API server. */
export class Datastore {
  readonly call: Call
  constructor(call: Call) {
    this.call = call
  }

  async get<Spec>(resource: ClusterResource, name: string): Promise<Resource<Spec> | undefined> {
    try {
      return await this.call<Resource<Spec>>('GET', `${CALICO_API}/${resource}/${name}`)
    } catch (error) {
      if (isFailure(error, 'NotFound')) return undefined
      throw error
    }
  }

  async list<Spec>(resource: ClusterResource): Promise<Resource<Spec>[]> {
    return (await this.call<{ items: Resource<Spec>[] }>('GET', `${CALICO_API}/${resource}`)).items
  }

  create<Spec>(resource: ClusterResource, name: string, spec: Spec): Promise<Resource<Spec>> {
    return this.call('POST', `${CALICO_API}/${resource}`, { apiVersion: API_VERSION, kind: KINDS[resource], metadata: { name }, spec })
  }

  /** Rejects with Conflict where somebody else was faster. */
  update<Spec>(resource: ClusterResource, object: Resource<Spec>): Promise<Resource<Spec>> {
    return this.call('PUT', `${CALICO_API}/${resource}/${object.metadata.name}`, object)
  }

  /** Deletes exactly this revision of an object. Rejects with Conflict or NotFound where somebody else was faster. */
  async delete(resource: ClusterResource, { metadata: { name, uid, resourceVersion } }: Resource<unknown>): Promise<void> {
    await this.call('DELETE', `${CALICO_API}/${resource}/${name}`, { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } })
  }

  /** Creates what isn't there. @returns whether it was made now */
  async ensure(resource: ClusterResource, name: string, spec: unknown): Promise<boolean> {
    if (await this.get(resource, name)) return false
    try {
      await this.create(resource, name, spec)
      return true
    } catch (error) {
      if (isFailure(error, 'AlreadyExists')) return false
      throw error
    }
  }
}

/** Whether a request failed for one of these reasons of the API. */
export function isFailure(error: unknown, ...reasons: string[]): boolean {
  const { status } = error as { status?: Status }
  return status?.reason !== undefined && reasons.includes(status.reason)
}
