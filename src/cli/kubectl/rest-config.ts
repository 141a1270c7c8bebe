import type { FetchOptions, Proc } from '../../unix/types.ts'
import type { ClusterEntry, Kubeconfig, UserEntry } from '../kubeconfig.ts'
import type { RestConfig } from '../rest-client.ts'
import { aggregate } from './errors.ts'
import { execCredentials } from './exec-credential.ts'
import { decodeBase64, encodeBase64, unixText } from './factory.ts'
import type { FlagValues } from './flags.ts'
import { parseDurationMs } from './duration.ts'
import type { PluginPolicy } from './preferences.ts'

/** What a connection is made from. */
export interface ConnectionSettings {
  proc: Proc
  flags: FlagValues
  kubeconfig: Kubeconfig
  clusterName: string
  userName: string
  /** Whether a context of the kubeconfig names cluster and user. */
  fromContext: boolean
  /** A flag of the whole program, empty where the command has one of the same name. */
  global(name: string): string
  inCluster: { server: string; token: string; caPem: string } | undefined
  pluginPolicy: PluginPolicy
  userAgent: string
}

/**
 * Where the server is and how to speak to it: flags first, then the kubeconfig's context.
 * k8s: client-go/tools/clientcmd DirectClientConfig.ClientConfig
 * @throws Error
 */
export function restConfigOf(settings: ConnectionSettings): RestConfig {
  const { proc, flags, kubeconfig, clusterName, userName, global, inCluster, userAgent } = settings
  const timeoutMs = requestTimeoutMs(flags.str('request-timeout'))
  const cluster = overriddenCluster(settings)
  const user = overriddenUser(settings)
  const problems = [...userProblems(settings, user), ...clusterProblems(settings, cluster)]
  const failure = aggregate(problems.map((text) => new Error(text)))
  if (failure) throw failure

  let server = (cluster.server || inCluster?.server || 'http://localhost:8080').replace(/\/+$/, '')
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(server)) server = `http://${server}`
  const headers: [string, string][] = impersonation(user)
  const common = { server, headers, userAgent, timeoutMs }
  // Credentials are kept to themselves where anyone on the way could read them.
  if (!/^https:/i.test(server)) return { ...common, tls: {} }

  const clusterBase = directoryOf(proc, kubeconfig, `cluster/${clusterName}`)
  const userBase = directoryOf(proc, kubeconfig, `user/${userName}`)
  const file = (path: string, base: string) => proc.fs.readText(beside(proc, base, path))
  const pem = (data: string | undefined, path: string | undefined, base: string, flag: string) => data && !global(flag) ? decodeBase64(data) : path ? file(path, global(flag) ? '' : base) : undefined
  const insecure = Boolean(cluster['insecure-skip-tls-verify'])
  const caPem = pem(cluster['certificate-authority-data'], cluster['certificate-authority'], clusterBase, 'certificate-authority') ?? inCluster?.caPem
  if (insecure && caPem) throw new Error('specifying a root certificates file with the insecure flag is not allowed')
  const clientCertificatePem = pem(user['client-certificate-data'], user['client-certificate'], userBase, 'client-certificate')
  const clientKeyPem = pem(user['client-key-data'], user['client-key'], userBase, 'client-key')
  if (clientCertificatePem !== undefined && !clientCertificatePem.includes('-----BEGIN ')) throw new Error('tls: failed to find any PEM data in certificate input')
  if (clientCertificatePem !== undefined && !clientKeyPem?.includes('-----BEGIN ')) throw new Error('tls: failed to find any PEM data in key input')
  const tls: FetchOptions = {
    ...(insecure ? { insecure: true } : caPem ? { caPem } : {}), ...(clientCertificatePem && clientKeyPem ? { clientCertificatePem, clientKeyPem } : {}),
    ...(cluster['tls-server-name'] ? { serverName: cluster['tls-server-name'] } : {}), ...(proxyOf(settings, cluster, server) ?? {}),
  }
  let token = user.token ?? ''
  if (!token && user.tokenFile) {
    try {
      token = file(user.tokenFile, userBase).trim()
    } catch (error) {
      throw new Error(`open ${beside(proc, userBase, user.tokenFile)}: ${unixText(error)}`)
    }
  }
  if (!user.username) token ||= inCluster?.token ?? ''
  if (token) headers.push(['Authorization', `Bearer ${token}`])
  else if (user.username) headers.push(['Authorization', `Basic ${encodeBase64(`${user.username}:${user.password ?? ''}`)}`])
  if (user['auth-provider']) throw new Error(authProviderProblem(user['auth-provider']))
  if (!user.exec) return { ...common, tls }
  const source = execCredentials(proc, user.exec, cluster, settings.pluginPolicy)
  // Other credentials come first; the program isn't even started then.
  return token || user.username || tls.clientCertificatePem ? { ...common, tls } : { ...common, tls, credentials: source }
}

