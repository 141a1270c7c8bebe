import type { MetricFamily } from '../../../base/prometheus.ts'
import type { VersionInfo } from '../non-resource-handler.ts'

/** Of which version a component is. k8s: component-base/metrics/prometheus/version */
export function buildInfo(version: VersionInfo): MetricFamily {
  return {
    name: 'kubernetes_build_info', type: 'gauge', help: "[BETA] A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.",
    samples: [{ labels: { build_date: version['buildDate'] ?? '', compiler: version['compiler'] ?? '', git_commit: version['gitCommit'] ?? '', git_tree_state: version['gitTreeState'] ?? '', git_version: version['gitVersion'] ?? '', go_version: version['goVersion'] ?? '', major: version['major'] ?? '', minor: version['minor'] ?? '', platform: version['platform'] ?? '' }, value: 1 }],
  }
}

/** When a component's process began. */
export function startTime(startedMs: number): MetricFamily {
  return { name: 'process_start_time_seconds', type: 'gauge', help: 'Start time of the process since unix epoch in seconds.', samples: [{ value: startedMs / 1000 }] }
}
