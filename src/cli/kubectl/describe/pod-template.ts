import { canonicalQuantity, quantityValue, quantityMilliValue } from '../../../cluster/kinds/quantity.ts'
import { formatLabelSelector } from '../selectors.ts'
import { goSort } from '../go-sort.ts'
import { describeVolumes } from './volumes.ts'
import { DescribeWriter, goList, orNone, printAnnotations, printMap, printTolerations, rfc1123, sortedKeys } from './writer.ts'

/** A pod template as `rollout history` shows it: its tabs stay tabs. */
export function podTemplateText(template: Record<string, any>): string {
  const w = new DescribeWriter()
  describePodTemplate(template, w)
  return w.raw
}

// k8s: kubectl/pkg/describe DescribePodTemplate
export function describePodTemplate(template: any, w: DescribeWriter): void {
  w.line(0, 'Pod Template:')
  if (!template) { w.write(1, '<unset>'); return }
  printMap(w, 'Labels', template.metadata?.labels, '  ')
  if (Object.keys(template.metadata?.annotations ?? {}).length > 0) printAnnotations(w, template.metadata.annotations, '  Annotations')
  const spec = template.spec ?? {}
  if (spec.serviceAccountName) w.line(1, `Service Account:\t${spec.serviceAccountName}`)
  if (spec.initContainers?.length) describeContainers('Init Containers', spec.initContainers, [], undefined, w, '  ')
  describeContainers('Containers', spec.containers ?? [], [], undefined, w, '  ')
  describeVolumes(spec.volumes, w, '  ')
  describeSpread(spec.topologySpreadConstraints, w, '  ')
  if (spec.priorityClassName) w.line(1, `Priority Class Name:\t${spec.priorityClassName}`)
  printMap(w, 'Node-Selectors', spec.nodeSelector, '  ')
  printTolerations(w, '  Tolerations', spec.tolerations)
  describeSchedulingGroup(spec.schedulingGroup, w, '  ')
}

export function describeSpread(constraints: any[] | undefined, w: DescribeWriter, space: string): void {
  if (!constraints?.length) return
  w.write(0, `${space}Topology Spread Constraints:\t`)
  goSort(constraints, (a, b) => a.topologyKey < b.topologyKey).forEach((c, i) => {
    if (i > 0) w.write(0, `${space}\t`)
    w.write(0, `${c.topologyKey}:${c.whenUnsatisfiable} when max skew ${c.maxSkew} is exceeded${c.labelSelector ? ` for selector ${formatLabelSelector(c.labelSelector)}` : ''}\n`)
  })
}

/** The PodGroup that a pod is scheduled with. k8s: kubectl/pkg/describe describeSchedulingGroup */
export function describeSchedulingGroup(group: any, w: DescribeWriter, space: string): void {
  if (!group) return
  w.line(0, `${space}SchedulingGroup:`)
  w.line(1, `PodGroupName:\t${group.podGroupName ?? ''}`)
}

