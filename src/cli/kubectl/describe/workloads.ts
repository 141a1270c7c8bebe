import { canonicalQuantity } from '../../../cluster/kinds/quantity.ts'
import { humanDuration } from '../duration.ts'
import { formatLabels, formatLabelSelector, selectorQuery } from '../selectors.ts'
import { countOf, podPhases, printConditions, printLabelsAndAnnotations, printTitle } from './describer.ts'
import type { Describer } from './describer.ts'
import { describePodTemplate } from './pod-template.ts'
import { claimClass } from './storage-texts.ts'
import { controllerOf, goList, joined, printMap, rfc1123 } from './writer.ts'

export const deployment: Describer = async (o, w, context) => {
  const { spec, status = {} } = o
  printTitle(w, o)
  w.line(0, `CreationTimestamp:\t${rfc1123(o.metadata.creationTimestamp)}`)
  printLabelsAndAnnotations(w, o)
  w.line(0, `Selector:\t${selectorQuery(spec.selector)}`)
  w.line(0, `Replicas:\t${spec.replicas} desired | ${countOf(status.updatedReplicas)} updated | ${countOf(status.replicas)} total | ${countOf(status.availableReplicas)} available | ${countOf(status.unavailableReplicas)} unavailable`)
  w.line(0, `StrategyType:\t${spec.strategy?.type ?? ''}`)
  w.line(0, `MinReadySeconds:\t${countOf(spec.minReadySeconds)}`)
  const rolling = spec.strategy?.rollingUpdate
  if (rolling) w.line(0, `RollingUpdateStrategy:\t${rolling.maxUnavailable} max unavailable, ${rolling.maxSurge} max surge`)
  describePodTemplate(spec.template, w)
  printConditions(w, status.conditions)
  const sets = ((await context.list(`/apis/apps/v1/namespaces/${o.metadata.namespace}/replicasets`, { labelSelector: selectorQuery(spec.selector) })) ?? [])
    .filter((rs) => (rs.metadata.ownerReferences ?? []).some((r: any) => r.controller && r.uid === o.metadata.uid))
    .sort((a, b) => Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp) || (a.metadata.name < b.metadata.name ? -1 : 1))
  if (sets.length > 0) {
    const newest = sets.find((rs) => sameTemplate(rs.spec.template, spec.template)) ?? undefined
    const created = (list: any[]) => joined(list.map((rs) => `${rs.metadata.name} (${countOf(rs.status?.replicas)}/${rs.spec.replicas} replicas created)`), ', ')
    const old = sets.filter((rs) => rs !== newest)
    w.line(0, `OldReplicaSets:\t${created(old)}`)
    w.line(0, `NewReplicaSet:\t${created(newest ? [newest] : [])}`)
  }
}

function sameTemplate(a: any, b: any): boolean {
  const plain = (t: any) => {
    const { 'pod-template-hash': _, ...labels } = t?.metadata?.labels ?? {}
    return JSON.stringify(canonical({ ...t, metadata: { ...t?.metadata, labels } }))
  }
  return plain(a) === plain(b)
}

function canonical(value: any): any {
  if (Array.isArray(value)) return value.map(canonical)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.keys(value).sort().filter((k) => value[k] !== undefined && value[k] !== null).map((k) => [k, canonical(value[k])]))
}

export const replicaSet: Describer = async (o, w, context) => {
  printTitle(w, o)
  w.line(0, `Selector:\t${formatLabelSelector(o.spec.selector)}`)
  printLabelsAndAnnotations(w, o)
  const controller = controllerOf(o)
  if (controller) w.line(0, `Controlled By:\t${controller}`)
  w.line(0, `Replicas:\t${countOf(o.status?.replicas)} current / ${o.spec.replicas} desired`)
  w.line(0, `Pods Status:\t${await podPhases(o, context, selectorQuery(o.spec.selector))}`)
  describePodTemplate(o.spec.template, w)
  printConditions(w, o.status?.conditions)
}

export const replicationController: Describer = async (o, w, context) => {
  printTitle(w, o)
  w.line(0, `Selector:\t${formatLabels(o.spec.selector)}`)
  printLabelsAndAnnotations(w, o)
  w.line(0, `Replicas:\t${countOf(o.status?.replicas)} current / ${o.spec.replicas} desired`)
  w.line(0, `Pods Status:\t${await podPhases(o, context, selectorQuery({ matchLabels: o.spec.selector }))}`)
  describePodTemplate(o.spec.template, w)
  printConditions(w, o.status?.conditions)
}

export const daemonSet: Describer = async (o, w, context) => {
  const { spec, status = {} } = o
  printTitle(w, o)
  w.line(0, `Selector:\t${selectorQuery(spec.selector)}`)
  w.line(0, `Node-Selector:\t${formatLabels(spec.template?.spec?.nodeSelector)}`)
  printLabelsAndAnnotations(w, o)
  w.line(0, `Desired Number of Nodes Scheduled: ${countOf(status.desiredNumberScheduled)}`)
  w.line(0, `Current Number of Nodes Scheduled: ${countOf(status.currentNumberScheduled)}`)
  w.line(0, `Number of Nodes Scheduled with Up-to-date Pods: ${countOf(status.updatedNumberScheduled)}`)
  w.line(0, `Number of Nodes Scheduled with Available Pods: ${countOf(status.numberAvailable)}`)
  w.line(0, `Number of Nodes Misscheduled: ${countOf(status.numberMisscheduled)}`)
  w.line(0, `Pods Status:\t${await podPhases(o, context, selectorQuery(spec.selector))}`)
  describePodTemplate(spec.template, w)
}

