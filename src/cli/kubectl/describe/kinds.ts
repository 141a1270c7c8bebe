import { addQuantities, canonicalQuantity, compareQuantities, quantityMilliValue, quantityValue } from '../../../cluster/kinds/quantity.ts'
import { ageOf, humanDuration } from '../duration.ts'
import { decodeBase64 } from '../factory.ts'
import { formatLabels, formatLabelSelector, selectorQuery } from '../selectors.ts'
import { describeEvents, eventsOf } from './describe.ts'
import type { DescribeContext } from './describe.ts'
import { describeContainers, describePodTemplate, describeResources, describeSpread, describeVolumes, describeVolumeSource } from './pod-template.ts'
import { controllerOf, goList, joined, printAnnotations, printMap, printTaints, printTolerations, rfc1123, sortedKeys } from './writer.ts'
import type { DescribeWriter } from './writer.ts'

/** Writes all but the events; false: this kind shows none, or has shown them. k8s: kubectl/pkg/describe */
type Describer = (object: any, w: DescribeWriter, context: DescribeContext) => Promise<void | false> | void | false

const n = (value: unknown) => (value as number | undefined) ?? 0
const title = (w: DescribeWriter, o: any, namespaced = true) => {
  w.line(0, `Name:\t${o.metadata.name}`)
  if (namespaced) w.line(0, `Namespace:\t${o.metadata.namespace ?? ''}`)
}
const labelled = (w: DescribeWriter, o: any) => {
  printMap(w, 'Labels', o.metadata.labels)
  printAnnotations(w, o.metadata.annotations)
}
const selectorText = (selector: any) => selectorQuery(selector)

function conditions(w: DescribeWriter, list: any[] | undefined): void {
  if (!list?.length) return
  w.line(0, 'Conditions:')
  w.line(1, 'Type\tStatus\tReason')
  w.line(1, '----\t------\t------')
  for (const c of list) w.line(1, `${c.type} \t${c.status}\t${c.reason ?? ''}`)
}

async function podPhases(o: any, context: DescribeContext, labelSelector: string): Promise<string> {
  const pods = await context.list(`/api/v1/namespaces/${o.metadata.namespace}/pods`, { labelSelector }) ?? []
  const mine = pods.filter((p) => (p.metadata.ownerReferences ?? []).some((r: any) => r.controller && r.uid === o.metadata.uid))
  const count = (phase: string) => mine.filter((p) => p.status?.phase === phase).length
  return `${count('Running')} Running / ${count('Pending')} Waiting / ${count('Succeeded')} Succeeded / ${count('Failed')} Failed`
}

const pod: Describer = (o, w, context) => {
  const { spec, status = {} } = o
  title(w, o)
  if (spec.priority !== undefined) w.line(0, `Priority:\t${spec.priority}`)
  if (spec.priorityClassName) w.line(0, `Priority Class Name:\t${spec.priorityClassName}`)
  if (spec.runtimeClassName) w.line(0, `Runtime Class Name:\t${spec.runtimeClassName}`)
  if (spec.serviceAccountName) w.line(0, `Service Account:\t${spec.serviceAccountName}`)
  w.line(0, `Node:\t${spec.nodeName ? `${spec.nodeName}/${status.hostIP ?? ''}` : '<none>'}`)
  if (status.startTime) w.line(0, `Start Time:\t${rfc1123(status.startTime)}`)
  labelled(w, o)
  if (o.metadata.deletionTimestamp && !['Failed', 'Succeeded'].includes(status.phase)) {
    w.line(0, `Status:\tTerminating (lasts ${ageOf(o.metadata.deletionTimestamp, context.nowMs)})`)
    w.line(0, `Termination Grace Period:\t${n(o.metadata.deletionGracePeriodSeconds)}s`)
  } else w.line(0, `Status:\t${status.phase ?? ''}`)
  if (status.reason) w.line(0, `Reason:\t${status.reason}`)
  if (status.message) w.line(0, `Message:\t${status.message}`)
  const seccomp = spec.securityContext?.seccompProfile
  if (seccomp) {
    w.line(0, `SeccompProfile:\t${seccomp.type}`)
    if (seccomp.type === 'Localhost') w.line(0, `LocalhostProfile:\t${seccomp.localhostProfile}`)
  }
  w.line(0, `IP:\t${status.podIP ?? ''}`)
  if (!status.podIPs?.length) w.line(0, 'IPs:\t<none>')
  else {
    w.line(0, 'IPs:')
    for (const { ip } of status.podIPs) w.line(1, `IP:\t${ip}`)
  }
  const controller = controllerOf(o)
  if (controller) w.line(0, `Controlled By:\t${controller}`)
  if (status.nominatedNodeName) w.line(0, `NominatedNodeName:\t${status.nominatedNodeName}`)
  if (spec.resources) {
    w.line(0, 'Resources:')
    describeResources(spec.resources, w, 1)
  }
  if (spec.initContainers?.length) describeContainers('Init Containers', spec.initContainers, status.initContainerStatuses ?? [], o, w, '')
  describeContainers('Containers', spec.containers ?? [], status.containerStatuses ?? [], o, w, '')
  if (spec.ephemeralContainers?.length) describeContainers('Ephemeral Containers', spec.ephemeralContainers, status.ephemeralContainerStatuses ?? [], o, w, '')
  if (spec.readinessGates?.length) {
    w.line(0, 'Readiness Gates:')
    w.line(1, 'Type\tStatus')
    for (const g of spec.readinessGates) w.line(1, `${g.conditionType} \t${status.conditions?.find((c: any) => c.type === g.conditionType)?.status ?? '<none>'} `)
  }
  if (status.conditions?.length) {
    w.line(0, 'Conditions:')
    w.line(1, 'Type\tStatus')
    for (const c of status.conditions) w.line(1, `${c.type} \t${c.status} `)
  }
  describeVolumes(spec.volumes, w, '')
  w.line(0, `QoS Class:\t${status.qosClass ?? 'BestEffort'}`)
  printMap(w, 'Node-Selectors', spec.nodeSelector)
  printTolerations(w, 'Tolerations', spec.tolerations)
  describeSpread(spec.topologySpreadConstraints, w, '')
}

