import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cli/arkade/arkade.ts'
import '../src/cli/k3sup/k3sup.ts'
import '../src/cluster/k3s/server-controllers.ts'
import '../src/cluster/node/k3s/install-script.ts'
import '../src/cluster/node/k3s/k3s.ts'
import '../src/cluster/node/k3s/release-hash.ts'
import '../src/cluster/node/node-machine.ts'
import '../src/unix/ssh.ts'
import '../src/unix/ssh-keys.ts'

let lab: Lab
beforeAll(async () => {
  lab = await startLab('k3sup')
  lab.writeFile('lab.xml', `<network><name>lab</name><forward mode='nat'/><ip address='192.168.100.1' netmask='255.255.255.0'><dhcp><range start='192.168.100.10' end='192.168.100.19'/></dhcp></ip></network>`)
  await run('virsh net-create lab.xml; for i in 1 2 3; do virt-install --name vm$i --network network=lab; done; sleep 30')
}, 120_000)
afterAll(() => lab.stop())

const run = async (script: string) => {
  const { stdout, stderr } = await lab.run(`exec 2>&1\n${script}`, { withinMs: 900_000 })
  return stdout + stderr
}
const INSTALL = "k3sup install --ip 192.168.100.10 --user user --cluster --k3s-extra-args '--disable traefik,metrics-server'"
const JOIN = 'k3sup join --user user --server-user user --server-ip 192.168.100.10 --server'

test('arkade fetches k3sup', async () => {
  expect(await run('curl -sLS https://dl.get-arkade.dev | sudo sh | tail -2')).toBe("New version of arkade installed to /usr/local/bin\nCreating alias 'ark' for 'arkade'.\n")
  expect(await run('arkade get k3sup')).toContain('\nWrote: /home/learner/.arkade/bin/k3sup\n')
  expect(await run('sudo mv ~/.arkade/bin/k3sup /usr/local/bin; k3sup version')).toContain('Version: 0.13.')
  expect(await run('arkade get nothing; arkade install openfaas')).toBe('Error: tool nothing not found\nError: drydock: the app openfaas is not available: there are no images of it here. Charts of your own: arkade install chart --repo-name NAME/CHART --repo-url URL\n')
  expect(await run('curl -sfL https://get.k3s.io | sh -')).toContain('Can not find systemd or openrc')
})

test('a key has to be there, and to be known on the machine', async () => {
  expect(await run(INSTALL)).toContain('Error: unable to load the ssh key with path "/home/learner/.ssh/id_rsa": unable to read file: ')
  expect(await run("ssh-keygen -N '' -f ~/.ssh/id_rsa")).toMatch(/^Generating public\/private rsa key pair\.\nCreated directory '\/home\/learner\/\.ssh'\.\n[^]*SHA256:\S{43} learner@laptop\n$/)
  expect(await run(INSTALL)).toContain('Error: unable to connect to 192.168.100.10:22 over ssh: ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain\n')
  expect(await run('k3sup install --ip 127.0.0.1 --ssh-port 2222 --user user')).toContain('Error: unable to connect to 127.0.0.1:2222 over ssh: dial tcp 127.0.0.1:2222: connect: connection refused\n')
  expect(await run('for i in 0 1 2; do ssh-copy-id user@192.168.100.1$i; done')).toMatch(/Number of key\(s\) added: 1\n/)
  expect(await run('ssh-copy-id user@192.168.100.10; ssh nobody@vm1')).toMatch(/All keys were skipped[^]*nobody@vm1: Permission denied \(publickey\)\.\n$/)
})

