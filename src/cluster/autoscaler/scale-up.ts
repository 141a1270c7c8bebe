import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { deepEqual } from '../../base/freeze.ts'
import { controllerOf } from '../client/owner-references.ts'
import { amountOf, podAmounts } from '../client/pod-resources.ts'
import type { Pod } from '../kinds/generated/types.ts'
import type { CloudProvider, NodeGroup } from './cloud-provider.ts'
import { bestOption } from './expander.ts'
import type { Option, Priorities } from './expander.ts'
import type { AutoscalingOptions } from './options.ts'
import type { Simulator } from './simulator.ts'
import { nodeFrom } from './templates.ts'
import type { NodeTemplate } from './templates.ts'

/** k8s: core/scaleup/orchestrator SkippedReasons */
const MAX_SIZE = 'max node group size reached'
const BACKOFF = 'in backoff after failed scale-up'

/** What is to be done for pods that have no place. `refused`: for each pod that no group helps, how many groups say what. */
export interface ScaleUpPlan {
  chosen: { group: NodeGroup; newSize: number; pods: readonly Pod[]; estimated: number } | undefined
  refused: readonly { pod: Pod; reasons: ReadonlyMap<string, number> }[]
}

export interface ScaleUpInput {
  pods: readonly Pod[]
  /** How many nodes the cluster may get at most. */
  room: number
  cloud: CloudProvider
  templates: ReadonlyMap<string, NodeTemplate>
  simulator: Simulator
  options: AutoscalingOptions
  priorities: Priorities
  isBackedOff(group: NodeGroup): boolean
  clock: Clock
  random: Random
}

/** Which group should grow, and by how much, so that pods find a place. k8s: core/scaleup/orchestrator ScaleUp */
export async function planScaleUp(input: ScaleUpInput): Promise<ScaleUpPlan> {
  const { pods, cloud, templates, simulator, options, clock } = input
  const refusals = new Map<Pod, Map<string, number>>(pods.map((pod) => [pod, new Map()]))
  const refuse = (pod: Pod, reasons: readonly string[]) => { for (const reason of reasons) refusals.get(pod)!.set(reason, (refusals.get(pod)!.get(reason) ?? 0) + 1) }
  const found: Option[] = []
  const helped = new Set<Pod>()
  for (const group of cloud.nodeGroups()) {
    const skipped = input.isBackedOff(group) ? BACKOFF : group.targetSize >= group.maxSize ? MAX_SIZE : undefined
    if (skipped !== undefined) {
      for (const pod of pods) refuse(pod, [skipped])
      continue
    }
    const template = templates.get(group.id)!
    const fitting: Pod[] = []
    const probe = nodeFrom(template, group, `template-node-for-${group.id}-0`)
    simulator.addNode(probe.node, probe.pods)
    let last: { pod: Pod; reasons: readonly string[] | undefined } | undefined
    for (const pod of pods) {
      // Pods of one controller that ask for the same get the same answer. k8s: core/scaleup/equivalence
      if (!last || !isAlike(last.pod, pod)) last = { pod, reasons: simulator.refusal(pod, probe.node.metadata.name!)?.reasons }
      if (last.reasons) refuse(pod, last.reasons)
      else fitting.push(pod)
      await clock.breathe()
    }
    remove(simulator, [probe])
    if (fitting.length === 0) continue
    for (const pod of fitting) helped.add(pod)
    const option = await estimate(input, group, template, fitting)
    if (option.nodeCount > 0) found.push(option)
  }
  const refused = pods.filter((pod) => !helped.has(pod)).map((pod) => ({ pod, reasons: refusals.get(pod)! }))
  const best = bestOption(found, { expanders: options.expander, templates, priorities: input.priorities, random: input.random })
  if (!best) return { chosen: undefined, refused }
  return { chosen: { group: best.group, newSize: best.group.targetSize + Math.min(best.nodeCount, input.room, best.group.maxSize - best.group.targetSize), pods: best.pods, estimated: best.nodeCount }, refused }
}

/** How many nodes of a group take how many of the pods: first fit, the most demanding pods first. k8s: estimator/binpacking_estimator */
async function estimate({ simulator, clock }: ScaleUpInput, group: NodeGroup, template: NodeTemplate, pods: readonly Pod[]): Promise<Option> {
  const score = demand(template)
  const added: NodeTemplate[] = []
  const placed: Pod[] = []
  const used = new Set<string>()
  const limit = group.maxSize - group.targetSize
  for (const pod of [...pods].sort((a, b) => score(b) - score(a))) {
    await clock.breathe()
    let name = simulator.findNode(pod, added.map(({ node }) => node.metadata.name!))
    if (name === undefined) {
      if (added.length >= limit) continue
      // Another empty one doesn't help where the last is empty still.
      if (added.length > 0 && !used.has(added.at(-1)!.node.metadata.name!)) continue
      const next = nodeFrom(template, group, `template-node-for-${group.id}-${added.length}`)
      simulator.addNode(next.node, next.pods)
      added.push(next)
      if (simulator.refusal(pod, next.node.metadata.name!)) continue
      name = next.node.metadata.name!
    }
    simulator.put(pod, name)
    used.add(name)
    placed.push(pod)
  }
  for (const pod of placed) simulator.take(pod)
  remove(simulator, added)
  return { group, nodeCount: used.size, pods: placed }
}

function remove(simulator: Simulator, added: readonly NodeTemplate[]): void {
  for (const { node, pods } of added) {
    for (const pod of pods) simulator.take(pod)
    simulator.removeNode(node.metadata.name!)
  }
}

/** k8s: estimator/decreasing_pod_orderer */
function demand({ node }: NodeTemplate): (pod: Pod) => number {
  const allocatable = node.status?.allocatable ?? {}
  return (pod) => {
    const amounts = podAmounts(pod)
    const share = (resource: 'cpu' | 'memory') => (amounts[resource] ?? 0) / (amountOf(resource, allocatable[resource] ?? '1') || 1)
    return share('cpu') + share('memory')
  }
}

function isAlike(a: Pod, b: Pod): boolean {
  const uid = controllerOf(a)?.uid
  return a === b || (uid !== undefined && uid === controllerOf(b)?.uid && deepEqual(a.metadata.labels, b.metadata.labels) && (a.spec === b.spec || deepEqual(withoutToken(a), withoutToken(b))))
}

/** What makes pods of one controller differ without meaning anything: the volume with their token. k8s: utils/pod SanitizePodSpec */
function withoutToken({ spec }: Pod): unknown {
  const isToken = ({ name }: { name: string }) => name.startsWith('kube-api-access-')
  return { ...spec, volumes: spec.volumes?.filter((volume) => !isToken(volume)), containers: spec.containers.map((container) => ({ ...container, volumeMounts: container.volumeMounts?.filter((mount) => !isToken(mount)) })), hostname: undefined }
}