const deployment: Describer = async (o, w, context) => {
  const { spec, status = {} } = o
  title(w, o)
  w.line(0, `CreationTimestamp:\t${rfc1123(o.metadata.creationTimestamp)}`)
  labelled(w, o)
  w.line(0, `Selector:\t${selectorText(spec.selector)}`)
  w.line(0, `Replicas:\t${spec.replicas} desired | ${n(status.updatedReplicas)} updated | ${n(status.replicas)} total | ${n(status.availableReplicas)} available | ${n(status.unavailableReplicas)} unavailable`)
  w.line(0, `StrategyType:\t${spec.strategy?.type ?? ''}`)
  w.line(0, `MinReadySeconds:\t${n(spec.minReadySeconds)}`)
  const rolling = spec.strategy?.rollingUpdate
  if (rolling) w.line(0, `RollingUpdateStrategy:\t${rolling.maxUnavailable} max unavailable, ${rolling.maxSurge} max surge`)
  describePodTemplate(spec.template, w)
  conditions(w, status.conditions)
  const sets = ((await context.list(`/apis/apps/v1/namespaces/${o.metadata.namespace}/replicasets`, { labelSelector: selectorQuery(spec.selector) })) ?? [])
    .filter((rs) => (rs.metadata.ownerReferences ?? []).some((r: any) => r.controller && r.uid === o.metadata.uid))
    .sort((a, b) => Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp) || (a.metadata.name < b.metadata.name ? -1 : 1))
  if (sets.length > 0) {
    const newest = sets.find((rs) => sameTemplate(rs.spec.template, spec.template)) ?? undefined
    const created = (list: any[]) => joined(list.map((rs) => `${rs.metadata.name} (${n(rs.status?.replicas)}/${rs.spec.replicas} replicas created)`), ', ')
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

const replicaSet: Describer = async (o, w, context) => {
  title(w, o)
  w.line(0, `Selector:\t${formatLabelSelector(o.spec.selector)}`)
  labelled(w, o)
  const controller = controllerOf(o)
  if (controller) w.line(0, `Controlled By:\t${controller}`)
  w.line(0, `Replicas:\t${n(o.status?.replicas)} current / ${o.spec.replicas} desired`)
  w.line(0, `Pods Status:\t${await podPhases(o, context, selectorQuery(o.spec.selector))}`)
  describePodTemplate(o.spec.template, w)
  conditions(w, o.status?.conditions)
}

const replicationController: Describer = async (o, w, context) => {
  title(w, o)
  w.line(0, `Selector:\t${formatLabels(o.spec.selector)}`)
  labelled(w, o)
  w.line(0, `Replicas:\t${n(o.status?.replicas)} current / ${o.spec.replicas} desired`)
  w.line(0, `Pods Status:\t${await podPhases(o, context, selectorQuery({ matchLabels: o.spec.selector }))}`)
  describePodTemplate(o.spec.template, w)
  conditions(w, o.status?.conditions)
}

const daemonSet: Describer = async (o, w, context) => {
  const { spec, status = {} } = o
  title(w, o)
  w.line(0, `Selector:\t${selectorText(spec.selector)}`)
  w.line(0, `Node-Selector:\t${formatLabels(spec.template?.spec?.nodeSelector)}`)
  labelled(w, o)
  w.line(0, `Desired Number of Nodes Scheduled: ${n(status.desiredNumberScheduled)}`)
  w.line(0, `Current Number of Nodes Scheduled: ${n(status.currentNumberScheduled)}`)
  w.line(0, `Number of Nodes Scheduled with Up-to-date Pods: ${n(status.updatedNumberScheduled)}`)
  w.line(0, `Number of Nodes Scheduled with Available Pods: ${n(status.numberAvailable)}`)
  w.line(0, `Number of Nodes Misscheduled: ${n(status.numberMisscheduled)}`)
  w.line(0, `Pods Status:\t${await podPhases(o, context, selectorQuery(spec.selector))}`)
  describePodTemplate(spec.template, w)
}

const statefulSet: Describer = async (o, w, context) => {
  const { spec, status = {} } = o
  title(w, o)
  w.line(0, `CreationTimestamp:\t${rfc1123(o.metadata.creationTimestamp)}`)
  w.line(0, `Selector:\t${selectorText(spec.selector)}`)
  labelled(w, o)
  w.line(0, `Replicas:\t${spec.replicas} desired | ${n(status.replicas)} total`)
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
    w.line(1, `Name:\t${claim.metadata.name}`)
    w.line(1, `StorageClass:\t${claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? claim.spec.storageClassName ?? ''}`)
    printMap(w, 'Labels', claim.metadata.labels, '  ')
    printMap(w, 'Annotations', claim.metadata.annotations, '  ')
    const storage = claim.spec.resources?.requests?.storage
    w.line(1, `Capacity:\t${storage ? canonicalQuantity(storage) : '<default>'}`)
    w.line(1, `Access Modes:\t${goList(claim.spec.accessModes)}`)
  }
}

const job: Describer = (o, w) => {
  const { spec, status = {} } = o
  title(w, o)
  w.line(0, `Selector:\t${selectorText(spec.selector)}`)
  labelled(w, o)
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
  w.line(0, `Pods Statuses:\t${n(status.active)} Active${status.ready === undefined ? '' : ` (${status.ready} Ready)`} / ${n(status.succeeded)} Succeeded / ${n(status.failed)} Failed`)
  if (spec.completionMode === 'Indexed') {
    const indexes = status.completedIndexes as string | undefined ?? ''
    const cut = indexes.indexOf(',', 50)
    w.line(0, `Completed Indexes:\t${indexes === '' ? '<none>' : cut < 0 ? indexes : `${indexes.slice(0, cut + 1)}...`}`)
  }
  describePodTemplate(spec.template, w)
}

const cronJob: Describer = (o, w) => {
  const { spec, status = {} } = o
  title(w, o)
  labelled(w, o)
  const unset = (value: unknown, suffix = '') => value === undefined || value === null ? '<unset>' : `${value}${suffix}`
  w.line(0, `Schedule:\t${spec.schedule}`)
  w.line(0, `Concurrency Policy:\t${spec.concurrencyPolicy ?? ''}`)
  w.line(0, `Suspend:\t${spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False'}`)
  w.line(0, `Time Zone:\t${unset(spec.timeZone)}`)
  w.line(0, `Successful Job History Limit:\t${unset(spec.successfulJobsHistoryLimit)}`)
  w.line(0, `Failed Job History Limit:\t${unset(spec.failedJobsHistoryLimit)}`)
  w.line(0, `Starting Deadline Seconds:\t${unset(spec.startingDeadlineSeconds, 's')}`)
  const template = spec.jobTemplate.spec
  w.line(0, `Selector:\t${template.selector ? selectorText(template.selector) : '<unset>'}`)
  w.line(0, `Parallelism:\t${unset(template.parallelism)}`)
  w.line(0, `Completions:\t${unset(template.completions)}`)
  if (template.activeDeadlineSeconds !== undefined) w.line(0, `Active Deadline Seconds:\t${template.activeDeadlineSeconds}s`)
  describePodTemplate(template.template, w)
  w.line(0, `Last Schedule Time:\t${status.lastScheduleTime ? rfc1123(status.lastScheduleTime) : '<unset>'}`)
  w.line(0, `Active Jobs:\t${joined((status.active ?? []).map((j: any) => j.name), ', ')}`)
}

// --- network -------------------------------------------------------------------------------------------------------------------------

/** At most three addresses of the ready endpoints. k8s: describe formatEndpointSlices */
function endpointsText(slices: any[], portName: string): string {
  if (slices.length === 0) return '<none>'
  const ready = (e: any) => e.conditions?.ready !== false
  const all: string[] = []
  for (const slice of slices) {
    if (!slice.ports?.length) for (const e of slice.endpoints ?? []) { if (ready(e)) all.push(e.addresses[0]) }
    else for (const port of slice.ports) if ((port.name ?? '') === portName) for (const e of slice.endpoints ?? [])
      if (ready(e)) all.push(`${e.addresses[0].includes(':') ? `[${e.addresses[0]}]` : e.addresses[0]}:${port.port}`)
  }
  return all.length > 3 ? `${all.slice(0, 3).join(',')} + ${all.length - 3} more...` : all.join(',')
}

