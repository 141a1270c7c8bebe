import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/node/node-machine.ts'
import '../src/cluster/component-flags/launch.ts'
import '../src/unix/ssh.ts'

let lab: Lab
beforeAll(async () => {
  lab = await startLab('control plane flags')
  await run('ssh drydock-control-plane "mkdir -p /root/saved /etc/kubernetes/enc /var/log/kubernetes; cp /etc/kubernetes/manifests/* /root/saved/"')
}, 60_000)
afterAll(() => lab.stop())

const run = async (script: string) => {
  const { stdout, stderr } = await lab.run(script, { withinMs: 700_000 })
  return stdout + stderr
}
const pass = (seconds: number) => lab.cluster.clock.advance(seconds * 1_000)
const onControlPlane = (script: string) => run(`ssh drydock-control-plane '${script}'`)
/** Adds lines to a component's command, and mounts. */
const addFlags = async (component: string, flags: readonly string[], mounts: readonly string[] = [], seconds = 40) => {
  const lines = flags.map((flag) => `    - ${flag}`).join('\\n')
  const sed = [`s|^    - ${component}$|    - ${component}\\n${lines}|`,
    ...mounts.flatMap((path, i) => [`s|^    volumeMounts:|    volumeMounts:\\n    - {mountPath: ${path}, name: added${i}}|`, `s|^  volumes:|  volumes:\\n  - {name: added${i}, hostPath: {path: ${path}, type: DirectoryOrCreate}}|`])]
  await onControlPlane(`sed -i ${sed.map((each) => `-e "${each}"`).join(' ')} /etc/kubernetes/manifests/${component}.yaml`)
  await pass(seconds)
}
const reset = async (component: string) => {
  await onControlPlane(`cp /root/saved/${component}.yaml /etc/kubernetes/manifests/`)
  await pass(60)
}
const lastLog = (component: string) => onControlPlane(`crictl logs $(crictl ps -a --state exited --name ${component} -q | head -1) 2>&1 | tail -1`)

test('an unknown flag, an unknown feature gate and a missing file end the API server with the words of the real one, and crictl shows it', async () => {
  await addFlags('kube-apiserver', ['--this-is-wrong=1'])
  expect(await run('kubectl get nodes')).toContain('was refused')
  expect(await onControlPlane('crictl ps -a --name kube-apiserver')).toMatch(/Exited +kube-apiserver/)
  expect(await lastLog('kube-apiserver')).toBe('Error: unknown flag: --this-is-wrong\n')
  await reset('kube-apiserver')
  expect(await run('kubectl get nodes --no-headers')).toContain('Ready')
  await addFlags('kube-apiserver', ['--feature-gates=Foo=true'])
  expect(await lastLog('kube-apiserver')).toMatch(/^E\d{4} \S+ +\d+ run\.go:72\] "command failed" err="unrecognized feature gate: Foo"\n$/)
  await reset('kube-apiserver')
  await onControlPlane('sed -i s#/etc/kubernetes/pki/ca.crt#/etc/kubernetes/pki/nope.crt# /etc/kubernetes/manifests/kube-apiserver.yaml')
  await pass(40)
  expect(await lastLog('kube-apiserver')).toContain('err="open /etc/kubernetes/pki/nope.crt: no such file or directory"')
  await reset('kube-apiserver')
  await onControlPlane('sed -i s#127.0.0.1:2379#127.0.0.1:2378# /etc/kubernetes/manifests/kube-apiserver.yaml')
  await pass(60)
  expect(await lastLog('kube-apiserver')).toContain('context deadline exceeded')
  await reset('kube-apiserver')
  expect(await run('kubectl get nodes --no-headers')).toContain('Ready')
})

test('YAML that is none takes the API server away, and the kubelet says why', async () => {
  await onControlPlane('echo "  bad: [" >> /etc/kubernetes/manifests/kube-apiserver.yaml')
  await pass(30)
  expect(await run('kubectl get nodes')).toContain('was refused')
  expect(await onControlPlane('journalctl -u kubelet')).toContain('Could not process manifest file')
  await reset('kube-apiserver')
  expect(await run('kubectl get nodes --no-headers')).toContain('Ready')
})

