import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { parseLabelSelector } from '../../../cluster/kinds/label-selector.ts'
import { labelKeyProblems, labelValueProblems } from '../../../cluster/kinds/names.ts'
import { StatusError } from '../../../cluster/kinds/status-error.ts'
import { usageError } from '../command.ts'
import { AggregateErrors, CommandExit, isNotFound, standardErrorMessage } from '../errors.ts'
import type { Factory } from '../factory.ts'
import { deleteOptions, warn } from './delete.ts'
import { dryRunOf, dryRunSuffix, printerFor } from '../print.ts'
import type { DryRun } from '../print.ts'
import { findResources } from '../resources.ts'
import type { Info } from '../resources.ts'
import { untilObject, WaitTimeout } from '../watching.ts'
import type { CommandHandler, Invocation } from './handler.ts'
import { resourcePath } from '../discovery.ts'

async function nodesOf(inv: Invocation): Promise<Info[]> {
  const { f, flags, args, spec } = inv
  if (args.length === 0 && !flags.str('selector')) throw usageError(spec, `USAGE: ${spec.use} [flags]`)
  if (args.length > 0 && flags.str('selector')) throw usageError(spec, 'error: cannot specify both a node name and a --selector option')
  const named = args.some((a) => a.includes('/'))
  const { infos, error } = await (await findResources(f, {
    args: named ? args : ['nodes', ...args], namespace: 'default', labelSelector: flags.str('selector') || undefined, chunkSize: flags.int('chunk-size'), flatten: true, continueOnError: true, singleResourceType: true,
  })).infos()
  if (error) throw error
  for (const info of infos) if (info.mapping.kind !== 'Node') throw new Error(`error: expected resource of type node, got ${JSON.stringify(info.mapping.kind)}`)
  return infos
}

async function setUnschedulable(inv: Invocation, infos: readonly Info[], desired: boolean, dryRun: DryRun): Promise<void> {
  const { f, out, err } = inv
  const word = desired ? 'cordoned' : 'uncordoned'
  for (const info of infos) {
    const print = (operation: string) => void out(printerFor(f, { operation: `${operation}${dryRunSuffix(dryRun)}` })(info.object!))
    if (Boolean(info.object!['spec']?.unschedulable) === desired) { print(`already ${word}`); continue }
    try {
      if (dryRun !== 'client') await f.rest().json('PATCH', resourcePath(info.mapping, '', info.name), {
        body: { spec: { unschedulable: desired ? true : null } }, contentType: 'application/strategic-merge-patch+json', query: dryRun === 'server' ? { dryRun: 'All' } : {},
      })
      print(word)
    } catch (error) {
      // It goes on with the next node, and ends well.
      void err(`error: unable to ${desired ? 'cordon' : 'uncordon'} node ${JSON.stringify(info.name)}: ${(error as Error).message}\n`)
    }
  }
}

// k8s: kubectl/pkg/cmd/drain RunCordonOrUncordon
const cordoning = (desired: boolean): CommandHandler => async (inv) => {
  const dryRun = dryRunOf(inv.f)
  await setUnschedulable(inv, await nodesOf(inv), desired, dryRun)
}

// --- drain -------------------------------------------------------------------------------------------------------------------------------

const MIRROR = 'kubernetes.io/config.mirror'

interface Verdict { pod: KubeObject; remove: boolean; warning?: string; error?: string }

