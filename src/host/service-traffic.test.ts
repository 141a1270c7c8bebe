import { afterAll, beforeAll, expect, it } from 'vitest'
import { startLab } from '../../test/lab.ts'
import type { Lab } from '../../test/lab.ts'
import { serviceTraffic } from './service-traffic.ts'
import '../cluster/node/node-machine.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('traffic') }, 60_000)
afterAll(() => lab.stop())

it('follows a packet from a node by its rules and routes to the pods of a Service', async () => {
  await lab.run('kubectl create deployment web --image=nginx --replicas=3; kubectl expose deployment web --port=80; kubectl rollout status deployment web', { withinMs: 120_000 })
  const { services, nodes, paths, ...about } = await serviceTraffic(lab.cluster, { node: 'drydock-worker' })
  expect(services.slice(0, 2)).toEqual(['default/web', 'default/kubernetes'])
  expect(nodes).toEqual(['drydock-worker', 'drydock-worker2', 'drydock-control-plane'])
  expect(about).toMatchObject({ service: 'default/web', node: 'drydock-worker', dnsName: 'web.default.svc.cluster.local' })
  const [path] = paths
  expect(path!.port).toBe('80/TCP')
  expect(path!.entry).toContain(`-d ${about.clusterIP}/32 -p tcp`)
  expect(path!.targets).toHaveLength(3)
  for (const { address, share, choice, translation, pod, node, route } of path!.targets) {
    expect(share).toBeCloseTo(1 / 3)
    expect(choice).toContain(`-> ${address}"`)
    expect(translation).toContain(`-j DNAT --to-destination ${address}`)
    expect(pod).toMatch(/^web-/)
    // A pod here is at a device of its own, one elsewhere behind its node.
    expect(route).toMatch(node === 'drydock-worker' ? new RegExp(`^${address.replace(':80', '')} dev `) : /^10\.244\.2\.0\/24 via 10\.89\.0\.4 /)
  }
})

it('without pods the node refuses, and what is gone is replaced', async () => {
  await lab.run('kubectl scale deployment web --replicas=0; kubectl wait --for=delete pod -l app=web', { withinMs: 120_000 })
  const { paths: [path], node } = await serviceTraffic(lab.cluster, { service: 'default/web', node: 'gone' })
  expect(node).toBe('drydock-worker')
  expect(path).toEqual({ port: '80/TCP', refusal: expect.stringMatching(/default\/web has no endpoints.* -j REJECT/) as string, targets: [] })
})
