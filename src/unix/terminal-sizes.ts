import { createPipe } from '../base/streams.ts'
import type { Proc } from './types.ts'

/** The sizes of a process's terminal, from now on. */
export function terminalSizes(proc: Proc): { all: AsyncIterable<{ columns: number; rows: number }>; stop(): void } {
  const { tty } = proc
  const { reader, writer } = createPipe()
  const tell = () => { if (tty) void writer.write(`${tty.columns} ${tty.rows}\n`).catch(() => {}) }
  const off = tty?.onResize(tell)
  tell()
  return {
    all: (async function* () {
      const decoder = new TextDecoder()
      for (let chunk = await reader.read(); chunk; chunk = await reader.read()) {
        for (const line of decoder.decode(chunk).split('\n')) {
          const [columns, rows] = line.split(' ').map(Number)
          if (columns && rows) yield { columns, rows }
        }
      }
    })(),
    stop() { off?.(); writer.close() },
  }
}