/** Whether a pod is to go. Of several warnings only the last filter's counts. k8s: kubectl/pkg/drain filters */
async function judge(f: Factory, pod: KubeObject, flags: Invocation['flags']): Promise<Verdict> {
  const owner = (pod.metadata.ownerReferences ?? []).find((r) => r.controller)
  const finished = ['Succeeded', 'Failed'].includes(pod['status']?.phase)
  if (isLongGone(f, pod, flags)) return { pod, remove: false }
  if (owner?.kind === 'DaemonSet' && !finished) {
    try {
      await f.rest().json('GET', `/apis/apps/v1/namespaces/${pod.metadata.namespace}/daemonsets/${owner.name}`)
      return flags.bool('ignore-daemonsets') ? { pod, remove: false, warning: 'ignoring DaemonSet-managed Pods' } : { pod, remove: false, error: 'DaemonSet-managed Pods (use --ignore-daemonsets to ignore)' }
    } catch (error) {
      if (!isNotFound(error) || !flags.bool('force')) return { pod, remove: false, error: (error as Error).message }
    }
  }
  if (pod.metadata.annotations?.[MIRROR] !== undefined) return { pod, remove: false }
  if (finished) return { pod, remove: true }
  if (!flags.bool('delete-emptydir-data') && (pod['spec'].volumes ?? []).some((v: any) => v.emptyDir)) return { pod, remove: false, error: 'Pods with local storage (use --delete-emptydir-data to override)' }
  if (owner) return { pod, remove: true }
  return flags.bool('force') ? { pod, remove: true, warning: 'deleting Pods that declare no controller' } : { pod, remove: false, error: 'Pods that declare no controller (use --force to override)' }
}

/** It has been on its way out for longer than --skip-wait-for-delete-timeout. */
function isLongGone(f: Factory, pod: KubeObject, flags: Invocation['flags']): boolean {
  const skip = flags.int('skip-wait-for-delete-timeout')
  return skip > 0 && Boolean(pod.metadata.deletionTimestamp) && Math.floor((f.nowMs() - Date.parse(pod.metadata.deletionTimestamp!)) / 1000) > skip
}

const podKey = (pod: KubeObject) => `${pod.metadata.namespace}/${pod.metadata.name}`

// k8s: kubectl/pkg/cmd/drain RunDrain
const drain: CommandHandler = async (inv) => {
  const { f, out, err } = inv
  const dryRun = dryRunOf(f)
  try {
    parseLabelSelector(inv.flags.str('pod-selector'))
  } catch {
    throw new Error('--pod-selector=<pod_selector> must be a valid label selector')
  }
  const infos = await nodesOf(inv)
  await setUnschedulable(inv, infos, true, dryRun)
  const failures: { node: string; error: Error }[] = []
  for (const info of infos) {
    try {
      await drainNode(inv, info, dryRun)
      void out(printerFor(f, { operation: `drained${dryRunSuffix(dryRun)}` })(info.object!))
    } catch (failure) {
      const error = failure as Error
      void err(`error: unable to drain node ${JSON.stringify(info.name)} due to error: ${error.message}, continuing command...\n`)
      failures.push({ node: info.name, error })
    }
  }
  if (failures.length === 0) return
  void err(`There are pending nodes to be drained:\n${failures.map(({ node }) => ` ${node}\n`).join('')}`)
  // One node's failures have a line each, those of several nodes a line per node.
  const lines = failures.length > 1 ? failures.map(({ error }) => error) : failures[0]!.error instanceof AggregateErrors ? failures[0]!.error.errors : [failures[0]!.error]
  throw new CommandExit(lines.map((e) => standardErrorMessage(e) ?? e.message).join('\n'), 1)
}

/** What is to go from a node, and what stands against it. */
async function podsToRemove(inv: Invocation, node: string): Promise<{ pods: KubeObject[]; errors: Error[]; warnings: string }> {
  const { f, flags } = inv
  const list = await f.rest().list<KubeObject>('/api/v1/pods', { fieldSelector: `spec.nodeName=${node}`, ...(flags.str('pod-selector') ? { labelSelector: flags.str('pod-selector') } : {}) })
  const verdicts: Verdict[] = []
  for (const pod of list.items) verdicts.push(await judge(f, { ...pod, apiVersion: 'v1', kind: 'Pod' }, flags))
  const grouped = (pick: (v: Verdict) => string | undefined) => {
    const by = new Map<string, string[]>()
    for (const v of verdicts) { const text = pick(v); if (text) by.set(text, [...(by.get(text) ?? []), podKey(v.pod)]) }
    return [...by].map(([text, pods]) => `${text}: ${pods.join(', ')}`)
  }
  return { pods: verdicts.filter((v) => v.remove).map((v) => v.pod), errors: grouped((v) => v.error).map((e) => new Error(`cannot delete ${e}`)), warnings: grouped((v) => v.warning).join('; ') }
}

