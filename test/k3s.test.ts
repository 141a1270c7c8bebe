import { expect, test } from 'vitest'
import { singleNodeTopology } from '../src/cluster/topology.ts'
import { startLab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/node/k3s/install-script.ts'
import '../src/cluster/node/k3s/k3s.ts'
import '../src/cluster/node/k3s/release-hash.ts'
import '../src/cluster/node/node-machine.ts'
import '../src/unix/ssh.ts'

test('the one node of k3s is everything: pods run on it, names are found, and no component is a pod', async () => {
  const lab = await startLab('k3s', singleNodeTopology())
  try {
    const out = async (script: string) => (await lab.run(script)).stdout
    expect(await out('sudo k3s kubectl get nodes --no-headers')).toMatch(/^drydock +Ready +control-plane +\S+ +v1\.36\.3\+k3s1\n$/)
    expect(await out('kubectl get pods -A -o name')).not.toMatch(/kube-apiserver|kube-proxy|kindnet/)
    expect(await out('kubectl get storageclass -o name')).toBe('storageclass.storage.k8s.io/local-path\n')
    await lab.run('kubectl create deployment web --image=nginx; kubectl expose deployment web --port=80; kubectl wait --for=condition=Available deployment/web')
    expect(await out('kubectl run c --image=busybox --restart=Never -i --rm -q -- wget -qO- web.default.svc.cluster.local')).toContain('Welcome to nginx!')
  } finally {
    await lab.stop()
  }
}, 60_000)

test('the one node loses its power and comes back with everything', async () => {
  const lab = await startLab('k3s power', singleNodeTopology())
  const { computers, clock } = lab.cluster
  await computers.powerOff('drydock')
  expect((await lab.run('kubectl get nodes')).stderr).toContain('was refused')
  computers.powerOn('drydock')
  await clock.advance(60_000)
  expect(await lab.out('kubectl get nodes --no-headers')).toContain(' Ready')
  expect(await lab.out('kubectl get pods -A --no-headers')).not.toMatch(/Unknown|Pending|Error/)
  await lab.stop()
})

test('a new machine is blank until a command line makes it a worker', async () => {
  let lab = await startLab('k3s worker', singleNodeTopology(undefined, ['traefik', 'metrics-server']))
  await lab.run('virt-install --name vm1; sleep 30')
  expect(await lab.out('kubectl get nodes --no-headers')).toMatch(/^drydock +Ready +control-plane .*\n$/)
  await lab.run('T=$(ssh drydock cat /var/lib/rancher/k3s/server/node-token); ssh vm1 "curl -sfL https://get.k3s.io | K3S_URL=https://drydock:6443 K3S_TOKEN=$T sh -"; sleep 10')
  expect(await lab.out('kubectl get nodes --no-headers')).toMatch(/^drydock +Ready +control-plane .*\nvm1 +Ready +<none> .*\n$/)
  lab = await lab.reload()
  expect(await lab.out('sleep 10; kubectl get nodes --no-headers; ssh vm1 "sleep 1; systemctl is-active k3s-agent"')).toMatch(/\nvm1 +Ready [^]*\nactive\n$/)
  await lab.stop()
}, 120_000)
