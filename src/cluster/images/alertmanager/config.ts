import { ConfigError, YamlReader } from '../prometheus/config/go-yaml.ts'
import type { YamlNode } from '../prometheus/config/go-yaml.ts'
import { parseDuration } from '../prometheus/durations.ts'
import type { Labels } from '../prometheus/labels.ts'
import { Matcher } from '../prometheus/promql/matchers.ts'
import type { MatchType } from '../prometheus/promql/matchers.ts'

/** A node of the tree of routes: whom alerts go to, and in what groups. */
export interface Route {
  receiver: string
  /** `...`: each alert is a group of its own. */
  groupBy: readonly string[]
  matchers: readonly Matcher[]
  continues: boolean
  groupWaitMs: number
  groupIntervalMs: number
  repeatMs: number
  routes: readonly Route[]
  /** Its place in the tree, as groups are named by it. */
  key: string
}

export interface Webhook { url: string; sendResolved: boolean; maxAlerts: number; timeoutMs: number }
/** A receiver: its webhooks, and what else it is configured for that leads out of the cluster. */
export interface Receiver { name: string; webhooks: readonly Webhook[]; others: readonly string[] }
export interface InhibitRule { source: readonly Matcher[]; target: readonly Matcher[]; equal: readonly string[] }
export interface AlertmanagerConfig { resolveTimeoutMs: number; route: Route; receivers: ReadonlyMap<string, Receiver>; inhibitRules: readonly InhibitRule[]; text: string }

const OUTSIDE = ['discord', 'email', 'incidentio', 'jira', 'mattermost', 'msteams', 'msteamsv2', 'opsgenie', 'pagerduty', 'pushover', 'rocketchat', 'slack', 'sns', 'telegram', 'victorops', 'webex', 'wechat']

