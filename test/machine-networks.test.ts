import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { httpRequest } from '../src/base/http.ts'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/node/node-machine.ts'
import '../src/unix/ssh.ts'

vi.setConfig({ testTimeout: 60_000 })

let lab: Lab
beforeAll(async () => { lab = await startLab('machine-networks') }, 60_000)
afterAll(() => lab.stop())

const run = async (script: string) => {
  const { stdout, stderr } = await lab.run(script, { withinMs: 700_000 })
  return stdout + stderr
}
const pass = (seconds: number) => lab.cluster.clock.advance(seconds * 1_000)
const theCluster = () => lab.fleet.get('libvirt', 'lab')!.cluster!
const network = (name: string, third: number) => `<network>
  <name>${name}</name>
  <forward mode='nat'/>
  <ip address='192.168.${third}.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.${third}.10' end='192.168.${third}.11'/></dhcp>
  </ip>
</network>
`

test('networks are made of their files, listed, and taken away', async () => {
  lab.writeFile('lab.xml', network('lab', 100))
  lab.writeFile('other.xml', network('other', 100))
  lab.writeFile('own.xml', network('own', 105).replace('</name>', '</name><uuid>6C7F0B3E-9D0C-4B7E-8F55-0D6C0A2F4E11</uuid><bridge name="br-own"/>'))
  lab.writeFile('reversed.xml', network('reversed', 104).replace("192.168.104.11", '192.168.104.2'))
  lab.writeFile('named.xml', network('named', 104).replace('<ip ', "<domain name='lab.example'/><ip "))
  lab.writeFile('isolated.xml', network('isolated', 101).replace('nat', 'bridge'))
  expect(await run('virsh net-create lab.xml')).toBe('Network lab created from lab.xml\n\n')
  expect(await run('virsh net-create lab.xml')).toMatch(/^error: Failed to create network from lab\.xml\nerror: operation failed: network 'lab' already exists with uuid \S{36}\n$/)
  expect(await run('virsh net-define other.xml')).toBe('error: Failed to define network from other.xml\nerror: internal error: Network is already in use by interface virbr1\n')
  expect(await run('virsh net-create isolated.xml')).toContain('drydock: the forward mode bridge is not supported')
  expect(await run('virsh net-define reversed.xml; virsh net-define named.xml')).toMatch(/internal error: range 192\.168\.104\.10 - 192\.168\.104\.2 is reversed\n[^]*drydock: <domain> in a network is not supported\n$/)
  expect(await run('virsh net-define own.xml; virsh net-info own; virsh net-undefine own')).toMatch(/UUID: +6c7f0b3e-9d0c-4b7e-8f55-0d6c0a2f4e11\n[^]*Bridge: +br-own\n\nNetwork own has been undefined\n/)
  await run('sed -i s/192.168.100/192.168.102/g other.xml; virsh net-define other.xml')
  expect(await run('virsh net-list --all')).toBe(` Name      State      Autostart   Persistent
----------------------------------------------
 default   active     yes         yes
 lab       active     no          no
 other     inactive   no          yes

`)
  expect(await run('virt-install --name vm9 --network network=other')).toBe("ERROR    Requested operation is not valid: network 'other' is not active\n")
  expect(await run('virsh net-start other; virsh net-list --name')).toBe('Network other started\n\ndefault\nlab\nother\n\n')
  expect(await run('virsh net-destroy other; virsh net-undefine other; virsh net-list --all --name')).toBe('Network other destroyed\n\nNetwork other has been undefined\n\ndefault\nlab\n\n')
  expect(await run('virsh net-dumpxml lab')).toContain("<range start='192.168.100.10' end='192.168.100.11'/>")
  expect(await run('virsh net-destroy default')).toContain("the first cluster's and stays")
  expect(await run('virt-install --name vm1 --network network=nowhere')).toBe("ERROR    Network not found: no network with matching name 'nowhere'\n")
})