const slicesOf = async (context: DescribeContext, namespace: string, service: string) =>
  await context.list(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, { labelSelector: `kubernetes.io/service-name=${service}` }) ?? []

const service: Describer = async (o, w, context) => {
  const { spec, status = {} } = o
  title(w, o)
  labelled(w, o)
  w.line(0, `Selector:\t${formatLabels(spec.selector)}`)
  w.line(0, `Type:\t${spec.type}`)
  if (spec.ipFamilyPolicy) w.line(0, `IP Family Policy:\t${spec.ipFamilyPolicy}`)
  w.line(0, `IP Families:\t${joined(spec.ipFamilies)}`)
  w.line(0, `IP:\t${spec.clusterIP ?? ''}`)
  w.line(0, `IPs:\t${joined(spec.clusterIPs)}`)
  if (spec.externalIPs?.length) w.line(0, `External IPs:\t${spec.externalIPs.join(',')}`)
  if (spec.loadBalancerIP) w.line(0, `Desired LoadBalancer IP:\t${spec.loadBalancerIP}`)
  if (spec.externalName) w.line(0, `External Name:\t${spec.externalName}`)
  const ingress = status.loadBalancer?.ingress
  if (ingress?.length) w.line(0, `LoadBalancer Ingress:\t${ingress.map((i: any) => i.ip ? `${i.ip}${i.ipMode ? ` (${i.ipMode})` : ''}` : i.hostname ?? '').join(', ')}`)
  const slices = await slicesOf(context, o.metadata.namespace, o.metadata.name)
  for (const p of spec.ports ?? []) {
    const name = p.name || '<unset>'
    w.line(0, `Port:\t${name}\t${p.port}/${p.protocol}`)
    w.line(0, `TargetPort:\t${p.targetPort}/${p.protocol}`)
    if (p.appProtocol) w.line(0, `AppProtocol:\t${p.appProtocol}`)
    if (p.nodePort) w.line(0, `NodePort:\t${name}\t${p.nodePort}/${p.protocol}`)
    w.line(0, `Endpoints:\t${endpointsText(slices, p.name ?? '')}`)
  }
  w.line(0, `Session Affinity:\t${spec.sessionAffinity ?? ''}`)
  if (spec.externalTrafficPolicy) w.line(0, `External Traffic Policy:\t${spec.externalTrafficPolicy}`)
  if (spec.internalTrafficPolicy) w.line(0, `Internal Traffic Policy:\t${spec.internalTrafficPolicy}`)
  if (spec.healthCheckNodePort) w.line(0, `HealthCheck NodePort:\t${spec.healthCheckNodePort}`)
  if (spec.loadBalancerSourceRanges?.length) w.line(0, `LoadBalancer Source Ranges:\t${spec.loadBalancerSourceRanges.join(',')}`)
  if (spec.trafficDistribution) w.line(0, `Traffic Distribution:\t${spec.trafficDistribution}`)
}

const endpoints: Describer = (o, w) => {
  title(w, o)
  labelled(w, o)
  w.line(0, 'Subsets:')
  for (const s of o.subsets ?? []) {
    w.line(1, `Addresses:\t${joined((s.addresses ?? []).map((a: any) => a.ip))}`)
    w.line(1, `NotReadyAddresses:\t${joined((s.notReadyAddresses ?? []).map((a: any) => a.ip))}`)
    if (s.ports?.length) {
      w.line(1, 'Ports:')
      w.line(2, 'Name\tPort\tProtocol')
      w.line(2, '----\t----\t--------')
      for (const p of s.ports) w.line(2, `${p.name || '<unset>'}\t${p.port}\t${p.protocol}`)
    }
    w.line(0, '')
  }
}

const endpointSlice: Describer = (o, w) => {
  title(w, o)
  labelled(w, o)
  w.line(0, `AddressType:\t${o.addressType}`)
  if (!o.ports?.length) w.line(0, 'Ports: <unset>')
  else {
    w.line(0, 'Ports:')
    w.line(1, 'Name\tPort\tProtocol')
    w.line(1, '----\t----\t--------')
    for (const p of o.ports) w.line(1, `${p.name || '<unset>'}\t${p.port ?? '<unset>'}\t${p.protocol}`)
  }
  if (!o.endpoints?.length) { w.line(0, 'Endpoints: <none>'); return }
  w.line(0, 'Endpoints:')
  for (const e of o.endpoints) {
    w.line(1, `- Addresses:\t${joined(e.addresses, ', ')}`)
    w.line(2, 'Conditions:')
    w.line(3, `Ready:\t${e.conditions?.ready ?? '<unset>'}`)
    w.line(2, `Hostname:\t${e.hostname ?? '<unset>'}`)
    if (e.targetRef) w.line(2, `TargetRef:\t${e.targetRef.kind}/${e.targetRef.name}`)
    w.line(2, `NodeName:\t${e.nodeName ?? '<unset>'}`)
    w.line(2, `Zone:\t${e.zone ?? '<unset>'}`)
  }
}

const ingress: Describer = async (o, w, context) => {
  const { spec, status = {} } = o
  const namespace = o.metadata.namespace
  const backendText = async (backend: any): Promise<string> => {
    if (backend.service) {
      const { name, port = {} } = backend.service
      const shown = `${name}:${port.number || port.name || ''}`
      try {
        const slices = await slicesOf(context, namespace, name)
        const target = await context.f.rest().json('GET', `/api/v1/namespaces/${namespace}/services/${name}`)
        const found = (target['spec'].ports ?? []).findLast((p: any) => (port.number && p.port === port.number) || (port.name && p.name === port.name))
        return `${shown} (${endpointsText(slices, found?.name ?? '')})`
      } catch (error) {
        return `${shown} (<error: ${(error as Error).message}>)`
      }
    }
    if (backend.resource) return `APIGroup: ${backend.resource.apiGroup ?? '<none>'}, Kind: ${backend.resource.kind}, Name: ${backend.resource.name}`
    return ''
  }
  w.line(0, `Name:\t${o.metadata.name}`)
  printMap(w, 'Labels', o.metadata.labels)
  w.line(0, `Namespace:\t${namespace}`)
  w.line(0, `Address:\t${[...new Set((status.loadBalancer?.ingress ?? []).map((i: any) => i.ip || i.hostname).filter(Boolean))].sort().join(',')}`)
  w.line(0, `Ingress Class:\t${spec.ingressClassName ?? '<none>'}`)
  const fallback = spec.defaultBackend ? await backendText(spec.defaultBackend) : '<default>'
  w.line(0, `Default backend:\t${fallback}`)
  if (spec.tls?.length) {
    w.line(0, 'TLS:')
    for (const t of spec.tls) w.line(1, t.secretName ? `${t.secretName} terminates ${(t.hosts ?? []).join(',')}` : `SNI routes ${(t.hosts ?? []).join(',')}`)
  }
  w.line(0, 'Rules:')
  w.line(1, 'Host\tPath\tBackends')
  w.line(1, '----\t----\t--------')
  let count = 0
  for (const rule of spec.rules ?? []) {
    if (!rule.http) continue
    count++
    w.line(1, `${rule.host || '*'}\t`)
    for (const path of rule.http.paths) w.line(2, `\t${path.path ?? ''} \t${await backendText(path.backend)}`)
  }
  if (count === 0) w.line(1, `*\t*\t${fallback}`)
  printAnnotations(w, o.metadata.annotations)
}

