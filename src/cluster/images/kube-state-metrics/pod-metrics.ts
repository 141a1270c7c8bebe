import type { Pod } from '../../kinds/generated/types.ts'
import { quantityValue } from '../../kinds/quantity.ts'
import { conditionTime, resourceSamples, thousandths } from './resources.ts'
import type { Metric, ResourceMetrics } from './family.ts'
import { counter, created, gauge, info, number, owner, sanitized, seconds, states } from './family.ts'

type Statuses = NonNullable<NonNullable<Pod['status']>['containerStatuses']>
type Status = Statuses[number]

const PHASES = ['Pending', 'Succeeded', 'Failed', 'Unknown', 'Running']
const TRUTHS = ['true', 'false', 'unknown']
const REASONS = ['Evicted', 'NodeAffinity', 'NodeLost', 'Shutdown', 'UnexpectedAdmissionError']

const conditionOf = (pod: Pod, type: string) => pod.status?.conditions?.find((condition) => condition.type === type)
const controllerOf = (pod: Pod) => pod.metadata.ownerReferences?.find((owner) => owner.controller)

/** The metrics of containers, and those of init containers, which have the same under another name. */
function containerMetrics(isInit: boolean): Metric<Pod>[] {
  const prefix = isInit ? 'kube_pod_init_container' : 'kube_pod_container'
  const what = isInit ? 'the init container' : 'the container'
  const statuses = (pod: Pod): readonly Status[] => (isInit ? pod.status?.initContainerStatuses : pod.status?.containerStatuses) as Statuses | undefined ?? []
  const containers = (pod: Pod) => (isInit ? pod.spec?.initContainers : pod.spec?.containers) ?? []
  const each = (value: (status: Status) => number | undefined, labels: (status: Status) => Record<string, string> = () => ({})) => (pod: Pod) => statuses(pod).map((status) => {
    const found = value(status)
    return found === undefined ? undefined : { labels: { container: status.name, ...labels(status) }, value: found }
  })
  const resources = (kind: 'requests' | 'limits') => (pod: Pod) => containers(pod).flatMap((container) => resourceSamples(container.resources?.[kind] as Record<string, string> | undefined).map(({ resource, unit, value }) => ({ labels: { container: container.name, node: pod.spec?.nodeName ?? '', resource, unit }, value })))
  return [
    gauge(`${prefix}_info`, `Information about ${isInit ? 'an init container' : 'a container'} in a pod.`, (pod) => statuses(pod).map((status) => ({ labels: { container: status.name, image_spec: containers(pod).find(({ name }) => name === status.name)?.image ?? '', image: status.image, image_id: status.imageID, container_id: status.containerID ?? '', ...(isInit ? { restart_policy: '' } : {}) }, value: 1 }))),
    gauge(`${prefix}_resource_requests`, `The number of requested request resource by ${isInit ? 'an init' : 'a'} container.`, resources('requests')),
    gauge(`${prefix}_resource_limits`, `The number of requested limit resource by ${isInit ? 'an init' : 'a'} container.`, resources('limits')),
    gauge(`${prefix}_state_started`, `Start time in unix timestamp for a pod ${isInit ? 'init ' : ''}container.`, each(({ state }) => seconds(state?.running?.startedAt ?? state?.terminated?.startedAt))),
    gauge(`${prefix}_status_ready`, `Describes whether ${isInit ? 'the init containers' : 'the containers'} readiness check succeeded.`, each(({ ready }) => Number(ready))),
    counter(`${prefix}_status_restarts_total`, isInit ? 'The number of restarts for the init container.' : 'The number of container restarts per container.', each(({ restartCount }) => restartCount)),
    gauge(`${prefix}_status_running`, `Describes whether ${what} is currently in running state.`, each(({ state }) => Number(state?.running !== undefined))),
    gauge(`${prefix}_status_waiting`, `Describes whether ${what} is currently in waiting state.`, each(({ state }) => Number(state?.waiting !== undefined))),
    gauge(`${prefix}_status_terminated`, `Describes whether ${what} is currently in terminated state.`, each(({ state }) => Number(state?.terminated !== undefined))),
    gauge(`${prefix}_status_waiting_reason`, `Describes the reason ${what} is currently in waiting state.`, each(({ state }) => state?.waiting?.reason ? 1 : undefined, ({ state }) => ({ reason: state!.waiting!.reason! }))),
    gauge(`${prefix}_status_terminated_reason`, `Describes the reason ${what} is currently in terminated state.`, each(({ state }) => state?.terminated?.reason ? 1 : undefined, ({ state }) => ({ reason: state!.terminated!.reason! }))),
    gauge(`${prefix}_status_last_terminated_reason`, `Describes the last reason ${what} was in terminated state.`, each(({ lastState }) => lastState?.terminated?.reason ? 1 : undefined, ({ lastState }) => ({ reason: lastState!.terminated!.reason! }))),
    gauge(`${prefix}_status_last_terminated_exitcode`, `Describes the exit code for the last ${isInit ? 'init ' : ''}container in terminated state.`, each(({ lastState }) => lastState?.terminated?.exitCode)),
    gauge(`${prefix}_status_last_terminated_timestamp`, `Last terminated time for a pod ${isInit ? 'init ' : ''}container in unix timestamp.`, each(({ lastState }) => seconds(lastState?.terminated?.finishedAt))),
  ]
}

