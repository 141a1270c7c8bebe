import { CounterVector } from '../../base/histogram.ts'
import type { MetricFamily } from '../../base/prometheus.ts'
import type { ContainerStatus, Pod, PodStatus } from '../kinds/generated/types.ts'
import type { AnyContainer } from './pod-spec.ts'

const CONTAINER_KINDS = [['init_container', 'initContainerStatuses'], ['container', 'containerStatuses'], ['ephemeral_container', 'ephemeralContainerStatuses']] as const

/** What a kubelet counts since it began, for its metrics. k8s: pkg/kubelet/metrics */
export class KubeletCounters {
  #podsStarted = 0
  #podErrors = 0
  #podsWithOwnUsers = 0
  #errorsWithOwnUsers = 0
  readonly #containersStarted = new CounterVector()
  readonly #containerErrors = new CounterVector()
  readonly #containersEnded = new CounterVector()

  /** A sandbox is about to be made for a pod. */
  podStarts(pod: Pod): void {
    this.#podsStarted++
    if (pod.spec.hostUsers === false) this.#podsWithOwnUsers++
  }

  /** What followed on a pod's sandbox, if something failed: the sandbox itself, or what was to start in it. */
  podFailed(pod: Pod, failed: 'sandbox' | 'containers'): void {
    if (failed === 'sandbox') this.#podErrors++
    if (pod.spec.hostUsers === false) this.#errorsWithOwnUsers++
  }

  containerStarts(pod: Pod, container: AnyContainer): void {
    this.#containersStarted.add({ container_type: kindOf(pod, container) })
  }

  /** @param code the reason that the container waits with */
  containerFailed(pod: Pod, container: AnyContainer, code: string): void {
    this.#containerErrors.add({ container_type: kindOf(pod, container), code })
  }

  /** Counts the containers that have ended since a pod's last status. k8s: pkg/kubelet/status checkAndRecordTerminations */
  statusChanged(before: PodStatus | undefined, after: PodStatus): void {
    for (const [container_type, list] of CONTAINER_KINDS) {
      for (const { name, state } of after[list] as ContainerStatus[] | undefined ?? []) {
        if (!state?.terminated || (before?.[list] as ContainerStatus[] | undefined)?.find((old) => old.name === name)?.state?.terminated) continue
        this.#containersEnded.add({ container_type, exit_code: String(state.terminated.exitCode), reason: state.terminated.reason ?? '' })
      }
    }
  }

  families(): MetricFamily[] {
    const counter = (name: string, help: string, samples: MetricFamily['samples']): MetricFamily => ({ name: `kubelet_${name}`, help: `[ALPHA] ${help}`, type: 'counter', samples })
    const single = (value: number) => [{ value }]
    return [
      counter('started_containers_errors_total', 'Cumulative number of errors when starting containers', this.#containerErrors.samples()),
      counter('started_containers_total', 'Cumulative number of containers started', this.#containersStarted.samples()),
      counter('started_pods_errors_total', 'Cumulative number of errors when starting pods', single(this.#podErrors)),
      counter('started_pods_total', 'Cumulative number of pods started', single(this.#podsStarted)),
      counter('started_user_namespaced_pods_errors_total', 'Cumulative number of errors when starting pods with user namespaces. This metric will only be collected on Linux.', single(this.#errorsWithOwnUsers)),
      counter('started_user_namespaced_pods_total', 'Cumulative number of pods with user namespaces started. This metric will only be collected on Linux.', single(this.#podsWithOwnUsers)),
      counter('terminated_containers_total', 'Cumulative number of container terminations.', this.#containersEnded.samples()),
    ]
  }
}

function kindOf({ spec }: Pod, { name }: AnyContainer): string {
  return spec.initContainers?.some((container) => container.name === name) ? 'init_container' : spec.containers.some((container) => container.name === name) ? 'container' : 'ephemeral_container'
}
