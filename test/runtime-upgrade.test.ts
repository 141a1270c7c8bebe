import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { kubeadmTopology } from '../src/cluster/topology.ts'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/node/node-machine.ts'
import '../src/unix/ssh.ts'

vi.setConfig({ testTimeout: 60_000 })

let lab: Lab
beforeAll(async () => { lab = await startLab('runtime upgrade', kubeadmTopology(3)) }, 60_000)
afterAll(() => lab?.stop())

const run = async (script: string) => {
  const { stdout, stderr } = await lab.run(script, { withinMs: 400_000 })
  return stdout + stderr
}
const on = (machine: string, script: string) => run(`ssh ${machine} <<'EOS'\nexec 2>&1\n${script}\nEOS`)
const versions = () => run('kubectl get nodes -o custom-columns=R:.status.nodeInfo.containerRuntimeVersion --no-headers')
const DOWNLOADS = 'https://github.com/containerd/containerd/releases/download'

test('the program of the runtime tells its version and ends', async () => {
  expect(await on('drydock-worker', 'containerd --version; containerd config default; echo $?')).toBe('containerd github.com/containerd/containerd/v2 v2.3.7 \ncontainerd: drydock: containerd config is not supported; crictl shows what runs here\n1\n')
})

test('a release that is unpacked over it counts from the next start on, for that node alone, whose containers run on', async () => {
  await run(`kubectl run web --image=nginx --overrides='{"spec":{"nodeName":"drydock-worker"}}'; kubectl wait --for=condition=Ready pod/web`)
  const archive = 'containerd-2.4.2-linux-amd64.tar.gz'
  expect(await on('drydock-worker', `cd /root; curl -sfLO ${DOWNLOADS}/v2.4.2/${archive}; curl -sfLO ${DOWNLOADS}/v2.4.2/${archive}.sha256sum; sha256sum -c ${archive}.sha256sum; tar Cxzvf /usr/local ${archive}; containerd --version; crictl version | grep RuntimeVersion`))
    .toBe(`${archive}: OK\nbin/\nbin/containerd\ncontainerd github.com/containerd/containerd/v2 v2.4.2 \nRuntimeVersion:  v2.3.7\n`)
  await lab.cluster.clock.advance(30_000)
  expect(await versions()).toBe('containerd://2.3.7\n'.repeat(3))
  expect(await on('drydock-worker', 'systemctl restart containerd; sleep 15; systemctl is-active containerd; crictl version | grep RuntimeVersion')).toBe('active\nRuntimeVersion:  v2.4.2\n')
  expect(await versions()).toBe('containerd://2.3.7\ncontainerd://2.4.2\ncontainerd://2.3.7\n')
  expect(await run('kubectl get pod web --no-headers')).toMatch(/^web +1\/1 +Running +0 /)
})

test('it is on the disk, and so outlasts the power', async () => {
  await run('virsh destroy drydock-worker; virsh start drydock-worker')
  await lab.cluster.clock.advance(90_000)
  expect(await versions()).toBe('containerd://2.3.7\ncontainerd://2.4.2\ncontainerd://2.3.7\n')
})

test('there is no release of another name', async () => {
  expect(await on('drydock-worker2', `curl -sfLO ${DOWNLOADS}/v9.9.9/containerd-9.9.9-linux-amd64.tar.gz; echo $?`)).toBe('22\n')
})
