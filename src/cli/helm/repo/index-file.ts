import { isGoMap } from '../../../cluster/kinds/go-template/values.ts'
import { parseYaml } from '../../yaml.ts'
import type { ChartMetadata } from '../chart/chart.ts'
import { compareVersions, parseConstraint, parseVersion, satisfies } from '../semver.ts'

/** One version of a chart in a repository. */
export interface ChartVersion extends ChartMetadata {
  urls?: string[]
  created?: string
  digest?: string
}

/** A repository's index.yaml. */
export interface IndexFile {
  apiVersion: string
  entries: Record<string, ChartVersion[]>
  generated: string
}

/** Reads an index, newest versions first. @throws Error in Helm's words */
export function parseIndex(text: string): IndexFile {
  if (text === '') throw new Error('empty index.yaml file')
  let raw: unknown
  try {
    raw = /^\s*\{/.test(text) ? JSON.parse(text) as unknown : parseYaml(text)
  } catch (error) {
    const { message } = error as Error
    throw new Error(`error converting YAML to JSON: ${message.startsWith('yaml: ') ? message : `yaml: ${message}`}`)
  }
  if (!isGoMap(raw)) throw new Error(`error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${Array.isArray(raw) ? 'array' : typeof raw} into Go value of type repo.IndexFile`)
  const index = { apiVersion: String(raw['apiVersion'] ?? ''), generated: String(raw['generated'] ?? ''), entries: {} as Record<string, ChartVersion[]> }
  for (const [name, versions] of Object.entries((raw['entries'] ?? {}) as Record<string, ChartVersion[] | null>)) index.entries[name] = (versions ?? []).filter(Boolean).map((v) => ({ ...v, version: String(v.version ?? '') }))
  sortEntries(index)
  if (index.apiVersion === '') throw new Error('no API version specified')
  return index
}

export function sortEntries(index: IndexFile): void {
  const order = (a: ChartVersion, b: ChartVersion) => {
    const [x, y] = [parseVersion(a.version ?? ''), parseVersion(b.version ?? '')]
    return x && y ? compareVersions(y, x) : x ? -1 : y ? 1 : 0
  }
  for (const versions of Object.values(index.entries)) versions.sort(order)
}

/** The version that a range means, the newest stable one without. @throws Error */
export function findVersion(index: IndexFile, name: string, range: string): ChartVersion {
  const versions = index.entries[name]
  if (!versions) throw new Error('no chart name found')
  if (versions.length === 0) throw new Error('no chart version found')
  const constraint = parseConstraint(range || '*')
  const found = versions.find((each) => range !== '' && each.version === range) ?? versions.find((each) => {
    const version = parseVersion(each.version ?? '')
    return version !== undefined && satisfies(version, constraint)
  })
  if (!found) throw new Error(`no chart version found for ${name}-${range}`)
  return found
}