const ingressClass: Describer = (o, w) => {
  title(w, o, false)
  labelled(w, o)
  w.line(0, `Controller:\t${o.spec?.controller ?? ''}`)
  const p = o.spec?.parameters
  if (p) {
    w.line(0, 'Parameters:')
    if (p.apiGroup) w.line(1, `APIGroup:\t${p.apiGroup}`)
    w.line(1, `Kind:\t${p.kind}`)
    w.line(1, `Name:\t${p.name}`)
  }
}

const networkPolicy: Describer = (o, w) => {
  const { spec } = o
  title(w, o)
  w.line(0, `Created on:\t${goTime(o.metadata.creationTimestamp)}`)
  labelled(w, o)
  w.line(0, 'Spec:')
  const everything = Object.keys(spec.podSelector?.matchLabels ?? {}).length === 0 && !spec.podSelector?.matchExpressions?.length
  w.line(1, `PodSelector:     ${everything ? '<none> (Allowing the specific traffic to all pods in this namespace)' : formatLabelSelector(spec.podSelector)}`)
  const indent = '    '
  const rules = (list: any[] | undefined, peersKey: 'from' | 'to', what: string, open: string) => {
    if (!list?.length) { w.line(0, `${indent}<none> (Selected pods are isolated for ${what} connectivity)`); return }
    list.forEach((rule, i) => {
      if (!rule.ports?.length) w.line(0, `${indent}To Port: <any> (traffic allowed to all ports)`)
      for (const p of rule.ports ?? []) w.line(0, p.endPort ? `${indent}To Port Range: ${p.port}-${p.endPort}/${p.protocol ?? 'TCP'}` : `${indent}To Port: ${p.port ?? '<nil>'}/${p.protocol ?? 'TCP'}`)
      const word = peersKey === 'from' ? 'From' : 'To'
      if (!rule[peersKey]?.length) w.line(0, `${indent}${word}: <any> (traffic not restricted by ${open})`)
      for (const peer of rule[peersKey] ?? []) {
        w.line(0, `${indent}${word}:`)
        if (peer.namespaceSelector) w.line(1, `${indent}NamespaceSelector: ${formatLabelSelector(peer.namespaceSelector)}`)
        if (peer.podSelector) w.line(1, `${indent}PodSelector: ${formatLabelSelector(peer.podSelector)}`)
        if (peer.ipBlock && !peer.podSelector && !peer.namespaceSelector) {
          w.line(1, `${indent}IPBlock:`)
          w.line(2, `${indent}CIDR: ${peer.ipBlock.cidr}`)
          w.line(2, `${indent}Except: ${(peer.ipBlock.except ?? []).join(', ')}`)
        }
      }
      if (i !== list.length - 1) w.line(0, `${indent}----------`)
    })
  }
  const types = spec.policyTypes ?? []
  if (types.includes('Ingress')) { w.line(1, 'Allowing ingress traffic:'); rules(spec.ingress, 'from', 'ingress', 'source') } else w.line(1, 'Not affecting ingress traffic')
  if (types.includes('Egress')) { w.line(1, 'Allowing egress traffic:'); rules(spec.egress, 'to', 'egress', 'destination') } else w.line(1, 'Not affecting egress traffic')
  w.line(1, `Policy Types: ${types.join(', ')}`)
  return false
}

/** Go's default form of a time. */
const goTime = (timestamp: string | undefined) => timestamp ? timestamp.replace('T', ' ').replace('Z', ' +0000 UTC') : '0001-01-01 00:00:00 +0000 UTC'

// --- configuration ---------------------------------------------------------------------------------------------------------------------

const configMap: Describer = (o, w) => {
  title(w, o)
  labelled(w, o)
  w.write(0, '\nData\n====\n')
  for (const key of sortedKeys(o.data)) w.write(0, `${key}:\n----\n${o.data[key]}\n\n`)
  w.write(0, '\nBinaryData\n====\n')
  for (const key of sortedKeys(o.binaryData)) w.write(0, `${key}: ${atob(o.binaryData[key]).length} bytes\n`)
  w.write(0, '\n')
}

const secret: Describer = (o, w) => {
  title(w, o)
  labelled(w, o)
  w.write(0, `\nType:\t${o.type ?? ''}\n`)
  w.write(0, '\nData\n====\n')
  for (const key of sortedKeys(o.data))
    w.line(0, key === 'token' && o.type === 'kubernetes.io/service-account-token' ? `${key}:\t${decodeBase64(o.data[key])}` : `${key}:\t${atob(o.data[key]).length} bytes`)
  return false
}

const serviceAccount: Describer = (o, w) => {
  title(w, o)
  labelled(w, o)
  const names = (o.imagePullSecrets ?? []).map((s: any) => s.name)
  if (names.length === 0) w.line(0, 'Image pull secrets:\t<none>')
  names.forEach((name: string, i: number) => w.line(0, `${i === 0 ? 'Image pull secrets:' : '                   '}\t${name}`))
}

// --- rbac ------------------------------------------------------------------------------------------------------------------------------

interface Rule { verbs: string[]; apiGroups: string[]; resources: string[]; resourceNames: string[]; nonResourceURLs: string[] }

/** One rule per group, resource and name. k8s: kubectl/pkg/util/rbac BreakdownRule, CompactRules */
export function compactRules(rules: any[]): Rule[] {
  const simple = new Map<string, Rule>()
  const others: Rule[] = []
  for (const rule of rules ?? []) {
    for (const group of rule.apiGroups ?? []) for (const resource of rule.resources ?? []) for (const verb of rule.verbs ?? [])
      for (const name of rule.resourceNames?.length ? rule.resourceNames : [undefined]) {
        const key = JSON.stringify([group, resource, name ?? null])
        const known = simple.get(key)
        if (!known) simple.set(key, { verbs: [verb], apiGroups: [group], resources: [resource], resourceNames: name === undefined ? [] : [name], nonResourceURLs: [] })
        else if (!known.verbs.includes(verb)) known.verbs.push(verb)
      }
    for (const url of rule.nonResourceURLs ?? []) for (const verb of rule.verbs ?? []) others.push({ verbs: [verb], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: [url] })
  }
  const text = (r: Rule) => `&PolicyRule{Verbs:${goList(r.verbs)},APIGroups:${goList(r.apiGroups)},Resources:${goList(r.resources)},ResourceNames:${goList(r.resourceNames)},NonResourceURLs:${goList(r.nonResourceURLs)},}`
  return [...others, ...simple.values()].sort((a, b) => text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0)
}

/** `deployments.apps/scale`. k8s: describe CombineResourceGroup */
export function combineResourceGroup(resources: readonly string[], groups: readonly string[]): string {
  if (resources.length === 0) return ''
  const [resource, ...sub] = resources[0]!.split('/')
  return `${resource}${groups[0] ? `.${groups[0]}` : ''}${sub.length > 0 ? `/${sub.join('/')}` : ''}`
}

