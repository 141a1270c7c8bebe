import { gunzipSync } from './gzip.ts'
import { goPrint } from '../../../cluster/kinds/go-template/values.ts'
import type { GoMap } from '../../../cluster/kinds/go-template/values.ts'
import { readTar } from '../../kubectl/tar.ts'
import { parseYaml } from '../../yaml.ts'
import { readerOf } from '../../../base/streams.ts'
import type { FileSystem } from '../../../unix/types.ts'
import { parseStrictVersion, parseVersion } from '../semver.ts'
import { emptyChart, nameOf, setDependencies, textOf } from './chart.ts'
import type { Chart, ChartDependency, ChartFile, ChartLock, ChartMetadata } from './chart.ts'
import { ignoreRules } from './ignore-rules.ts'

/** Reads a chart from a folder or an archive. @throws Error in Helm's words */
export async function loadChart(path: string, fs: FileSystem): Promise<Chart> {
  return fs.stat(path).type === 'directory' ? await loadFiles(chartFolderFiles(path, fs)) : await loadArchive(fs.readFile(path))
}

/** The files of a folder that its .helmignore leaves. */
export function chartFolderFiles(folder: string, fs: FileSystem): ChartFile[] {
  const ignored = ignoreRules(fs.exists(`${folder}/.helmignore`) ? fs.readText(`${folder}/.helmignore`) : '')
  const files: ChartFile[] = []
  const walk = (relative: string) => {
    for (const name of fs.readdir(relative ? `${folder}/${relative}` : folder)) {
      const path = relative ? `${relative}/${name}` : name
      const { type } = fs.stat(`${folder}/${path}`)
      if (ignored(path, type === 'directory')) continue
      if (type === 'directory') walk(path)
      else if (type === 'file') files.push({ name: path, data: withoutMark(fs.readFile(`${folder}/${path}`)) })
      else throw new Error(`cannot load irregular file ${folder}/${path} as it has file mode type bits set`)
    }
  }
  walk('')
  return files
}

/** Without a byte order mark. */
const withoutMark = (data: Uint8Array) => data[0] === 0xef && data[1] === 0xbb && data[2] === 0xbf ? data.slice(3) : data

/** A packed chart. @throws Error in Helm's words */
export async function loadArchive(data: Uint8Array): Promise<Chart> {
  return loadFiles(await archiveFiles(data))
}

/** k8s: loader.LoadArchiveFiles */
export async function archiveFiles(data: Uint8Array): Promise<ChartFile[]> {
  if (data[0] !== 0x1f || data[1] !== 0x8b) throw new Error('file does not appear to be a gzipped archive; got \'application/octet-stream\'')
  const files: ChartFile[] = []
  for await (const entry of readTar(readerOf(gunzipSync(data)))) {
    if (entry.type !== 'file') continue
    const parts = entry.name.split('/')
    if (parts.length < 2) continue
    const name = parts.slice(1).join('/')
    if (parts[0] === 'Chart.yaml') throw new Error('chart yaml not in base directory')
    if (name === '') throw new Error(`chart illegally contains content outside the base directory`)
    files.push({ name, data: withoutMark(entry.data) })
  }
  if (files.length === 0) throw new Error('no files in chart archive')
  return files
}

/** Makes a chart of its files. k8s: loader.LoadFiles */
export async function loadFiles(files: readonly ChartFile[]): Promise<Chart> {
  const chart = emptyChart()
  chart.raw = [...files]
  const inner = new Map<string, ChartFile[]>()
  const main = files.find((f) => f.name === 'Chart.yaml')
  if (main) {
    chart.metadata = metadataOf(yamlOf(main, 'Chart.yaml'), 'Chart.yaml')
    chart.metadata.apiVersion ||= 'v1'
  }
  for (const file of files) {
    const { name } = file
    if (name === 'Chart.yaml') continue
    if (name === 'Chart.lock' || name === 'requirements.lock') {
      chart.lock = yamlOf(file, name) as unknown as ChartLock
      if (name === 'requirements.lock' && chart.metadata.apiVersion === 'v1') chart.files.push(file)
    } else if (name === 'values.yaml') {
      const values = yamlOf(file, name)
      chart.values = values
    } else if (name === 'values.schema.json') chart.schema = file.data
    else if (name === 'requirements.yaml') {
      Object.assign(chart.metadata, metadataOf(yamlOf(file, name), name))
      if (chart.metadata.apiVersion === 'v1') chart.files.push(file)
    } else if (name.startsWith('templates/')) chart.templates.push(file)
    else if (name.startsWith('charts/')) {
      if (name.endsWith('.prov')) { chart.files.push(file); continue }
      const rest = name.slice('charts/'.length)
      const folder = rest.split('/')[0]!
      inner.set(folder, [...(inner.get(folder) ?? []), { name: rest, data: file.data }])
    } else chart.files.push(file)
  }
  if (!main) throw new Error('Chart.yaml file is missing')
  validateMetadata(chart.metadata)
  const children: Chart[] = []
  for (const [folder, list] of [...inner].sort(([a], [b]) => a < b ? -1 : 1)) {
    if (/^[_.]/.test(folder)) continue
    try {
      if (folder.endsWith('.tgz')) {
        if (list[0]!.name !== folder) throw new Error(`error unpacking subchart tar in ${nameOf(chart)}: expected ${folder}, got ${list[0]!.name}`)
        children.push(await loadArchive(list[0]!.data))
      } else {
        children.push(await loadFiles(list.filter((f) => f.name.includes('/')).map((f) => ({ name: f.name.slice(f.name.indexOf('/') + 1), data: f.data }))))
      }
    } catch (error) {
      throw new Error(`error unpacking subchart ${folder} in ${nameOf(chart)}: ${(error as Error).message}`)
    }
  }
  setDependencies(chart, children)
  return chart
}