test('admission plugins are turned on and off', async () => {
  await addFlags('kube-apiserver', ['--disable-admission-plugins=LimitRanger'])
  await onControlPlane('sed -i s/NodeRestriction/NodeRestriction,AlwaysPullImages,NamespaceAutoProvision/ /etc/kubernetes/manifests/kube-apiserver.yaml')
  await pass(60)
  expect(await run("kubectl run pulled --image=nginx --image-pull-policy=IfNotPresent -n made-up; kubectl get pod pulled -n made-up -o jsonpath='{.spec.containers[0].imagePullPolicy}'")).toBe('pod/pulled created\nAlways')
  await onControlPlane('sed -i s/AlwaysPullImages/AlwaysPullImagez/ /etc/kubernetes/manifests/kube-apiserver.yaml')
  await pass(40)
  expect(await lastLog('kube-apiserver')).toContain('err="enable-admission-plugins plugin \\"AlwaysPullImagez\\" is unknown"')
  await reset('kube-apiserver')
})

test('anonymous requests are refused where that is wanted, which fails the probes of kubeadm, too', async () => {
  const ask = 'curl -sk https://10.89.0.2:6443/version -o /dev/null -w "%{http_code}"'
  expect(await run(ask)).toBe('200')
  await addFlags('kube-apiserver', ['--anonymous-auth=false'], [], 15)
  expect(await run(ask)).toBe('401')
  expect(await run('kubectl get pod kube-apiserver-drydock-control-plane -n kube-system --no-headers')).toContain('0/1')
  await reset('kube-apiserver')
})

test('authorization modes and tokens of a file decide who may do what', async () => {
  await onControlPlane(`echo "s3cret,ann,u1,\\"devs,ops\\"" > /etc/kubernetes/enc/tokens.csv`)
  await addFlags('kube-apiserver', ['--token-auth-file=/etc/kubernetes/enc/tokens.csv'], ['/etc/kubernetes/enc'])
  const who = 'kubectl --token=s3cret --kubeconfig=/dev/null --server=https://10.89.0.2:6443 --insecure-skip-tls-verify'
  expect(await run(`${who} auth whoami`)).toMatch(/Username +ann\nUID +u1\nGroups +\[devs ops system:authenticated\]/)
  expect(await run(`${who} get pods`)).toContain('User "ann" cannot list resource "pods"')
  await onControlPlane('sed -i s/authorization-mode=Node,RBAC/authorization-mode=AlwaysAllow/ /etc/kubernetes/manifests/kube-apiserver.yaml')
  await pass(60)
  expect(await run(`${who} get pods`)).toContain('No resources found')
  await reset('kube-apiserver')
})