const role: Describer = (o, w) => {
  w.line(0, `Name:\t${o.metadata.name}`)
  labelled(w, o)
  w.line(0, 'PolicyRule:')
  w.line(1, 'Resources\tNon-Resource URLs\tResource Names\tVerbs')
  w.line(1, '---------\t-----------------\t--------------\t-----')
  for (const r of compactRules(o.rules)) w.line(1, `${combineResourceGroup(r.resources, r.apiGroups)}\t${goList(r.nonResourceURLs)}\t${goList(r.resourceNames)}\t${goList(r.verbs)}`)
  return false
}

const roleBinding: Describer = (o, w) => {
  w.line(0, `Name:\t${o.metadata.name}`)
  labelled(w, o)
  w.line(0, 'Role:')
  w.line(1, `Kind:\t${o.roleRef.kind}`)
  w.line(1, `Name:\t${o.roleRef.name}`)
  w.line(0, 'Subjects:')
  w.line(1, 'Kind\tName\tNamespace')
  w.line(1, '----\t----\t---------')
  for (const s of o.subjects ?? []) w.line(1, `${s.kind}\t${s.name}\t${s.namespace ?? ''}`)
  return false
}

// --- cluster ---------------------------------------------------------------------------------------------------------------------------

/** What a pod asks for in all. k8s: component-helpers/resource PodRequests, PodLimits */
function podTotals(pod: any, kind: 'requests' | 'limits'): Record<string, string> {
  const total: Record<string, string> = {}
  const add = (list: any) => { for (const [name, value] of Object.entries(list ?? {})) total[name] = total[name] ? addQuantities(total[name]!, value as string) : canonicalQuantity(value as string) }
  for (const c of pod.spec.containers ?? []) add(c.resources?.[kind])
  const sidecars: Record<string, string> = {}
  const initMax: Record<string, string> = {}
  const raise = (name: string, value: string) => { if (!initMax[name] || compareQuantities(value, initMax[name]!) > 0) initMax[name] = value }
  for (const c of pod.spec.initContainers ?? []) {
    const wanted = c.resources?.[kind] ?? {}
    if (c.restartPolicy === 'Always') {
      for (const [name, value] of Object.entries(wanted)) { add({ [name]: value }); sidecars[name] = sidecars[name] ? addQuantities(sidecars[name]!, value as string) : value as string; raise(name, sidecars[name]!) }
    } else for (const name of new Set([...Object.keys(wanted), ...Object.keys(sidecars)])) raise(name, wanted[name] ? sidecars[name] ? addQuantities(wanted[name], sidecars[name]!) : wanted[name] : sidecars[name]!)
  }
  for (const [name, value] of Object.entries(initMax)) if (!total[name] || compareQuantities(value, total[name]!) > 0) total[name] = canonicalQuantity(value)
  for (const [name, value] of Object.entries(pod.spec.resources?.[kind] ?? {})) total[name] = canonicalQuantity(value as string)
  for (const [name, value] of Object.entries(pod.spec.overhead ?? {})) if (kind === 'requests' || total[name]) total[name] = total[name] ? addQuantities(total[name]!, value as string) : value as string
  return total
}

const node: Describer = async (o, w, context): Promise<false> => {
  const { spec = {}, status = {} } = o
  w.line(0, `Name:\t${o.metadata.name}`)
  const roles = new Set<string>()
  for (const [key, value] of Object.entries(o.metadata.labels ?? {})) {
    if (key.startsWith('node-role.kubernetes.io/') && key.length > 24) roles.add(key.slice(24))
    else if (key === 'kubernetes.io/role' && value) roles.add(value as string)
  }
  w.line(0, `Roles:\t${joined([...roles].sort())}`)
  labelled(w, o)
  w.line(0, `CreationTimestamp:\t${rfc1123(o.metadata.creationTimestamp)}`)
  printTaints(w, spec.taints)
  w.line(0, `Unschedulable:\t${Boolean(spec.unschedulable)}`)
  try {
    const lease = await context.f.rest().json('GET', `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${o.metadata.name}`)
    w.line(0, 'Lease:')
    w.line(1, `HolderIdentity:\t${lease.spec?.holderIdentity ?? '<unset>'}`)
    w.line(1, `AcquireTime:\t${lease.spec?.acquireTime ? rfc1123(lease.spec.acquireTime) : '<unset>'}`)
    w.line(1, `RenewTime:\t${lease.spec?.renewTime ? rfc1123(lease.spec.renewTime) : '<unset>'}`)
  } catch (error) {
    w.line(0, `Lease:\tFailed to get lease: ${(error as Error).message}`)
  }
  if (status.conditions?.length) {
    w.line(0, 'Conditions:')
    w.line(1, 'Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage')
    w.line(1, '----\t------\t-----------------\t------------------\t------\t-------')
    for (const c of status.conditions) w.line(1, `${c.type} \t${c.status} \t${rfc1123(c.lastHeartbeatTime)} \t${rfc1123(c.lastTransitionTime)} \t${c.reason ?? ''} \t${c.message ?? ''}`)
  }
  w.line(0, 'Addresses:')
  for (const a of status.addresses ?? []) w.line(1, `${a.type}:\t${a.address}`)
  for (const [heading, list] of [['Capacity', status.capacity], ['Allocatable', status.allocatable]] as const) {
    const names = sortedKeys(list)
    if (names.length > 0) w.line(0, `${heading}:`)
    for (const name of names) w.line(1, `${name}:\t${canonicalQuantity(list[name])}`)
  }
  const info = status.nodeInfo ?? {}
  w.line(0, 'System Info:')
  for (const [label, key] of [['Machine ID', 'machineID'], ['System UUID', 'systemUUID'], ['Boot ID', 'bootID'], ['Kernel Version', 'kernelVersion'], ['OS Image', 'osImage'], ['Operating System', 'operatingSystem'],
    ['Architecture', 'architecture'], ['Container Runtime Version', 'containerRuntimeVersion'], ['Kubelet Version', 'kubeletVersion']] as const) w.line(1, `${label}:\t${info[key] ?? ''}`)
  if (spec.podCIDR) w.line(0, `PodCIDR:\t${spec.podCIDR}`)
  if (spec.podCIDRs?.length) w.line(0, `PodCIDRs:\t${spec.podCIDRs.join(',')}`)
  if (spec.providerID) w.line(0, `ProviderID:\t${spec.providerID}`)
  const pods = await context.list('/api/v1/pods', { fieldSelector: `spec.nodeName=${o.metadata.name},status.phase!=Failed,status.phase!=Succeeded` })
  if (pods) nodeResources(pods, o, w, context.nowMs)
  else w.line(0, 'Pods:\tnot authorized')
  if (!context.showEvents) return false
  // The node lifecycle controller refers to nodes by uid, the kubelet by name.
  const events = [...await eventsOf(context, o), ...await eventsOf(context, o, o.metadata.name)]
  describeEvents(events, w, context.nowMs)
  return false
}