async function drainNode(inv: Invocation, node: Info, dryRun: DryRun): Promise<void> {
  const { f, err, out } = inv
  const { pods, errors, warnings } = await podsToRemove(inv, node.name)
  if (errors.length > 0) throw new AggregateErrors(errors)
  if (warnings) warn(f, warnings)
  if (dryRun === 'client') {
    for (const pod of pods) void out(`evicting pod ${podKey(pod)} (dry run)\n`)
    return
  }
  const failures = await removePods(inv, pods, dryRun)
  if (failures.length === 0) return
  const failure = new AggregateErrors(failures)
  const pending = await podsToRemove(inv, node.name)
  if (pending.pods.length > 0) void err(`There are pending pods in node ${JSON.stringify(node.name)} when an error occurred: ${failure.message}\n${pending.pods.map((pod) => `pod/${pod.metadata.name}\n`).join('')}`)
  if (pending.errors.length > 0) void err(`Following errors occurred while getting the list of pods to delete:\n${new AggregateErrors(pending.errors).message}`)
  throw failure
}

const RETRY_EVICTION_MS = 5000

/** Evicts or deletes the pods and waits until they are gone. k8s: kubectl/pkg/drain evictPods, deletePods @returns what went wrong */
async function removePods(inv: Invocation, pods: readonly KubeObject[], dryRun: DryRun): Promise<Error[]> {
  const { f, flags, out, err } = inv
  const grace = flags.int('grace-period')
  const timeoutMs = flags.duration('timeout')
  const deadline = timeoutMs > 0 ? f.nowMs() + timeoutMs : Infinity
  const podMapping = await f.resolve((mapper) => mapper.mappingFor('pods'))
  const pathOf = (pod: KubeObject) => `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`
  const say = (pod: KubeObject, what: string) => void out(printerFor(f, { operation: `${what}${dryRunSuffix(dryRun)}` })(pod))
  const untilGone = async (pod: KubeObject, doneText: string, failedText: string) => {
    let skipped = false
    try {
      await untilObject(f, { mapping: podMapping, namespace: pod.metadata.namespace!, name: pod.metadata.name! }, deadline === Infinity ? 0 : Math.max(1, deadline - f.nowMs()), (o) => {
        skipped = o !== undefined && o.metadata.uid === pod.metadata.uid && isLongGone(f, o, flags)
        return o === undefined || o.metadata.uid !== pod.metadata.uid || skipped
      })
    } catch (error) {
      if (error instanceof WaitTimeout) throw new Error('context deadline exceeded')
      say(pod, failedText)
      throw error
    }
    if (skipped) void out(`pod ${JSON.stringify(pod.metadata.name)} has DeletionTimestamp older than ${flags.int('skip-wait-for-delete-timeout')} seconds, skipping\n`)
    else say(pod, doneText)
  }
  const outcomes = async (work: Promise<void>[]) => (await Promise.allSettled(work)).flatMap((r) => r.status === 'rejected' ? [r.reason as Error] : [])

  if (flags.bool('disable-eviction')) {
    for (const pod of pods) await f.rest().json('DELETE', pathOf(pod), { body: deleteOptions(grace, undefined, dryRun) }).catch((error) => { if (!isNotFound(error)) throw error })
    return outcomes(pods.map((pod) => untilGone(pod, 'deleted', 'deletion failed')))
  }
  return outcomes(pods.map(async (first) => {
    let pod = first
    for (;;) {
      const subject = `pods/${JSON.stringify(pod.metadata.name)} -n ${JSON.stringify(pod.metadata.namespace)}`
      void out(`evicting pod ${podKey(pod)}${dryRunSuffix(dryRun)}\n`)
      if (f.nowMs() >= deadline) throw new Error(`error when evicting ${subject}: global timeout reached: ${shownTimeout(timeoutMs)}`)
      try {
        await f.rest().json('POST', `${pathOf(pod)}/eviction`, {
          body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod.metadata.name, namespace: pod.metadata.namespace }, deleteOptions: { ...(grace >= 0 ? { gracePeriodSeconds: grace } : {}), ...(dryRun === 'server' ? { dryRun: ['All'] } : {}) } },
        })
        break
      } catch (failure) {
        const error = failure as Error
        if (isNotFound(error)) return
        const status = error instanceof StatusError ? error : undefined
        const terminating = status?.reason === 'Forbidden' && status.status.details?.causes?.some((c) => c.reason === 'NamespaceTerminating')
        if (terminating && pod.metadata.deletionTimestamp) break
        if (status?.code === 429) void err(`error when evicting ${subject} (will retry after 5s): ${error.message}\n`)
        else if (terminating) void err(`error when evicting pod ${JSON.stringify(pod.metadata.name)} from terminating namespace ${JSON.stringify(pod.metadata.namespace)} (will retry after 5s): ${error.message}\n`)
        else throw new Error(`error when evicting ${subject}: ${error.message}`)
        await f.proc.sleep(RETRY_EVICTION_MS)
        pod = await f.rest().json<KubeObject>('GET', pathOf(pod)).catch(() => pod)
      }
    }
    if (dryRun === 'server') return
    await untilGone(pod, 'evicted', 'eviction failed').catch((error: Error) => {
      throw new Error(`error when waiting for pod ${JSON.stringify(first.metadata.name)} in namespace ${JSON.stringify(first.metadata.namespace)} to terminate: ${error.message}`)
    })
  }))
}

