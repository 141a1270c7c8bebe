import { deepEqual } from '../../../base/freeze.ts'
import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { applyStrategicMergePatch } from '../../../cluster/kinds/patch/strategic-merge-patch.ts'
import { groupResource, resourcePath } from '../discovery.ts'
import { aggregate } from '../errors.ts'
import { rfc3339 } from '../../../base/clock.ts'
import { LAST_APPLIED } from '../last-applied.ts'
import { findTargets, mutateAll } from '../mutate.ts'
import { dryRunOf, dryRunSuffix, printerFor } from '../print.ts'
import { hasFiles } from '../resources.ts'
import type { Info } from '../resources.ts'
import { selectorQuery } from '../selectors.ts'
import { alignTabs } from '../tab-writer.ts'
import { untilObject, WaitTimeout } from '../watching.ts'
import type { CommandHandler, Invocation } from './handler.ts'

const REVISION = 'deployment.kubernetes.io/revision'
const CHANGE_CAUSE = 'kubernetes.io/change-cause'


// --- status ------------------------------------------------------------------------------------------------------------------------

/** What a rollout is doing. k8s: polymorphichelpers StatusViewer @throws Error */
function rolloutStatus(object: KubeObject, revision: number): { message: string; done: boolean } {
  const name = object.metadata.name!
  const spec = object['spec'] ?? {}
  const status = object['status'] ?? {}
  const n = (value: unknown) => (value as number | undefined) ?? 0
  const observed = (object.metadata.generation ?? 0) <= n(status.observedGeneration)
  switch (object.kind) {
    case 'Deployment': {
      if (revision > 0) {
        const current = Number(object.metadata.annotations?.[REVISION] ?? 0)
        if (revision !== current) throw new Error(`desired revision (${revision}) is different from the running revision (${current})`)
      }
      if (!observed) return { message: 'Waiting for deployment spec update to be observed...\n', done: false }
      if ((status.conditions ?? []).some((c: any) => c.type === 'Progressing' && c.reason === 'ProgressDeadlineExceeded')) throw new Error(`deployment "${name}" exceeded its progress deadline`)
      const waiting = (rest: string) => ({ message: `Waiting for deployment "${name}" rollout to finish: ${rest}\n`, done: false })
      if (spec.replicas !== undefined && n(status.updatedReplicas) < spec.replicas) return waiting(`${n(status.updatedReplicas)} out of ${spec.replicas} new replicas have been updated...`)
      if (n(status.replicas) > n(status.updatedReplicas)) return waiting(`${n(status.replicas) - n(status.updatedReplicas)} old replicas are pending termination...`)
      if (n(status.availableReplicas) < n(status.updatedReplicas)) return waiting(`${n(status.availableReplicas)} of ${n(status.updatedReplicas)} updated replicas are available...`)
      return { message: `deployment "${name}" successfully rolled out\n`, done: true }
    }
    case 'DaemonSet': {
      if (spec.updateStrategy?.type !== 'RollingUpdate') throw new Error('rollout status is only available for RollingUpdate strategy type')
      if (!observed) return { message: 'Waiting for daemon set spec update to be observed...\n', done: false }
      const waiting = (rest: string) => ({ message: `Waiting for daemon set "${name}" rollout to finish: ${rest}\n`, done: false })
      if (n(status.updatedNumberScheduled) < n(status.desiredNumberScheduled)) return waiting(`${n(status.updatedNumberScheduled)} out of ${n(status.desiredNumberScheduled)} new pods have been updated...`)
      if (n(status.numberAvailable) < n(status.desiredNumberScheduled)) return waiting(`${n(status.numberAvailable)} of ${n(status.desiredNumberScheduled)} updated pods are available...`)
      return { message: `daemon set "${name}" successfully rolled out\n`, done: true }
    }
    case 'StatefulSet': {
      if (spec.updateStrategy?.type !== 'RollingUpdate') throw new Error('rollout status is only available for RollingUpdate strategy type')
      if (n(status.observedGeneration) === 0 || !observed) return { message: 'Waiting for statefulset spec update to be observed...\n', done: false }
      if (spec.replicas !== undefined && n(status.readyReplicas) < spec.replicas) return { message: `Waiting for ${spec.replicas - n(status.readyReplicas)} pods to be ready...\n`, done: false }
      const partition = spec.updateStrategy.rollingUpdate?.partition as number | undefined
      if (partition !== undefined && spec.replicas !== undefined) {
        if (n(status.updatedReplicas) < spec.replicas - partition) return { message: `Waiting for partitioned roll out to finish: ${n(status.updatedReplicas)} out of ${spec.replicas - partition} new pods have been updated...\n`, done: false }
        return { message: `partitioned roll out complete: ${n(status.updatedReplicas)} new pods have been updated...\n`, done: true }
      }
      if (status.updateRevision !== status.currentRevision) return { message: `waiting for statefulset rolling update to complete ${n(status.updatedReplicas)} pods at revision ${status.updateRevision}...\n`, done: false }
      return { message: `statefulset rolling update complete ${n(status.currentReplicas)} pods at revision ${status.currentRevision}...\n`, done: true }
    }
    default: {
      const { group } = { group: object.apiVersion.includes('/') ? object.apiVersion.split('/')[0] : '' }
      throw new Error(`no status viewer has been implemented for ${group ? `${object.kind}.${group}` : object.kind}`)
    }
  }
}

