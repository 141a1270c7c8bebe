import { isCapable } from '../../../unix/capabilities.ts'
import { errorText } from '../../../unix/errno.ts'
import { KERNEL_RELEASE } from '../../../unix/kernel.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Listener, Proc, Process, Program, User } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import { accountId } from '../../../unix/utilities/listing.ts'
import { NginxConfigError } from './nginx-config.ts'
import type { AccessEntry } from './access-log.ts'
import { answerRequest, loadNginxConfig, plainOnTlsPage, resolveUpstreams } from './nginx-server.ts'
import type { NginxSetup, ServerIdentity } from './nginx-server.ts'

const MEMORY_BYTES = 3 * 2 ** 20

type BoundPort = NonNullable<ReturnType<NginxSetup['ports']['get']>>

/** Whether connections to a port begin after a reload as they did before; else it is taken anew, as for a certificate that was renewed. */
function isAlike(next: BoundPort | undefined, before: BoundPort | undefined): boolean {
  return next !== undefined && before !== undefined && next.ip === before.ip && next.speaksHttp2 === before.speaksHttp2 && next.tls?.certificatePem === before.tls?.certificatePem && next.tls?.keyPem === before.tls?.keyPem
}

/** nginx of one version: reads its configuration, serves until it is told to stop. */
export function nginxProgram(version: string, compiler: string): Program {
  return async (proc) => {
    const args = options(proc.argv.slice(1))
    const refused = args.find((arg, i) => arg.startsWith('-') ? !/^-[vVtTqgsc]$/.test(arg) : i === 0 || !/^-[gsc]$/.test(args[i - 1]!))
    if (refused !== undefined) { await proc.stderr.write(/^-[pe]/.test(refused) ? `nginx: ${refused} is not supported here\n` : `nginx: invalid option: "${refused.replace(/^-/, '')}"\n`); return 1 }
    if (args.includes('-v') || args.includes('-V')) { await proc.stderr.write(`nginx version: nginx/${version}\n${args.includes('-V') ? `built by ${compiler}\nTLS SNI support enabled\n` : ''}`); return 0 }
    const file = args.includes('-c') ? proc.resolve(args[args.indexOf('-c') + 1]!) : '/etc/nginx/nginx.conf'
    const stamp = () => formatDate('%Y/%m/%d %H:%M:%S', proc.clock.nowMs())
    const notice = (lines: readonly string[]) => proc.stderr.write(lines.map((line) => `${stamp()} [notice] ${proc.pid}#${proc.pid}: ${line}\n`).join(''))
    const emergency = async (text: string): Promise<number> => {
      if (args.includes('-t') || args.includes('-T')) await proc.stderr.write(`nginx: [emerg] ${text}\nnginx: configuration file ${file} test failed\n`)
      else await proc.stderr.write(`${stamp()} [emerg] ${proc.pid}#${proc.pid}: ${text}\nnginx: [emerg] ${text}\n`)
      return 1
    }
    if (args.includes('-s')) return signalMaster(proc, file, args[args.indexOf('-s') + 1] ?? '')
    let setup: NginxSetup
    try {
      setup = loadNginxConfig(proc, file)
      await resolveUpstreams(proc, setup)
    } catch (error) {
      if (!(error instanceof NginxConfigError)) throw error
      return emergency(error.message)
    }
    if (args.includes('-t') || args.includes('-T')) {
      if (!args.includes('-q')) await proc.stderr.write(`nginx: the configuration file ${file} syntax is ok\nnginx: configuration file ${file} test is successful\n`)
      if (args.includes('-T')) await proc.stdout.write([...setup.files].map(([path, text]) => `# configuration file ${path}:\n${text}\n`).join(''))
      return 0
    }
    if (proc.user.uid !== 0 && setup.user) {
      const warning = `the "user" directive makes sense only if the master process runs with super-user privileges, ignored in ${setup.user.file}:${setup.user.line}`
      await proc.stderr.write(`${stamp()} [warn] ${proc.pid}#${proc.pid}: ${warning}\nnginx: [warn] ${warning}\n`)
    }
    const userName = setup.user?.args[0] ?? 'nginx'
    if (proc.user.uid === 0 && accountId(proc, 'user', userName) === undefined) return emergency(`getpwnam("${userName}") failed${setup.user ? ` in ${setup.user.file}:${setup.user.line}` : ''}`)
    try {
      for (const folder of setup.temporaryFolders) if (!proc.fs.exists(folder)) await makeDirectory(proc, folder, workerAccount(proc, userName))
      writePid(proc, setup.pidFile)
    } catch (error) {
      if (!(error instanceof NginxConfigError)) throw error
      return emergency(error.message)
    }
    const listeners = new Map<number, Listener>()
    const account = proc.user.uid === 0 ? workerAccount(proc, userName) : undefined
    /** A worker that may not become its user ends at once. */
    const startWorker = () => {
      const refused = !account ? undefined : !isCapable(proc, 'SETGID') ? `setgid(${account.gid})` : !isCapable(proc, 'SETUID') ? `setuid(${account.uid})` : undefined
      if (refused === undefined) return proc.spawn(proc.argv, { program: worker, ...(account ? { user: account } : {}) })
      return proc.spawn(proc.argv, { program: async (own) => { await own.stderr.write(`${stamp()} [emerg] ${own.pid}#${own.pid}: ${refused} failed (1: Operation not permitted)\n`); return 2 } })
    }
    let current: Process | undefined
    let connection = 0
    let inFlight = 0
    let workerIsGone = false
    let whenIdle = () => {}
    const listen = (port: number, { ip, tls, speaksHttp2 }: { ip: string | undefined; tls?: ServerIdentity; speaksHttp2?: boolean }): Listener => proc.net.listenHttp(port, async (request, peer) => {
      if (workerIsGone) await proc.sleep(2 ** 31)
      const lines = { errors: [] as string[], access: [] as AccessEntry[] }
      inFlight += 1
      try {
        const response = await answerRequest(proc, setup, version, port, request, peer, ++connection, lines)
        if (lines.errors.length > 0) await appendLog(proc, setup.errorLog, lines.errors.map((error) => `${stamp()} [error] ${current?.pid}#${current?.pid}: ${error}\n`).join(''))
        for (const { path, line } of lines.access) await appendLog(proc, path, line)
        return response
      } finally {
        inFlight -= 1
        if (inFlight === 0) whenIdle()
      }
    }, { ...(ip === undefined ? {} : { ip }), ...(tls ? { tls: { ...tls, plainAnswer: () => plainOnTlsPage(`nginx/${version}`) } } : {}), ...(speaksHttp2 ? { versions: ['h2', 'http/1.1'] } : {}) })
    for (const [port, bound] of setup.ports) {
      try { listeners.set(port, listen(port, bound)) } catch (error) {
        if (!(error instanceof UnixError)) throw error
        const number = error.code === 'EADDRINUSE' ? 98 : error.code === 'EACCES' ? 13 : 99
        return emergency(`bind() to ${bound.ip ?? '0.0.0.0'}:${port} failed (${number}: ${errorText(error)})`)
      }
    }
    proc.useMemory(MEMORY_BYTES)
    await notice(['using the "epoll" event method', `nginx/${version}`, `built by ${compiler}`, `OS: Linux ${KERNEL_RELEASE}`, 'getrlimit(RLIMIT_NOFILE): 1048576:1048576', 'start worker processes'])
    proc.setTitle?.(`nginx: master process ${proc.argv.join(' ')}`)
    /** The worker that answers now. One that dies by itself has a successor. */
    const watchWorker = async (process: Process): Promise<void> => {
      current = process
      await notice([`start worker process ${process.pid}`])
      const { code, signal } = await process.wait()
      if (process !== current) return
      await notice([`signal 17 (SIGCHLD) received from ${process.pid}`])
      if (signal === undefined && code === 2) {
        // Nobody answers any more, though the ports stay open.
        workerIsGone = true
        await proc.stderr.write(`${stamp()} [alert] ${proc.pid}#${proc.pid}: worker process ${process.pid} exited with fatal code 2 and cannot be respawned\n`)
        return
      }
      await proc.stderr.write(`${stamp()} [alert] ${proc.pid}#${proc.pid}: worker process ${process.pid} exited ${signal === undefined ? `with code ${code}` : `on signal ${code - 128}`}\n`)
      return watchWorker(startWorker())
    }
    /** Ends the worker as a signal to the master does. */
    const endWorker = async (graceful: boolean, old: Process): Promise<void> => {
      const say = (texts: readonly string[]) => proc.stderr.write(texts.map((text) => `${stamp()} [notice] ${old.pid}#${old.pid}: ${text}\n`).join(''))
      await say(graceful ? ['gracefully shutting down', 'exiting', 'exit'] : ['exiting', 'exit'])
      old.kill('SIGQUIT')
      await notice([`signal 17 (SIGCHLD) received from ${old.pid}`, `worker process ${old.pid} exited with code 0`])
    }
    const watch = (process: Process) => { watchWorker(process).catch(() => {}) }
    watch(startWorker())
    for (;;) {
      const signal = await proc.signal('SIGQUIT', 'SIGTERM', 'SIGINT', 'SIGHUP')
      if (signal === 'SIGHUP') {
        await notice(['signal 1 (SIGHUP) received, reconfiguring', 'reconfiguring'])
        try {
          const next = loadNginxConfig(proc, file)
          await resolveUpstreams(proc, next)
          for (const [port, listener] of listeners) if (!isAlike(next.ports.get(port), setup.ports.get(port))) { listener.close(); listeners.delete(port) }
          setup = next
          for (const [port, bound] of next.ports) if (!listeners.has(port)) listeners.set(port, listen(port, bound))
          await notice(['start worker processes'])
          const old = current!
          watch(startWorker())
          await endWorker(true, old)
        } catch (error) {
          if (!(error instanceof NginxConfigError)) throw error
          await proc.stderr.write(`${stamp()} [emerg] ${proc.pid}#${proc.pid}: ${error.message}\n`)
        }
        continue
      }
      const graceful = signal === 'SIGQUIT'
      await notice([graceful ? 'signal 3 (SIGQUIT) received, shutting down' : `signal ${signal === 'SIGTERM' ? 15 : 2} (${signal}) received, exiting`])
      for (const listener of listeners.values()) listener.close()
      if (graceful && inFlight > 0) await Promise.race([new Promise<void>((resolve) => { whenIdle = resolve }), proc.signal('SIGTERM')])
      const last = current!
      current = undefined
      await endWorker(graceful, last)
      await notice(['exit'])
      return 0
    }
  }
}

