import { deepEqual, thaw } from '../../../base/freeze.ts'
import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { applyJsonPatch } from '../../../cluster/kinds/patch/json-patch.ts'
import { applyMergePatch } from '../../../cluster/kinds/patch/merge-patch.ts'
import { applyStrategicMergePatch } from '../../../cluster/kinds/patch/strategic-merge-patch.ts'
import { parseYaml, printYaml, splitYamlDocuments, YamlSyntaxError } from '../../yaml.ts'
import { contentHash } from '../commands/create/generators.ts'
import { parseGroupVersion } from '../discovery.ts'
import type { Factory } from '../factory.ts'
import { schemaNameOf } from '../gvk-schema.ts'
import { defaultTransformerConfig } from './field-specs.ts'
import type { TransformerConfig } from './field-specs.ts'
import { absorb, generate } from './generators.ts'
import { fixNameReferences } from './names.ts'
import { selects } from './replacements.ts'
import { idText, identitiesOf, newResource, remember } from './resource.ts'
import type { KustomizeResource } from './resource.ts'
import { applyTransformers } from './transformers.ts'
import { expandVars } from './vars.ts'
import type { Var } from './vars.ts'

export interface BuildOptions {
  /** `legacy` puts kinds that others depend on first. */
  reorder: 'legacy' | 'none'
  /** Whether files outside of a kustomization's folder may be read. */
  anyPath: boolean
  /** Whether charts may be rendered by Helm. */
  helm?: boolean
}

/** The fields of a kustomization.yaml. */
export type Kustomization = Record<string, any>

const FILES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization']
const FIELDS = new Set(['apiVersion', 'kind', 'metadata', 'openapi', 'namePrefix', 'nameSuffix', 'namespace', 'commonLabels', 'labels', 'commonAnnotations', 'patchesStrategicMerge', 'patchesJson6902', 'patches', 'images', 'imageTags', 'replacements', 'replicas',
  'vars', 'sortOptions', 'resources', 'components', 'crds', 'bases', 'configMapGenerator', 'secretGenerator', 'helmGlobals', 'helmCharts', 'helmChartInflationGenerator', 'generatorOptions', 'configurations', 'generators', 'transformers', 'validators', 'buildMetadata'])
const LISTS = ['resources', 'components', 'bases', 'patchesStrategicMerge', 'crds', 'configurations', 'generators', 'transformers', 'validators', 'buildMetadata']
// @k8s part: kubectl kustomize: helm charts, plugins (generators, transformers, validators), openapi and crds fields and remote bases are refused
const MISSING = ['helmGlobals', 'helmCharts', 'helmChartInflationGenerator', 'generators', 'transformers', 'validators', 'openapi', 'crds']
const DEPRECATED: readonly (readonly [field: string, instead: string])[] = [['bases', "'resources'"], ['commonLabels', "'labels'"], ['imageTags', "'images'"], ['patchesJson6902', "'patches'"], ['patchesStrategicMerge', "'patches'"], ['vars', "'replacements' instead. [EXPERIMENTAL]"]]

/** A malformed file: the loader's other tries at it aren't worth telling. */
class MalformedYaml extends Error {}

/** What a build gathers. */
interface Build {
  f: Factory
  options: BuildOptions
  config: TransformerConfig
  vars: Var[]
  /** The root kustomization's folder, which origins are relative to. */
  root: string
}

/**
 * The YAML that a kustomization builds.
 * k8s: kubectl/pkg/cmd/kustomize, kustomize/api/krusty
 * @throws Error
 */
export async function buildKustomization(f: Factory, directory: string, options: BuildOptions): Promise<string> {
  const absolute = f.proc.resolve(directory)
  const problem = folderProblem(f, directory, absolute)
  if (problem) throw new Error(problem)
  const build: Build = { f, options, config: defaultTransformerConfig(), vars: [], root: absolute }
  const resources: KustomizeResource[] = []
  const kustomization = accumulate(build, absolute, resources, [], 'Kustomization')
  for (const resource of resources) if (resource.needsHash) addHash(resource)
  fixNameReferences(resources, build.config)
  expandVars(resources, build.vars, build.config)
  const kept = resources.filter(({ object }) => {
    const local = object.metadata.annotations?.['config.kubernetes.io/local-config']
    return local === undefined || local === 'false'
  })
  annotateOrigins(kept, kustomization['buildMetadata'] ?? [])
  return sorted(kept, kustomization['sortOptions'], options.reorder).map(({ object }) => printYaml(withTextMetadata(object))).join('---\n')
}

