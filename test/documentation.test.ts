import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'

/** Images and containers of the documentation's tasks and tutorials, in the pods that these make of them. */
let lab: Lab
beforeAll(async () => { lab = await startLab('documentation images') })
afterAll(() => lab.stop())

const sh = async (script: string) => (await lab.run(script)).stdout

test('containers that share their processes see each other: users, titles, files', async () => {
  lab.writeFile('pod.yaml', `apiVersion: v1
kind: Pod
metadata: { name: shared }
spec:
  shareProcessNamespace: true
  containers:
  - { name: nginx, image: nginx }
  - { name: shell, image: 'busybox:1.28', command: [sleep, '3600'] }
`)
  await sh('kubectl apply -f pod.yaml && kubectl wait --for=condition=Ready pod/shared')
  expect(await sh('kubectl exec shared -c shell -- ps | grep -v ps')).toBe(`PID   USER     TIME  COMMAND
    1 65535     0:00 /pause
    2 root      0:00 nginx: master process nginx -g daemon off;
    3 101       0:00 nginx: worker process
    4 root      0:00 sleep 3600
`)
  expect(await sh("kubectl exec shared -c shell -- sh -c 'head -3 /proc/$(pgrep -o nginx)/root/etc/nginx/nginx.conf; cat /proc/2/root/etc/nginx/../os-release | head -1; ls /proc/4/root/proc/self/cmdline'")).toBe('\nuser  nginx;\nworker_processes  auto;\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n/proc/4/root/proc/self/cmdline\n')
  expect(await sh("kubectl exec shared -c shell -- sh -c 'kill -9 3; sleep 1; pgrep nginx'")).toMatch(/^2\n\d+\n$/)
  expect(await sh('kubectl logs shared -c nginx | grep -c "worker process 3 exited on signal 9"')).toBe('1\n')
})

test('what a container may do is seen in its processes', async () => {
  await sh(`kubectl run limited --image=busybox --overrides='{"spec":{"containers":[{"name":"limited","image":"busybox","args":["sleep","1h"],"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"],"add":["NET_BIND_SERVICE"]},"seccompProfile":{"type":"RuntimeDefault"}}}]}}'; kubectl wait --for=condition=Ready pod/limited`)
  expect(await sh("kubectl exec limited -- grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/1/status")).toBe('CapEff:\t0000000000000400\nNoNewPrivs:\t1\nSeccomp:\t2\n')
})

test('the tutorial\'s web server tells who it is, in both versions', async () => {
  await sh('kubectl create deployment hello --image=gcr.io/google-samples/hello-app:1.0 --port=8080; kubectl expose deployment hello; kubectl rollout status deployment hello')
  const ask = () => sh('kubectl run ask --image=busybox:1.28 --restart=Never --rm -i -q -- wget -qO- hello:8080')
  expect(await ask()).toMatch(/^Hello, world!\nVersion: 1\.0\.0\nHostname: hello-[\w-]+\n$/)
  await sh('kubectl set image deployment hello hello-app=gcr.io/google-samples/hello-app:2.0; kubectl rollout status deployment hello; sleep 2')
  expect(await ask()).toMatch(/^Hello, world!\nVersion: 2\.0\.0\n/)
})

test('busybox 1.28 looks names up as it did then', async () => {
  expect(await sh('kubectl run ask --image=busybox:1.28 --restart=Never --rm -i -q -- nslookup kubernetes')).toBe('Server:    10.96.0.10\nAddress 1: 10.96.0.10 kube-dns.kube-system.svc.cluster.local\n\nName:      kubernetes\nAddress 1: 10.96.0.1 kubernetes.default.svc.cluster.local\n')
})

test('nginx with a certificate speaks TLS on its port', async () => {
  lab.writeFile('tls.conf', 'server {\n  listen 443 ssl;\n  ssl_certificate /etc/nginx/ssl/tls.crt;\n  ssl_certificate_key /etc/nginx/ssl/tls.key;\n  location / { return 200 "over TLS\\n"; }\n}\n')
  lab.writeFile('tls.yaml', `apiVersion: v1
kind: Pod
metadata: { name: secure, labels: { app: secure } }
spec:
  volumes: [{ name: ssl, secret: { secretName: ssl } }, { name: conf, configMap: { name: conf } }]
  containers: [{ name: c, image: 'bprashanth/nginxhttps:1.0', volumeMounts: [{ name: ssl, mountPath: /etc/nginx/ssl }, { name: conf, mountPath: /etc/nginx/conf.d }] }]
`)
  await sh('openssl req -x509 -nodes -newkey rsa:2048 -keyout k.pem -out c.pem -subj /CN=secure; kubectl create secret tls ssl --key k.pem --cert c.pem; kubectl create configmap conf --from-file=tls.conf; kubectl apply -f tls.yaml; kubectl expose pod secure --port=443; kubectl wait --for=condition=Ready pod/secure; sleep 2')
  const ask = (options: string) => sh(`kubectl exec secure -- sh -c 'curl -s ${options} 2>&1'`)
  expect(await ask('-k https://secure')).toBe('over TLS\n')
  expect(await ask('--cacert /etc/nginx/ssl/tls.crt https://secure')).toBe('over TLS\n')
  expect(await ask('-S https://secure')).toMatch(/^curl: \(60\) SSL certificate problem: self-signed certificate\n/)
})