/** @param pod whose fields environment variables may take; undefined for templates */
export function describeContainers(label: string, containers: any[], statuses: any[], pod: any, w: DescribeWriter, space: string): void {
  const byName = new Map(statuses.map((s) => [s.name, s]))
  w.line(0, `${space}${label}:${containers.length === 0 ? ' <none>' : ''}`)
  for (const container of containers) {
    const status = byName.get(container.name)
    w.line(1, `${space ? ' ' : ''}${container.name}:`)
    if (status) w.line(2, `Container ID:\t${status.containerID ?? ''}`)
    w.line(2, `Image:\t${container.image ?? ''}`)
    if (status) w.line(2, `Image ID:\t${status.imageID ?? ''}`)
    const ports = (key: string) => (container.ports ?? []).map((p: any) => `${p[key] ?? 0}/${p.protocol ?? 'TCP'}${p.name ? ` (${p.name})` : ''}`).join(', ')
    const port = ports('containerPort')
    w.line(2, port.includes(',') ? `Ports:\t${port}` : `Port:\t${orNone(port)}`)
    const hostPort = ports('hostPort')
    w.line(2, hostPort.includes(',') ? `Host Ports:\t${hostPort}` : `Host Port:\t${orNone(hostPort)}`)
    const seccomp = container.securityContext?.seccompProfile
    if (seccomp) {
      w.line(2, `SeccompProfile:\t${seccomp.type}`)
      if (seccomp.type === 'Localhost') w.line(3, `LocalhostProfile:\t${seccomp.localhostProfile}`)
    }
    for (const [title, words] of [['Command', container.command], ['Args', container.args]] as const) {
      if (!words?.length) continue
      w.line(2, `${title}:`)
      for (const word of words) for (const line of String(word).split('\n')) w.line(3, line)
    }
    if (status) {
      describeState('State', status.state ?? {}, w)
      if (status.lastState?.terminated) describeState('Last State', status.lastState, w)
      w.line(2, `Ready:\t${status.ready ? 'True' : 'False'}`)
      w.line(2, `Restart Count:\t${status.restartCount ?? 0}`)
    }
    describeResources(container.resources, w, 2)
    for (const [title, probe] of [['Liveness', container.livenessProbe], ['Readiness', container.readinessProbe], ['Startup', container.startupProbe]] as const) if (probe) w.line(2, `${title}:\t${probeText(probe)}`)
    if (container.envFrom?.length) {
      w.line(2, 'Environment Variables from:')
      for (const from of container.envFrom) {
        const [kind, ref] = from.configMapRef ? ['ConfigMap', from.configMapRef] : from.secretRef ? ['Secret', from.secretRef] : ['', {}]
        w.line(3, `${ref.name ?? ''}\t${kind}${from.prefix ? ` with prefix '${from.prefix}'` : ''}\tOptional: ${Boolean(ref.optional)}`)
      }
    }
    describeEnv(container, pod, w)
    const mounts = goSort<any>(container.volumeMounts ?? [], (a, b) => a.mountPath < b.mountPath)
    w.line(2, `Mounts:${mounts.length === 0 ? '\t<none>' : ''}`)
    for (const m of mounts) w.line(3, `${m.mountPath} from ${m.name} (${m.readOnly ? 'ro' : 'rw'}${m.subPath ? `,path=${JSON.stringify(m.subPath)}` : ''})`)
    if (container.volumeDevices?.length) {
      w.line(2, `Devices:${mounts.length === 0 ? '\t<none>' : ''}`)
      for (const d of goSort<any>(container.volumeDevices, (a, b) => a.devicePath < b.devicePath)) w.line(3, `${d.devicePath} from ${d.name}`)
    }
  }
}

export function describeResources(resources: any, w: DescribeWriter, level: number): void {
  for (const [title, list] of [['Limits', resources?.limits], ['Requests', resources?.requests]] as const) {
    const names = sortedKeys(list)
    if (names.length > 0) w.line(level, `${title}:`)
    for (const name of names) w.line(level + 1, `${name}:\t${canonicalQuantity(list[name])}`)
  }
}

function describeState(title: string, state: any, w: DescribeWriter): void {
  if (state.running) {
    w.line(2, `${title}:\tRunning`)
    w.line(3, `Started:\t${rfc1123(state.running.startedAt)}`)
  } else if (state.terminated && !state.waiting) {
    const t = state.terminated
    w.line(2, `${title}:\tTerminated`)
    if (t.reason) w.line(3, `Reason:\t${t.reason}`)
    if (t.message) w.line(3, `Message:\t${t.message}`)
    w.line(3, `Exit Code:\t${t.exitCode ?? 0}`)
    if (t.signal > 0) w.line(3, `Signal:\t${t.signal}`)
    w.line(3, `Started:\t${rfc1123(t.startedAt)}`)
    w.line(3, `Finished:\t${rfc1123(t.finishedAt)}`)
  } else {
    w.line(2, `${title}:\tWaiting`)
    if (state.waiting?.reason) w.line(3, `Reason:\t${state.waiting.reason}`)
  }
}

