import { kubectl } from '../cli/kubectl/kubectl.ts'
import { latestCalicoctl } from '../cluster/images/calico/calico.ts'
import { lazyProgram } from '../unix/lazy-program.ts'
import type { Program } from '../unix/types.ts'

/** What kind's image of a node has besides the system: kubectl, for the administrator's kubeconfig on the control plane. differs: calicoctl, which real nodes get by hand, as nothing can be downloaded to them here */
export const nodePrograms: Readonly<Record<string, Program>> = { '/usr/bin/kubectl': kubectl, '/usr/bin/calicoctl': latestCalicoctl }

/** What images have that are made of the terminal's programs. */
export const imagePrograms: Readonly<Record<'helm' | 'kubectl', Program>> = { kubectl, helm: lazyProgram(async () => (await import('../cli/helm/helm.ts')).helm) }
