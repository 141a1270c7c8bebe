import type { Node } from '../kinds/generated/types.ts'

/** Machines of one kind that a cloud makes more or fewer of. k8s: cluster-autoscaler/cloudprovider NodeGroup */
export interface NodeGroup {
  readonly id: string
  readonly minSize: number
  readonly maxSize: number
  /** How many machines the cloud is to have, those on their way included. */
  readonly targetSize: number
}

/** What the autoscaler asks a cloud for. k8s: cluster-autoscaler/cloudprovider CloudProvider */
export interface CloudProvider {
  /** Reads what there is; before everything else in a loop. Rejects where the cloud can't be asked. */
  refresh(): Promise<void>
  /** As of the last {@link refresh}, in a fixed order. */
  nodeGroups(): readonly NodeGroup[]
  /** Undefined for nodes that nobody scales. */
  nodeGroupFor(node: Node): NodeGroup | undefined
  /** A node as the group's machines would be, for a group that has none. */
  template(group: NodeGroup): Node
  increaseSize(group: NodeGroup, delta: number): Promise<void>
  deleteNodes(group: NodeGroup, nodes: readonly Node[]): Promise<void>
}
