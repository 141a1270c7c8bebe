/** What templates see beside their values: chart, capabilities, files. */
import { goFunction, goPrint, typedList, typedMap } from '../../../cluster/kinds/go-template/values.ts'
import type { GoMap, GoObject } from '../../../cluster/kinds/go-template/values.ts'
import { metadataJson } from '../chart/chart.ts'
import type { Chart, ChartFile } from '../chart/chart.ts'
import { globPattern } from '../chart/glob.ts'
import { printYaml } from '../../yaml.ts'

/** A Go struct: fields by their Go names. */
export function goStruct(goType: string, fields: GoMap, json: () => unknown = () => fields, print?: () => string): GoObject & { fields: GoMap } {
  return {
    goType, fields,
    field: (name) => Object.hasOwn(fields, name) ? { value: fields[name] } : undefined,
    print: print ?? (() => `{${Object.values(fields).map((value) => value === null || value === undefined ? '<nil>' : goPrint(value)).join(' ')}}`),
    toJSON: json,
  }
}

/** `.Chart` */
export function chartObject(chart: Chart): GoObject {
  const m = chart.metadata
  const strings = (list: string[] | undefined) => typedList('[]string', [...list ?? []])
  const fields: GoMap = {
    Name: m.name ?? '', Home: m.home ?? '', Sources: strings(m.sources), Version: m.version ?? '', Description: m.description ?? '', Keywords: strings(m.keywords),
    Maintainers: typedList('[]*chart.Maintainer', (m.maintainers ?? []).map((each) => goStruct('*chart.Maintainer', { Name: each.name ?? '', Email: each.email ?? '', URL: each.url ?? '' }, () => each))),
    Icon: m.icon ?? '', APIVersion: m.apiVersion ?? '', Condition: m.condition ?? '', Tags: m.tags ?? '', AppVersion: m.appVersion ?? '', Deprecated: m.deprecated ?? false,
    Annotations: typedMap('map[string]string', { ...m.annotations }), KubeVersion: m.kubeVersion ?? '',
    Dependencies: typedList('[]*chart.Dependency', (m.dependencies ?? []).map((d) => goStruct('*chart.Dependency', { Name: d.name, Version: d.version ?? '', Repository: d.repository ?? '', Condition: d.condition ?? '', Tags: strings(d.tags), Enabled: d.enabled ?? false, ImportValues: d['import-values'] ?? [], Alias: d.alias ?? '' }, () => d))),
    Type: m.type ?? '',
  }
  const all = { ...fields, IsRoot: chart.parent === undefined }
  return goStruct('struct { chart.Metadata; IsRoot bool }', all, () => ({ ...metadataJson(m), IsRoot: chart.parent === undefined }), () => `{${goStruct('', fields).print()} ${chart.parent === undefined}}`)
}

export interface KubeVersion { version: string; major: string; minor: string }
/** What a cluster can do, as far as templates may ask. */
export interface Capabilities { kubeVersion: KubeVersion; apiVersions: readonly string[] }

/** `.Capabilities` */
export function capabilitiesObject({ kubeVersion, apiVersions }: Capabilities, helmVersion: GoMap): GoObject {
  const known = new Set(apiVersions)
  const versions: GoObject = {
    goType: 'chartutil.VersionSet',
    print: () => `[${apiVersions.join(' ')}]`,
    toJSON: () => apiVersions,
    method: (name) => name === 'Has' ? goFunction('string', (each: string) => known.has(each)) : undefined,
  }
  const { version, major, minor } = kubeVersion
  const kube = goStruct('chartutil.KubeVersion', { Version: version, Major: major, Minor: minor }, undefined, () => version)
  kube.method = (name) => name === 'GitVersion' || name === 'String' ? goFunction('', () => version) : undefined
  return goStruct('*chartutil.Capabilities', { KubeVersion: kube, APIVersions: versions, HelmVersion: goStruct('version.BuildInfo', helmVersion) })
}

/** `.Files` */
export function filesObject(files: readonly ChartFile[]): GoObject {
  const byName = new Map(files.map((file) => [file.name, file.data]))
  const text = (data: Uint8Array) => new TextDecoder().decode(data)
  const flat = (content: (data: Uint8Array) => string) => printYaml(Object.fromEntries([...byName].map(([name, data]) => [name.slice(name.lastIndexOf('/') + 1), content(data)]))).replace(/\n$/, '')
  const names = () => [...byName.keys()].sort()
  const object: GoObject & { range: () => [string, unknown][] } = {
    goType: 'engine.files',
    range: () => names().map((name) => [name, byName.get(name)!]),
    print: () => `map[${names().map((name) => `${name}:${goPrint(byName.get(name))}`).join(' ')}]`,
    field: (name) => ({ value: byName.get(name) ?? new Uint8Array(0) }),
    method(name) {
      switch (name) {
        case 'Get': return goFunction('string', (path: string) => text(byName.get(path) ?? new Uint8Array(0)))
        case 'GetBytes': return goFunction('string', (path: string) => byName.get(path) ?? new Uint8Array(0))
        case 'Glob': return goFunction('string', (pattern: string) => {
          let matcher: RegExp
          try { matcher = globPattern(pattern) } catch { matcher = /^/ }
          return filesObject(files.filter((file) => matcher.test(file.name)))
        })
        case 'AsConfig': return goFunction('', () => flat(text))
        case 'AsSecrets': return goFunction('', () => flat((data) => btoa(Array.from(data, (b) => String.fromCharCode(b)).join(''))))
        case 'Lines': return goFunction('string', (path: string) => {
          const data = byName.get(path)
          return typedList('[]string', !data || data.length === 0 ? [] : text(data).replace(/\n$/, '').split('\n'))
        })
        default: return undefined
      }
    },
  }
  return object
}
