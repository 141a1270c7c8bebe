import { dns1035LabelProblems, dnsLabelProblems, dnsSubdomainProblems, pathSegmentName } from '../../../cluster/kinds/names.ts'
import { isGoMap } from '../../../cluster/kinds/go-template/values.ts'
import type { GoMap } from '../../../cluster/kinds/go-template/values.ts'
import { parseYaml, splitYamlDocuments } from '../../yaml.ts'
import { DEFAULT_API_VERSIONS } from '../engine/default-api-versions.ts'
import type { KubeVersion } from '../engine/objects.ts'
import { renderChart } from '../engine/render.ts'
import { parseConstraint, parseVersion, satisfies } from '../semver.ts'
import type { Session } from '../session.ts'
import { coalesceTables, coalesceValues, copyValues } from '../values/coalesce.ts'
import { processDependencies } from '../values/dependencies.ts'
import { schemaProblems, validateValues } from '../values/json-schema.ts'
import { DEFAULT_KUBE_VERSION } from '../version.ts'
import { nameOf, textOf } from './chart.ts'
import type { Chart } from './chart.ts'
import deprecatedApis from './deprecated-apis.json' with { type: 'json' }
import { archiveFiles, loadChart, loadFiles, metadataOf } from './load.ts'

export type Severity = 'INFO' | 'WARNING' | 'ERROR'
export interface LintMessage { severity: Severity; path: string; text: string }

