import { on, type PreEnqueuePlugin } from '../framework.ts'
import { PASS, unresolvable } from '../status.ts'

/** Keeps pods with gates out of the queue. k8s: plugins/schedulinggates */
export const schedulingGates: PreEnqueuePlugin = {
  name: 'SchedulingGates',
  preEnqueue(pod) {
    const gates = pod.spec.schedulingGates
    return gates?.length ? unresolvable(`waiting for scheduling gates: [${gates.map((gate) => gate.name).join(' ')}]`) : PASS
  },
  retryOn: [on('Pod', 'UpdatePodSchedulingGatesEliminated', (pod, { object }) => object.metadata.uid === pod.metadata.uid)],
}