/** k8s: clientcmd.ParseTimeout @throws Error */
function requestTimeoutMs(text: string): number {
  if (!text || /^\d+$/.test(text)) return Number(text) * 1000
  try {
    return parseDurationMs(text)
  } catch {
    throw new Error('Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)')
  }
}

/** The kubeconfig's cluster with what flags say. */
function overriddenCluster({ flags, kubeconfig, clusterName, global }: ConnectionSettings): ClusterEntry {
  const found = kubeconfig.clusters.get(clusterName)
  const server = global('server')
  if (clusterName && !found && global('cluster')) throw new Error(`cluster ${JSON.stringify(clusterName)} does not exist`)
  // A context may name a cluster that isn't there, or one without a server: the default stays. k8s: clientcmd ClusterDefaults
  const cluster: ClusterEntry = { ...(clusterName ? { server: 'http://localhost:8080' } : {}), ...found }
  if (server) cluster.server = server
  if (global('tls-server-name')) cluster['tls-server-name'] = global('tls-server-name')
  if (global('certificate-authority')) {
    delete cluster['certificate-authority-data']
    cluster['certificate-authority'] = global('certificate-authority')
  }
  if (flags.changed('insecure-skip-tls-verify') && flags.bool('insecure-skip-tls-verify') && !cluster['insecure-skip-tls-verify']) {
    // Who asks not to check doesn't want the kubeconfig's authority either.
    cluster['insecure-skip-tls-verify'] = true
    if (!global('certificate-authority')) {
      delete cluster['certificate-authority']
      delete cluster['certificate-authority-data']
    }
  } else if (flags.changed('insecure-skip-tls-verify')) cluster['insecure-skip-tls-verify'] = flags.bool('insecure-skip-tls-verify')
  return cluster
}

function overriddenUser({ flags, kubeconfig, userName, global, fromContext }: ConnectionSettings): UserEntry {
  const found = kubeconfig.users.get(userName)
  if (userName && !found && (global('user') || fromContext)) throw new Error(`auth info ${JSON.stringify(userName)} does not exist`)
  const user: UserEntry = { ...found }
  if (global('token')) { user.token = global('token'); delete user.tokenFile }
  if (global('username')) user.username = global('username')
  if (global('password')) user.password = global('password')
  for (const kind of ['client-certificate', 'client-key'] as const) if (global(kind)) { delete user[`${kind}-data`]; user[kind] = global(kind) }
  if (global('as')) user.as = global('as')
  if (flags.changed('as-group')) user['as-groups'] = flags.list('as-group')
  if (global('as-uid')) user['as-uid'] = global('as-uid')
  for (const pair of flags.list('as-user-extra')) {
    const at = pair.indexOf('=')
    if (at <= 0) continue
    const extra = user['as-user-extra'] = { ...user['as-user-extra'] }
    extra[pair.slice(0, at)] = [...(extra[pair.slice(0, at)] ?? []), pair.slice(at + 1)]
  }
  return user
}

