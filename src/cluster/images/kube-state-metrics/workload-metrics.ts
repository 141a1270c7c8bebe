import type { CronJob, DaemonSet, Deployment, HorizontalPodAutoscaler, Job, PodDisruptionBudget, ReplicaSet, StatefulSet } from '../../kinds/generated/types.ts'
import type { Metric, Named, ResourceMetrics } from './family.ts'
import { conditionStates, created, gauge, identity, info, number, owner, seconds } from './family.ts'

const generation = <T extends Named>(kind: string): Metric<T> => number(`kube_${kind}_metadata_generation`, 'Sequence number representing a specific generation of the desired state.', ({ metadata }) => metadata.generation)

/** How many of a rolling update's pods a number or share means. k8s: intstr.GetScaledValueFromIntOrPercent */
function scaled(value: string | number | undefined, total: number, roundsUp: boolean): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number') return value
  const share = (Number.parseInt(value, 10) * total) / 100
  return roundsUp ? Math.ceil(share) : Math.floor(share)
}

const deployments: ResourceMetrics<Deployment> = {
  resource: 'deployments', group: '/apis/apps/v1', isNamespaced: true, identity: identity('deployment'),
  metrics: [
    created('deployment'), generation('deployment'), owner('deployment', 'Deployment'),
    number('kube_deployment_spec_replicas', 'Number of desired pods for a deployment.', ({ spec }) => spec?.replicas),
    number('kube_deployment_spec_paused', 'Whether the deployment is paused and will not be processed by the deployment controller.', ({ spec }) => Number(spec?.paused ?? false)),
    number('kube_deployment_spec_strategy_rollingupdate_max_unavailable', 'Maximum number of unavailable replicas during a rolling update of a deployment.', ({ spec }) => scaled(spec?.strategy?.rollingUpdate?.maxUnavailable, spec?.replicas ?? 1, false)),
    number('kube_deployment_spec_strategy_rollingupdate_max_surge', 'Maximum number of replicas that can be scheduled above the desired number of replicas during a rolling update of a deployment.', ({ spec }) => scaled(spec?.strategy?.rollingUpdate?.maxSurge, spec?.replicas ?? 1, true)),
    number('kube_deployment_status_replicas', 'The number of replicas per deployment.', ({ status }) => status?.replicas ?? 0),
    number('kube_deployment_status_replicas_ready', 'The number of ready replicas per deployment.', ({ status }) => status?.readyReplicas ?? 0),
    number('kube_deployment_status_replicas_available', 'The number of available replicas per deployment.', ({ status }) => status?.availableReplicas ?? 0),
    number('kube_deployment_status_replicas_unavailable', 'The number of unavailable replicas per deployment.', ({ status }) => status?.unavailableReplicas ?? 0),
    number('kube_deployment_status_replicas_updated', 'The number of updated replicas per deployment.', ({ status }) => status?.updatedReplicas ?? 0),
    number('kube_deployment_status_observed_generation', 'The generation observed by the deployment controller.', ({ status }) => status?.observedGeneration ?? 0),
    gauge('kube_deployment_status_condition', 'The current status conditions of a deployment.', ({ status }) => conditionStates(status?.conditions, true)),
  ],
}

const replicaSets: ResourceMetrics<ReplicaSet> = {
  resource: 'replicasets', group: '/apis/apps/v1', isNamespaced: true, identity: identity('replicaset'),
  metrics: [
    created('replicaset'), generation('replicaset'), owner('replicaset', 'ReplicaSet'),
    number('kube_replicaset_spec_replicas', 'Number of desired pods for a ReplicaSet.', ({ spec }) => spec?.replicas),
    number('kube_replicaset_status_replicas', 'The number of replicas per ReplicaSet.', ({ status }) => status?.replicas ?? 0),
    number('kube_replicaset_status_fully_labeled_replicas', 'The number of fully labeled replicas per ReplicaSet.', ({ status }) => status?.fullyLabeledReplicas ?? 0),
    number('kube_replicaset_status_ready_replicas', 'The number of ready replicas per ReplicaSet.', ({ status }) => status?.readyReplicas ?? 0),
    number('kube_replicaset_status_observed_generation', 'The generation observed by the ReplicaSet controller.', ({ status }) => status?.observedGeneration ?? 0),
  ],
}

