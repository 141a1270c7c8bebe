import { ConfigError, YamlReader } from '../config/go-yaml.ts'
import type { YamlNode } from '../config/go-yaml.ts'
import { parseDuration } from '../durations.ts'
import { isPlainLabelName, isPlainMetricName } from '../labels.ts'
import type { Expr } from '../promql/ast.ts'
import { parseQuery } from '../promql/parser.ts'

/** A rule as its file says it. */
export interface RuleSpec {
  record: string
  alert: string
  query: string
  expr: Expr
  forMs: number
  keepFiringMs: number
  labels: Readonly<Record<string, string>>
  annotations: Readonly<Record<string, string>>
}

export interface RuleGroupSpec {
  name: string
  file: string
  /** 0: as the configuration says. */
  intervalMs: number
  limit: number
  rules: readonly RuleSpec[]
}

/** Reads a file of rules. @throws ConfigError with every mistake in a line of its own k8s: prometheus model/rulefmt */
export function loadRules(text: string, file: string): RuleGroupSpec[] {
  const yaml = new YamlReader(text)
  const duration = (at: YamlNode) => {
    try { return parseDuration(yaml.string(at) ?? '') } catch (error) { throw new ConfigError((error as Error).message) }
  }
  const mistakes: string[] = []
  const place = (at: YamlNode) => `${yaml.lineOf(at)}:1`
  const texts = yaml.map('map[string]string', yaml.string)
  const { groups = [] } = yaml.fields(yaml.root, 'rulefmt.RuleGroups', {
    groups: yaml.list('[]rulefmt.RuleGroup', (at) => {
      const group = yaml.fields(at, 'rulefmt.RuleGroup', {
        name: yaml.string, interval: duration, query_offset: duration, limit: yaml.number, labels: texts,
        rules: yaml.list('[]rulefmt.Rule', (rule) => ({ at: rule, ...yaml.fields(rule, 'rulefmt.Rule', { record: yaml.string, alert: yaml.string, expr: yaml.string, for: duration, keep_firing_for: duration, labels: texts, annotations: texts }) })),
      })
      return { at, ...group }
    }),
  })
  yaml.finish()
  const names = new Set<string>()
  const out = groups.map(({ at, name = '', interval = 0, limit = 0, labels: groupLabels, rules = [] }): RuleGroupSpec => {
    if (name === '') mistakes.push(`${place(at)}: Groupname must not be empty`)
    if (names.has(name)) mistakes.push(`${place(at)}: groupname: ${JSON.stringify(name)} is repeated in the same file`)
    names.add(name)
    return {
      name, file, intervalMs: interval, limit,
      rules: rules.flatMap((rule, i): RuleSpec[] => {
        const { record = '', alert = '', expr: query = '' } = rule
        const fail = (message: string) => mistakes.push(`${place(rule.at)}: group ${JSON.stringify(name)}, rule ${i + 1}, ${JSON.stringify(alert || record)}: ${message}`)
        if (record && alert) fail("only one of 'record' and 'alert' must be set")
        if (!record && !alert) fail("one of 'record' or 'alert' must be set")
        if (record && rule.annotations && Object.keys(rule.annotations).length > 0) fail("invalid field 'annotations' in recording rule")
        if (record && rule.for) fail("invalid field 'for' in recording rule")
        if (record && !isPlainMetricName(record)) fail(`invalid recording rule name: ${record}`)
        for (const label of Object.keys(rule.labels ?? {})) if (!isPlainLabelName(label) || label === '__name__') fail(`invalid label name: ${label}`)
        if (query.trim() === '') { fail("field 'expr' must be set in rule"); return [] }
        try {
          return [{ record, alert, query: query.trim(), expr: parseQuery(query.trim()), forMs: rule.for ?? 0, keepFiringMs: rule.keep_firing_for ?? 0, labels: { ...groupLabels, ...rule.labels }, annotations: rule.annotations ?? {} }]
        } catch (error) {
          fail(`could not parse expression: ${(error as Error).message}`)
          return []
        }
      }),
    }
  })
  if (mistakes.length > 0) throw new ConfigError(mistakes.map((mistake) => `${file}: ${mistake}`).join('\n'))
  return out
}
