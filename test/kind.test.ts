import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('kind') }, 60_000)
afterAll(() => lab.stop(), 60_000)

const CONFIG = `kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
name: two
nodes:
- role: control-plane
  kubeadmConfigPatches:
  - |
    kind: InitConfiguration
    nodeRegistration:
      kubeletExtraArgs:
        node-labels: "ingress-ready=true"
  extraPortMappings:
  - containerPort: 30080
    hostPort: 8080
- role: worker
  labels:
    tier: front
`

describe('kind', () => {
  it('makes a cluster beside the first one, with a context of its own, and takes it away again', async () => {
    const { stdout, stderr, code } = await lab.run('kind create cluster --wait 5m')
    expect(code).toBe(0)
    expect(stdout).toBe('')
    expect(stderr.split('\n').filter((line) => line.startsWith(' ✓'))).toEqual([' ✓ Ensuring node image (kindest/node:v1.36.3) 🖼', ' ✓ Preparing nodes 📦 ', ' ✓ Writing configuration 📜', ' ✓ Starting control-plane 🕹️', ' ✓ Installing CNI 🔌', ' ✓ Installing StorageClass 💾', ' ✓ Waiting ≤ 5m0s for control-plane = Ready ⏳'])
    expect(stderr).toMatch(/ • Ready after \d+s 💚\nSet kubectl context to "kind-kind"\nYou can now use your cluster with:\n\nkubectl cluster-info --context kind-kind\n/)
    expect(await lab.out('kubectl config current-context; kind get clusters; kubectl get nodes -o name')).toBe('kind-kind\nkind\nnode/kind-control-plane\n')
    expect(await lab.out('kubectl cluster-info')).toMatch(/running at https:\/\/127\.0\.0\.1:\d+\n/)
    expect(await lab.out('kubectl --context drydock get nodes -o name')).toBe('node/drydock-control-plane\nnode/drydock-worker\nnode/drydock-worker2\n')

    await lab.out('kubectl create configmap only-here && kubectl --context drydock create configmap only-there')
    expect(await lab.out('kubectl get configmap -o name')).toBe('configmap/kube-root-ca.crt\nconfigmap/only-here\n')

    expect(await lab.run('kind create cluster')).toMatchObject({ code: 1, stderr: 'ERROR: failed to create cluster: node(s) already exist for a cluster with the name "kind"\n' })
    expect((await lab.run('kind delete cluster')).stderr).toBe('Deleting cluster "kind" ...\nDeleted nodes: ["kind-control-plane"]\n')
    expect((await lab.run('kind get clusters; kind delete cluster; docker ps -aq')).stderr).toBe('No kind clusters found.\nDeleting cluster "kind" ...\n')
    expect(await lab.out('kubectl config get-contexts -o name')).toBe('drydock\n')
    expect(await lab.out('kubectl --context drydock get configmap only-there -o name')).toBe('configmap/only-there\n')
  }, 60_000)

  it('follows a configuration file, shows nodes as containers, and gives them images that no registry has', async () => {
    lab.writeFile('two.yaml', CONFIG)
    lab.writeFile('Dockerfile', 'FROM busybox:1.36\nRUN echo loaded > /told\n')
    expect((await lab.run('kind create cluster --config two.yaml')).code).toBe(0)
    expect(await lab.out('kubectl get nodes -L tier,ingress-ready --no-headers | awk \'{print $1, $6, $7}\'')).toBe('two-control-plane true \ntwo-worker front \n')
    expect(await lab.out('docker ps --format "{{.Names}} {{.Image}} {{.Ports}}"')).toMatch(/^two-control-plane kindest\/node:v1\.36\.3 127\.0\.0\.1:\d+->6443\/tcp, 0\.0\.0\.0:8080->30080\/tcp, \[::\]:8080->30080\/tcp\ntwo-worker kindest\/node:v1\.36\.3 \n$/)
    expect(await lab.out('docker exec two-worker hostname; docker exec two-worker crictl ps | awk \'NR > 1 {print $(NF-3)}\' | sort')).toMatch(/^two-worker\n/)

    await lab.out('docker build -q -t told:1 . && kubectl run early --image=told:1 --restart=Never -- cat /told')
    expect((await lab.run('kind load docker-image told:1 --name two --nodes two-worker')).stderr).toMatch(/^Image: "told:1" with ID "sha256:[0-9a-f]{64}" not yet present on node "two-worker", loading\.\.\.\n$/)
    await lab.out('kubectl run late --image=told:1 --restart=Never -- cat /told && kubectl wait --for=jsonpath="{.status.phase}"=Succeeded pod/late --timeout=60s')
    expect(await lab.out('kubectl logs late')).toBe('loaded\n')
    expect(await lab.out('docker exec two-control-plane crictl images | grep -c told || true')).toBe('0\n')

    await lab.out('kubectl create deployment web --image=nginx && kubectl create service nodeport web --tcp=80 --node-port=30080 && kubectl rollout status deployment/web --timeout=60s')
    expect(await lab.out('curl -s localhost:8080 | grep -c "Welcome to nginx"')).toBe('2\n')
  }, 60_000)

  it('makes control planes of several nodes, which need a majority', async () => {
    const own = await startLab('kind control planes')
    try {
      own.writeFile('three.yaml', `kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nname: three\nnodes:\n${'- role: control-plane\n'.repeat(3)}`)
      const { stderr, code } = await own.run('kind create cluster --config three.yaml --wait 2m')
      expect(code, stderr).toBe(0)
      expect([...stderr.matchAll(/ [✓•] (.*?) [^\w.)]*$/gm)].map(([, step]) => step).join(', ')).toMatch(/external load balancer, Writing configuration, .*, Joining more control-plane nodes/)
      expect(stderr).not.toContain('Joining worker nodes')
      expect(await own.out('kubectl get nodes --no-headers | awk \'{print $1, $2, $3}\'; kubectl get pods -n kube-system -l component=etcd -o name | wc -l')).toBe('three-control-plane Ready control-plane\nthree-control-plane2 Ready control-plane\nthree-control-plane3 Ready control-plane\n3\n')
      await own.out('docker stop three-control-plane; sleep 20; kubectl create configmap with-two')
      await own.out('docker stop three-control-plane2')
      expect((await own.run('sleep 20; kubectl create configmap with-one --request-timeout=20s')).code).toBe(1)
      await own.out('docker start three-control-plane2; sleep 90')
      expect(await own.out('kubectl create configmap again; kubectl get configmaps -o name')).toBe('configmap/again created\nconfigmap/again\nconfigmap/kube-root-ca.crt\nconfigmap/with-two\n')
    } finally {
      await own.stop()
    }
  }, 120_000)

  it('finds its clusters after a reload as they were, running or stopped', async () => {
    lab = await lab.reload()
    expect(await lab.out('kubectl get nodes --no-headers | awk \'{print $1, $2}\'')).toBe('two-control-plane Ready\ntwo-worker Ready\n')
    expect(await lab.out('sleep 5; curl -s localhost:8080 | grep -c "Welcome to nginx"; kubectl get pod late -o jsonpath="{.status.phase}"')).toBe('2\nSucceeded')
    await lab.out('docker stop two-worker two-control-plane')
    lab = await lab.reload()
    expect(await lab.run('kubectl get nodes')).toMatchObject({ code: 1, stderr: expect.stringMatching(/^The connection to the server 127\.0\.0\.1:\d+ was refused/) })
    expect(await lab.out('docker ps -q; docker ps -a --format "{{.Names}} {{.State}}"')).toBe('two-control-plane exited\ntwo-worker exited\n')
    await lab.out('docker start two-control-plane two-worker; sleep 60')
    expect(await lab.out('kubectl get nodes --no-headers | awk \'{print $1, $2}\'')).toBe('two-control-plane Ready\ntwo-worker Ready\n')
    expect(await lab.out('kubectl get deployment web -o jsonpath="{.status.readyReplicas}"; kubectl logs late')).toBe('1loaded\n')
    expect(await lab.out('kubectl --context drydock get nodes --no-headers | awk \'{print $2}\' | sort -u')).toBe('Ready\n')
    await lab.run('kind delete clusters --all')
    expect(lab.fleet.list()).toEqual([])
  }, 90_000)

  it('refuses what would have no effect', async () => {
    const refusal = async (yaml: string) => {
      lab.writeFile('bad.yaml', `kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n${yaml}`)
      const { stderr, code } = await lab.run('kind create cluster --config bad.yaml')
      expect(code).toBe(1)
      return stderr
    }
    expect(await refusal(`nodes:\n${'- role: control-plane\n'.repeat(9)}`)).toBe('ERROR: failed to create cluster: a cluster with more than 7 control-plane nodes is not available in Drydock\n')
    expect(await refusal('networking:\n  ipFamily: ipv6\n')).toBe('ERROR: failed to create cluster: networking.ipFamily "ipv6" is not available in Drydock\n')
    expect(await refusal('nodes:\n- role: worker\n')).toBe('ERROR: failed to create cluster: must have at least one control-plane node\n')
    expect(await refusal('nodez: []\n')).toContain('field nodez not found in type v1alpha4.Cluster')
    expect((await lab.run('kind create cluster --image kindest/node:v1.30.0')).stderr).toContain('Command Output: Error response from daemon: manifest for kindest/node:v1.30.0 not found')
    expect(lab.fleet.list()).toEqual([])
  }, 60_000)
})
