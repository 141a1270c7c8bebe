import { on, type FilterPlugin, type PreFilterPlugin } from '../framework.ts'
import { podInfoOf } from '../pod-info.ts'
import { PASS, SKIP, unschedulable } from '../status.ts'
import type { Pod } from '../../kinds/generated/types.ts'

/** Two pods can't have the same port of a node. k8s: plugins/nodeports */
export const nodePorts: PreFilterPlugin & FilterPlugin = {
  name: 'NodePorts',
  preFilter: ({ info }) => info.hostPorts.length === 0 ? SKIP : PASS,
  filter: ({ info }, node) => info.hostPorts.some((port) => node.isPortTaken(port)) ? unschedulable("node(s) didn't have free ports for the requested pod ports") : PASS,
  retryOn: [
    on('Pod', 'Delete', (_, { object }) => Boolean((object as Pod).spec.nodeName) && podInfoOf(object as Pod).hostPorts.length > 0),
    on('Node', 'Add'),
  ],
}
