import { expect, test } from 'vitest'
import { createPipe, readAll } from '../../base/streams.ts'
import { testMachine } from '../../unix/test-machine.ts'
import type { Program } from '../../unix/types.ts'
import { K3S_KUBECONFIG, k3s } from './k3s.ts'

const USER = { uid: 1000, gid: 1000, groups: [1000], name: 'me', home: '/' }
const fakeKubectl: Program = async (proc) => {
  await proc.stdout.write(`${proc.argv.join(' ')} with ${proc.env['KUBECONFIG']}\n`)
  return 3
}

async function run(argv: string[], env: Record<string, string> = {}) {
  const on = testMachine({ programs: { '/bin/k3s': k3s(fakeKubectl) } })
  const out = createPipe()
  const process = on.machine.start(['/bin/k3s', ...argv], { env, cwd: '/', user: USER, stdout: out.writer, stderr: out.writer })
  const { code } = await process.wait()
  out.writer.close()
  return { code, output: new TextDecoder().decode(await readAll(out.reader)) }
}

test('k3s kubectl is kubectl with the server\'s kubeconfig, unless another is named', async () => {
  expect(await run(['kubectl', 'get', 'nodes'])).toEqual({ code: 3, output: `kubectl get nodes with ${K3S_KUBECONFIG}\n` })
  expect(await run(['kubectl', 'version'], { KUBECONFIG: '/mine' })).toEqual({ code: 3, output: 'kubectl version with /mine\n' })
  expect(await run(['frob'])).toEqual({ code: 3, output: "No help topic for 'frob'\n" })
})
