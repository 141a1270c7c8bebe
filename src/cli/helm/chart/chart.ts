import type { GoMap } from '../../../cluster/kinds/go-template/values.ts'

/** A file of a chart. */
export interface ChartFile { name: string; data: Uint8Array }

/** One of `dependencies:` in Chart.yaml. */
export interface ChartDependency {
  name: string
  version?: string
  repository: string
  condition?: string
  tags?: string[]
  enabled?: boolean
  'import-values'?: unknown[]
  alias?: string
}

export interface Maintainer { name?: string; email?: string; url?: string }

/** What Chart.yaml says. Its fields are in the order in which Helm writes them. */
export interface ChartMetadata {
  name?: string
  home?: string
  sources?: string[]
  version?: string
  description?: string
  keywords?: string[]
  maintainers?: Maintainer[]
  icon?: string
  apiVersion?: string
  condition?: string
  tags?: string
  appVersion?: string
  deprecated?: boolean
  annotations?: Record<string, string>
  kubeVersion?: string
  dependencies?: ChartDependency[]
  type?: string
}

/** Chart.lock */
export interface ChartLock { generated: string; digest: string; dependencies: ChartDependency[] }

/** A chart in memory, with the charts inside it. */
export interface Chart {
  metadata: ChartMetadata
  lock: ChartLock | null
  templates: ChartFile[]
  values: GoMap | null
  schema: Uint8Array | null
  /** What belongs to nothing else, README.md and crds/ included. */
  files: ChartFile[]
  /** Every file as it was read. */
  raw: ChartFile[]
  dependencies: Chart[]
  parent: Chart | undefined
}

export const emptyChart = (): Chart => ({ metadata: {}, lock: null, templates: [], values: null, schema: null, files: [], raw: [], dependencies: [], parent: undefined })

export const textOf = (file: ChartFile): string => new TextDecoder().decode(file.data)
export const nameOf = (chart: Chart): string => chart.metadata.name ?? ''

/** Where a chart's templates are named: `parent/charts/child`. */
export function chartFullPath(chart: Chart): string {
  return chart.parent ? `${chartFullPath(chart.parent)}/charts/${nameOf(chart)}` : nameOf(chart)
}

/** Gives a chart its dependencies and them their parent. */
export function setDependencies(chart: Chart, dependencies: Chart[]): void {
  chart.dependencies = dependencies
  for (const child of dependencies) child.parent = chart
}

/** Files of crds/ of a chart and the charts inside it. */
export function crdsOf(chart: Chart): { name: string; file: ChartFile }[] {
  const own = chart.files.filter((f) => f.name.startsWith('crds/') && /\.(yaml|yml|json)$/i.test(f.name)).map((file) => ({ name: `${chartFullPath(chart)}/${file.name}`, file }))
  return [...own, ...chart.dependencies.flatMap(crdsOf)]
}

const FIELDS: readonly (keyof ChartMetadata)[] = ['name', 'home', 'sources', 'version', 'description', 'keywords', 'maintainers', 'icon', 'apiVersion', 'condition', 'tags', 'appVersion', 'deprecated', 'annotations', 'kubeVersion', 'dependencies', 'type']
const DEPENDENCY_FIELDS: readonly (keyof ChartDependency)[] = ['name', 'version', 'repository', 'condition', 'tags', 'enabled', 'import-values', 'alias']

/** Metadata as encoding/json writes it: empty fields left out. */
export function metadataJson(metadata: ChartMetadata): GoMap {
  const out: GoMap = {}
  for (const field of FIELDS) {
    const value = metadata[field]
    if (value === undefined || value === '' || value === false || (Array.isArray(value) && value.length === 0) || (field === 'annotations' && Object.keys(value as object).length === 0)) continue
    out[field] = field === 'dependencies' ? (value as ChartDependency[]).map(dependencyJson) : value
  }
  return out
}

export function dependencyJson(dependency: ChartDependency): GoMap {
  const out: GoMap = {}
  for (const field of DEPENDENCY_FIELDS) {
    const value = dependency[field]
    if (field === 'name' || field === 'repository') out[field] = value ?? ''
    else if (value !== undefined && value !== '' && value !== false && !(Array.isArray(value) && value.length === 0)) out[field] = value
  }
  return out
}
