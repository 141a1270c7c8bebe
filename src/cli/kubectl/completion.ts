import type { Proc } from '../../unix/types.ts'
import { allFlags, childNamed, findCommand, rootCommand } from './command.ts'
import type { CommandSpec } from './command.ts'
import { groupResource, resourcePath } from './discovery.ts'
import type { ApiResource, RestMapper } from './discovery.ts'
import { Factory } from './factory.ts'
import { findFlag, FlagValues } from './flags.ts'
import type { FlagSpec } from './flags.ts'
import { createCommandIo } from './io.ts'
import { GET_FORMATS } from './print.ts'

/** What a word may become. */
export interface Candidate {
  value: string
  /** Shown in lists; the value by default. */
  label?: string
  /** More follows without a blank. */
  partial?: boolean
}

const OUTPUTS = GET_FORMATS.filter((x) => !x.startsWith('custom-columns') && x !== 'wide')
/** Values of flags that are words of a fixed list. */
const FLAG_WORDS: Record<string, readonly string[]> = {
  'dry-run': ['none', 'server', 'client'], cascade: ['background', 'orphan', 'foreground'], validate: ['strict', 'warn', 'ignore'], restart: ['Always', 'OnFailure', 'Never'], 'image-pull-policy': ['Always', 'IfNotPresent', 'Never'],
  subresource: ['resize', 'scale', 'status'],
}
/** Commands whose arguments are a type and names. */
const TYPE_AND_NAMES = new Set(['get', 'describe', 'delete', 'edit', 'label', 'annotate', 'patch', 'scale', 'autoscale', 'expose', 'wait', 'rollout status', 'rollout history', 'rollout undo', 'rollout pause', 'rollout resume', 'rollout restart',
  'set image', 'set env', 'set resources', 'set selector', 'set serviceaccount', 'set subject', 'apply view-last-applied', 'apply edit-last-applied'])
const WORKLOADS = ['deployments', 'daemonsets', 'statefulsets']
const ONLY_TYPES: Record<string, readonly string[]> = {
  'rollout status': WORKLOADS, 'rollout history': WORKLOADS, 'rollout undo': WORKLOADS, 'rollout restart': WORKLOADS, 'rollout pause': ['deployments'], 'rollout resume': ['deployments'],
  scale: ['deployments', 'replicasets', 'replicationcontrollers', 'statefulsets'], autoscale: ['deployments', 'replicasets', 'replicationcontrollers', 'statefulsets'], expose: ['pods', 'services', 'replicationcontrollers', 'deployments', 'replicasets'],
  'set image': ['pods', 'replicationcontrollers', 'deployments', 'daemonsets', 'statefulsets', 'cronjobs', 'replicasets'], taint: ['nodes'],
}
/** Commands whose first argument is a pod, or a type and name. */
const POD_FIRST = new Set(['logs', 'exec', 'attach', 'port-forward', 'debug'])

/**
 * Proposes what the last word may become: commands, flags and their values, types, names, namespaces, containers, contexts.
 * @param words the command line up to the cursor, `kubectl` first; the last word is being completed and may be empty
 * @returns undefined where file names are meant. Never rejects: a cluster that doesn't answer just has no names.
 */
export async function completeKubectl(words: readonly string[], proc: Proc): Promise<readonly Candidate[] | undefined> {
  const current = words.at(-1) ?? ''
  const before = words.slice(1, -1)
  const { spec, rest } = findCommand(before)
  const known = allFlags(spec)
  try {
    if (before.includes('--')) return undefined
    const assigned = /^(--[a-z-]+)=(.*)$/s.exec(current)
    if (assigned) return prefixed(await flagValues(findFlag(known, assigned[1]!.slice(2)), spec, assigned[2]!, before, proc), `${assigned[1]}=`)
    const pending = pendingFlag(known, before)
    if (pending) return flagValues(pending, spec, current, before, proc)
    if (current.startsWith('-')) return flagNames(known, current)
    const args = positionals(known, rest)
    if (spec.children.length > 0 && args.length === 0 && (spec === rootCommand() || !TYPE_AND_NAMES.has(spec.name)))
      return matching(spec.children.filter((c) => c.name !== 'options' || spec !== rootCommand()).map((c) => c.name), current)
    return await argumentsOf(spec, args, current, before, proc)
  } catch {
    return []
  }
}

