import type { Cluster, ClusterOptions } from '../../cluster/cluster.ts'
import type { Topology } from '../../cluster/topology.ts'

/** A port of the learner's machine that leads to one of a node. */
export interface NodePortForward {
  /** Empty: all addresses of the machine. */
  hostIp: string
  hostPort: number
  node: string
  containerPort: number
  protocol: 'tcp' | 'udp'
}

/** Whose program made a cluster. */
export type Provider = 'kind' | 'minikube' | 'gke' | 'aks' | 'eks' | 'libvirt'

/** What is written down of a further cluster, whether it runs or not. */
export interface FleetRecord {
  /** `PROVIDER/NAME`. */
  id: string
  provider: Provider
  name: string
  /** No two clusters of a provider have the same; addresses are made of it. */
  number: number
  /** The port of the learner's machine at which its API server answers; 0: only the nodes' addresses lead there. */
  apiPort: number
  createdMs: number
  /** When each node was switched on or off last, in cluster time. */
  since: Readonly<Record<string, number>>
  running: boolean
  topology: Topology
  ports: readonly NodePortForward[]
  /** What its program wants to know again. */
  details: Readonly<Record<string, unknown>>
}

/** A further cluster's place on disk. */
export interface ClusterDisk {
  /** What of {@link ClusterOptions} keeps the cluster here, and brings back what was kept. */
  readonly options: Pick<ClusterOptions, 'restore' | 'onTopology' | 'onNodeFiles' | 'durable'>
  /** Starts the cluster and keeps it from then on. Resolves once it is on disk. */
  run(cluster: Cluster): Promise<void>
  /** Writes what is pending. */
  flush(): Promise<void>
  /** Writes everything; nothing more is kept afterwards. To be called before the cluster stops. */
  close(cluster: Cluster): Promise<void>
  /** Lets go of it as it is: a cluster that couldn't begin has nothing to keep. */
  abandon(): Promise<void>
}

/** Where further clusters are kept. */
export interface FleetStorage {
  records(): Promise<readonly FleetRecord[]>
  /** Resolves once they are on disk. */
  write(records: readonly FleetRecord[]): Promise<void>
  /** @param topology what it gets when it has power again: a change of what is kept before it is read */
  open(id: string, change?: { topology: Topology }): Promise<ClusterDisk>
  /** Frees the space that a cluster took. */
  erase(id: string): Promise<void>
}
