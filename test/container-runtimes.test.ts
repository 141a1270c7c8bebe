import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { kubeadmTopology, withRuntime } from '../src/cluster/topology.ts'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/node/node-machine.ts'
import '../src/unix/ssh.ts'

vi.setConfig({ testTimeout: 60_000 })

let lab: Lab
beforeAll(async () => { lab = await startLab('container runtimes', { ...withRuntime(kubeadmTopology(2), 'cri-o'), cni: 'none' }) }, 60_000)
afterAll(() => lab?.stop())

const run = async (script: string) => {
  const { stdout, stderr } = await lab.run(script, { withinMs: 400_000 })
  return stdout + stderr
}

test('nodes name their runtime, which runs as their service', async () => {
  expect(await run("kubectl get nodes -o custom-columns=R:.status.nodeInfo.containerRuntimeVersion,H:.status.runtimeHandlers[*].name --no-headers")).toMatch(/^(?:cri-o:\/\/1\.36\.\d+ +,crun,runc\n){2}$/)
  expect(await run('ssh drydock-worker systemctl is-active crio containerd')).toBe('active\ninactive\n')
  expect(await run('ssh drydock-worker crictl version')).toContain('RuntimeName:  cri-o\n')
  expect(await run('ssh drydock-worker cat /var/lib/kubelet/config.yaml')).toContain('containerRuntimeEndpoint: unix:///var/run/crio/crio.sock\n')
})

test('without a network plugin it says so in its own words', async () => {
  expect(await run("kubectl get node drydock-worker -o jsonpath='{.status.conditions[?(@.type==\"Ready\")].message}'")).toBe('container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: no CNI configuration file in /etc/cni/net.d/. Has your network provider started?')
})

test('containers carry its name, and their control groups too', async () => {
  await run(`kubectl run web --image=nginx --overrides='{"spec":{"hostNetwork":true,"nodeName":"drydock-worker"}}'; kubectl wait --for=condition=Ready pod/web`)
  const id = (await run("kubectl get pod web -o jsonpath='{.status.containerStatuses[0].containerID}'")).replace(/^cri-o:\/\//, '')
  expect(id).toMatch(/^[0-9a-f]{64}$/)
  expect(await run('ssh drydock-worker crictl ps -q --name web --no-trunc')).toBe(`${id}\n`)
  expect(await run(`ssh drydock-worker find /sys/fs/cgroup -name "crio-${id}.scope"`)).toContain(`crio-${id}.scope`)
  expect(await run('kubectl logs web --tail=1; kubectl exec web -- nope')).toMatch(/start worker process.*\n[^]*command error: executable file `nope` not found in \$PATH: No such file or directory/)
})

test('failures have its words and its place: a program that is missing is noticed when the container is made', async () => {
  await run(`for i in 'nothing nginx nope' 'missing nginx:nope sh' 'nowhere nosuch.example/x sh'; do set -- $i; kubectl run $1 --image=$2 --overrides='{"spec":{"hostNetwork":true,"nodeName":"drydock-worker"}}' --command -- $3; done`)
  await lab.cluster.clock.advance(20_000)
  expect(await run("kubectl get pod nothing -o jsonpath='{.status.containerStatuses[0].state.waiting}'")).toBe('{"message":"container create failed: executable file `nope` not found in $PATH: No such file or directory","reason":"CreateContainerError"}')
  expect(await run('kubectl describe pod missing')).toContain('Failed to pull image "nginx:nope": rpc error: code = Unknown desc = unable to pull image or OCI artifact: pull image err: initializing source docker://nginx:nope: reading manifest nope in docker.io/library/nginx: manifest unknown; artifact err: get manifest: build image source: reading manifest nope in docker.io/library/nginx: manifest unknown')
  await run(`kubectl run secured --image=nginx --overrides='{"spec":{"hostNetwork":true,"nodeName":"drydock-worker","securityContext":{"seccompProfile":{"type":"Localhost","localhostProfile":"mine.json"}}}}'`)
  await lab.cluster.clock.advance(10_000)
  expect(await run("kubectl get pod secured -o jsonpath='{.status.containerStatuses[0].state.waiting.message}'")).toBe('setup seccomp: unable to load local profile "/var/lib/kubelet/seccomp/mine.json": open /var/lib/kubelet/seccomp/mine.json: no such file or directory')
  expect(await run('kubectl describe pod nowhere')).toContain('pinging container registry nosuch.example: Get "https://nosuch.example/v2/": dial tcp: lookup nosuch.example: no such host')
})

test('minikube takes it as well', async () => {
  expect(await run('minikube start --container-runtime=cri-o')).toMatch(/Preparing Kubernetes v1\.36\.3 on CRI-O 1\.36\.\d+ \.\.\./)
  expect(await run('kubectl --context minikube get nodes -o jsonpath={.items[0].status.nodeInfo.containerRuntimeVersion}')).toMatch(/^cri-o:\/\//)
  expect(await run('minikube profile list')).toMatch(/│ minikube +│ docker +│ cri-o +│/)
  expect(JSON.parse(await run('minikube profile list -o json')).valid[0].Config).toMatchObject({ KubernetesConfig: { ContainerRuntime: 'cri-o' }, Nodes: [{ ContainerRuntime: 'cri-o' }] })
  expect(await run('minikube start --container-runtime=containerd')).toContain('another container runtime for an existing minikube cluster is not available in Drydock')
  expect(await run('minikube start -p other --container-runtime=rkt')).toContain('the container runtime "rkt" (there are containerd and cri-o)')
})