const matching = (values: Iterable<string>, current: string): Candidate[] => [...new Set(values)].filter((v) => v.startsWith(current)).sort().map((value) => ({ value }))

function prefixed(candidates: readonly Candidate[] | undefined, prefix: string): readonly Candidate[] | undefined {
  return candidates?.map((c) => ({ ...c, value: prefix + c.value, label: c.label ?? c.value }))
}

/** The flag that the word before is still waiting with. */
function pendingFlag(known: readonly FlagSpec[], before: readonly string[]): FlagSpec | undefined {
  const last = before.at(-1)
  if (!last?.startsWith('-') || last === '-' || last.includes('=')) return undefined
  const flag = last.startsWith('--') ? findFlag(known, last.slice(2)) : known.find((f) => f.short === last.at(-1))
  return flag && !flag.noOptionText ? flag : undefined
}

function flagNames(known: readonly FlagSpec[], current: string): Candidate[] {
  if (!current.startsWith('--') && current !== '-') return []
  return known.filter((f) => !f.hidden && !f.deprecated && `--${f.name}`.startsWith(current)).map((f) => f.noOptionText ? { value: `--${f.name}` } : { value: `--${f.name}=`, partial: true })
    .sort((a, b) => a.value < b.value ? -1 : 1)
}

function positionals(known: readonly FlagSpec[], rest: readonly string[]): string[] {
  const out: string[] = []
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i]!
    if (!word.startsWith('-') || word === '-') { out.push(word); continue }
    if (word.includes('=')) continue
    const flag = word.startsWith('--') ? findFlag(known, word.slice(2)) : known.find((f) => f.short === word.at(-1))
    if (flag && !flag.noOptionText) i++
  }
  return out
}

/** A factory for questions on the side: what the command line says about cluster and namespace counts, and nothing is printed. */
function quietFactory(spec: CommandSpec, before: readonly string[], proc: Proc): Factory {
  const known = allFlags(spec)
  const flags = new FlagValues(known)
  for (let i = 0; i < before.length; i++) {
    const m = /^--([a-z-]+)(?:=(.*))?$/s.exec(before[i]!) ?? (/^-n$/.test(before[i]!) ? ['', 'namespace', undefined] : undefined)
    const flag = m && ['namespace', 'context', 'cluster', 'user', 'kubeconfig', 'server', 'token', 'as'].includes(m[1]!) ? findFlag(known, m[1]!) : undefined
    if (!flag) continue
    const value = m![2] ?? before[i + 1]
    if (value !== undefined) flags.set(flag, value)
  }
  const silent = { write: async () => {}, close() {} }
  return new Factory(proc, createCommandIo({ ...proc, stdout: silent, stderr: silent }), flags, spec)
}

async function flagValues(flag: FlagSpec | undefined, spec: CommandSpec, current: string, before: readonly string[], proc: Proc): Promise<readonly Candidate[] | undefined> {
  if (!flag) return []
  if (FLAG_WORDS[flag.name]) return matching(FLAG_WORDS[flag.name]!, current)
  const f = () => quietFactory(spec, before, proc)
  switch (flag.name) {
    case 'output': return matching(spec.name === 'get' ? GET_FORMATS : OUTPUTS, current)
    case 'namespace': return matching(await namesOf(f(), (await f().mapper()).mappingFor('namespaces')), current)
    case 'context': return matching(f().kubeconfig().contexts.keys(), current)
    case 'cluster': return matching(f().kubeconfig().clusters.keys(), current)
    case 'user': return matching(f().kubeconfig().users.keys(), current)
    case 'container': {
      const name = positionals(allFlags(spec), findCommand(before).rest)[0]
      if (!name) return []
      const { podOrOwner, allContainers, asPod } = await import('./pods.ts')
      const factory = f()
      const object = await podOrOwner(factory, name, factory.namespace().namespace)
      const template = object['spec']?.template
      return matching(allContainers(asPod(template ? { ...object, spec: template.spec } : object)).map((c) => c.container.name), current)
    }
    case 'filename': case 'kustomize': case 'kubeconfig': case 'patch-file': case 'from-file': case 'from-env-file': case 'certificate-authority': case 'client-certificate': case 'client-key': case 'cert': case 'key': return undefined
    default: return []
  }
}

