/** What HELP, TYPE and UNIT say of a metric. */
export interface MetricMetadata { type: string; help: string; unit: string }

/** A line with a sample: the series as it is written, which is also how it is known again. */
export interface ScrapedSample { series: string; value: number; timeMs: number | undefined }

/** Reads Prometheus' text format line by line. @throws Error in the words of Prometheus' parser */
export function* parseTextFormat(text: string, metadata: Map<string, MetricMetadata>): Generator<ScrapedSample | undefined> {
  let at = 0
  const { length } = text
  while (at < length) {
    let end = text.indexOf('\n', at)
    if (end < 0) end = length
    const first = text.charCodeAt(at)
    if (first === 35) { comment(text.slice(at, text.charCodeAt(end - 1) === 13 ? end - 1 : end), metadata); yield undefined } else if (end > at) {
      const sample = sampleOf(text, at, end)
      if (sample) yield sample
    }
    at = end + 1
  }
}

function comment(line: string, metadata: Map<string, MetricMetadata>): void {
  const match = /^#\s*(HELP|TYPE|UNIT)\s+(?:"((?:[^"\\]|\\.)*)"|(\S+))(?:\s(.*))?$/.exec(line)
  if (!match) return
  const [, what, quoted, plain, rest = ''] = match
  const name = quoted ?? plain ?? ''
  let known = metadata.get(name)
  if (!known) metadata.set(name, known = { type: 'unknown', help: '', unit: '' })
  if (what === 'TYPE') known.type = rest.trim() === 'untyped' ? 'unknown' : rest.trim()
  else if (what === 'HELP') known.help = rest.replace(/\\(\\|n)/g, (_, sign: string) => sign === 'n' ? '\n' : '\\')
  else known.unit = rest.trim()
}

function sampleOf(text: string, from: number, end: number): ScrapedSample | undefined {
  let at = from
  while (at < end && (text.charCodeAt(at) === 32 || text.charCodeAt(at) === 9)) at++
  if (at === end || text.charCodeAt(at) === 13) return undefined
  // Up to the closing brace, or the first blank where there are no labels.
  let seriesEnd = at
  for (let quoted = false, braced = false; seriesEnd < end; seriesEnd++) {
    const sign = text.charCodeAt(seriesEnd)
    if (quoted) { if (sign === 92) seriesEnd++; else if (sign === 34) quoted = false; continue }
    if (sign === 34) quoted = true
    else if (sign === 123) braced = true
    else if (sign === 125) { seriesEnd++; break }
    else if (!braced && (sign === 32 || sign === 9)) {
      let next = seriesEnd
      while (text.charCodeAt(next) === 32) next++
      if (text.charCodeAt(next) !== 123) break
    }
  }
  const series = text.slice(at, seriesEnd)
  let rest = text.slice(seriesEnd, end).trim()
  // Exemplars of OpenMetrics.
  const exemplar = rest.indexOf(' # ')
  if (exemplar >= 0) rest = rest.slice(0, exemplar)
  const [valueText = '', timeText, ...more] = rest.split(/\s+/)
  const value = numberOf(valueText)
  if (value === undefined || more.length > 0) throw new Error(valueText === '' ? `expected value after metric, got ${JSON.stringify(text.slice(at, end).slice(-1))} ("INVALID") while parsing: ${JSON.stringify(text.slice(at, end))}` : `strconv.ParseFloat: parsing ${JSON.stringify(valueText)}: invalid syntax while parsing: ${JSON.stringify(text.slice(at, end))}`)
  const timeMs = timeText === undefined ? undefined : Number(timeText)
  return { series, value, timeMs: timeMs !== undefined && Number.isFinite(timeMs) ? timeMs : undefined }
}

function numberOf(text: string): number | undefined {
  if (text === '') return undefined
  const value = Number(text)
  if (!Number.isNaN(value)) return value
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  return /^nan$/i.test(text) ? NaN : undefined
}

/** Names and values of a series as it is written, the name as `__name__`. @throws Error */
export function parseSeries(series: string): [string, string][] {
  const brace = series.indexOf('{')
  const name = (brace < 0 ? series : series.slice(0, brace)).trim()
  const out: [string, string][] = name ? [['__name__', name]] : []
  if (name && !/^[a-zA-Z_:][\w:]*$/.test(name)) throw new Error(`invalid metric name ${JSON.stringify(name)}`)
  if (brace < 0) return out
  const part = /\s*(?:([a-zA-Z_][\w]*)|"((?:[^"\\]|\\.)*)")\s*(?:=\s*"((?:[^"\\]|\\.)*)")?\s*(?:,|(?=\}))/y
  part.lastIndex = brace + 1
  while (!/\s*\}\s*$/y.test(series.slice(part.lastIndex))) {
    const match = part.exec(series)
    if (!match) throw new Error(`expected label name or "}" while parsing: ${JSON.stringify(series)}`)
    const [, plain, quoted, value] = match
    if (value === undefined) {
      if (quoted === undefined) throw new Error(`expected equal while parsing: ${JSON.stringify(series)}`)
      out.push(['__name__', unescaped(quoted)])
    } else out.push([plain ?? unescaped(quoted ?? ''), unescaped(value)])
  }
  return out
}

const unescaped = (text: string) => text.includes('\\') ? text.replace(/\\(["\\n])/g, (_, sign: string) => sign === 'n' ? '\n' : sign) : text