export const statefulSet: Describer = async (o, w, context) => {
  const { spec, status = {} } = o
  printTitle(w, o)
  w.line(0, `CreationTimestamp:\t${rfc1123(o.metadata.creationTimestamp)}`)
  w.line(0, `Selector:\t${selectorQuery(spec.selector)}`)
  printLabelsAndAnnotations(w, o)
  w.line(0, `Replicas:\t${spec.replicas} desired | ${countOf(status.replicas)} total`)
  w.line(0, `Update Strategy:\t${spec.updateStrategy?.type ?? ''}`)
  const rolling = spec.updateStrategy?.rollingUpdate
  if (rolling?.partition !== undefined) {
    w.line(1, `Partition:\t${rolling.partition}`)
    if (rolling.maxUnavailable !== undefined) w.line(1, `MaxUnavailable:\t${rolling.maxUnavailable}`)
  }
  w.line(0, `Pods Status:\t${await podPhases(o, context, selectorQuery(spec.selector))}`)
  describePodTemplate(spec.template, w)
  const claims = spec.volumeClaimTemplates ?? []
  if (claims.length === 0) { w.line(0, 'Volume Claims:\t<none>'); return }
  w.line(0, 'Volume Claims:')
  for (const claim of claims) {
    w.line(1, `Name:\t${claim.metadata?.name ?? ''}`)
    w.line(1, `StorageClass:\t${claimClass(claim)}`)
    printMap(w, 'Labels', claim.metadata?.labels, '  ')
    printMap(w, 'Annotations', claim.metadata?.annotations, '  ')
    const storage = claim.spec.resources?.requests?.storage
    w.line(1, `Capacity:\t${storage ? canonicalQuantity(storage) : '<default>'}`)
    w.line(1, `Access Modes:\t${goList(claim.spec.accessModes)}`)
  }
}

export const job: Describer = (o, w) => {
  const { spec, status = {} } = o
  printTitle(w, o)
  w.line(0, `Selector:\t${selectorQuery(spec.selector)}`)
  printLabelsAndAnnotations(w, o)
  const controller = controllerOf(o)
  if (controller) w.line(0, `Controlled By:\t${controller}`)
  if (spec.parallelism !== undefined) w.line(0, `Parallelism:\t${spec.parallelism}`)
  w.line(0, `Completions:\t${spec.completions ?? '<unset>'}`)
  if (spec.completionMode) w.line(0, `Completion Mode:\t${spec.completionMode}`)
  if (spec.suspend !== undefined) w.line(0, `Suspend:\t${spec.suspend}`)
  if (spec.backoffLimit !== undefined) w.line(0, `Backoff Limit:\t${spec.backoffLimit}`)
  if (spec.ttlSecondsAfterFinished !== undefined) w.line(0, `TTL Seconds After Finished:\t${spec.ttlSecondsAfterFinished}`)
  if (status.startTime) w.line(0, `Start Time:\t${rfc1123(status.startTime)}`)
  if (status.completionTime) w.line(0, `Completed At:\t${rfc1123(status.completionTime)}`)
  if (status.startTime && status.completionTime) w.line(0, `Duration:\t${humanDuration(Date.parse(status.completionTime) - Date.parse(status.startTime))}`)
  if (spec.activeDeadlineSeconds !== undefined) w.line(0, `Active Deadline Seconds:\t${spec.activeDeadlineSeconds}s`)
  w.line(0, `Pods Statuses:\t${countOf(status.active)} Active${status.ready === undefined ? '' : ` (${status.ready} Ready)`} / ${countOf(status.succeeded)} Succeeded / ${countOf(status.failed)} Failed`)
  if (spec.completionMode === 'Indexed') {
    const indexes = status.completedIndexes as string | undefined ?? ''
    const cut = indexes.indexOf(',', 50)
    w.line(0, `Completed Indexes:\t${indexes === '' ? '<none>' : cut < 0 ? indexes : `${indexes.slice(0, cut + 1)}...`}`)
  }
  describePodTemplate(spec.template, w)
}

export const cronJob: Describer = (o, w) => {
  const { spec, status = {} } = o
  printTitle(w, o)
  printLabelsAndAnnotations(w, o)
  const unset = (value: unknown, suffix = '') => value === undefined || value === null ? '<unset>' : `${value}${suffix}`
  w.line(0, `Schedule:\t${spec.schedule}`)
  w.line(0, `Concurrency Policy:\t${spec.concurrencyPolicy ?? ''}`)
  w.line(0, `Suspend:\t${spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False'}`)
  w.line(0, `Time Zone:\t${unset(spec.timeZone)}`)
  w.line(0, `Successful Job History Limit:\t${unset(spec.successfulJobsHistoryLimit)}`)
  w.line(0, `Failed Job History Limit:\t${unset(spec.failedJobsHistoryLimit)}`)
  w.line(0, `Starting Deadline Seconds:\t${unset(spec.startingDeadlineSeconds, 's')}`)
  const template = spec.jobTemplate.spec
  w.line(0, `Selector:\t${template.selector ? selectorQuery(template.selector) : '<unset>'}`)
  w.line(0, `Parallelism:\t${unset(template.parallelism)}`)
  w.line(0, `Completions:\t${unset(template.completions)}`)
  if (template.activeDeadlineSeconds !== undefined) w.line(0, `Active Deadline Seconds:\t${template.activeDeadlineSeconds}s`)
  describePodTemplate(template.template, w)
  w.line(0, `Last Schedule Time:\t${status.lastScheduleTime ? rfc1123(status.lastScheduleTime) : '<unset>'}`)
  w.line(0, `Active Jobs:\t${joined((status.active ?? []).map((j: any) => j.name), ', ')}`)
}
