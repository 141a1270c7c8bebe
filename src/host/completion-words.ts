import { createPipe, readAll } from '../base/streams.ts'
import { emptyReader } from '../unix/input.ts'
import type { Completion } from '../unix/shell/completer.ts'
import type { Shell } from '../unix/shell/shell.ts'

/** Words as they are. */
export function plain(values: readonly string[]): Completion[] {
  return values.filter(Boolean).map((value) => ({ value }))
}

/** Standard output of a command; nothing when it fails. */
export async function linesOf(shell: Shell, argv: readonly string[]): Promise<string[]> {
  const out = createPipe(1 << 24)
  const nowhere = { write: async () => {}, close() {} }
  const process = shell.proc.spawn(argv, { stdin: emptyReader, stdout: out.writer, stderr: nowhere })
  const text = readAll(out.reader)
  const { code } = await process.wait()
  out.writer.close()
  return code === 0 ? new TextDecoder().decode(await text).split('\n') : []
}
