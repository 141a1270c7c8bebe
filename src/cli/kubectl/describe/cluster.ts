import { addQuantities, canonicalQuantity, compareQuantities, quantityMilliValue, quantityValue } from '../../../cluster/kinds/quantity.ts'
import { ageOf } from '../duration.ts'
import { describeEvents, eventsOf } from './describe.ts'
import { printLabelsAndAnnotations, printTitle } from './describer.ts'
import type { Describer } from './describer.ts'
import { joined, printTaints, rfc1123, sortedKeys } from './writer.ts'
import type { DescribeWriter } from './writer.ts'

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

export const node: Describer = async (o, w, context): Promise<false> => {
  const { spec = {}, status = {} } = o
  w.line(0, `Name:\t${o.metadata.name}`)
  const roles = new Set<string>()
  for (const [key, value] of Object.entries(o.metadata.labels ?? {})) {
    if (key.startsWith('node-role.kubernetes.io/') && key.length > 24) roles.add(key.slice(24))
    else if (key === 'kubernetes.io/role' && value) roles.add(value as string)
  }
  w.line(0, `Roles:\t${joined([...roles].sort())}`)
  printLabelsAndAnnotations(w, o)
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

export const resourceQuota: Describer = (o, w) => {
  printTitle(w, o)
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

export const limitRange: Describer = (o, w) => {
  printTitle(w, o)
  w.line(0, 'Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio')
  w.line(0, '----\t--------\t---\t---\t---------------\t-------------\t-----------------------')
  limitRows(o.spec, '', w)
  return false
}

export const namespace: Describer = async (o, w, context): Promise<false> => {
  printTitle(w, o, false)
  printLabelsAndAnnotations(w, o)
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
