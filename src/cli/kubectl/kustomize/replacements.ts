import { parseLabelSelector } from '../../../cluster/kinds/label-selector.ts'
import { parseYaml, printYaml } from '../../yaml.ts'
import { parseGroupVersion } from '../discovery.ts'
import { identitiesOf } from './resource.ts'
import type { KustomizeResource } from './resource.ts'

/** Part of a text, by its place between delimiters. */
interface FieldOptions { delimiter?: string; index?: number; create?: boolean }

export interface Selector { group?: string; version?: string; kind?: string; name?: string; namespace?: string; labelSelector?: string; annotationSelector?: string }

export interface Replacement {
  source?: Selector & { fieldPath?: string; options?: FieldOptions }
  sourceValue?: string
  targets?: { select?: Selector; reject?: Selector[]; fieldPaths?: string[]; options?: FieldOptions }[]
}

/** Copies values from one object's field to others. k8s: kustomize filters/replacement @throws Error */
export function applyReplacements(resources: readonly KustomizeResource[], list: readonly Replacement[]): void {
  for (const replacement of list) {
    if (!replacement.targets || (!replacement.source && replacement.sourceValue === undefined)) throw new Error('replacements must specify a source and at least one target')
    const value = sourceValue(resources, replacement)
    for (const target of replacement.targets) {
      if (!target.select) throw new Error('target must specify resources to select')
      const paths = target.fieldPaths?.length ? target.fieldPaths : ['metadata.name']
      for (const resource of resources) {
        if (!selects(resource, target.select) || (target.reject ?? []).some((reject) => selects(resource, reject))) continue
        for (const path of paths) copyTo(resource, value, path, target.options)
      }
    }
  }
}

function sourceValue(resources: readonly KustomizeResource[], { source, sourceValue: fixed }: Replacement): unknown {
  if (fixed !== undefined && source) throw new Error('value and resource selectors are mutually exclusive')
  if (fixed !== undefined || !source) return fixed
  const found = resources.filter((r) => sourceFits(r, source))
  const shown = `${source.kind || '[noKind]'}.${source.version || '[noVer]'}.${source.group || '[noGrp]'}/${source.name || '[noName]'}.${source.namespace || '[noNs]'}`
  const described = source.fieldPath ? `${shown}:${source.fieldPath}` : shown
  if (found.length > 1) throw new Error(`multiple matches for selector ${described}`)
  if (found.length === 0) throw new Error(`nothing selected by ${described}`)
  const path = source.fieldPath || 'metadata.name'
  const value = lookUp(found[0]!.object, splitPath(path))
  if (value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)) throw new Error(`fieldPath \`${path}\` is missing for replacement source ${shown}`)
  const { delimiter, index = 0 } = source.options ?? {}
  if (!delimiter) return value
  if (typeof value === 'object') throw new Error('delimiter option can only be used with scalar nodes')
  const parts = String(value).split(delimiter)
  if (index >= parts.length || index < 0) throw new Error(`options.index ${index} is out of bounds for value ${String(value)}`)
  return parts[index]
}

function sourceFits(resource: KustomizeResource, source: Selector): boolean {
  const { group, version } = parseGroupVersion(resource.object.apiVersion)
  if ((source.group && source.group !== group) || (source.version && source.version !== version)) return false
  return identitiesOf(resource).some((id) => (!source.kind || source.kind === id.kind) && (!source.name || source.name === id.name) && (!source.namespace || source.namespace === id.namespace))
}

/** Whether a selector of patches or replacements means an object; its fields are anchored patterns. */
export function selects(resource: KustomizeResource, selector: Selector): boolean {
  const { group, version } = parseGroupVersion(resource.object.apiVersion)
  const fits = (pattern: string | undefined, text: string) => !pattern || new RegExp(`^(?:${pattern})$`).test(text)
  if (!fits(selector.group, group) || !fits(selector.version, version)) return false
  if (selector.labelSelector && !parseLabelSelector(selector.labelSelector).matches(resource.object.metadata.labels)) return false
  if (selector.annotationSelector && !parseLabelSelector(selector.annotationSelector).matches(resource.object.metadata.annotations)) return false
  return identitiesOf(resource).some((id) => fits(selector.kind, id.kind) && fits(selector.name, id.name) && fits(selector.namespace, id.namespace))
}

/** At dots, but not in brackets and not behind a backslash. k8s: kyaml/utils SmarterPathSplitter */
function splitPath(path: string): string[] {
  const out: string[] = []
  let current = ''
  let depth = 0
  for (let i = 0; i < path.length; i++) {
    const c = path[i]!
    if (c === '\\' && path[i + 1] === '.') { current += '.'; i++; continue }
    if (c === '[') depth++
    if (c === ']') depth--
    if (c === '.' && depth === 0) { out.push(current); current = '' } else current += c
  }
  return [...out, current]
}