async function namesOf(f: Factory, mapping: ApiResource): Promise<string[]> {
  const list = await f.rest().list(resourcePath(mapping, mapping.namespaced ? f.namespace().namespace : ''))
  return list.items.map((i) => i.metadata.name!)
}

function typesOf(mapper: RestMapper, only: readonly string[] | undefined): string[] {
  if (only) return [...only]
  // k8s: util/completion compGetResourceList, which is what api-resources -o name lists
  return [...new Set([...mapper.resources()].filter((r) => r.verbs.includes('list') || r.verbs.includes('get')).map(groupResource))]
}

async function argumentsOf(spec: CommandSpec, args: readonly string[], current: string, before: readonly string[], proc: Proc): Promise<readonly Candidate[] | undefined> {
  const command = spec.path.slice('kubectl '.length)
  const f = quietFactory(spec, before, proc)
  const types = async () => typesOf(await f.mapper(), ONLY_TYPES[command])
  const slashed = async (): Promise<readonly Candidate[]> => {
    const at = current.indexOf('/')
    const mapping = (await f.mapper()).mappingFor(current.slice(0, at))
    return matching((await namesOf(f, mapping)).map((n) => `${current.slice(0, at)}/${n}`), current)
  }
  if (TYPE_AND_NAMES.has(command) || command === 'taint') {
    if (current.includes('/')) return slashed()
    if (args.length === 0) {
      const at = current.lastIndexOf(',') + 1
      const candidates = matching(await types(), current.slice(at))
      return at > 0 ? candidates.map((c) => ({ value: current.slice(0, at) + c.value, label: c.value })) : candidates
    }
    if (args[0]!.includes('/')) return matching((await types()).map((t) => `${t}/`), current).map((c) => ({ ...c, partial: true }))
    const names = (await Promise.all(args[0]!.split(',').map(async (t) => namesOf(f, (await f.mapper()).mappingFor(t))))).flat()
    return matching(names.filter((n) => !args.slice(1).includes(n)), current)
  }
  if (POD_FIRST.has(command) && args.length === 0) {
    if (current.includes('/')) return slashed()
    const pods = await namesOf(f, (await f.mapper()).mappingFor('pods'))
    const owners = ['daemonsets', 'deployments', 'jobs', 'pods', 'replicasets', 'replicationcontrollers', 'services', 'statefulsets']
    return [...matching(pods, current), ...(current === '' ? [] : matching(owners.map((t) => `${t}/`), current).map((c) => ({ ...c, partial: true })))]
  }
  if (command === 'logs' && args.length === 1) return flagValues({ name: 'container' } as FlagSpec, spec, current, [...before], proc)
  if (command === 'explain') return matching(await types(), current)
  if (['cordon', 'uncordon', 'drain', 'top node'].includes(command)) return matching((await namesOf(f, (await f.mapper()).mappingFor('nodes'))).filter((n) => !args.includes(n)), current)
  if (command === 'top pod') return matching(await namesOf(f, (await f.mapper()).mappingFor('pods')), current)
  if (command.startsWith('certificate ')) return matching(await namesOf(f, (await f.mapper()).mappingFor('certificatesigningrequests')), current)
  if (['config use-context', 'config delete-context', 'config rename-context', 'config set-context', 'config get-contexts'].includes(command)) return matching(f.kubeconfig().contexts.keys(), current)
  if (command === 'config delete-cluster' || command === 'config set-cluster') return matching(f.kubeconfig().clusters.keys(), current)
  if (command === 'config delete-user' || command === 'config set-credentials') return matching(f.kubeconfig().users.keys(), current)
  if (command === 'completion') return matching(['bash', 'fish', 'powershell', 'zsh'], current)
  if (command === 'auth can-i') return args.length === 0 ? matching(['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'], current) : matching(await types(), current)
  if (command === 'create token') return matching(await namesOf(f, (await f.mapper()).mappingFor('serviceaccounts')), current)
  if (command === 'cp' || command === 'kustomize') return undefined
  return childNamed(spec, current) ? matching(spec.children.map((c) => c.name), current) : []
}