const shownTimeout = (ms: number) => {
  const s = ms / 1000
  return s >= 3600 ? `${Math.floor(s / 3600)}h${Math.floor(s / 60) % 60}m${s % 60}s` : s >= 60 ? `${Math.floor(s / 60)}m${s % 60}s` : s < 1 ? `${ms}ms` : `${s}s`
}

// --- taint -------------------------------------------------------------------------------------------------------------------------------

interface Taint { key: string; value?: string; effect?: string }
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

/** `key=value:Effect`, `key:Effect`, `key:Effect-`, `key-`. k8s: kubectl/pkg/cmd/taint parseTaints @throws Error */
function parseTaints(specs: readonly string[]): { add: Taint[]; remove: Taint[] } {
  const add: Taint[] = []
  const remove: Taint[] = []
  const parse = (text: string): Taint => {
    const parts = text.split(':')
    let [key, value, effect] = [parts[0]!, '', '']
    if (parts.length > 2) throw new Error(`invalid taint spec: ${text}`)
    if (parts.length === 2) {
      effect = parts[1]!
      if (!EFFECTS.includes(effect)) throw new Error(`invalid taint effect: ${effect}, unsupported taint effect`)
      const pair = key.split('=')
      if (pair.length > 2) throw new Error(`invalid taint spec: ${text}`)
      ;[key, value = ''] = pair as [string, string?]
      const wrong = labelValueProblems(value)
      if (wrong.length > 0) throw new Error(`invalid taint spec: ${text}, ${wrong.join('; ')}`)
    }
    const wrong = labelKeyProblems(key)
    if (wrong.length > 0) throw new Error(`invalid taint spec: ${text}, ${wrong.join('; ')}`)
    return { key, ...(value ? { value } : {}), ...(effect ? { effect } : {}) }
  }
  for (const spec of specs) {
    if (spec.endsWith('-')) { const { key, effect } = parse(spec.slice(0, -1)); remove.push({ key, ...(effect ? { effect } : {}) }); continue }
    const taint = parse(spec)
    if (!taint.effect) throw new Error(`invalid taint spec: ${spec}`)
    if (add.some((t) => isSameTaint(t, taint))) throw new Error(`duplicated taints with the same key and effect: {${taint.key} ${taint.value ?? ''} ${taint.effect} <nil>}`)
    add.push(taint)
  }
  return { add, remove }
}

const isSameTaint = (a: Taint, b: Taint) => a.key === b.key && a.effect === b.effect
/** A removal without an effect means every effect. */
const isRemoved = (taint: Taint, by: Taint) => taint.key === by.key && (!by.effect || taint.effect === by.effect)
/** k8s: api/core/v1 Taint.ToString */
const taintText = ({ key, value, effect }: Taint) => !effect ? `${key}${value ? `=${value}:` : ''}` : `${key}${value ? `=${value}` : ''}:${effect}`

