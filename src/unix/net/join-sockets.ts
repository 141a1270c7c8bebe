import type { TcpSocket } from '../types.ts'

/** Carries bytes both ways until each end has said all it has to say. */
export async function joinSockets(one: TcpSocket, other: TcpSocket): Promise<void> {
  const carry = async (from: TcpSocket, to: TcpSocket) => {
    for (let chunk = await from.reader.read(); chunk; chunk = await from.reader.read()) await to.writer.write(chunk)
    to.writer.close()
  }
  await Promise.all([carry(one, other), carry(other, one)])
}
