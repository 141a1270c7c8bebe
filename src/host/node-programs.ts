import { kubectl } from '../cli/kubectl/kubectl.ts'
import type { Program } from '../unix/types.ts'

/** What kind's image of a node has besides the system: kubectl, for the administrator's kubeconfig on the control plane. */
export const nodePrograms: Readonly<Record<string, Program>> = { '/usr/bin/kubectl': kubectl }