// k8s: kubectl/pkg/cmd/taint
const taint: CommandHandler = async (inv) => {
  const { f, flags, args, out, spec } = inv
  const { namespace } = f.namespace()
  const isTaint = (a: string) => a.includes('=') || a.includes(':') || a.endsWith('-')
  const at = args.findIndex(isTaint)
  const resources = at < 0 ? [...args] : args.slice(0, at)
  const specs = at < 0 ? [] : args.slice(at)
  for (const s of specs) if (!isTaint(s)) throw new Error(`all resources must be specified before taint changes: ${s}`)
  if (resources.length < 1) throw new Error('one or more resources must be specified as <resource> <name>')
  if (specs.length < 1) throw new Error('at least one taint update is required')
  const dryRun = dryRunOf(f)
  let changes: ReturnType<typeof parseTaints>
  try { changes = parseTaints(specs) } catch (error) { throw usageError(spec, (error as Error).message) }
  const { add, remove } = changes
  const type = resources[0]!.toLowerCase()
  const mapping = await f.resolve((mapper) => mapper.requireResource(type), 4)
  if (mapping.kind !== 'Node') throw new Error(`invalid resource type ${type}, only node types are supported`)
  const conflicts = remove.filter((r) => add.some((t) => isRemoved(t, r)))
  if (conflicts.length > 0) throw new Error(`can not both modify and remove the following taint(s) in the same command: ${conflicts.map((r) => `${r.key}=${r.effect ?? ''}`).join(', ')}`)
  const all = flags.bool('all')
  if (all && flags.str('selector')) throw new Error("setting 'all' parameter with a non empty selector is prohibited")
  if (!all && !flags.str('selector') && resources.length < 2) throw new Error("at least one resource name must be specified since 'all' parameter is not set")
  const result = await findResources(f, {
    args: all || flags.str('selector') ? ['nodes'] : ['nodes', ...resources.slice(1)], namespace, labelSelector: flags.str('selector') || undefined, all, allowEmptySelector: all, continueOnError: true, flatten: true, latest: true,
  })
  await result.visit(async (info) => {
    const node = info.object!
    const before = (node['spec']?.taints ?? []) as Taint[]
    if (!flags.bool('overwrite')) {
      const clash = add.filter((t) => before.some((o) => isSameTaint(o, t)))
      if (clash.length > 0) throw new Error(`node ${info.name} already has ${clash.map((t) => t.key).join(',')} taint(s) with same effect(s) and --overwrite is false`)
    }
    const merged = [...add, ...before.filter((o) => !add.some((t) => isSameTaint(o, t)))]
    const missing = remove.filter((r) => !merged.some((o) => isRemoved(o, r)))
    if (missing.length > 0) throw new AggregateErrors(missing.map((r) => new Error(`taint ${JSON.stringify(taintText(r))} not found`)))
    const taints = merged.filter((o) => !remove.some((r) => isRemoved(o, r)))
    const added = merged.length !== before.length
    const operation = (added && remove.length > 0) || flags.bool('overwrite') ? 'modified' : added ? 'tainted' : 'untainted'
    let answer: KubeObject = { ...node, spec: { ...node['spec'], taints: taints.length > 0 ? taints : undefined } }
    if (dryRun !== 'client') answer = await f.rest().json<KubeObject>('PATCH', resourcePath(info.mapping, '', info.name), {
      body: { spec: { taints: taints.length > 0 ? taints : null } }, contentType: 'application/strategic-merge-patch+json', query: { fieldManager: flags.str('field-manager') || 'kubectl-taint', ...(dryRun === 'server' ? { dryRun: 'All' } : {}) },
    })
    // Unlike other commands this one doesn't mark dry runs.
    void out(printerFor(f, { operation, typed: dryRun !== 'client' })(answer))
  })
}

export const NODE_COMMANDS: Record<string, CommandHandler> = { cordon: cordoning(true), uncordon: cordoning(false), drain, taint }
