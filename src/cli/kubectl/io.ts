import { BrokenPipeError } from '../../base/streams.ts'
import type { ByteWriter } from '../../base/streams.ts'
import type { Proc } from '../../unix/types.ts'

/**
 * The output of one command. Writes are queued and keep their order across both streams; commands needn't await each one.
 * When the reader goes away, {@link broken} aborts, and what follows is dropped.
 */
export interface CommandIo {
  /** Text or bytes to standard output. */
  out(text: string | Uint8Array): Promise<void>
  /** Text to standard error. */
  err(text: string): Promise<void>
  /** Resolves when everything written so far has been taken; rejects with BrokenPipeError when the reader of standard output went away. */
  flush(): Promise<void>
  readonly broken: AbortSignal
}

export function createCommandIo(proc: Proc): CommandIo {
  const broken = new AbortController()
  let tail: Promise<void> = Promise.resolve()
  let failure: unknown
  const write = (writer: ByteWriter, data: string | Uint8Array) => tail = tail.then(async () => {
    if (failure || data.length === 0) return
    try {
      await writer.write(data)
    } catch (error) {
      failure = error
      if (error instanceof BrokenPipeError) broken.abort(error)
    }
  })
  return {
    out: (text) => write(proc.stdout, text),
    err: (text) => write(proc.stderr, text),
    async flush() {
      await tail
      if (failure) throw failure
    },
    broken: broken.signal,
  }
}