/** A worker: requests are answered in its name. */
const worker: Program = async (proc) => {
  proc.setTitle?.('nginx: worker process')
  proc.onSignal('SIGHUP', 'ignore')
  await proc.signal('SIGQUIT', 'SIGTERM', 'SIGINT')
  return 0
}

/** Options one by one: `-tq` is -t and -q, and `-sreload` is -s with its value. */
function options(args: readonly string[]): string[] {
  return args.flatMap((arg, i) => /^-[gsc]$/.test(args[i - 1] ?? '') ? [arg] : /^-[vVtTq]{2,}$/.test(arg) ? [...arg.slice(1)].map((letter) => `-${letter}`) : /^-[gsc]./.test(arg) ? [arg.slice(0, 2), arg.slice(2)] : [arg])
}

/** Whom workers run as. */
function workerAccount(proc: Proc, name: string): User | undefined {
  const uid = accountId(proc, 'user', name)
  if (uid === undefined) return undefined
  const gid = accountId(proc, 'group', name) ?? uid
  return { uid, gid, groups: [gid], name, home: '/nonexistent' }
}

async function makeDirectory(proc: Proc, path: string, owner: User | undefined): Promise<void> {
  try { proc.fs.mkdir(path, { mode: 0o700 }) } catch (error) {
    if (!(error instanceof UnixError)) throw error
    throw new NginxConfigError(`mkdir() "${path}" failed (${{ EACCES: 13, EROFS: 30, ENOENT: 2 }[error.code] ?? 1}: ${errorText(error)})`)
  }
  if (proc.user.uid !== 0 || !owner) return
  try { proc.fs.chown(path, owner.uid, -1) } catch (error) {
    if (!(error instanceof UnixError)) throw error
    throw new NginxConfigError(`chown("${path}", ${owner.uid}) failed (1: ${errorText(error)})`)
  }
}

