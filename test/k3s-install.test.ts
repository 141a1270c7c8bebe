import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/k3s/server-controllers.ts'
import '../src/cluster/node/k3s/install-script.ts'
import '../src/cluster/node/k3s/k3s.ts'
import '../src/cluster/node/k3s/release-hash.ts'
import '../src/cluster/node/node-machine.ts'
import '../src/unix/ssh.ts'

let lab: Lab
beforeAll(async () => {
  lab = await startLab('k3s-install')
  lab.writeFile('lab.xml', `<network><name>lab</name><forward mode='nat'/><ip address='192.168.100.1' netmask='255.255.255.0'><dhcp><range start='192.168.100.10' end='192.168.100.19'/></dhcp></ip></network>`)
  await run('virsh net-create lab.xml; for i in 1 2; do virt-install --name vm$i --network network=lab; done; sleep 30')
}, 60_000)
afterAll(() => lab.stop())

const run = async (script: string) => {
  const { stdout, stderr } = await lab.run(script, { withinMs: 900_000 })
  return stdout + stderr
}
const on = (machine: string, script: string) => run(`ssh ${machine} <<'EOS'\nexec 2>&1\n${script}\nEOS`)
const GET = 'curl -sfL https://get.k3s.io'

test('the installer makes a blank machine a server', async () => {
  expect(await on('vm1', `${GET} | INSTALL_K3S_VERSION=v1.20.0+k3s1 sh -; echo $?`)).toMatch(/\[INFO\] {2}Using v1\.20\.0\+k3s1 as release\n\[INFO\] {2}Downloading hash \S+\n\[ERROR\] {2}Download failed\n1\n$/)
  expect(await on('vm1', `${GET} | INSTALL_K3S_EXEC="--disable traefik" sh -s - --disable=metrics-server`)).toBe(`[INFO]  Finding release for channel stable
[INFO]  Using v1.36.3+k3s1 as release
[INFO]  Downloading hash https://github.com/k3s-io/k3s/releases/download/v1.36.3+k3s1/sha256sum-amd64.txt
[INFO]  Downloading binary https://github.com/k3s-io/k3s/releases/download/v1.36.3+k3s1/k3s
[INFO]  Verifying binary download
[INFO]  Installing k3s to /usr/local/bin/k3s
[INFO]  Skipping installation of SELinux RPM
[INFO]  Skipping /usr/local/bin/kubectl symlink to k3s, command exists in PATH at /usr/sbin/kubectl
[INFO]  Skipping /usr/local/bin/crictl symlink to k3s, command exists in PATH at /usr/sbin/crictl
[INFO]  Creating /usr/local/bin/ctr symlink to k3s
[INFO]  Creating killall script /usr/local/bin/k3s-killall.sh
[INFO]  Creating uninstall script /usr/local/bin/k3s-uninstall.sh
[INFO]  env: Creating environment file /etc/systemd/system/k3s.service.env
[INFO]  systemd: Creating service file /etc/systemd/system/k3s.service
[INFO]  systemd: Enabling k3s unit
Created symlink /etc/systemd/system/multi-user.target.wants/k3s.service → /etc/systemd/system/k3s.service.
[INFO]  systemd: Starting k3s
`)
  expect(await on('vm1', 'k3s kubectl get nodes --no-headers')).toMatch(/^vm1 +Ready +control-plane +\S+ +v1\.36\.3\+k3s1\n$/)
  const pods = await on('vm1', 'sleep 20; k3s kubectl rollout status -n kube-system deployment/coredns > /dev/null; k3s kubectl get pods -A --no-headers')
  expect(pods).toMatch(/coredns-\S+ +1\/1 +Running [^]*local-path-provisioner-\S+ +1\/1 +Running /)
  expect(pods.match(/^.*coredns-/gm)).toHaveLength(1)
  expect(pods).not.toMatch(/traefik|metrics-server|Pending|Error/)
  expect(await on('vm1', 'stat -c "%a %n" /etc/rancher/k3s/k3s.yaml; cat /var/lib/rancher/k3s/server/node-token; systemctl status k3s; journalctl -u k3s | grep -c level=info')).toMatch(/^600 \/etc\/rancher\/k3s\/k3s\.yaml\nK10[0-9a-f]{64}::server:[0-9a-f]{32}\n● k3s\.service - Lightweight Kubernetes\n[^]* Active: active \(running\)[^]*\/usr\/local\/bin\/k3s server\n\d+\n$/)
  expect(await on('vm1', "ps -ef | grep 'k3s serve[r]'; systemctl cat k3s | tail -4; systemctl is-active kubelet")).toMatch(/ \/usr\/local\/bin\/k3s server\n[^]*'--disable' \\\n\t'traefik' \\\n\t'--disable=metrics-server' \\\n\n?inactive\n$/)
  const flannel = (name: string) => `{.metadata.annotations.flannel\\.alpha\\.coreos\\.com/${name}}`
  expect(await on('vm1', `k3s kubectl get node vm1 -o jsonpath='${['backend-type', 'kube-subnet-manager', 'public-ip', 'backend-data'].map(flannel).join(' ')}'`)).toMatch(/^vxlan true 192\.168\.100\.10 {"VNI":1,"VtepMAC":"\S{17}"}$/)
})

