import type { CommandSpec } from './command.ts'
import { groupResource, resourcePath } from './discovery.ts'
import type { Factory } from './factory.ts'
import type { FlagSpec } from './flags.ts'
import { attachablePod, podOrOwner } from './pods.ts'
import { GET_FORMATS } from './print.ts'
import { Directive } from '../completion-script.ts'
import type { CompletionAnswer } from '../completion-script.ts'
import type { KubeObject } from '../../cluster/kinds/object.ts'

/** Proposes arguments of a command. */
type ArgumentFunction = (f: Factory, args: readonly string[], current: string) => Promise<CompletionAnswer>

const names = (candidates: readonly string[], directive: number = Directive.noFileComp): CompletionAnswer => ({ candidates, directive })
const startingWith = (values: Iterable<string>, current: string) => [...values].filter((value) => value.startsWith(current))

/** Names of all objects of a type. k8s: kubectl util/completion CompGetResource */
async function namesOf(f: Factory, type: string, current: string, namespace = f.namespace().namespace): Promise<string[]> {
  return startingWith((await objectsOf(f, type, namespace)).map(({ metadata }) => metadata.name!), current)
}

/** Of a type, or of several with commas between them; nothing for a type that there isn't. */
async function objectsOf(f: Factory, types: string, namespace: string): Promise<readonly KubeObject[]> {
  try {
    const mapper = await f.mapper()
    const lists = types.split(',').map(async (type) => {
      const mapping = mapper.mappingFor(type)
      return (await f.rest().list(resourcePath(mapping, mapping.namespaced ? namespace : ''))).items
    })
    return (await Promise.all(lists)).flat()
  } catch {
    return []
  }
}

/** The last one of a list of types. k8s: compGetResourceList, which is `api-resources -o name --cached --verbs=get` */
async function typeNames(f: Factory, current: string): Promise<string[]> {
  const at = current.lastIndexOf(',') + 1
  const order = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0
  let resources
  try {
    resources = [...(await f.mapper()).resources()]
  } catch {
    return []
  }
  const all = resources.filter(({ verbs, resource }) => verbs.includes('get') && !resource.includes('/')).sort((a, b) => order(a.group, b.group) || order(a.resource, b.resource)).map(groupResource)
  return startingWith(new Set(all), current.slice(at)).map((type) => current.slice(0, at) + type)
}

/** A type and names, or TYPE/NAME. k8s: resourceTypeAndNameCompletionFunc */
const typeAndNames = (allowed: readonly string[] = [], repeat = true): ArgumentFunction => async (f, args, current) => {
  const types = () => allowed.length > 0 ? Promise.resolve(startingWith(allowed, current)) : typeNames(f, current)
  if (args.length > 0 && !args[0]!.includes('/')) {
    if (!repeat && args.length > 1) return names([])
    return names((await namesOf(f, args[0]!, current)).filter((name) => !args.slice(1).includes(name)))
  }
  const slash = current.indexOf('/')
  if (slash < 0) {
    if (args.length === 0) return names(await types())
    return repeat ? names((await types()).map((type) => `${type}/`), Directive.noFileComp | Directive.noSpace) : names([])
  }
  if (!repeat && args.length > 0) return names([])
  const type = current.slice(0, slash)
  return names((await namesOf(f, type, current.slice(slash + 1))).map((name) => `${type}/${name}`).filter((name) => !args.includes(name)))
}

/** k8s: ResourceNameCompletionFunc */
const firstName = (type: string): ArgumentFunction => async (f, args, current) => names(args.length === 0 ? await namesOf(f, type, current) : [])

const WITH_PODS = ['daemonsets', 'deployments', 'pods', 'jobs', 'replicasets', 'replicationcontrollers', 'services', 'statefulsets']

/** A pod, or something that has pods. k8s: doPodResourceCompletion */
async function podOrType(f: Factory, current: string): Promise<CompletionAnswer> {
  const slash = current.indexOf('/')
  if (slash >= 0) {
    const type = current.slice(0, slash)
    return names((await namesOf(f, type, current.slice(slash + 1))).map((name) => `${type}/${name}`))
  }
  const pods = await namesOf(f, 'pod', current)
  return names([...pods, ...startingWith(WITH_PODS, current).map((type) => `${type}/`)], pods.length > 0 ? Directive.noFileComp : Directive.noFileComp | Directive.noSpace)
}

/** k8s: convertResourceNameToPodName */
async function podNamed(f: Factory, name: string): Promise<KubeObject | undefined> {
  try {
    const object = await podOrOwner(f, name, f.namespace().namespace)
    return name.includes('/') ? await attachablePod(f, object, 100) as unknown as KubeObject : object
  } catch {
    return undefined
  }
}

/** k8s: CompGetContainers */
async function containersOf(f: Factory, pod: string, current: string): Promise<string[]> {
  const spec = (await podNamed(f, pod))?.['spec'] as { initContainers?: { name: string }[]; containers: { name: string }[] } | undefined
  return startingWith([...spec?.initContainers ?? [], ...spec?.containers ?? []].map(({ name }) => name), current)
}

/** A pod's or a Service's ports as LOCAL:REMOTE. k8s: CompGetPodContainerPorts, CompGetServicePorts */
async function portsOf(f: Factory, name: string, current: string): Promise<string[]> {
  const [type, service] = name.split('/') as [string, string?]
  let ports: number[]
  if (service !== undefined && ['service', 'services', 'svc'].includes(type)) {
    const found = (await objectsOf(f, 'services', f.namespace().namespace)).find(({ metadata }) => metadata.name === service)
    ports = ((found?.['spec'] as { ports?: { port: number }[] } | undefined)?.ports ?? []).map(({ port }) => port)
  } else {
    const spec = (await podNamed(f, name))?.['spec'] as { containers: { ports?: { containerPort: number }[] }[] } | undefined
    ports = (spec?.containers ?? []).flatMap(({ ports: own = [] }) => own.map(({ containerPort }) => containerPort))
  }
  const local = current.split(':')[0]!
  return startingWith(ports.map((port) => `${current === '' ? port : local}:${port}`), current)
}