const statefulSets: ResourceMetrics<StatefulSet> = {
  resource: 'statefulsets', group: '/apis/apps/v1', isNamespaced: true, identity: identity('statefulset'),
  metrics: [
    created('statefulset'), generation('statefulset'),
    number('kube_statefulset_replicas', 'Number of desired pods for a StatefulSet.', ({ spec }) => spec?.replicas),
    number('kube_statefulset_ordinals_start', 'Start ordinal of the StatefulSet.', ({ spec }) => spec?.ordinals?.start),
    number('kube_statefulset_status_replicas', 'The number of replicas per StatefulSet.', ({ status }) => status?.replicas ?? 0),
    number('kube_statefulset_status_replicas_available', 'The number of available replicas per StatefulSet.', ({ status }) => status?.availableReplicas ?? 0),
    number('kube_statefulset_status_replicas_current', 'The number of current replicas per StatefulSet.', ({ status }) => status?.currentReplicas ?? 0),
    number('kube_statefulset_status_replicas_ready', 'The number of ready replicas per StatefulSet.', ({ status }) => status?.readyReplicas ?? 0),
    number('kube_statefulset_status_replicas_updated', 'The number of updated replicas per StatefulSet.', ({ status }) => status?.updatedReplicas ?? 0),
    number('kube_statefulset_status_observed_generation', 'The generation observed by the StatefulSet controller.', ({ status }) => status?.observedGeneration),
    info('kube_statefulset_status_current_revision', 'Indicates the version of the StatefulSet used to generate Pods in the sequence [0,currentReplicas).', ({ status }) => ({ revision: status?.currentRevision ?? '' })),
    info('kube_statefulset_status_update_revision', 'Indicates the version of the StatefulSet used to generate Pods in the sequence [replicas-updatedReplicas,replicas)', ({ status }) => ({ revision: status?.updateRevision ?? '' })),
  ],
}

const daemonSets: ResourceMetrics<DaemonSet> = {
  resource: 'daemonsets', group: '/apis/apps/v1', isNamespaced: true, identity: identity('daemonset'),
  metrics: [
    created('daemonset'), generation('daemonset'),
    number('kube_daemonset_status_current_number_scheduled', 'The number of nodes running at least one daemon pod and are supposed to.', ({ status }) => status?.currentNumberScheduled ?? 0),
    number('kube_daemonset_status_desired_number_scheduled', 'The number of nodes that should be running the daemon pod.', ({ status }) => status?.desiredNumberScheduled ?? 0),
    number('kube_daemonset_status_number_available', 'The number of nodes that should be running the daemon pod and have one or more of the daemon pod running and available', ({ status }) => status?.numberAvailable ?? 0),
    number('kube_daemonset_status_number_misscheduled', 'The number of nodes running a daemon pod but are not supposed to.', ({ status }) => status?.numberMisscheduled ?? 0),
    number('kube_daemonset_status_number_ready', 'The number of nodes that should be running the daemon pod and have one or more of the daemon pod running and ready.', ({ status }) => status?.numberReady ?? 0),
    number('kube_daemonset_status_number_unavailable', 'The number of nodes that should be running the daemon pod and have none of the daemon pod running and available', ({ status }) => status?.numberUnavailable ?? 0),
    number('kube_daemonset_status_observed_generation', 'The most recent generation observed by the daemon set controller.', ({ status }) => status?.observedGeneration ?? 0),
    number('kube_daemonset_status_updated_number_scheduled', 'The total number of nodes that are running updated daemon pod', ({ status }) => status?.updatedNumberScheduled ?? 0),
  ],
}

const jobDone = (job: Job, type: string) => job.status?.conditions?.filter((condition) => condition.type === type) ?? []

const jobs: ResourceMetrics<Job> = {
  resource: 'jobs', group: '/apis/batch/v1', isNamespaced: true, identity: ({ metadata }) => ({ namespace: metadata.namespace ?? '', job_name: metadata.name ?? '' }),
  metrics: [
    info('kube_job_info', 'Information about job.', () => ({})), created('job'), owner('job', 'Job'),
    number('kube_job_spec_parallelism', 'The maximum desired number of pods the job should run at any given time.', ({ spec }) => spec?.parallelism),
    number('kube_job_spec_completions', 'The desired number of successfully finished pods the job should be run with.', ({ spec }) => spec?.completions),
    number('kube_job_spec_active_deadline_seconds', 'The duration in seconds relative to the startTime that the job may be active before the system tries to terminate it.', ({ spec }) => spec?.activeDeadlineSeconds),
    number('kube_job_status_succeeded', 'The number of pods which reached Phase Succeeded.', ({ status }) => status?.succeeded ?? 0),
    gauge('kube_job_status_failed', 'The number of pods which reached Phase Failed and the reason for failure.', (job) => {
      const failed = job.status?.failed ?? 0
      const reason = jobDone(job, 'Failed')[0]?.reason
      return failed > 0 && reason ? ['BackoffLimitExceeded', 'DeadlineExceeded', 'Evicted'].map((each) => ({ labels: { reason: each }, value: Number(each === reason) })) : [{ value: failed }]
    }),
    number('kube_job_status_active', 'The number of actively running pods.', ({ status }) => status?.active ?? 0),
    gauge('kube_job_complete', 'The job has completed its execution.', (job) => jobDone(job, 'Complete').flatMap(({ status }) => ['true', 'false', 'unknown'].map((each) => ({ labels: { condition: each }, value: Number(status.toLowerCase() === each) })))),
    gauge('kube_job_failed', 'The job has failed its execution.', (job) => jobDone(job, 'Failed').flatMap(({ status }) => ['true', 'false', 'unknown'].map((each) => ({ labels: { condition: each }, value: Number(status.toLowerCase() === each) })))),
    number('kube_job_status_start_time', 'StartTime represents time when the job was acknowledged by the Job Manager.', ({ status }) => seconds(status?.startTime)),
    number('kube_job_status_completion_time', 'CompletionTime represents time when the job was completed.', ({ status }) => seconds(status?.completionTime)),
  ],
}