test('machines of such a network belong to no cluster, reach each other, and are there after a reload', async () => {
  await run('virt-install --name vm1 --memory 4096 --vcpus 4 --network network=lab; virt-install --name vm2 --network lab')
  expect(await run('virt-install --name vm1')).toBe("ERROR    Guest name 'vm1' is already in use.\n")
  expect(await run('virt-install --name vm3 --network network=lab')).toContain('ERROR    drydock: the network lab has no address left\n')
  await pass(30)
  expect(await run('virsh list')).toMatch(/drydock-control-plane +running\n[^]* vm1 +running\n[^]* vm2 +running\n/)
  expect(await run('virsh domifaddr vm2')).toMatch(/ vnet0 {6}\S{17} {4}ipv4 {9}192\.168\.100\.11\/24\n/)
  expect(await run('ssh vm1 "hostname; nproc; systemctl is-active kubelet; ss -tln | grep -c 6443"; curl -sk -m 2 https://192.168.100.10:6443/healthz; echo $?')).toBe('vm1\n4\nactivating\n0\n7\n')
  expect(await run('ssh 192.168.100.11 hostname; ssh vm1 "echo mine > /root/note; getent hosts vm2 | tr -s \' \'"')).toBe('vm2\n192.168.100.11 vm2\n')
  expect(await run('kubectl get nodes --no-headers')).not.toContain('vm1')
  await expect(theCluster().handle(httpRequest('https://cluster/version'), theCluster().adminConnection)).rejects.toThrow('there is no control plane')
  lab = await lab.reload()
  expect(await run('ssh vm1 cat /root/note; virsh list --name')).toMatch(/^mine\n[^]*vm1\nvm2\n/)
  expect(await run('virsh net-destroy lab')).toContain('drydock: machines of the network run: vm1, vm2')
})

test("a control plane in k3s' layout can be installed on one, is there after a reload, and is taken away again", async () => {
  const settings = { flavour: 'k3s', clusterName: 'default', podCidr: '10.42.0.0/16', serviceCidr: '10.43.0.0/16', clusterDomain: 'cluster.local', disabled: ['traefik', 'metrics-server'] } as const
  const during = async (work: Promise<void>) => {
    let isDone = false
    void work.finally(() => { isDone = true }).catch(() => {})
    await lab.cluster.clock.until(() => isDone, { withinMs: 120_000 })
    return work
  }
  await during(theCluster().installControlPlane('vm1', settings))
  await expect(theCluster().installControlPlane('vm2', settings)).rejects.toThrow('vm1 is a control plane already')
  lab.writeFile('k3s.yaml', theCluster().adminKubeconfig('https://192.168.100.10:6443'))
  await pass(30)
  const nodes = /^vm1 +Ready +control-plane +\S+ +v1\.36\.3\+k3s1\n$/
  expect(await run('kubectl --kubeconfig k3s.yaml get nodes --no-headers')).toMatch(nodes)
  expect(await run('kubectl --kubeconfig k3s.yaml get pods -A --no-headers')).toMatch(/coredns-\S+ +1\/1 +Running[^]*local-path-provisioner-\S+ +1\/1 +Running/)
  await run('kubectl --kubeconfig k3s.yaml create configmap kept')
  lab = await lab.reload()
  await pass(10)
  expect(await run('kubectl --kubeconfig k3s.yaml get nodes --no-headers')).toMatch(nodes)
  expect(await run('kubectl --kubeconfig k3s.yaml get configmap kept -o name; kubectl get nodes --no-headers | wc -l')).toBe('configmap/kept\n3\n')
  await theCluster().computers.get('vm1')!.forgetPods()
  await during(theCluster().removeControlPlane())
  expect(await run('kubectl --kubeconfig k3s.yaml get nodes')).toContain('The connection to the server 192.168.100.10:6443 was refused')
  lab = await lab.reload()
  expect(await run('ssh vm1 hostname; kubectl --kubeconfig k3s.yaml get nodes')).toMatch(/^vm1\nThe connection to the server 192\.168\.100\.10:6443 was refused/)
  await during(theCluster().installControlPlane('vm2', settings))
  lab.writeFile('k3s.yaml', theCluster().adminKubeconfig('https://192.168.100.11:6443'))
  await pass(10)
  expect(await run('kubectl --kubeconfig k3s.yaml get nodes --no-headers; kubectl --kubeconfig k3s.yaml get configmap kept')).toMatch(/^vm2 +Ready [^]*configmaps "kept" not found/)
})

test('a machine that carries the control plane can be taken away, and its network with the last one', async () => {
  expect(await run('exec 2>&1; virsh destroy vm2; virsh undefine vm2; virsh destroy vm1; virsh net-destroy lab; virsh undefine vm1; virsh net-destroy lab; virsh net-list --name')).toMatch(/Domain 'vm2' has been undefined[^]*error: Failed to destroy network lab\nerror: drydock: machines belong to the network, which is gone once it ends: vm1; undefine them first\nDomain 'vm1' has been undefined[^]*Network lab destroyed\n\ndefault\n/)
  expect(await run('kubectl get nodes --no-headers | wc -l')).toBe('3\n')
})
