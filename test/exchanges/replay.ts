import { httpRequest } from '../../src/base/http.ts'
import type { ConnectionInfo } from '../../src/cluster/apiserver/seams.ts'
import type { ClusterClock } from '../../src/base/clock.ts'
import type { HttpRequest } from '../../src/base/http.ts'
// @ts-expect-error plain JavaScript, shared with nothing that is shipped
import { at, diff, drop, learn, mask, normalise, sortAt, sorted } from './normalise.mjs'

/** One request of a recorded conversation and what the real server answered. */
export interface Step {
  method?: string
  path?: string
  watch?: string
  ms?: number
  body?: unknown
  type?: string
  accept?: string
  as?: { user: string; groups?: string[] }
  save?: Record<string, string>
  until?: { path: string; equals?: unknown; seconds?: number }
  raw?: boolean
  ignore?: string[]
  unordered?: string[]
  status: number
  warnings?: string[]
  contentType?: string
  response?: unknown
  events?: unknown[]
}

export interface Case {
  name: string
  about: string
  namespace?: 'auto'
  cleanup?: string[]
  managedFields?: boolean
  steps: Step[]
}

/** What a case needs of a cluster: the door, the admin's connection and the clock, which the replay drives. */
export interface Target {
  handle(request: HttpRequest, connection?: ConnectionInfo): Promise<Response>
  connection: ConnectionInfo
  clock: ClusterClock
}

interface Answer {
  status: number
  contentType?: string
  warnings: string[]
  text: string
}

const POLL_MS = 10_000
const POLL_EVERY_MS = 50
/** How long a request is under way: controllers work meanwhile, as they did when the real server was recorded. */
const LATENCY_MS = 20
let namespaces = 0

/** Lets cluster time run until the promise settles. */
async function drive<T>(clock: ClusterClock, work: Promise<T>, withinMs = 35_000): Promise<T> {
  let settled = false
  const done = work.finally(() => { settled = true })
  done.catch(() => {})
  await clock.until(() => settled, { withinMs, what: 'an answer' })
  return done
}

