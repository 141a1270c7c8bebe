import { expect, it } from 'vitest'
import { startLab, type Lab } from './lab.ts'

const DENY_ALL = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
`
const POLICIES = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web-from-friends}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
  - from:
    - podSelector: {matchLabels: {friend: "yes"}}
    - namespaceSelector: {matchLabels: {team: ops}}
      podSelector: {matchLabels: {app: probe}}
    ports: [{port: http}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: friends-to-dns-and-web}
spec:
  podSelector: {matchLabels: {friend: "yes"}}
  policyTypes: [Egress]
  egress:
  - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]
    ports: [{port: 53, protocol: UDP}]
  - to: [{podSelector: {matchLabels: {app: web}}}]
`
const WEB = `apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - name: nginx
    image: nginx
    ports: [{name: http, containerPort: 80}]
    readinessProbe: {httpGet: {port: http}, periodSeconds: 1}
`

/** What a pod gets from an address. */
async function wget(lab: Lab, pod: string, url = 'http://web', namespace = 'default'): Promise<string> {
  const { stdout, stderr } = await lab.run(`kubectl exec -n ${namespace} ${pod} -- wget -q -T 2 -O- ${url}`)
  return /Welcome to nginx/.test(stdout) ? 'welcome' : stderr.split('\n')[0]!
}

it('policies decide who reaches whom: nobody, then friends, by names and ports', { timeout: 60_000 }, async () => {
  const lab = await startLab('network-policy')
  try {
    lab.writeFile('web.yaml', WEB)
    lab.writeFile('deny.yaml', DENY_ALL)
    lab.writeFile('policies.yaml', POLICIES)
    await lab.run(`kubectl apply -f web.yaml && kubectl expose pod web --port=80 && kubectl create namespace ops && kubectl label namespace ops team=ops
      kubectl run friend --image=busybox --labels=friend=yes -- sleep 10000; kubectl run stranger --image=busybox -- sleep 10000; kubectl run probe -n ops --image=busybox --labels=app=probe -- sleep 10000
      kubectl wait --for=condition=Ready pod/web pod/friend pod/stranger --timeout=60s; kubectl wait -n ops --for=condition=Ready pod/probe --timeout=60s`)
    const webIp = (await lab.run('kubectl get pod web -o jsonpath={.status.podIP}')).stdout
    for (const pod of ['friend', 'stranger']) expect(await wget(lab, pod)).toBe('welcome')

    await lab.run('kubectl apply -f deny.yaml')
    expect(await wget(lab, 'friend')).toBe("wget: bad address 'web'")
    expect(await wget(lab, 'friend', `http://${webIp}`)).toBe('wget: download timed out')
    expect(await wget(lab, 'probe', 'http://web.default', 'ops')).toBe('wget: download timed out')
    // The kubelet's probes come from the pod's own node.
    await lab.run('sleep 10')
    expect((await lab.run('kubectl get pod web --no-headers')).stdout).toMatch(/^web +1\/1 +Running +0 /)

    await lab.run('kubectl apply -f policies.yaml')
    expect(await wget(lab, 'friend')).toBe('welcome')
    expect(await wget(lab, 'stranger', `http://${webIp}`)).toBe('wget: download timed out')
    expect(await wget(lab, 'probe', 'http://web.default', 'ops')).toBe('welcome')
    await lab.run('kubectl label namespace ops team=dev --overwrite')
    expect(await wget(lab, 'probe', 'http://web.default', 'ops')).toBe('wget: download timed out')

    await lab.run('kubectl delete networkpolicy --all')
    for (const pod of ['friend', 'stranger']) expect(await wget(lab, pod)).toBe('welcome')
  } finally {
    await lab.stop()
  }
})
