import { httpRequest } from '../../../base/http.ts'
import type { Proc } from '../../../unix/types.ts'
import { goNetError } from '../../../unix/net/go-net-error.ts'

/** Files are looked at again after this long even when nobody tells of a change, and a failed reload is tried again after the other. */
const WATCH_MS = 180_000
const RETRY_MS = 5_000
/** Changes of one update come together. */
const DELAY_MS = 1_000
const QUIET = ['log-format', 'log-level', 'watch-interval', 'delay-interval', 'retry-interval', 'reload-timeout', 'web-config-file', 'statefulset-ordinal-from-envvar']

/** The program `prometheus-config-reloader`. */
export async function configReloader(proc: Proc): Promise<number> {
  const folders: string[] = []
  let listen = ':8080'
  let reloadUrl = 'http://127.0.0.1:9090/-/reload'
  const args = proc.argv.slice(1)
  for (let i = 0; i < args.length; i++) {
    const [name = '', ...given] = args[i]!.replace(/^--?/, '').split('=')
    const value = given.length > 0 ? given.join('=') : args[++i] ?? ''
    if (name === 'watched-dir' || name === 'config-file') folders.push(...value.split(','))
    else if (name === 'listen-address') listen = value
    else if (name === 'reload-url') reloadUrl = value
    else if (!QUIET.includes(name)) { await proc.stderr.write(`prometheus-config-reloader: error: unknown flag, or one that is not supported by this build: --${name}\n`); return 1 }
  }
  const log = (level: string, text: string) => void proc.stdout.write(`ts=${new Date(proc.clock.nowMs()).toISOString()} level=${level} caller=/workspace/cmd/prometheus-config-reloader/main.go:200 ${text}\n`).catch(() => {})
  let reloads = 0
  let failures = 0
  const port = Number(/:(\d+)$/.exec(listen)?.[1] ?? 8080)
  proc.net.listenHttp(port, ({ url }) => {
    const { pathname } = new URL(url)
    if (pathname === '/healthz') return new Response('ok')
    if (pathname === '/metrics') return new Response(`# HELP reloader_reloads_total Total number of reload requests.\n# TYPE reloader_reloads_total counter\nreloader_reloads_total ${reloads}\n# HELP reloader_reloads_failed_total Total number of reload requests that failed.\n# TYPE reloader_reloads_failed_total counter\nreloader_reloads_failed_total ${failures}\n`, { headers: { 'content-type': 'text/plain; version=0.0.4' } })
    return new Response('404 page not found\n', { status: 404 })
  })
  log('info', 'msg="Starting prometheus-config-reloader"')
  const shown = (path: string): string => {
    try {
      const { type } = proc.fs.stat(path)
      if (type === 'directory') return proc.fs.readdir(path).filter((name) => !name.startsWith('..')).map((name) => `${name}\n${shown(`${path}/${name}`)}`).join('\n')
      return proc.fs.readText(path)
    } catch {
      return ''
    }
  }
  const state = () => folders.map(shown).join('\0')
  let wake: (() => void) | undefined
  let isChanged = false
  const ends = folders.filter((folder) => proc.fs.exists(folder)).map((folder) => proc.fs.watch(folder, () => { isChanged = true; wake?.() }))
  // Volumes outlive the process that watches them.
  proc.killed.addEventListener('abort', () => { for (const end of ends) end() }, { once: true })
  const run = (async () => {
    let known: string | undefined
    for (;;) {
      isChanged = false
      const now = state()
      let waitMs = WATCH_MS
      if (now !== known) {
        reloads++
        try {
          const response = await proc.net.fetch(httpRequest(reloadUrl, { method: 'POST' }), { connectTimeoutMs: 30_000 })
          const body = await response.text()
          if (response.status !== 200) throw new Error(`received non-200 response: ${response.status} ${body.trim()}; have you set \`--web.enable-lifecycle\` Prometheus flag?`)
          log('info', `msg="Reload triggered" cfg_in= cfg_out= cfg_dirs= watched_dirs=${JSON.stringify(folders.join(', '))}`)
          known = now
        } catch (error) {
          if (proc.killed.aborted) throw error
          failures++
          const { hostname, port: at } = new URL(reloadUrl)
          log('error', `msg="Failed to trigger reload. Retrying." err=${JSON.stringify(`trigger reload: ${goNetError(error, hostname, Number(at || 80))}`)}`)
          waitMs = RETRY_MS
        }
      }
      // What changed while it was asked for the reload isn't in it.
      await new Promise<void>((resolve) => {
        let timer = proc.clock.after(isChanged ? DELAY_MS : waitMs, resolve)
        wake = () => { wake = undefined; timer.cancel(); timer = proc.clock.after(DELAY_MS, resolve) }
      })
      proc.killed.throwIfAborted()
    }
  })()
  run.catch(() => {})
  await proc.signal('SIGTERM', 'SIGINT')
  return 0
}
