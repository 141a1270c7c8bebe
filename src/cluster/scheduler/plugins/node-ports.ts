import { on, type FilterPlugin, type PreFilterPlugin } from '../framework.ts'
import { holdsRoom, podInfoOf, portsConflict } from '../pod-info.ts'
import { PASS, SKIP, unschedulable } from '../status.ts'
import type { Pod } from '../../kinds/generated/types.ts'

/** Two pods can't have the same port of a node. k8s: plugins/nodeports */
export const nodePorts: PreFilterPlugin & FilterPlugin = {
  name: 'NodePorts',
  preFilter: ({ info }) => info.hostPorts.length === 0 ? SKIP : PASS,
  filter: ({ info }, node) => info.hostPorts.some((port) => node.isPortTaken(port)) ? unschedulable("node(s) didn't have free ports for the requested pod ports") : PASS,
  retryOn: [
    on('Pod', 'Delete', (pod, { object }) => {
      if (!holdsRoom(object as Pod)) return false
      const wanted = podInfoOf(pod).hostPorts
      return podInfoOf(object as Pod).hostPorts.some((held) => wanted.some((port) => portsConflict(held, port)))
    }),
    on('Node', 'Add'),
  ],
}
