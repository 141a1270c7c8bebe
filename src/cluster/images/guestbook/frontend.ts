import { errorText } from '../../../unix/errno.ts'
import type { Proc, Program } from '../../../unix/types.ts'
import { apacheLog, apacheNotFound, runApache } from '../apache/apache.ts'
import type { ApacheAnswer } from '../apache/apache.ts'
import { contentType } from '../http/content-type.ts'
import { askRedis } from '../redis/ask-redis.ts'
import { byteStringOf, textOf } from '../redis/resp.ts'

/** The Services that a version of the guestbook writes to and reads from. */
export interface RedisNames {
  leader: string
  follower: string
}

/** The frontend of the guestbook: files, and guestbook.php, which writes to the Redis leader and reads from a follower. */
export const frontend = (names: RedisNames): Program => (proc) => {
  proc.useMemory(14 * 2 ** 20)
  return runApache(proc, {
    server: 'Apache/2.4.52 (Debian)', modules: 'PHP/7.4.28', commandLine: 'apache2 -D FOREGROUND',
    answer(_, { pathname, searchParams }) {
      if (pathname === '/guestbook.php') return guestbook(proc, searchParams, names)
      const file = `${proc.cwd}${pathname === '/' ? '/index.html' : pathname}`
      return proc.fs.exists(file) && proc.fs.stat(file).type === 'file' ? { status: 200, type: contentType(file, 'text/plain'), body: proc.fs.readFile(file) } : apacheNotFound()
    },
  })
}

async function guestbook(proc: Proc, query: URLSearchParams, { leader, follower }: RedisNames): Promise<ApacheAnswer> {
  const fromEnvironment = proc.env.GET_HOSTS_FROM === 'env'
  const command = query.get('cmd')
  const key = byteStringOf(query.get('key') ?? '')
  if (command === null) return { status: 200, type: 'text/html; charset=UTF-8', body: '' }
  const service = command === 'set' ? leader : follower
  const host = (fromEnvironment && proc.env[`${service.toUpperCase().replace('-', '_')}_SERVICE_HOST`]) || service
  try {
    const reply = await askRedis(proc.net, host, command === 'set' ? ['SET', key, byteStringOf(query.get('value') ?? '')] : ['GET', key])
    if (reply !== null && typeof reply === 'object' && 'error' in reply) throw new Error(reply.error)
    return { status: 200, type: 'application/json', body: command === 'set' ? '{"message": "Updated"}' : `{"data": "${typeof reply === 'string' ? textOf(reply) : ''}"}` }
  } catch (error) {
    await apacheLog(proc, 'php7:error', `PHP Fatal error:  Uncaught Predis\\Connection\\ConnectionException: ${errorText(error)} [tcp://${host}:6379]`)
    return { status: 500, type: 'text/html; charset=UTF-8', body: '' }
  }
}
