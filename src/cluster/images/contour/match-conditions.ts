import type { PathMatch, ValueMatch } from '../envoy/configuration.ts'
import type { MatchCondition } from './http-proxy-types.ts'

/** The words of what is wrong with the paths of conditions; undefined where nothing is. k8s: contour/internal/dag pathMatchConditionsValid */
export function pathProblem(conditions: readonly MatchCondition[]): string | undefined {
  let count = 0
  for (const condition of conditions) {
    for (const kind of ['prefix', 'exact', 'regex'] as const) {
      const path = condition[kind]
      if (!path) continue
      count++
      if (!path.startsWith('/')) return `${kind} conditions must start with /, ${path} was supplied`
      const problem = kind === 'regex' ? regexProblem(path) : undefined
      if (problem !== undefined) return `supplied regex: ${path} invalid. error: ${problem}`
    }
  }
  return count > 1 ? 'more than one prefix, exact or regex is not allowed in a condition block' : undefined
}

/** k8s: includeMatchConditionsValid */
export function includeProblem(conditions: readonly MatchCondition[]): string | undefined {
  if (conditions.some(({ exact }) => exact)) return 'exact conditions are not allowed in includes block'
  return conditions.some(({ regex }) => regex) ? 'regex conditions are not allowed in includes block' : undefined
}

/** k8s: headerMatchConditionsValid */
export function headerProblem(conditions: readonly MatchCondition[]): string | undefined {
  const seen = new Set<string>()
  const exact = new Set<string>()
  for (const { header } of conditions) {
    if (!header) continue
    const name = header.name.toLowerCase()
    const contradicts = (kind: string, value: string | boolean | undefined, other: string) => value && seen.has(`${name} ${other} ${value}`) ? `cannot specify contradictory '${kind}' conditions for the same route and header` : undefined
    const problem = contradicts("present' and 'notpresent", header.present, 'notpresent') ?? contradicts("present' and 'notpresent", header.notpresent, 'present')
      ?? (header.exact && exact.has(name) ? "cannot specify duplicate header 'exact match' conditions in the same route" : undefined)
      ?? contradicts("exact' and 'notexact", header.exact, 'notexact') ?? contradicts("exact' and 'notexact", header.notexact, 'exact')
      ?? contradicts("contains' and 'notcontains", header.contains, 'notcontains') ?? contradicts("contains' and 'notcontains", header.notcontains, 'contains')
      ?? (header.regex && regexProblem(header.regex) !== undefined ? "invalid regular expression specified for 'regex' condition" : undefined)
    if (problem !== undefined) return problem
    if (header.exact) exact.add(name)
    for (const kind of ['present', 'notpresent', 'exact', 'notexact', 'contains', 'notcontains'] as const) if (header[kind]) seen.add(`${name} ${kind} ${header[kind]}`)
  }
  return undefined
}

/** k8s: queryParameterMatchConditionsValid */
export function queryProblem(conditions: readonly MatchCondition[]): string | undefined {
  const exact = new Set<string>()
  for (const { queryParameter } of conditions) {
    if (!queryParameter) continue
    const given = (['exact', 'prefix', 'suffix', 'regex', 'contains', 'present'] as const).filter((kind) => queryParameter[kind])
    if (given.length === 0) return 'must specify at least one query parameter condition'
    if (given.length > 1) return 'cannot specify more than one condition in the same match condition branch'
    const name = queryParameter.name.toLowerCase()
    if (queryParameter.exact) {
      if (exact.has(name)) return "cannot specify duplicate query parameter 'exact match' conditions in the same route"
      exact.add(name)
    }
    if (queryParameter.regex && regexProblem(queryParameter.regex) !== undefined) return "invalid regular expression specified for 'regex' condition"
  }
  return undefined
}

/** What is wrong with a regular expression. */
export function regexProblem(text: string): string | undefined {
  try { new RegExp(`^(?:${text})$`); return undefined } catch (error) { return (error as Error).message }
}

/** The path of a route below the includes that lead to it: prefixes are put together, the last condition says how the whole is compared. k8s: mergePathMatchConditions */
export function mergedPath(conditions: readonly MatchCondition[]): PathMatch {
  const isRegex = conditions.some(({ regex }) => regex)
  let path = ''
  for (const { prefix, exact, regex } of conditions) {
    if (prefix) path += isRegex ? prefix.replace(/\/+$/, '').replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : prefix
    else if (exact) path += exact
    else if (regex) path += path === '' ? regex : `(?:${regex})`
  }
  path = path.replace(/\/{2,}/g, '/')
  if (path === '') return { kind: 'prefix', path: '/' }
  const last = conditions.at(-1)!
  return { kind: isRegex ? 'regex' : last.exact && !last.prefix ? 'exact' : 'prefix', path }
}

export function mergedHeaders(conditions: readonly MatchCondition[]): ValueMatch[] {
  return conditions.flatMap(({ header }): ValueMatch[] => {
    if (!header) return []
    const { name, ignoreCase = false } = header
    const match = (kind: ValueMatch['kind'], value: string, invert: boolean, folds = ignoreCase): ValueMatch[] => [{ name, kind, value, invert, ignoreCase: folds, missingIsEmpty: invert && kind !== 'present' && header.treatMissingAsEmpty === true }]
    if (header.present) return match('present', '', false, false)
    if (header.notpresent) return match('present', '', true, false)
    if (header.contains) return match('contains', header.contains, false)
    if (header.notcontains) return match('contains', header.notcontains, true)
    if (header.exact) return match('exact', header.exact, false)
    if (header.notexact) return match('exact', header.notexact, true)
    return header.regex ? match('regex', header.regex, false, false) : []
  })
}

export function mergedQuery(conditions: readonly MatchCondition[]): ValueMatch[] {
  return conditions.flatMap(({ queryParameter }): ValueMatch[] => {
    if (!queryParameter) return []
    const { name, ignoreCase = false } = queryParameter
    const kind = (['exact', 'prefix', 'suffix', 'regex', 'contains', 'present'] as const).find((each) => queryParameter[each])
    return kind ? [{ name, kind, value: kind === 'present' ? '' : queryParameter[kind]!, invert: false, ignoreCase: ignoreCase && kind !== 'regex', missingIsEmpty: false }] : []
  })
}