/** Looks a chart over. k8s: helm.sh/helm/v3/pkg/lint @throws Error where it isn't one */
export async function lintChart(session: Session, given: string, values: GoMap, options: { kubeVersion?: KubeVersion; skipSchema: boolean }): Promise<LintMessage[]> {
  const { fs } = session.proc
  const path = session.resolve(given)
  const out: LintMessage[] = []
  /** @returns whether it is fine */
  const rule = (severity: Severity, file: string, problem: string | undefined) => { if (problem !== undefined) out.push({ severity, path: file, text: problem }); return problem === undefined }
  const archive = /\.(tgz|tar\.gz)$/.test(given)
  if (archive && !fs.exists(path)) throw new Error(`unable to open tarball: open ${given}: no such file or directory`)
  if (!archive && !fs.exists(`${path}/Chart.yaml`)) throw new Error(`unable to check Chart.yaml file in chart: stat ${given.replace(/\/+$/, '') === '.' ? '' : `${given.replace(/\/+$/, '').replace(/^\.\//, '')}/`}Chart.yaml: ${fs.exists(path) && fs.stat(path).type !== 'directory' ? 'not a directory' : 'no such file or directory'}`)
  const read = (file: string) => archive ? undefined : fs.exists(`${path}/${file}`) ? fs.readText(`${path}/${file}`) : undefined
  const files = archive ? await archiveFiles(fs.readFile(path)) : undefined
  const text = (file: string) => { const found = files?.find((f) => f.name === file); return files ? found && textOf(found) : read(file) }
  const load = () => files ? loadFiles(files) : loadChart(path, fs)

  chartFile(rule, text('Chart.yaml') ?? '')
  if (rule('INFO', 'values.yaml', text('values.yaml') === undefined ? 'file does not exist' : undefined)) rule('ERROR', 'values.yaml', valuesProblem(session, text('values.yaml')!, text('values.schema.json'), values))
  await templates(session, load, rule, values, options)
  const loaded = await attempt(load)
  if (rule('ERROR', '', loaded.error === undefined ? undefined : `unable to load chart\n\t${loaded.error}`)) {
    const chart = loaded.value!
    const inside = chart.dependencies.map(nameOf)
    const wanted = chart.metadata.dependencies ?? []
    const extra = inside.filter((name) => !wanted.some((d) => d.name === name))
    rule('ERROR', path, extra.length > 0 ? `chart metadata is missing these dependencies: ${extra.join(',')}` : undefined)
    const missing = wanted.filter((d) => !inside.includes(d.name))
    rule('WARNING', path, missing.length > 0 ? `chart directory is missing these dependencies: ${missing.map((d) => d.name).join(',')}` : undefined)
  }
  return out
}

type Rule = (severity: Severity, file: string, problem: string | undefined) => boolean

async function attempt<T>(work: () => Promise<T>): Promise<{ value?: T; error?: string }> {
  try {
    return { value: await work() }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

const isUrl = (text: string) => /^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(text)

function chartFile(rule: Rule, text: string): void {
  const file = 'Chart.yaml'
  let raw: GoMap
  let metadata: ReturnType<typeof metadataOf>
  try {
    const parsed = parseYaml(text)
    raw = isGoMap(parsed) ? parsed : {}
    metadata = metadataOf(raw, file)
  } catch (error) {
    const message = (error as Error).message.replace(/^cannot load Chart\.yaml: /, '')
    rule('ERROR', file, `unable to parse YAML\n\t${/^error /.test(message) ? message : `error converting YAML to JSON: ${message.startsWith('yaml: ') ? message : `yaml: ${message}`}`}`)
    return
  }
  const { name = '', apiVersion = '', version = '', maintainers = [], sources = [], icon = '', type = '', dependencies = [] } = metadata
  rule('ERROR', file, name === '' ? 'name is required' : name.includes('/') ? `chart name ${JSON.stringify(name)} is invalid` : undefined)
  rule('ERROR', file, apiVersion === '' ? 'apiVersion is required. The value must be either "v1" or "v2"' : apiVersion !== 'v1' && apiVersion !== 'v2' ? `apiVersion '${apiVersion}' is not valid. The value must be either "v1" or "v2"` : undefined)
  const typed = (key: string) => raw[key] === undefined || typeof raw[key] === 'string' ? undefined : `${key} should be of type string but it's of type ${raw[key] === null ? '<nil>' : typeof raw[key] === 'number' ? 'float64' : typeof raw[key] === 'boolean' ? 'bool' : Array.isArray(raw[key]) ? '[]interface {}' : 'map[string]interface {}'}`
  rule('ERROR', file, typed('version'))
  const parsed = parseVersion(version)
  rule('ERROR', file, version === '' ? 'version is required' : !parsed ? `version '${version}' is not a valid SemVer` : satisfies(parsed, parseConstraint('>0.0.0-0')) ? undefined : `version ${version} is less than or equal to 0.0.0-0`)
  rule('ERROR', file, typed('appVersion'))
  const wrong = maintainers.map((m) => !m ? 'a maintainer entry is empty' : !m.name ? 'each maintainer requires a name' : m.email && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(m.email) ? `invalid email '${m.email}' for maintainer '${m.name}'` : m.url && !/^([a-z]+:\/\/)?[^\s/]+\.[^\s]+$/i.test(m.url) ? `invalid url '${m.url}' for maintainer '${m.name}'` : undefined).find(Boolean)
  rule('ERROR', file, wrong)
  const source = sources.find((each) => !isUrl(each))
  rule('ERROR', file, source === undefined ? undefined : `invalid source URL '${source}'`)
  rule('INFO', file, icon === '' ? 'icon is recommended' : undefined)
  rule('ERROR', file, icon !== '' && !isUrl(icon) ? `invalid icon URL '${icon}'` : undefined)
  rule('ERROR', file, type !== '' && apiVersion !== 'v2' ? `chart type is not valid in apiVersion '${apiVersion}'. It is valid in apiVersion 'v2'` : undefined)
  rule('ERROR', file, dependencies.length > 0 && apiVersion !== 'v2' ? `dependencies are not valid in the Chart file with apiVersion '${apiVersion}'. They are valid in apiVersion 'v2'` : undefined)
}

function valuesProblem(session: Session, text: string, schema: string | undefined, overrides: GoMap): string | undefined {
  let values: unknown
  try {
    values = parseYaml(text) ?? {}
  } catch (error) {
    const { message } = error as Error
    return `unable to parse YAML: error converting YAML to JSON: ${message.startsWith('yaml: ') ? message : `yaml: ${message}`}`
  }
  if (!isGoMap(values)) return `unable to parse YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${Array.isArray(values) ? 'array' : typeof values} into Go value of type chartutil.Values`
  return schema ? schemaProblems(schema, coalesceTables(copyValues(overrides), values, session.warn)) : undefined
}

async function templates(session: Session, load: () => Promise<Chart>, rule: Rule, given: GoMap, options: { kubeVersion?: KubeVersion; skipSchema: boolean }): Promise<void> {
  const loaded = await attempt(load)
  if (!rule('ERROR', 'templates/', loaded.error)) return
  const chart = loaded.value!
  const { clock, random } = session.proc
  let values: GoMap
  try {
    const own = copyValues(given)
    processDependencies(chart, own, session.warn)
    values = coalesceValues(chart, own, session.warn)
  } catch {
    return
  }
  try {
    if (!options.skipSchema) validateValues(chart, values)
  } catch (error) {
    rule('ERROR', 'templates/', (error as Error).message)
    return
  }
  const rendered = await attempt(() => renderChart({
    chart, values, release: { name: 'test-release', namespace: session.namespace, revision: 0, isInstall: false, isUpgrade: false }, clock, random,
    capabilities: { kubeVersion: options.kubeVersion ?? DEFAULT_KUBE_VERSION, apiVersions: DEFAULT_API_VERSIONS }, lint: (note) => session.warn(`[INFO] ${note}`),
  }))
  if (!rule('ERROR', 'templates/', rendered.error)) return
  for (const template of chart.templates) {
    const file = template.name
    const source = textOf(template)
    const extension = /\.[^./]*$/.exec(file)?.[0] ?? ''
    rule('ERROR', file, ['.yaml', '.yml', '.tpl', '.txt'].includes(extension) ? undefined : `file extension '${extension}' not valid. Valid extensions are .yaml, .yml, .tpl, or .txt`)
    rule('WARNING', file, /"?helm\.sh\/hook"?:\s+crd-install/.test(source) ? 'manifest is a crd-install hook. This hook is no longer supported in v3 and all CRDs should also exist the crds/ directory at the top level of the chart' : undefined)
    rule('ERROR', file, /\.Release\.Time/.test(source) ? '.Release.Time has been removed in v3, please replace with the `now` function in your templates' : undefined)
    if (extension !== '.yaml') continue
    const content = rendered.value!.get(`${nameOf(chart)}/${file}`) ?? ''
    if (content.trim() === '') continue
    const first = content.split('\n').find((line) => line.trim() !== '')!
    rule('WARNING', file, /^[ \t]/.test(first) ? `document starts with an illegal indent: ${JSON.stringify(first)}, which may cause parsing problems` : undefined)
    if (!documents(rule, file, content, options.kubeVersion ?? DEFAULT_KUBE_VERSION)) return
  }
}

const SELECTING = new Set(['Deployment', 'ReplicaSet', 'DaemonSet', 'StatefulSet'])

function documents(rule: Rule, file: string, content: string, kubeVersion: KubeVersion): boolean {
  // What a List holds is read from the file's first document, whichever it is.
  let first: GoMap | undefined
  for (const part of splitYamlDocuments(content)) {
    let value: unknown
    try {
      value = parseYaml(part)
    } catch (error) {
      const { message } = error as Error
      return rule('ERROR', file, `unable to parse YAML: error converting YAML to JSON: ${message.startsWith('yaml: ') ? message : `yaml: ${message}`}`)
    }
    if (!isGoMap(value)) continue
    first ??= value
    const metadata = isGoMap(value['metadata']) ? value['metadata'] : {}
    const name = ['string', 'number', 'boolean'].includes(typeof metadata['name']) ? String(metadata['name']) : ''
    const kind = String(value['kind'] ?? '')
    rule('WARNING', file, nameProblem(kind, name))
    rule('WARNING', file, deprecation(String(value['apiVersion'] ?? ''), kind, kubeVersion))
    rule('ERROR', file, SELECTING.has(kind) && !/matchLabels|matchExpressions/.test(content) ? `a ${kind} must contain matchLabels or matchExpressions, and ${JSON.stringify(name)} does not` : undefined)
    rule('ERROR', file, kind === 'List' && Array.isArray(first['items']) && first['items'].some(isKept) ? "Annotation 'helm.sh/resource-policy' within List objects are ignored" : undefined)
  }
  return true
}

const isKept = (item: unknown) => isGoMap(item) && isGoMap(item['metadata']) && isGoMap(item['metadata']['annotations']) && 'helm.sh/resource-policy' in item['metadata']['annotations']

/** k8s: helm.sh/helm/v3/pkg/lint/rules validateMetadataName */
function nameProblem(kind: string, name: string): string | undefined {
  const problems = nameRules(kind)(name).map((problem) => `metadata.name: Invalid value: ${JSON.stringify(name)}: ${problem}`)
  if (problems.length === 0) return undefined
  return `object name does not conform to Kubernetes naming requirements: ${JSON.stringify(name)}: ${problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`}`
}

function nameRules(kind: string): (name: string) => string[] {
  switch (kind.toLowerCase()) {
    case 'service': return dns1035LabelProblems
    case 'namespace': return dnsLabelProblems
    case 'certificatesigningrequest': return () => []
    case 'role': case 'clusterrole': case 'rolebinding': case 'clusterrolebinding': return (name) => pathSegmentName(name, false)
    default: return dnsSubdomainProblems
  }
}

/** Since when, until when, and what comes instead; minor versions of Kubernetes 1. k8s: k8s.io/api zz_generated.prerelease-lifecycle.go */
const DEPRECATED = deprecatedApis as unknown as Readonly<Record<string, Readonly<Record<string, readonly [since: number, until: number, instead?: string]>>>>

function deprecation(apiVersion: string, kind: string, { major, minor }: KubeVersion): string | undefined {
  const kinds = Object.hasOwn(DEPRECATED, apiVersion) ? DEPRECATED[apiVersion]! : {}
  const found = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  if (!found || Number(major) < 1 || (Number(major) === 1 && Number.parseInt(minor) < found[0])) return undefined
  const [since, until, instead] = found
  return `${apiVersion} ${kind} is deprecated in v1.${since}+${until > 0 ? `, unavailable in v1.${until}+` : ''}${instead ? `; use ${instead}` : ''}`
}
