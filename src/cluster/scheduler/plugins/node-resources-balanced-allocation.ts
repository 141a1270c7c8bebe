import { MAX_NODE_SCORE, type PreScorePlugin, type ScorePlugin } from '../framework.ts'
import { PASS, SKIP } from '../status.ts'

/** How evenly CPU and memory are used: 100 is the same share of both. */
function balance(cpu: number, memory: number, allocatableCpu: number, allocatableMemory: number): number {
  if (allocatableCpu === 0 || allocatableMemory === 0) return MAX_NODE_SCORE
  return Math.trunc((1 - Math.abs(Math.min(1, cpu / allocatableCpu) - Math.min(1, memory / allocatableMemory)) / 2) * MAX_NODE_SCORE)
}

/** Prefers nodes that the pod makes more balanced. k8s: plugins/noderesources BalancedAllocation */
export const nodeResourcesBalancedAllocation: PreScorePlugin & ScorePlugin = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  preScore: ({ info }) => !info.requests.cpu && !info.requests.memory ? SKIP : PASS,
  score({ info }, node) {
    const cpu = node.requested.cpu ?? 0
    const memory = node.requested.memory ?? 0
    const allocatableCpu = node.allocatable.cpu ?? 0
    const allocatableMemory = node.allocatable.memory ?? 0
    const withPod = balance(cpu + (info.requests.cpu ?? 0), memory + (info.requests.memory ?? 0), allocatableCpu, allocatableMemory)
    const without = balance(cpu, memory, allocatableCpu, allocatableMemory)
    return Math.trunc(MAX_NODE_SCORE / 2 + (MAX_NODE_SCORE / 2 + withPod - without) / 2)
  },
}