/** k8s: kube-state-metrics internal/store/pod.go */
export const podMetrics: ResourceMetrics<Pod> = {
  resource: 'pods', group: '/api/v1', isNamespaced: true,
  identity: ({ metadata }) => ({ namespace: metadata.namespace ?? '', pod: metadata.name ?? '', uid: metadata.uid ?? '' }),
  metrics: [
    info('kube_pod_info', 'Information about pod.', (pod) => ({
      host_ip: pod.status?.hostIP ?? '', pod_ip: pod.status?.podIP ?? '', node: pod.spec?.nodeName ?? '', created_by_kind: controllerOf(pod)?.kind ?? '', created_by_name: controllerOf(pod)?.name ?? '', priority_class: pod.spec?.priorityClassName ?? '', host_network: String(pod.spec?.hostNetwork ?? false),
    })),
    created('pod'),
    number('kube_pod_deletion_timestamp', 'Unix deletion timestamp', (pod) => seconds(pod.metadata.deletionTimestamp)),
    number('kube_pod_start_time', 'Start time in unix timestamp for a pod.', (pod) => seconds(pod.status?.startTime)),
    number('kube_pod_completion_time', 'Completion time in unix timestamp for a pod.', (pod) => {
      const ends = (pod.status?.containerStatuses ?? []).map(({ state }) => seconds(state?.terminated?.finishedAt))
      return ends.length > 0 && ends.every((end) => end !== undefined) ? Math.max(...ends as number[]) : undefined
    }),
    gauge('kube_pod_ips', 'Pod IP addresses', (pod) => (pod.status?.podIPs ?? []).map(({ ip = '' }) => ({ labels: { ip, ip_family: ip.includes(':') ? '6' : '4' }, value: 1 }))),
    owner('pod', 'Pod'),
    info('kube_pod_restart_policy', 'Describes the restart policy in use by this pod.', (pod) => ({ type: pod.spec?.restartPolicy ?? '' })),
    info('kube_pod_service_account', 'The service account for a pod.', (pod) => ({ service_account: pod.spec?.serviceAccountName ?? '' })),
    info('kube_pod_scheduler', 'The scheduler for a pod.', (pod) => ({ name: pod.spec?.schedulerName ?? '' })),
    gauge('kube_pod_status_phase', 'The pods current phase.', (pod) => states('phase', PHASES, pod.status?.reason === 'NodeLost' ? 'Unknown' : pod.status?.phase)),
    gauge('kube_pod_status_ready', 'Describes whether the pod is ready to serve requests.', (pod) => { const ready = conditionOf(pod, 'Ready'); return ready ? states('condition', TRUTHS, ready.status.toLowerCase()) : [] }),
    gauge('kube_pod_status_scheduled', 'Describes the status of the scheduling process for the pod.', (pod) => { const scheduled = conditionOf(pod, 'PodScheduled'); return scheduled ? states('condition', TRUTHS, scheduled.status.toLowerCase()) : [] }),
    number('kube_pod_status_unschedulable', 'Describes the unschedulable status for the pod.', (pod) => { const condition = conditionOf(pod, 'PodScheduled'); return condition?.status === 'False' && condition.reason === 'Unschedulable' ? 1 : undefined }),
    number('kube_pod_status_scheduled_time', 'Unix timestamp when pod moved into scheduled status', (pod) => conditionTime(conditionOf(pod, 'PodScheduled'))),
    number('kube_pod_status_initialized_time', 'Initialized time in unix timestamp for a pod.', (pod) => conditionTime(conditionOf(pod, 'Initialized'))),
    number('kube_pod_status_ready_time', 'Readiness achieved time in unix timestamp for a pod.', (pod) => conditionTime(conditionOf(pod, 'Ready'))),
    number('kube_pod_status_container_ready_time', 'Readiness achieved time in unix timestamp for a pod containers.', (pod) => conditionTime(conditionOf(pod, 'ContainersReady'))),
    gauge('kube_pod_status_reason', 'The pod status reasons', (pod) => states('reason', REASONS, pod.status?.reason)),
    gauge('kube_pod_status_qos_class', 'The pods current qosClass.', (pod) => pod.status?.qosClass ? states('qos_class', ['BestEffort', 'Burstable', 'Guaranteed'], pod.status.qosClass) : []),
    gauge('kube_pod_tolerations', 'Information about the pod tolerations', (pod) => (pod.spec?.tolerations ?? []).map(({ key, operator, value, effect, tolerationSeconds }) => ({ labels: { ...(key ? { key } : {}), ...(operator ? { operator } : {}), ...(value ? { value } : {}), ...(effect ? { effect } : {}), ...(tolerationSeconds === undefined ? {} : { toleration_seconds: String(tolerationSeconds) }) }, value: 1 }))),
    gauge('kube_pod_nodeselectors', 'Describes the Pod nodeSelectors.', (pod) => [{ labels: Object.fromEntries(Object.entries(pod.spec?.nodeSelector ?? {}).map(([name, value]) => [`nodeselector_${sanitized(name)}`, value])), value: 1 }]),
    gauge('kube_pod_spec_volumes_persistentvolumeclaims_info', 'Information about persistentvolumeclaim volumes in a pod.', (pod) => (pod.spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim }) => persistentVolumeClaim ? [{ labels: { volume: name, persistentvolumeclaim: persistentVolumeClaim.claimName }, value: 1 }] : [])),
    gauge('kube_pod_spec_volumes_persistentvolumeclaims_readonly', 'Describes whether a persistentvolumeclaim is mounted read only.', (pod) => (pod.spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim }) => persistentVolumeClaim ? [{ labels: { volume: name, persistentvolumeclaim: persistentVolumeClaim.claimName }, value: Number(persistentVolumeClaim.readOnly ?? false) }] : [])),
    number('kube_pod_overhead_cpu_cores', 'The pod overhead in regards to cpu cores associated with running a pod.', (pod) => pod.spec?.overhead?.['cpu'] === undefined ? undefined : thousandths(pod.spec.overhead['cpu'])),
    number('kube_pod_overhead_memory_bytes', 'The pod overhead in regards to memory associated with running a pod.', (pod) => pod.spec?.overhead?.['memory'] === undefined ? undefined : quantityValue(pod.spec.overhead['memory'])),
    ...containerMetrics(false), ...containerMetrics(true),
  ],
}
