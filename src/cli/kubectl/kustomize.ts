import { thaw } from '../../base/freeze.ts'
import type { KubeObject } from '../../cluster/kinds/object.ts'
import { applyJsonPatch } from '../../cluster/kinds/patch/json-patch.ts'
import { applyMergePatch } from '../../cluster/kinds/patch/merge-patch.ts'
import { applyStrategicMergePatch } from '../../cluster/kinds/patch/strategic-merge-patch.ts'
import { parseYaml, printYaml, splitYamlDocuments } from '../yaml.ts'
import { contentHash } from './commands/create/generators.ts'
import { parseGroupVersion } from './discovery.ts'
import { encodeBase64, unixText } from './factory.ts'
import type { Factory } from './factory.ts'
import { schemaNameOf } from './gvk-schema.ts'
import { parseLabelSelector } from '../../cluster/kinds/label-selector.ts'

/** An object on its way through the layers, with the names it was known by. */
interface Resource {
  object: KubeObject
  /** Names that references may still use. */
  names: Set<string>
  needsHash: boolean
}

const FILES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization']

const CLUSTER_KINDS = new Set(['Namespace', 'Node', 'PersistentVolume', 'ClusterRole', 'ClusterRoleBinding', 'CustomResourceDefinition', 'StorageClass', 'PriorityClass', 'IngressClass', 'RuntimeClass', 'CSIDriver', 'APIService',
  'MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration', 'ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding', 'CertificateSigningRequest', 'PodSecurityPolicy'])

/** Kinds that others depend on come first. */
const FIRST = ['Namespace', 'ResourceQuota', 'StorageClass', 'CustomResourceDefinition', 'ServiceAccount', 'PodSecurityPolicy', 'Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding', 'ConfigMap', 'Secret', 'Endpoints', 'Service',
  'LimitRange', 'PriorityClass', 'PersistentVolume', 'PersistentVolumeClaim', 'Deployment', 'StatefulSet', 'CronJob', 'PodDisruptionBudget']
const LAST = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']

/**
 * The YAML that a kustomization builds: the features of everyday overlays (resources, names, labels, annotations, images, replicas,
 * generators, patches). Components, replacements, vars, helm and plugins are refused.
 * @throws Error
 */
export async function buildKustomization(f: Factory, directory: string): Promise<string> {
  const fs = f.proc.fs
  const absolute = f.proc.resolve(directory)
  if (!fs.exists(absolute)) throw new Error(`must build at directory: not a valid directory: evalsymlink failure on '${directory}' : lstat ${directory}: no such file or directory`)
  if (fs.stat(absolute).type !== 'directory') throw new Error(`must build at directory: '${directory}': file is not directory`)
  const resources = await build(f, absolute)
  for (const r of resources) if (r.needsHash) await addHash(r)
  fixReferences(resources)
  const rank = (k: string) => FIRST.includes(k) ? FIRST.indexOf(k) - FIRST.length : LAST.includes(k) ? LAST.indexOf(k) + 1 : 0
  const text = (o: KubeObject) => `${o.apiVersion}/${o.kind}/${o.metadata.namespace ?? ''}/${o.metadata.name}`
  const objects = resources.map((r) => r.object).sort((a, b) => rank(a.kind) - rank(b.kind) || (text(a) < text(b) ? -1 : 1))
  return objects.map((o) => printYaml(o)).join('---\n')
}