test('requests are written to the audit log on the node', async () => {
  await onControlPlane('printf "apiVersion: audit.k8s.io/v1\\nkind: Policy\\nrules:\\n- level: Metadata\\n  resources: [{group: \\"\\", resources: [secrets]}]\\n" > /etc/kubernetes/enc/audit.yaml')
  await addFlags('kube-apiserver', ['--audit-policy-file=/etc/kubernetes/enc/audit.yaml', '--audit-log-path=/var/log/kubernetes/audit.log'], ['/etc/kubernetes/enc', '/var/log/kubernetes'])
  await run('kubectl create secret generic seen --from-literal=a=b')
  expect(await onControlPlane('grep seen /var/log/kubernetes/audit.log')).toMatch(/"level":"Metadata".*"verb":"create","user":\{"username":"kubernetes-admin"/)
  await onControlPlane('sed -i s/audit.yaml/nope.yaml/ /etc/kubernetes/manifests/kube-apiserver.yaml')
  await pass(40)
  expect(await lastLog('kube-apiserver')).toContain('loading audit policy file: failed to read file path \\"/etc/kubernetes/enc/nope.yaml\\": open /etc/kubernetes/enc/nope.yaml: no such file or directory')
  await reset('kube-apiserver')
})

test('secrets are encrypted in etcd from when that is wanted, and those of before once they are written again', async () => {
  await run('kubectl create secret generic old --from-literal=word=swordfish')
  await onControlPlane(`printf "apiVersion: apiserver.config.k8s.io/v1\\nkind: EncryptionConfiguration\\nresources:\\n- resources: [secrets]\\n  providers:\\n  - aescbc: {keys: [{name: key1, secret: $(head -c 32 /dev/zero | base64)}]}\\n  - identity: {}\\n" > /etc/kubernetes/enc/enc.yaml`)
  await addFlags('kube-apiserver', ['--encryption-provider-config=/etc/kubernetes/enc/enc.yaml'], ['/etc/kubernetes/enc'])
  await run('kubectl create secret generic new --from-literal=word=swordfish')
  const inEtcd = (name: string) => run(`kubectl exec -n kube-system etcd-drydock-control-plane -- etcdctl --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/server.crt --key=/etc/kubernetes/pki/etcd/server.key get /registry/secrets/default/${name} --print-value-only | head -c 30 | tr -d "\\0"`)
  expect(await onControlPlane('cat /etc/kubernetes/enc/enc.yaml')).toContain(`secret: ${'A'.repeat(43)}=`)
  expect(await inEtcd('old')).toContain('k8s')
  expect(await inEtcd('old')).not.toContain('enc')
  expect(await inEtcd('new')).toMatch(/^k8s:enc:aescbc:v1:key1:/)
  await run('kubectl get secrets old -o json | kubectl replace -f -; kubectl annotate secret old touched=1')
  expect(await inEtcd('old')).toMatch(/^k8s:enc:aescbc:v1:key1:/)
  expect(await run("kubectl get secret new -o jsonpath='{.data.word}' | base64 -d")).toBe('swordfish')
  lab = await lab.reload()
  await pass(30)
  expect(await inEtcd('new')).toMatch(/^k8s:enc:aescbc:v1:key1:/)
  await reset('kube-apiserver')
  expect(await run('kubectl get secret new')).toBe('Error from server (InternalError): Internal error occurred: unable to transform key "/registry/secrets/default/new": identity transformer tried to read encrypted data\n')
  await addFlags('kube-apiserver', ['--encryption-provider-config=/etc/kubernetes/enc/enc.yaml'], ['/etc/kubernetes/enc'])
  expect(await run("kubectl get secret new -o jsonpath='{.data.word}' | base64 -d")).toBe('swordfish')
  await reset('kube-apiserver')
})

test('a configuration of admission holds all namespaces to a standard, and asks a webhook about images', async () => {
  await onControlPlane('printf "apiVersion: apiserver.config.k8s.io/v1\\nkind: AdmissionConfiguration\\nplugins:\\n- name: PodSecurity\\n  configuration:\\n    apiVersion: pod-security.admission.config.k8s.io/v1\\n    kind: PodSecurityConfiguration\\n    defaults: {enforce: baseline, warn: restricted}\\n    exemptions: {namespaces: [kube-system]}\\n- name: ImagePolicyWebhook\\n  path: images.yaml\\n" > /etc/kubernetes/enc/admission.yaml')
  await onControlPlane('printf "imagePolicy: {kubeConfigFile: /etc/kubernetes/enc/kubeconfig, defaultAllow: false}\\n" > /etc/kubernetes/enc/images.yaml; printf "clusters: [{name: c, cluster: {server: \\"https://10.89.0.2:9999/images\\"}}]\\ncontexts: [{name: c, context: {cluster: c}}]\\ncurrent-context: c\\n" > /etc/kubernetes/enc/kubeconfig')
  await addFlags('kube-apiserver', ['--admission-control-config-file=/etc/kubernetes/enc/admission.yaml'], ['/etc/kubernetes/enc'])
  expect(await run('kubectl run root --image=nginx --privileged')).toContain('pods "root" is forbidden: violates PodSecurity "baseline:latest": privileged (container "root" must not set securityContext.privileged=true)')
  expect(await run('kubectl run plain2 --image=nginx')).toMatch(/^pod\/plain2 created\nWarning: would violate PodSecurity "restricted:latest"/)
  await onControlPlane('sed -i s/=NodeRestriction/=NodeRestriction,ImagePolicyWebhook/ /etc/kubernetes/manifests/kube-apiserver.yaml')
  await pass(60)
  expect(await run('kubectl run asked --image=nginx')).toContain('pods "asked" is forbidden: Post "https://10.89.0.2:9999/images": dial tcp 10.89.0.2:9999: connect: connection refused')
  await onControlPlane('sed -i "s/defaultAllow: false/defaultAllow: true/" /etc/kubernetes/enc/images.yaml; mv /etc/kubernetes/manifests/kube-apiserver.yaml /root/; sleep 5; mv /root/kube-apiserver.yaml /etc/kubernetes/manifests/')
  await pass(60)
  expect(await run('kubectl run asked --image=nginx')).toContain('pod/asked created')
  await reset('kube-apiserver')
})

test('node ports come from the range that is given', async () => {
  await addFlags('kube-apiserver', ['--service-node-port-range=80-100', '--event-ttl=2m'])
  expect(await run('kubectl create service nodeport web --tcp=80 --node-port=80')).toBe('service/web created\n')
  expect(await run('kubectl create service nodeport far --tcp=80 --node-port=30100')).toContain('provided port is not in the valid range. The range of valid ports is 80-100')
  await reset('kube-apiserver')
})

test('the controller manager minds its flags', async () => {
  await addFlags('kube-controller-manager', ['--pod-eviction-timeout=30s'])
  expect(await lastLog('kube-controller-manager')).toBe('Error: unknown flag: --pod-eviction-timeout\n')
  await reset('kube-controller-manager')
  await addFlags('kube-controller-manager', ['--node-monitor-grace-period=16s', '--terminated-pod-gc-threshold=1'])
  await run('for i in 1 2 3; do kubectl run done$i --image=busybox --restart=Never -- true; done')
  await lab.cluster.computers.powerOff('drydock-worker2')
  await pass(30)
  expect(await run('kubectl get node drydock-worker2 --no-headers')).toContain('NotReady')
  lab.cluster.computers.powerOn('drydock-worker2')
  await pass(30)
  expect((await run('kubectl get pods --no-headers | grep -c ^done'))).toBe('1\n')
  await reset('kube-controller-manager')
  await onControlPlane('sed -i s/controllers=\\*/controllers=*,-replicaset/ /etc/kubernetes/manifests/kube-controller-manager.yaml')
  await pass(40)
  expect(await run('kubectl create deployment still --image=nginx; sleep 5; kubectl get pods -l app=still 2>&1')).toContain('No resources found')
  await reset('kube-controller-manager')
  expect(await run('kubectl get pods -l app=still --no-headers')).toContain('Running')
})

test('the scheduler has the profiles of its configuration', async () => {
  await onControlPlane('printf "apiVersion: kubescheduler.config.k8s.io/v1\\nkind: KubeSchedulerConfiguration\\nclientConnection: {kubeconfig: /etc/kubernetes/scheduler.conf}\\nprofiles:\\n- schedulerName: default-scheduler\\n- schedulerName: packing\\n  pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: MostAllocated}}}]\\n  plugins: {multiPoint: {disabled: [{name: TaintToleration}, {name: PodTopologySpread}, {name: NodeResourcesBalancedAllocation}]}}\\n" > /etc/kubernetes/enc/scheduler.yaml')
  await addFlags('kube-scheduler', ['--config=/etc/kubernetes/enc/scheduler.yaml'], ['/etc/kubernetes/enc'])
  expect(await run(`kubectl run packed --image=nginx --overrides='{"spec":{"schedulerName":"packing"}}'; sleep 5; kubectl get pod packed -o wide --no-headers; kubectl describe pod packed`)).toMatch(/packed +1\/1 +Running.*drydock-control-plane[^]*Scheduled .* packing /)
  expect(await run('kubectl run plain --image=nginx; sleep 5; kubectl get pod plain --no-headers')).toContain('Running')
  await reset('kube-scheduler')
})
