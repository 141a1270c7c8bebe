import type { ByteReader } from '../../../base/streams.ts'
import { parseSignal } from '../../../unix/signals.ts'
import { terminalSizes } from '../../../unix/terminal-sizes.ts'
import type { Proc } from '../../../unix/types.ts'
import type { StreamIo } from '../../runtime/cri.ts'
import type { DockerContainer } from '../docker-container.ts'
import type { DockerEngine } from '../docker-engine.ts'

const CTRL_P = 16
const CTRL_Q = 17
/** So many signals in a row end the client, whatever the container does. */
const SIGNALS_TO_LEAVE = 3

/**
 * The streams of the caller for a container: `work` gets them and how to leave. A terminal is raw meanwhile, ^P^Q leaves it, and without one
 * signals are handed on to the container.
 * @returns whether the caller left before the end
 */
export async function withCallersStreams(proc: Proc, options: { stdin: boolean; tty: boolean; engine: DockerEngine; container: DockerContainer; signals?: boolean }, work: (io: StreamIo) => Promise<void>): Promise<{ detached: boolean }> {
  const { engine, container } = options
  const leave = new AbortController()
  const abort = () => leave.abort()
  proc.killed.addEventListener('abort', abort)
  const terminal = options.tty && proc.isTty(1) ? proc.tty : undefined
  const wasRaw = terminal?.raw ?? false
  const sizes = terminal && terminalSizes(proc)
  if (terminal && options.stdin) terminal.setRaw(true)
  let received = 0
  const undo = options.signals === false || (terminal && options.stdin) ? [] : (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const).map((name) => proc.onSignal(name, () => {
    if ((name === 'SIGINT' || name === 'SIGTERM') && ++received >= SIGNALS_TO_LEAVE) {
      void proc.stderr.write(`\ngot ${SIGNALS_TO_LEAVE} SIGTERM/SIGINTs, forcefully exiting\n`)
      return leave.abort()
    }
    if (container.status === 'running') engine.kill(container, parseSignal(name)!)
  }))
  let detached = false
  const stdin = options.stdin ? watched(proc, options.tty, () => { detached = true; leave.abort() }) : undefined
  try {
    await work({ ...(stdin ? { stdin } : {}), stdout: proc.stdout, stderr: proc.stderr, tty: options.tty, ...(sizes ? { resizes: sizes.all } : {}), signal: leave.signal })
  } finally {
    for (const each of undo) each()
    proc.killed.removeEventListener('abort', abort)
    sizes?.stop()
    if (terminal) terminal.setRaw(wasRaw)
  }
  return { detached: detached || leave.signal.aborted }
}

/** Standard input; ^P^Q is for the client. */
function watched(proc: Proc, tty: boolean, onDetach: () => void): ByteReader {
  let sawP = false
  return {
    async read() {
      for (;;) {
        const chunk = await proc.stdin.read()
        if (!chunk || !tty) return chunk
        const out: number[] = []
        for (const byte of chunk) {
          if (sawP && byte === CTRL_Q) { onDetach(); return null }
          if (sawP) out.push(CTRL_P)
          sawP = byte === CTRL_P
          if (!sawP) out.push(byte)
        }
        if (out.length > 0) return Uint8Array.from(out)
      }
    },
    cancel() {},
  }
}
