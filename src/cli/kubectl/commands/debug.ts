import { thaw } from '../../../base/freeze.ts'
import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { applyStrategicMergePatch } from '../../../cluster/kinds/patch/strategic-merge-patch.ts'
import { createTwoWayMergePatch } from '../../../cluster/kinds/patch/create-three-way-patch.ts'
import { StatusError } from '../../../cluster/kinds/status-error.ts'
import { parseYaml } from '../../yaml.ts'
import { debugProfile } from '../debug/profiles.ts'
import type { DebugDraft, DebugProfile, DebugStyle } from '../debug/profiles.ts'
import { CommandExit } from '../errors.ts'
import { unixText } from '../factory.ts'
import type { Factory } from '../factory.ts'
import { isImageReference } from '../image-reference.ts'
import { asPod } from '../pods.ts'
import type { ContainerSpec, PodObject } from '../pods.ts'
import { findResources } from '../resources.ts'
import { untilObject } from '../watching.ts'
import { warn } from './delete.ts'
import { attachTo } from './exec.ts'
import type { CommandHandler, Invocation } from './handler.ts'
import { consume } from './logs.ts'

const CONTAINER_SCHEMA = 'io.k8s.api.core.v1.Container'
const POD_SCHEMA = 'io.k8s.api.core.v1.Pod'

/** One debugging session, as the flags describe it. */
interface DebugPlan {
  inv: Invocation
  targets: string[]
  words: string[]
  env: { name: string; value: string }[]
  setImages: Record<string, string>
  attach: boolean
  profile: DebugProfile
  custom: Record<string, any> | undefined
}

// k8s: kubectl/pkg/cmd/debug DebugOptions
export const debug: CommandHandler = async (inv) => {
  const { f, flags, args, argsBeforeDash } = inv
  // Where the command works is settled before anything else of it is looked at.
  const { namespace, explicit } = f.namespace()
  const split = argsBeforeDash >= 0 && args.length > argsBeforeDash
  const plan: DebugPlan = {
    inv, targets: split ? args.slice(0, argsBeforeDash) : args, words: split ? args.slice(argsBeforeDash) : [],
    env: Object.entries(flags.map('env')).map(([name, value]) => ({ name, value })), setImages: flags.map('set-image'),
    attach: flags.changed('attach') ? flags.bool('attach') : flags.bool('stdin'), profile: debugProfile(flags.str('profile')), custom: readCustomProfile(f),
  }
  f.rest()
  validate(plan)
  const result = await findResources(f, {
    args: plan.targets.map((t) => t.includes('/') ? t : `pods/${t}`), filenames: flags.list('filename'), namespace, enforceNamespace: explicit, latest: flags.list('filename').length > 0,
  })
  await result.visit(async (info) => {
    let made: { pod: KubeObject; container: string }
    if (info.mapping.kind === 'Node' && info.mapping.group === '') made = await debugNode(plan, info.object!)
    else if (info.mapping.kind === 'Pod' && info.mapping.group === '') made = flags.str('copy-to') ? await debugCopy(plan, info.object!) : await debugEphemeral(plan, info.object!)
    else throw new Error(`${JSON.stringify(`${info.mapping.group ? `${info.mapping.group}/` : '/'}${info.mapping.version}, Kind=${info.mapping.kind}`)} not supported by debug`)
    if (plan.attach && made.container) await attachWhenRunning(plan, made.pod, made.container)
  })
}

function readCustomProfile(f: Factory): Record<string, any> | undefined {
  const file = f.flags.str('custom')
  if (!file) return undefined
  let text: string
  try {
    text = f.proc.fs.readText(f.proc.resolve(file))
  } catch (error) {
    throw new Error(`must pass a container spec json file for custom profile: open ${file}: ${unixText(error)}`)
  }
  try {
    return (parseYaml(text) ?? {}) as Record<string, any>
  } catch (error) {
    throw new Error(`${file} does not contain a valid container spec: ${(error as Error).message}`)
  }
}

