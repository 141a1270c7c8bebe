import { Html, html } from '../../web/html.ts'
import { durationText, goDurationText } from '../durations.ts'
import { seriesText } from '../labels.ts'
import { parseQuery } from '../promql/parser.ts'
import { queryInstant, queryRange } from '../promql/query.ts'
import { plainNumber } from '../promql/values.ts'
import type { Series } from '../promql/values.ts'
import type { ApiContext } from './api.ts'
import { stateOf } from './api.ts'

const STYLE = 'body{font:14px/1.45 system-ui,sans-serif;margin:0;color:#212529;background:#fff}nav{background:#262c36;padding:.6em 1em}nav a{color:#fff;margin-right:1.2em;text-decoration:none}main{padding:1em}table{border-collapse:collapse;width:100%;margin:.5em 0 1.5em}td,th{border:1px solid #ccc;padding:.3em .5em;text-align:left;vertical-align:top;overflow-wrap:anywhere}th{background:#f1f3f5}textarea{width:100%;box-sizing:border-box;font:13px monospace}pre{background:#f8f9fa;padding:.7em;overflow:auto}.up,.ok,.inactive{color:#0a7d33}.down,.err,.firing{color:#b3261e}.pending,.unknown{color:#8a6100}code{font-size:12px}'
const COLOURS = ['#1f77b4', '#d62728', '#2ca02c', '#9467bd', '#ff7f0e', '#17becf', '#8c564b', '#e377c2', '#7f7f7f', '#bcbd22']

function page(title: string, prefix: string, body: Html): Response {
  const text = html`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Prometheus Time Series Collection and Processing Server</title><style>${new Html(STYLE)}</style></head><body>
<nav><a href="${prefix}/query"><b>Prometheus</b></a><a href="${prefix}/query">Query</a><a href="${prefix}/alerts">Alerts</a><a href="${prefix}/targets">Target health</a><a href="${prefix}/rules">Rule health</a><a href="${prefix}/service-discovery">Service discovery</a><a href="${prefix}/config">Configuration</a><a href="${prefix}/flags">Command-line flags</a><a href="${prefix}/status">Runtime</a></nav>
<main><h2>${title}</h2>${body}</main></body></html>`
  return new Response(text.text, { headers: { 'content-type': 'text/html; charset=utf-8' } })
}

const labelsHtml = (labels: Iterable<readonly [string, string]>) => html`${[...labels].map(([name, value]) => html`<code>${name}="${value}"</code> `)}`

/** Prometheus' own pages; undefined for addresses that are none. */
export async function servePage(context: ApiContext, path: string, params: URLSearchParams, prefix: string): Promise<Response | undefined> {
  const { server } = context
  const nowMs = context.nowMs()
  const ago = (ms: number | undefined) => ms === undefined ? 'never' : `${goDurationText(Math.round((nowMs - ms) / 100) * 100)} ago`
  switch (path) {
    case '/query': case '/graph': return page('Query', prefix, await queryBody(context, params, prefix))
    case '/targets': return page('Targets', prefix, html`${[...server.pools.values()].map((pool) => html`<h3>${pool.config.jobName} (${[...pool.loops.values()].filter(({ health }) => health === 'up').length}/${pool.loops.size} up)</h3>
<table><tr><th>Endpoint</th><th>State</th><th>Labels</th><th>Last scrape</th><th>Scrape duration</th><th>Error</th></tr>${[...pool.loops.values()].map((loop) => html`<tr><td><a href="${loop.spec.url}">${loop.spec.url}</a></td><td class="${loop.health}">${loop.health.toUpperCase()}</td><td>${labelsHtml(loop.spec.labels)}</td><td>${ago(loop.lastScrapeMs)}</td><td>${goDurationText(Math.round(loop.lastDurationMs * 1000) / 1000)}</td><td class="err">${loop.lastError}</td></tr>`)}</table>`)}`)
    case '/service-discovery': return page('Service discovery', prefix, html`${[...server.pools.values()].map((pool) => html`<h3>${pool.config.jobName} (${pool.loops.size} / ${pool.loops.size + pool.dropped.length} active targets)</h3><table><tr><th>Discovered labels</th><th>Target labels</th></tr>${[...pool.loops.values()].map((loop) => html`<tr><td>${labelsHtml(loop.spec.discovered)}</td><td>${labelsHtml(loop.spec.labels)}</td></tr>`)}${pool.dropped.map((labels) => html`<tr><td>${labelsHtml(labels)}</td><td>dropped</td></tr>`)}</table>`)}`)
    case '/alerts': case '/rules': {
      const alertsOnly = path === '/alerts'
      return page(alertsOnly ? 'Alerts' : 'Rules', prefix, html`${server.groups.map((group) => html`<h3>${group.spec.file} &gt; ${group.spec.name}</h3><table><tr><th>Rule</th><th>State</th><th>Error</th><th>Last evaluation</th></tr>${group.rules.filter(({ spec }) => !alertsOnly || spec.alert).map((rule) => html`<tr><td><b>${rule.spec.alert || rule.spec.record}</b><pre>${rule.spec.query}</pre>${rule.spec.forMs ? html`for: ${durationText(rule.spec.forMs)} ` : ''}${labelsHtml(Object.entries(rule.spec.labels))}${[...rule.alerts.values()].filter(({ state }) => state !== 'inactive').map((alert) => html`<p class="${alert.state}">${alert.state} since ${ago(alert.activeMs)}, value ${plainNumber(alert.value)}: ${labelsHtml(alert.labels)}<br>${Object.entries(alert.annotations).map(([name, value]) => html`${name}: ${value}<br>`)}</p>`)}</td><td class="${rule.spec.alert ? stateOf(rule) : rule.health}">${rule.spec.alert ? stateOf(rule) : rule.health}</td><td class="err">${rule.lastError}</td><td>${ago(rule.lastMs)}</td></tr>`)}</table>`)}`)
    }
    case '/config': return page('Configuration', prefix, html`<pre>${server.config?.text ?? ''}</pre>`)
    case '/flags': return page('Command-line flags', prefix, html`<table>${Object.entries(context.flags).map(([name, value]) => html`<tr><th>--${name}</th><td>${value}</td></tr>`)}</table>`)
    case '/status': case '/tsdb-status': return page('Runtime & build information', prefix, html`<table><tr><th>Start time</th><td>${new Date(server.startedMs).toISOString()}</td></tr><tr><th>Version</th><td>${server.options.version}</td></tr><tr><th>Configuration reload</th><td>${server.lastReloadOk ? 'Successful' : 'Unsuccessful'}</td></tr><tr><th>Number of series</th><td>${server.storage.seriesCount}</td></tr><tr><th>Storage retention</th><td>${context.storageRetention}</td></tr></table>`)
    default: return undefined
  }
}

