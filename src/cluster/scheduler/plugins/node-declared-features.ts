import { deepEqual } from '../../../base/freeze.ts'
import { allContainersCouldRestart } from '../../kinds/core/restart-rules.ts'
import type { Node, Pod } from '../../kinds/generated/types.ts'
import { on, type Cycle, type FilterPlugin, type PreFilterPlugin } from '../framework.ts'
import { PASS, SKIP, unresolvable } from '../status.ts'

const NAME = 'NodeDeclaredFeatures'

/** Features that a node has to declare for the pod; undefined: none. k8s: component-helpers/nodedeclaredfeatures InferForPodScheduling */
function requiredFeatures({ spec }: Pod): readonly string[] | undefined {
  const restart = allContainersCouldRestart(spec)
  const users = Boolean(spec.hostNetwork) && spec.hostUsers === false
  return restart || users ? [...(restart ? ['RestartAllContainersOnContainerExits'] : []), ...(users ? ['UserNamespacesHostNetworkSupport'] : [])] : undefined
}

const requiredOf = ({ state }: Cycle) => state.get(NAME) as readonly string[] | undefined

/** Nodes must say that they have what a pod needs of newer features; what needs them can't be changed in a pod. k8s: plugins/nodedeclaredfeatures */
export const nodeDeclaredFeatures: PreFilterPlugin & FilterPlugin = {
  name: NAME,
  preFilter(cycle) {
    const required = requiredFeatures(cycle.pod)
    if (!required) return SKIP
    cycle.state.set(NAME, required)
    return PASS
  },
  filter(cycle, { node }) {
    const declared = node.status?.declaredFeatures ?? []
    return requiredOf(cycle)!.every((feature) => declared.includes(feature)) ? PASS : unresolvable("node(s) didn't match Pod's required features")
  },
  retryOn: [
    on('Node', ['Add', 'UpdateNodeDeclaredFeature'], (_, { object, old }) => !old || !deepEqual((old as Node).status?.declaredFeatures, (object as Node).status?.declaredFeatures)),
  ],
}
