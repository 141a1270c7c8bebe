import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { StatusError } from '../../../cluster/kinds/status-error.ts'
import { usageError } from '../command.ts'
import { aggregate, isNotFound } from '../errors.ts'
import type { Factory } from '../factory.ts'
import { createMergePatch } from '../../../cluster/kinds/patch/merge-patch.ts'
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
  if (args.length > 0 && flags.str('selector')) throw new Error('error: cannot specify both a node name and a --selector option')
  const named = args.some((a) => a.includes('/'))
  const { infos, error } = await (await findResources(f, {
    args: named ? args : ['nodes', ...args], namespace: 'default', labelSelector: flags.str('selector') || undefined, chunkSize: flags.int('chunk-size'), flatten: true, continueOnError: true, singleResourceType: true,
  })).infos()
  if (error) throw error
  for (const info of infos) if (info.mapping.kind !== 'Node') throw new Error(`error: expected resource of type node, got ${JSON.stringify(info.mapping.kind)}`)
  return infos
}

async function setUnschedulable(inv: Invocation, infos: readonly Info[], desired: boolean, dryRun: DryRun): Promise<void> {
  const { f, out } = inv
  const word = desired ? 'cordoned' : 'uncordoned'
  const errors: Error[] = []
  for (const info of infos) {
    const print = (operation: string) => void out(printerFor(f, { operation: `${operation}${dryRunSuffix(dryRun)}` })(info.object!))
    if (Boolean(info.object!['spec']?.unschedulable) === desired) { print(`already ${word}`); continue }
    try {
      if (dryRun !== 'client') await f.rest().json('PATCH', resourcePath(info.mapping, '', info.name), {
        body: { spec: { unschedulable: desired ? true : null } }, contentType: 'application/strategic-merge-patch+json', query: dryRun === 'server' ? { dryRun: 'All' } : {},
      })
      print(word)
    } catch (error) {
      errors.push(new Error(`error: unable to ${desired ? 'cordon' : 'uncordon'} node ${JSON.stringify(info.name)}: ${(error as Error).message}`))
    }
  }
  const failure = aggregate(errors)
  if (failure) throw failure
}

// k8s: kubectl/pkg/cmd/drain RunCordonOrUncordon
const cordoning = (desired: boolean): CommandHandler => async (inv) => {
  const dryRun = dryRunOf(inv.f)
  await setUnschedulable(inv, await nodesOf(inv), desired, dryRun)
}

// --- drain -------------------------------------------------------------------------------------------------------------------------------

const MIRROR = 'kubernetes.io/config.mirror'

interface Verdict { pod: KubeObject; remove: boolean; warning?: string; error?: string }

/** k8s: kubectl/pkg/drain filters */
async function judge(f: Factory, pod: KubeObject, flags: Invocation['flags']): Promise<Verdict> {
  const owner = (pod.metadata.ownerReferences ?? []).find((r) => r.controller)
  const finished = ['Succeeded', 'Failed'].includes(pod['status']?.phase)
  const skip = flags.int('skip-wait-for-delete-timeout')
  if (skip > 0 && pod.metadata.deletionTimestamp && (f.nowMs() - Date.parse(pod.metadata.deletionTimestamp)) / 1000 > skip) return { pod, remove: false }
  if (owner?.kind === 'DaemonSet' && !finished) {
    try {
      await f.rest().json('GET', `/apis/apps/v1/namespaces/${pod.metadata.namespace}/daemonsets/${owner.name}`)
    } catch (error) {
      if (!isNotFound(error)) return { pod, remove: false, error: (error as Error).message }
      return flags.bool('force') ? { pod, remove: true, warning: (error as Error).message } : { pod, remove: false, error: (error as Error).message }
    }
    return flags.bool('ignore-daemonsets') ? { pod, remove: false, warning: 'ignoring DaemonSet-managed Pods' } : { pod, remove: false, error: 'cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)' }
  }
  if (pod.metadata.annotations?.[MIRROR] !== undefined) return { pod, remove: false }
  const local = !finished && (pod['spec'].volumes ?? []).some((v: any) => v.emptyDir)
  let warning = ''
  if (local) {
    if (!flags.bool('delete-emptydir-data')) return { pod, remove: false, error: 'cannot delete Pods with local storage (use --delete-emptydir-data to override)' }
    warning = 'deleting Pods with local storage'
  }
  if (!finished && !owner) {
    if (!flags.bool('force')) return { pod, remove: false, error: 'cannot delete Pods that declare no controller (use --force to override)' }
    warning = 'deleting Pods that declare no controller'
  }
  return { pod, remove: true, ...(warning ? { warning } : {}) }
}