const STATUS_KINDS = new Set(['Deployment', 'DaemonSet', 'StatefulSet'])

const status: CommandHandler = async (inv) => {
  const { f, flags, args, out, err } = inv
  if (args.length === 0 && !hasFiles({ filenames: flags.list('filename'), kustomize: flags.str('kustomize') })) throw new Error('required resource not specified')
  if (flags.int('revision') < 0) throw new Error(`revision must be a positive integer: ${flags.int('revision')}`)
  const { infos, errors } = await findTargets(inv, args, { allowEmptySelector: true })
  if (errors.length > 0 && infos.length === 0) throw aggregate(errors)!
  if (infos.length === 0) { void err(`No resources found in ${f.namespace().namespace} namespace.\n`); return }
  for (const info of infos) {
    try {
      if (!STATUS_KINDS.has(info.object!.kind)) rolloutStatus(info.object!, 0)
      await untilObject(f, info, flags.duration('timeout'), (object, deleted) => {
        if (!object) { if (deleted) throw new Error('object has been deleted'); return false }
        const { message, done } = rolloutStatus(object, flags.int('revision'))
        void out(message)
        return done || !flags.bool('watch')
      })
    } catch (error) {
      errors.push(error instanceof WaitTimeout ? new Error('timed out waiting for the condition') : error as Error)
    }
  }
  if (errors.length > 0) throw aggregate(errors)!
}

// --- history ---------------------------------------------------------------------------------------------------------------------

interface Revision { number: number; cause: string; object: KubeObject; template: Record<string, any> }

/** Workloads without a history. k8s: polymorphichelpers HistoryVisitor */
const HISTORYLESS = new Set(['Job.batch', 'Pod', 'ReplicaSet.apps', 'ReplicationController', 'CronJob.batch'])

/** The revisions that can be gone back to, oldest first. k8s: polymorphichelpers HistoryViewer */
async function revisionsOf(inv: Invocation, info: Info): Promise<Revision[]> {
  const { f } = inv
  const object = info.object!
  const groupKind = info.mapping.group ? `${info.mapping.kind}.${info.mapping.group}` : info.mapping.kind
  const labelSelector = selectorQuery(object['spec']?.selector)
  const owned = (o: KubeObject) => (o.metadata.ownerReferences ?? []).some((r) => r.controller && r.uid === object.metadata.uid)
  switch (object.kind) {
    case 'Deployment': {
      const list = await f.rest().list(`/apis/apps/v1/namespaces/${info.namespace}/replicasets`, { labelSelector })
      return list.items.filter(owned).filter((rs) => rs.metadata.annotations?.[REVISION]).map((rs) => ({
        number: Number(rs.metadata.annotations![REVISION]), cause: rs.metadata.annotations?.[CHANGE_CAUSE] || (rs['spec'].template.metadata?.annotations?.[CHANGE_CAUSE] ?? ''), object: { ...rs, apiVersion: 'apps/v1', kind: 'ReplicaSet' }, template: rs['spec'].template,
      })).sort((a, b) => a.number - b.number)
    }
    case 'DaemonSet': case 'StatefulSet': {
      const list = await f.rest().list(`/apis/apps/v1/namespaces/${info.namespace}/controllerrevisions`, { labelSelector })
      const schema = `io.k8s.api.apps.v1.${object.kind}`
      return list.items.filter(owned).map((cr) => {
        const at = applyStrategicMergePatch<KubeObject>(schema, object, cr['data'])
        return { number: cr['revision'] as number, cause: cr.metadata.annotations?.[CHANGE_CAUSE] ?? '', object: at, template: at['spec'].template }
      }).sort((a, b) => a.number - b.number)
    }
    default: throw HISTORYLESS.has(groupKind) ? new Error(`no history viewer has been implemented for ${JSON.stringify(groupKind)}`) : new Error(`error retrieving history for ${JSON.stringify(groupKind)}, no visitor method exists for {${info.mapping.group} ${info.mapping.kind}}`)
  }
}

