import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kubeadmTopology } from '../src/cluster/topology.ts'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/node/node-machine.ts'
import '../src/cluster/network/cni/calico-add.ts'
import '../src/cluster/images/calico/bird.ts'
import '../src/cluster/images/calico/calico-node.ts'
import '../src/cluster/images/calico/install-cni.ts'
import '../src/cluster/images/calico/kube-controllers.ts'
import '../src/cluster/images/flannel/flanneld.ts'
import '../src/unix/ssh.ts'

let lab: Lab
const run = async (script: string) => {
  const { stdout, stderr } = await lab.run(script, { withinMs: 700_000 })
  return stdout + stderr
}
const manifest = (name: string) => readFileSync(new URL(`./${name}.yaml`, import.meta.url), 'utf8')
const pass = (seconds: number) => lab.cluster.clock.advance(seconds * 1_000)

describe('Calico', () => {
  beforeAll(async () => {
    lab = await startLab('calico', { ...kubeadmTopology(3), cni: 'none' })
    lab.writeFile('calico.yaml', `${manifest('calico-crds')}---\n${manifest('calico')}`)
  }, 60_000)
  afterAll(() => lab.stop())

  test('explore', async () => {
    console.log(await run('kubectl apply -f calico.yaml'))
    for (let i = 0; i < 8; i++) {
      await pass(10)
      console.log(await run('kubectl get pods -A -o wide; kubectl get nodes'))
    }
    console.log(await run('kubectl describe pod -n kube-system -l k8s-app=calico-node | tail -60; kubectl logs -n kube-system ds/calico-node -c install-cni; kubectl logs -n kube-system ds/calico-node -c upgrade-ipam;  kubectl logs -n kube-system ds/calico-node'))
    console.log(await run('kubectl get ippools,ipamblocks,blockaffinities,ipamhandles,tiers,clusterinformations,felixconfigurations,ipamconfigs -o yaml | head -300; ssh drydock-worker "ip a; ip route; ls /etc/cni/net.d /opt/cni/bin"; kubectl get events -A | tail -20'))
  }, 200_000)
})
