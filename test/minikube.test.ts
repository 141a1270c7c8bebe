import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('minikube') }, 60_000)
afterAll(() => lab.stop(), 60_000)

describe('minikube', () => {
  it('says how to begin as long as there is no profile', async () => {
    expect(await lab.run('minikube status')).toMatchObject({ code: 85, stdout: '* Profile "minikube" not found. Run "minikube profile list" to view all profiles.\n  To start a cluster, run: "minikube start"\n' })
    expect(await lab.run('minikube start --kubernetes-version=v1.30.0')).toMatchObject({ code: 69, stderr: 'X Exiting due to MK_UNIMPLEMENTED: Kubernetes v1.30.0 (there is v1.36.3) is not available in Drydock\n' })
    expect(lab.fleet.list()).toEqual([])
  })

  it('starts a cluster of one node with a context of its own', async () => {
    expect(await lab.out('MINIKUBE_IN_STYLE=true minikube start')).toBe(`😄  minikube v1.38.1 on Drydock (amd64)
✨  Automatically selected the docker driver
📌  Using Docker driver with root privileges
👍  Starting "minikube" primary control-plane node in "minikube" cluster
🚜  Pulling base image v0.0.50 ...
🔥  Creating docker container (CPUs=2, Memory=3072MB) ...
📦  Preparing Kubernetes v1.36.3 on containerd 2.3.7 ...
🔗  Configuring CNI (Container Networking Interface) ...
🔎  Verifying Kubernetes components...
🌟  Enabled addons: storage-provisioner, default-storageclass
🏄  Done! kubectl is now configured to use "minikube" cluster and "default" namespace by default
`)
    expect(await lab.out('kubectl config current-context; kubectl get nodes --no-headers | awk \'{print $1, $2, $3}\'; minikube ip')).toBe('minikube\nminikube Ready control-plane\n192.168.49.2\n')
    expect(await lab.out('minikube status')).toBe('minikube\ntype: Control Plane\nhost: Running\nkubelet: Running\napiserver: Running\nkubeconfig: Configured\n\n')
    expect(await lab.out('minikube profile list')).toContain('│ minikube │ docker │ containerd │ 192.168.49.2 │ v1.36.3 │ OK     │ 1     │ *              │ *                  │')
    expect(await lab.out('minikube ssh hostname; minikube kubectl -- get nodes -o name')).toBe('minikube\nnode/minikube\n')
  }, 60_000)

  it('gives LoadBalancer Services an address only while a tunnel is open', async () => {
    await lab.out('kubectl create deployment web --image=nginx && kubectl expose deployment web --port=80 --type=LoadBalancer && kubectl rollout status deployment/web --timeout=60s')
    expect(await lab.out('curl -s $(minikube service web --url) | grep -c "Welcome to nginx"')).toBe('2\n')
    const address = 'kubectl get service web -o jsonpath="{.status.loadBalancer.ingress[0].ip}"'
    expect(await lab.out(address)).toBe('')
    expect((await lab.run(`minikube tunnel > told & echo $! > pid; sleep 3; ip=$(${address}); [ "$ip" = $(kubectl get service web -o jsonpath="{.spec.clusterIP}") ] && echo same; curl -s $ip | grep -c "Welcome to nginx"; kill $(cat pid); wait; grep services: told`)).stdout).toBe('same\n2\n\tservices: []\n'.replace('[]', '[web]'))
    expect(await lab.out(address)).toBe('')
  }, 60_000)

  it('stops and starts again with what there was', async () => {
    expect(await lab.out('minikube stop')).toBe('* Stopping node "minikube"  ...\n* Powering off "minikube" via SSH ...\n* 1 node stopped.\n')
    expect(await lab.run('minikube status | grep host; kubectl --context minikube get nodes')).toMatchObject({ code: 1, stdout: 'host: Stopped\n', stderr: expect.stringMatching(/^The connection to the server 127\.0\.0\.1:\d+ was refused/) })
    expect((await lab.run('minikube status')).code).toBe(7)
    lab = await lab.reload()
    expect((await lab.run('minikube config set cni calico; minikube start')).stderr).toContain('the network plugin "calico"')
    expect(await lab.run('minikube config unset cni; minikube start --cpus 4')).toMatchObject({ stdout: expect.stringContaining('* Restarting existing docker container for "minikube" ...\n'), stderr: '! You cannot change the CPUs for an existing minikube cluster. Please first delete the cluster.\n' })
    expect(await lab.run('minikube status -o wide')).toMatchObject({ code: 14, stderr: expect.stringContaining("MK_USAGE: invalid output format: wide. Valid values: 'text', 'json'") })
    expect(await lab.out('kubectl wait --for=condition=Available deployment/web --timeout=60s; kubectl config current-context')).toBe('deployment.apps/web condition met\nminikube\n')
  }, 60_000)

  it('enables addons, whose pods serve', async () => {
    expect(await lab.out('minikube addons enable ingress')).toContain("* Verifying ingress addon...\n* The 'ingress' addon is enabled\n")
    await lab.out('kubectl create ingress web --rule="/*=web:80" && sleep 5')
    expect(await lab.out('curl -s $(minikube ip) | grep -c "Welcome to nginx"; minikube addons list | grep "enabled" | awk \'{print $2}\'')).toBe('2\ndefault-storageclass\ningress\nstorage-provisioner\n')
    expect((await lab.run('minikube addons enable registry-creds')).stderr).toContain('MK_UNIMPLEMENTED: the addon "registry-creds" is not available in Drydock')
  }, 60_000)

  it('shows the dashboard through a proxy of its own', async () => {
    const { stdout, stderr } = await lab.run('minikube dashboard --url > url & sleep 60; cat url; curl -s $(grep ^http url) | grep -o "<title>[^<]*"; kill %1; wait', { withinMs: 200_000 })
    expect(stderr).toBe('* Enabling dashboard ...\n* Verifying dashboard health ...\n* Launching proxy ...\n* Verifying proxy health ...\n')
    expect(stdout).toMatch(/ {2}- Using image docker\.io\/kubernetesui\/dashboard:v2\.7\.0\nhttp:\/\/127\.0\.0\.1:\d+\/api\/v1\/namespaces\/kubernetes-dashboard\/services\/http:kubernetes-dashboard:\/proxy\/\n<title>/)
    expect(await lab.out('minikube addons list | grep "enabled" | awk \'{print $2}\' | grep dashboard')).toBe('dashboard\n')
  }, 60_000)

  it('has volumes with snapshots once both addons are on', async () => {
    const { stderr } = await lab.run('minikube addons enable csi-hostpath-driver')
    expect(stderr).toContain("requires the 'volumesnapshots' addon to be enabled")
    await lab.out('minikube addons enable volumesnapshots; kubectl rollout status -n kube-system statefulset/csi-hostpath-resizer --timeout=90s; kubectl rollout status -n kube-system daemonset/csi-hostpathplugin --timeout=90s')
    await lab.out(`kubectl apply -f - <<'EOF'
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: csi-hostpath-sc, resources: {requests: {storage: 1Gi}}}
---
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshot
metadata: {name: before}
spec: {volumeSnapshotClassName: csi-hostpath-snapclass, source: {persistentVolumeClaimName: data}}
EOF`)
    expect(await lab.out('kubectl wait pvc/data --for=jsonpath="{.status.phase}"=Bound --timeout=60s; kubectl wait volumesnapshot/before --for=jsonpath="{.status.readyToUse}"=true --timeout=60s')).toBe('persistentvolumeclaim/data condition met\nvolumesnapshot.snapshot.storage.k8s.io/before condition met\n')
  }, 60_000)

  it('adds a node, and takes everything away', async () => {
    expect(await lab.out('minikube node add; minikube node list')).toBe('* Adding node m02 to cluster minikube as [worker]\n* Starting "minikube-m02" worker node in "minikube" cluster\n* Successfully added m02 to minikube!\nminikube\t192.168.49.2\nminikube-m02\t192.168.49.3\n')
    expect(await lab.out('kubectl get nodes -l minikube.k8s.io/name=minikube -o name')).toBe('node/minikube\nnode/minikube-m02\n')
    expect(await lab.out('minikube delete')).toBe('* Deleting "minikube" in docker ...\n* Deleting container "minikube" ...\n* Deleting container "minikube-m02" ...\n* Removed all traces of the "minikube" cluster.\n')
    expect(await lab.out('kubectl config get-contexts -o name; docker ps -aq; kubectl --context drydock get nodes -o name | wc -l')).toBe('drydock\n3\n')
  }, 60_000)
})
