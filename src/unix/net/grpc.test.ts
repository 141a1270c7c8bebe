import { expect, test } from 'vitest'
import { createMemoryFileSystem } from '../file-system.ts'
import type { Proc } from '../types.ts'
import { serveGrpc, streamGrpc } from './grpc.ts'

test('a stream ends with its server, with its client, and with its last message', async () => {
  const fs = createMemoryFileSystem({ clock: { nowMs: () => 0 } })
  let ended = 0
  const serve = () => serveGrpc({ fs, killed: new AbortController().signal } as unknown as Proc, '/socket', {}, {
    async* 'Numbers/Count'({ last }: { last: number }, stopped) {
      try {
        for (let number = 1; number <= last && !stopped.aborted; number++) yield { number }
      } finally { ended++ }
    },
    async* 'Numbers/One'(_request, stopped) {
      try {
        yield { number: 1 }
        await new Promise<void>((resolve) => { stopped.addEventListener('abort', () => resolve()) })
      } finally { ended++ }
    },
  })
  const close = serve()
  const stop = new AbortController()
  const stream = (method: string, request = {}) => streamGrpc(fs, '/socket', method, request, stop.signal)
  const seen: unknown[] = []
  for await (const { number } of stream('Numbers/Count', { last: 3 })) seen.push(number)
  expect([seen, ended]).toEqual([[1, 2, 3], 1])
  // While nobody waits for a message.
  const dying = stream('Numbers/One')
  await dying.next()
  close()
  await expect(dying.next()).rejects.toThrow('rpc error: code = Unavailable desc = error reading from server: EOF')
  fs.remove('/socket')
  serve()
  const waiting = stream('Numbers/One')
  await waiting.next()
  const next = waiting.next()
  stop.abort()
  await expect(next).rejects.toThrow('rpc error: code = Canceled desc = context canceled')
  await Promise.resolve()
  expect(ended).toBe(3)
  await expect(stream('Numbers/One').next()).rejects.toThrow('context canceled')
})
