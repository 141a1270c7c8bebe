import { expect, it } from 'vitest'
import { httpRequest } from '../../../base/http.ts'
import { createPipe } from '../../../base/streams.ts'
import { testMachine } from '../../../unix/test-machine.ts'
import { loadConfig } from './config/load.ts'
import { relabel } from './config/relabel.ts'
import { prometheus } from './main.ts'
import { Labels } from './labels.ts'
import { promtool } from './promtool.ts'
import { alertText } from './rules/alert-templates.ts'
import { targetOf } from './scrape/target.ts'

const ROOT = { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }
const CONFIG = `global:
  scrape_interval: 10s
  evaluation_interval: 10s
rule_files: [rules.yml]
scrape_configs:
- job_name: app
  static_configs:
  - targets: ['127.0.0.1:8000', '127.0.0.1:8001']
    labels: {team: blue}
  metric_relabel_configs:
  - source_labels: [__name__]
    regex: noise_.*
    action: drop
`
const RULES = `groups:
- name: app
  rules:
  - record: app:requests:rate1m
    expr: sum(rate(requests_total[1m]))
  - alert: TargetDown
    expr: up == 0
    for: 20s
    labels: {severity: page}
    annotations:
      summary: '{{ $labels.instance }} is down ({{ $value }}, {{ humanize 12345.0 }})'
`

async function start(files: Record<string, string> = {}, args: readonly string[] = []) {
  const on = testMachine({ programs: { '/bin/prometheus': (proc) => prometheus(proc, '3.14.0'), '/bin/promtool': (proc) => promtool(proc, '3.14.0') }, files: { '/etc/prometheus/prometheus.yml': CONFIG, '/etc/prometheus/rules.yml': RULES, ...files } })
  let requests = 0
  on.machine.net.listenHttp(8000, () => new Response(`# HELP requests_total Requests.\n# TYPE requests_total counter\nrequests_total{path="/a b",team="green"} ${requests += 10}\nnoise_level 3\n`))
  let log = ''
  const write = async (data: Uint8Array | string) => { log += typeof data === 'string' ? data : new TextDecoder().decode(data) }
  const run = () => on.machine.start(['/bin/prometheus', '--config.file=/etc/prometheus/prometheus.yml', '--storage.tsdb.path=/prometheus', '--web.enable-lifecycle', ...args], { env: {}, cwd: '/', user: ROOT, stdin: createPipe().reader, stdout: { write, close() {} }, stderr: { write, close() {} } })
  const process = run()
  await on.clock.until(() => process.status !== undefined || log.includes('Server is ready'), { withinMs: 20_000 })
  const ask = async (path: string, method = 'GET') => (await on.machine.net.fetch(httpRequest(`http://127.0.0.1:9090${path}`, { method }))).text()
  const query = async (text: string) => (JSON.parse(await ask(`/api/v1/query?query=${encodeURIComponent(text)}`)) as { data: { result: { metric: Record<string, string>; value: [number, string] }[] } }).data.result.sort((a, b) => (a.metric['instance']! < b.metric['instance']! ? -1 : 1))
  return { ...on, process, run, ask, query, log: () => log }
}