test('sudo without a terminal fails until nobody has to give a password', async () => {
  expect(await run(INSTALL)).toMatch(/sudo: a terminal is required to read the password; either use the -S option to read from standard input or configure an askpass helper\n[^]*Error: error received processing command: Process exited with status 1\n$/)
  await run('for i in 1 2; do ssh root@vm$i \'echo "user ALL = (ALL) NOPASSWD: ALL" > /etc/sudoers.d/user; chmod 0440 /etc/sudoers.d/user\'; done')
  expect(await run(INSTALL)).toMatch(/\[INFO\] {2}systemd: Starting k3s\n[^]*Saving file to: \/home\/learner\/kubeconfig\n\n# Test your cluster with:\nexport KUBECONFIG=\/home\/learner\/kubeconfig\nkubectl config use-context default\n/)
  expect(await run('export KUBECONFIG=$HOME/kubeconfig; kubectl config set-context default; kubectl get nodes --no-headers')).toMatch(/^Context "default" modified\.\nvm1 +Ready +control-plane,etcd /)
  expect(await run('ssh user@vm1 k3s kubectl get nodes')).toContain('WARN[0000] Unable to read /etc/rancher/k3s/k3s.yaml, please start server with --write-kubeconfig-mode')
}, 120_000)

test('of three servers one may fail, and not two', async () => {
  expect(await run(`${JOIN} --ip 192.168.100.12`)).toMatch(/Received node-token from 192\.168\.100\.10\.\. ok\.\n[^]*Error: unable to setup agent: Process exited with status 1\n$/)
  await run('ssh root@vm3 \'echo "user ALL = (ALL) NOPASSWD: ALL" > /etc/sudoers.d/user\'')
  await run(`${JOIN} --ip 192.168.100.11; ${JOIN} --ip 192.168.100.12; sleep 10`)
  expect(await run('KUBECONFIG=kubeconfig kubectl get nodes --no-headers')).toMatch(/^(vm\d +Ready +control-plane,etcd .*\n){3}$/)
  await run('virsh destroy vm1; sleep 110')
  expect(await run('ssh vm2 "k3s kubectl create configmap after; k3s kubectl get nodes --no-headers"')).toMatch(/^configmap\/after created\nvm1 +NotReady [^]*vm2 +Ready [^]*vm3 +Ready /)
  // Another server looks after its manifests now.
  expect(await run('for i in 2 3; do ssh vm$i ls /var/lib/rancher/k3s/server/manifests; done')).toContain('coredns.yaml')
  await run('virsh destroy vm2; sleep 5')
  expect(await run('ssh vm3 "timeout 20 k3s kubectl create configmap never"')).toContain('etcdserver: request timed out')
  await run('virsh start vm2; sleep 60')
  expect(await run('ssh vm3 "k3s kubectl create configmap again"')).toBe('configmap/again created\n')
  lab = await lab.reload()
  expect(await run('sleep 20; ssh vm2 "k3s kubectl get configmap again -o name"')).toBe('configmap/again\n')
}, 240_000)

test('arkade installs a chart with helm, and tells what it runs', async () => {
  const archives = new Map<string, Uint8Array>()
  const server = lab.laptop.net.listenHttp(8879, (request) => { const data = archives.get(new URL(request.url).pathname); return data ? new Response(Uint8Array.from(data)) : new Response('gone', { status: 404 }) })
  await run('helm create crane; mkdir -p repo; helm package crane -d repo; helm repo index repo')
  for (const name of lab.laptop.fs.readdir('/home/learner/repo')) archives.set(`/${name}`, lab.laptop.fs.readFile(`/home/learner/repo/${name}`))
  const told = await run('arkade install chart --repo-name harbour/crane --repo-url http://127.0.0.1:8879 --namespace dock --set replicaCount=2 --wait')
  expect(told).toContain('Node architecture: "amd64"\nClient: x86_64, Linux\n')
  expect(told).toContain('"harbour" has been added to your repositories\n')
  expect(told).toContain('Command: helm [upgrade --install crane harbour/crane --namespace dock --wait --set replicaCount=2]\nRelease "crane" does not exist. Installing it now.\n')
  expect(told).toContain('= chart harbour/crane has been installed.')
  expect(await run('kubectl get deployment -n dock crane -o jsonpath="{.status.readyReplicas}"')).toBe('2')
  expect(await run('arkade install metrics-server --colour blue; arkade info metrics-server')).toBe('Error: unknown flag: --colour\nInfo for app: metrics-server\n# What pods and nodes use:\nkubectl top pod\nkubectl top node\n')
  server.close()
})
