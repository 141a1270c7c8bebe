import type { Program } from '../../../unix/types.ts'
import type { ControlPlaneInstaller } from '../../control-plane-nodes/installer.ts'
import type { KubeletControl } from '../kubelet-program.ts'

/** What k3s does on a machine besides files and requests. */
export interface MachineServices {
  name: string
  installer: ControlPlaneInstaller
  kubelet: KubeletControl
  /** A line for the journal of k3s' unit. */
  log(level: 'info' | 'warn' | 'error', message: string): void
  /** The kubelet's own unit, which kubeadm's machines come with: k3s has a kubelet in its process, and beside it that one would fail again and again. */
  kubeletUnit: { retire(): Promise<void>; bringBack(): void }
  /** Tells systemd that the service whose process this is has begun. */
  notify(pid: number): void
  crictl: Program
}
