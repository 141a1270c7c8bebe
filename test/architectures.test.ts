import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { raspberryPiTopology } from '../src/cluster/topology.ts'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/node/node-machine.ts'
import '../src/unix/ssh.ts'

vi.setConfig({ testTimeout: 60_000 })

let lab: Lab
beforeAll(async () => { lab = await startLab('architectures', raspberryPiTopology()) }, 60_000)
afterAll(() => lab?.stop())

const run = async (script: string) => {
  const { stdout, stderr } = await lab.run(script, { withinMs: 400_000 })
  return stdout + stderr
}

test('nodes say which processor they have, and so do their kernels and those of their pods', async () => {
  expect(await run('kubectl get nodes -L kubernetes.io/arch --no-headers')).toMatch(/^(?:drydock-\S+ +Ready .* arm64\n){4}$/)
  expect(await run("kubectl get node drydock-worker3 -o jsonpath='{.status.nodeInfo.architecture} {.status.capacity.cpu} {.metadata.labels.beta\\.kubernetes\\.io/arch}'")).toBe('arm64 4 arm64')
  expect(await run('kubectl describe node drydock-worker')).toMatch(/Architecture: +arm64/)
  expect(await run('ssh drydock-worker uname -m')).toBe('aarch64\n')
  expect(await run('ssh drydock-worker kubeadm version')).toContain('Platform:"linux/arm64"')
  expect(await run('ssh drydock-worker kubectl version --client -o yaml')).toContain('platform: linux/arm64')
  expect(await run('kubectl run uname --image=busybox --restart=Never -- uname -m; kubectl wait --for=jsonpath={.status.phase}=Succeeded pod/uname >/dev/null; kubectl logs uname')).toBe('pod/uname created\naarch64\n')
  expect(await run('kubectl get --raw /version')).toContain('"platform": "linux/arm64"')
  expect(await run('kubectl -n kube-system logs -l k8s-app=kube-dns')).toContain('\nlinux/arm64, ')
  // The learner's own machine is another one.
  expect(await run('uname -m; arch')).toBe('x86_64\nx86_64\n')
})

test('an image of another processor is pulled, and its program cannot be executed', async () => {
  await run('kubectl run kuard --image=gcr.io/kuar-demo/kuard-amd64:blue')
  await run('kubectl run fitting --image=gcr.io/kuar-demo/kuard-arm64:blue; kubectl wait --for=condition=Ready pod/fitting')
  await lab.cluster.clock.advance(30_000)
  expect(await run('kubectl get pods kuard fitting --no-headers')).toMatch(/^kuard +0\/1 +(?:CrashLoopBackOff|Error) +[1-9].*\nfitting +1\/1 +Running +0 /)
  expect(await run('kubectl logs kuard')).toBe('exec /kuard: exec format error\n')
  expect(await run("kubectl get pod kuard -o jsonpath='{.status.containerStatuses[0].lastState.terminated.exitCode} {.status.containerStatuses[0].lastState.terminated.reason}'")).toBe('255 Error')
})

test('an image whose list has no build for the processor cannot be pulled', async () => {
  await run('kubectl run old --image=mysql:5.7 --env=MYSQL_ROOT_PASSWORD=s')
  await lab.cluster.clock.advance(20_000)
  expect(await run('kubectl get pod old --no-headers')).toMatch(/^old +0\/1 +(?:ErrImagePull|ImagePullBackOff) /)
  expect(await run('kubectl describe pod old')).toContain('Failed to pull image "mysql:5.7": rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/mysql:5.7": no match for platform in manifest: not found')
})

test('what the learner builds runs on machines like his own: one of them beside the others takes it', async () => {
  await run("mkdir app; printf 'FROM alpine\\nCMD [\"uname\", \"-m\"]\\n' > app/Dockerfile; docker login -u me -p secret; docker build -t me/machine app; docker push me/machine")
  await run('kubectl run mine --image=me/machine --restart=Never')
  await lab.cluster.clock.advance(20_000)
  expect(await run('kubectl logs mine')).toBe('exec uname: exec format error\n')
  await run('virt-install --name pc --arch x86_64 --memory 4096 --vcpus 2')
  await lab.cluster.clock.advance(60_000)
  await run('ssh pc $(ssh drydock-control-plane kubeadm token create --print-join-command); kubectl wait --for=condition=Ready node/pc')
  expect(await run('kubectl get nodes -l kubernetes.io/arch=amd64 -o name')).toBe('node/pc\n')
  await run(`kubectl run there --image=me/machine --restart=Never --overrides='{"spec":{"nodeSelector":{"kubernetes.io/arch":"amd64"}}}'; kubectl wait --for=jsonpath={.status.phase}=Succeeded pod/there`)
  expect(await run('kubectl logs there')).toBe('x86_64\n')
})
