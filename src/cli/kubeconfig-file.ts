import type { Proc } from '../unix/types.ts'
import { emptyKubeconfig, kubeconfigFiles, kubeconfigObject, readKubeconfigFile } from './kubeconfig.ts'
import type { Kubeconfig } from './kubeconfig.ts'
import { parseYaml, printYaml } from './yaml.ts'

/** The kubeconfig that a program adds to: the one that was named, else the first of $KUBECONFIG that is there, else ~/.kube/config. */
function fileToChange(proc: Proc, explicitPath: string): string {
  const { paths } = kubeconfigFiles(explicitPath, proc.env, proc.env['HOME'] || proc.user.home)
  return paths.find((path) => paths.length === 1 || proc.fs.exists(proc.resolve(path))) ?? paths.at(-1)!
}

function change(proc: Proc, path: string, edit: (config: Kubeconfig) => boolean): void {
  const absolute = proc.resolve(path)
  const config = proc.fs.exists(absolute) ? readKubeconfigFile(path, absolute, proc.fs) : emptyKubeconfig()
  if (!edit(config)) return
  proc.fs.mkdir(absolute.replace(/\/[^/]*$/, '') || '/', { recursive: true })
  proc.fs.writeFile(absolute, printYaml(kubeconfigObject(config)), { mode: 0o600 })
}

/** Puts the entries of another kubeconfig in, in place of those of the same names, and makes its context the current one. @returns the file */
export function mergeKubeconfig(proc: Proc, explicitPath: string, text: string): string {
  const added = parseYaml(text) as { clusters: { name: string; cluster: object }[]; contexts: { name: string; context: object }[]; users: { name: string; user: object }[]; 'current-context': string }
  const path = fileToChange(proc, explicitPath)
  change(proc, path, (config) => {
    for (const { name, cluster } of added.clusters) config.clusters.set(name, { ...cluster })
    for (const { name, context } of added.contexts) config.contexts.set(name, { ...context })
    for (const { name, user } of added.users) config.users.set(name, { ...user })
    config.currentContext = added['current-context']
    return true
  })
  return path
}

/** Makes another context the current one; an empty name: none. With `onlyFrom` only where that was the current one. */
export function setCurrentContext(proc: Proc, name: string, onlyFrom?: string): void {
  change(proc, fileToChange(proc, ''), (config) => {
    if (onlyFrom !== undefined && config.currentContext !== onlyFrom) return false
    config.currentContext = name
    return true
  })
}

/** Takes cluster, user and context of a name out of all kubeconfigs in force, and the choice of that context. */
export function removeFromKubeconfigs(proc: Proc, explicitPath: string, name: string): void {
  const { paths } = kubeconfigFiles(explicitPath, proc.env, proc.env['HOME'] || proc.user.home)
  for (const path of paths) change(proc, path, (config) => {
    const had = [config.clusters.delete(name), config.users.delete(name), config.contexts.delete(name), config.currentContext === name]
    if (config.currentContext === name) config.currentContext = ''
    return had.includes(true)
  })
}
