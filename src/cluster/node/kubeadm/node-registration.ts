import { kubeletFlags } from '../../kubeadm/node-files.ts'
import type { Taint } from '../../kinds/generated/types.ts'
import type { ExtraArg } from './cluster-configuration.ts'
import type { KnownFields } from './config-fields.ts'
import type { Proc } from '../../../unix/types.ts'
import { criSocketOf } from './kubelet-files.ts'

/** How a node is to appear in its cluster. kubeadm.k8s.io/v1beta4 NodeRegistrationOptions */
export interface NodeRegistration {
  name?: string
  criSocket?: string
  taints?: Taint[]
  ignorePreflightErrors?: string[]
  kubeletExtraArgs?: ExtraArg[]
}

export const KNOWN_REGISTRATION: KnownFields = {
  name: true, criSocket: true, taints: [{ key: true, value: true, effect: true }], ignorePreflightErrors: true, imagePullPolicy: { is: ['IfNotPresent', 'Always'] }, imagePullSerial: { is: [true, false] },
  kubeletExtraArgs: [{ name: { is: ['node-labels', 'max-pods'] }, value: true }],
}

/** @throws Error for another name than the machine's, and another container runtime than it has */
export function checkRegistration({ machine: { hostname }, fs }: Pick<Proc, 'machine' | 'fs'>, name: string | undefined, criSocket: string | undefined): void {
  const own = criSocketOf(fs)
  if (name !== undefined && name !== hostname) throw new Error('drydock: a node has the name of its machine; another one is not supported')
  if (criSocket !== undefined && ![own, own.replace('/var', '')].includes(criSocket)) throw new Error(`drydock: the container runtime is ${own}; ${criSocket} is not supported`)
}

/** The file with the kubelet's flags. k8s: cmd/kubeadm/app/phases/kubelet buildKubeletArgs @param options `registersTaints`: the kubelet says them of itself */
export function kubeletFlagsOf({ taints = [], kubeletExtraArgs = [] }: NodeRegistration, { registersTaints }: { registersTaints: boolean }): string {
  const own = registersTaints && taints.length > 0 ? [{ name: 'register-with-taints', value: taints.map(({ key, value, effect }) => `${key}${value ? `=${value}` : ''}:${effect}`).join() }] : []
  return kubeletFlags([...own, ...kubeletExtraArgs].map(({ name, value }) => `--${name}=${value}`).join(' '))
}
