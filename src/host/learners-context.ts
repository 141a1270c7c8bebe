import { kubeconfigFiles, loadKubeconfig } from '../cli/kubeconfig.ts'
import type { Kubeconfig } from '../cli/kubeconfig.ts'
import type { FileSystem } from '../unix/types.ts'

/**
 * What the learner's kubectl has to be told so that it reaches the API server at a port of their machine: nothing where the current context leads there,
 * another context that does, or the kubeconfig that the page itself has for it.
 */
export function flagForCluster(fs: Pick<FileSystem, 'exists' | 'readText'>, home: string, { apiPort, kubeconfig }: { apiPort: number; kubeconfig: string }): string | undefined {
  let config: Kubeconfig
  try {
    config = loadKubeconfig(kubeconfigFiles('', {}, home), fs, (path) => path)
  } catch {
    return `--kubeconfig ${kubeconfig}`
  }
  const leads = (context: string) => {
    const server = config.clusters.get(config.contexts.get(context)?.cluster ?? '')?.server
    return server !== undefined && new RegExp(`^https://(127\\.0\\.0\\.1|localhost):${apiPort}/?$`).test(server)
  }
  if (leads(config.currentContext)) return undefined
  const context = [...config.contexts.keys()].find(leads)
  return context === undefined ? `--kubeconfig ${kubeconfig}` : `--context ${/^[\w.@/:-]+$/.test(context) ? context : `'${context.replaceAll("'", "'\\''")}'`}`
}
