import { kubeadmTopology, raspberryPiTopology, singleNodeTopology, withRuntime } from '../cluster/topology.ts'
import type { Topology } from '../cluster/topology.ts'
import type { ClusterPreset } from './protocol.ts'

/** Nodes of the cluster with several control planes: three of them, and workers beside. */
const HIGHLY_AVAILABLE = { nodes: 5, controlPlanes: 3 }

const PRESETS: Readonly<Record<ClusterPreset, () => Topology>> = {
  nodes: () => kubeadmTopology(),
  single: () => singleNodeTopology(),
  'high-availability': () => kubeadmTopology(HIGHLY_AVAILABLE.nodes, undefined, undefined, HIGHLY_AVAILABLE.controlPlanes),
  'no-network': () => ({ ...kubeadmTopology(), cni: 'none' }),
  'raspberry-pi': raspberryPiTopology,
  'cri-o': () => withRuntime(kubeadmTopology(), 'cri-o'),
}

/** What a fresh cluster is made of; what nobody chose, or nobody knows, is the ordinary one. */
export function presetTopology(preset: unknown): Topology {
  return (typeof preset === 'string' && Object.hasOwn(PRESETS, preset) ? PRESETS[preset as ClusterPreset] : PRESETS.nodes)()
}
