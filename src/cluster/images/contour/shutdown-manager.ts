import { httpRequest } from '../../../base/http.ts'
import { errorText } from '../../../unix/errno.ts'
import type { Proc } from '../../../unix/types.ts'
import { goDurationText, parseGoDuration } from '../../kinds/duration.ts'
import { goProgram, untilKilled } from '../agnhost/go-server.ts'
import { kingpinFlags } from './flags.ts'
import { logrus } from './log.ts'

const READY_FILE = '/admin/ok'
const CHECK_MS = 1000
const ATTEMPTS_MS = [0, 200, 1000, 5000]

/** `contour envoy shutdown-manager`: holds Envoy's end back until its connections are drained. k8s: contour/cmd/contour/shutdownmanager.go */
export async function shutdownManager(proc: Proc, args: readonly string[]): Promise<number> {
  const { flags } = kingpinFlags(args, new Set(['ready-file', 'serve-port']), new Set(), new Set(['debug']))
  const readyFile = flags.text('ready-file', READY_FILE)
  logrus(proc, 'info', 'started envoy shutdown manager', { context: 'shutdown-manager' })
  const fields = { context: 'shutdownReadyHandler' }
  proc.net.listenHttp(Number(flags.text('serve-port', '8090')), async (request) => {
    const { pathname } = new URL(request.url)
    if (pathname === '/healthz') return new Response('OK')
    if (pathname !== '/shutdown') return new Response('404 page not found\n', { status: 404 })
    while (!proc.fs.exists(readyFile)) {
      logrus(proc, 'info', `file ${readyFile} does not exist; checking again in ${goDurationText(CHECK_MS)}`, fields)
      await proc.sleep(CHECK_MS)
      if (request.signal.aborted) { logrus(proc, 'info', 'client request cancelled', fields); return new Response(null) }
    }
    logrus(proc, 'info', `detected file ${readyFile}; sending HTTP response`, fields)
    return new Response('OK')
  })
  return goProgram(proc, () => untilKilled(proc))
}

/** `contour envoy shutdown`: has Envoy fail its health checks, and waits for its connections to end. */
export async function shutdown(proc: Proc, args: readonly string[]): Promise<number> {
  const { flags } = kingpinFlags(args, new Set(['admin-address', 'check-delay', 'check-interval', 'drain-delay', 'min-open-connections', 'ready-file']), new Set(), new Set(['admin-port', 'debug']))
  const ms = (name: string, otherwise: number) => parseGoDuration(flags.text(name)) ?? otherwise
  const fields = { context: 'shutdownHandler' }
  const admin = flags.text('admin-address', '/admin/admin.sock')
  const ask = async (method: string, path: string) => {
    // The file stands for a socket: it names Envoy's port.
    const response = await proc.net.fetch(httpRequest(`http://127.0.0.1:${proc.fs.readText(admin).trim()}${path}`, { method }), {})
    if (response.status !== 200) throw new Error(`${method} for "http://unix${path}" returned HTTP status ${response.status}`)
    return response.text()
  }
  const [drainMs, delayMs] = [ms('drain-delay', 0), ms('check-delay', 0)]
  logrus(proc, 'info', `waiting ${goDurationText(drainMs)} before draining connections`, fields)
  await proc.sleep(drainMs)
  logrus(proc, 'info', 'failing envoy healthchecks', { context: 'shutdown' })
  for (const [i, waitMs] of ATTEMPTS_MS.entries()) {
    await proc.sleep(waitMs)
    logrus(proc, 'info', 'attempting to shutdown', { context: 'shutdown' })
    try { await ask('POST', '/healthcheck/fail'); break } catch (error) {
      if (proc.killed.aborted) throw error
      if (i === ATTEMPTS_MS.length - 1) logrus(proc, 'error', `error sending envoy healthcheck fail after 4 attempts: ${errorText(error)}`, fields)
    }
  }
  logrus(proc, 'info', `waiting ${goDurationText(delayMs)} before polling for draining connections`, fields)
  await proc.sleep(delayMs)
  const least = Number(flags.text('min-open-connections', '0'))
  for (;; await proc.sleep(ms('check-interval', 5000))) {
    try {
      const stats = await ask('GET', '/stats/prometheus')
      const open = [...stats.matchAll(/^envoy_http_downstream_cx_active\{[^}]*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0)
      const found = { ...fields, open_connections: open, min_connections: least }
      if (open > least) { logrus(proc, 'info', 'polled open connections', found); continue }
      logrus(proc, 'info', 'min number of open connections found, shutting down', found)
      proc.fs.writeFile(flags.text('ready-file', READY_FILE), '')
      return 0
    } catch (error) {
      if (proc.killed.aborted) throw error
      logrus(proc, 'error', errorText(error), { context: 'shutdown' })
    }
  }
}
