/** What flags of cluster-autoscaler decide. Times in milliseconds. k8s: cluster-autoscaler/config AutoscalingOptions */
export interface AutoscalingOptions {
  scanIntervalMs: number
  scaleUpFromZero: boolean
  expander: readonly Expander[]
  maxNodesTotal: number
  scaleDownEnabled: boolean
  scaleDownDelayAfterAddMs: number
  scaleDownDelayAfterDeleteMs: number
  scaleDownDelayAfterFailureMs: number
  scaleDownUnneededTimeMs: number
  scaleDownUnreadyTimeMs: number
  scaleDownUtilizationThreshold: number
  skipNodesWithSystemPods: boolean
  /** For how long from its beginning a pod of kube-system without a budget holds its node. */
  systemPodsBlockMs: number
  skipNodesWithLocalStorage: boolean
  skipNodesWithCustomControllerPods: boolean
  ignoreDaemonSetsUtilization: boolean
  cordonNodeBeforeTerminating: boolean
  enforceNodeGroupMinSize: boolean
  maxNodeProvisionTimeMs: number
  maxGracefulTerminationMs: number
  maxScaleDownParallelism: number
  maxDrainParallelism: number
  maxPodEvictionTimeMs: number
  nodeDeleteDelayAfterTaintMs: number
  newPodScaleUpDelayMs: number
  expendablePodsPriorityCutoff: number
  namespace: string
  statusConfigMapName: string
  writeStatusConfigMap: boolean
}

/** How one of several groups that would help is chosen. */
export type Expander = 'random' | 'most-pods' | 'least-waste' | 'priority'
export const EXPANDERS: readonly string[] = ['random', 'most-pods', 'least-waste', 'priority']

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** k8s: cluster-autoscaler/config/flags */
export const DEFAULT_OPTIONS: AutoscalingOptions = {
  scanIntervalMs: 10 * SECOND, scaleUpFromZero: true, expander: ['least-waste'], maxNodesTotal: 0, scaleDownEnabled: true, scaleDownDelayAfterAddMs: 10 * MINUTE, scaleDownDelayAfterDeleteMs: 0, scaleDownDelayAfterFailureMs: 3 * MINUTE,
  scaleDownUnneededTimeMs: 10 * MINUTE, scaleDownUnreadyTimeMs: 20 * MINUTE, scaleDownUtilizationThreshold: 0.5, skipNodesWithSystemPods: true, systemPodsBlockMs: HOUR, skipNodesWithLocalStorage: true, skipNodesWithCustomControllerPods: true,
  ignoreDaemonSetsUtilization: false, cordonNodeBeforeTerminating: true, enforceNodeGroupMinSize: false, maxNodeProvisionTimeMs: 15 * MINUTE, maxGracefulTerminationMs: 10 * MINUTE, maxScaleDownParallelism: 10, maxDrainParallelism: 1,
  maxPodEvictionTimeMs: 2 * MINUTE, nodeDeleteDelayAfterTaintMs: 5 * SECOND, newPodScaleUpDelayMs: 0, expendablePodsPriorityCutoff: -10, namespace: 'kube-system', statusConfigMapName: 'cluster-autoscaler-status', writeStatusConfigMap: true,
}