function probeText(probe: any): string {
  const attributes = `delay=${probe.initialDelaySeconds ?? 0}s timeout=${probe.timeoutSeconds ?? 0}s period=${probe.periodSeconds ?? 0}s #success=${probe.successThreshold ?? 0} #failure=${probe.failureThreshold ?? 0}`
  if (probe.exec) return `exec ${goList(probe.exec.command)} ${attributes}`
  if (probe.httpGet) {
    const { scheme = '', host = '', port = 0, path = '' } = probe.httpGet
    const authority = port === '' ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`
    return `http-get ${goUrl(String(scheme).toLowerCase(), authority, path)} ${attributes}`
  }
  if (probe.tcpSocket) return `tcp-socket ${probe.tcpSocket.host ?? ''}:${probe.tcpSocket.port} ${attributes}`
  if (probe.grpc) return `grpc <pod>:${probe.grpc.port} ${probe.grpc.service ?? ''} ${attributes}`
  return `unknown ${attributes}`
}

/** Go's url.URL.String(): what may not stand in a host or path is told by its number. */
function goUrl(scheme: string, host: string, path: string): string {
  const escape = (text: string, kept: RegExp) => [...new TextEncoder().encode(text)].map((b) => kept.test(String.fromCharCode(b)) && b < 0x80 ? String.fromCharCode(b) : `%${b.toString(16).toUpperCase().padStart(2, '0')}`).join('')
  const slash = path !== '' && !path.startsWith('/') && host !== '' ? '/' : ''
  return `${scheme ? `${scheme}:` : ''}${scheme || host ? '//' : ''}${escape(host, /[\w.~!$&'()*+,;=:[\]<>"-]/)}${slash}${path === '*' ? path : escape(path, /[\w.~$&+,/:;=@-]/)}`
}

function describeEnv(container: any, pod: any, w: DescribeWriter): void {
  w.line(2, `Environment:${container.env?.length ? '' : '\t<none>'}`)
  for (const e of container.env ?? []) {
    const from = e.valueFrom
    if (!from) String(e.value ?? '').split('\n').forEach((line, i) => w.line(3, i === 0 ? `${e.name}:\t${line}` : `\t${line}`))
    else if (from.fieldRef) w.line(3, `${e.name}:\t${pod ? fieldOfPod(pod, from.fieldRef.fieldPath) : ''} (${from.fieldRef.apiVersion ?? 'v1'}:${from.fieldRef.fieldPath})`)
    else if (from.resourceFieldRef) {
      let value = containerResource(container, from.resourceFieldRef)
      if (value === '0' && /^limits\.(cpu|memory)$/.test(from.resourceFieldRef.resource)) value = 'node allocatable'
      w.line(3, `${e.name}:\t${value} (${from.resourceFieldRef.resource})`)
    } else if (from.secretKeyRef) w.line(3, `${e.name}:\t<set to the key '${from.secretKeyRef.key}' in secret '${from.secretKeyRef.name ?? ''}'>\tOptional: ${Boolean(from.secretKeyRef.optional)}`)
    else if (from.configMapKeyRef) w.line(3, `${e.name}:\t<set to the key '${from.configMapKeyRef.key}' of config map '${from.configMapKeyRef.name ?? ''}'>\tOptional: ${Boolean(from.configMapKeyRef.optional)}`)
  }
}

/** k8s: fieldpath.ExtractFieldPathAsString */
function fieldOfPod(pod: any, path: string): string {
  const key = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path)
  // Single labels and annotations are beyond the conversion that kubectl uses here.
  if (key) return ''
  switch (path) {
    case 'metadata.labels': case 'metadata.annotations': return sortedKeys(pod.metadata?.[path.slice(9)]).map((k) => `${k}=${JSON.stringify(pod.metadata[path.slice(9)][k])}`).join('\n')
    case 'metadata.name': case 'metadata.namespace': case 'metadata.uid': return pod.metadata?.[path.slice(9)] ?? ''
    // Only the fields of the metadata can be looked up on this side.
    default: return ''
  }
}

/** Empty for what can't be asked for. k8s: kubectl/pkg/util/resource ExtractContainerResourceValue */
export function containerResource(container: any, ref: any): string {
  const asked = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.*)$/.exec(ref.resource)
  if (!asked) return ''
  const quantity = container.resources?.[asked[1]!]?.[asked[2]!] ?? '0'
  const divisor = ref.divisor && quantityMilliValue(ref.divisor) !== 0 ? ref.divisor : '1'
  if (asked[2] === 'cpu') return String(Math.ceil(quantityMilliValue(quantity) / quantityMilliValue(divisor)))
  return String(Math.ceil(quantityValue(quantity) / quantityValue(divisor)))
}
