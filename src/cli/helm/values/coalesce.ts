import { sprintf } from '../../../cluster/kinds/go-template/printf.ts'
import { isGoMap, setOwn, sortedKeys, goPrint } from '../../../cluster/kinds/go-template/values.ts'
import type { GoMap } from '../../../cluster/kinds/go-template/values.ts'
import { nameOf } from '../chart/chart.ts'
import type { Chart } from '../chart/chart.ts'

/** Hears of values that don't go together. */
export type Warn = (text: string) => void

/** A copy of maps and lists all the way down; numbers of Go's types are shared. */
export function copyValues<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyValues) as T
  if (!isGoMap(value)) return value
  const out: GoMap = {}
  for (const [key, each] of Object.entries(value)) setOwn(out, key, copyValues(each))
  return out as T
}

const at = (prefix: string, key: string) => prefix ? `${prefix}.${key}` : key

/** A chart's values below what the user gave, for it and the charts inside it. A null takes a default away. k8s: chartutil.CoalesceValues */
export function coalesceValues(chart: Chart, values: GoMap, warn: Warn): GoMap {
  return coalesce(chart, copyValues(values), '', false, warn)
}

/** As {@link coalesceValues}, with nulls kept for a later time. k8s: chartutil.MergeValues */
export function mergeValues(chart: Chart, values: GoMap, warn: Warn): GoMap {
  return coalesce(chart, copyValues(values), '', true, warn)
}

function coalesce(chart: Chart, dest: GoMap, prefix: string, merge: boolean, warn: Warn): GoMap {
  ownValues(chart, dest, prefix, merge, warn)
  for (const child of chart.dependencies) {
    const name = nameOf(child)
    if (!Object.hasOwn(dest, name)) dest[name] = {}
    else if (!isGoMap(dest[name])) throw new Error(`type mismatch on ${name}: ${sprintf('%t', [dest[name]])}`)
    const inner = dest[name] as GoMap
    const below = at(prefix, nameOf(chart))
    globals(inner, dest, below, warn)
    dest[name] = coalesce(child, inner, below, merge, warn)
  }
  return dest
}

function globals(dest: GoMap, source: GoMap, prefix: string, warn: Warn): void {
  const to = dest['global'] ?? {}
  if (!isGoMap(to) && Object.hasOwn(dest, 'global')) { warn('warning: skipping globals because destination global is not a table.'); return }
  const from = source['global'] ?? {}
  if (Object.hasOwn(source, 'global') && !isGoMap(source['global'])) { warn('warning: skipping globals because source global is not a table.'); return }
  const target = to as GoMap
  for (const key of sortedKeys(from as GoMap)) {
    const value = (from as GoMap)[key]
    if (isGoMap(value)) {
      const copy = { ...value }
      const there = target[key]
      if (!Object.hasOwn(target, key)) target[key] = copy
      else if (!isGoMap(there)) warn(`Conflict: cannot merge map onto non-map for ${JSON.stringify(key)}. Skipping.`)
      else {
        tables(copy, there, at(prefix, key), true, warn)
        target[key] = copy
      }
    } else if (isGoMap(target[key])) warn(`key ${key} is table. Skipping`)
    else target[key] = value
  }
  dest['global'] = target
}

function ownValues(chart: Chart, values: GoMap, prefix: string, merge: boolean, warn: Warn): void {
  const below = at(prefix, nameOf(chart))
  const defaults = copyValues(chart.values ?? {})
  for (const key of Object.keys(defaults)) {
    const standard = defaults[key]
    if (!Object.hasOwn(values, key)) { setOwn(values, key, standard); continue }
    const given = values[key]
    if (given === null && !merge) delete values[key]
    else if (isGoMap(given)) {
      if (!isGoMap(standard)) { if (standard !== null) warn(`warning: skipped value for ${at(below, key)}: Not a table.`) }
      else tables(given, standard, at(below, key), merge || chart.dependencies.some((child) => nameOf(child) === key), warn)
    }
  }
}

/** `dest` counts; what only `source` has is added. k8s: chartutil.CoalesceTables */
export function coalesceTables(dest: GoMap, source: GoMap, warn: Warn): GoMap { return tables(dest, source, '', false, warn) }
/** k8s: chartutil.MergeTables */
export function mergeTables(dest: GoMap, source: GoMap, warn: Warn): GoMap { return tables(dest, source, '', true, warn) }

function tables(dest: GoMap, source: GoMap, prefix: string, merge: boolean, warn: Warn): GoMap {
  const hadValue = new Set(Object.keys(source).filter((key) => source[key] !== null && source[key] !== undefined))
  for (const key of Object.keys(dest)) if (dest[key] === null) source[key] = null
  for (const key of Object.keys(source)) {
    const value = source[key]
    const has = Object.hasOwn(dest, key)
    const there = dest[key]
    if (has && !merge && (there === null || there === undefined) && hadValue.has(key)) delete dest[key]
    else if (!has) setOwn(dest, key, value)
    else if (isGoMap(value)) {
      if (isGoMap(there)) tables(there, value, at(prefix, key), merge, warn)
      else warn(`warning: cannot overwrite table with non table for ${at(prefix, key)} (${goPrint(value)})`)
    } else if (isGoMap(there) && value !== null) warn(`warning: destination for ${at(prefix, key)} is a table. Ignoring non-table value (${goPrint(value)})`)
  }
  return dest
}

/** The table at a dotted path, or undefined. */
export function tableAt(values: GoMap, path: string): GoMap | undefined {
  let table: unknown = values
  for (const part of path.split('.')) {
    if (!isGoMap(table) || !Object.hasOwn(table, part)) return undefined
    table = table[part]
  }
  return isGoMap(table) ? table : undefined
}

/** What stands at a dotted path, if it is no table. */
export function valueAt(values: GoMap, path: string): { value: unknown } | undefined {
  const parts = path.split('.')
  const table = parts.length > 1 ? tableAt(values, parts.slice(0, -1).join('.')) : values
  const key = parts.at(-1)!
  return table && Object.hasOwn(table, key) && !isGoMap(table[key]) ? { value: table[key] } : undefined
}
