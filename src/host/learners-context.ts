import { kubeconfigFiles, loadKubeconfig } from '../cli/kubeconfig.ts'
import type { Kubeconfig } from '../cli/kubeconfig.ts'
import type { FileSystem } from '../unix/types.ts'

/**
 * What the learner's kubectl has to be told so that it reaches the API server at an address (host and port): nothing where the current context leads there,
 * another context that does, or the kubeconfig that the page itself has for it.
 */
export function flagForCluster(fs: Pick<FileSystem, 'exists' | 'readText'>, home: string, { server: wanted, kubeconfig }: { server: string; kubeconfig: string }): string | undefined {
  const own = `--kubeconfig ${asWord(kubeconfig)}`
  let config: Kubeconfig
  try {
    config = loadKubeconfig(kubeconfigFiles('', {}, home), fs, (path) => path)
  } catch {
    return own
  }
  const leads = (context: string) => {
    const server = config.clusters.get(config.contexts.get(context)?.cluster ?? '')?.server
    return server?.replace('//localhost:', '//127.0.0.1:').replace(/\/$/, '') === `https://${wanted}`
  }
  if (leads(config.currentContext)) return undefined
  const context = [...config.contexts.keys()].find(leads)
  return context === undefined ? own : `--context ${asWord(context)}`
}

/** What the shell takes for one word and nothing else: people name clusters and contexts as they like. */
function asWord(text: string): string {
  return /^[\w.@/:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
