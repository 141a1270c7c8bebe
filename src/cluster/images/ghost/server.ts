import { httpResponse } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { ProcessKilled, UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { addressOf, readCookies, readForm } from '../web/read-form.ts'
import { adminAnswer } from './admin.ts'
import { apiAnswer } from './api.ts'
import { Blog } from './blog.ts'
import { ConfigurationError, readConfiguration } from './configuration.ts'
import type { GhostConfiguration } from './configuration.ts'
import { Database, DatabaseError } from './database.ts'
import { frontAnswer } from './front.ts'
import type { GhostRelease } from './ghost.ts'
import { MigrationsLocked, initialise } from './schema.ts'

/** What a request is answered with. */
export interface GhostAnswer { status: number; type?: string; body?: string; headers?: Record<string, string>; cookies?: string[] }

/** A request with what its answer depends on. */
export interface Visit { request: HttpRequest; address: URL; form: URLSearchParams; cookies: Map<string, string> }

/** Ghost's exit code when its start fails. */
const BOOT_FAILED = 2

/** Ghost: starts, brings its database up to date, and serves until it is told to stop. */
export async function ghostServer(proc: Proc, release: GhostRelease): Promise<number> {
  proc.useMemory(110 * 2 ** 20)
  proc.useCpuSteadily(2)
  const beginMs = proc.clock.nowMs()
  const seconds = () => `${(Math.round(proc.clock.nowMs() - beginMs) / 1000)}s`
  const say = async (level: 'INFO' | 'WARN' | 'ERROR', text: string) => { await (level === 'INFO' ? proc.stdout : proc.stderr).write(`[${new Date(Math.floor(proc.clock.nowMs())).toISOString().slice(0, 19).replace('T', ' ')}] ${level} ${text}\n`) }
  let configuration: GhostConfiguration
  try { configuration = await readConfiguration(proc, release) } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    await proc.stderr.write(`${error.message}\n`)
    return 1
  }
  const { env, url, server } = configuration
  const database = new Database(proc, configuration.database)
  const blog = new Blog(proc, database, release, configuration)
  let isReady = false
  const announce = async () => {
    await say('INFO', `Ghost is running in ${env}...`)
    if (env === 'production') await say('INFO', `Your ${release.major >= 2 ? 'site' : 'blog'} is now available on ${url}/`)
    else { await say('INFO', `Listening on: ${server.host}:${server.port}`); await say('INFO', `Url configured as: ${url}/`) }
    await say('INFO', 'Ctrl+C to shut down')
  }
  const goodbye = async () => {
    if (release.major >= 4) { await say('WARN', 'Ghost is shutting down'); await say('WARN', 'Ghost has shut down') } else await say('WARN', 'Ghost has shut down')
    if (env === 'production') await say('WARN', `Your ${release.major >= 2 ? 'site' : 'blog'} is now offline`)
    await say('WARN', `Ghost was running for ${humanized(proc.clock.nowMs() - beginMs)}`)
  }
  const stop = proc.signal('SIGTERM', 'SIGINT').then(() => 'stop' as const)
  const listen = () => { proc.net.listenHttp(server.port, async (request) => {
    const startMs = proc.clock.nowMs()
    const answer = await respond(blog, request, isReady, say)
    const { pathname, search } = new URL(request.url)
    await say('INFO', `"${request.method} ${pathname}${search}" ${answer.status} ${Math.round(proc.clock.nowMs() - startMs)}ms`)
    return answer
  }, ['127.0.0.1', 'localhost'].includes(server.host) ? { ip: '127.0.0.1' } : {}) }
  const boot = async (): Promise<number | undefined> => {
    await proc.sleep(400)
    if (release.major >= 4) {
      listen()
      await announce()
      await say('INFO', `Ghost server started in ${seconds()}`)
    }
    try {
      await initialise(proc, database, release, say)
    } catch (error) {
      if (error instanceof ProcessKilled || !(error instanceof DatabaseError || error instanceof MigrationsLocked)) throw error
      const code = error instanceof DatabaseError ? error.code : 'MigrationsAreLockedError'
      if (release.major >= 4) {
        await say('ERROR', `${error.message}\n\n${error.message}\n\n"${error instanceof DatabaseError ? 'Unknown database error' : 'If you are sure no migration is running, check your data and if your database is in a broken state, you could run `knex-migrator rollback`.'}"\n\nError ID:\n    500\n\nError Code: \n    ${code}\n\n----------------------------------------\n\nError: ${error.message}\n`)
      } else await say('ERROR', `\n\nNAME: RollbackError\nCODE: ${code}\nMESSAGE: ${error.message}\n\nlevel:normal\n\nOuterError: The server has encountered an error.\nRollbackError: ${error.message}\n`)
      await goodbye()
      return BOOT_FAILED
    }
    if (release.major >= 4) await say('INFO', `Ghost database ready in ${seconds()}`)
    else { listen(); await announce() }
    isReady = true
    await say('INFO', release.major >= 4 ? `Ghost booted in ${seconds()}` : `Ghost boot ${seconds()}`)
    return undefined
  }
  const failed = await Promise.race([boot(), stop])
  if (typeof failed === 'number') return failed
  if (failed === undefined) await stop
  await goodbye()
  await database.close().catch(() => {})
  return 0
}