/** Where a file is copied from: NAMESPACE/, POD: or a path of this machine. k8s: cmd/cp NewCmdCp */
const copySource: ArgumentFunction = async (f, args, current) => {
  if (args.length > 0 || /^[/.~]/.test(current) || current.includes(':')) return names([], Directive.noSpace)
  const slash = current.indexOf('/')
  if (slash > 0) {
    const pods = await objectsOf(f, 'pods', current.slice(0, slash))
    return names(startingWith(pods.map(({ metadata }) => `${metadata.namespace}/${metadata.name}:`), current), Directive.noSpace)
  }
  const candidates = [...(await namesOf(f, 'namespace', current)).map((name) => `${name}/`), ...(await namesOf(f, 'pod', current)).map((name) => `${name}:`)]
  if (current === '') candidates.push('./', '/')
  else if (candidates.length > 0) {
    const { fs, cwd } = f.proc
    candidates.push(...startingWith(fs.readdir(cwd), current).map((name) => fs.stat(f.proc.resolve(name)).type === 'directory' ? `${name}/` : name))
  }
  return names(candidates, Directive.noSpace)
}

const fromConfig = (part: 'contexts' | 'clusters' | 'users'): ArgumentFunction => async (f, args, current) => names(args.length === 0 ? startingWith(f.kubeconfig()[part].keys(), current) : [])

const WORKLOADS = ['deployment', 'daemonset', 'statefulset']
const SCALABLE = ['deployment', 'replicaset', 'replicationcontroller', 'statefulset']

/** The commands whose arguments are completed; the arguments of others are files or nothing that could be known. k8s: the commands' ValidArgsFunction */
const ARGUMENTS: Record<string, ArgumentFunction> = {
  ...Object.fromEntries(['get', 'debug', 'describe', 'delete', 'edit', 'label', 'annotate', 'patch', 'apply view-last-applied', 'apply edit-last-applied'].map((command) => [command, typeAndNames()])),
  ...Object.fromEntries(['rollout history', 'rollout undo', 'rollout restart'].map((command) => [command, typeAndNames(WORKLOADS)])),
  'rollout status': typeAndNames(WORKLOADS, false), 'rollout pause': typeAndNames(['deployment']), 'rollout resume': typeAndNames(['deployment']),
  scale: typeAndNames(SCALABLE), autoscale: typeAndNames(SCALABLE), taint: typeAndNames(['node']), expose: typeAndNames(['pod', 'service', 'replicationcontroller', 'deployment', 'replicaset']),
  'set image': typeAndNames(['daemonsets', 'deployments', 'pods', 'cronjobs', 'replicasets', 'replicationcontrollers', 'statefulsets'], false),
  cordon: firstName('node'), uncordon: firstName('node'), drain: firstName('node'), 'top node': firstName('node'), 'top pod': firstName('pod'), 'create token': firstName('serviceaccount'),
  exec: async (f, args, current) => args.length === 0 ? podOrType(f, current) : names([]),
  attach: async (f, args, current) => args.length === 0 ? podOrType(f, current) : names([]),
  logs: async (f, args, current) => args.length === 0 ? podOrType(f, current) : names(args.length === 1 ? await containersOf(f, args[0]!, current) : []),
  'port-forward': async (f, args, current) => args.length === 0 ? podOrType(f, current) : names(args.length === 1 ? await portsOf(f, args[0]!, current) : []),
  cp: copySource,
  ...Object.fromEntries(['use-context', 'set-context', 'rename-context', 'delete-context'].map((command) => [`config ${command}`, fromConfig('contexts')])),
  'config delete-cluster': fromConfig('clusters'), 'config delete-user': fromConfig('users'),
}

/** What an argument may be; undefined where kubectl has nothing to say about it. */
export async function argumentCompletions(f: Factory, spec: CommandSpec, args: readonly string[], current: string): Promise<CompletionAnswer | undefined> {
  return ARGUMENTS[spec.path.slice('kubectl '.length)]?.(f, args, current)
}

/** What a flag's value may be; undefined where kubectl has nothing to say about it. k8s: RegisterFlagCompletionFunc */
export async function flagValueCompletions(f: Factory, spec: CommandSpec, flag: FlagSpec, args: readonly string[], current: string): Promise<CompletionAnswer | undefined> {
  const command = spec.path.slice('kubectl '.length)
  // Some commands have flags of their own under the names of global ones; only the namespace of a context is completed there.
  const isGlobal = !spec.flags.includes(flag)
  if (flag.name === 'namespace' && (isGlobal || command === 'config set-context')) return names(await namesOf(f, 'namespace', current))
  if (isGlobal && flag.name === 'context') return fromConfig('contexts')(f, [], current)
  if (isGlobal && flag.name === 'cluster') return fromConfig('clusters')(f, [], current)
  if (isGlobal && flag.name === 'user') return fromConfig('users')(f, [], current)
  if (command === 'get' && flag.name === 'output') return names(startingWith(GET_FORMATS, current))
  if (flag.name === 'subresource' && command !== 'auth can-i') return names(['status', 'scale', 'resize'])
  if (command === 'exec' && flag.name === 'container') return names(args.length > 0 ? await containersOf(f, args[0]!, current) : [])
  if (command === 'create clusterrolebinding' && flag.name === 'clusterrole') return names(await namesOf(f, 'clusterrole', current))
  return undefined
}
