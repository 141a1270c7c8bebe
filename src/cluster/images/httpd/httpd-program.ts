import { errorText } from '../../../unix/errno.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Listener, Proc, Program } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import { HttpdConfigError } from './httpd-config.ts'
import { PID_FILE, SERVER_ROOT } from './httpd-paths.ts'
import { accessLine, answerRequest, loadHttpdConfig } from './httpd-server.ts'
import type { HttpdSetup } from './httpd-server.ts'

const MEMORY_BYTES = 6 * 2 ** 20
const ERRNO: Readonly<Record<string, number>> = { EACCES: 13, EADDRINUSE: 98, EADDRNOTAVAIL: 99, EROFS: 30, ENOENT: 2 }

/** httpd of one version: reads its configuration, serves until it is told to stop. */
export function httpdProgram(version: string): Program {
  return async (proc) => {
    const args = proc.argv.slice(1)
    const file = args.includes('-f') ? proc.resolve(args[args.indexOf('-f') + 1]!) : `${SERVER_ROOT}/conf/httpd.conf`
    if (args.includes('-v') || args.includes('-V')) {
      await proc.stdout.write(`Server version: Apache/${version} (Unix)\nServer built:   ${formatDate('%b %e %Y %H:%M:%S', Date.UTC(2026, 5, 9, 3, 14, 7))}\n`)
      return 0
    }
    const control = args.includes('-k') ? args[args.indexOf('-k') + 1] : undefined
    if (control !== undefined && control !== 'start') return signalParent(proc, control)
    const name = nameWarning(proc)
    const loaded = await loadOrComplain(proc, file)
    if (!loaded) return 1
    let setup = loaded
    const unnamed = setup.main.some((d) => d.name === 'servername') ? '' : name
    if (args.includes('-t')) {
      await proc.stderr.write(`${unnamed}Syntax OK\n`)
      return 0
    }
    // Said twice: the configuration is read for a check first.
    await proc.stderr.write(unnamed + unnamed)
    const listeners = new Map<string, Listener>()
    const listenAll = () => {
      const wanted = new Set(setup.listens.map(({ port, ip }) => `${ip ?? '0.0.0.0'}:${port}`))
      for (const [key, listener] of listeners) if (!wanted.has(key)) { listener.close(); listeners.delete(key) }
      for (const { port, ip } of setup.listens) {
        const key = `${ip ?? '0.0.0.0'}:${port}`
        if (!listeners.has(key)) listeners.set(key, proc.net.listenHttp(port, async (request, peer) => {
          const response = await answerRequest(proc, setup, version, port, request, peer)
          const line = accessLine(setup, proc.clock.nowMs(), request, peer, response)
          if (line !== undefined) await proc.stdout.write(`${line}\n`).catch(() => {})
          return response
        }, ip === undefined ? {} : { ip }))
      }
    }
    try {
      listenAll()
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      const { port, ip } = setup.listens.find((each) => !listeners.has(`${each.ip ?? '0.0.0.0'}:${each.port}`))!
      const problem = `(${ERRNO[error.code] ?? 22})${errorText(error)}: AH00072: make_sock: could not bind to address `
      await proc.stderr.write(`${(ip === undefined ? ['[::]', '0.0.0.0'] : [ip]).map((address) => `${problem}${address}:${port}\n`).join('')}no listening sockets available, shutting down\nAH00015: Unable to open logs\n`)
      return 1
    }
    const say = (module: string, level: string, text: string) => proc.stderr.write(`[${formatDate('%a %b %d %H:%M:%S.', proc.clock.nowMs())}${String(Math.floor(proc.clock.nowMs() % 1000)).padStart(3, '0')}000 ${formatDate('%Y', proc.clock.nowMs())}] [${module}:${level}] [pid ${proc.pid}:tid ${proc.pid}] ${text}\n`)
    try {
      proc.fs.writeFile(PID_FILE, `${proc.pid}\n`)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await say('core', 'error', `(${ERRNO[error.code] ?? 22})${errorText(error)}: AH00099: could not create ${PID_FILE}.${proc.random.hex(3)}`)
      await say('core', 'error', `AH00100: httpd: could not log pid to file ${PID_FILE}`)
      return 1
    }
    proc.useMemory(MEMORY_BYTES)
    const announce = async () => {
      await say('mpm_event', 'notice', `AH00489: Apache/${version} (Unix) configured -- resuming normal operations`)
      await say('core', 'notice', "AH00094: Command line: 'httpd -D FOREGROUND'")
    }
    await announce()
    for (;;) {
      const signal = await proc.signal('SIGWINCH', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1')
      if (signal === 'SIGHUP' || signal === 'SIGUSR1') {
        await say('mpm_event', 'notice', signal === 'SIGHUP' ? 'AH00494: SIGHUP received.  Attempting to restart' : 'AH00493: SIGUSR1 received.  Doing graceful restart')
        const fresh = await loadOrComplain(proc, file)
        if (!fresh) return 1
        setup = fresh
        listenAll()
        await announce()
        continue
      }
      await say('mpm_event', 'notice', signal === 'SIGWINCH' ? 'AH00492: caught SIGWINCH, shutting down gracefully' : `AH00491: caught ${signal}, shutting down`)
      return 0
    }
  }
}

/** The configuration, or undefined once the fault in it has been told. */
async function loadOrComplain(proc: Proc, file: string): Promise<HttpdSetup | undefined> {
  try {
    return loadHttpdConfig(proc, file)
  } catch (error) {
    if (!(error instanceof HttpdConfigError)) throw error
    await proc.stderr.write(error.message)
    return undefined
  }
}

/** What httpd says where neither its configuration nor DNS gives the server a name. */
function nameWarning(proc: Proc): string {
  return `AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using ${proc.net.addresses[0] ?? '127.0.0.1'}. Set the 'ServerName' directive globally to suppress this message\n`
}

/** `httpd -k stop` and its kin. */
async function signalParent(proc: Proc, action: string): Promise<number> {
  const signal = ({ stop: 'SIGTERM', restart: 'SIGHUP', graceful: 'SIGUSR1', 'graceful-stop': 'SIGWINCH' } as const)[action]
  if (!signal) {
    await proc.stderr.write(`httpd: unknown action ${action}\n`)
    return 1
  }
  const pid = proc.fs.exists(PID_FILE) ? Number(proc.fs.readText(PID_FILE)) : 0
  const parent = proc.machine.process(pid)
  if (!parent) {
    await proc.stderr.write(`httpd (no pid file) not running\n`)
    return action === 'stop' ? 0 : 1
  }
  parent.kill(signal)
  return 0
}
