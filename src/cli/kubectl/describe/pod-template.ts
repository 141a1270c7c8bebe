import { canonicalQuantity, compareQuantities, quantityValue, quantityMilliValue } from '../../../cluster/kinds/quantity.ts'
import { formatLabelSelector } from '../selectors.ts'
import { DescribeWriter, goList, joined, orNone, printAnnotations, printMap, printTolerations, rfc1123, sortedKeys } from './writer.ts'

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
}

export function describeSpread(constraints: any[] | undefined, w: DescribeWriter, space: string): void {
  if (!constraints?.length) return
  w.write(0, `${space}Topology Spread Constraints:\t`)
  ;[...constraints].sort((a, b) => a.topologyKey < b.topologyKey ? -1 : 1).forEach((c, i) => {
    if (i > 0) w.write(0, `${space}\t`)
    w.write(0, `${c.topologyKey}:${c.whenUnsatisfiable} when max skew ${c.maxSkew} is exceeded${c.labelSelector ? ` for selector ${formatLabelSelector(c.labelSelector)}` : ''}\n`)
  })
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
    const mounts = [...(container.volumeMounts ?? [])].sort((a: any, b: any) => a.mountPath < b.mountPath ? -1 : 1)
    w.line(2, `Mounts:${mounts.length === 0 ? '\t<none>' : ''}`)
    for (const m of mounts) w.line(3, `${m.mountPath} from ${m.name} (${m.readOnly ? 'ro' : 'rw'}${m.subPath ? `,path=${JSON.stringify(m.subPath)}` : ''})`)
    if (container.volumeDevices?.length) {
      w.line(2, `Devices:${mounts.length === 0 ? '\t<none>' : ''}`)
      for (const d of container.volumeDevices) w.line(3, `${d.devicePath} from ${d.name}`)
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
  } else if (state.terminated) {
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
    const { scheme = 'HTTP', host = '', port, path = '' } = probe.httpGet
    return `http-get ${String(scheme).toLowerCase()}://${host.includes(':') ? `[${host}]` : host}:${port}${path && !path.startsWith('/') ? '/' : ''}${path} ${attributes}`
  }
  if (probe.tcpSocket) return `tcp-socket ${probe.tcpSocket.host ?? ''}:${probe.tcpSocket.port} ${attributes}`
  if (probe.grpc) return `grpc <pod>:${probe.grpc.port} ${probe.grpc.service ?? ''} ${attributes}`
  return `unknown ${attributes}`
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
    } else if (from.secretKeyRef) w.line(3, `${e.name}:\t<set to the key '${from.secretKeyRef.key}' in secret '${from.secretKeyRef.name}'>\tOptional: ${Boolean(from.secretKeyRef.optional)}`)
    else if (from.configMapKeyRef) w.line(3, `${e.name}:\t<set to the key '${from.configMapKeyRef.key}' of config map '${from.configMapKeyRef.name}'>\tOptional: ${Boolean(from.configMapKeyRef.optional)}`)
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

/** k8s: kubectl/pkg/util/resource ExtractContainerResourceValue */
export function containerResource(container: any, ref: any): string {
  const [list, name] = [String(ref.resource).split('.')[0]!, String(ref.resource).slice(String(ref.resource).indexOf('.') + 1)]
  const quantity = container.resources?.[list]?.[name] ?? '0'
  const divisor = ref.divisor && ref.divisor !== '0' ? ref.divisor : '1'
  if (name === 'cpu') return String(Math.ceil(quantityMilliValue(quantity) / quantityMilliValue(divisor)))
  return String(Math.ceil(quantityValue(quantity) / quantityValue(divisor)))
}

const none = (value: unknown) => value === undefined || value === null || value === '' ? '<none>' : String(value)
const text = (value: unknown) => value === undefined || value === null ? '' : String(value)
const flag = (value: unknown) => String(Boolean(value))