function folderProblem(f: Factory, shown: string, absolute: string): string | undefined {
  const { fs } = f.proc
  if (!fs.exists(absolute)) return `must build at directory: not a valid directory: evalsymlink failure on '${shown}' : lstat ${absolute}: no such file or directory`
  return fs.stat(absolute).type !== 'directory' ? `must build at directory: '${shown}': file is not directory` : undefined
}

/** Runs one kustomization over the resources so far; a component changes those of its parent, too. */
function accumulate(build: Build, directory: string, resources: KustomizeResource[], visited: readonly string[], kind: 'Kustomization' | 'Component'): Kustomization {
  const k = readKustomization(build, directory)
  if (visited.length > 0 && k['kind'] !== kind) throw new Error(kind === 'Component' ? `expected kind 'Component' for path '${directory}' but got '${k['kind']}'` : `expected kind != 'Component' for path '${directory}'`)
  const below = [...visited, directory]
  const load = (path: string) => loadFile(build, directory, path)
  for (const entry of k['resources']) attempt('accumulating resources', () => accumulateResource(build, directory, entry, resources, below))
  for (const path of k['configurations'] ?? []) mergeConfig(build.config, parseYaml(load(path)) as Partial<TransformerConfig>)
  for (const [list, generated] of [['configMapGenerator', 'ConfigMap'], ['secretGenerator', 'Secret']] as const)
    for (const spec of k[list] ?? []) absorb(resources, generate(build.f, generated, spec, k['generatorOptions'] ?? {}, (path) => loadBytes(build, directory, path)), spec.behavior)
  for (const entry of k['components'] ?? []) attempt('accumulating components', () => {
    const path = build.f.proc.resolve(`${directory}/${entry}`)
    checkFolder(build, path, below)
    attempt(`recursed accumulation of path '${path}'`, () => accumulate(build, path, resources, below, 'Component'))
  })
  applyPatches(k, resources, load, 'before')
  applyTransformers(k, resources, build.config)
  applyPatches(k, resources, load, 'json6902')
  applyTransformers.counts(k, resources, build.config, load)
  build.vars.push(...(k['vars'] ?? []))
  return k
}

function attempt(prefix: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    throw new (error instanceof MalformedYaml ? MalformedYaml : Error)(`${prefix}: ${(error as Error).message}`)
  }
}

// --- reading -------------------------------------------------------------------------------------------------------------------------------

/** How the failure of a built-in plugin begins: with what it was to do. k8s: kustomize target.configureBuiltinPlugin */
const troubleConfiguring = (plugin: string, spec: object) => `trouble configuring builtin ${plugin} with config: \`\n${printYaml(spec)}\`: `

function readKustomization({ f, options }: Build, directory: string): Kustomization {
  const { fs } = f.proc
  const found = FILES.map((name) => `${directory}/${name}`).filter((path) => fs.exists(path) && fs.stat(path).type !== 'directory')
  if (found.length === 0) throw new Error(`unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '${directory}'`)
  if (found.length > 1) throw new Error(`Found multiple kustomization files under: ${directory}\n`)
  let k: Kustomization | null
  try {
    k = parseYaml(fs.readText(found[0]!)) as Kustomization | null
  } catch (error) {
    throw new Error(`invalid Kustomization: ${(error as Error).message}`)
  }
  if (k === null || k === undefined || Object.keys(k).length === 0) throw new Error('kustomization.yaml is empty')
  if (typeof k !== 'object' || Array.isArray(k)) throw new Error(`invalid Kustomization: json: cannot unmarshal ${Array.isArray(k) ? 'array' : typeof k} into Go value of type types.Kustomization`)
  const unknown = Object.keys(k).find((field) => !FIELDS.has(field))
  if (unknown) throw new Error(`invalid Kustomization: json: unknown field ${JSON.stringify(unknown)}`)
  for (const field of LISTS) if (k[field] !== undefined && k[field] !== null && !Array.isArray(k[field])) throw new Error(`invalid Kustomization: json: cannot unmarshal ${typeof k[field] === 'object' ? 'object' : typeof k[field]} into Go struct field Kustomization.${field} of type []string`)
  const filled = (field: string) => k[field] !== undefined && k[field] !== null && (typeof k[field] !== 'object' || Object.keys(k[field]).length > 0)
  for (const [field, instead] of DEPRECATED) if (filled(field))
    void f.io.err(`# Warning: '${field}' is deprecated. Please use ${instead.includes('instead') ? instead : `${instead} instead.`} Run 'kustomize edit fix' to update your Kustomization automatically.\n`)
  if (filled('helmCharts') && !options.helm) throw new Error(`${troubleConfiguring('HelmChartInflationGenerator', k['helmCharts'][0])}must specify --enable-helm`)
  for (const field of MISSING) if (filled(field)) throw new Error(`the kustomization's field ${JSON.stringify(field)} is not available in Drydock yet`)
  const problems = [
    ...(k['kind'] && !['Kustomization', 'Component'].includes(k['kind']) ? ['kind should be Kustomization or Component'] : []),
    ...(k['apiVersion'] && k['apiVersion'] !== (k['kind'] === 'Component' ? 'kustomize.config.k8s.io/v1alpha1' : 'kustomize.config.k8s.io/v1beta1') ? [`apiVersion for ${k['kind'] ?? 'Kustomization'} should be ${k['kind'] === 'Component' ? 'kustomize.config.k8s.io/v1alpha1' : 'kustomize.config.k8s.io/v1beta1'}`] : []),
  ]
  if (problems.length > 0) throw new Error(`Failed to read kustomization file under ${directory}:\n${problems.join('\n')}`)
  return { ...k, kind: k['kind'] ?? 'Kustomization', resources: [...(k['resources'] ?? []), ...(k['bases'] ?? [])], images: [...(k['images'] ?? []), ...(k['imageTags'] ?? [])] }
}