function nodeResources(pods: any[], o: any, w: DescribeWriter, nowMs: number): void {
  w.line(0, `Non-terminated Pods:\t(${pods.length} in total)`)
  w.line(1, 'Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge')
  w.line(1, '---------\t----\t\t------------\t----------\t---------------\t-------------\t---')
  const allocatable = Object.keys(o.status?.allocatable ?? {}).length > 0 ? o.status.allocatable : o.status?.capacity ?? {}
  const share = (name: string, value: string) => {
    const of = name === 'cpu' ? quantityMilliValue : quantityValue
    const whole = of(allocatable[name] ?? '0')
    return whole === 0 ? 0 : Math.trunc(of(value) / whole * 100)
  }
  const cell = (name: string, value = '0') => `${value} (${share(name, value)}%)`
  const reqs: Record<string, string> = {}
  const limits: Record<string, string> = {}
  for (const p of pods) {
    const r = podTotals(p, 'requests')
    const l = podTotals(p, 'limits')
    for (const [total, part] of [[reqs, r], [limits, l]] as const) for (const [name, value] of Object.entries(part)) total[name] = total[name] ? addQuantities(total[name]!, value) : value
    w.line(1, `${p.metadata.namespace}\t${p.metadata.name}\t\t${cell('cpu', r['cpu'])}\t${cell('cpu', l['cpu'])}\t${cell('memory', r['memory'])}\t${cell('memory', l['memory'])}\t${ageOf(p.metadata.creationTimestamp, nowMs)}`)
  }
  w.line(0, 'Allocated resources:')
  w.line(0, '  (Total limits may be over 100 percent, i.e., overcommitted.)')
  w.line(1, 'Resource\tRequests\tLimits')
  w.line(1, '--------\t--------\t------')
  for (const name of ['cpu', 'memory', 'ephemeral-storage']) w.line(1, `${name}\t${cell(name, reqs[name])}\t${cell(name, limits[name])}`)
  const names = sortedKeys(allocatable)
  for (const name of names.filter((x) => x.startsWith('hugepages-'))) w.line(1, `${name}\t${cell(name, reqs[name])}\t${cell(name, limits[name])}`)
  for (const name of names.filter((x) => !x.startsWith('hugepages-') && !['cpu', 'memory', 'ephemeral-storage', 'pods'].includes(x))) w.line(1, `${name}\t${reqs[name] ?? '0'}\t${limits[name] ?? '0'}`)
}

function quotaRows(o: any, w: DescribeWriter, level: number): void {
  for (const name of sortedKeys(o.status?.hard)) w.line(level, `${name}\t${canonicalQuantity(o.status.used?.[name] ?? '0')}\t${canonicalQuantity(o.status.hard[name])}`)
}

const SCOPE_HELP: Record<string, string> = {
  Terminating: 'Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system.',
  NotTerminating: 'Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate.',
  BestEffort: 'Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.',
  NotBestEffort: 'Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service.',
}

const resourceQuota: Describer = (o, w) => {
  title(w, o)
  const scopes = [...(o.spec?.scopes ?? [])].sort()
  if (scopes.length > 0) {
    w.line(0, `Scopes:\t${scopes.join(', ')}`)
    for (const scope of scopes) if (SCOPE_HELP[scope]) w.line(0, ` * ${SCOPE_HELP[scope]}`)
  }
  w.line(0, 'Resource\tUsed\tHard')
  w.line(0, '--------\t----\t----')
  quotaRows(o, w, 0)
  return false
}

function limitRows(spec: any, prefix: string, w: DescribeWriter): void {
  for (const item of spec?.limits ?? []) {
    const names = sortedKeys({ ...item.max, ...item.min, ...item.default, ...item.defaultRequest, ...item.maxLimitRequestRatio })
    const shown = (list: any, name: string) => list?.[name] === undefined ? '-' : canonicalQuantity(list[name])
    for (const name of names)
      w.line(0, `${prefix}${item.type}\t${name}\t${shown(item.min, name)}\t${shown(item.max, name)}\t${shown(item.defaultRequest, name)}\t${shown(item.default, name)}\t${shown(item.maxLimitRequestRatio, name)}`)
  }
}

const limitRange: Describer = (o, w) => {
  title(w, o)
  w.line(0, 'Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio')
  w.line(0, '----\t--------\t---\t---\t---------------\t-------------\t-----------------------')
  limitRows(o.spec, '', w)
  return false
}

const namespace: Describer = async (o, w, context): Promise<false> => {
  title(w, o, false)
  labelled(w, o)
  w.line(0, `Status:\t${o.status?.phase ?? ''}`)
  if (o.status?.conditions?.length) {
    w.line(0, 'Conditions:')
    w.line(1, 'Type\tStatus\tLastTransitionTime\tReason\tMessage')
    w.line(1, '----\t------\t------------------\t------\t-------')
    for (const c of o.status.conditions) w.line(1, `${c.type}\t${c.status}\t${rfc1123(c.lastTransitionTime)}\t${c.reason ?? ''}\t${c.message ?? ''}`)
  }
  const quotas = await context.list(`/api/v1/namespaces/${o.metadata.name}/resourcequotas`)
  if (quotas) {
    w.line(0, '')
    if (quotas.length === 0) w.line(0, 'No resource quota.')
    else {
      w.line(0, 'Resource Quotas')
      for (const q of [...quotas].sort((a, b) => a.metadata.name < b.metadata.name ? -1 : 1)) {
        w.line(1, `Name:\t${q.metadata.name}`)
        const scopes = [...(q.spec?.scopes ?? [])].sort()
        if (scopes.length > 0) {
          w.line(1, `Scopes:\t${scopes.join(', ')}`)
          for (const scope of scopes) if (SCOPE_HELP[scope]) w.line(1, `* ${SCOPE_HELP[scope]}`)
        }
        w.line(1, 'Resource\tUsed\tHard')
        w.line(1, '--------\t---\t---')
        quotaRows(q, w, 1)
      }
    }
  }
  const limits = await context.list(`/api/v1/namespaces/${o.metadata.name}/limitranges`)
  if (limits) {
    w.line(0, '')
    if (limits.length === 0) w.line(0, 'No LimitRange resource.')
    else {
      w.line(0, 'Resource Limits')
      w.line(0, ' Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio')
      w.line(0, ' ----\t--------\t---\t---\t---------------\t-------------\t-----------------------')
      for (const l of limits) limitRows(l.spec, ' ', w)
    }
  }
  return false
}

// --- storage ---------------------------------------------------------------------------------------------------------------------------

const MODES: Record<string, string> = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' }
const modesText = (modes: string[] | undefined) => ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod'].filter((m) => modes?.includes(m)).map((m) => MODES[m]).join(',')
const classOf = (o: any) => o.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? o.spec.storageClassName ?? ''