/** k8s: clientcmd validateAuthInfo */
function userProblems({ proc, kubeconfig, userName, global }: ConnectionSettings, user: UserEntry): string[] {
  const out: string[] = []
  const methods = [...(user.token ? ['token'] : []), ...(user.username || user.password ? ['basicAuth'] : [])]
  if (user['client-certificate'] || user['client-certificate-data']) {
    if (user['client-certificate'] && user['client-certificate-data']) out.push(`client-cert-data and client-cert are both specified for ${userName}. client-cert-data will override.`)
    if (user['client-key'] && user['client-key-data']) out.push(`client-key-data and client-key are both specified for ${userName}; client-key-data will override`)
    if (!user['client-key'] && !user['client-key-data']) out.push(`client-key-data or client-key must be specified for ${userName} to use the clientCert authentication method.`)
    for (const [kind, shown] of [['client-certificate', 'client-cert'], ['client-key', 'client-key']] as const) {
      const problem = user[kind] ? unreadable(proc, beside(proc, global(kind) ? '' : directoryOf(proc, kubeconfig, `user/${userName}`), user[kind]), user[kind], Boolean(global(kind))) : undefined
      if (problem) out.push(`unable to read ${shown} ${problem.shown} for ${userName} due to ${problem.why}`)
    }
  }
  const { exec } = user
  if (exec) {
    const use = `for ${userName} to use exec authentication plugin`
    if (user['auth-provider']) out.push(`authProvider cannot be provided in combination with an exec plugin for ${userName}`)
    if (!exec.command) out.push(`command must be specified ${use}`)
    if (!exec['apiVersion']) out.push(`apiVersion must be specified ${use}`)
    for (const { name } of (exec['env'] ?? []) as { name?: string }[]) if (!name) out.push(`env variable name must be specified ${use}`)
    const mode = exec['interactiveMode'] ?? ''
    // Old versions of the API have a default.
    if (mode === '' && !/^client\.authentication\.k8s\.io\/v1(alpha|beta)1$/.test(String(exec['apiVersion']))) out.push(`interactiveMode must be specified ${use}`)
    else if (!['', 'Never', 'IfAvailable', 'Always'].includes(mode as string)) out.push(`invalid interactiveMode for ${userName}: ${JSON.stringify(mode)}`)
  }
  if (methods.length > 1) out.push(`more than one authentication method found for ${userName}; found [${methods.join(' ')}], only one is allowed`)
  if (!user.as && ((user['as-groups']?.length ?? 0) > 0 || user['as-uid'] || Object.keys(user['as-user-extra'] ?? {}).length > 0)) out.push(`requesting uid, groups or user-extra for ${userName} without impersonating a user`)
  return out
}

/** k8s: clientcmd validateClusterInfo */
function clusterProblems({ proc, kubeconfig, clusterName, global, inCluster }: ConnectionSettings, cluster: ClusterEntry): string[] {
  const out: string[] = []
  if (clusterName && !cluster.server && !inCluster) out.push(`no server found for cluster ${JSON.stringify(clusterName)}`)
  const proxy = cluster['proxy-url']
  const scheme = proxy ? /^([a-z][a-z0-9+.-]*):/i.exec(proxy)?.[1]?.toLowerCase() ?? '' : 'http'
  if (!['http', 'https', 'socks5'].includes(scheme)) out.push(`invalid 'proxy-url' ${JSON.stringify(proxy)} for cluster ${JSON.stringify(clusterName)}: unsupported scheme ${JSON.stringify(scheme)}, must be http, https, or socks5`)
  const authority = cluster['certificate-authority']
  if (authority && cluster['certificate-authority-data']) out.push(`certificate-authority-data and certificate-authority are both specified for ${clusterName}. certificate-authority-data will override.`)
  const problem = authority ? unreadable(proc, beside(proc, global('certificate-authority') ? '' : directoryOf(proc, kubeconfig, `cluster/${clusterName}`), authority), authority, Boolean(global('certificate-authority'))) : undefined
  if (problem) out.push(`unable to read certificate-authority ${problem.shown} for ${clusterName} due to ${problem.why}`)
  return out
}

