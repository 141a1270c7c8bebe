import { DEFAULT_OPTIONS, EXPANDERS } from '../../autoscaler/options.ts'
import type { AutoscalingOptions, Expander } from '../../autoscaler/options.ts'
import { parseGoDuration } from '../../kinds/duration.ts'

/** What the program's command line says. */
export interface AutoscalerFlags {
  options: AutoscalingOptions
  verbosity: number
  address: string
  cloudProvider: string
  /** `MIN:MAX:NAME`. */
  nodes: readonly string[]
  /** `asg:tag=KEY[=VALUE],...`. */
  autoDiscovery: readonly string[]
  leaderElect: boolean
  leaseDurationMs: number
  leaseName: string
}

/** Flags that are known and change nothing; those with a value. k8s: cluster-autoscaler/config/flags */
const IGNORED = new Set(`
allowed-scheduler-names balancing-ignore-label balancing-label bypassed-scheduler-names check-capacity-processor-instance check-capacity-provisioning-request-batch-timebox
check-capacity-provisioning-request-max-batch-size cloud-config cloud-provider-gce-lb-src-cidrs cluster-name cluster-snapshot-parallelism cores-total drain-priority-config estimator feature-gates
gce-concurrent-refreshes gce-mig-instances-min-refresh-wait-time gpu-total grpc-expander-cert grpc-expander-url ignore-taint initial-node-group-backoff-duration kube-api-content-type kube-client-burst
kube-client-qps kubeconfig kubernetes leader-elect-renew-deadline leader-elect-resource-lock leader-elect-retry-period log-backtrace-at log-dir log-file log-file-max-size log-flush-frequency
log-json-info-buffer-size log-text-info-buffer-size logging-format max-allocatable-difference-ratio max-binpacking-time max-bulk-soft-taint-count max-bulk-soft-taint-time max-empty-bulk-delete
max-failing-time max-free-difference-ratio max-inactivity max-node-group-backoff-duration max-node-startup-time max-nodegroup-binpacking-duration max-nodes-per-scaleup max-startup-time
max-total-unready-percentage memory-difference-ratio memory-total min-replica-count node-deletion-batcher-interval node-deletion-candidate-ttl node-deletion-delay-timeout
node-group-backoff-reset-timeout node-info-cache-expire-time ok-total-unready-count pod-injection-limit predicate-parallelism provisioning-request-initial-backoff-time
provisioning-request-max-backoff-cache-size provisioning-request-max-backoff-time salvo-scale-up-budget scale-down-candidates-pool-min-count scale-down-candidates-pool-ratio
scale-down-gpu-utilization-threshold scale-down-non-empty-candidates-count scale-down-simulation-timeout scheduler-config-file startup-taint startup-taint-prefix status-taint stderrthreshold
unremovable-node-recheck-timeout user-agent vmodule
`.trim().split(/\s+/))

/** Those that mean yes where they have no value. */
const IGNORED_BOOLEANS = new Set(`
add-dir-header alsologtostderr async-node-groups aws-use-static-instance-list balance-similar-node-groups bulk-mig-instances-listing-enabled capacity-buffer-controller-enabled
capacity-buffer-pod-dry-run-enabled capacity-buffer-pod-injection-enabled capacity-quotas-enabled check-capacity-batch-processing clusterapi-cloud-config-authoritative
daemonset-eviction-for-empty-nodes daemonset-eviction-for-occupied-nodes debugging-snapshot-enabled dynamic-node-delete-delay-after-taint-enabled emit-per-nodegroup-metrics
enable-csi-node-aware-scheduling enable-dynamic-resource-allocation enable-proactive-scaleup enable-provisioning-requests fastpath-binpacking-enabled force-delete-failed-nodes
force-delete-unregistered-nodes force-ds frequent-loops-enabled ignore-mirror-pods-utilization log-json-split-stream log-text-split-stream logtostderr max-node-skip-eval-time-tracker-enabled
node-removal-latency-tracking-enabled one-output parallel-scale-up profiling record-duplicated-events regional salvo-scale-up scale-down-delay-type-local scale-down-unready-enabled
scale-from-unschedulable scaleup-simulation-for-skipped-node-groups-enabled skip-headers skip-log-headers
`.trim().split(/\s+/))

/** Go's words for a value that isn't one. */
export class FlagError extends Error {}

