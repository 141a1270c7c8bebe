import { expect, test } from 'vitest'
import { singleNodeTopology } from '../src/cluster/topology.ts'
import { startLab } from './lab.ts'

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