const elementTest = (part: string) => /^\[([^=]*)=(.*)\]$/s.exec(part)
const testedValue = (item: any, field: string) => field === '' ? item : item?.[field]

function lookUp(object: unknown, parts: readonly string[]): unknown {
  let at: any = object
  for (const part of parts) {
    if (at === null || at === undefined) return undefined
    const test = elementTest(part)
    if (Array.isArray(at)) at = test ? at.find((item) => String(testedValue(item, test[1]!)) === test[2]) : /^\d+$/.test(part) ? at[Number(part)] : part === '-' ? at.at(-1) : undefined
    else at = typeof at === 'object' ? at[part.replace(/^\[(.*)\]$/s, '$1')] : undefined
  }
  return at
}

/** Where a value can be read and written. */
interface Place { get(): unknown; set(value: unknown): void }

/** All places that a path means; `*` and element tests mean several. */
function placesOf(root: any, parts: readonly string[], create: boolean, fail: (why: string) => Error): Place[] {
  let holders: Place[] = [{ get: () => root, set() {} }]
  parts.forEach((part) => {
    const test = elementTest(part)
    holders = holders.flatMap((place) => {
      let holder = place.get() as any
      if ((holder === undefined || holder === null) && create) { holder = test || part === '-' ? [] : {}; place.set(holder) }
      if (Array.isArray(holder)) {
        const list = holder
        const element = (at: number): Place => ({ get: () => list[at], set: (value) => { list[at] = value } })
        if (part === '*') return list.map((_, at) => element(at))
        if (/^\d+$/.test(part)) {
          const at = Number(part)
          if (at < list.length) return [element(at)]
          if (create && at === list.length) return [element(at)]
          return []
        }
        if (part === '-') return [element(list.length)]
        if (!test) throw fail('list path element must contain fieldName=fieldValue for element to match')
        const found = list.flatMap((item, at) => String(testedValue(item, test[1]!)) === test[2] ? [element(at)] : [])
        if (found.length === 0 && create) {
          list.push(test[1] === '' ? test[2] : { [test[1]!]: test[2] })
          return [element(list.length - 1)]
        }
        return found
      }
      if (part.startsWith('[') && !test) throw fail('list path element must contain fieldName=fieldValue for element to match')
      if (holder === null || typeof holder !== 'object') return []
      if (part === '*') return Object.keys(holder).map((key) => ({ get: () => holder[key], set: (value: unknown) => { holder[key] = value } }))
      if (holder[part] === undefined && !create) return []
      return [{ get: () => holder[part], set: (value: unknown) => { holder[part] = value } }]
    })
  })
  return holders
}

function copyTo(resource: KustomizeResource, value: unknown, path: string, options: FieldOptions = {}): void {
  const create = Boolean(options.create)
  const problem = `unable to find ${create ? 'or create ' : ''}field ${JSON.stringify(path)} in replacement target`
  const parts = splitPath(path)
  if (copyIntoText(resource.object, value, parts, create)) return
  const places = placesOf(resource.object, parts, create, (why) => new Error(`${problem}: ${why}`))
  if (places.length === 0) throw new Error(problem)
  for (const place of places) place.set(merged(place.get(), value, options))
}

/** A value inside of a field whose text is YAML or JSON itself. */
function copyIntoText(object: unknown, value: unknown, parts: readonly string[], create: boolean): boolean {
  for (let i = 1; i < parts.length; i++) {
    const text = lookUp(object, parts.slice(0, i))
    if (typeof text !== 'string') continue
    let inner: unknown
    try {
      inner = parseYaml(text)
    } catch {
      return false
    }
    if (inner === null || typeof inner !== 'object') return false
    let places: Place[]
    try {
      places = placesOf(inner, parts.slice(i), create, (why) => new Error(why))
    } catch {
      return false
    }
    if (places.length === 0) return false
    for (const place of places) place.set(value)
    const json = /^\s*[{[]/.test(text)
    placesOf(object, parts.slice(0, i), false, (why) => new Error(why))[0]!.set(json ? JSON.stringify(inner, null, text.includes('\n') ? 2 : undefined) : printYaml(inner))
    return true
  }
  return false
}

function merged(before: unknown, value: unknown, { delimiter, index = 0 }: FieldOptions): unknown {
  let next = value
  if (delimiter) {
    if (typeof before === 'object' && before !== null) throw new Error('delimiter option can only be used with scalar nodes')
    const parts = String(before ?? '').split(delimiter)
    if (index < 0) parts.unshift(String(value))
    else if (index >= parts.length) parts.push(String(value))
    else parts[index] = String(value)
    next = parts.join(delimiter)
  }
  // A scalar keeps the type it had.
  if (typeof before === 'string' && typeof next !== 'object') return String(next)
  if ((typeof before === 'number' || typeof before === 'boolean') && typeof next === 'string') return parseYaml(next)
  return typeof next === 'object' && next !== null ? structuredClone(next) : next
}
