import type { HttpRequest } from '../../../base/http.ts'
import { PROMETHEUS_TYPE, prometheusText } from '../../../base/prometheus.ts'
import type { Proc } from '../../../unix/types.ts'
import { ConfigError } from '../prometheus/config/go-yaml.ts'
import { readConfigFile } from '../prometheus/config/read-file.ts'
import { parseDuration } from '../prometheus/durations.ts'
import { Labels, isPlainLabelName } from '../prometheus/labels.ts'
import { html } from '../web/html.ts'
import { fits, loadAlertmanagerConfig, matcherOf, parseMatcher } from './config.ts'
import { Dispatcher, fingerprint } from './dispatcher.ts'
import type { Alert, Silence } from './dispatcher.ts'

const FLAGS: Readonly<Record<string, string>> = { 'config.file': 'alertmanager.yml', 'storage.path': 'data/', 'web.listen-address': ':9093', 'web.external-url': '', 'web.route-prefix': '', 'cluster.listen-address': '0.0.0.0:9094', 'cluster.peer': '', 'cluster.advertise-address': '', 'cluster.reconnect-timeout': '', 'data.retention': '120h', 'log.level': 'info', 'log.format': 'logfmt', 'web.get-concurrency': '0', 'web.timeout': '0', 'cluster.peer-timeout': '', 'alerts.gc-interval': '30m', 'cluster.label': '' }

/** The program `alertmanager`. */
export async function alertmanager(proc: Proc, version: string): Promise<number> {
  const flags: Record<string, string> = { ...FLAGS }
  const args = proc.argv.slice(1)
  for (let i = 0; i < args.length; i++) {
    const [name = '', ...value] = args[i]!.replace(/^--/, '').split('=')
    if (name === 'version') { await proc.stdout.write(`alertmanager, version ${version} (branch: HEAD, revision: unknown)\n`); return 0 }
    if (!(name in FLAGS)) { await proc.stderr.write(`alertmanager: error: unknown long flag '--${name}', try --help\n`); return 1 }
    flags[name] = value.length > 0 ? value.join('=') : args[++i] ?? ''
  }
  const log = (level: string, text: string) => void proc.stderr.write(`time=${new Date(proc.clock.nowMs()).toISOString()} level=${level} source=main.go:200 ${text}\n`).catch(() => {})
  const startedMs = proc.clock.nowMs()
  let retentionMs: number
  try {
    retentionMs = parseDuration(flags['data.retention']!)
  } catch (error) {
    await proc.stderr.write(`alertmanager: error: ${(error as Error).message}, try --help\n`)
    return 1
  }
  const port = Number(/:(\d+)$/.exec(flags['web.listen-address']!)?.[1])
  const externalUrl = (flags['web.external-url'] || `http://${proc.machine.hostname}:${port}`).replace(/\/$/, '')
  const prefix = (flags['web.route-prefix'] || (flags['web.external-url'] ? new URL(externalUrl, 'http://localhost').pathname : '')).replace(/\/+$/, '')
  const file = proc.resolve(flags['config.file']!)
  const load = () => {
    log('INFO', `msg="Loading configuration file" component=configuration file=${flags['config.file']}`)
    return loadAlertmanagerConfig(readConfigFile(proc, file, flags['config.file']))
  }
  log('INFO', `msg="Starting Alertmanager" version="(version=${version}, branch=HEAD, revision=unknown)"`)
  let dispatcher: Dispatcher
  try {
    dispatcher = new Dispatcher(proc, load(), { externalUrl, version, retentionMs }, log)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    log('ERROR', `msg="Loading configuration file failed" component=configuration file=${flags['config.file']} err=${JSON.stringify(error.message)}`)
    return 1
  }
  log('INFO', `msg="Completed loading of configuration file" component=configuration file=${flags['config.file']}`)
  const reload = (): string | undefined => {
    try { dispatcher.reconfigure(load()); return undefined } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      log('ERROR', `msg="Loading configuration file failed" component=configuration file=${flags['config.file']} err=${JSON.stringify(error.message)}`)
      return error.message
    }
  }
  proc.onSignal('SIGHUP', () => { reload() })
  proc.useMemory(20 * 2 ** 20)
  proc.net.listenHttp(port, async (request) => {
    const url = new URL(request.url)
    const path = url.pathname.startsWith(prefix) ? url.pathname.slice(prefix.length) || '/' : url.pathname
    switch (path) {
      case '/': return page(dispatcher, version)
      case '/-/healthy': case '/-/ready': return new Response('OK')
      case '/-/reload': {
        if (request.method !== 'POST') return new Response('Method Not Allowed\n', { status: 405 })
        const failure = reload()
        return failure === undefined ? new Response('') : new Response(`failed to reload config: ${failure}\n`, { status: 500 })
      }
      case '/metrics': return new Response(metrics(dispatcher, proc, version), { headers: { 'content-type': PROMETHEUS_TYPE } })
    }
    return path.startsWith('/api/v2/') ? api(proc, dispatcher, version, startedMs, request, url, path.slice('/api/v2'.length)) : new Response('404 page not found\n', { status: 404 })
  })
  log('INFO', `msg="Listening on" address=[::]:${port}`)
  await proc.signal('SIGTERM', 'SIGINT')
  log('INFO', 'msg="Received SIGTERM, exiting gracefully..."')
  return 0
}