const history: CommandHandler = async (inv) => {
  const { flags, args } = inv
  if (args.length === 0 && !hasFiles({ filenames: flags.list('filename'), kustomize: flags.str('kustomize') })) throw new Error('required resource not specified')
  const wanted = flags.int('revision')
  if (wanted < 0) throw new Error(`revision must be a positive integer: ${wanted}`)
  const { infos, errors } = await findTargets(inv, args, { allowEmptySelector: true })
  for (const info of infos) await showHistory(inv, info, wanted).catch((error: Error) => { errors.push(error) })
  const failure = aggregate(errors)
  if (failure) throw failure
}

async function showHistory(inv: Invocation, info: Info, wanted: number): Promise<void> {
  const { f, flags, out } = inv
  const revisions = await revisionsOf(inv, info)
  if (flags.str('output')) {
    const print = printerFor(f, { typed: true })
    const shown = wanted > 0 ? revisions.filter((r) => r.number === wanted) : revisions
    if (wanted > 0 && shown.length === 0) throw new Error('unable to find the specified revision')
    for (const revision of shown) void out(print(revision.object))
    return
  }
  let text: string
  if (wanted > 0) {
    const found = revisions.find((r) => r.number === wanted)
    if (!found) throw new Error(`unable to find the specified revision`)
    const { podTemplateText } = await import('../describe/pod-template.ts')
    const annotations = info.object!.kind === 'Deployment' && found.cause ? { ...found.template['metadata']?.annotations, [CHANGE_CAUSE]: found.cause } : found.template['metadata']?.annotations
    text = podTemplateText({ ...found.template, metadata: { ...found.template['metadata'], ...(annotations ? { annotations } : {}) } })
  } else if (revisions.length === 0) text = 'No rollout history found.'
  else text = alignTabs(`REVISION\tCHANGE-CAUSE\n${revisions.map((r) => `${r.number}\t${r.cause || '<none>'}\n`).join('')}`, 2)
  void out(printerFor(f, { operation: `${wanted > 0 ? `with revision #${wanted}` : ''}\n${text}` })(info.object!))
}

// --- undo, pause, resume, restart ------------------------------------------------------------------------------------------------

const undo: CommandHandler = async (inv) => {
  const { f, flags, args, out, err } = inv
  if (args.length === 0 && !hasFiles({ filenames: flags.list('filename'), kustomize: flags.str('kustomize') })) throw new Error('required resource not specified')
  const dryRun = dryRunOf(f)
  const to = flags.int('to-revision')
  const { infos, errors } = await findTargets(inv, args, { allowEmptySelector: true })
  for (const info of infos) {
    const object = info.object!
    if (object.metadata.annotations?.[LAST_APPLIED] !== undefined)
      void err(`Warning: resource ${info.mapping.resource}/${info.name} was previously managed with 'kubectl apply'. Rolling back will not update the ${LAST_APPLIED} annotation, which may cause unexpected behavior on future 'kubectl apply' operations. Consider using 'kubectl apply' with your previous configuration file instead.\n`)
    const revisions = await revisionsOf(inv, info).catch((error: Error) => {
      throw error.message.startsWith('error retrieving history') ? new Error(error.message.replace('history', 'rollbacker'))
        : error.message.startsWith('no history viewer') ? new Error(error.message.replace('history viewer', 'rollbacker')) : error
    })
    const say = (result: string) => void out(printerFor(f, { operation: `${result}${dryRunSuffix(dryRun)}` })(object))
    if (to < 0) throw new Error(`unable to find specified revision ${to} in history`)
    const missing = () => to === 0 ? new Error(object.kind === 'Deployment' ? `no rollout history found for deployment "${info.name}"` : 'no last revision to roll back to') : new Error(`unable to find specified revision ${to} in history`)
    const target = to === 0 ? revisions.at(-2) : revisions.find((r) => r.number === to)
    if (!target) throw missing()
    const path = resourcePath(info.mapping, info.namespace, info.name)
    const query = dryRun === 'server' ? { dryRun: 'All' } : {}
    if (dryRun === 'client') {
      const { podTemplateText } = await f.proc.clock.outside(import('../describe/pod-template.ts'))
      say(`${object.kind === 'Deployment' ? '' : 'will roll back to '}${podTemplateText(target.template)}`)
      continue
    }
    if (object.kind === 'Deployment') {
      if (object['spec'].paused) throw new Error(`you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again`)
      const { 'pod-template-hash': _, ...labels } = target.template['metadata']?.labels ?? {}
      const template = { ...target.template, metadata: { ...target.template['metadata'], labels } }
      const withoutHash = (t: any) => ({ ...t, metadata: { ...t.metadata, labels: Object.fromEntries(Object.entries(t.metadata?.labels ?? {}).filter(([k]) => k !== 'pod-template-hash')) } })
      if (deepEqual(withoutHash(object['spec'].template), template)) { say(`skipped rollback (current template already matches revision ${target.number})`); continue }
      const kept = Object.fromEntries(Object.entries(object.metadata.annotations ?? {}).filter(([k]) => ANNOTATIONS_TO_KEEP.includes(k)))
      const restored = Object.fromEntries(Object.entries(target.object.metadata.annotations ?? {}).filter(([k]) => !ANNOTATIONS_TO_KEEP.includes(k)))
      await f.rest().json('PATCH', path, {
        body: [{ op: 'replace', path: '/spec/template', value: template }, { op: 'replace', path: '/metadata/annotations', value: { ...restored, ...kept } }], contentType: 'application/json-patch+json', query,
      })
    } else {
      if (deepEqual(object['spec'].template, target.template)) { say(`skipped rollback (current template already matches revision ${target.number})`); continue }
      await f.rest().json('PATCH', path, { body: { spec: { template: { ...target.template, $patch: 'replace' } } }, contentType: 'application/strategic-merge-patch+json', query })
    }
    say('rolled back')
  }
  const failure = aggregate(errors)
  if (failure) throw failure
}

const ANNOTATIONS_TO_KEEP = [LAST_APPLIED, REVISION, 'deployment.kubernetes.io/revision-history', 'deployment.kubernetes.io/desired-replicas', 'deployment.kubernetes.io/max-replicas', 'deprecated.deployment.rollback.to']

const named = (info: Info, what: string) => new Error(`error: ${groupResource(info.mapping)} ${JSON.stringify(info.name)} ${what}`)

function pausing(pause: boolean): CommandHandler {
  return async (inv) => {
    const { f, args, err, flags } = inv
    if (args.length === 0 && !hasFiles({ filenames: flags.list('filename'), kustomize: flags.str('kustomize') })) throw new Error('required resource not specified')
    const { infos, errors } = await findTargets(inv, args, { allowEmptySelector: true })
    if (infos.length === 0 && errors.length === 0) { void err(`No resources found in ${f.namespace().namespace} namespace.\n`); return }
    await mutateAll(inv, infos, errors, (draft, info) => {
      if (draft.kind !== 'Deployment') throw named(info, pause ? 'pausing is not supported' : 'resuming is not supported')
      if (Boolean(draft['spec'].paused) === pause) throw named(info, pause ? 'is already paused' : 'is not paused')
      if (pause) draft['spec'].paused = true
      else delete draft['spec'].paused
    }, { namesRefused: false, operation: pause ? 'paused' : 'resumed', manager: 'kubectl-rollout', failure: 'failed to patch:' })
  }
}

const restart: CommandHandler = async (inv) => {
  const { f, args, err, flags } = inv
  if (args.length === 0 && !hasFiles({ filenames: flags.list('filename'), kustomize: flags.str('kustomize') })) throw new Error('required resource not specified')
  const { infos, errors } = await findTargets(inv, args, { allowEmptySelector: true })
  if (infos.length === 0 && errors.length === 0) { void err(`No resources found in ${f.namespace().namespace} namespace.\n`); return }
  await mutateAll(inv, infos, errors, (draft, info) => {
    if (!['Deployment', 'DaemonSet', 'StatefulSet'].includes(draft.kind)) throw named(info, 'restarting is not supported')
    if (draft.kind === 'Deployment' && draft['spec'].paused) throw named(info, "can't restart paused deployment (run rollout resume first)")
    const metadata = draft['spec'].template.metadata ??= {}
    metadata.annotations = { ...metadata.annotations, 'kubectl.kubernetes.io/restartedAt': rfc3339(f.nowMs()) }
  }, {
    namesRefused: false, operation: 'restarted', manager: 'kubectl-rollout', failure: 'failed to patch:',
    unchanged: (info) => new Error(`failed to create patch for ${info.name}: if restart has already been triggered within the past second, please wait before attempting to trigger another`),
  })
}

/** k8s: kubectl/pkg/cmd/rollout */
export const ROLLOUT_COMMANDS: Record<string, CommandHandler> = {
  'rollout status': status, 'rollout history': history, 'rollout undo': undo, 'rollout pause': pausing(true), 'rollout resume': pausing(false), 'rollout restart': restart,
}
