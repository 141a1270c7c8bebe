import type { Proc } from '../../../unix/types.ts'
import { ClientError } from '../mysql/client-connection.ts'
import { MysqlSession } from '../mysql/mysql-session.ts'
import type { WordpressConfiguration } from './configuration.ts'

/** DB_HOST with its port. */
export function splitHost(text: string): { host: string; port: number } {
  const match = /^(.*?):(\d+)$/.exec(text)
  return match ? { host: match[1]!, port: Number(match[2]) } : { host: text, port: 3306 }
}

/** A failed connection in the words of PHP's mysqli. */
export function phpConnectError({ code, message }: ClientError): { code: number; text: string } {
  if (code === 2005) return { code: 2002, text: `php_network_getaddresses: getaddrinfo ${/'([^']*)'/.exec(message)?.[1] ?? ''} failed: ${message.includes('(-3)') ? 'Temporary failure in name resolution' : 'Name or service not known'}`.replace(/getaddrinfo (\S+) failed/, 'getaddrinfo for $1 failed') }
  if (code === 2003) return { code: 2002, text: { 110: 'Connection timed out', 113: 'No route to host', 101: 'Network is unreachable' }[Number(/\((\d+)\)$/.exec(message)?.[1])] ?? 'Connection refused' }
  return { code, text: message }
}

/** Why there is no database to work with. */
export class DatabaseDown extends Error {
  readonly isMissing: boolean
  constructor(isMissing: boolean, message: string) { super(message); this.isMissing = isMissing }
}

/** A request's connection to the database, as wpdb makes it. @throws DatabaseDown */
export async function connect(proc: Proc, { constants }: WordpressConfiguration): Promise<MysqlSession> {
  const { host, port } = splitHost(constants.get('DB_HOST') ?? '')
  const name = constants.get('DB_NAME') ?? ''
  let session: MysqlSession
  try { session = await MysqlSession.open(proc, { host, port, user: constants.get('DB_USER') ?? '', password: constants.get('DB_PASSWORD') ?? '' }) } catch (error) {
    if (!(error instanceof ClientError)) throw error
    throw new DatabaseDown(false, error.message)
  }
  try {
    await session.run(`SET NAMES utf8mb4`)
    await session.run("SET SESSION sql_mode='ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'")
    await session.run(`USE \`${name.replaceAll('`', '``')}\``)
  } catch (error) {
    await session.close()
    if (error instanceof ClientError) throw new DatabaseDown(true, error.message)
    throw error
  }
  return session
}
