import { goPrint, isGoMap } from '../../../cluster/kinds/go-template/values.ts'
import type { GoMap } from '../../../cluster/kinds/go-template/values.ts'
import { nameOf, setDependencies } from '../chart/chart.ts'
import type { Chart, ChartDependency } from '../chart/chart.ts'
import { isCompatibleRange } from '../semver.ts'
import { coalesceValues, copyValues, mergeTables, mergeValues, tableAt, valueAt } from './coalesce.ts'
import type { Warn } from './coalesce.ts'

/**
 * Takes the charts away that conditions and tags turn off, gives others their alias, and brings values up that parents import.
 * k8s: chartutil.ProcessDependenciesWithMerge
 */
export function processDependencies(chart: Chart, values: GoMap, warn: Warn): void {
  enabled(chart, values, '', warn)
  importAll(chart, warn)
}

function enabled(chart: Chart, values: GoMap, path: string, warn: Warn): void {
  const wanted = chart.metadata.dependencies
  if (!wanted) return
  const children = chart.dependencies.filter((child) => !wanted.some((d) => d.name === nameOf(child) && isCompatibleRange(d.version ?? '', child.metadata.version ?? '')))
  for (const dependency of wanted) {
    const found = chart.dependencies.find((child) => nameOf(child) === dependency.name && isCompatibleRange(dependency.version ?? '', child.metadata.version ?? ''))
    if (found) {
      const copy: Chart = { ...found, metadata: { ...found.metadata, ...(dependency.alias ? { name: dependency.alias } : {}) } }
      // Its own charts know the copy as their parent.
      setDependencies(copy, found.dependencies.map((inner) => ({ ...inner })))
      children.push(copy)
    }
    if (dependency.alias) dependency.name = dependency.alias
    dependency.enabled = true
  }
  setDependencies(chart, children)
  const all = coalesceValues(chart, values, warn)
  applyTags(wanted, all, warn)
  applyConditions(wanted, all, path, warn)
  const off = new Set(wanted.filter((d) => !d.enabled).map((d) => d.name))
  const left = children.filter((child) => !off.has(nameOf(child)))
  for (const child of left) enabled(child, all, `${path}${nameOf(child)}.`, warn)
  chart.metadata.dependencies = wanted.filter((d) => !off.has(d.name))
  setDependencies(chart, left)
}

function applyTags(wanted: readonly ChartDependency[], values: GoMap, warn: Warn): void {
  const tags = tableAt(values, 'tags')
  if (!tags) return
  for (const dependency of wanted) {
    let yes = false
    let no = false
    for (const tag of dependency.tags ?? []) {
      if (!Object.hasOwn(tags, tag)) continue
      if (typeof tags[tag] !== 'boolean') warn(`Warning: Tag '${tag}' for chart ${dependency.name} returned non-bool value`)
      else if (tags[tag]) yes = true
      else no = true
    }
    dependency.enabled = yes || !no
  }
}

function applyConditions(wanted: readonly ChartDependency[], values: GoMap, path: string, warn: Warn): void {
  for (const dependency of wanted) for (const condition of (dependency.condition ?? '').trim().split(',')) {
    if (condition === '') continue
    const found = valueAt(values, path + condition)
    if (!found) continue
    if (typeof found.value === 'boolean') {
      dependency.enabled = found.value
      break
    }
    warn(`Warning: Condition path '${condition}' for chart ${dependency.name} returned non-bool value`)
  }
}

function importAll(chart: Chart, warn: Warn): void {
  for (const child of chart.dependencies) importAll(child, warn)
  const wanted = chart.metadata.dependencies
  if (!wanted) return
  const all = mergeValues(chart, {}, warn)
  let imported: GoMap = {}
  for (const dependency of wanted) {
    const seen: { child: string; parent: string }[] = []
    for (const each of dependency['import-values'] ?? []) {
      if (isGoMap(each)) {
        const pair = { child: goPrint(each['child']), parent: goPrint(each['parent']) }
        seen.push(pair)
        const table = tableAt(all, `${dependency.name}.${pair.child}`)
        if (!table) { warn(`Warning: ImportValues missing table from chart ${dependency.name}: ${JSON.stringify(missingPart(all, `${dependency.name}.${pair.child}`))} is not a table`); continue }
        imported = mergeTables(imported, pair.parent === '.' ? table : pair.parent.split('.').reduceRight<GoMap>((inner, part) => ({ [part]: inner }), table), warn)
      } else if (typeof each === 'string') {
        seen.push({ child: `exports.${each}`, parent: '.' })
        const table = tableAt(all, `${dependency.name}.exports.${each}`)
        if (!table) { warn(`Warning: ImportValues missing table: ${JSON.stringify(missingPart(all, `${dependency.name}.exports.${each}`))} is not a table`); continue }
        imported = mergeTables(imported, table, warn)
      }
    }
    if (dependency['import-values']) dependency['import-values'] = seen
  }
  chart.values = mergeTables(copyValues(all), imported, warn)
}

function missingPart(values: GoMap, path: string): string {
  let table: unknown = values
  for (const part of path.split('.')) {
    if (!isGoMap(table) || !isGoMap(table[part])) return part
    table = table[part]
  }
  return path
}