/** `name="value"`, `name=~value`. @throws ConfigError in the words of alertmanager's labels.ParseMatcher */
export function parseMatcher(text: string): Matcher {
  const match = /^\s*([a-zA-Z_:][\w:.]*|"[^"]*")\s*(=~|!=|!~|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^"]*?))\s*$/.exec(text)
  if (!match) throw new ConfigError(`bad matcher format: ${text}`)
  return matcherOf(match[1]!.replaceAll('"', ''), match[2] as MatchType, match[3]?.replace(/\\(["\\n])/g, (_, sign: string) => sign === 'n' ? '\n' : sign) ?? match[4] ?? '')
}

/** @throws ConfigError where the regular expression is wrong */
export function matcherOf(name: string, type: MatchType, value: string): Matcher {
  try {
    return new Matcher(name, type, value)
  } catch (error) {
    throw new ConfigError((error as Error).message)
  }
}

/** Several, with commas between, in braces or not. */
export function parseMatchers(text: string): Matcher[] {
  const inner = text.trim().replace(/^\{(.*)\}$/s, '$1')
  return (inner.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []).filter((part) => part.trim() !== '').map(parseMatcher)
}

export const fits = (matchers: readonly Matcher[], labels: Labels): boolean => matchers.every((matcher) => matcher.matchesLabels(labels))

/** Reads alertmanager.yml. @throws ConfigError k8s: alertmanager config.Load */
export function loadAlertmanagerConfig(text: string): AlertmanagerConfig {
  const yaml = new YamlReader(text)
  const plain = (at: YamlNode) => yaml.plain(at) ?? null
  const durationOf = (given: string) => { try { return parseDuration(given) } catch (error) { throw new ConfigError((error as Error).message) } }
  const duration = (at: YamlNode) => durationOf(yaml.string(at) ?? '')
  const texts = yaml.map('map[string]string', yaml.string)
  const matchersOf = yaml.list('[]string', yaml.string)
  const together = (equal: Record<string, string> | undefined, regex: Record<string, string> | undefined, list: readonly string[] | undefined) => [...Object.entries(equal ?? {}).map(([name, value]) => matcherOf(name, '=', value)), ...Object.entries(regex ?? {}).map(([name, value]) => matcherOf(name, '=~', value)), ...(list ?? []).flatMap(parseMatchers)]
  interface Given { receiver?: string; group_by?: string[]; match?: Record<string, string>; match_re?: Record<string, string>; matchers?: string[]; continue?: boolean; routes?: Given[]; group_wait?: number; group_interval?: number; repeat_interval?: number }
  const route = (at: YamlNode): Given => yaml.fields(at, 'config.plain', {
    receiver: yaml.string, group_by: yaml.list('[]string', yaml.string), match: texts, match_re: texts, matchers: matchersOf, continue: yaml.boolean, group_wait: duration, group_interval: duration, repeat_interval: duration,
    mute_time_intervals: () => { throw new ConfigError('mute_time_intervals is not supported by this build') }, active_time_intervals: () => { throw new ConfigError('active_time_intervals is not supported by this build') }, routes: yaml.list('[]*config.Route', (each: YamlNode): Given => route(each)),
  })
  const read = yaml.fields(yaml.root, 'config.plain', {
    global: (at) => { const all = (yaml.plain(at) ?? {}) as { resolve_timeout?: string }; return { resolveTimeoutMs: all.resolve_timeout ? durationOf(String(all.resolve_timeout)) : 300_000 } },
    templates: plain, time_intervals: plain, mute_time_intervals: plain, tracing: plain,
    route,
    receivers: yaml.list('[]config.Receiver', (at): Receiver => {
      const given = yaml.fields(at, 'config.plain', {
        name: yaml.string, labels: plain, ...Object.fromEntries(OUTSIDE.map((kind) => [`${kind}_configs`, plain])),
        webhook_configs: yaml.list('[]*config.WebhookConfig', (each): Webhook => {
          const hook = yaml.fields(each, 'config.plain', { url: yaml.string, url_file: yaml.string, send_resolved: yaml.boolean, max_alerts: yaml.number, timeout: duration, http_config: plain, payload: plain })
          if (hook.url_file) throw new ConfigError('url_file of webhook_configs is not supported by this build')
          if (!hook.url) throw new ConfigError('one of url or url_file must be configured')
          return { url: hook.url, sendResolved: hook.send_resolved ?? true, maxAlerts: hook.max_alerts ?? 0, timeoutMs: hook.timeout || 30_000 }
        }),
      }) as { name?: string; webhook_configs?: Webhook[] } & Record<string, unknown>
      if (!given.name) throw new ConfigError('missing name in receiver')
      return { name: given.name, webhooks: given.webhook_configs ?? [], others: OUTSIDE.filter((kind) => given[`${kind}_configs`]) }
    }),
    inhibit_rules: yaml.list('[]config.InhibitRule', (at): InhibitRule => {
      const given = yaml.fields(at, 'config.plain', { name: yaml.string, source_match: texts, source_match_re: texts, source_matchers: matchersOf, target_match: texts, target_match_re: texts, target_matchers: matchersOf, equal: yaml.list('model.LabelNames', yaml.string) })
      return { source: together(given.source_match, given.source_match_re, given.source_matchers), target: together(given.target_match, given.target_match_re, given.target_matchers), equal: given.equal ?? [] }
    }),
  })
  yaml.finish()
  const receivers = new Map<string, Receiver>()
  for (const receiver of read.receivers ?? []) {
    if (receivers.has(receiver.name)) throw new ConfigError(`notification config name ${JSON.stringify(receiver.name)} is not unique`)
    receivers.set(receiver.name, receiver)
  }
  if (!read.route) throw new ConfigError('no routes provided')
  if (!read.route.receiver) throw new ConfigError('root route must specify a default receiver')
  if (read.route.match || read.route.match_re || read.route.matchers) throw new ConfigError('root route must not have any matchers')
  if (read.route.continue) throw new ConfigError('cannot have continue in root route')
  const made = (given: Given, parent: Route | undefined, at: string): Route => {
    const matchers = together(given.match, given.match_re, given.matchers)
    const receiver = given.receiver || parent!.receiver
    if (!receivers.has(receiver)) throw new ConfigError(`undefined receiver ${JSON.stringify(receiver)} used in route`)
    const own: Route = {
      receiver, groupBy: given.group_by ?? parent?.groupBy ?? [], matchers, continues: given.continue ?? false, groupWaitMs: given.group_wait ?? parent?.groupWaitMs ?? 30_000, groupIntervalMs: given.group_interval ?? parent?.groupIntervalMs ?? 300_000, repeatMs: given.repeat_interval ?? parent?.repeatMs ?? 4 * 3_600_000,
      routes: [], key: `${at}{${matchers.join(',')}}`,
    }
    if (own.groupIntervalMs === 0) throw new ConfigError('group_interval cannot be zero')
    if (own.repeatMs === 0) throw new ConfigError('repeat_interval cannot be zero')
    return { ...own, routes: (given.routes ?? []).map((each) => made(each, own, `${own.key}/`)) }
  }
  return { resolveTimeoutMs: read.global?.resolveTimeoutMs ?? 300_000, route: made(read.route, undefined, ''), receivers, inhibitRules: read.inhibit_rules ?? [], text }
}

/** The routes that an alert takes: the deepest that fit, the first of its siblings unless one says `continue`. k8s: alertmanager dispatch Route.Match */
export function routesFor(route: Route, labels: Labels): Route[] {
  if (!fits(route.matchers, labels)) return []
  const out: Route[] = []
  for (const child of route.routes) {
    const found = routesFor(child, labels)
    out.push(...found)
    if (found.length > 0 && !child.continues) break
  }
  return out.length > 0 ? out : [route]
}