it('scrapes, works rules out and alerts', async () => {
  const { clock, query, ask } = await start()
  await clock.advance(90_000)
  expect(await query('up')).toMatchObject([{ metric: { instance: '127.0.0.1:8000', job: 'app', team: 'blue' }, value: [expect.any(Number), '1'] }, { metric: { instance: '127.0.0.1:8001' }, value: [expect.any(Number), '0'] }])
  expect((await query('requests_total'))[0]!.metric).toEqual({ __name__: 'requests_total', exported_team: 'green', instance: '127.0.0.1:8000', job: 'app', path: '/a b', team: 'blue' })
  expect(await query('noise_level')).toEqual([])
  expect(Number((await query('app:requests:rate1m'))[0]!.value[1])).toBeCloseTo(1)
  const alerts = JSON.parse(await ask('/api/v1/alerts')) as { data: { alerts: unknown[] } }
  expect(alerts.data.alerts).toMatchObject([{ state: 'firing', labels: { alertname: 'TargetDown', severity: 'page' }, annotations: { summary: '127.0.0.1:8001 is down (0, 12.35k)' } }])
  expect((await query('ALERTS{alertstate="firing"}'))).toHaveLength(1)
  const targets = JSON.parse(await ask('/api/v1/targets')) as { data: { activeTargets: { health: string; lastError: string }[] } }
  expect(targets.data.activeTargets.map(({ lastError }) => lastError)).toEqual(['', 'Get "http://127.0.0.1:8001/metrics": dial tcp 127.0.0.1:8001: connect: connection refused'])
  expect(await ask('/targets')).toContain('http://127.0.0.1:8000/metrics')
  expect(await ask('/api/v1/query?query=sum(')).toBe('{"status":"error","errorType":"bad_data","error":"invalid parameter \\"query\\": 1:5: parse error: unclosed left parenthesis"}')
  expect(await ask(`/query?g0.expr=${encodeURIComponent('up{job="<b>"}')}`)).not.toContain('<b>"')
})

it('reloads on request, keeps what it had where the file is wrong, and marks the series of targets that are gone', async () => {
  const { clock, machine, ask, query, log, process } = await start()
  await clock.advance(30_000)
  machine.fs.writeFile('/etc/prometheus/prometheus.yml', CONFIG.replace('job_name', 'job_nam'))
  expect(await ask('/-/reload', 'POST')).toBe('failed to reload config: couldn\'t load configuration (--config.file="/etc/prometheus/prometheus.yml"): parsing YAML file /etc/prometheus/prometheus.yml: job_name is empty\n')
  expect(await query('up')).toHaveLength(2)
  machine.fs.writeFile('/etc/prometheus/prometheus.yml', CONFIG.replace(", '127.0.0.1:8001'", ''))
  process.kill('SIGHUP')
  await clock.advance(1_000)
  expect(log().split('Completed loading').length).toBe(3)
  await clock.advance(15_000)
  expect((await query('up')).map(({ metric }) => metric['instance'])).toEqual(['127.0.0.1:8000'])
})

it('finds its samples again after a restart', async () => {
  const { clock, process, run, query } = await start()
  await clock.advance(30_000)
  process.kill('SIGTERM')
  await clock.until(() => process.status !== undefined, { withinMs: 10_000 })
  expect(process.status!.code).toBe(0)
  run()
  await clock.advance(1_000)
  expect(Number((await query('count_over_time(requests_total[1m])'))[0]!.value[1])).toBeGreaterThanOrEqual(2)
})

it('goes on without its data directory, and says so', async () => {
  const { clock, machine, query, log } = await start()
  machine.fs.remove('/prometheus', { recursive: true })
  await clock.advance(90_000)
  expect(log()).toContain('msg="compaction failed" component=tsdb err="write /prometheus: no such file or directory"')
  expect(await query('up')).toHaveLength(2)
})

it('a reload leaves the targets of discovery that asks others alone', async () => {
  const dns = CONFIG.replace(/ {2}static_configs:[^]*?blue}\n/, '  dns_sd_configs:\n  - {names: [localhost], type: A, port: 8000}\n')
  const { clock, query, process } = await start({ '/etc/prometheus/prometheus.yml': dns })
  await clock.advance(40_000)
  expect(await query('up')).toMatchObject([{ metric: { instance: '127.0.0.1:8000' }, value: [expect.any(Number), '1'] }])
  process.kill('SIGHUP')
  await clock.advance(1)
  expect(await query('up')).toHaveLength(1)
  await clock.advance(20_000)
  expect(await query('count_over_time(up[20s])')).toMatchObject([{ value: [expect.any(Number), '2'] }])
})

it('parameters of scrapes keep all their values, the first of which a label may change', () => {
  const { scrapeConfigs: [config] } = loadConfig(`scrape_configs:
- job_name: federate
  metrics_path: /federate
  params: {'match[]': ['{job="a"}', '{job="b"}'], debug: ['1']}
  relabel_configs: [{target_label: __param_debug, replacement: '2'}]
`)
  expect(targetOf(config!, { source: '0', labels: {}, targets: [] }, { __address__: 'x:9090' })).toMatchObject({ url: `http://x:9090/federate?${new URLSearchParams([['debug', '2'], ['match[]', '{job="a"}'], ['match[]', '{job="b"}']])}` })
})

