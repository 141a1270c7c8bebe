import { expect, it } from 'vitest'
import { presetTopology } from './cluster-presets.ts'

it('makes what was chosen, and the ordinary cluster where nothing was, or something that nobody knows', () => {
  const shape = (preset: unknown) => {
    const { nodes, flavour, cni, loadBalancer } = presetTopology(preset)
    return [flavour, nodes.filter(({ controlPlane }) => controlPlane).length, nodes.length, cni, loadBalancer !== undefined]
  }
  const ordinary = ['kubeadm', 1, 3, undefined, false]
  expect([undefined, 'nodes', 'a wish', 'toString', 7].map(shape)).toEqual([ordinary, ordinary, ordinary, ordinary, ordinary])
  expect(shape('single')).toEqual(['k3s', 1, 1, undefined, false])
  expect(shape('high-availability')).toEqual(['kubeadm', 3, 5, undefined, true])
  expect(shape('no-network')).toEqual(['kubeadm', 1, 3, 'none', false])
  expect(presetTopology('cri-o').nodes.map(({ runtime }) => runtime)).toEqual(['cri-o', 'cri-o', 'cri-o'])
  expect(shape('raspberry-pi')).toEqual(['kubeadm', 1, 4, undefined, false])
})
