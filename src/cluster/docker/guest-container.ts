import type { Machine, MountableFileSystem } from '../../unix/types.ts'
import type { StreamIo } from '../runtime/cri.ts'

/** What is done with a container that another program looks after: a node of a cluster, a computer of its own. */
export interface GuestContainer {
  /** As who logs in sees it; undefined unless it runs. */
  machine(): Promise<Machine> | undefined
  /** Its disk, while it runs. */
  files(): MountableFileSystem | undefined
  start(): Promise<void>
  /** Ends it in order, or takes its power. */
  stop(how: 'in order' | 'at once'): Promise<void>
}

/** Runs a command inside of a guest. @returns its exit code @throws UnixError when there is no such program */
export async function execInGuest(machine: Machine, argv: readonly string[], io: StreamIo, as: { env: Readonly<Record<string, string>>; cwd: string; createTty: typeof import('../../unix/tty.ts')['createTty']; user: Parameters<Machine['start']>[1]['user'] }): Promise<number> {
  const { stdout, stderr, tty, stdin, resizes, signal } = io
  const nowhere = { async write() {}, close() {} }
  const terminal = tty ? as.createTty({ columns: 80, rows: 24, output: stdout ?? nowhere }) : undefined
  const env = { HOME: '/root', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...(tty ? { TERM: 'xterm' } : {}), ...as.env }
  const process = machine.start(argv, {
    env, cwd: as.cwd, user: as.user,
    ...(terminal ? { stdin: terminal.stdin, stdout: terminal.stdout, stderr: terminal.stdout, tty: terminal } : { ...(stdin ? { stdin } : {}), stdout: stdout ?? nowhere, stderr: stderr ?? nowhere }),
  })
  let ended = false
  const hangUp = () => { terminal?.hangup(); process.kill('SIGHUP') }
  signal?.addEventListener('abort', hangUp)
  if (terminal && stdin) void (async () => {
    for (let bytes = await stdin.read(); bytes && !ended; bytes = await stdin.read()) terminal.type(bytes)
  })().catch(hangUp)
  if (terminal && resizes) void (async () => { for await (const { columns, rows } of resizes) terminal.resize(columns, rows) })().catch(() => {})
  const { code } = await process.wait()
  ended = true
  signal?.removeEventListener('abort', hangUp)
  return code
}