async function queryBody(context: ApiContext, params: URLSearchParams, prefix: string): Promise<Html> {
  const text = params.get('g0.expr') ?? ''
  const isGraph = /^(?:0|graph)$/.test(params.get('g0.tab') ?? '1')
  const form = html`<form action="${prefix}/query"><textarea name="g0.expr" rows="3" aria-label="Expression">${text}</textarea><p><label><input type="radio" name="g0.tab" value="1" ${isGraph ? '' : new Html('checked')}> Table</label> <label><input type="radio" name="g0.tab" value="0" ${isGraph ? new Html('checked') : ''}> Graph (last hour)</label> <button>Execute</button></p></form>`
  if (text.trim() === '') return html`${form}<p>No data queried yet</p>`
  try {
    const expr = parseQuery(text, { experimentalFunctions: context.server.options.experimentalFunctions })
    const nowMs = Math.round(context.nowMs())
    if (isGraph) {
      const { result } = await queryRange(expr, nowMs - 3_600_000, nowMs, 14_000, context.server.queryOptions())
      return html`${form}${result.type === 'matrix' ? graph(result.series, nowMs - 3_600_000, nowMs) : ''}`
    }
    const { result, annotations } = await queryInstant(expr, nowMs, context.server.queryOptions())
    const notes = html`${[...annotations.warnings, ...annotations.infos].map((note) => html`<p class="pending">${note}</p>`)}`
    if (result.type === 'scalar' || result.type === 'string') return html`${form}<table><tr><td>${result.type}</td><td>${String(result.value)}</td></tr></table>`
    const rows = result.type === 'vector' ? result.samples.map(({ metric, value }): [string, string] => [seriesText(metric), plainNumber(value)]) : result.series.map(({ metric, times, values }): [string, string] => [seriesText(metric), values.map((value, i) => `${plainNumber(value)} @${times[i]! / 1000}`).join('\n')])
    if (rows.length === 0) return html`${form}${notes}<p>Empty query result</p><p>This query returned no data.</p>`
    return html`${form}${notes}<p>Result series: ${rows.length}</p><table>${rows.map(([series, value]) => html`<tr><td><code>${series}</code></td><td style="white-space:pre">${value}</td></tr>`)}</table>`
  } catch (error) {
    return html`${form}<p class="err">Error executing query: ${(error as Error).message}</p>`
  }
}

/** Lines over time, one for each series. */
function graph(series: readonly Series[], fromMs: number, toMs: number): Html {
  if (series.length === 0) return html`<p>Empty query result</p>`
  const [width, height] = [900, 320]
  const finite = series.flatMap(({ values }) => values.filter(Number.isFinite))
  const [least, most] = [finite.reduce((a, b) => Math.min(a, b), Infinity), finite.reduce((a, b) => Math.max(a, b), -Infinity)]
  const span = most - least || Math.abs(most) || 1
  const place = (time: number, value: number) => `${(((time - fromMs) / (toMs - fromMs)) * width).toFixed(1)},${(height - ((value - least) / span) * (height - 10) - 5).toFixed(1)}`
  const shown = series.slice(0, 50)
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" style="width:100%;border:1px solid #ccc">${shown.map(({ times, values }, i) => html`<polyline fill="none" stroke="${COLOURS[i % COLOURS.length]}" stroke-width="1.5" points="${times.map((time, at) => place(time, values[at]!)).join(' ')}"/>`)}</svg><p>${plainNumber(least)} to ${plainNumber(most)}</p><table>${shown.map(({ metric }, i) => html`<tr><td style="color:${COLOURS[i % COLOURS.length]}">■</td><td><code>${seriesText(metric)}</code></td></tr>`)}</table>`
}