const persistentVolume: Describer = (o, w, context) => {
  const { spec, status = {} } = o
  title(w, o, false)
  labelled(w, o)
  w.line(0, `Finalizers:\t${goList(o.metadata.finalizers)}`)
  w.line(0, `StorageClass:\t${classOf(o)}`)
  w.line(0, `Status:\t${o.metadata.deletionTimestamp ? `Terminating (lasts ${ageOf(o.metadata.deletionTimestamp, context.nowMs)})` : status.phase ?? ''}`)
  w.line(0, `Claim:\t${spec.claimRef ? `${spec.claimRef.namespace}/${spec.claimRef.name}` : ''}`)
  w.line(0, `Reclaim Policy:\t${spec.persistentVolumeReclaimPolicy ?? ''}`)
  w.line(0, `Access Modes:\t${modesText(spec.accessModes)}`)
  if (spec.volumeMode) w.line(0, `VolumeMode:\t${spec.volumeMode}`)
  w.line(0, `Capacity:\t${canonicalQuantity(spec.capacity?.storage ?? '0')}`)
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms
  w.write(0, 'Node Affinity:\t')
  if (!spec.nodeAffinity?.required) w.write(0, '<none>\n')
  else {
    w.write(0, '\n')
    w.write(1, 'Required Terms:\t')
    if (!terms?.length) w.write(0, '<none>\n')
    else {
      w.write(0, '\n')
      terms.forEach((term: any, i: number) => {
        w.write(2, `Term ${i}:\t`)
        if (!term.matchExpressions?.length) w.write(0, '<none>\n')
        ;(term.matchExpressions ?? []).forEach((r: any, k: number) => {
          if (k > 0) w.write(2, '\t')
          w.write(0, `${r.key} ${r.operator.toLowerCase()}${r.values?.length ? ` [${r.values.join(', ')}]` : ''}\n`)
        })
      })
    }
  }
  w.line(0, `Message:\t${status.message ?? ''}`)
  w.line(0, 'Source:')
  describeVolumeSource(spec, w)
}

const persistentVolumeClaim: Describer = async (o, w, context) => {
  const { spec, status = {} } = o
  title(w, o)
  w.line(0, `StorageClass:\t${classOf(o)}`)
  w.line(0, `Status:\t${o.metadata.deletionTimestamp ? `Terminating (lasts ${ageOf(o.metadata.deletionTimestamp, context.nowMs)})` : status.phase ?? ''}`)
  w.line(0, `Volume:\t${spec.volumeName ?? ''}`)
  labelled(w, o)
  w.line(0, `Finalizers:\t${goList(o.metadata.finalizers)}`)
  w.line(0, `Capacity:\t${spec.volumeName ? canonicalQuantity(status.capacity?.storage ?? '0') : ''}`)
  w.line(0, `Access Modes:\t${spec.volumeName ? modesText(status.accessModes) : ''}`)
  if (spec.volumeMode) w.line(0, `VolumeMode:\t${spec.volumeMode}`)
  if (spec.dataSource) {
    w.line(0, 'DataSource:')
    if (spec.dataSource.apiGroup) w.line(1, `APIGroup:\t${spec.dataSource.apiGroup}`)
    w.line(1, `Kind:\t${spec.dataSource.kind}`)
    w.line(1, `Name:\t${spec.dataSource.name}`)
  }
  const pods = (await context.list(`/api/v1/namespaces/${o.metadata.namespace}/pods`) ?? [])
    .filter((p) => (p.spec.volumes ?? []).some((v: any) => v.persistentVolumeClaim?.claimName === o.metadata.name || (v.ephemeral && `${p.metadata.name}-${v.name}` === o.metadata.name)))
    .map((p) => p.metadata.name as string).sort()
  w.write(0, 'Used By:\t')
  if (pods.length === 0) w.write(0, '<none>\n')
  pods.forEach((p, i) => w.write(0, `${i > 0 ? '\t' : ''}${p}\n`))
  if (status.conditions?.length) {
    w.line(0, 'Conditions:')
    w.line(1, 'Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage')
    w.line(1, '----\t------\t-----------------\t------------------\t------\t-------')
    for (const c of status.conditions) w.line(1, `${c.type} \t${c.status} \t${rfc1123(c.lastProbeTime)} \t${rfc1123(c.lastTransitionTime)} \t${c.reason ?? ''} \t${c.message ?? ''}`)
  }
}

const boolText = (value: boolean | undefined) => value === undefined ? '<unset>' : value ? 'True' : 'False'

const storageClass: Describer = (o, w) => {
  title(w, o, false)
  const isDefault = o.metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true' || o.metadata.annotations?.['storageclass.beta.kubernetes.io/is-default-class'] === 'true'
  w.line(0, `IsDefaultClass:\t${isDefault ? 'Yes' : 'No'}`)
  w.line(0, `Annotations:\t${formatLabels(o.metadata.annotations)}`)
  w.line(0, `Provisioner:\t${o.provisioner}`)
  w.line(0, `Parameters:\t${formatLabels(o.parameters)}`)
  w.line(0, `AllowVolumeExpansion:\t${boolText(o.allowVolumeExpansion)}`)
  if (!o.mountOptions?.length) w.line(0, 'MountOptions:\t<none>')
  else {
    w.line(0, 'MountOptions:')
    for (const option of o.mountOptions) w.line(1, option)
  }
  if (o.reclaimPolicy) w.line(0, `ReclaimPolicy:\t${o.reclaimPolicy}`)
  if (o.volumeBindingMode) w.line(0, `VolumeBindingMode:\t${o.volumeBindingMode}`)
  if (o.allowedTopologies) {
    w.write(0, 'AllowedTopologies:\t')
    if (o.allowedTopologies.length === 0) w.write(0, '<none>\n')
    else {
      w.write(0, '\n')
      o.allowedTopologies.forEach((t: any, i: number) => {
        w.write(1, `Term ${i}:\t`)
        ;(t.matchLabelExpressions ?? []).forEach((r: any, k: number) => w.write(k > 0 ? 1 : 0, `${k > 0 ? '\t' : ''}${r.key} in${r.values?.length ? ` [${r.values.join(', ')}]` : ''}\n`))
      })
    }
  }
}

// --- policies and scaling ----------------------------------------------------------------------------------------------------------------

const podDisruptionBudget: Describer = (o, w) => {
  title(w, o)
  if (o.spec.minAvailable !== undefined) w.line(0, `Min available:\t${o.spec.minAvailable}`)
  else if (o.spec.maxUnavailable !== undefined) w.line(0, `Max unavailable:\t${o.spec.maxUnavailable}`)
  w.line(0, `Selector:\t${o.spec.selector ? formatLabelSelector(o.spec.selector) : '<unset>'}`)
  w.line(0, 'Status:')
  w.line(2, `Allowed disruptions:\t${n(o.status?.disruptionsAllowed)}`)
  w.line(2, `Current:\t${n(o.status?.currentHealthy)}`)
  w.line(2, `Desired:\t${n(o.status?.desiredHealthy)}`)
  w.line(2, `Total:\t${n(o.status?.expectedPods)}`)
}

const priorityClass: Describer = (o, w) => {
  title(w, o, false)
  w.line(0, `Value:\t${o.value}`)
  w.line(0, `GlobalDefault:\t${Boolean(o.globalDefault)}`)
  w.line(0, `PreemptionPolicy:\t${o.preemptionPolicy ?? 'PreemptLowerPriority'}`)
  w.line(0, `Description:\t${o.description ?? ''}`)
  w.line(0, `Annotations:\t${formatLabels(o.metadata.annotations)}`)
}

