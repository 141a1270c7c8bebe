import { afterAll, beforeAll, expect, it } from 'vitest'
import { startLab } from '../../test/lab.ts'
import type { Lab } from '../../test/lab.ts'
import { deploymentVersions } from './deployment-versions.ts'
import { readInstalled } from './installed.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('installed') })
afterAll(() => lab?.stop())

const namesOf = (items: readonly { name: string }[]) => items.map(({ name }) => name)

it('finds the parts of an ordinary cluster by what they do, not by their names', async () => {
  const { sections, networkProblem } = await readInstalled(lab.cluster)
  expect(sections.runtime).toEqual([expect.objectContaining({ name: expect.stringMatching(/^containerd \d/), facts: expect.arrayContaining([['nodes', '3']]) })])
  expect(namesOf(sections.network)).toEqual(['kube-system/kindnet', 'kube-system/kube-proxy'])
  expect(sections.storage).toEqual([expect.objectContaining({ name: 'standard', isDefault: true, facts: [['provisioner', 'rancher.io/local-path'], ['reclaim', 'Delete'], ['binding', 'WaitForFirstConsumer']] })])
  expect(sections.dns).toEqual([expect.objectContaining({ name: 'kube-system/coredns', ready: '2/2', health: 'good', facts: [['address', '10.96.0.10'], ['image', expect.stringContaining('coredns')]] })])
  expect([sections.ingress, sections.metrics, networkProblem]).toEqual([[], [], undefined])
})

it('shows drivers, classes with the controller of the same release, and APIs of measurements that nobody serves', async () => {
  await lab.out(`kubectl apply -f - <<'END'
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: { name: disks.example.com }
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: front, labels: { app.kubernetes.io/name: gate, app.kubernetes.io/instance: mine }, annotations: { ingressclass.kubernetes.io/is-default-class: "true" } }
spec: { controller: example.com/gate }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: gate }
spec:
  replicas: 0
  selector: { matchLabels: { app.kubernetes.io/name: gate } }
  template:
    metadata: { labels: { app.kubernetes.io/name: gate, app.kubernetes.io/instance: mine } }
    spec: { containers: [{ name: gate, image: "nginx:1.27" }] }
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: { name: v1beta1.custom.metrics.k8s.io }
spec: { group: custom.metrics.k8s.io, version: v1beta1, groupPriorityMinimum: 100, versionPriority: 100, insecureSkipTLSVerify: true, service: { name: nobody, namespace: default } }
END`)
  const { sections } = await readInstalled(lab.cluster)
  expect(sections.storage.find(({ name }) => name === 'disks.example.com')?.facts).toEqual([['driver', ''], ['nodes', '0']])
  expect(sections.ingress).toEqual([
    expect.objectContaining({ name: 'front', isDefault: true, facts: [['controller', 'example.com/gate']] }),
    expect.objectContaining({ name: 'default/gate', object: { kind: 'deployment', name: 'gate', namespace: 'default' }, ready: '0/0', facts: [['image', 'nginx:1.27']] }),
  ])
  expect(sections.metrics).toEqual([expect.objectContaining({ name: 'v1beta1.custom.metrics.k8s.io', health: 'bad', facts: [['service', 'default/nobody']] })])
})

it('compares Deployments of several clusters by namespace and name, without those that came with the cluster', async () => {
  expect(await deploymentVersions([{ id: '', cluster: lab.cluster }, { id: 'kind/kind', cluster: lab.cluster }])).toEqual({ deployments: [{ namespace: 'default', name: 'gate', images: { '': ['nginx:1.27'], 'kind/kind': ['nginx:1.27'] } }], more: 0, silent: [] })
})

it('says how many Deployments it leaves out of the comparison, and which clusters do not answer', async () => {
  const clusterOf = (list: () => Promise<unknown>) => ({ clock: lab.cluster.clock, apiAs: () => ({ list }) }) as unknown as Lab['cluster']
  const items = Array.from({ length: 203 }, (_, i) => ({ metadata: { namespace: 'default', name: `web-${String(i).padStart(3, '0')}` }, spec: { template: { spec: { containers: [{ image: 'nginx:1.27' }] } } } }))
  const { deployments, more, silent } = await deploymentVersions([{ id: '', cluster: clusterOf(async () => ({ items })) }, { id: 'kind/gone', cluster: clusterOf(() => Promise.reject(new Error('connection refused'))) }])
  expect([deployments.length, deployments.at(-1)!.name, more, silent]).toEqual([200, 'web-199', 3, ['kind/gone']])
})