/** @param asGiven whether a flag named the file: only paths of a kubeconfig are made absolute */
function unreadable(proc: Proc, absolute: string, given: string, asGiven: boolean): { shown: string; why: string } | undefined {
  try {
    proc.fs.readFile(absolute)
    return undefined
  } catch (error) {
    const shown = asGiven || given.startsWith('/') ? given : absolute
    return { shown, why: `open ${shown}: ${unixText(error)}` }
  }
}

function impersonation(user: UserEntry): [string, string][] {
  if (!user.as) return []
  return [
    ['Impersonate-User', user.as], ...(user['as-groups'] ?? []).map((group): [string, string] => ['Impersonate-Group', group]), ...(user['as-uid'] ? [['Impersonate-Uid', user['as-uid']] as [string, string]] : []),
    ...Object.entries(user['as-user-extra'] ?? {}).flatMap(([key, values]) => values.map((value): [string, string] => [`Impersonate-Extra-${encodeURIComponent(key)}`, value])),
  ]
}

/** The proxy of the kubeconfig, else the environment's. k8s: net/http ProxyFromEnvironment */
function proxyOf({ proc }: ConnectionSettings, cluster: ClusterEntry, server: string): { proxyUrl: string } | undefined {
  if (cluster['proxy-url']) return { proxyUrl: cluster['proxy-url'] }
  const { env } = proc
  const proxy = env['HTTPS_PROXY'] || env['https_proxy']
  if (!proxy) return undefined
  const host = new URL(server).hostname.replace(/^\[|\]$/g, '')
  if (host === 'localhost' || host.startsWith('127.') || host === '::1') return undefined
  const direct = (env['NO_PROXY'] || env['no_proxy'] || '').split(',').map((entry) => entry.trim().replace(/^\./, '')).filter(Boolean)
  if (direct.some((entry) => entry === '*' || host === entry || host.endsWith(`.${entry}`))) return undefined
  return { proxyUrl: /^[a-z0-9+.-]+:\/\//i.test(proxy) ? proxy : `http://${proxy}` }
}

/** The folder of the file that an entry came from: its relative paths start there. */
function directoryOf(proc: Proc, kubeconfig: Kubeconfig, entry: string): string {
  const file = kubeconfig.origin.get(entry)
  return file ? proc.resolve(file).replace(/\/[^/]*$/, '') : ''
}

function beside(proc: Proc, base: string, file: string): string {
  return file.startsWith('/') ? file : base ? `${base}/${file}` : proc.resolve(file)
}

/** Why a kubeconfig's auth provider can't be used: those of clouds are gone, and the one that is left has no browser here. k8s: client-go/plugin/pkg/client/auth */
function authProviderProblem({ name = '', config }: { name?: string; config?: unknown }): string {
  const settings = (config ?? {}) as Record<string, string>
  switch (name) {
    case 'gcp': return 'The gcp auth plugin has been removed.\nPlease use the "gke-gcloud-auth-plugin" kubectl/client-go credential plugin instead.\nSee https://cloud.google.com/blog/products/containers-kubernetes/kubectl-auth-changes-in-gke for further details'
    case 'azure': return 'The azure auth plugin has been removed.\nPlease use the https://github.com/Azure/kubelogin kubectl/client-go credential plugin instead.\nSee https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins for further details'
    case 'oidc': {
      const missing = ['idp-issuer-url', 'client-id'].find((key) => !settings[key])
      return missing ? `Must provide ${missing}` : 'the auth provider "oidc" is not available in Drydock yet'
    }
  }
  return `no Auth Provider found for name ${JSON.stringify(name)}`
}
