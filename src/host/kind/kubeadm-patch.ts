import { parseYaml } from '../../cli/yaml.ts'
import type { Taint } from '../../cluster/kinds/generated/types.ts'

/** What patches of kubeadm's configuration change of a node, by what makes it one. */
export interface KubeadmPatch {
  init: NodePatch
  join: NodePatch
}

interface NodePatch {
  labels: Record<string, string>
  taints?: readonly Taint[]
}

type Raw = Record<string, any>

/**
 * Reads merge patches of kubeadm's configuration: labels and taints with which nodes register.
 * @param refuse told what would have no effect here
 */
export function kubeadmPatch(patches: readonly string[], refuse: (what: string) => never): KubeadmPatch {
  const out: KubeadmPatch = { init: { labels: {} }, join: { labels: {} } }
  for (const text of patches) {
    const patch = patchOf(text, refuse)
    const kind = String(patch['kind'] ?? '')
    const target = kind === 'InitConfiguration' ? out.init : kind === 'JoinConfiguration' ? out.join : refuse(`a patch of kubeadm's ${kind || 'configuration'}`)
    for (const [field, value] of Object.entries(patch)) {
      if (field === 'kind' || field === 'apiVersion') continue
      if (field !== 'nodeRegistration') refuse(`a patch of kubeadm's ${kind}.${field}`)
      readRegistration((value ?? {}) as Raw, target, kind, refuse)
    }
  }
  return out
}

function patchOf(text: string, refuse: (what: string) => never): Raw {
  let patch: unknown
  try {
    patch = parseYaml(text)
  } catch {
    return refuse("a patch of kubeadm's configuration that is no YAML")
  }
  return patch !== null && typeof patch === 'object' ? patch : {}
}

function readRegistration(registration: Raw, target: NodePatch, kind: string, refuse: (what: string) => never): void {
  for (const [field, value] of Object.entries(registration)) {
    if (field === 'taints' && Array.isArray(value)) target.taints = value as Taint[]
    else if (field === 'kubeletExtraArgs') {
      // A map up to v1beta3, a list since.
      const flags: [string, string][] = Array.isArray(value) ? value.map((each: Raw) => [String(each['name']), String(each['value'])]) : Object.entries(value as Raw).map(([name, text]) => [name, String(text)])
      for (const [name, text] of flags) {
        if (name !== 'node-labels') refuse(`the kubelet's flag --${name} in a patch of kubeadm's ${kind}`)
        for (const pair of text.split(',').filter(Boolean)) target.labels[pair.split('=')[0]!] = pair.split('=').slice(1).join('=')
      }
    } else refuse(`a patch of kubeadm's ${kind}.nodeRegistration.${field}`)
  }
}
