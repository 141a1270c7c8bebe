import { on, type FilterPlugin } from '../framework.ts'
import { PASS, unresolvable } from '../status.ts'

/** k8s: plugins/nodename */
export const nodeName: FilterPlugin = {
  name: 'NodeName',
  filter: ({ pod }, { node }) => !pod.spec.nodeName || pod.spec.nodeName === node.metadata.name ? PASS : unresolvable("node(s) didn't match the requested node name"),
  retryOn: [on('Node', 'Add')],
}