/** The path of a file that the kustomization may read. @throws Error */
function fileIn({ f, options }: Build, directory: string, path: string): string {
  const absolute = f.proc.resolve(path.startsWith('/') ? path : `${directory}/${path}`)
  const { fs } = f.proc
  if (!fs.exists(absolute)) throw new Error(`evalsymlink failure on '${absolute}' : lstat ${absolute}: no such file or directory`)
  if (fs.stat(absolute).type === 'directory') throw new Error(`'${absolute}' must resolve to a file`)
  if (!options.anyPath && !absolute.startsWith(`${directory}/`)) throw new Error(`security; file '${absolute}' is not in or below '${directory}'`)
  return absolute
}

const loadFile = (build: Build, directory: string, path: string) => build.f.proc.fs.readText(fileIn(build, directory, path))
const loadBytes = (build: Build, directory: string, path: string) => build.f.proc.fs.readFile(fileIn(build, directory, path))

function checkFolder({ f }: Build, path: string, visited: readonly string[]): void {
  const problem = folderProblem(f, path, path)
  if (problem) throw new Error(problem)
  const around = visited.find((seen) => seen === path || seen.startsWith(`${path}/`))
  if (around) throw new Error(`cycle detected: candidate root '${path}' contains visited root '${around}'`)
}

/** A resource is first taken for a file, then for a folder. k8s: KustTarget.accumulateResources */
function accumulateResource(build: Build, directory: string, entry: string, resources: KustomizeResource[], visited: readonly string[]): void {
  if (/^(https?|ssh|git):|^git@|\?(ref|version)=/.test(entry)) throw new Error(`remote resource ${JSON.stringify(entry)} cannot be fetched here`)
  try {
    const absolute = (() => {
      try {
        return fileIn(build, directory, entry)
      } catch (error) {
        throw new Error(`accumulating resources from '${entry}': ${(error as Error).message}`)
      }
    })()
    for (const object of readObjects(build, absolute, entry)) add(resources, newResource(object, { path: relative(build.root, absolute) }), entry)
  } catch (error) {
    if (error instanceof MalformedYaml) throw error
    const inner = `accumulation err='${(error as Error).message}'`
    const path = build.f.proc.resolve(`${directory}/${entry}`)
    attempt(inner, () => {
      checkFolder(build, path, visited)
      const own: KustomizeResource[] = []
      attempt(`recursed accumulation of path '${path}'`, () => accumulate(build, path, own, visited, 'Kustomization'))
      for (const resource of own) add(resources, resource, path, 'recursed merging from path')
    })
  }
}

function add(resources: KustomizeResource[], resource: KustomizeResource, entry: string, merging = 'merging resources from'): void {
  const same = (a: KustomizeResource) => idText(a.object) === idText(resource.object) || deepEqual(identityOf(a), identityOf(resource))
  if (resources.some(same)) throw new Error(`${merging} '${entry}': may not add resource with an already registered id: ${idText(resource.object)}`)
  resources.push(resource)
}

const identityOf = (r: KustomizeResource) => ({ group: parseGroupVersion(r.object.apiVersion).group, kind: r.object.kind, name: r.object.metadata.name, namespace: r.object.metadata.namespace ?? 'default' })