function validate({ inv: { flags, out, err }, targets, words, setImages, attach, custom }: DebugPlan): void {
  const image = flags.str('image')
  const copyTo = flags.str('copy-to')
  if (attach && flags.changed('attach') && !image && !flags.str('container')) throw new Error('you must specify --container or create a new container using --image in order to attach.')
  if (copyTo) {
    if (!image && Object.keys(setImages).length === 0 && words.length === 0) throw new Error('you must specify --image, --set-image or command arguments.')
    if (words.length > 0 && !flags.str('container') && !image) throw new Error('you must specify an existing container or a new image when specifying args.')
  } else {
    if (flags.bool('replace')) throw new Error('--replace may only be used with --copy-to.')
    if (flags.bool('same-node')) throw new Error('--same-node may only be used with --copy-to.')
    if (Object.keys(setImages).length > 0) throw new Error('--set-image may only be used with --copy-to.')
    if (!image) throw new Error('you must specify --image when not using --copy-to.')
  }
  if (image && !isImageReference(image)) throw new Error(`invalid image name ${JSON.stringify(image)}: invalid reference format`)
  if (targets.length === 0 && flags.list('filename').length === 0) throw new Error('NAME or filename is required for debug')
  const policy = flags.str('image-pull-policy')
  if (!['', 'Always', 'IfNotPresent', 'Never'].includes(policy)) throw new Error(`invalid image pull policy: ${policy}`)
  for (const [name, text] of Object.entries(setImages)) if (!isImageReference(text)) throw new Error(`invalid image name ${JSON.stringify(text)} for container ${JSON.stringify(name)}: invalid reference format`)
  const target = flags.str('target')
  if (target) {
    if (copyTo) throw new Error('--target is incompatible with --copy-to. Use --share-processes instead.')
    if (!flags.bool('quiet')) void out(`Targeting container ${JSON.stringify(target)}. If you don't see processes from this container it may be because the container runtime doesn't support this feature.\n`)
  }
  if (flags.bool('tty') && !flags.bool('stdin')) throw new Error('-i/--stdin is required for containers with -t/--tty=true')
  if (custom && (custom['name'] || custom['command']?.length || custom['image'] || custom['lifecycle'] || custom['volumeDevices']?.length))
    throw new Error('name, command, image, lifecycle and volume devices are not modifiable via custom profile')
  if (flags.str('profile') === 'legacy') void err('--profile=legacy is deprecated and planned to be removed in v1.39. It is recommended to specify other profile, for example "--profile=general".\n')
}

const everyContainer = (pod: DebugDraft): ContainerSpec[] => [...pod.spec.containers, ...(pod.spec.initContainers ?? []), ...(pod.spec.ephemeralContainers ?? [])]

/** --container, or a name that is free. */
function containerName({ inv: { f, flags, out } }: DebugPlan, pod: DebugDraft): string {
  if (flags.str('container')) return flags.str('container')
  const taken = new Set(everyContainer(pod).map((c) => c.name))
  let name = ''
  do name = `debugger-${f.proc.random.suffix(5)}`
  while (taken.has(name))
  if (!flags.bool('quiet')) void out(`Defaulting debug container name to ${name}.\n`)
  return name
}

/** The container that a debugging pod or an ephemeral container is made of. */
function newContainer({ inv: { flags }, words, env }: DebugPlan, name: string): ContainerSpec {
  return {
    name, image: flags.str('image'), resources: {}, terminationMessagePolicy: 'File', ...(words.length > 0 ? { [flags.bool('arguments-only') ? 'args' : 'command']: words } : {}),
    ...(env.length > 0 ? { env } : {}), ...(flags.str('image-pull-policy') ? { imagePullPolicy: flags.str('image-pull-policy') } : {}),
    ...(flags.bool('stdin') ? { stdin: true } : {}), ...(flags.bool('tty') ? { tty: true } : {}),
  }
}

