import { callGrpc, serveGrpc } from '../../../unix/net/grpc.ts'
import type { Proc, Process, Program } from '../../../unix/types.ts'

/** Where services are that run. */
export const SERVICES = '/etc/service/enabled'
/** How long a service that has ended waits for its next start. */
const RESTART_MS = 1_000
const ASK_MS = 7_000

/** Runs services, each as a child that is started again when it ends; ends them when it is told to end itself. runit: runsvdir, runsv */
export async function runServices(proc: Proc, services: ReadonlyMap<string, readonly string[]>): Promise<number> {
  const children = new Map<string, Process>()
  let isOver = false
  proc.fs.mkdir(SERVICES, { recursive: true })
  const supervise = async (name: string, argv: readonly string[]) => {
    const folder = `${SERVICES}/${name}/supervise`
    let since = proc.clock.nowMs()
    proc.fs.mkdir(folder, { recursive: true })
    serveGrpc(proc, `${folder}/control`, { 'runit/status': () => ({ pid: children.get(name)?.pid ?? 0, seconds: Math.floor((proc.clock.nowMs() - since) / 1_000) }) })
    while (!isOver) {
      since = proc.clock.nowMs()
      const child = proc.spawn(argv, { stdout: proc.stdout, stderr: proc.stderr })
      children.set(name, child)
      await child.wait()
      children.delete(name)
      if (!isOver) await proc.sleep(RESTART_MS)
    }
  }
  const all = [...services].map(([name, argv]) => supervise(name, argv).catch(() => {}))
  await proc.signal('SIGTERM', 'SIGHUP', 'SIGINT')
  isOver = true
  for (const child of children.values()) child.kill('SIGTERM')
  await Promise.all(all)
  return 0
}

/** `sv status SERVICE...`: what runit knows of services. */
export const sv: Program = async (proc) => {
  const [, command, ...paths] = proc.argv
  if (command !== 'status' || paths.length === 0) {
    await proc.stderr.write(command === 'status' || command === undefined ? 'usage: sv [-v] [-w sec] command service ...\n' : `drydock: sv ${command} is not supported here\n`)
    return 100
  }
  let failures = 0
  for (const path of paths) {
    const folder = path.startsWith('/') ? path : `${SERVICES}/${path}`
    if (!proc.fs.exists(`${folder}/supervise`)) {
      await proc.stdout.write(`fail: ${path}: unable to change to service directory: file does not exist\n`)
      failures++
      continue
    }
    try {
      const { pid, seconds } = await callGrpc(proc.fs, `${folder}/supervise/control`, 'runit/status', {}, { clock: proc.clock, timeoutMs: ASK_MS }) as { pid: number; seconds: number }
      await proc.stdout.write(pid ? `run: ${path}: (pid ${pid}) ${seconds}s\n` : `down: ${path}: ${seconds}s, normally up, want up\n`)
    } catch {
      await proc.stdout.write(`fail: ${path}: runsv not running\n`)
      failures++
    }
  }
  return failures
}
