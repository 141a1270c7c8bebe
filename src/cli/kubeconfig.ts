import type { FileSystem } from '../unix/types.ts'
import { kubeconfigProblem, typeMetaProblem } from './kubeconfig-types.ts'
import { parseYaml } from './yaml.ts'

export interface ClusterEntry {
  server?: string
  'certificate-authority'?: string
  'certificate-authority-data'?: string
  'insecure-skip-tls-verify'?: boolean
  'tls-server-name'?: string
  'proxy-url'?: string
  [key: string]: unknown
}

export interface ContextEntry {
  cluster?: string
  user?: string
  namespace?: string
  [key: string]: unknown
}

export interface UserEntry {
  'client-certificate'?: string
  'client-certificate-data'?: string
  'client-key'?: string
  'client-key-data'?: string
  token?: string
  tokenFile?: string
  username?: string
  password?: string
  as?: string
  'as-groups'?: string[]
  'as-uid'?: string
  'as-user-extra'?: Record<string, string[]>
  exec?: { command?: string; [key: string]: unknown }
  'auth-provider'?: { name?: string; [key: string]: unknown }
  [key: string]: unknown
}

/** A kubeconfig in memory, by name, with the file each entry came from (its last definition wins nothing: the first one counts). */
export interface Kubeconfig {
  clusters: Map<string, ClusterEntry>
  contexts: Map<string, ContextEntry>
  users: Map<string, UserEntry>
  currentContext: string
  /** File of each entry: `cluster/NAME`, `context/NAME`, `user/NAME`, `current-context`. */
  origin: Map<string, string>
  /** A part that nothing reads any more, kept as it is. */
  preferences?: Record<string, unknown>
}

/** The files in order of precedence. k8s: clientcmd.ClientConfigLoadingRules */
export interface KubeconfigFiles {
  paths: string[]
  /** Whether `--kubeconfig` named the one file. */
  explicit: boolean
}

/** Which files count: `--kubeconfig`, else the list in $KUBECONFIG, else ~/.kube/config. */
export function kubeconfigFiles(explicitPath: string, env: Record<string, string>, home: string): KubeconfigFiles {
  if (explicitPath) return { paths: [explicitPath], explicit: true }
  const list = (env['KUBECONFIG'] ?? '').split(':').filter(Boolean)
  if (list.length > 0) return { paths: [...new Set(list)], explicit: false }
  return { paths: [`${home}/.kube/config`], explicit: false }
}

export function emptyKubeconfig(): Kubeconfig {
  return { clusters: new Map(), contexts: new Map(), users: new Map(), currentContext: '', origin: new Map() }
}

/**
 * Reads and merges the files.
 * @param resolve makes a path absolute
 * @throws Error when a file can't be read or parsed, or an explicit one is missing.
 */
export function loadKubeconfig(files: KubeconfigFiles, fs: Pick<FileSystem, 'exists' | 'readText'>, resolve: (path: string) => string): Kubeconfig {
  const merged = emptyKubeconfig()
  for (const path of files.paths) {
    const absolute = resolve(path)
    if (!fs.exists(absolute)) {
      if (files.explicit) throw new Error(`stat ${path}: no such file or directory`)
      continue
    }
    mergeInto(merged, readKubeconfigFile(path, absolute, fs), path)
  }
  return merged
}

/** One file. @throws Error in clientcmd's words. */
export function readKubeconfigFile(shownPath: string, absolute: string, fs: Pick<FileSystem, 'exists' | 'readText'>): Kubeconfig {
  const out = emptyKubeconfig()
  if (!fs.exists(absolute)) return out
  let raw: Record<string, any> | null
  try {
    raw = parseYaml(fs.readText(absolute)) as Record<string, any> | null
  } catch (error) {
    throw new Error(`error loading config file "${shownPath}": ${(error as { code?: string }).code === 'EACCES' ? `open ${shownPath}: permission denied` : (error as { code?: string }).code === 'EISDIR' ? `read ${shownPath}: is a directory` : (error as Error).message}`)
  }
  if (raw === null || raw === undefined) return out
  if (typeof raw !== 'object' || Array.isArray(raw))
    throw new Error(`error loading config file "${shownPath}": couldn't get version/kind; json parse error: json: cannot unmarshal ${Array.isArray(raw) ? 'array' : typeof raw} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`)
  const unreadable = (problem: string | undefined) => { if (problem !== undefined) throw new Error(`error loading config file "${shownPath}": ${problem}`) }
  unreadable(typeMetaProblem(raw))
  const version = raw['apiVersion'] || 'v1'
  const kind = raw['kind'] || 'Config'
  if (version !== 'v1' || kind !== 'Config') throw new Error(`error loading config file "${shownPath}": no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(version)} in scheme "pkg/runtime/scheme.go:111"`)
  unreadable(kubeconfigProblem(raw))
  for (const c of raw['clusters'] ?? []) if (!out.clusters.has(c.name)) out.clusters.set(c.name, { ...c.cluster })
  for (const c of raw['contexts'] ?? []) if (!out.contexts.has(c.name)) out.contexts.set(c.name, { ...c.context })
  for (const u of raw['users'] ?? []) if (!out.users.has(u.name)) out.users.set(u.name, { ...u.user })
  out.currentContext = raw['current-context'] ?? ''
  if (raw['preferences'] && Object.keys(raw['preferences'] as object).length > 0) out.preferences = raw['preferences'] as Record<string, unknown>
  return out
}

function mergeInto(target: Kubeconfig, source: Kubeconfig, path: string): void {
  if (source.preferences) target.preferences = { ...source.preferences, ...target.preferences }
  const add = <T>(kind: string, to: Map<string, T>, from: Map<string, T>) => {
    for (const [name, entry] of from) if (!to.has(name)) { to.set(name, entry); target.origin.set(`${kind}/${name}`, path) }
  }
  add('cluster', target.clusters, source.clusters)
  add('context', target.contexts, source.contexts)
  add('user', target.users, source.users)
  if (!target.currentContext && source.currentContext) {
    target.currentContext = source.currentContext
    target.origin.set('current-context', path)
  }
}

/** The kubeconfig as the object that is written and shown: sorted by name, empty parts null. */
export function kubeconfigObject(config: Kubeconfig): Record<string, unknown> {
  const sorted = <T>(map: Map<string, T>) => [...map].sort(([a], [b]) => a < b ? -1 : 1)
  const orNull = <T>(list: T[]) => list.length > 0 ? list : null
  return {
    apiVersion: 'v1',
    clusters: orNull(sorted(config.clusters).map(([name, cluster]) => ({ cluster: { server: '', ...cluster }, name }))),
    contexts: orNull(sorted(config.contexts).map(([name, context]) => ({ context: { cluster: '', user: '', ...context }, name }))),
    'current-context': config.currentContext,
    kind: 'Config',
    ...(config.preferences ? { preferences: config.preferences } : {}),
    users: orNull(sorted(config.users).map(([name, user]) => ({ name, user }))),
  }
}
