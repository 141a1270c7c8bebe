import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/node/node-machine.ts'
import '../src/unix/openssl/openssl.ts'
import '../src/unix/ssh.ts'

let lab: Lab
beforeAll(async () => {
  lab = await startLab('laptop')
  await lab.run('kubectl create deployment web --image=nginx:1.27 --replicas=2; kubectl expose deployment web --port=80; kubectl create service clusterip empty --tcp=80; kubectl run typo --image=nginx:1.72; kubectl wait --for=condition=Available deployment/web; sleep 5')
})
afterAll(() => lab.stop())

const out = (script: string) => lab.out(script)

test('ssh leads into a node whose containers are the ones that the API shows', async () => {
  const node = (await out(`kubectl get pod -l app=web -o jsonpath='{.items[0].spec.nodeName}'`))
  const pod = (await out(`kubectl get pod -l app=web -o jsonpath='{.items[0].metadata.name}'`))
  const id = (await out(`kubectl get pod ${pod} -o jsonpath='{.status.containerStatuses[0].containerID}'`)).replace('containerd://', '')
  expect(await out(`ssh ${node} crictl ps --name nginx -q --no-trunc`)).toContain(id)
  expect(await out(`ssh ${node} "crictl exec ${id.slice(0, 10)} hostname"`)).toBe(`${pod}\n`)
  expect(await out(`ssh ${node} ps -e -o user,args`)).toMatch(/root +nginx: master process nginx -g daemon off;/)
  expect(await out(`ssh root@${node} hostname`)).toBe(`${node}\n`)
  expect(await lab.run('ssh nowhere true')).toEqual({ stdout: '', stderr: 'ssh: Could not resolve hostname nowhere: Name or service not known\n', code: 255 })
})

test('a container that is stopped on its node is started again by the kubelet', async () => {
  const [node, pod] = (await out(`kubectl get pod -l app=web -o jsonpath='{.items[0].spec.nodeName} {.items[0].metadata.name}'`)).split(' ')
  await out(`ssh ${node} "crictl stop \\$(crictl ps -q --name nginx)"`)
  await out('sleep 3')
  expect(await out(`kubectl get pod ${pod} -o jsonpath='{.status.containerStatuses[0].restartCount}'`)).toBe('1')
})

test("iptables-save shows kube-proxy's rules of the Services that exist", async () => {
  const text = await out('ssh drydock-worker iptables-save')
  // The same in every cluster: the hash of default/kubernetes:https and tcp.
  expect(text).toContain('-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment "default/kubernetes:https cluster IP" -m tcp --dport 443 -j KUBE-SVC-NPX46M4PTMTKRN6Y\n')
  const ips = (await out(`kubectl get pod -l app=web -o jsonpath='{.items[*].status.podIP}'`)).split(' ')
  for (const ip of ips) expect(text).toContain(`-m tcp -j DNAT --to-destination ${ip}:80\n`)
  expect(text.match(/--comment "default\/web -> .* --probability 0.50000000000 -j KUBE-SEP-/g)).toHaveLength(1)
  expect(text).toMatch(/-A KUBE-SERVICES -d \S+ -p tcp -m comment --comment "default\/empty:80 has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable\n/)
})

test("journalctl shows what the node's kubelet said", async () => {
  const node = await out(`kubectl get pod typo -o jsonpath='{.spec.nodeName}'`)
  const uid = await out(`kubectl get pod typo -o jsonpath='{.metadata.uid}'`)
  const text = await out(`ssh ${node} journalctl -u kubelet --no-pager`)
  expect(text).toMatch(new RegExp(`^\\w+ \\d+ [\\d:]+ ${node} kubelet\\[\\d+\\]: I\\d{4} .* "Starting kubelet main sync loop"\\n`))
  expect(text).toContain(`"Error syncing pod, skipping" err="failed to \\"StartContainer\\" for \\"typo\\" with ErrImagePull:`)
  expect(text).toContain(`pod="default/typo" podUID="${uid}"`)
  expect(await out(`ssh ${node} journalctl -u kubelet -p err | grep -vc skipping || true`)).toBe('0\n')
})

test('a user gets a certificate from the cluster with openssl and a signing request', async () => {
  lab.writeFile('make-user.sh', `set -e
openssl genrsa -out jane.key 2048
openssl req -new -key jane.key -out jane.csr -subj "/CN=jane/O=dev"
cat <<EOF | kubectl apply -f - >/dev/null
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: jane}
spec:
  request: $(base64 -w0 < jane.csr)
  signerName: kubernetes.io/kube-apiserver-client
  usages: [client auth]
EOF
kubectl certificate approve jane >/dev/null
sleep 1
kubectl get csr jane -o jsonpath='{.status.certificate}' | base64 -d > jane.crt
openssl x509 -in jane.crt -noout -issuer
kubectl config set-credentials jane --client-certificate=jane.crt --client-key=jane.key --embed-certs >/dev/null
kubectl --user=jane auth whoami -o jsonpath='{.status.userInfo.username} {.status.userInfo.groups}'
`)
  expect(await out('bash make-user.sh')).toBe('issuer=CN = kubernetes\njane ["dev","system:authenticated"]')
})