it('more targets than the limit fail, until there are fewer', async () => {
  const { clock, machine, query, process, ask } = await start({ '/etc/prometheus/prometheus.yml': CONFIG.replace('job_name: app', 'job_name: app\n  target_limit: 1') })
  await clock.advance(20_000)
  expect((await query('up')).map(({ value }) => value[1])).toEqual(['0', '0'])
  expect(await ask('/api/v1/targets')).toContain('target_limit exceeded (number of targets: 2, limit: 1)')
  machine.fs.writeFile('/etc/prometheus/prometheus.yml', CONFIG.replace('job_name: app', 'job_name: app\n  target_limit: 1').replace(", '127.0.0.1:8001'", ''))
  process.kill('SIGHUP')
  await clock.advance(20_000)
  expect((await query('up')).map(({ value }) => value[1])).toEqual(['1'])
})

it("alerts' texts know the server's address and durations", () => {
  const text = (template: string) => alertText(template, { alert: 'A', labels: Labels.fromRecord({ instance: 'web.example:80' }), value: 1, externalLabels: {}, externalUrl: 'http://prom.example/mon' })
  expect(text('{{ externalURL }} {{ pathPrefix }} {{ parseDuration "1h30m" }} {{ stripDomain "web.example:80" }} {{ stripDomain "10.0.0.1" }}')).toBe('http://prom.example/mon /mon 5400 web:80 10.0.0.1')
  expect(text('{{ tableLink "up == 0" }}')).toBe('/graph?g0.expr=up+%3D%3D+0&g0.tab=1')
})

it('a wrong configuration ends it, and promtool says the same', async () => {
  const wrong = CONFIG.replace('scrape_interval: 10s', 'scrape_intervall: 10s')
  const { process, log } = await start({ '/etc/prometheus/prometheus.yml': wrong })
  expect(process.status!.code).toBe(2)
  expect(log()).toContain('err="parsing YAML file /etc/prometheus/prometheus.yml: yaml: unmarshal errors:\\n  line 2: field scrape_intervall not found in type config.plain"')
  const checked = await testMachine({ programs: { '/bin/promtool': (proc) => promtool(proc, '3.14.0') }, files: { '/p.yml': wrong, '/r.yml': RULES, '/bad.yml': RULES.replace('sum(rate', 'sum(rat') } }).run(['/bin/promtool', 'check', 'config', '/p.yml'])
  expect(checked.stderr).toBe('  FAILED: parsing YAML file /p.yml: yaml: unmarshal errors:\n  line 2: field scrape_intervall not found in type config.plain\n\n')
})

it('relabeling carries all actions out', () => {
  const { scrapeConfigs: [config] } = loadConfig(`scrape_configs:
- job_name: x
  relabel_configs:
  - {source_labels: [__meta_ns, __meta_name], separator: /, target_label: pod}
  - {source_labels: [__address__, __meta_port], regex: '([^:]+)(?::\\d+)?;(\\d+)', replacement: '$1:$2', target_label: __address__}
  - {action: labelmap, regex: __meta_label_(.+)}
  - {action: hashmod, source_labels: [__address__], modulus: 8, target_label: shard}
  - {action: uppercase, source_labels: [app], target_label: big}
  - {action: labeldrop, regex: __meta_.*}
  - {action: keep, source_labels: [app], regex: web|api}
`)
  const labels = (app: string) => new Map([['__address__', '10.0.0.1:80'], ['__meta_ns', 'default'], ['__meta_name', 'p'], ['__meta_port', '8080'], ['__meta_label_app', app]])
  expect(Object.fromEntries(relabel(labels('web'), config!.relabel)!)).toEqual({ __address__: '10.0.0.1:8080', pod: 'default/p', app: 'web', big: 'WEB', shard: expect.stringMatching(/^[0-7]$/) })
  expect(relabel(labels('db'), config!.relabel)).toBeUndefined()
})