function yamlOf(file: ChartFile, name: string): GoMap {
  let value: unknown
  try {
    value = parseYaml(textOf(file))
  } catch (error) {
    const { message } = error as Error
    throw new Error(`cannot load ${name}: error converting YAML to JSON: ${message.startsWith('yaml: ') ? message : `yaml: ${message}`}`)
  }
  if (value === null || value === undefined) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw new Error(`cannot load ${name}: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${jsonTypeOf(value)} into Go value of type ${name.startsWith('values') ? 'map[string]interface {}' : 'chart.Metadata'}`)
  return value as GoMap
}

const jsonTypeOf = (value: unknown) => Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value === 'boolean' ? 'bool' : typeof value

const TEXT_FIELDS = ['name', 'home', 'version', 'description', 'icon', 'apiVersion', 'condition', 'tags', 'appVersion', 'kubeVersion', 'type'] as const
const LIST_FIELDS = ['sources', 'keywords', 'maintainers', 'dependencies'] as const

/** Chart.yaml's fields, with numbers and truth values as texts where texts belong. @throws Error in Helm's words */
export function metadataOf(raw: GoMap, name: string): ChartMetadata {
  const out: ChartMetadata = {}
  const wrong = (value: unknown, field: string, type: string): never => {
    throw new Error(`cannot load ${name}: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${jsonTypeOf(value)} into Go struct field ${field} of type ${type}`)
  }
  for (const field of TEXT_FIELDS) if (raw[field] !== undefined && raw[field] !== null) out[field] = textField(raw[field], `Metadata.${field}`, wrong)
  if (raw['deprecated'] !== undefined && raw['deprecated'] !== null) out.deprecated = typeof raw['deprecated'] === 'boolean' ? raw['deprecated'] : wrong(raw['deprecated'], 'Metadata.deprecated', 'bool')
  for (const field of LIST_FIELDS) {
    const value = raw[field]
    if (value === undefined || value === null) continue
    if (!Array.isArray(value)) wrong(value, `Metadata.${field}`, { sources: '[]string', keywords: '[]string', maintainers: '[]*chart.Maintainer', dependencies: '[]*chart.Dependency' }[field])
    if (field === 'sources' || field === 'keywords') out[field] = (value as unknown[]).map((v) => textField(v, `Metadata.${field}`, wrong))
    else if (field === 'dependencies') out.dependencies = (value as GoMap[]).map((d) => ({ ...d, repository: (d['repository'] as string | undefined) ?? '', ...(d['version'] === undefined || d['version'] === null ? {} : { version: textField(d['version'], 'Dependency.version', wrong) }) }) as unknown as ChartDependency)
    else out.maintainers = value as ChartMetadata['maintainers'] & object
  }
  const annotations = raw['annotations']
  if (annotations && typeof annotations === 'object') out.annotations = Object.fromEntries(Object.entries(annotations).map(([k, v]) => [k, textField(v, 'Metadata.annotations', wrong)]))
  return out
}

function textField(value: unknown, field: string, wrong: (value: unknown, field: string, type: string) => never): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : goPrint(value)
  if (typeof value === 'boolean') return String(value)
  return wrong(value, field, 'string')
}

/** k8s: chart.Metadata.Validate @throws Error `validation: ...` */
export function validateMetadata(metadata: ChartMetadata): void {
  const fail = (text: string): never => { throw new Error(`validation: ${text}`) }
  if (!metadata.apiVersion) fail('chart.metadata.apiVersion is required')
  if (!metadata.name) fail('chart.metadata.name is required')
  if (metadata.name !== metadata.name!.split('/').at(-1)) fail(`chart.metadata.name ${JSON.stringify(metadata.name)} is invalid`)
  if (!metadata.version) fail('chart.metadata.version is required')
  if (!parseStrictVersion(metadata.version!) && !parseVersion(metadata.version!)) fail(`chart.metadata.version ${JSON.stringify(metadata.version)} is invalid`)
  if (metadata.type && metadata.type !== 'application' && metadata.type !== 'library') fail('chart.metadata.type must be application or library')
  for (const m of metadata.maintainers ?? []) if (!m) fail('maintainers must not contain empty or null nodes')
  const seen = new Set<string>()
  for (const dependency of metadata.dependencies ?? []) {
    if (!dependency || typeof dependency !== 'object') fail('dependencies must not contain empty or null nodes')
    if (dependency.alias && !/^[a-zA-Z0-9_-]+$/.test(dependency.alias)) fail(`dependency ${JSON.stringify(dependency.name)} has disallowed characters in the alias`)
    const key = dependency.alias || dependency.name
    if (seen.has(key)) fail(`more than one dependency with name or alias ${JSON.stringify(key)}`)
    seen.add(key)
  }
}