async function build(f: Factory, directory: string): Promise<Resource[]> {
  const fs = f.proc.fs
  const file = FILES.map((n) => `${directory}/${n}`).find((p) => fs.exists(p))
  if (!file) throw new Error(`unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '${directory}'`)
  const k = (parseYaml(fs.readText(file)) ?? {}) as Record<string, any>
  for (const feature of ['components', 'replacements', 'vars', 'helmCharts', 'helmChartInflationGenerator', 'generators', 'transformers', 'validators', 'openapi', 'crds', 'configurations'])
    if (k[feature] && (!Array.isArray(k[feature]) || k[feature].length > 0)) throw new Error(`kustomization field ${JSON.stringify(feature)} is not available in Drydock yet`)
  const resources: Resource[] = []
  for (const entry of [...(k['bases'] ?? []), ...(k['resources'] ?? [])] as string[]) {
    if (/^https?:|^git@|\?ref=/.test(entry)) throw new Error(`accumulating resources: remote resource ${JSON.stringify(entry)} cannot be fetched here`)
    const path = f.proc.resolve(`${directory}/${entry}`)
    if (!fs.exists(path)) throw new Error(`accumulating resources: accumulation err='accumulating resources from '${entry}': open ${path}: no such file or directory': must build at directory: not a valid directory: evalsymlink failure on '${path}' : lstat ${path}: no such file or directory`)
    if (fs.stat(path).type === 'directory') resources.push(...await build(f, path))
    else resources.push(...objectsOf(fs.readText(path)).map((object) => ({ object, names: new Set([object.metadata.name!]), needsHash: false })))
  }
  const options = k['generatorOptions'] ?? {}
  for (const [list, kind] of [['configMapGenerator', 'ConfigMap'], ['secretGenerator', 'Secret']] as const)
    for (const spec of k[list] ?? []) generate(f, directory, kind, spec, options, resources)
  const objects = resources.map((r) => r)
  applyPatches(f, directory, k, resources)
  for (const r of objects) {
    const o = r.object
    if (k['namespace'] && !CLUSTER_KINDS.has(o.kind)) {
      o.metadata.namespace = k['namespace']
      for (const s of (o['subjects'] ?? []) as any[]) if (s.kind === 'ServiceAccount' && (s.namespace === undefined || s.namespace === 'default')) s.namespace = k['namespace']
    }
    if (k['namespace'] && (o.kind === 'ClusterRoleBinding')) for (const s of (o['subjects'] ?? []) as any[]) if (s.kind === 'ServiceAccount' && s.namespace === 'default') s.namespace = k['namespace']
    if ((k['namePrefix'] || k['nameSuffix']) && o.kind !== 'Namespace' && o.kind !== 'CustomResourceDefinition') {
      o.metadata.name = `${k['namePrefix'] ?? ''}${o.metadata.name}${k['nameSuffix'] ?? ''}`
    }
    if (k['commonLabels']) addLabels(o, k['commonLabels'], true, true)
    for (const l of k['labels'] ?? []) addLabels(o, l.pairs ?? {}, Boolean(l.includeSelectors), Boolean(l.includeSelectors || l.includeTemplates))
    if (k['commonAnnotations']) {
      o.metadata.annotations = { ...o.metadata.annotations, ...k['commonAnnotations'] }
      const template = templateOf(o)
      if (template) template.metadata = { ...template.metadata, annotations: { ...template.metadata?.annotations, ...k['commonAnnotations'] } }
    }
    for (const image of k['images'] ?? []) setImage(o, image)
    for (const replica of k['replicas'] ?? []) if (r.names.has(replica.name) && ['Deployment', 'ReplicaSet', 'StatefulSet', 'ReplicationController'].includes(o.kind)) o['spec'] = { ...o['spec'], replicas: replica.count }
  }
  fixReferences(resources)
  return resources
}

function objectsOf(text: string): KubeObject[] {
  return splitYamlDocuments(text).map((d) => parseYaml(d) as KubeObject | null).filter((o): o is KubeObject => o !== null && o !== undefined)
    .flatMap((o) => Array.isArray(o['items']) && o.kind.endsWith('List') ? o['items'] as KubeObject[] : [o]).map((o) => ({ ...o, metadata: { ...o.metadata } }))
}

