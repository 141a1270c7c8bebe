import { errorText } from '../../../unix/errno.ts'
import type { Proc, Program } from '../../../unix/types.ts'
import { apacheLog, apacheNotFound, runApache } from '../apache/apache.ts'
import type { ApacheAnswer } from '../apache/apache.ts'
import { debian } from '../debian.ts'
import { contentType } from '../http/content-type.ts'
import { defineImage } from '../image.ts'
import { askRedis } from '../redis/ask-redis.ts'
import { redis } from '../redis/redis.ts'
import { byteStringOf, textOf } from '../redis/resp.ts'

const PAGE = `<!DOCTYPE html>
<html>
  <head>
    <title>Guestbook</title>
  </head>
  <body>
    <h2>Guestbook</h2>
    <form id="entry">
      <input id="message" placeholder="Messages" autofocus>
      <button>Submit</button>
    </form>
    <div id="messages"></div>
    <script src="controllers.js"></script>
  </body>
</html>
`
const CONTROLLERS = `const list = document.getElementById('messages')
const ask = async (query) => (await fetch('guestbook.php?' + new URLSearchParams(query))).json()
let messages = []

const show = () => list.replaceChildren(...messages.map((text) => Object.assign(document.createElement('div'), { textContent: text })))
const load = async () => {
  messages = (await ask({ cmd: 'get', key: 'messages' })).data.split(',').filter((text) => text !== '')
  show()
}

document.getElementById('entry').addEventListener('submit', async (event) => {
  event.preventDefault()
  const input = document.getElementById('message')
  messages.push(input.value)
  input.value = ''
  show()
  await ask({ cmd: 'set', key: 'messages', value: ',' + messages.join(',') })
})
load()
`
/** The frontend of the guestbook: files, and guestbook.php, which writes to the Redis leader and reads from a follower. */
const frontend: Program = (proc) => {
  proc.useMemory(14 * 2 ** 20)
  return runApache(proc, {
    server: 'Apache/2.4.52 (Debian)', modules: 'PHP/7.4.28', commandLine: 'apache2 -D FOREGROUND',
    answer(_, { pathname, searchParams }) {
      if (pathname === '/guestbook.php') return guestbook(proc, searchParams)
      const file = `${proc.cwd}${pathname === '/' ? '/index.html' : pathname}`
      return proc.fs.exists(file) && proc.fs.stat(file).type === 'file' ? { status: 200, type: contentType(file, 'text/plain'), body: proc.fs.readFile(file) } : apacheNotFound()
    },
  })
}

async function guestbook(proc: Proc, query: URLSearchParams): Promise<ApacheAnswer> {
  const fromEnvironment = proc.env.GET_HOSTS_FROM === 'env'
  const command = query.get('cmd')
  const key = byteStringOf(query.get('key') ?? '')
  if (command === null) return { status: 200, type: 'text/html; charset=UTF-8', body: '' }
  const host = command === 'set' ? (fromEnvironment && proc.env.REDIS_LEADER_SERVICE_HOST) || 'redis-leader' : (fromEnvironment && proc.env.REDIS_FOLLOWER_SERVICE_HOST) || 'redis-follower'
  try {
    const reply = await askRedis(proc.net, host, command === 'set' ? ['SET', key, byteStringOf(query.get('value') ?? '')] : ['GET', key])
    if (reply !== null && typeof reply === 'object' && 'error' in reply) throw new Error(reply.error)
    return { status: 200, type: 'application/json', body: command === 'set' ? '{"message": "Updated"}' : `{"data": "${typeof reply === 'string' ? textOf(reply) : ''}"}` }
  } catch (error) {
    await apacheLog(proc, 'php7:error', `PHP Fatal error:  Uncaught Predis\\Connection\\ConnectionException: ${errorText(error)} [tcp://${host}:6379]`)
    return { status: 500, type: 'text/html; charset=UTF-8', body: '' }
  }
}

export const guestbookFrontendImages = ['us-docker.pkg.dev/google-samples/containers/gke/gb-frontend', 'gcr.io/google-samples/gb-frontend', 'gcr.io/google_samples/gb-frontend'].map((repository) => defineImage({
  repository, tags: ['v3', 'v4', 'v5', 'v6'], sizeBytes: 152_000_000, entrypoint: ['docker-php-entrypoint'], cmd: ['apache2-foreground'], workingDir: '/var/www/html', exposedPorts: [80], stopSignal: 'SIGTERM', base: debian,
  files: { '/var/www/html/index.html': PAGE, '/var/www/html/controllers.js': CONTROLLERS },
  programs: { '/usr/local/bin/docker-php-entrypoint': (proc) => proc.exec!(proc.argv.slice(1)), '/usr/local/bin/apache2-foreground': frontend },
}))

/** A Redis that follows the server called redis-leader. */
export const guestbookFollowerImages = ['us-docker.pkg.dev/google-samples/containers/gke/gb-redis-follower', 'gcr.io/google_samples/gb-redis-follower'].map((repository) => defineImage({
  repository, tags: ['v1', 'v2'], sizeBytes: 40_000_000, cmd: ['/run.sh'], base: redis, entrypoint: [], exposedPorts: [6379],
  files: { '/run.sh': { content: '#!/bin/bash\nif [[ ${GET_HOSTS_FROM:-dns} == "env" ]]; then\n  exec redis-server --replicaof ${REDIS_LEADER_SERVICE_HOST} 6379\nfi\nexec redis-server --replicaof redis-leader 6379\n', mode: 0o755 } },
}))
