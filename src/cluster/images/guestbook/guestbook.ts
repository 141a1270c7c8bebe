import { imageProgram } from '../../../unix/lazy-program.ts'
import type { Program } from '../../../unix/types.ts'
import { debian } from '../debian.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'
import type { RedisNames } from './frontend.ts'
import { redis } from '../redis/redis.ts'

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
const frontendPrograms = (names: RedisNames): Record<string, Program> => ({ '/usr/local/bin/apache2-foreground': imageProgram(async () => (await import('./frontend.ts')).frontend(names)) })
/** The versions before the fifth know master and slave. */
const formerFrontend = { programs: frontendPrograms({ leader: 'redis-master', follower: 'redis-slave' }) }

export const guestbookFrontendImages = ['us-docker.pkg.dev/google-samples/containers/gke/gb-frontend', 'gcr.io/google-samples/gb-frontend', 'gcr.io/google_samples/gb-frontend'].map((repository) => defineImage({
  repository, tags: ['v3', 'v4', 'v5', 'v6'], sizeBytes: 152_000_000, entrypoint: ['docker-php-entrypoint'], cmd: ['apache2-foreground'], workingDir: '/var/www/html', exposedPorts: [80], stopSignal: 'SIGTERM', base: debian,
  files: { '/var/www/html/index.html': PAGE, '/var/www/html/controllers.js': CONTROLLERS },
  programs: { '/usr/local/bin/docker-php-entrypoint': (proc) => proc.exec!(proc.argv.slice(1)), ...frontendPrograms({ leader: 'redis-leader', follower: 'redis-follower' }) },
  variants: { v3: formerFrontend, v4: formerFrontend },
}))

const follower = (repository: string, tags: readonly string[], leader: string): ImageDefinition => defineImage({
  repository, tags, sizeBytes: 40_000_000, cmd: ['/run.sh'], base: redis, entrypoint: [], exposedPorts: [6379],
  files: { '/run.sh': { content: `#!/bin/bash\nif [[ \${GET_HOSTS_FROM:-dns} == "env" ]]; then\n  exec redis-server --replicaof \${${leader.toUpperCase().replace('-', '_')}_SERVICE_HOST} 6379\nfi\nexec redis-server --replicaof ${leader} 6379\n`, mode: 0o755 } },
})

/** A Redis that follows the server called redis-leader, or redis-master as it was called before. */
export const guestbookFollowerImages = [
  ...['us-docker.pkg.dev/google-samples/containers/gke/gb-redis-follower', 'gcr.io/google_samples/gb-redis-follower', 'gcr.io/google-samples/gb-redis-follower'].map((repository) => follower(repository, ['v1', 'v2'], 'redis-leader')),
  ...['gcr.io/google_samples/gb-redisslave', 'gcr.io/google-samples/gb-redisslave'].map((repository) => follower(repository, ['v1', 'v2', 'v3'], 'redis-master')),
]