function writePid(proc: Proc, file: string): void {
  try { proc.fs.writeFile(file, `${proc.pid}\n`) } catch (error) {
    if (!(error instanceof UnixError)) throw error
    throw new NginxConfigError(`open() "${file}" failed (${{ EACCES: 13, EROFS: 30, ENOENT: 2 }[error.code] ?? 1}: ${errorText(error)})`)
  }
}

async function signalMaster(proc: Proc, configuration: string, name: string): Promise<number> {
  const signal = ({ stop: 'SIGTERM', quit: 'SIGQUIT', reload: 'SIGHUP', reopen: 'SIGUSR1' } as const)[name]
  if (!signal) { await proc.stderr.write(`nginx: invalid option: "-s ${name}"\n`); return 1 }
  let file: string
  try {
    // It reads its configuration first, and does nothing when that is wrong.
    file = loadNginxConfig(proc, configuration).pidFile
  } catch (error) {
    if (!(error instanceof NginxConfigError)) throw error
    await proc.stderr.write(`nginx: [emerg] ${error.message}\n`)
    return 1
  }
  let pid: number
  try { pid = Number(proc.fs.readText(file)) } catch { await proc.stderr.write(`nginx: [error] open() "${file}" failed (2: No such file or directory)\n`); return 1 }
  await proc.stderr.write(`${formatDate('%Y/%m/%d %H:%M:%S', proc.clock.nowMs())} [notice] ${proc.pid}#${proc.pid}: signal process started\n`)
  proc.machine.process(pid)?.kill(signal)
  return 0
}

async function appendLog(proc: Proc, path: string, text: string): Promise<void> {
  try {
    const file = proc.fs.open(path, 'a')
    await file.write(text)
    file.close()
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
  }
}
