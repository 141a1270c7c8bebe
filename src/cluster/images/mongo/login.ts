import { Binary } from 'bson'
import type { Proc } from '../../../unix/types.ts'
import type { MongoClient } from './mongo-client.ts'
import { clientFinal } from './scram.ts'

/** Logs a connection in by SCRAM-SHA-256. @throws MongoError 18 */
export async function authenticate(proc: Proc, client: MongoClient, { user, password, source }: { user: string; password: string; source: string }): Promise<void> {
  const nonce = Array.from({ length: 24 }, () => 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'[proc.random.int(62)]).join('')
  const first = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`
  const payload = (text: string) => new Binary(new TextEncoder().encode(text))
  const started = await client.command(source, { saslStart: 1, mechanism: 'SCRAM-SHA-256', payload: payload(`n,,${first}`) })
  const serverFirst = new TextDecoder().decode((started.payload as Binary).buffer)
  const final = await proc.clock.outside(clientFinal(password, first, serverFirst))
  await client.command(source, { saslContinue: 1, conversationId: 1, payload: payload(final) })
}
