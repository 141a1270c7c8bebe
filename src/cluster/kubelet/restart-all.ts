/** The restart rule's action RestartAllContainers: one container's end makes all of the pod's begin anew, in their sandbox. */
import { matchingRestartRule } from '../kinds/core/restart-rules.ts'
import type { Container, Pod, PodCondition, PodStatus } from '../kinds/generated/types.ts'
import { findContainer, type RuntimePodStatus } from './pod-actions.ts'

/** Why a container that was taken away for it waits. */
export const RESTARTING_ALL = 'RestartingAllContainers'
const CONDITION = 'AllContainersRestarting'

/** Whether the status says that it is under way. */
export const isRestartingAll = ({ conditions }: PodStatus): boolean => conditions?.some(({ type, status }) => type === CONDITION && status === 'True') ?? false

/** `runtime`: undefined, to go by what was reported. k8s: pkg/kubelet/container ShouldAllContainersRestart */
export function shouldRestartAll({ spec }: Pod, runtime: RuntimePodStatus | undefined, reported: PodStatus): boolean {
  if (isRestartingAll(reported)) return true
  const statuses = [...reported.initContainerStatuses ?? [], ...reported.containerStatuses ?? []]
  const setsOff = (container: Container) => {
    const asks = (exitCode: number | undefined) => exitCode !== undefined && matchingRestartRule(container, exitCode)?.action === 'RestartAllContainers'
    if (runtime) {
      const run = findContainer(runtime, container.name)
      if (run?.state !== 'exited') return false
      if (asks(run.exitCode)) return true
    }
    return asks(statuses.find(({ name }) => name === container.name)?.state?.terminated?.exitCode)
  }
  return (spec.initContainers?.some(setsOff) ?? false) || spec.containers.some(setsOff)
}

/** k8s: pkg/kubelet/status GenerateAllContainersRestartingCondition */
export function restartAllCondition({ pod, phase, runtime, restartAll }: { pod: Pod; phase: string; runtime: RuntimePodStatus; restartAll: boolean }): PodCondition {
  const of = (status: 'True' | 'False', why: { reason?: string; message?: string } = {}): PodCondition => ({ type: CONDITION, status, lastProbeTime: null as unknown as string, ...why })
  if (phase === 'Succeeded') return of('False', { reason: 'PodCompleted' })
  if (phase === 'Failed') return of('False', { reason: 'PodFailed' })
  const isLeft = ({ name }: Container) => findContainer(runtime, name) !== undefined
  if (!restartAll || !(pod.spec.containers.some(isLeft) || (pod.spec.initContainers?.some(isLeft) ?? false))) return of('False')
  return of('True', { reason: 'RestartAllContainersStarted', message: 'container exited with restart policy rule' })
}