const json = (body: unknown, status = 200) => new Response(`${JSON.stringify(body)}\n`, { status, headers: { 'content-type': 'application/json' } })
const iso = (ms: number) => new Date(ms).toISOString()

function alertJson(dispatcher: Dispatcher, alert: Alert, receivers: readonly string[]) {
  const silencedBy = dispatcher.silencedBy(alert.labels)
  const inhibitedBy = dispatcher.inhibitedBy(alert.labels)
  return { annotations: alert.annotations, endsAt: iso(alert.endsMs), fingerprint: fingerprint(alert.labels), receivers: receivers.map((name) => ({ name })), startsAt: iso(alert.startsMs), status: { inhibitedBy, mutedBy: [], silencedBy, state: silencedBy.length + inhibitedBy.length > 0 ? 'suppressed' : 'active' }, updatedAt: iso(alert.updatedMs), generatorURL: alert.generatorUrl, labels: alert.labels.toRecord() }
}

function silenceJson({ id, matchers, startsMs, endsMs, updatedMs, createdBy, comment }: Silence, nowMs: number) {
  return { id, status: { state: endsMs <= nowMs ? 'expired' : startsMs > nowMs ? 'pending' : 'active' }, updatedAt: iso(updatedMs), comment, createdBy, endsAt: iso(endsMs), matchers: matchers.map(({ name, type, value }) => ({ isEqual: type === '=' || type === '=~', isRegex: type === '=~' || type === '!~', name, value })), startsAt: iso(startsMs) }
}

interface PostedAlert { labels?: Record<string, string>; annotations?: Record<string, string>; startsAt?: string; endsAt?: string; generatorURL?: string }
interface PostedSilence { id?: string; matchers?: { name: string; value: string; isRegex?: boolean; isEqual?: boolean }[]; startsAt?: string; endsAt?: string; createdBy?: string; comment?: string }

/** k8s: alertmanager api/v2 */
async function api(proc: Proc, dispatcher: Dispatcher, version: string, startedMs: number, request: HttpRequest, url: URL, path: string): Promise<Response> {
  const nowMs = proc.clock.nowMs()
  const { method } = request
  const filters = () => url.searchParams.getAll('filter').map(parseMatcher)
  const active = () => {
    const wanted = filters()
    return [...dispatcher.alerts.values()].filter((alert) => alert.endsMs > nowMs && fits(wanted, alert.labels))
  }
  const receiversOf = (alert: Alert) => [...new Set([...dispatcher.groups.values()].filter((group) => group.alerts.has(alert.labels.key)).map((group) => group.route.receiver))]
  const isShown = (found: ReturnType<typeof alertJson>) => (url.searchParams.get('active') !== 'false' || found.status.state !== 'active') && (url.searchParams.get('silenced') !== 'false' || found.status.silencedBy.length === 0) && (url.searchParams.get('inhibited') !== 'false' || found.status.inhibitedBy.length === 0)
  try {
    if (path === '/alerts' && method === 'POST') {
      for (const posted of JSON.parse(await request.text()) as PostedAlert[]) {
        const labels = Labels.fromRecord(posted.labels ?? {})
        if (labels.size === 0) return json('at least one label pair required', 400)
        const wrong = [...labels].find(([name]) => !isPlainLabelName(name))
        if (wrong) return json(`invalid label set: invalid name ${JSON.stringify(wrong[0])}`, 400)
        dispatcher.take({ labels, annotations: posted.annotations ?? {}, startsMs: posted.startsAt ? Date.parse(posted.startsAt) : nowMs, endsMs: posted.endsAt && !posted.endsAt.startsWith('0001') ? Date.parse(posted.endsAt) : nowMs + dispatcher.config.resolveTimeoutMs, updatedMs: nowMs, generatorUrl: posted.generatorURL ?? '' })
      }
      return new Response('', { status: 200 })
    }
    if (path === '/alerts') return json(active().map((alert) => alertJson(dispatcher, alert, receiversOf(alert))).filter(isShown))
    if (path === '/alerts/groups') return json([...dispatcher.groups.values()].map((group) => ({ alerts: [...group.alerts.values()].filter((alert) => alert.endsMs > nowMs).map((alert) => alertJson(dispatcher, alert, [group.route.receiver])).filter(isShown), labels: group.labels.toRecord(), receiver: { name: group.route.receiver } })).filter(({ alerts }) => alerts.length > 0))
    if (path === '/receivers') return json([...dispatcher.config.receivers.keys()].map((name) => ({ name })))
    if (path === '/status') return json({ cluster: { name: '', peers: [], status: 'ready' }, config: { original: dispatcher.config.text }, uptime: iso(startedMs), versionInfo: { branch: 'HEAD', buildDate: '', buildUser: '', goVersion: 'go1.26', revision: 'unknown', version } })
    if (path === '/silences' && method === 'POST') {
      const posted = JSON.parse(await request.text()) as PostedSilence
      const matchers = (posted.matchers ?? []).map(({ name, value, isRegex, isEqual }) => matcherOf(name, isRegex ? (isEqual === false ? '!~' : '=~') : isEqual === false ? '!=' : '=', value))
      if (matchers.length === 0) return json('invalid silence: at least one matcher required', 400)
      if (matchers.every((matcher) => matcher.matches(''))) return json('invalid silence: at least one matcher must not match the empty string', 400)
      const startsMs = Math.max(posted.startsAt ? Date.parse(posted.startsAt) : nowMs, nowMs)
      const endsMs = Date.parse(posted.endsAt ?? '')
      if (!(endsMs > startsMs)) return json('start time must be before end time', 400)
      if (endsMs < nowMs) return json("end time can't be in the past", 400)
      if (posted.id && !dispatcher.silences.has(posted.id)) return json('silence not found', 404)
      const id = posted.id || proc.random.uuid()
      dispatcher.silences.set(id, { id, matchers, startsMs, endsMs, updatedMs: nowMs, createdBy: posted.createdBy ?? '', comment: posted.comment ?? '' })
      return json({ silenceID: id })
    }
    if (path === '/silences') {
      const wanted = filters()
      return json([...dispatcher.silences.values()].filter(({ matchers }) => fits(wanted, Labels.of(matchers.map(({ name, value }) => [name, value])))).map((silence) => silenceJson(silence, nowMs)))
    }
    const id = /^\/silence\/([^/]+)$/.exec(path)?.[1]
    if (id !== undefined) {
      const silence = dispatcher.silences.get(id)
      if (!silence) return new Response('', { status: 404 })
      if (method === 'DELETE') { silence.endsMs = nowMs; silence.updatedMs = nowMs; return new Response('', { status: 200 }) }
      return json(silenceJson(silence, nowMs))
    }
    return json({ code: 404, message: `path ${url.pathname} was not found` }, 404)
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ConfigError) return json({ code: 400, message: error.message }, 400)
    throw error
  }
}

