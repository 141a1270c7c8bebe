import { formatLabels, formatLabelSelector } from '../selectors.ts'
import type { DescribeContext } from './describe.ts'
import { printLabelsAndAnnotations, printTitle } from './describer.ts'
import type { Describer } from './describer.ts'
import { joined, printAnnotations, printMap, rfc1123 } from './writer.ts'

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

export const service: Describer = async (o, w, context) => {
  const { spec, status = {} } = o
  printTitle(w, o)
  printLabelsAndAnnotations(w, o)
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

export const endpoints: Describer = (o, w) => {
  printTitle(w, o)
  printLabelsAndAnnotations(w, o)
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

export const endpointSlice: Describer = (o, w) => {
  printTitle(w, o)
  printLabelsAndAnnotations(w, o)
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

export const ingress: Describer = async (o, w, context) => {
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

export const ingressClass: Describer = (o, w) => {
  printTitle(w, o, false)
  printLabelsAndAnnotations(w, o)
  w.line(0, `Controller:\t${o.spec?.controller ?? ''}`)
  const p = o.spec?.parameters
  if (p) {
    w.line(0, 'Parameters:')
    if (p.apiGroup !== undefined) w.line(1, `APIGroup:\t${p.apiGroup}`)
    w.line(1, `Kind:\t${p.kind}`)
    w.line(1, `Name:\t${p.name}`)
  }
}

export const networkPolicy: Describer = (o, w) => {
  const { spec } = o
  printTitle(w, o)
  w.line(0, `Created on:\t${goTime(o.metadata.creationTimestamp)}`)
  printLabelsAndAnnotations(w, o)
  w.line(0, 'Spec:')
  const everything = Object.keys(spec.podSelector?.matchLabels ?? {}).length === 0 && !spec.podSelector?.matchExpressions?.length
  w.line(1, `PodSelector:     ${everything ? '<none> (Allowing the specific traffic to all pods in this namespace)' : formatLabelSelector(spec.podSelector)}`)
  const indent = '    '
  const rules = (list: any[] | undefined, peersKey: 'from' | 'to', what: string, open: string) => {
    if (!list?.length) { w.line(0, `${indent}<none> (Selected pods are isolated for ${what} connectivity)`); return }
    list.forEach((rule, i) => {
      if (!rule.ports?.length) w.line(0, `${indent}To Port: <any> (traffic allowed to all ports)`)
      for (const p of rule.ports ?? []) w.line(0, p.endPort !== undefined ? `${indent}To Port Range: ${p.port ?? '<nil>'}-${p.endPort}/${p.protocol ?? 'TCP'}` : `${indent}To Port: ${p.port ?? '<nil>'}/${p.protocol ?? 'TCP'}`)
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

/** k8s: kubectl/pkg/describe ServiceCIDRDescriber */
export const serviceCIDR: Describer = (o, w) => {
  printTitle(w, o, false)
  printLabelsAndAnnotations(w, o)
  w.line(0, `CIDRs:\t${(o.spec.cidrs ?? []).join(', ')}`)
  if (!o.status?.conditions?.length) return
  w.line(0, 'Status:')
  w.line(0, 'Conditions:')
  w.line(1, 'Type\tStatus\tLastTransitionTime\tReason\tMessage')
  w.line(1, '----\t------\t------------------\t------\t-------')
  for (const c of o.status.conditions) w.line(1, `${c.type}\t${c.status}\t${rfc1123(c.lastTransitionTime)}\t${c.reason}\t${c.message}`)
}

/** k8s: kubectl/pkg/describe IPAddressDescriber */
export const ipAddress: Describer = (o, w) => {
  printTitle(w, o, false)
  printLabelsAndAnnotations(w, o)
  const parent = o.spec.parentRef
  if (!parent) return
  w.line(0, 'Parent Reference:')
  for (const [title, key] of [['Group', 'group'], ['Resource', 'resource'], ['Namespace', 'namespace'], ['Name', 'name']] as const) w.line(1, `${title}:\t${parent[key] ?? ''}`)
}
