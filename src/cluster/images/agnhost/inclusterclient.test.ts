import { expect, it } from 'vitest'
import { createPipe } from '../../../base/streams.ts'
import { testMachine } from '../../../unix/test-machine.ts'
import { agnhostImage } from './agnhost.ts'

it('the in-cluster client tells in its log when its token is another one, and that it found no server that it trusts', async () => {
  const folder = '/var/run/secrets/kubernetes.io/serviceaccount'
  const on = testMachine({ programs: { '/agnhost': agnhostImage.programs!['/agnhost']! }, files: { [`${folder}/token`]: 'one', [`${folder}/ca.crt`]: '' } })
  let log = ''
  const err = { write: async (text: string | Uint8Array) => { log += typeof text === 'string' ? text : new TextDecoder().decode(text) }, close() {} }
  on.machine.start(['/agnhost', 'inclusterclient', '--poll-interval=10'], { env: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: '6443' }, cwd: '/', user: { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }, stdin: createPipe().reader, stdout: err, stderr: err })
  await on.clock.advance(25_000)
  const tokens = () => new Set([...log.matchAll(/authz_header=([\w-]{43})$/gm)].map(([, hash]) => hash)).size
  expect([tokens(), log.match(/calling \/healthz/g)!.length]).toEqual([1, 2])
  on.machine.fs.writeFile(`${folder}/token`, 'two')
  await on.clock.advance(10_000)
  expect([tokens(), /status=failed$/m.test(log)]).toEqual([2, true])
})