async function send(target: Target, request: { method?: string; path: string; body?: unknown; type?: string; accept?: string; as?: Step['as']; ms?: number }): Promise<Answer> {
  const headers = new Headers({ accept: request.accept ?? 'application/json', 'user-agent': 'replay/1' })
  const body = request.body === undefined ? undefined : typeof request.body === 'string' ? request.body : JSON.stringify(request.body)
  if (body !== undefined) headers.set('content-type', request.type ?? 'application/json')
  if (request.as) {
    headers.set('impersonate-user', request.as.user)
    for (const group of request.as.groups ?? []) headers.append('impersonate-group', group)
  }
  const gone = new AbortController()
  const response = await drive(target.clock, target.handle(httpRequest(`https://replay.test${request.path}`, { method: request.method ?? 'GET', headers, ...(body === undefined ? {} : { body }), signal: gone.signal }), target.connection))
  const warnings = [...(response.headers.get('warning') ?? '').matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map((m) => m[1]!.replace(/\\(.)/g, '$1'))
  const contentType = response.headers.get('content-type') ?? undefined
  let text = ''
  if (response.body) {
    const decoder = new TextDecoder()
    const reader = response.body.getReader()
    const reading = (async () => {
      for (let part = await reader.read(); !part.done; part = await reader.read()) text += decoder.decode(part.value, { stream: true })
    })()
    reading.catch(() => {})
    if (request.ms && response.status === 200) {
      let ended = false
      void reading.finally(() => { ended = true }).catch(() => {})
      const endMs = target.clock.nowMs() + request.ms
      await target.clock.until(() => ended || target.clock.nowMs() >= endMs, { withinMs: request.ms }).catch(() => {})
      gone.abort()
      await reader.cancel().catch(() => {})
    } else await drive(target.clock, reading)
  }
  return { status: response.status, ...(contentType ? { contentType } : {}), warnings, text }
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Bookmarks that a server sends from time to time; only the one that ends the initial events is compared. */
const isPeriodic = (event: { type?: string; object?: unknown }) => event?.type === 'BOOKMARK' && !JSON.stringify(event.object).includes('k8s.io/initial-events-end')

async function perform(target: Target, step: Step, vars: Record<string, unknown>, context: any): Promise<Record<string, unknown>> {
  const fill = <T>(x: T): T => x === undefined ? x : JSON.parse(JSON.stringify(x).replace(/\{\{(.)\*(\d+)\}\}/g, (_, c: string, n: string) => c.repeat(Number(n)))
    .replace(/\{\{(\w+)\}\}/g, (m, k: string) => k in vars ? JSON.stringify(String(vars[k])).slice(1, -1) : m))
  const request = {
    ...(step.method ? { method: step.method } : {}), path: fill(step.watch ?? step.path)!, body: fill(step.body), ...(step.as ? { as: fill(step.as) } : {}),
    ...(step.type ? { type: step.type } : {}), ...(step.accept ? { accept: step.accept } : {}), ...(step.watch ? { ms: step.ms ?? 500 } : {}),
  }
  const deadlineMs = target.clock.nowMs() + (step.until?.seconds ? step.until.seconds * 1000 : POLL_MS)
  let answer: Answer
  let body: any
  for (;;) {
    await target.clock.advance(LATENCY_MS)
    answer = await send(target, request)
    body = step.raw ? answer.text : parse(answer.text)
    const reached = !step.until || JSON.stringify(sorted(at(body, fill(step.until.path)))) === JSON.stringify(sorted(fill(step.until.equals)))
    if (reached || target.clock.nowMs() > deadlineMs) break
    await target.clock.advance(POLL_EVERY_MS)
  }
  const streamed = step.watch && answer.status === 200
  if (streamed) body = answer.text.split('\n').filter(Boolean).map(parse).filter((event) => !isPeriodic(event as { type?: string }))
  for (const [name, path] of Object.entries(step.save ?? {})) vars[name] = at(body, path) ?? ''
  learn(body, context)
  const shown = normalise(body, context)
  for (const path of step.ignore ?? []) drop(shown, path)
  for (const path of step.unordered ?? []) sortAt(shown, path)
  const got: Record<string, unknown> = { status: answer.status }
  if (answer.warnings.length) got.warnings = answer.warnings.map((w) => mask(w, context))
  if (answer.contentType !== 'application/json' && !streamed) got.contentType = answer.contentType
  got[streamed ? 'events' : 'response'] = shown
  return got
}

/** Takes away what the recorded server didn't have: it ran without add-ons. */
export async function removeAddons(target: Target): Promise<void> {
  await send(target, { method: 'DELETE', path: '/apis/storage.k8s.io/v1/storageclasses/standard' })
}

/** The first difference of a case, or undefined when every answer is the recorded one. */
export async function replayCase(target: Target, recorded: Case): Promise<string | undefined> {
  const vars: Record<string, unknown> = {}
  const context: any = { masks: new Map(), given: JSON.stringify(recorded.steps.map((s) => [s.path, s.body])), managedFields: recorded.managedFields }
  const remove = async (path: string) => {
    await send(target, { method: 'DELETE', path })
    for (let i = 0; i < 100 && (await send(target, { path })).status === 200; i++) await target.clock.advance(100)
  }
  context.stems = [...context.given.matchAll(/"generateName":"([^"]+)"/g)].map((m: RegExpMatchArray) => m[1])
  if (recorded.namespace === 'auto') {
    const name = `case-${String(++namespaces).padStart(5, 'x').replace(/\d/g, (d) => 'bcdfghjklm'[Number(d)]!)}`
    vars.ns = context.ns = name
    await send(target, { method: 'POST', path: '/api/v1/namespaces', body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } })
    const has = async (path: string) => (await send(target, { path: `/api/v1/namespaces/${name}/${path}` })).status === 200
    for (let i = 0; i < 100 && !((await has('serviceaccounts/default')) && (await has('configmaps/kube-root-ca.crt'))); i++) await target.clock.advance(POLL_EVERY_MS)
  }
  try {
    for (const [i, step] of recorded.steps.entries()) {
      const got = await perform(target, step, vars, context)
      const { status, warnings, contentType, response, events } = step
      const found = diff(JSON.parse(JSON.stringify({ status, warnings, contentType, response, events })), JSON.parse(JSON.stringify(got)))
      if (found) {
        const short = (v: unknown) => (v === undefined ? '(absent)' : JSON.stringify(v)).slice(0, 900)
        return `step ${i + 1}: ${step.method ?? (step.watch ? 'WATCH' : 'GET')} ${step.path ?? step.watch}\n  at ${found.at}\n  expected ${short(found.want)}\n  received ${short(found.got)}${found.at === 'status' ? `\n  body ${short(got.response)}` : ''}`
      }
    }
    return undefined
  } finally {
    for (const path of recorded.cleanup ?? []) await remove(path.replaceAll('{{ns}}', String(vars.ns ?? '')))
    if (vars.ns) {
      for (const kind of ['pods', 'services']) await send(target, { method: 'DELETE', path: `/api/v1/namespaces/${vars.ns}/${kind}?gracePeriodSeconds=0` })
      await send(target, { method: 'DELETE', path: `/api/v1/namespaces/${vars.ns}` })
    }
  }
}