const horizontalPodAutoscaler: Describer = (o, w) => {
  const { spec, status = {} } = o
  title(w, o)
  labelled(w, o)
  w.line(0, `CreationTimestamp:\t${rfc1123(o.metadata.creationTimestamp)}`)
  w.line(0, `Reference:\t${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`)
  w.line(0, 'Metrics:\t( current / target )')
  ;(spec.metrics ?? []).forEach((m: any, i: number) => {
    const now = status.currentMetrics?.[i] ?? {}
    const unknown = '<unknown>'
    const usage = (metric: any, current: any, subject: string) => {
      if (metric.target.averageValue !== undefined) w.line(1, `${subject}:\t${current?.current?.averageValue ?? unknown} / ${metric.target.averageValue}`)
      else {
        const c = current?.current?.averageUtilization === undefined ? unknown : `${current.current.averageUtilization}% (${current.current.averageValue})`
        w.line(1, `${subject}  (as a percentage of request):\t${c} / ${metric.target.averageUtilization === undefined ? '<auto>' : `${metric.target.averageUtilization}%`}`)
      }
    }
    switch (m.type) {
      case 'Resource': usage(m.resource, now.resource, `resource ${m.resource.name} on pods`); break
      case 'ContainerResource': usage(m.containerResource, now.containerResource, `resource ${m.containerResource.name} of container "${m.containerResource.container}" on pods`); break
      case 'Pods': w.line(1, `"${m.pods.metric.name}" on pods:\t${now.pods?.current?.averageValue ?? unknown} / ${m.pods.target.averageValue}`); break
      case 'Object': {
        const average = m.object.target.type === 'AverageValue'
        const c = average ? now.object?.current?.averageValue : now.object?.current?.value
        w.line(1, `"${m.object.metric.name}" on ${m.object.describedObject.kind}/${m.object.describedObject.name} (target ${average ? 'average ' : ''}value):\t${c ?? unknown} / ${average ? m.object.target.averageValue : m.object.target.value}`)
        break
      }
      case 'External': {
        const average = m.external.target.averageValue !== undefined
        const c = average ? now.external?.current?.averageValue : now.external?.current?.value
        w.line(1, `"${m.external.metric.name}" (target ${average ? 'average ' : ''}value):\t${c ?? unknown} / ${average ? m.external.target.averageValue : m.external.target.value}`)
        break
      }
      default: w.line(1, `<unknown metric type ${JSON.stringify(m.type)}>`)
    }
  })
  w.line(0, `Min replicas:\t${spec.minReplicas ?? '<unset>'}`)
  w.line(0, `Max replicas:\t${spec.maxReplicas}`)
  if (spec.behavior) {
    w.line(0, 'Behavior:')
    for (const [direction, rules] of [['Scale Up', spec.behavior.scaleUp], ['Scale Down', spec.behavior.scaleDown]] as const) {
      if (!rules) continue
      w.line(1, `${direction}:`)
      if (rules.stabilizationWindowSeconds !== undefined) w.line(2, `Stabilization Window: ${rules.stabilizationWindowSeconds} seconds`)
      if (rules.policies?.length) {
        w.line(2, `Select Policy: ${rules.selectPolicy ?? 'Max'}`)
        w.line(2, 'Policies:')
        for (const p of rules.policies) w.line(3, `- Type: ${p.type}\tValue: ${p.value}\tPeriod: ${p.periodSeconds} seconds`)
      }
    }
  }
  w.line(0, `${spec.scaleTargetRef.kind} pods:\t${n(status.currentReplicas)} current / ${n(status.desiredReplicas)} desired`)
  if (status.conditions?.length) {
    w.line(0, 'Conditions:')
    w.line(1, 'Type\tStatus\tReason\tMessage')
    w.line(1, '----\t------\t------\t-------')
    for (const c of status.conditions) w.line(1, `${c.type}\t${c.status}\t${c.reason ?? ''}\t${c.message ?? ''}`)
  }
}

const certificateSigningRequest: Describer = async (o, w) => {
  const { requestParts } = await import('./certificate-request.ts')
  w.line(0, `Name:\t${o.metadata.name}`)
  w.line(0, `Labels:\t${formatLabels(o.metadata.labels)}`)
  w.line(0, `Annotations:\t${formatLabels(o.metadata.annotations)}`)
  w.line(0, `CreationTimestamp:\t${rfc1123(o.metadata.creationTimestamp)}`)
  w.line(0, `Requesting User:\t${o.spec.username ?? ''}`)
  if (o.spec.signerName) w.line(0, `Signer:\t${o.spec.signerName}`)
  if (o.spec.expirationSeconds !== undefined) w.line(0, `Requested Duration:\t${humanDuration(o.spec.expirationSeconds * 1000)}`)
  const has = (type: string) => (o.status?.conditions ?? []).some((c: any) => c.type === type)
  w.line(0, `Status:\t${has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'}${has('Failed') ? ',Failed' : ''}${o.status?.certificate ? ',Issued' : ''}`)
  const { subject, names } = requestParts(o.spec.request)
  const list = (name: string, values: string[]) => { if (values.length > 0) w.write(0, `\t${name}:\t${values.join('\n\t\t')}\n`) }
  w.line(0, 'Subject:')
  w.line(0, `\tCommon Name:\t${subject['CN']?.[0] ?? ''}`)
  w.line(0, `\tSerial Number:\t${subject['serialNumber']?.[0] ?? ''}`)
  for (const [name, key] of [['Organization', 'O'], ['Organizational Unit', 'OU'], ['Country', 'C'], ['Locality', 'L'], ['Province', 'ST'], ['StreetAddress', 'street'], ['PostalCode', 'postalCode']] as const) list(name, subject[key] ?? [])
  if (Object.values(names).some((v) => v.length > 0)) {
    w.line(0, 'Subject Alternative Names:')
    list('DNS Names', names.dns)
    list('Email Addresses', names.email)
    list('URIs', names.uri)
    list('IP Addresses', names.ip)
  }
}

/** By `group/Kind`. */
export const DESCRIBERS: Record<string, Describer> = {
  '/Pod': pod, 'apps/Deployment': deployment, 'apps/ReplicaSet': replicaSet, '/ReplicationController': replicationController, 'apps/DaemonSet': daemonSet, 'apps/StatefulSet': statefulSet,
  'batch/Job': job, 'batch/CronJob': cronJob, '/Service': service, '/Endpoints': endpoints, 'discovery.k8s.io/EndpointSlice': endpointSlice,
  'networking.k8s.io/Ingress': ingress, 'networking.k8s.io/IngressClass': ingressClass, 'networking.k8s.io/NetworkPolicy': networkPolicy,
  '/ConfigMap': configMap, '/Secret': secret, '/ServiceAccount': serviceAccount,
  'rbac.authorization.k8s.io/Role': role, 'rbac.authorization.k8s.io/ClusterRole': role, 'rbac.authorization.k8s.io/RoleBinding': roleBinding, 'rbac.authorization.k8s.io/ClusterRoleBinding': roleBinding,
  '/Node': node, '/Namespace': namespace, '/ResourceQuota': resourceQuota, '/LimitRange': limitRange,
  '/PersistentVolume': persistentVolume, '/PersistentVolumeClaim': persistentVolumeClaim, 'storage.k8s.io/StorageClass': storageClass,
  'policy/PodDisruptionBudget': podDisruptionBudget, 'scheduling.k8s.io/PriorityClass': priorityClass, 'autoscaling/HorizontalPodAutoscaler': horizontalPodAutoscaler,
  'certificates.k8s.io/CertificateSigningRequest': certificateSigningRequest,
}

