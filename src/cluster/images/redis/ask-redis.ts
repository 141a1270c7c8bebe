import type { NetStack } from '../../../unix/types.ts'
import { ReplyParser, encodeCommand, fromByteString } from './resp.ts'
import type { Reply } from './resp.ts'

/** One command to a Redis server, on a connection of its own. @throws UnixError when it can't be reached or hangs up. */
export async function askRedis(net: NetStack, host: string, args: readonly string[], port = 6379): Promise<Reply | undefined> {
  const socket = await net.connectTcp(host, port)
  try {
    await socket.writer.write(fromByteString(encodeCommand(args)))
    const parser = new ReplyParser()
    for (;;) {
      const reply = parser.next()
      if (reply !== undefined) return reply
      const chunk = await socket.reader.read()
      if (!chunk) return undefined
      parser.push(chunk)
    }
  } finally {
    socket.destroy()
  }
}
