import { updateField } from './field-specs.ts'
import type { FieldSpec, TransformerConfig } from './field-specs.ts'
import { applyReplacements } from './replacements.ts'
import type { Replacement } from './replacements.ts'
import { identitiesOf, isClusterScoped, remember } from './resource.ts'
import type { KustomizeResource } from './resource.ts'
import { parseYaml } from '../../yaml.ts'

type Kustomization = Record<string, any>

/** Namespace, names, labels and annotations, in kustomize's order. */
export function applyTransformers(k: Kustomization, resources: readonly KustomizeResource[], config: TransformerConfig): void {
  if (k['namespace']) for (const resource of resources) setNamespace(resource, String(k['namespace']), config)
  for (const [affix, specs] of [['namePrefix', config.namePrefix], ['nameSuffix', config.nameSuffix]] as const) {
    if (!k[affix]) continue
    for (const resource of resources) {
      resource.affixes.push(`${affix}:${k[affix]}`)
      if (['CustomResourceDefinition', 'Namespace', 'APIService'].includes(resource.object.kind)) continue
      remember(resource)
      for (const spec of specs) updateField(resource, spec, (name) => affix === 'namePrefix' ? `${k[affix]}${String(name)}` : `${String(name)}${k[affix]}`)
    }
  }
  for (const labels of k['labels'] ?? []) addPairs(resources, labels.pairs, labels.includeSelectors ? config.commonLabels : labels.includeTemplates ? [...config.templateLabels] : [{ path: 'metadata/labels', create: true }], labels.fields)
  addPairs(resources, k['commonLabels'], config.commonLabels)
  addPairs(resources, k['commonAnnotations'], config.commonAnnotations)
}

/** Replicas, images and replacements, which come last. */
applyTransformers.counts = (k: Kustomization, resources: readonly KustomizeResource[], config: TransformerConfig, load: (path: string) => string): void => {
  for (const { name, count } of k['replicas'] ?? []) {
    const found = resources.filter((r) => config.replicas.some((spec) => spec.kind === r.object.kind) && identitiesOf(r).some((id) => id.name === name))
    if (found.length === 0) throw new Error(`resource with name ${name} does not match a config with the following GVK [${config.replicas.map((spec) => `${spec.kind}.[noVer].[noGrp]`).join(' ')}]`)
    for (const resource of found) for (const spec of config.replicas) updateField(resource, spec, () => Number(count))
  }
  for (const image of k['images'] ?? []) for (const resource of resources) setImages(resource, image, config)
  const replacements: Replacement[] = (k['replacements'] ?? []).flatMap((entry: any) => entry.path ? [parseYaml(load(entry.path))].flat() as Replacement[] : [entry])
  applyReplacements(resources, replacements)
}

function addPairs(resources: readonly KustomizeResource[], pairs: Record<string, unknown> | null | undefined, specs: readonly FieldSpec[], more: readonly FieldSpec[] = []): void {
  if (!pairs || Object.keys(pairs).length === 0) return
  const texts = Object.fromEntries(Object.entries(pairs).map(([key, value]) => [key, String(value)]))
  for (const resource of resources) for (const spec of [...specs, ...more]) updateField(resource, spec, (before) => ({ ...before as object | undefined, ...texts }))
}

function setNamespace(resource: KustomizeResource, namespace: string, config: TransformerConfig): void {
  remember(resource)
  const { object } = resource
  if (!isClusterScoped(object)) object.metadata = { ...object.metadata, namespace }
  for (const spec of config.namespace) updateField(resource, spec, () => namespace)
  if (!['RoleBinding', 'ClusterRoleBinding'].includes(object.kind)) return
  // Every namespace has the account `default`; others are followed by their names.
  for (const subject of (object['subjects'] ?? []) as any[]) if (subject.kind === 'ServiceAccount' && subject.name === 'default') subject.namespace = namespace
}

interface ImageChange { name: string; newName?: string; newTag?: string; tagSuffix?: string; digest?: string }

function changedImage(text: unknown, change: ImageChange): unknown {
  if (typeof text !== 'string') return text
  const escaped = change.name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const match = new RegExp(`^${escaped}(?::([a-zA-Z0-9_.{}-]*))?(?:@(sha256:[a-zA-Z0-9_.{}-]*))?$`).exec(text)
  if (!match) return text
  const name = change.newName || change.name
  let tag: string | undefined = match[1]
  let digest: string | undefined = match[2]
  if (change.newTag !== undefined && change.digest) { tag = String(change.newTag); digest = change.digest }
  else if (change.newTag !== undefined) { tag = String(change.newTag); digest = undefined }
  else if (change.digest) { tag = undefined; digest = change.digest }
  else if (change.tagSuffix) { tag = `${tag ?? ''}${change.tagSuffix}`; digest = undefined }
  return `${name}${tag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`
}

function setImages(resource: KustomizeResource, change: ImageChange, config: TransformerConfig): void {
  if (resource.object.kind === 'CustomResourceDefinition') return
  for (const spec of config.images) updateField(resource, spec, (text) => changedImage(text, change))
  // Containers are recognised wherever they are, so that kinds nobody knows are covered. k8s: imagetag.LegacyFilter
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) { value.forEach(visit); return }
    if (value === null || typeof value !== 'object') return
    for (const [key, child] of Object.entries(value)) {
      if ((key === 'containers' || key === 'initContainers') && Array.isArray(child)) for (const container of child) { if (container && typeof container === 'object' && 'image' in container) container.image = changedImage(container.image, change) }
      visit(child)
    }
  }
  visit(resource.object)
}