function readObjects({ f }: Build, absolute: string, entry: string): KubeObject[] {
  const out: KubeObject[] = []
  for (const document of splitYamlDocuments(f.proc.fs.readText(absolute))) {
    let object: KubeObject | null
    try {
      object = parseYaml(document, { oldBooleans: false }) as KubeObject | null
    } catch (error) {
      throw new MalformedYaml(`accumulating resources from '${entry}': MalformedYAMLError: ${error instanceof YamlSyntaxError ? error.message : (error as Error).message} in File: ${entry}`)
    }
    if (object === null || object === undefined) continue
    const items = Array.isArray(object['items']) && object.kind?.endsWith('List') ? object['items'] as KubeObject[] : [object]
    for (const item of items) {
      if (!item.kind) throw new Error(`accumulating resources from '${entry}': missing Resource metadata`)
      if (!item.metadata?.name && !item.metadata?.generateName) throw new Error(`accumulating resources from '${entry}': missing metadata.name in object {{${item.apiVersion ?? ''} ${item.kind}} {{ ${item.metadata?.namespace ?? ''}} map[] map[]}}`)
      out.push({ ...item, metadata: { ...item.metadata } })
    }
  }
  return out
}

function mergeConfig(into: TransformerConfig, more: Partial<TransformerConfig> | null): void {
  for (const [key, list] of Object.entries(more ?? {})) if (Array.isArray(list)) ((into as unknown as Record<string, unknown[]>)[key] ??= []).push(...list)
}

// --- patches -------------------------------------------------------------------------------------------------------------------------------

interface Patch { text: string; target?: Record<string, any>; options?: { allowNameChange?: boolean; allowKindChange?: boolean } }

function applyPatches(k: Kustomization, resources: KustomizeResource[], load: (path: string) => string, when: 'before' | 'json6902'): void {
  const list: Patch[] = []
  if (when === 'json6902') for (const p of k['patchesJson6902'] ?? []) list.push({ text: p.patch ?? load(p.path), target: p.target })
  else {
    for (const p of k['patchesStrategicMerge'] ?? []) list.push({ text: /[\n:]/.test(p) ? p : load(p) })
    for (const p of k['patches'] ?? []) {
      if (!p.patch && !p.path) throw new Error('must specify one of patch and path in\n')
      list.push({ text: p.patch ?? patchFile(load, p), ...(p.target ? { target: p.target } : {}), options: p.options ?? {} })
    }
  }
  for (const patch of list) for (const document of splitYamlDocuments(patch.text)) applyPatch(resources, parseYaml(document, { oldBooleans: false }), patch)
}

function patchFile(load: (path: string) => string, spec: { path: string }): string {
  try {
    return load(spec.path)
  } catch (error) {
    throw new Error(`${troubleConfiguring('PatchTransformer', spec)}failed to get the patch file from path(${spec.path}): ${(error as Error).message}`)
  }
}

function applyPatch(resources: KustomizeResource[], patch: any, { target, options = {} }: Patch): void {
  if (patch === null || patch === undefined) return
  if (Array.isArray(patch)) {
    if (!target) throw new Error('must specify a target for JSON patch')
    for (const resource of resources.filter((r) => selects(r, target))) update(resource, applyJsonPatch(resource.object, patch), options)
    return
  }
  let found: KustomizeResource[]
  if (target) found = resources.filter((r) => selects(r, target))
  else {
    const { group } = parseGroupVersion(patch.apiVersion ?? '')
    found = resources.filter((r) => parseGroupVersion(r.object.apiVersion).group === group
      && identitiesOf(r).some((id) => id.kind === patch.kind && id.name === patch.metadata?.name && (patch.metadata?.namespace === undefined || id.namespace === patch.metadata.namespace)))
    const id = idText(patch)
    if (found.length === 0) throw new Error(`no resource matches strategic merge patch ${JSON.stringify(id)}: no matches for Id ${id}; failed to find unique target for patch ${id}`)
    if (found.length > 1) throw new Error(`multiple matches for Id ${id}; failed to find unique target for patch ${id}`)
  }
  for (const resource of found) {
    if (patch.$patch === 'delete') { resources.splice(resources.indexOf(resource), 1); continue }
    const { group, version } = parseGroupVersion(resource.object.apiVersion)
    const schema = schemaNameOf(group, version, resource.object.kind)
    const { apiVersion: _, kind: __, ...body } = patch
    const aimed = { ...body, ...(body.metadata || !target ? { metadata: { ...body.metadata, ...(options.allowNameChange ? {} : { name: resource.object.metadata.name }) } } : {}), ...(options.allowKindChange ? { kind: patch.kind } : {}) }
    if (aimed.metadata && body.metadata?.namespace !== undefined && !target) delete aimed.metadata.namespace
    update(resource, schema ? applyStrategicMergePatch(schema, resource.object, aimed) : applyMergePatch(resource.object, aimed) as KubeObject, options)
  }
}

