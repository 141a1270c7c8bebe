/** Kubectl's groups of commands, in its order. */
export const GROUPS: readonly (readonly [string, readonly string[]])[] = [
  ['Basic Commands (Beginner):', ['create', 'expose', 'run', 'set']],
  ['Basic Commands (Intermediate):', ['explain', 'get', 'edit', 'delete']],
  ['Deploy Commands:', ['rollout', 'scale', 'autoscale']],
  ['Cluster Management Commands:', ['certificate', 'cluster-info', 'top', 'cordon', 'uncordon', 'drain', 'taint']],
  ['Troubleshooting and Debugging Commands:', ['describe', 'logs', 'attach', 'exec', 'port-forward', 'proxy', 'cp', 'auth', 'debug', 'events']],
  ['Advanced Commands:', ['diff', 'apply', 'patch', 'replace', 'wait', 'kustomize']],
  ['Settings Commands:', ['label', 'annotate', 'completion']],
  ['Other Commands:', ['api-resources', 'api-versions', 'config', 'kuberc', 'plugin', 'version']],
]

/** One line about a command. */
export function shortHelp(path: string): string {
  return SHORT[path.replace(/^kubectl ?/, '')] ?? ''
}

export function longHelp(path: string): { long: string; examples: readonly string[] } {
  const key = path.replace(/^kubectl ?/, '')
  if (key === '') return { long: 'kubectl controls the Kubernetes cluster manager.\n\n Find more information at: https://kubernetes.io/docs/reference/kubectl/', examples: [] }
  return { long: LONG[key] ?? `${SHORT[key] ?? key}.`, examples: EXAMPLES[key] ?? [] }
}

export function flagUsage(name: string): string {
  return FLAGS[name] ?? ''
}

const SHORT: Record<string, string> = {}
const LONG: Record<string, string> = {}
const EXAMPLES: Record<string, readonly string[]> = {}
const FLAGS: Record<string, string> = {}
