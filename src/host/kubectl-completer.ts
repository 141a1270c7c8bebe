import { allFlags, rootCommand } from '../cli/kubectl/command.ts'
import type { CommandSpec } from '../cli/kubectl/command.ts'
import type { Completer, Completion } from '../unix/shell/completer.ts'
import { linesOf, plain } from './completion-words.ts'

/** Commands whose first argument is the name of one fixed type. */
const FIXED_TYPE: Readonly<Record<string, string>> = {
  'kubectl logs': 'pods', 'kubectl exec': 'pods', 'kubectl attach': 'pods', 'kubectl port-forward': 'pods', 'kubectl debug': 'pods', 'kubectl top pod': 'pods', 'kubectl top node': 'nodes',
  'kubectl cordon': 'nodes', 'kubectl uncordon': 'nodes', 'kubectl drain': 'nodes', 'kubectl certificate approve': 'certificatesigningrequests', 'kubectl certificate deny': 'certificatesigningrequests',
}
/** Commands whose arguments are a type and then names of it. */
const TYPE_AND_NAMES = /^kubectl (?:get|describe|delete|edit|label|annotate|patch|scale|autoscale|expose|wait|taint|rollout \w+|set \w+|events)$/
const OUTPUTS = ['json', 'yaml', 'name', 'wide', 'jsonpath=', 'custom-columns=', 'go-template=']

/** Completes kubectl's commands, flags, types and the names of objects, for whoever types `kubectl` or an alias of it. */
export const kubectlCompleter: Completer = async ({ words, line, cursor, shell }) => {
  const command = shell.state.aliases.get(words[0]!)?.trim() ?? words[0]!
  if (command !== 'kubectl') return undefined
  const typed = words.slice(1, -1)
  const inline = /^--([\w-]+)=/.exec(words.at(-1)!)
  if (inline) {
    // The value after `--flag=` is completed as if it stood alone.
    const values = await kubectlCompleter({ words: [...words.slice(0, -1), `--${inline[1]}`, words.at(-1)!.slice(inline[0].length)], line, cursor, shell })
    return values?.map((each) => ({ ...each, value: inline[0] + each.value, label: each.label ?? each.value }))
  }
  const word = words.at(-1)!
  const { spec, positional, context, awaiting } = understand(typed)
  const ask = (...argv: string[]) => linesOf(shell, ['kubectl', ...argv, ...context])
  const named = async (type: string, prefix = '') => plain((await ask('get', type, '-o', 'name')).map((line) => prefix + line.slice(line.indexOf('/') + 1)))

  if (awaiting) {
    switch (awaiting) {
      case 'namespace': return named('namespaces')
      case 'output': return OUTPUTS.map((value) => ({ value, ...(value.endsWith('=') ? { partial: true } : {}) }))
      case 'context': return plain(await ask('config', 'get-contexts', '-o', 'name'))
      case 'container': {
        const pod = positional[0]
        return pod ? plain((await ask('get', 'pod', pod.replace(/^pods?\//, ''), '-o', 'jsonpath={range .spec.initContainers[*]}{.name}{"\\n"}{end}{range .spec.containers[*]}{.name}{"\\n"}{end}'))) : []
      }
      case 'dry-run': return plain(['none', 'client', 'server'])
      default: return undefined
    }
  }
  if (word.startsWith('-')) {
    return allFlags(spec).filter((flag) => !flag.hidden && !flag.deprecated).map((flag): Completion => flag.noOptionText === '' ? { value: `--${flag.name}=`, partial: true } : { value: `--${flag.name}` })
  }
  if (spec.children.length > 0 && positional.length === 0) return plain(spec.children.map((child) => child.name))
  const fixed = FIXED_TYPE[spec.path]
  if (fixed) return positional.length === 0 ? named(fixed) : spec.path === 'kubectl exec' ? undefined : []
  if (spec.path === 'kubectl config use-context') return plain(await ask('config', 'get-contexts', '-o', 'name'))
  if (spec.path === 'kubectl explain') return positional.length === 0 ? plain(await ask('api-resources', '-o', 'name')) : []
  if (TYPE_AND_NAMES.test(spec.path)) {
    const slash = word.indexOf('/')
    if (slash > 0) return named(word.slice(0, slash), word.slice(0, slash + 1))
    if (positional.length === 0) return plain(await ask('api-resources', '--verbs=list', '-o', 'name'))
    return positional[0]!.includes('/') ? [] : named(positional[0]!)
  }
  return undefined
}

/** What stands before the cursor: the command, its arguments, flags that say where to look, and the flag that waits for its value. */
function understand(typed: readonly string[]): { spec: CommandSpec; positional: string[]; context: string[]; awaiting: string | undefined } {
  let spec = rootCommand()
  const positional: string[] = []
  const context: string[] = []
  let awaiting: string | undefined
  for (const word of typed) {
    if (awaiting) {
      if (['namespace', 'context', 'kubeconfig', 'cluster', 'user', 'as'].includes(awaiting)) context.push(`--${awaiting}=${word}`)
      awaiting = undefined
    } else if (word.startsWith('-') && word !== '-') {
      const [name, value] = word.replace(/^--?/, '').split(/=(.*)/s, 2)
      const flag = allFlags(spec).find((each) => word.startsWith('--') ? each.name === name : each.short === name)
      if (!flag) continue
      if (value === undefined && flag.noOptionText === '') awaiting = flag.name
      else if (flag.name === 'namespace') context.push(`--namespace=${value}`)
    } else {
      const child = positional.length === 0 ? spec.children.find((each) => each.name === word || each.aliases.includes(word)) : undefined
      if (child) spec = child
      else positional.push(word)
    }
  }
  return { spec, positional, context, awaiting }
}
