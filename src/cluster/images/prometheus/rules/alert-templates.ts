import { RE2JS } from 're2js'
import { plainTemplate } from '../../../kinds/go-template/plain-template.ts'
import { goDurationText, parseDuration } from '../durations.ts'
import type { Labels } from '../labels.ts'
import { METRIC_NAME } from '../labels.ts'
import { plainNumber } from '../promql/values.ts'

const PREAMBLE = '{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}'

const numberOf = (value: unknown) => typeof value === 'number' ? value : Number(value)
const fourDigits = (value: number) => String(Number(value.toPrecision(4)))

function humanize(given: unknown, base: number, up: readonly string[], down: readonly string[]): string {
  let value = numberOf(given)
  if (value === 0 || !Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value === 0 ? '0' : value > 0 ? '+Inf' : '-Inf'
  let prefix = ''
  if (Math.abs(value) >= 1) for (const each of up) { if (Math.abs(value) < base) break; prefix = each; value /= base } else for (const each of down) { if (Math.abs(value) >= 1) break; prefix = each; value *= base }
  return fourDigits(value) + prefix
}

/** Go's url.QueryEscape. */
const queryEscaped = (text: string) => encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`).replaceAll('%20', '+')
/** Where a query's result is shown as a table, below the server. k8s: prometheus util/strutil TableLinkForExpression */
export const tableLink = (query: string): string => `/graph?g0.expr=${queryEscaped(query)}&g0.tab=1`

const FUNCTIONS: Readonly<Record<string, (...args: any[]) => unknown>> = {
  humanize: (value) => humanize(value, 1000, ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'], ['m', 'u', 'n', 'p', 'f', 'a', 'z', 'y']),
  humanize1024: (value) => humanize(value, 1024, ['ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi'], []),
  humanizePercentage: (value) => `${fourDigits(numberOf(value) * 100)}%`,
  humanizeDuration: (given) => {
    const value = numberOf(given)
    if (Math.abs(value) < 60) return Math.abs(value) < 1 ? humanize(value, 1000, [], ['m', 'u', 'n']) + 's' : `${fourDigits(value)}s`
    const whole = Math.floor(Math.abs(value))
    const [days, hours, minutes, seconds] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60]
    return `${value < 0 ? '-' : ''}${days ? `${days}d ` : ''}${days || hours ? `${hours}h ` : ''}${minutes}m ${seconds}s`
  },
  humanizeTimestamp: (value) => `${new Date(numberOf(value) * 1000).toISOString().replace('T', ' ').replace('Z', '')} +0000 UTC`,
  toDuration: (value) => goDurationText(numberOf(value) * 1000),
  parseDuration: (text: string) => parseDuration(text) / 1000,
  title: (text: string) => text.replace(/\b\w/g, (sign) => sign.toUpperCase()),
  toUpper: (text: string) => text.toUpperCase(),
  toLower: (text: string) => text.toLowerCase(),
  stripPort: (text: string) => text.replace(/:\d+$/, ''),
  stripDomain: (text: string) => {
    const [, host = '', port = ''] = /^(.*?)(:\d+)?$/.exec(text)!
    return /^\d+(?:\.\d+){3}$|:/.test(host) ? text : host.replace(/\..*$/, '') + port
  },
  reReplaceAll: (pattern: string, by: string, text: string) => RE2JS.compile(pattern).matcher(text).replaceAll(by),
  match: (pattern: string, text: string) => RE2JS.compile(pattern).matcher(text).find(),
  graphLink: (query: string) => `/graph?g0.expr=${queryEscaped(query)}&g0.tab=0`,
  tableLink,
  safeHtml: (text: string) => text,
  query: () => { throw new Error('query is not supported in templates by this build') },
}

const made = new Map<string, ((data: unknown) => string) | Error>()

/** The text of a label or annotation of an alert; what fails says so in the text, as in Prometheus. */
export function alertText(template: string, data: { alert: string; labels: Labels; value: number; externalLabels: Readonly<Record<string, string>>; externalUrl: string }): string {
  if (!template.includes('{{')) return template
  const { externalUrl } = data
  const key = `${externalUrl}\0${data.alert}\0${template}`
  let render = made.get(key)
  if (!render) {
    if (made.size > 1000) made.clear()
    try { render = plainTemplate(PREAMBLE + template, { name: `__alert_${data.alert}`, functions: { ...FUNCTIONS, externalURL: () => externalUrl, pathPrefix: () => new URL(externalUrl, 'http://localhost').pathname.replace(/\/$/, '') }, missingKey: 'zero' }) } catch (error) { render = error as Error }
    made.set(key, render)
  }
  try {
    if (render instanceof Error) throw render
    const { labels, value, externalLabels } = data
    return render({ Labels: labels.without([METRIC_NAME]).toRecord(), Value: Number.isFinite(value) ? value : plainNumber(value), ExternalLabels: externalLabels, ExternalURL: externalUrl })
  } catch (error) {
    return `<error expanding template: error executing template __alert_${data.alert}: ${(error as Error).message}>`
  }
}
