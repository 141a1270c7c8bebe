import { LONG_TEXTS, SHORT_TEXTS } from './help/commands.ts'
import { EXAMPLES } from './help/examples.ts'
import { FLAG_TEXTS, FLAG_TEXTS_OF } from './help/flags.ts'

/** Kubectl's groups of commands, in its order. */
export const GROUPS: readonly (readonly [string, readonly string[]])[] = [
  ['Basic Commands (Beginner):', ['create', 'expose', 'run', 'set']],
  ['Basic Commands (Intermediate):', ['explain', 'get', 'edit', 'delete']],
  ['Deploy Commands:', ['rollout', 'scale', 'autoscale']],
  ['Cluster Management Commands:', ['certificate', 'cluster-info', 'top', 'cordon', 'uncordon', 'drain', 'taint']],
  ['Troubleshooting and Debugging Commands:', ['describe', 'logs', 'attach', 'exec', 'port-forward', 'proxy', 'cp', 'auth', 'debug', 'events']],
  ['Advanced Commands:', ['diff', 'apply', 'patch', 'replace', 'wait', 'kustomize']],
  ['Settings Commands:', ['label', 'annotate', 'completion']],
  ['Subcommands provided by plugins:', []],
  ['Other Commands:', ['api-resources', 'api-versions', 'config', 'kuberc', 'plugin', 'version']],
]


/** A command's words behind `kubectl`. */
const keyOf = (path: string) => path.replace(/^kubectl ?/, '')

/** One line about a command. */
export function shortHelp(path: string): string {
  return SHORT_TEXTS[keyOf(path)] ?? ''
}

/** What is said of a command at length, and its examples, line by line. */
export function longHelp(path: string): { long: string; examples: readonly string[] } {
  const key = keyOf(path)
  if (key === '') return { long: 'kubectl controls the Kubernetes cluster manager.\n\n Find more information at: https://kubernetes.io/docs/reference/kubectl/', examples: [] }
  return { long: LONG_TEXTS[key] ?? `${SHORT_TEXTS[key] ?? key}.`, examples: EXAMPLES[key]?.slice(1).split('\n') ?? [] }
}

/** What a flag does for a command. */
export function flagUsage(path: string, name: string): string {
  return FLAG_TEXTS_OF[keyOf(path)]?.[name] ?? FLAG_TEXTS[name] ?? ''
}