const podKey = (pod: KubeObject) => `${pod.metadata.namespace}/${pod.metadata.name}`

// k8s: kubectl/pkg/cmd/drain RunDrain
const drain: CommandHandler = async (inv) => {
  const { f, flags, out, err } = inv
  const dryRun = dryRunOf(f)
  const infos = await nodesOf(inv)
  await setUnschedulable(inv, infos, true, dryRun)
  let failed: Error | undefined
  for (const info of infos) {
    if (failed) { void err(`There are pending nodes to be drained:\n ${info.name}\n`); continue }
    try {
      await drainNode(inv, info, dryRun)
      void out(printerFor(f, { operation: `drained${dryRunSuffix(dryRun)}` })(info.object!))
    } catch (error) {
      failed = error as Error
      void err(`error: unable to drain node ${JSON.stringify(info.name)} due to error: ${failed.message}, continuing command...\n`)
      void err(`There are pending nodes to be drained:\n ${info.name}\n`)
    }
  }
  if (failed) throw new Error(failed.message.startsWith('[') || failed.message ? failed.message : 'drain failed')
}

async function drainNode(inv: Invocation, node: Info, dryRun: DryRun): Promise<void> {
  const { f, flags, out } = inv
  const list = await f.rest().list<KubeObject>('/api/v1/pods', { fieldSelector: `spec.nodeName=${node.name}`, ...(flags.str('pod-selector') ? { labelSelector: flags.str('pod-selector') } : {}) })
  const verdicts: Verdict[] = []
  for (const pod of list.items) verdicts.push(await judge(f, { ...pod, apiVersion: 'v1', kind: 'Pod' }, flags))
  const grouped = (pick: (v: Verdict) => string | undefined) => {
    const by = new Map<string, string[]>()
    for (const v of verdicts) { const text = pick(v); if (text) by.set(text, [...(by.get(text) ?? []), podKey(v.pod)]) }
    return [...by].map(([text, pods]) => `${text}: ${pods.join(', ')}`)
  }
  const errors = grouped((v) => v.error)
  const warnings = grouped((v) => v.error ? undefined : v.warning)
  if (errors.length > 0) throw aggregate(errors.map((e) => new Error(e)))!
  if (warnings.length > 0) warn(f, warnings.join('; '))
  const doomed = verdicts.filter((v) => v.remove).map((v) => v.pod)
  const useEviction = !flags.bool('disable-eviction')
  const suffix = dryRunSuffix(dryRun)
  for (const pod of doomed) void out(`${useEviction ? 'evicting' : 'deleting'} pod ${podKey(pod)}${suffix}\n`)
  if (dryRun === 'client') return
  const grace = flags.int('grace-period')
  const timeoutMs = flags.duration('timeout')
  const deadline = timeoutMs > 0 ? f.nowMs() + timeoutMs : Infinity
  const podMapping = (await f.mapper()).mappingFor('pods')
  const results = await Promise.allSettled(doomed.map(async (pod) => {
    const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`
    for (;;) {
      try {
        if (useEviction) await f.rest().json('POST', `${path}/eviction`, {
          body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod.metadata.name, namespace: pod.metadata.namespace }, deleteOptions: { ...(grace >= 0 ? { gracePeriodSeconds: grace } : {}), ...(dryRun === 'server' ? { dryRun: ['All'] } : {}) } },
          query: dryRun === 'server' ? { dryRun: 'All' } : {},
        })
        else await f.rest().json('DELETE', path, { body: deleteOptions(grace, 'Background', dryRun) })
        break
      } catch (error) {
        if (isNotFound(error)) break
        if (!(error instanceof StatusError) || error.code !== 429) {
          if (error instanceof StatusError && error.reason === 'Forbidden' && error.status.details?.causes?.some((c) => c.reason === 'NamespaceTerminating')) break
          throw new Error(`error when evicting pods/${JSON.stringify(pod.metadata.name)} -n ${JSON.stringify(pod.metadata.namespace)}: ${(error as Error).message}`)
        }
        void f.io.err(`error when evicting pods/${JSON.stringify(pod.metadata.name)} -n ${JSON.stringify(pod.metadata.namespace)} (will retry after 5s): ${error.message}\n`)
        if (f.nowMs() + 5000 > deadline) {
          await f.proc.sleep(Math.max(0, deadline - f.nowMs()))
          throw new Error(`error when evicting pods/${JSON.stringify(pod.metadata.name)} -n ${JSON.stringify(pod.metadata.namespace)}: global timeout reached: ${shownTimeout(timeoutMs)}`)
        }
        await f.proc.sleep(5000)
        void out(`evicting pod ${podKey(pod)}${suffix}\n`)
      }
    }
    if (dryRun !== 'none') return
    try {
      await untilObject(f, { mapping: podMapping, namespace: pod.metadata.namespace!, name: pod.metadata.name! }, deadline === Infinity ? 0 : Math.max(1, deadline - f.nowMs()), (o) => o === undefined || o.metadata.uid !== pod.metadata.uid)
    } catch (error) {
      if (error instanceof WaitTimeout) throw new Error(`error when waiting for pod ${JSON.stringify(pod.metadata.name)} in namespace ${JSON.stringify(pod.metadata.namespace)} to terminate: global timeout reached: ${shownTimeout(timeoutMs)}`)
      throw error
    }
    void out(`pod/${pod.metadata.name} ${useEviction ? 'evicted' : 'deleted'}${suffix}\n`)
  }))
  const failures = results.flatMap((r) => r.status === 'rejected' ? [r.reason as Error] : [])
  const failure = aggregate(failures)
  if (failure) throw failure
}

const shownTimeout = (ms: number) => {
  const s = ms / 1000
  return s >= 60 ? `${Math.floor(s / 60)}m${s % 60}s` : `${s}s`
}

// --- taint -------------------------------------------------------------------------------------------------------------------------------

interface Taint { key: string; value?: string; effect?: string }
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

/** `key=value:Effect`, `key:Effect`, `key:Effect-`, `key-`. @throws Error */
function parseTaints(specs: readonly string[]): { add: Taint[]; remove: Taint[] } {
  const add: Taint[] = []
  const remove: Taint[] = []
  const parse = (text: string): Taint => {
    const parts = text.split(':')
    if (parts.length > 2) throw new Error(`invalid taint spec: ${text}, format of taint should be <key>=<value>:<effect>, <key>:<effect>, or <key>`)
    const effect = parts[1] ?? ''
    if (parts.length === 2 && !EFFECTS.includes(effect)) throw new Error(`invalid taint effect: ${effect}, unsupported taint effect`)
    const [key, ...value] = parts[0]!.split('=')
    if (value.length > 1) throw new Error(`invalid taint spec: ${text}`)
    if (!/^([A-Za-z0-9][-A-Za-z0-9_./]*)?[A-Za-z0-9]$/.test(key!)) throw new Error(`invalid taint spec: ${text}, name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`)
    return { key: key!, ...(value[0] ? { value: value[0] } : {}), ...(effect ? { effect } : {}) }
  }
  for (const spec of specs) {
    if (spec.endsWith('-')) { remove.push(parse(spec.slice(0, -1))); continue }
    const taint = parse(spec)
    if (!taint.effect) throw new Error(`invalid taint spec: ${spec}`)
    if (add.some((t) => t.key === taint.key && t.effect === taint.effect)) throw new Error(`duplicated taints with the same key and effect: {${taint.key} ${taint.value ?? ''} ${taint.effect} <nil>}`)
    add.push(taint)
  }
  return { add, remove }
}

// k8s: kubectl/pkg/cmd/taint
const taint: CommandHandler = async (inv) => {
  const { f, flags, args, out } = inv
  const isTaint = (a: string) => (a.includes('=') || a.includes(':') || a.endsWith('-')) && !a.startsWith('-')
  const at = args.findIndex(isTaint)
  const resources = at < 0 ? [...args] : args.slice(0, at)
  const specs = at < 0 ? [] : args.slice(at)
  for (const s of specs) if (!isTaint(s)) throw new Error(`all resources must be specified before taint changes: ${s}`)
  if (resources.length < 1) throw new Error('one or more resources must be specified as <resource> <name>')
  const type = resources[0]!.split('/')[0]!.toLowerCase()
  const mapping = (await f.mapper()).mappingFor(type)
  if (mapping.kind !== 'Node') throw new Error(`invalid resource type ${resources[0]}, only [node nodes] are supported`)
  if (resources.length === 1 && !resources[0]!.includes('/') && !flags.bool('all') && !flags.str('selector')) throw new Error('at least one resource name must be specified since \'--all\' parameter is not set')
  if (flags.bool('all') && flags.str('selector')) throw new Error("setting 'all' parameter with a non empty selector is prohibited")
  const dryRun = dryRunOf(f)
  const { add, remove } = parseTaints(specs)
  if (add.length === 0 && remove.length === 0) throw new Error('at least one taint update is required')
  for (const r of remove) if (add.some((t) => t.key === r.key && (!r.effect || t.effect === r.effect))) throw new Error(`can not both modify and remove the following taint(s) in the same command: ${r.effect ? `${r.key}:${r.effect}` : r.key}`)
  const result = await findResources(f, { args: resources, namespace: 'default', labelSelector: flags.str('selector') || undefined, all: flags.bool('all'), allowEmptySelector: flags.bool('all'), continueOnError: true, flatten: true, latest: true })
  await result.visit(async (info) => {
    const node = info.object!
    let taints = [...(node['spec']?.taints ?? [])] as Taint[]
    if (!flags.bool('overwrite')) {
      const clash = add.filter((t) => taints.some((o) => o.key === t.key && o.effect === t.effect))
      if (clash.length > 0) throw new Error(`node ${info.name} already has ${clash.map((t) => t.key).join(', ')} taint(s) with same effect(s) and --overwrite is false`)
    }
    const missing = remove.filter((r) => !taints.some((o) => o.key === r.key && (!r.effect || o.effect === r.effect)))
    if (missing.length > 0) throw aggregate(missing.map((r) => new Error(`taint ${JSON.stringify(r.effect ? `${r.key}:${r.effect}` : r.key)} not found`)))!
    taints = [...add.map((t) => ({ ...t })), ...taints.filter((o) => !add.some((t) => t.key === o.key && t.effect === o.effect))].filter((o) => !remove.some((r) => r.key === o.key && (!r.effect || r.effect === o.effect)))
    const operation = remove.length > 0 && add.length > 0 ? 'modified' : remove.length > 0 ? 'untainted' : 'tainted'
    const wanted: KubeObject = { ...node, spec: { ...node['spec'], ...(taints.length > 0 ? { taints } : { taints: undefined }) } }
    let answer = wanted
    if (dryRun !== 'client') {
      const patch = createMergePatch({ spec: { taints: node['spec']?.taints ?? [] } } as never, { spec: { taints } } as never)
      answer = await f.rest().json<KubeObject>('PATCH', resourcePath(info.mapping, '', info.name), {
        body: { ...(patch as object), metadata: { resourceVersion: node.metadata.resourceVersion } }, contentType: 'application/merge-patch+json', query: { fieldManager: flags.str('field-manager') || 'kubectl-taint', ...(dryRun === 'server' ? { dryRun: 'All' } : {}) },
      })
    }
    void out(printerFor(f, { operation: `${operation}${dryRunSuffix(dryRun)}` })(answer))
  })
}

export const NODE_COMMANDS: Record<string, CommandHandler> = { cordon: cordoning(true), uncordon: cordoning(false), drain, taint }
