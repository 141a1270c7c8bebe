import { expect, it } from 'vitest'
import { httpRequest } from '../../../base/http.ts'
import { createPipe } from '../../../base/streams.ts'
import { testMachine } from '../../../unix/test-machine.ts'
import { ConfigError } from '../prometheus/config/go-yaml.ts'
import { Labels } from '../prometheus/labels.ts'
import { loadAlertmanagerConfig, routesFor } from './config.ts'
import { alertmanager } from './program.ts'

const ROOT = { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }
const CONFIG = `route:
  receiver: default
  group_by: [alertname]
  group_wait: 10s
  group_interval: 30s
  repeat_interval: 1h
  routes:
  - matchers: ['severity="page"']
    receiver: pager
receivers:
- name: default
- name: pager
  webhook_configs: [{url: 'http://127.0.0.1:5001/hook'}]
inhibit_rules:
- source_matchers: [severity="critical"]
  target_matchers: [severity="page"]
  equal: [instance]
`

async function start() {
  const on = testMachine({ programs: { '/bin/alertmanager': (proc) => alertmanager(proc, '0.30.0') }, files: { '/etc/alertmanager/alertmanager.yml': CONFIG } })
  const calls: { status: string; alerts: { status: string; labels: Record<string, string> }[] }[] = []
  on.machine.net.listenHttp(5001, async (request) => { calls.push(JSON.parse(await request.text()) as typeof calls[number]); return new Response('') })
  let log = ''
  const write = async (data: Uint8Array | string) => { log += String(data) }
  on.machine.start(['/bin/alertmanager', '--config.file=/etc/alertmanager/alertmanager.yml'], { env: {}, cwd: '/', user: ROOT, stdin: createPipe().reader, stdout: { write, close() {} }, stderr: { write, close() {} } })
  await on.clock.until(() => log.includes('Listening'), { withinMs: 10_000 })
  const ask = async (method: string, path: string, body?: unknown) => { const text = await (await on.machine.net.fetch(httpRequest(`http://127.0.0.1:9093/api/v2${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }))).text(); return text.trim() ? JSON.parse(text) as unknown : undefined }
  const iso = (inMs: number) => new Date(on.clock.nowMs() + inMs).toISOString()
  return { ...on, calls, ask, iso }
}

it('tells a receiver of a group after a while, once, and of its end', async () => {
  const { clock, calls, ask, iso } = await start()
  const post = (instance: string, inMs = 600_000) => ask('POST', '/alerts', [{ labels: { alertname: 'Down', severity: 'page', instance }, annotations: {}, endsAt: iso(inMs) }])
  await post('a')
  await post('b')
  await clock.advance(5_000)
  expect(calls).toEqual([])
  await clock.advance(6_000)
  expect(calls).toMatchObject([{ status: 'firing', receiver: 'pager', groupLabels: { alertname: 'Down' }, commonLabels: { alertname: 'Down', severity: 'page' }, alerts: [{ labels: { instance: 'a' } }, { labels: { instance: 'b' } }] }])
  await clock.advance(120_000)
  expect(calls).toHaveLength(1)
  await post('a', 0)
  await clock.advance(31_000)
  expect(calls[1]!.alerts.map(({ status, labels }) => [labels['instance'], status])).toEqual([['a', 'resolved'], ['b', 'firing']])
})

it('silences and inhibition keep quiet, and say so', async () => {
  const { clock, calls, ask, iso } = await start()
  const { silenceID } = await ask('POST', '/silences', { matchers: [{ name: 'instance', value: 'a|c', isRegex: true }], startsAt: iso(0), endsAt: iso(60_000), createdBy: 'me', comment: 'known' }) as { silenceID: string }
  await ask('POST', '/alerts', [{ labels: { alertname: 'Down', severity: 'page', instance: 'a' } }, { labels: { alertname: 'Down', severity: 'page', instance: 'b' } }, { labels: { alertname: 'Burning', severity: 'critical', instance: 'b' } }])
  await clock.advance(11_000)
  expect(calls).toEqual([])
  const alerts = await ask('GET', '/alerts?filter=alertname%3D%22Down%22') as { status: { state: string; silencedBy: string[]; inhibitedBy: string[] } }[]
  expect(alerts.map(({ status }) => [status.state, status.silencedBy, status.inhibitedBy.length])).toEqual([['suppressed', [silenceID], 0], ['suppressed', [], 1]])
  await ask('DELETE', `/silence/${silenceID}`)
  await clock.advance(31_000)
  expect(calls).toMatchObject([{ alerts: [{ labels: { instance: 'a' } }] }])
})

it('routes are the deepest that fit, and go on only where they say so', () => {
  const { route } = loadAlertmanagerConfig(`route: {receiver: r, routes: [{matchers: [a="1"], receiver: x, continue: true, routes: [{match: {b: "2"}, receiver: y}]}, {match_re: {a: "1|2"}, receiver: z}]}\nreceivers: [{name: r}, {name: x}, {name: y}, {name: z}]\n`)
  const names = (labels: Record<string, string>) => routesFor(route, Labels.fromRecord(labels)).map(({ receiver }) => receiver)
  expect([names({ a: '1', b: '2' }), names({ a: '1' }), names({ a: '2' }), names({ a: '3' })]).toEqual([['y', 'z'], ['x', 'z'], ['z'], ['r']])
})

it.each([
  ['route: {receiver: none}\nreceivers: []\n', 'undefined receiver "none" used in route'],
  ['receivers: []\n', 'no routes provided'],
  ['route: {receiver: r, group_bye: [a]}\nreceivers: [{name: r}]\n', 'yaml: unmarshal errors:\n  line 1: field group_bye not found in type config.plain'],
])('a wrong configuration is refused', (text, message) => {
  expect(() => loadAlertmanagerConfig(text)).toThrow(message)
})

it('what is wrong in a configuration is told, also in expressions and durations', () => {
  const routed = (more: string) => () => loadAlertmanagerConfig(`route: {receiver: a, routes: [{match_re: {team: '${more}'}}]}\nreceivers: [{name: a}]\n`)
  expect(routed('(')).toThrow(ConfigError)
  expect(routed('a|b')).not.toThrow()
  expect(() => loadAlertmanagerConfig('global: {resolve_timeout: 5x}\nroute: {receiver: a}\nreceivers: [{name: a}]\n')).toThrow(new ConfigError('not a valid duration string: "5x"'))
})

it('silences are chosen by what they silence, and gone some time after their end', async () => {
  const { clock, ask, iso } = await start()
  for (const value of ['a', 'b']) await ask('POST', '/silences', { matchers: [{ name: 'instance', value }], startsAt: iso(0), endsAt: iso(60_000), createdBy: 'me', comment: 'known' })
  expect(await ask('GET', `/silences?filter=${encodeURIComponent('instance="b"')}`)).toMatchObject([{ matchers: [{ value: 'b' }] }])
  await clock.advance(121 * 3_600_000)
  await ask('POST', '/alerts', [{ labels: { alertname: 'Down' }, annotations: {}, endsAt: iso(600_000) }])
  await clock.advance(60_000)
  expect(await ask('GET', '/silences')).toEqual([])
})