function metrics(dispatcher: Dispatcher, proc: Proc, version: string): string {
  const nowMs = proc.clock.nowMs()
  const alerts = [...dispatcher.alerts.values()].filter((alert) => alert.endsMs > nowMs)
  const suppressed = alerts.filter(({ labels }) => dispatcher.silencedBy(labels).length + dispatcher.inhibitedBy(labels).length > 0).length
  return prometheusText([
    { name: 'alertmanager_alerts', help: 'How many alerts by state.', type: 'gauge', samples: [{ labels: { state: 'active' }, value: alerts.length - suppressed }, { labels: { state: 'suppressed' }, value: suppressed }] },
    { name: 'alertmanager_notifications_total', help: 'The total number of attempted notifications.', type: 'counter', samples: [{ labels: { integration: 'webhook' }, value: dispatcher.notified + dispatcher.failed }] },
    { name: 'alertmanager_notifications_failed_total', help: 'The total number of failed notifications.', type: 'counter', samples: [{ labels: { integration: 'webhook' }, value: dispatcher.failed }] },
    { name: 'alertmanager_silences', help: 'How many silences by state.', type: 'gauge', samples: ['active', 'expired', 'pending'].map((state) => ({ labels: { state }, value: [...dispatcher.silences.values()].filter((silence) => silenceJson(silence, nowMs).status.state === state).length })) },
    { name: 'alertmanager_build_info', help: "A metric with a constant '1' value labeled by version, revision, branch, goversion from which alertmanager was built, and the goos and goarch for the build.", type: 'gauge', samples: [{ labels: { branch: 'HEAD', goversion: 'go1.26', revision: 'unknown', version }, value: 1 }] },
  ])
}

function page(dispatcher: Dispatcher, version: string): Response {
  const rows = [...dispatcher.groups.values()].map((group) => html`<h3>${group.labels.toString()} <small>→ ${group.route.receiver}</small></h3><ul>${[...group.alerts.values()].map((alert) => html`<li><b>${alert.labels.get('alertname')}</b> since ${iso(alert.startsMs)} ${alert.labels.toString()}${dispatcher.silencedBy(alert.labels).length > 0 ? ' (silenced)' : ''}<br>${Object.entries(alert.annotations).map(([name, value]) => html`${name}: ${value}<br>`)}</li>`)}</ul>`)
  return new Response(html`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Alertmanager</title><style>body{font:14px/1.5 system-ui,sans-serif;margin:1em;color:#212529;background:#fff}</style></head><body><h1>Alertmanager</h1><p>Version ${version}</p>${rows.length > 0 ? rows : html`<p>No alert groups found</p>`}</body></html>`.text, { headers: { 'content-type': 'text/html; charset=utf-8' } })
}