function applyProfile({ inv: { flags }, profile, custom }: DebugPlan, pod: DebugDraft, list: ContainerSpec[], name: string, style: DebugStyle): void {
  const container = everyContainer(pod).find((c) => c.name === name)!
  profile(pod, container, style, {
    labels: flags.bool('keep-labels'), annotations: flags.bool('keep-annotations'), liveness: flags.bool('keep-liveness'), readiness: flags.bool('keep-readiness'), startup: flags.bool('keep-startup'),
    initContainers: flags.bool('keep-init-containers'),
  })
  if (!custom) return
  const at = list.findIndex((c) => c.name === name)
  if (at < 0) throw new Error(`unable to find the ${name} container in the pod ${String(pod.metadata['name'])}`)
  list[at] = thaw(applyStrategicMergePatch(CONTAINER_SCHEMA, list[at]!, { ...custom, name })) as ContainerSpec
}

function warnAboutNonRoot({ inv: { err } }: DebugPlan, container: ContainerSpec | undefined, pod: DebugDraft): void {
  const user = (pod.spec['securityContext'] as { runAsUser?: number } | undefined)?.runAsUser
  const context = container?.['securityContext']
  if (!context || !user || context.runAsUser === 0 || (!context.privileged && !context.capabilities?.add?.length)) return
  void err('Warning: Non-root user is configured for the entire target Pod, and some capabilities granted by debug profile may not work. Please consider using "--custom" with a custom profile that specifies "securityContext.runAsUser: 0".\n')
}

async function debugNode(plan: DebugPlan, node: KubeObject): Promise<{ pod: KubeObject; container: string }> {
  const { inv: { f, flags, out } } = plan
  const container = flags.str('container') || 'debugger'
  const name = `node-debugger-${node.metadata.name}-${f.proc.random.suffix(5)}`
  if (!flags.bool('quiet')) void out(`Creating debugging pod ${name} with container ${container} on node ${node.metadata.name}.\n`)
  const draft: DebugDraft = {
    metadata: { name, labels: { 'app.kubernetes.io/managed-by': 'kubectl-debug' } },
    spec: { containers: [newContainer(plan, container)], nodeName: node.metadata.name, restartPolicy: 'Never', tolerations: [{ operator: 'Exists' }] },
  }
  applyProfile(plan, draft, draft.spec.containers, container, 'node')
  const { namespace } = f.namespace()
  return { pod: await f.rest().json('POST', `/api/v1/namespaces/${namespace}/pods`, { body: { apiVersion: 'v1', kind: 'Pod', ...draft } }), container }
}

async function debugEphemeral(plan: DebugPlan, pod: KubeObject): Promise<{ pod: KubeObject; container: string }> {
  const { inv: { f, flags } } = plan
  const draft = thaw(pod) as unknown as DebugDraft
  const name = containerName(plan, draft)
  const list = draft.spec.ephemeralContainers = [...(draft.spec.ephemeralContainers ?? []), { ...newContainer(plan, name), ...(flags.str('target') ? { targetContainerName: flags.str('target') } : {}) }]
  applyProfile(plan, draft, list, name, 'ephemeral')
  warnAboutNonRoot(plan, list.find((c) => c.name === name), draft)
  try {
    return {
      container: name,
      pod: await f.rest().json<KubeObject>('PATCH', `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}/ephemeralcontainers`, {
        body: createTwoWayMergePatch(POD_SCHEMA, pod, draft), contentType: 'application/strategic-merge-patch+json',
      }),
    }
  } catch (error) {
    if (error instanceof StatusError && error.reason === 'NotFound' && !error.status.details?.name) throw new Error(`ephemeral containers are disabled for this cluster (error from server: ${JSON.stringify(error.message)})`)
    throw error
  }
}

