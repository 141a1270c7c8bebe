import type { Log } from '../../base/log.ts'
import type { Program } from '../../unix/types.ts'
import { KUBELET_BOOTSTRAP_KUBECONFIG, KUBELET_CONFIG, KUBELET_KUBECONFIG } from '../kubeadm/node-files.ts'
import { parseKubeletFlags } from './kubelet-flags.ts'
import { bootstrapClientCertificate, storeEmbeddedCertificate } from './kubelet-bootstrap.ts'

/** The kubelet as its process sees it. */
export interface KubeletControl {
  /** Its work begins, or goes on. @throws Error for a configuration that it can't take */
  start(flags: ReadonlyMap<string, string>): void
  /** It ends; containers run on. */
  suspend(): void
  /** Ends all containers and forgets them. */
  forgetPods(): Promise<void>
}

/**
 * The kubelet's process: the kubelet works as long as it does. Without its configuration it fails; without a certificate it asks for one first.
 * k8s: cmd/kubelet/app server.go
 * @param isKubeadm whether its files are kubeadm's
 */
export function kubeletProgram(kubelet: KubeletControl, log: Log, isKubeadm: boolean): Program {
  return async (proc) => {
    const fail = async (err: string): Promise<number> => {
      log.error('command failed', { err })
      await proc.stderr.write(`"command failed" err=${JSON.stringify(err)}\n`).catch(() => {})
      return 1
    }
    const { fs } = proc
    const ended = proc.signal('SIGTERM', 'SIGINT')
    let flags: ReadonlyMap<string, string> = new Map()
    if (isKubeadm) {
      try {
        flags = parseKubeletFlags(proc.argv)
      } catch (error) {
        return fail((error as Error).message)
      }
      const config = flags.get('config')
      if (config !== undefined && config !== KUBELET_CONFIG && !fs.exists(config)) return fail(`failed to load kubelet config file, path: ${config}, error: failed to load Kubelet config file ${config}, error failed to read kubelet config file ${JSON.stringify(config)}, error: open ${config}: no such file or directory`)
      if (!fs.exists(KUBELET_CONFIG)) return fail(`failed to load kubelet config file, path: ${KUBELET_CONFIG}, error: failed to load Kubelet config file ${KUBELET_CONFIG}, error failed to read kubelet config file ${JSON.stringify(KUBELET_CONFIG)}, error: open ${KUBELET_CONFIG}: no such file or directory`)
      if (!fs.exists(KUBELET_KUBECONFIG)) {
        if (!fs.exists(KUBELET_BOOTSTRAP_KUBECONFIG)) return fail(`failed to run Kubelet: unable to load bootstrap kubeconfig: stat ${KUBELET_BOOTSTRAP_KUBECONFIG}: no such file or directory`)
        const problem = await Promise.race([bootstrapClientCertificate(proc, log).then(() => undefined, (error: Error) => error.message), ended.then(() => 'interrupted')])
        if (problem === 'interrupted') return 0
        if (problem !== undefined) return fail(`failed to run Kubelet: ${problem}`)
      } else storeEmbeddedCertificate(proc)
    }
    try {
      kubelet.start(flags)
    } catch (error) {
      return fail((error as Error).message)
    }
    proc.killed.addEventListener('abort', () => kubelet.suspend())
    await ended
    kubelet.suspend()
    return 0
  }
}