const cronJobs: ResourceMetrics<CronJob> = {
  resource: 'cronjobs', group: '/apis/batch/v1', isNamespaced: true, identity: identity('cronjob'),
  metrics: [
    info('kube_cronjob_info', 'Info about cronjob.', ({ spec }) => ({ schedule: spec?.schedule ?? '', concurrency_policy: spec?.concurrencyPolicy ?? '', timezone: spec?.timeZone ?? 'local' })), created('cronjob'),
    number('kube_cronjob_status_active', 'Active holds pointers to currently running jobs.', ({ status }) => status?.active?.length ?? 0),
    number('kube_cronjob_status_last_schedule_time', 'LastScheduleTime keeps information of when was the last time the job was successfully scheduled.', ({ status }) => seconds(status?.lastScheduleTime)),
    number('kube_cronjob_status_last_successful_time', 'LastSuccessfulTime keeps information of when was the last time the job was completed successfully.', ({ status }) => seconds(status?.lastSuccessfulTime)),
    number('kube_cronjob_spec_suspend', 'Suspend flag tells the controller to suspend subsequent executions.', ({ spec }) => Number(spec?.suspend ?? false)),
    number('kube_cronjob_spec_starting_deadline_seconds', 'Deadline in seconds for starting the job if it misses scheduled time for any reason.', ({ spec }) => spec?.startingDeadlineSeconds),
    number('kube_cronjob_spec_successful_job_history_limit', 'Successful job history limit tells the controller how many completed jobs should be preserved.', ({ spec }) => spec?.successfulJobsHistoryLimit),
    number('kube_cronjob_spec_failed_job_history_limit', 'Failed job history limit tells the controller how many failed jobs should be preserved.', ({ spec }) => spec?.failedJobsHistoryLimit),
  ],
}

const autoscalers: ResourceMetrics<HorizontalPodAutoscaler> = {
  resource: 'horizontalpodautoscalers', group: '/apis/autoscaling/v2', isNamespaced: true, identity: identity('horizontalpodautoscaler'),
  metrics: [
    info('kube_horizontalpodautoscaler_info', 'Information about this autoscaler.', ({ spec }) => ({ scaletargetref_api_version: spec?.scaleTargetRef.apiVersion ?? '', scaletargetref_kind: spec?.scaleTargetRef.kind ?? '', scaletargetref_name: spec?.scaleTargetRef.name ?? '' })),
    created('horizontalpodautoscaler'), generation('horizontalpodautoscaler'),
    number('kube_horizontalpodautoscaler_spec_max_replicas', 'Upper limit for the number of pods that can be set by the autoscaler; cannot be smaller than MinReplicas.', ({ spec }) => spec?.maxReplicas),
    number('kube_horizontalpodautoscaler_spec_min_replicas', 'Lower limit for the number of pods that can be set by the autoscaler, default 1.', ({ spec }) => spec?.minReplicas),
    number('kube_horizontalpodautoscaler_status_current_replicas', 'Current number of replicas of pods managed by this autoscaler.', ({ status }) => status?.currentReplicas ?? 0),
    number('kube_horizontalpodautoscaler_status_desired_replicas', 'Desired number of replicas of pods managed by this autoscaler.', ({ status }) => status?.desiredReplicas ?? 0),
    gauge('kube_horizontalpodautoscaler_status_condition', 'The condition of this autoscaler.', ({ status }) => conditionStates(status?.conditions)),
  ],
}

const budgets: ResourceMetrics<PodDisruptionBudget> = {
  resource: 'poddisruptionbudgets', group: '/apis/policy/v1', isNamespaced: true, identity: identity('poddisruptionbudget'),
  metrics: [
    created('poddisruptionbudget'),
    number('kube_poddisruptionbudget_status_current_healthy', 'Current number of healthy pods', ({ status }) => status?.currentHealthy ?? 0),
    number('kube_poddisruptionbudget_status_desired_healthy', 'Minimum desired number of healthy pods', ({ status }) => status?.desiredHealthy ?? 0),
    number('kube_poddisruptionbudget_status_pod_disruptions_allowed', 'Number of pod disruptions that are currently allowed', ({ status }) => status?.disruptionsAllowed ?? 0),
    number('kube_poddisruptionbudget_status_expected_pods', 'Total number of pods counted by this disruption budget', ({ status }) => status?.expectedPods ?? 0),
    number('kube_poddisruptionbudget_status_observed_generation', 'Most recent generation observed when updating this PDB status', ({ status }) => status?.observedGeneration ?? 0),
  ],
}

/** Whatever makes pods, or says how many there must be. */
export const workloadMetrics = [deployments, replicaSets, statefulSets, daemonSets, jobs, cronJobs, autoscalers, budgets] as unknown as readonly ResourceMetrics<never>[]