async function debugCopy(plan: DebugPlan, pod: KubeObject): Promise<{ pod: KubeObject; container: string }> {
  const { inv: { f, flags } } = plan
  const { draft, name } = copyWithContainer(plan, pod)
  warnAboutNonRoot(plan, draft.spec.containers.find((c) => c.name === name), draft)
  const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods`
  const created = await f.rest().json<KubeObject>('POST', path, { body: { apiVersion: 'v1', kind: 'Pod', ...draft } })
  if (flags.bool('replace')) await f.rest().json('DELETE', `${path}/${pod.metadata.name}`, { body: { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 } })
  return { pod: created, container: name }
}

/** k8s: DebugOptions.generatePodCopyWithDebugContainer */
function copyWithContainer(plan: DebugPlan, pod: KubeObject): { draft: DebugDraft; name: string } {
  const { inv: { flags }, words, env, setImages } = plan
  const original = thaw(pod)
  const draft: DebugDraft = {
    metadata: {
      name: flags.str('copy-to'), namespace: pod.metadata.namespace,
      ...(original.metadata.annotations ? { annotations: original.metadata.annotations } : {}), ...(original.metadata.labels ? { labels: original.metadata.labels } : {}),
    },
    spec: original['spec'] as DebugDraft['spec'],
  }
  delete draft.spec.ephemeralContainers
  if (flags.changed('share-processes')) draft.spec['shareProcessNamespace'] = flags.bool('share-processes')
  if (!flags.bool('same-node')) delete draft.spec['nodeName']
  for (const container of draft.spec.containers) {
    const image = setImages[container.name] ?? setImages['*']
    if (image) container.image = image
  }
  let name = flags.str('container')
  let container = everyContainer(draft).find((c) => c.name === name)
  if (!container) {
    if (!flags.str('image')) {
      if (Object.keys(setImages).length > 0) return { draft, name: '' }
      throw new Error('you must specify image when creating new container')
    }
    name ||= containerName(plan, draft)
    container = { name, resources: {}, terminationMessagePolicy: 'File' }
    draft.spec.containers.push(container)
  }
  if (words.length > 0) {
    if (flags.bool('arguments-only')) container['args'] = words
    else { container['command'] = words; delete container['args'] }
  }
  if (env.length > 0) container['env'] = env
  if (flags.str('image')) container.image = flags.str('image')
  if (flags.str('image-pull-policy')) container['imagePullPolicy'] = flags.str('image-pull-policy')
  for (const name of ['stdin', 'tty']) {
    if (flags.bool(name)) container[name] = true
    else delete container[name]
  }
  applyProfile(plan, draft, draft.spec.containers, name, 'copy')
  return { draft, name }
}

/** k8s: DebugOptions.waitForContainer, handleAttachPod */
async function attachWhenRunning({ inv: { f, flags, out } }: DebugPlan, made: KubeObject, container: string): Promise<void> {
  const ref = { mapping: (await f.mapper()).mappingFor('pods'), namespace: made.metadata.namespace!, name: made.metadata.name! }
  const quiet = flags.bool('quiet')
  const found = await untilObject(f, ref, 0, (pod, deleted) => {
    if (deleted) throw new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'NotFound', code: 404, message: 'pods "" not found' })
    const state = statusOf(pod, container)?.state
    if (state?.running || state?.terminated) return true
    if (!quiet && state?.waiting?.message) warn(f, `container ${container}: ${state.waiting.message}`)
    return false
  })
  const pod: PodObject = asPod(found!)
  const logs = () => consume(f, { pod, container }, {}, false, out)
  if (statusOf(pod, container).state.terminated) return logs()
  try {
    await attachTo(f, pod, { container, stdin: flags.bool('stdin'), tty: flags.bool('tty'), quiet })
  } catch (error) {
    if (error instanceof CommandExit) throw error
    void f.io.err(`warning: couldn't attach to pod/${ref.name}, falling back to streaming logs: ${(error as Error).message}\n`)
    await logs()
  }
}

function statusOf(pod: KubeObject | undefined, container: string): any {
  const status = pod?.['status'] ?? {}
  return [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? []), ...(status.ephemeralContainerStatuses ?? [])].find((s: any) => s.name === container)
}
