import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('cloud') }, 60_000)
afterAll(() => lab.stop(), 60_000)

const SERVE = 'kubectl create deployment web --image=nginx && kubectl expose deployment web --port=80 --type=LoadBalancer && kubectl rollout status deployment/web --timeout=60s && sleep 5'
const TITLE = 'grep -c "Welcome to nginx"'

describe('clusters of clouds', () => {
  it('gcloud makes one whose load balancers have an address, resizes and deletes it', async () => {
    expect(await lab.run('gcloud container clusters create kuar-cluster')).toMatchObject({ code: 1, stderr: 'ERROR: (gcloud.container.clusters.create) One of [--location, --region, --zone] must be supplied.\n' })
    expect((await lab.run('gcloud config set compute/zone europe-west3-a')).stderr).toBe('Updated property [compute/zone].\n')
    const { stdout, code } = await lab.run('gcloud container clusters create kuar-cluster --num-nodes 1')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^NAME +LOCATION .*\nkuar-cluster +europe-west3-a +1\.36\.3 +\S+ +e2-medium +1\.36\.3 +1 +RUNNING\n$/)
    expect(await lab.out('kubectl config current-context; kubectl get nodes -o name')).toMatch(/^gke_drydock_europe-west3-a_kuar-cluster\nnode\/gke-kuar-cluster-default-pool-\S+\nnode\/kuar-cluster-control-plane\n$/)
    await lab.out(SERVE)
    expect(await lab.out(`curl -s $(kubectl get service web -o jsonpath="{.status.loadBalancer.ingress[0].ip}") | ${TITLE}`)).toBe('2\n')
    expect((await lab.run('gcloud container clusters resize kuar-cluster --num-nodes 2 -q; kubectl get nodes -o name')).stdout.split('\n')).toHaveLength(4)
    expect(await lab.out("kubectl get nodes -l cloud.google.com/gke-nodepool=default-pool,node.kubernetes.io/instance-type=e2-medium -o jsonpath='{.items[*].status.capacity.memory}'")).toBe('4Gi 4Gi')
    expect((await lab.run('gcloud container clusters delete kuar-cluster -q --zone us-west1-a')).stderr).toContain('code=404')
    expect((await lab.run('gcloud container clusters describe kuar-cluster --num-nodes 3')).stderr).toContain('--num-nodes')
    expect((await lab.run('gcloud container clusters delete kuar-cluster -q; kubectl config get-contexts -o name')).stdout).toBe('drydock\n')
  }, 60_000)

  it('az makes one in a resource group', async () => {
    expect(await lab.run('az aks create -g kuar -n kuar-cluster')).toMatchObject({ code: 3, stderr: expect.stringContaining("(ResourceGroupNotFound) Resource group 'kuar' could not be found.") })
    expect(JSON.parse(await lab.out('az group create --name=kuar --location=westus'))).toMatchObject({ name: 'kuar', location: 'westus', properties: { provisioningState: 'Succeeded' } })
    expect((await lab.run('az aks create -g kuar -n kuar-cluster --min-count 1 --max-count 3')).stderr).toContain('min-count and max-count are required for --enable-cluster-autoscaler, please use the flag')
    expect((await lab.run('az aks create -g kuar -n kuar-cluster --enable-cluster-autoscaler --min-count 1 --max-count 2')).stderr).toBe('ERROR: node-count is not in the range of min-count and max-count\n')
    expect(JSON.parse(await lab.out('az aks create --resource-group=kuar --name=kuar-cluster --node-count 1'))).toMatchObject({ name: 'kuar-cluster', provisioningState: 'Succeeded', resourceGroup: 'kuar', agentPoolProfiles: [{ count: 1 }] })
    expect(await lab.out('az aks get-credentials --resource-group=kuar --name=kuar-cluster; kubectl config current-context')).toBe('Merged "kuar-cluster" as current context in /home/learner/.kube/config\nkuar-cluster\n')
    expect(await lab.run('az aks scale -g kuar -n kuar-cluster -c many')).toMatchObject({ code: 2, stderr: "ERROR: argument --node-count/-c: invalid int value: 'many'\n" })
    const profile = () => lab.fleet.get('aks', 'kuar-cluster')!.record.details['profile']
    await lab.out('az aks update -g kuar -n kuar-cluster --ca-profile scan-interval=1m30s,skip-nodes-with-local-storage=false -o none; az aks update -g kuar -n kuar-cluster --ca-profile scan-interval=20s -o none')
    expect(profile()).toEqual({ scanIntervalMs: 20_000, skipNodesWithLocalStorage: false })
    await lab.out('az aks update -g kuar -n kuar-cluster --ca-profile "" -o none')
    expect(profile()).toEqual({})
    expect((await lab.run('az aks update -g kuar -n kuar-cluster --ca-profile skip-nodes-with-system-pods=never')).stderr).toContain('--cluster-autoscaler-profile skip-nodes-with-system-pods=never is not available in Drydock')
    expect(await lab.out('az group delete -n kuar --yes; az aks list; az group list')).toBe('[]\n[]\n')
  }, 60_000)

  it('eksctl makes one whose load balancers have a host name, also after a reload', async () => {
    expect(await lab.out('eksctl create cluster --name kuar-cluster')).toMatch(/\[✔\] {2}EKS cluster "kuar-cluster" in "us-west-2" region is ready\n$/)
    await lab.out(SERVE)
    const hostname = 'kubectl get service web -o jsonpath="{.status.loadBalancer.ingress[0].hostname}"'
    const given = await lab.out(hostname)
    expect(given).toMatch(/\.us-west-2\.elb\.amazonaws\.com$/)
    expect(await lab.out(`curl -s $(${hostname}) | ${TITLE}`)).toBe('2\n')
    lab = await lab.reload()
    expect(await lab.out(`sleep 5; ${hostname}`)).toBe(given)
    expect(await lab.out(`curl -s $(${hostname}) | ${TITLE}`)).toBe('2\n')
    const group = await lab.out("kubectl get nodes -o jsonpath='{.items[0].metadata.labels.alpha\\.eksctl\\.io/nodegroup-name}{.items[1].metadata.labels.alpha\\.eksctl\\.io/nodegroup-name}'")
    expect((await lab.run('eksctl delete cluster --name kuar-cluster --region eu-west-1')).stderr).toContain('No cluster found for name: kuar-cluster.')
    expect(group).toContain('ng-')
    await lab.out('eksctl delete cluster --name kuar-cluster')
    expect(await lab.out('grep -c elb.amazonaws.com /etc/hosts || true; kubectl --context drydock get nodes -o name | wc -l')).toBe('0\n3\n')
  }, 60_000)
})
