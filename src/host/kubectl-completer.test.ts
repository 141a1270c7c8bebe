import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from '../../test/lab.ts'
import type { Lab } from '../../test/lab.ts'
import { createTty } from '../unix/tty.ts'
import { startShell } from './laptop.ts'

let lab: Lab
beforeAll(async () => {
  lab = await startLab('completion')
  await lab.run('kubectl create namespace team-blue; kubectl create deployment web --image=nginx:1.27; kubectl create deployment whale --image=nginx:1.27; docker create --name lamplight busybox; sleep 5')
}, 60_000)
afterAll(() => lab.stop())

/** The line that a Tab makes of a typed one. */
async function completed(typed: string): Promise<string> {
  let output = ''
  const tty = createTty({ columns: 200, rows: 24, output: { write: async (data) => { output += typeof data === 'string' ? data : new TextDecoder().decode(data) }, close() {} } })
  const shell = startShell(lab.laptop, { tty, stdin: tty.stdin, stdout: tty.stdout })
  const { clock } = lab.cluster
  await clock.settle()
  tty.type(typed)
  await clock.settle()
  output = ''
  tty.type('\t')
  await clock.settle()
  await clock.settle()
  shell.kill('SIGKILL')
  // The last drawing: prompt, line, and where the cursor goes.
  return output.split('\r\x1b[J').at(-1)!.replace(/\x1b\[[0-9;?]*[A-Za-z]|\r|\x07/g, '').replace(/^\S+ \$ /, '')
}

test.each([
  ['kubectl desc', 'kubectl describe '],
  ['k desc', 'k describe '],
  ['kubectl get namesp', 'kubectl get namespaces '],
  ['kubectl get deployments we', 'kubectl get deployments web '],
  ['kubectl get deployments/wh', 'kubectl get deployments/whale '],
  ['kubectl -n team', 'kubectl -n team-blue '],
  ['kubectl get pods --namespace=team', 'kubectl get pods --namespace=team-blue '],
  ['kubectl get pods --all-n', 'kubectl get pods --all-namespaces '],
  ['kubectl get pods -o ya', 'kubectl get pods -o yaml '],
  ['kubectl config use-con', 'kubectl config use-context '],
  ['kubectl rollout restart deployment wh', 'kubectl rollout restart deployment whale '],
  ['docker contai', 'docker container '],
  ['docker run --publish-a', 'docker run --publish-all '],
  ['docker rm lamp', 'docker rm lamplight '],
  ['cat .bash', 'cat .bashrc '],
  ['docker build -f .bash', 'docker build -f .bashrc '],
])('%j becomes %j', async (typed, expected) => {
  expect(await completed(typed)).toBe(expected)
})