test('a debug container on a node sees its processes and can change into it', async () => {
  const debug = (command: string) => sh(`kubectl debug node/drydock-worker -q -i --image=busybox -- ${command}`)
  expect(await debug("sh -c 'ps | grep -c /usr/bin/kubelet; head -1 /host/etc/os-release'")).toMatch(/^\d\nPRETTY_NAME="Debian GNU\/Linux 12 \(bookworm\)"\n$/)
  expect(await debug("chroot /host sh -c 'pwd; echo kept > /tmp/note; crictl ps -q | wc -l; systemctl is-active kubelet'")).toMatch(/^\/\n\d+\nactive\n$/)
  expect(await debug('cat /host/tmp/note')).toBe('kept\n')
})

test('a job counts pi', async () => {
  await sh("kubectl create job pi --image=perl:5.34.0 -- perl -Mbignum=bpi -wle 'print bpi(2000)'; kubectl wait --for=condition=Complete job/pi --timeout=60s")
  expect(await sh('kubectl logs job/pi')).toMatch(/^3\.14159\d{1994}\n$/)
})

test('a profile that the node lacks keeps a container from being made, until it is there', async () => {
  lab.writeFile('profiles.yaml', `apiVersion: v1
kind: Pod
metadata: { name: audited }
spec:
  securityContext: { seccompProfile: { type: Localhost, localhostProfile: profiles/audit.json } }
  containers: [{ name: c, image: 'hashicorp/http-echo:1.0', args: [-text=hi] }]
---
apiVersion: v1
kind: Pod
metadata: { name: confined }
spec:
  hostUsers: false
  containers:
  - { name: one, image: busybox, args: [sleep, 1h], securityContext: { appArmorProfile: { type: Localhost, localhostProfile: mine } } }
  - { name: two, image: busybox, args: [sleep, 1h] }
`)
  await sh('kubectl apply -f profiles.yaml; sleep 5')
  const waiting = (pod: string) => sh(`kubectl get pod ${pod} -o jsonpath='{range .status.containerStatuses[*].state.waiting}{.reason}: {.message}{"\\n"}{end}'`)
  expect(await waiting('confined')).toBe('CreateContainerError: failed to get container spec opts: failed to generate apparmor spec opts: apparmor profile not found mine\n')
  expect(await waiting('audited')).toBe('CreateContainerError: failed to create containerd container: cannot load seccomp profile "/var/lib/kubelet/seccomp/profiles/audit.json": open /var/lib/kubelet/seccomp/profiles/audit.json: no such file or directory\n')
  expect(await sh("kubectl exec confined -c two -- sh -c 'cat /proc/1/attr/current; cat /proc/self/uid_map'")).toMatch(/^cri-containerd\.apparmor\.d \(enforce\)\n +0 +\d+ +65536\n$/)
  await sh("ssh $(kubectl get pod audited -o jsonpath='{.spec.nodeName}') 'mkdir -p /var/lib/kubelet/seccomp/profiles; echo eyJkZWZhdWx0QWN0aW9uIjoiU0NNUF9BQ1RfTE9HIn0= | base64 -d > /var/lib/kubelet/seccomp/profiles/audit.json'; kubectl wait --for=condition=Ready pod/audited --timeout=60s")
  expect(await waiting('audited')).toBe('')
})

test('the mirror of a static pod comes back when it is deleted', async () => {
  await sh("kubectl run static --image=nginx --dry-run=client -o yaml > static.yaml; cat static.yaml | ssh drydock-worker 'cat > /etc/kubernetes/manifests/static.yaml'; sleep 25; kubectl wait --for=condition=Ready pod/static-drydock-worker")
  const uid = () => sh("kubectl get pod static-drydock-worker -o jsonpath='{.metadata.uid}'")
  const before = await uid()
  await sh('kubectl delete pod static-drydock-worker; sleep 2')
  expect(await uid()).toMatch(/^[0-9a-f-]{36}$/)
  expect(await uid()).not.toBe(before)
})

test('variables come from files of volumes', async () => {
  lab.writeFile('from-file.yaml', `apiVersion: v1
kind: Pod
metadata: { name: from-file }
spec:
  restartPolicy: Never
  volumes: [{ name: v, emptyDir: {} }]
  initContainers:
  - name: write
    image: busybox
    command:
    - sh
    - -c
    - echo "WHERE='over there'" > /v/env
    volumeMounts: [{ name: v, mountPath: /v }]
  containers: [{ name: c, image: busybox, command: [printenv, WHERE], env: [{ name: WHERE, valueFrom: { fileKeyRef: { volumeName: v, path: env, key: WHERE } } }] }]
`)
  await sh("kubectl apply -f from-file.yaml; kubectl wait --for=jsonpath='{.status.phase}'=Succeeded pod/from-file")
  expect(await sh('kubectl logs from-file')).toBe('over there\n')
})