/** A duration as moment words it. */
function humanized(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 45) return 'a few seconds'
  if (seconds < 90) return 'a minute'
  if (seconds < 45 * 60) return `${Math.round(seconds / 60)} minutes`
  if (seconds < 90 * 60) return 'an hour'
  return seconds < 22 * 3600 ? `${Math.round(seconds / 3600)} hours` : seconds < 36 * 3600 ? 'a day' : `${Math.round(seconds / 86_400)} days`
}

async function respond(blog: Blog, request: HttpRequest, isReady: boolean, say: (level: 'ERROR', text: string) => Promise<void>): Promise<Response> {
  const { proc, configuration: { url } } = blog
  proc.useCpu(12e6)
  const address = addressOf(request)
  const isApi = address.pathname.startsWith('/ghost/api/')
  let answer: GhostAnswer
  try {
    const visit: Visit = { request, address, form: await readForm(request), cookies: readCookies(request) }
    if (!isReady) answer = isApi || (request.headers.get('accept') ?? '').includes('json') ? errorAnswer(503, 'MaintenanceError', 'Site is starting up, please wait a moment then retry.') : { status: 503, body: "<!DOCTYPE html>\n<html><head><title>We'll be right back</title></head><body><h1>We'll be right back.</h1><p>The site is starting.</p></body></html>\n", headers: { 'retry-after': '2' } }
    // A blog of https sends everybody there who doesn't come by it.
    else if (url.startsWith('https:') && request.headers.get('x-forwarded-proto') !== 'https') answer = { status: 301, headers: { location: `${url}${address.pathname}${address.search}` } }
    else answer = isApi ? await apiAnswer(blog, visit) : address.pathname === '/ghost' ? { status: 301, headers: { location: '/ghost/' } } : address.pathname.startsWith('/ghost/') ? await adminAnswer(blog, visit) : await frontAnswer(blog, visit)
  } catch (error) {
    if (error instanceof ProcessKilled || error instanceof UnixError) throw error
    await say('ERROR', `"${request.method} ${address.pathname}" 500\n\n${(error as Error).message}\n\nError ID:\n    500\n${error instanceof DatabaseError ? `\nError Code: \n    ${error.code}\n` : ''}`)
    answer = isApi ? errorAnswer(500, 'InternalServerError', 'An unexpected error occurred, please try again.', error instanceof DatabaseError ? error.message : null, error instanceof DatabaseError ? error.code : null) : { status: 500, body: '<!DOCTYPE html>\n<html><head><title>500 — An unexpected error occurred, please try again.</title></head><body><h1>500</h1><p>An unexpected error occurred, please try again.</p></body></html>\n' }
  }
  const body = answer.body ?? ''
  const headers = new Headers({ 'x-powered-by': 'Express', 'cache-control': isApi || address.pathname.startsWith('/ghost') ? 'no-cache, private, no-store, must-revalidate, max-stale=0, post-check=0, pre-check=0' : 'public, max-age=0', 'content-type': answer.type ?? 'text/html; charset=utf-8', ...answer.headers })
  for (const cookie of answer.cookies ?? []) headers.append('set-cookie', cookie)
  return httpResponse(request.method === 'HEAD' || answer.status === 204 ? null : body, { status: answer.status, headers })
}

/** An error as Ghost's APIs word it. */
export function errorAnswer(status: number, type: string, message: string, context: string | null = null, code: string | null = null): GhostAnswer {
  return { status, type: 'application/json; charset=utf-8', body: JSON.stringify({ errors: [{ message, context, type, details: null, property: null, help: null, code, id: null, ghostErrorCode: null }] }) }
}