/** Heading and fields of each kind of volume. */
const VOLUMES: Record<string, (v: any) => [string, ...(readonly [string, string])[]]> = {
  hostPath: (v) => ['HostPath (bare host directory volume)', ['Path', text(v.path)], ['HostPathType', v.type === undefined || v.type === null ? '<none>' : v.type]],
  emptyDir: (v) => ["EmptyDir (a temporary directory that shares a pod's lifetime)", ['Medium', text(v.medium)], ['SizeLimit', v.sizeLimit && compareQuantities(v.sizeLimit, '0') > 0 ? v.sizeLimit : '<unset>']],
  secret: (v) => ['Secret (a volume populated by a Secret)', ['SecretName', text(v.secretName)], ['Optional', flag(v.optional)]],
  configMap: (v) => ['ConfigMap (a volume populated by a ConfigMap)', ['Name', text(v.name)], ['Optional', flag(v.optional)]],
  nfs: (v) => ['NFS (an NFS mount that lasts the lifetime of a pod)', ['Server', text(v.server)], ['Path', text(v.path)], ['ReadOnly', flag(v.readOnly)]],
  persistentVolumeClaim: (v) => ['PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)', ['ClaimName', text(v.claimName)], ['ReadOnly', flag(v.readOnly)]],
  local: (v) => ['LocalVolume (a persistent volume backed by local storage on a node)', ['Path', text(v.path)]],
  image: (v) => ['Image (a container image or OCI artifact)', ['Reference', text(v.reference)], ['PullPolicy', text(v.pullPolicy)]],
  iscsi: (v) => ["ISCSI (an ISCSI Disk resource that is attached to a kubelet's host machine and then exposed to the pod)", ['TargetPortal', text(v.targetPortal)], ['IQN', text(v.iqn)], ['Lun', text(v.lun)], ['FSType', text(v.fsType)], ['ReadOnly', flag(v.readOnly)], ['InitiatorName', none(v.initiatorName)]],
  fc: (v) => ['FC (a Fibre Channel disk)', ['TargetWWNs', (v.targetWWNs ?? []).join(', ')], ['LUN', none(v.lun)], ['FSType', text(v.fsType)], ['ReadOnly', flag(v.readOnly)]],
  gitRepo: (v) => ['GitRepo (a volume that is pulled from git when the pod is created)', ['Repository', text(v.repository)], ['Revision', text(v.revision)]],
  awsElasticBlockStore: (v) => ['AWSElasticBlockStore (a Persistent Disk resource in AWS)', ['VolumeID', text(v.volumeID)], ['FSType', text(v.fsType)], ['Partition', String(v.partition ?? 0)], ['ReadOnly', flag(v.readOnly)]],
  gcePersistentDisk: (v) => ['GCEPersistentDisk (a Persistent Disk resource in Google Compute Engine)', ['PDName', text(v.pdName)], ['FSType', text(v.fsType)], ['Partition', String(v.partition ?? 0)], ['ReadOnly', flag(v.readOnly)]],
  azureFile: (v) => ['AzureFile (an Azure File Service mount on the host and bind mount to the pod)', ['SecretName', text(v.secretName)], ['ShareName', text(v.shareName)], ['ReadOnly', flag(v.readOnly)]],
  cephfs: (v) => ["CephFS (a CephFS mount on the host that shares a pod's lifetime)", ['Monitors', goList(v.monitors)], ['Path', text(v.path)], ['User', text(v.user)], ['ReadOnly', flag(v.readOnly)]],
}

/** The lines of a volume's source, two levels deep. */
export function describeVolumeSource(source: any, w: DescribeWriter): void {
  const key = Object.keys(source).find((k) => source[k] !== undefined && source[k] !== null && (VOLUMES[k] || ['projected', 'downwardAPI', 'csi', 'ephemeral'].includes(k)))
  if (!key) { w.line(1, '<unknown>'); return }
  const value = source[key]
  switch (key) {
    case 'projected':
      w.line(2, 'Type:\tProjected (a volume that contains injected data from multiple sources)')
      for (const s of value.sources ?? []) {
        if (s.secret) { w.line(2, `SecretName:\t${s.secret.name}`); w.line(2, `Optional:\t${Boolean(s.secret.optional)}`) }
        else if (s.downwardAPI) w.line(2, 'DownwardAPI:\ttrue')
        else if (s.configMap) { w.line(2, `ConfigMapName:\t${s.configMap.name}`); w.line(2, `Optional:\t${Boolean(s.configMap.optional)}`) }
        else if (s.serviceAccountToken) w.line(2, `TokenExpirationSeconds:\t${s.serviceAccountToken.expirationSeconds}`)
      }
      return
    case 'downwardAPI':
      w.line(2, 'Type:\tDownwardAPI (a volume populated by information about the pod)')
      w.line(2, 'Items:')
      for (const item of value.items ?? []) w.line(3, `${item.fieldRef?.fieldPath ?? item.resourceFieldRef?.resource} -> ${item.path}`)
      return
    case 'csi': {
      w.line(2, 'Type:\tCSI (a Container Storage Interface (CSI) volume source)')
      w.line(2, `Driver:\t${value.driver}`)
      w.line(2, `FSType:\t${value.fsType ?? ''}`)
      if (value.volumeHandle !== undefined) w.line(2, `VolumeHandle:\t${value.volumeHandle}`)
      w.line(2, `ReadOnly:\t${Boolean(value.readOnly)}`)
      const names = sortedKeys(value.volumeAttributes)
      w.write(2, 'VolumeAttributes:\t')
      if (names.length === 0) w.write(0, '<none>\n')
      names.forEach((n, i) => w.write(2, `${i > 0 ? '\t' : ''}    ${n}=${value.volumeAttributes[n]}\n`))
      return
    }
    case 'ephemeral': {
      w.line(2, 'Type:\tEphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)')
      const claim = value.volumeClaimTemplate
      if (!claim) return
      w.line(2, `StorageClass:\t${claim.spec?.storageClassName ?? ''}`)
      w.line(2, `Volume:\t${claim.spec?.volumeName ?? ''}`)
      w.line(2, `Labels:\t${joined(sortedKeys(claim.metadata?.labels).map((k) => `${k}=${claim.metadata.labels[k]}`))}`)
      w.line(2, `Annotations:\t${joined(sortedKeys(claim.metadata?.annotations).map((k) => `${k}: ${claim.metadata.annotations[k]}`))}`)
      w.line(2, 'Capacity:\t')
      w.line(2, 'Access Modes:\t')
      if (claim.spec?.volumeMode) w.line(2, `VolumeMode:\t${claim.spec.volumeMode}`)
      return
    }
  }
  const [title, ...fields] = VOLUMES[key]!(value)
  w.line(2, `Type:\t${title}`)
  for (const [name, shown] of fields) w.line(2, `${name}:\t${shown}`)
}

export function describeVolumes(volumes: any[] | undefined, w: DescribeWriter, space: string): void {
  if (!volumes?.length) { w.line(0, `${space}Volumes:\t<none>`); return }
  w.line(0, `${space}Volumes:`)
  for (const { name, ...source } of volumes) {
    w.line(1, `${space ? ' ' : ''}${name}:`)
    describeVolumeSource(source, w)
  }
}