function generate(f: Factory, directory: string, kind: 'ConfigMap' | 'Secret', spec: any, shared: any, resources: Resource[]): void {
  const { fs } = f.proc
  const data: Record<string, string> = {}
  const encode = (bytes: Uint8Array) => kind === 'Secret' ? encodeBase64(bytes) : new TextDecoder().decode(bytes)
  const add = (key: string, value: string | Uint8Array) => { data[key] = encode(typeof value === 'string' ? new TextEncoder().encode(value) : value) }
  const read = (path: string) => {
    try {
      return fs.readFile(f.proc.resolve(`${directory}/${path}`))
    } catch (error) {
      throw new Error(`loading KV pairs: file sources: [${path}]: open ${directory}/${path}: ${unixText(error)}`)
    }
  }
  for (const literal of spec.literals ?? []) {
    const at = String(literal).indexOf('=')
    if (at <= 0) throw new Error(`loading KV pairs: literal sources: [${literal}]: invalid literal source ${literal}, expected key=value`)
    add(literal.slice(0, at), literal.slice(at + 1).replace(/^(['"])(.*)\1$/s, '$2'))
  }
  for (const file of spec.files ?? []) {
    const at = String(file).indexOf('=')
    const path = at < 0 ? file : file.slice(at + 1)
    add(at < 0 ? path.split('/').at(-1) : file.slice(0, at), read(path))
  }
  for (const env of [...(spec.envs ?? []), ...(spec.env ? [spec.env] : [])]) for (const line of new TextDecoder().decode(read(env)).split('\n')) {
    if (!line.trim() || line.trimStart().startsWith('#')) continue
    const at = line.indexOf('=')
    if (at > 0) add(line.slice(0, at).trim(), line.slice(at + 1))
  }
  const options = { ...shared, ...spec.options, labels: { ...shared.labels, ...spec.options?.labels }, annotations: { ...shared.annotations, ...spec.options?.annotations } }
  const existing = resources.find((r) => r.object.kind === kind && r.names.has(spec.name))
  if (existing && (spec.behavior === 'merge' || spec.behavior === 'replace')) {
    existing.object['data'] = spec.behavior === 'merge' ? { ...existing.object['data'], ...data } : data
    return
  }
  if (existing) throw new Error(`merging from generator: id resid.ResId{Kind:"${kind}", Name:"${spec.name}"} exists; behavior must be merge or replace`)
  resources.push({
    needsHash: !options.disableNameSuffixHash, names: new Set([spec.name]),
    object: {
      apiVersion: 'v1', data, kind,
      metadata: { name: spec.name, ...(spec.namespace ? { namespace: spec.namespace } : {}), ...(Object.keys(options.labels).length > 0 ? { labels: options.labels } : {}), ...(Object.keys(options.annotations).length > 0 ? { annotations: options.annotations } : {}) },
      ...(options.immutable ? { immutable: true } : {}), ...(kind === 'Secret' ? { type: spec.type ?? 'Opaque' } : {}),
    },
  })
}

async function addHash(r: Resource): Promise<void> {
  const { kind } = r.object
  const data = r.object['data'] ?? {}
  const hash = await contentHash({ data: Object.keys(data).length > 0 ? data : '', kind, name: '', ...(kind === 'Secret' ? { type: r.object['type'] } : {}) })
  r.names.add(r.object.metadata.name!)
  r.object.metadata.name = `${r.object.metadata.name}-${hash}`
  r.needsHash = false
}

const templateOf = (o: KubeObject): any => o.kind === 'CronJob' ? o['spec']?.jobTemplate?.spec?.template : ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'ReplicationController'].includes(o.kind) ? o['spec']?.template : undefined

function addLabels(o: KubeObject, labels: Record<string, string>, selectors: boolean, templates: boolean): void {
  o.metadata.labels = { ...o.metadata.labels, ...labels }
  if (templates) {
    const template = templateOf(o)
    if (template) template.metadata = { ...template.metadata, labels: { ...template.metadata?.labels, ...labels } }
    for (const claim of o['spec']?.volumeClaimTemplates ?? []) claim.metadata = { ...claim.metadata, labels: { ...claim.metadata?.labels, ...labels } }
  }
  if (!selectors) return
  if (['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet'].includes(o.kind)) o['spec'].selector = { ...o['spec'].selector, matchLabels: { ...o['spec'].selector?.matchLabels, ...labels } }
  else if (o.kind === 'Service' || o.kind === 'ReplicationController') { if (o['spec']?.selector) o['spec'].selector = { ...o['spec'].selector, ...labels } }
  else if (o.kind === 'PodDisruptionBudget' && o['spec']?.selector) o['spec'].selector = { ...o['spec'].selector, matchLabels: { ...o['spec'].selector.matchLabels, ...labels } }
  else if (o.kind === 'NetworkPolicy' && o['spec']?.podSelector) o['spec'].podSelector = { ...o['spec'].podSelector, matchLabels: { ...o['spec'].podSelector.matchLabels, ...labels } }
}

const podSpec = (o: KubeObject): any => o.kind === 'Pod' ? o['spec'] : templateOf(o)?.spec

function setImage(o: KubeObject, image: { name: string; newName?: string; newTag?: string; digest?: string }): void {
  const spec = podSpec(o)
  for (const c of [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]) {
    const m = /^(.*?)(?::([^:/@]+))?(?:@(.+))?$/.exec(c.image ?? '')!
    if (m[1] !== image.name) continue
    const name = image.newName ?? m[1]
    c.image = image.digest ? `${name}@${image.digest}` : image.newTag !== undefined ? `${name}:${image.newTag}` : `${name}${m[2] ? `:${m[2]}` : ''}${m[3] ? `@${m[3]}` : ''}`
  }
}

function applyPatches(f: Factory, directory: string, k: Record<string, any>, resources: Resource[]): void {
  const read = (path: string) => f.proc.fs.readText(f.proc.resolve(`${directory}/${path}`))
  const list: { text: string; target: any }[] = []
  for (const p of k['patchesStrategicMerge'] ?? []) list.push({ text: p.includes('\n') ? p : read(p), target: undefined })
  for (const p of k['patchesJson6902'] ?? []) list.push({ text: p.patch ?? read(p.path), target: p.target })
  for (const p of k['patches'] ?? []) list.push({ text: p.patch ?? read(p.path), target: p.target })
  for (const { text, target } of list) for (const document of splitYamlDocuments(text)) {
    const patch = parseYaml(document) as any
    if (Array.isArray(patch)) {
      const found = resources.filter((r) => matches(r, target))
      if (found.length === 0) throw new Error(`unable to find patch target ${JSON.stringify(target?.name ?? '')} in \`resources\``)
      for (const r of found) r.object = thaw(applyJsonPatch(r.object, patch))
      continue
    }
    const wanted = target ?? { group: parseGroupVersion(patch.apiVersion ?? '').group, kind: patch.kind, name: patch.metadata?.name, exact: true }
    const found = resources.filter((r) => matches(r, wanted))
    if (found.length === 0) throw new Error(`no resource matches strategic merge patch ${JSON.stringify(`${patch.kind}.${parseGroupVersion(patch.apiVersion ?? 'v1').version}.${patch.apiVersion?.split('/')[0] ?? ''}/${patch.metadata?.name}.[noNs]`)}: no matches for Id ${patch.kind}/${patch.metadata?.name}; failed to find unique target for patch`)
    for (const r of found) {
      if (patch.$patch === 'delete') { resources.splice(resources.indexOf(r), 1); continue }
      const { group, version } = parseGroupVersion(r.object.apiVersion)
      const schema = schemaNameOf(group, version, r.object.kind)
      const body = { ...patch, apiVersion: r.object.apiVersion, kind: r.object.kind, metadata: { ...patch.metadata, name: r.object.metadata.name } }
      r.object = thaw(schema ? applyStrategicMergePatch(schema, r.object, body) : applyMergePatch(r.object, body)) as KubeObject
    }
  }
}

function matches(r: Resource, target: any): boolean {
  if (!target) return false
  const { group, version } = parseGroupVersion(r.object.apiVersion)
  const fits = (pattern: string | undefined, values: Iterable<string>) => pattern === undefined || pattern === '' || [...values].some((v) => new RegExp(`^(?:${pattern})$`).test(v))
  return fits(target.group || undefined, [group]) && fits(target.version, [version]) && fits(target.kind, [r.object.kind]) && fits(target.name, [...r.names, r.object.metadata.name!]) && fits(target.namespace, [r.object.metadata.namespace ?? ''])
    && (!target.labelSelector || parseLabelSelector(target.labelSelector).matches(r.object.metadata.labels)) && (!target.annotationSelector || parseLabelSelector(target.annotationSelector).matches(r.object.metadata.annotations))
}

/** Follows renamed objects in the places where others name them. */
function fixReferences(resources: readonly Resource[]): void {
  const current = (kinds: readonly string[], name: string | undefined): string | undefined => {
    if (name === undefined) return name
    const found = resources.find((r) => kinds.includes(r.object.kind) && r.names.has(name))
    return found ? found.object.metadata.name! : name
  }
  const rename = (holder: any, key: string, ...kinds: string[]) => { if (holder?.[key] !== undefined) holder[key] = current(kinds, holder[key]) }
  for (const { object: o } of resources) {
    const spec = podSpec(o)
    for (const c of [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]) {
      for (const e of c.env ?? []) { rename(e.valueFrom?.configMapKeyRef, 'name', 'ConfigMap'); rename(e.valueFrom?.secretKeyRef, 'name', 'Secret') }
      for (const e of c.envFrom ?? []) { rename(e.configMapRef, 'name', 'ConfigMap'); rename(e.secretRef, 'name', 'Secret') }
    }
    for (const v of spec?.volumes ?? []) {
      rename(v.configMap, 'name', 'ConfigMap')
      rename(v.secret, 'secretName', 'Secret')
      rename(v.persistentVolumeClaim, 'claimName', 'PersistentVolumeClaim')
      for (const s of v.projected?.sources ?? []) { rename(s.configMap, 'name', 'ConfigMap'); rename(s.secret, 'name', 'Secret') }
    }
    rename(spec, 'serviceAccountName', 'ServiceAccount')
    for (const s of spec?.imagePullSecrets ?? []) rename(s, 'name', 'Secret')
    if (o.kind === 'StatefulSet') rename(o['spec'], 'serviceName', 'Service')
    if (o.kind === 'HorizontalPodAutoscaler') rename(o['spec'].scaleTargetRef, 'name', 'Deployment', 'StatefulSet', 'ReplicaSet')
    if (o['roleRef']) rename(o['roleRef'], 'name', o['roleRef'].kind)
    for (const s of (o['subjects'] ?? []) as any[]) if (s.kind === 'ServiceAccount') rename(s, 'name', 'ServiceAccount')
    if (o.kind === 'Ingress') {
      rename(o['spec']?.defaultBackend?.service, 'name', 'Service')
      for (const rule of o['spec']?.rules ?? []) for (const path of rule.http?.paths ?? []) rename(path.backend?.service, 'name', 'Service')
      for (const t of o['spec']?.tls ?? []) rename(t, 'secretName', 'Secret')
    }
  }
  for (const r of resources) r.names.add(r.object.metadata.name!)
}