type Setting = readonly [option: keyof AutoscalingOptions, type: 'duration' | 'int' | 'float' | 'bool' | 'string' | 'seconds' | 'expander']
const SETTINGS: Readonly<Record<string, Setting>> = {
  'scan-interval': ['scanIntervalMs', 'duration'], expander: ['expander', 'expander'], 'max-nodes-total': ['maxNodesTotal', 'int'], 'scale-down-enabled': ['scaleDownEnabled', 'bool'],
  'scale-down-delay-after-add': ['scaleDownDelayAfterAddMs', 'duration'], 'scale-down-delay-after-delete': ['scaleDownDelayAfterDeleteMs', 'duration'], 'scale-down-delay-after-failure': ['scaleDownDelayAfterFailureMs', 'duration'],
  'scale-down-unneeded-time': ['scaleDownUnneededTimeMs', 'duration'], 'scale-down-unready-time': ['scaleDownUnreadyTimeMs', 'duration'], 'scale-down-utilization-threshold': ['scaleDownUtilizationThreshold', 'float'],
  'skip-nodes-with-system-pods': ['skipNodesWithSystemPods', 'bool'], 'skip-nodes-with-local-storage': ['skipNodesWithLocalStorage', 'bool'], 'skip-nodes-with-custom-controller-pods': ['skipNodesWithCustomControllerPods', 'bool'],
  'ignore-daemonsets-utilization': ['ignoreDaemonSetsUtilization', 'bool'], 'enforce-node-group-min-size': ['enforceNodeGroupMinSize', 'bool'], 'cordon-node-before-terminating': ['cordonNodeBeforeTerminating', 'bool'],
  'max-node-provision-time': ['maxNodeProvisionTimeMs', 'duration'], 'max-graceful-termination-sec': ['maxGracefulTerminationMs', 'seconds'], 'max-scale-down-parallelism': ['maxScaleDownParallelism', 'int'], 'max-drain-parallelism': ['maxDrainParallelism', 'int'],
  'max-pod-eviction-time': ['maxPodEvictionTimeMs', 'duration'], 'node-delete-delay-after-taint': ['nodeDeleteDelayAfterTaintMs', 'duration'], 'new-pod-scale-up-delay': ['newPodScaleUpDelayMs', 'duration'],
  'expendable-pods-priority-cutoff': ['expendablePodsPriorityCutoff', 'int'], 'scale-up-from-zero': ['scaleUpFromZero', 'bool'], 'blocking-system-pod-distruption-timeout': ['systemPodsBlockMs', 'duration'], namespace: ['namespace', 'string'], 'status-config-map-name': ['statusConfigMapName', 'string'], 'write-status-configmap': ['writeStatusConfigMap', 'bool'],
}

/** Reads a command line. @throws FlagError in pflag's words */
export function autoscalerFlags(args: readonly string[]): AutoscalerFlags {
  const options: Record<string, unknown> = { ...DEFAULT_OPTIONS }
  const flags: AutoscalerFlags = { options: options as unknown as AutoscalingOptions, verbosity: 0, address: ':8085', cloudProvider: 'gce', nodes: [], autoDiscovery: [], leaderElect: true, leaseDurationMs: 15_000, leaseName: 'cluster-autoscaler' }
  const nodes: string[] = []
  const autoDiscovery: string[] = []
  for (let i = 0; i < args.length; i++) {
    const match = /^--?([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(args[i]!)
    if (!match) throw new FlagError(`unknown command ${JSON.stringify(args[i])} for "cluster-autoscaler"`)
    const name = match[1]!.replaceAll('_', '-')
    const setting = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined
    const isBoolean = setting?.[1] === 'bool' || name === 'leader-elect' || IGNORED_BOOLEANS.has(name)
    if (!setting && !IGNORED.has(name) && !IGNORED_BOOLEANS.has(name) && !OWN.has(name)) throw new FlagError(`unknown flag: --${name}`)
    const value = match[2] ?? (isBoolean ? 'true' : args[++i])
    if (value === undefined) throw new FlagError(`flag needs an argument: --${name}`)
    if (setting) options[setting[0]] = parse(name, setting[1], value)
    else if (name === 'v') flags.verbosity = parse(name, 'int', value) as number
    else if (name === 'address') flags.address = value
    else if (name === 'cloud-provider') flags.cloudProvider = value
    else if (name === 'nodes') nodes.push(value)
    else if (name === 'node-group-auto-discovery') autoDiscovery.push(value)
    else if (name === 'leader-elect') flags.leaderElect = parse(name, 'bool', value) as boolean
    else if (name === 'leader-elect-lease-duration') flags.leaseDurationMs = parse(name, 'duration', value) as number
    else if (name === 'leader-elect-resource-name') flags.leaseName = value
  }
  return { ...flags, nodes, autoDiscovery }
}

const OWN = new Set(['v', 'address', 'cloud-provider', 'nodes', 'node-group-auto-discovery', 'leader-elect', 'leader-elect-lease-duration', 'leader-elect-resource-name', 'leader-elect-resource-namespace'])

function parse(name: string, type: Setting[1], text: string): unknown {
  const bad = (why: string) => new FlagError(`invalid argument ${JSON.stringify(text)} for "--${name}" flag: ${why}`)
  switch (type) {
    case 'string': return text
    case 'bool': if (!/^(?:true|false|1|0|t|f|T|F|TRUE|FALSE|True|False)$/.test(text)) throw bad(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`); return /^(?:1|t)/i.test(text)
    case 'int': case 'seconds': if (!/^-?\d+$/.test(text)) throw bad(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`); return Number(text) * (type === 'seconds' ? 1_000 : 1)
    case 'float': if (text.trim() === '' || Number.isNaN(Number(text))) throw bad(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`); return Number(text)
    case 'duration': return durationMs(text, bad)
    case 'expander': {
      const names = text.split(',')
      const unknown = names.find((each) => !EXPANDERS.includes(each))
      if (unknown !== undefined) throw new FlagError(unknown === 'price' || unknown === 'grpc' ? `the expander ${unknown} is not available in Drydock` : `Expander ${unknown} not supported`)
      return names as Expander[]
    }
  }
}

/** A duration of Go, in milliseconds. */
function durationMs(text: string, bad: (why: string) => FlagError): number {
  const ms = parseGoDuration(text)
  if (ms === undefined) throw bad(/^[\d.]+$/.test(text) ? `time: missing unit in duration ${JSON.stringify(text)}` : `time: invalid duration ${JSON.stringify(text)}`)
  return ms
}