test('a token lets another machine in as an agent, and only a right one does', async () => {
  const token = (await on('vm1', 'cat /var/lib/rancher/k3s/server/node-token')).trim()
  expect(await on('vm2', `${GET} | K3S_URL=https://192.168.100.10:6443 sh -`)).toBe("[ERROR]  Defaulted k3s exec command to 'agent' because K3S_URL is defined, but K3S_TOKEN or K3S_TOKEN_FILE is not defined.\n")
  expect(await on('vm2', `${GET} | K3S_URL=https://192.168.100.10:6443 K3S_TOKEN=${token} sh - 2>/dev/null | tail -2; systemctl is-active k3s-agent`)).toBe('[INFO]  systemd: Enabling k3s-agent unit\n[INFO]  systemd: Starting k3s-agent\nactive\n')
  expect(await on('vm1', 'sleep 15; k3s kubectl get nodes --no-headers')).toMatch(/^vm1 +Ready +control-plane [^]*\nvm2 +Ready +<none> +\S+ +v1\.36\.3\+k3s1\n$/)
  expect(await on('vm2', 'systemctl stop k3s-agent; timeout 5 k3s agent --server https://192.168.100.10:6443 --token wrong')).toContain('Failed to validate connection to cluster at https://192.168.100.10:6443: https://192.168.100.10:6443/v1-k3s/client-kubelet.crt: 401 Unauthorized')
  expect(await on('vm2', 'systemctl start k3s-agent; k3s agent --frob')).toMatch(/level=fatal msg="flag provided but not defined: -frob"\n$/)
  expect(await on('vm2', "sleep 10; curl -sk -m 3 -o /dev/null -w '%{http_code}\\n' https://10.43.0.1/version")).toBe('200\n')
  // Pods of both nodes reach each other.
  expect(await on('vm1', `k3s kubectl create deployment web --image=nginx --replicas=4 > /dev/null; k3s kubectl rollout status deployment/web --timeout=90s | tail -1; k3s kubectl get pods -l app=web -o jsonpath='{range .items[*]}{.spec.nodeName}{"\\n"}{end}' | sort -u
for ip in $(k3s kubectl get pods -l app=web -o jsonpath='{.items[*].status.podIP}'); do curl -s -m 3 http://$ip | grep -c "<title>Welcome"; done`)).toBe('deployment "web" successfully rolled out\nvm1\nvm2\n1\n1\n1\n1\n')
})

test('tokens that agents join with are made and taken back, certificates are listed', async () => {
  expect(await on('vm1', 'k3s token create abcdef.0123456789abcdef --description mine; k3s token list; k3s token delete abcdef; k3s token list | wc -l')).toMatch(/^K10[0-9a-f]{64}::abcdef\.0123456789abcdef\nTOKEN +TTL +EXPIRES +USAGES +DESCRIPTION\nabcdef +23h +\S+Z +authentication,signing +mine\nbootstrap token "abcdef" deleted\n1\n$/)
  expect(await on('vm1', 'k3s certificate check --output table')).toMatch(/\nclient-admin\.crt +O=\S+ CN=kubernetes-admin[^]* OK\n/)
  expect(await on('vm1', 'k3s secrets-encrypt status; k3s frob; k3s --version | head -1')).toBe("Encryption Status: Disabled, no configuration file found\nNo help topic for 'frob'\nk3s version v1.36.3+k3s1 (00000000)\n")
})

test('everything is there after a reload; a service that is stopped stays so', async () => {
  lab = await lab.reload()
  expect(await on('vm1', 'sleep 10; k3s kubectl get nodes --no-headers; systemctl is-active k3s')).toMatch(/^vm1 +Ready [^]*\nvm2 +Ready [^]*\nactive\n$/)
  expect(await on('vm1', 'systemctl stop k3s; systemctl is-active k3s; k3s kubectl get nodes')).toMatch(/^inactive\n[^]*The connection to the server 127\.0\.0\.1:6443 was refused/)
  lab = await lab.reload()
  expect(await on('vm1', 'k3s kubectl get nodes')).toContain('was refused')
  expect(await on('vm1', 'systemctl start k3s; sleep 20; k3s kubectl get nodes --no-headers; k3s kubectl get deployment web -o jsonpath={.status.readyReplicas}')).toMatch(/^vm1 +Ready [^]*\n4$/)
})

test('uninstalling makes the machines blank again', async () => {
  expect(await on('vm2', 'k3s-agent-uninstall.sh 2>&1 | tail -1; ls /usr/local/bin /etc/systemd/system/k3s*; systemctl status k3s-agent')).toMatch(/^\+ rm -f \/usr\/local\/bin\/k3s-killall\.sh\nls: [^]*containerd\n[^]*could not be found/)
  expect(await on('vm1', 'k3s-uninstall.sh > /dev/null 2>&1; ls /usr/local/bin /var/lib/rancher /etc/rancher; curl -sk -m 2 https://127.0.0.1:6443; echo $?; systemctl is-enabled kubelet; systemctl is-active kubelet')).toMatch(/containerd\n[^]*7\nenabled\nactivating\n$/)
  expect(await on('vm1', `${GET} | sh - | tail -1; k3s kubectl get nodes --no-headers`)).toMatch(/\[INFO\] {2}systemd: Starting k3s\nvm1 +Ready /)
  expect(await run('kubectl get nodes --no-headers | wc -l')).toBe('3\n')
})
