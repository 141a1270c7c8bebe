import { Labels, METRIC_NAME } from '../labels.ts'
import { lex } from './lexer.ts'

/** A value of a series in tests of rules and queries: a number, nothing (`_`) or the series' end (`stale`). */
export type NotedValue = number | 'none' | 'stale'

/** A line such as `up{job="a"} 0+1x5 _ stale`. @throws Error k8s: prometheus promql/parser ParseSeriesDesc */
export function parseSeriesNotation(line: string): { labels: Labels; values: NotedValue[] } {
  const brace = /^\s*[a-zA-Z_:][\w:]*\s*$|^\s*[a-zA-Z_:]?[\w:]*\s*\{/.exec(line)
  let end = line.search(/\s/) < 0 ? line.length : line.trimStart().search(/\s/) + (line.length - line.trimStart().length)
  if (brace?.[0].includes('{')) end = closingBrace(line, line.indexOf('{')) + 1
  return { labels: parseMetric(line.slice(0, end)), values: line.slice(end).trim().split(/\s+/).filter(Boolean).flatMap(expand) }
}

function closingBrace(line: string, from: number): number {
  let quote = ''
  for (let at = from; at < line.length; at++) {
    const sign = line[at]!
    if (quote) { if (sign === '\\') at++; else if (sign === quote) quote = '' } else if (sign === '"' || sign === "'" || sign === '`') quote = sign
    else if (sign === '}') return at
  }
  throw new Error('unexpected end of input inside braces')
}

/** `name{label="value"}`. */
export function parseMetric(text: string): Labels {
  const brace = text.indexOf('{')
  const name = (brace < 0 ? text : text.slice(0, brace)).trim()
  const entries: [string, string][] = name ? [[METRIC_NAME, name]] : []
  const tokens = brace < 0 ? [] : lex(text.slice(brace)).filter(({ text: own }) => own !== ',' && own !== '{' && own !== '}' && own !== '')
  for (let i = 0; i < tokens.length;) {
    const token = tokens[i]!
    if (tokens[i + 1]?.text === '=') {
      entries.push([token.value ?? token.text, tokens[i + 2]?.value ?? ''])
      i += 3
    } else {
      entries.push([METRIC_NAME, token.value ?? token.text])
      i++
    }
  }
  return Labels.of(entries)
}

const numberOf = (text: string): number => {
  if (/^[+-]?inf$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  if (/^[+-]?nan$/i.test(text)) return NaN
  const value = Number(text)
  if (Number.isNaN(value) || text === '') throw new Error(`unexpected ${JSON.stringify(text)} in series values`)
  return value
}

function expand(item: string): NotedValue[] {
  const repeated = /^(_|stale)(?:x(\d+))?$/.exec(item)
  if (repeated) return Array.from({ length: Number(repeated[2] ?? 1) }, () => repeated[1] === '_' ? 'none' : 'stale')
  const number = '[+-]?(?:[iI]nf|[nN]a[nN]|(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?|0x[0-9a-fA-F]+)'
  const match = new RegExp(`^(${number})(?:([+-](?:${number.slice(5)}))?x(\\d+))?$`).exec(item)
  if (!match) return [numberOf(item)]
  const [, first = '', step, times] = match
  if (times === undefined) return [numberOf(first)]
  const start = numberOf(first)
  const by = step === undefined ? 0 : numberOf(step)
  const out: number[] = []
  for (let value = start, i = 0; i <= Number(times); i++, value += by) out.push(value)
  return out
}
