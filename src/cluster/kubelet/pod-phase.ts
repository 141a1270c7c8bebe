import { shouldRestartAfter } from '../kinds/core/restart-rules.ts'
import type { Container, ContainerStateTerminated, ContainerStatus, Pod } from '../kinds/generated/types.ts'
import { isSidecar, isStaticPod } from './pod-spec.ts'
import { RESTARTING_ALL } from './restart-all.ts'

/** The phase that containers add up to. `podIsTerminal`: nothing will be started any more. k8s: pkg/kubelet getPhase */
export function podPhase(pod: Pod, statuses: readonly ContainerStatus[], podIsTerminal: boolean, hasInitialized: boolean): 'Pending' | 'Running' | 'Succeeded' | 'Failed' {
  const spec = pod.spec
  const isRestarted = (container: Container, { exitCode, reason }: ContainerStateTerminated) => reason === RESTARTING_ALL || shouldRestartAfter(container, spec, exitCode)
  let pendingInit = 0
  let pendingSidecars = 0
  let failedForGood = 0
  let unknown = 0
  let running = 0
  let waiting = 0
  let stopped = 0
  let stoppedForGood = 0
  let succeeded = 0
  for (const container of spec.initContainers ?? []) {
    const status = statuses.find((s) => s.name === container.name)
    const state = status?.state
    const last = status?.lastState?.terminated
    if (isSidecar(container)) {
      if (!status) unknown++
      else if (state?.running) {
        if (!status.started) pendingSidecars++
        running++
      } else if (state?.terminated || last) { /* stopped sidecars don't count */ } else {
        pendingSidecars++
        if (state?.waiting) waiting++
        else unknown++
      }
      continue
    }
    const ended = state?.terminated ?? (state?.waiting ? last : undefined)
    if (!ended) pendingInit++
    else if (ended.exitCode !== 0 && !isRestarted(container, ended)) failedForGood++
  }
  for (const container of spec.containers) {
    const status = statuses.find((s) => s.name === container.name)
    const state = status?.state
    if (!status) unknown++
    else if (state?.running) running++
    else if (state?.terminated) {
      stopped++
      if (!isRestarted(container, state.terminated)) stoppedForGood++
      if (state.terminated.exitCode === 0) succeeded++
    } else if (state?.waiting && status.lastState?.terminated) {
      stopped++
      if (!isRestarted(container, status.lastState.terminated)) stoppedForGood++
    } else if (state?.waiting) waiting++
    else unknown++
  }
  if (failedForGood > 0) return 'Failed'
  if (pendingInit > 0 || (pendingSidecars > 0 && !hasInitialized) || waiting > 0) return 'Pending'
  if (running > 0 && unknown === 0) return 'Running'
  if (running === 0 && stopped > 0 && unknown === 0) {
    if (podIsTerminal && !isStaticPod(pod)) return stopped === succeeded ? 'Succeeded' : 'Failed'
    if (stopped !== stoppedForGood) return 'Running'
    return stopped === succeeded ? 'Succeeded' : 'Failed'
  }
  return 'Pending'
}