function update(resource: KustomizeResource, patched: KubeObject, options: NonNullable<Patch['options']>): void {
  const { name, namespace } = resource.object.metadata
  const { kind } = resource.object
  remember(resource)
  resource.object = thaw(patched) as KubeObject
  resource.object.metadata ??= {} as KubeObject['metadata']
  if (!options.allowKindChange && options.allowKindChange !== undefined) resource.object.kind = kind
  if (options.allowNameChange === false) resource.object.metadata = { ...resource.object.metadata, name: name!, ...(namespace ? { namespace } : {}) }
}

// --- output --------------------------------------------------------------------------------------------------------------------------------

function addHash(resource: KustomizeResource): void {
  const { kind } = resource.object
  const { data, binaryData, stringData } = resource.object as { data?: object; binaryData?: object; stringData?: object }
  const hash = contentHash({ data: data ?? '', kind, name: '', ...(binaryData ? { binaryData } : {}), ...(kind === 'Secret' ? { type: resource.object['type'], ...(stringData ? { stringData } : {}) } : {}) })
  remember(resource)
  resource.object.metadata.name = `${resource.object.metadata.name}-${hash}`
}

function relative(from: string, to: string): string {
  const a = from.split('/')
  const b = to.split('/')
  let same = 0
  while (same < a.length && a[same] === b[same]) same++
  return [...a.slice(same).map(() => '..'), ...b.slice(same)].join('/')
}

function annotateOrigins(resources: readonly KustomizeResource[], metadata: readonly string[]): void {
  for (const { object, origin } of resources) {
    if (metadata.includes('originAnnotations')) {
      const text = origin.path ? printYaml({ path: origin.path }) : printYaml({ configuredIn: origin.configuredIn ?? 'kustomization.yaml', configuredBy: { apiVersion: 'builtin', kind: origin.kind } }, { sortKeys: false })
      object.metadata.annotations = { ...object.metadata.annotations, 'config.kubernetes.io/origin': text }
    }
    if (metadata.includes('managedByLabel')) object.metadata.labels = { ...object.metadata.labels, 'app.kubernetes.io/managed-by': 'kustomize-v5.8.1' }
  }
}

/** Labels and annotations are texts, whatever YAML made of them. */
function withTextMetadata(object: KubeObject): KubeObject {
  const metadata = { ...object.metadata } as Record<string, any>
  for (const field of ['labels', 'annotations']) if (metadata[field] && typeof metadata[field] === 'object') metadata[field] = Object.fromEntries(Object.entries(metadata[field]).map(([key, value]) => [key, value === null || typeof value === 'object' ? value : String(value)]))
  return { ...object, metadata } as KubeObject
}

const FIRST = ['Namespace', 'ResourceQuota', 'StorageClass', 'CustomResourceDefinition', 'ServiceAccount', 'PodSecurityPolicy', 'Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding', 'ConfigMap', 'Secret', 'Endpoints', 'Service',
  'LimitRange', 'PriorityClass', 'PersistentVolume', 'PersistentVolumeClaim', 'Deployment', 'StatefulSet', 'CronJob', 'PodDisruptionBudget']
const LAST = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']

/** k8s: kustomize SortOrderTransformer */
function sorted(resources: readonly KustomizeResource[], sortOptions: { order?: string; legacySortOptions?: { orderFirst?: string[]; orderLast?: string[] } } | undefined, reorder: BuildOptions['reorder']): KustomizeResource[] {
  const order = sortOptions?.order ?? (reorder === 'legacy' ? 'legacy' : 'fifo')
  if (order !== 'legacy') return [...resources]
  const first = sortOptions?.legacySortOptions?.orderFirst ?? FIRST
  const last = sortOptions?.legacySortOptions?.orderLast ?? LAST
  const rank = (kind: string) => first.includes(kind) ? first.indexOf(kind) - first.length : last.includes(kind) ? last.indexOf(kind) + 1 : 0
  // Empty parts come behind all others.
  const text = ({ object: o }: KustomizeResource) => {
    const { group, version } = parseGroupVersion(o.apiVersion ?? '')
    return `${group || '~G'}_${version || '~V'}_${o.kind || '~K'}|${o.metadata.namespace || '~X'}|${o.metadata.name || '~N'}`
  }
  return [...resources].sort((a, b) => rank(a.object.kind) - rank(b.object.kind) || (text(a) < text(b) ? -1 : 1))
}
