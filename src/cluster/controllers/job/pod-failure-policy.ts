import type { ContainerStatus, Pod, PodFailurePolicy } from '../../kinds/generated/types.ts'

/** What a rule says of a failed pod. */
export interface PolicyMatch {
  action?: string
  /** Whether the failure counts. */
  counts: boolean
  /** Set when the whole job fails. */
  failJobMessage?: string
}

type OnExitCodes = NonNullable<NonNullable<PodFailurePolicy['rules']>[number]['onExitCodes']>

/** k8s: pkg/controller/job/pod_failure_policy.go */
export function matchPodFailurePolicy(policy: PodFailurePolicy | undefined, pod: Pod): PolicyMatch {
  for (const [index, rule] of (policy?.rules ?? []).entries()) {
    let what: string
    if (rule.onExitCodes) {
      const container = failedContainer(pod.status?.containerStatuses, rule.onExitCodes) ?? failedContainer(pod.status?.initContainerStatuses, rule.onExitCodes)
      if (!container) continue
      what = `Container ${container.name} for pod ${pod.metadata.namespace}/${pod.metadata.name} failed with exit code ${container.state!.terminated!.exitCode}`
    } else {
      const condition = pod.status?.conditions?.find(({ type, status }) => rule.onPodConditions?.some((pattern) => pattern.type === type && pattern.status === status))
      if (!condition) continue
      what = `Pod ${pod.metadata.namespace}/${pod.metadata.name} has condition ${condition.type}`
    }
    if (rule.action === 'Ignore') return { action: 'Ignore', counts: false }
    if (rule.action === 'FailJob') return { action: 'FailJob', counts: true, failJobMessage: `${what} matching ${rule.action} rule at index ${index}` }
    return { action: rule.action, counts: true }
  }
  return { counts: true }
}

function failedContainer(statuses: readonly ContainerStatus[] | undefined, { containerName, operator, values }: OnExitCodes): ContainerStatus | undefined {
  return statuses?.find(({ name, state }) => {
    const code = state?.terminated?.exitCode
    if (!code || (containerName !== undefined && containerName !== name)) return false
    return operator === 'In' ? values.includes(code) : operator === 'NotIn' && !values.includes(code)
  })
}
