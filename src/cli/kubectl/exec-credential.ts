import type { Proc } from '../../unix/types.ts'
import { UnixError } from '../../unix/types.ts'
import type { ClusterEntry, UserEntry } from '../kubeconfig.ts'
import type { Credentials, CredentialSource } from '../rest-client.ts'
import { isExecutable } from './plugins.ts'
import { notRegistered } from './gvk-schema.ts'
import type { PluginPolicy } from './preferences.ts'

type ExecConfig = NonNullable<UserEntry['exec']>

/** What a credential plugin prints. */
interface ExecCredential {
  apiVersion?: string
  kind?: string
  status?: { token?: string; clientCertificateData?: string; clientKeyData?: string; expirationTimestamp?: string }
}

const HINT = '\n\nIt looks like you are trying to use a client-go credential plugin that is not installed.\n\nTo learn more about this feature, consult the documentation available at:\n      https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins'

/**
 * Credentials that a program hands out. It is started when they are first needed, and again when they expire or are refused.
 * k8s: client-go/plugin/pkg/client/auth/exec Authenticator
 * @throws Error for an API version that isn't known
 */
export function execCredentials(proc: Proc, exec: ExecConfig, cluster: ClusterEntry, policy: PluginPolicy): CredentialSource {
  const apiVersion = String(exec['apiVersion'])
  if (!['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'].includes(apiVersion)) throw new Error(`exec plugin: invalid apiVersion ${JSON.stringify(apiVersion)}`)
  let known: { credentials: Credentials; expiresMs: number } | undefined
  let running: Promise<Credentials> | undefined
  const fetch = () => running ??= runPlugin(proc, exec, apiVersion, cluster, policy).then((made) => {
    known = made
    return made.credentials
  }).finally(() => { running = undefined })
  return {
    get: async () => known && proc.clock.nowMs() < known.expiresMs ? known.credentials : fetch(),
    async refused(used) {
      if (known?.credentials === used) await fetch()
    },
  }
}

async function runPlugin(proc: Proc, exec: ExecConfig, apiVersion: string, cluster: ClusterEntry, policy: PluginPolicy): Promise<{ credentials: Credentials; expiresMs: number }> {
  const command = exec.command!
  const interactive = isInteractive(proc, String(exec['interactiveMode'] ?? 'IfAvailable'))
  const info = { kind: 'ExecCredential', apiVersion, spec: { ...(exec['provideClusterInfo'] ? { cluster: clusterInfo(cluster) } : {}), interactive } }
  const env: Record<string, string> = { ...proc.env }
  for (const { name, value } of (exec['env'] ?? []) as { name: string; value: string }[]) env[name] = value
  env['KUBERNETES_EXEC_INFO'] = JSON.stringify(info)
  checkPolicy(proc, command, policy)
  let output = ''
  const decoder = new TextDecoder()
  let code: number
  try {
    const child = proc.spawn([command, ...(exec['args'] ?? []) as string[]], {
      env, ...(interactive ? { stdin: proc.stdin, ...(proc.tty ? { tty: proc.tty } : {}) } : { stdin: { read: async () => null, cancel() {} } }),
      stdout: { write: async (data) => { output += typeof data === 'string' ? data : decoder.decode(data, { stream: true }) }, close() {} }, stderr: proc.stderr,
    })
    code = (await child.wait()).code
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    throw notFound(command, exec)
  }
  // A shell's code for a command that isn't there.
  if (code === 127 && output === '' && !found(proc, command)) throw notFound(command, exec)
  if (code !== 0) throw new Error(`exec: executable ${command} failed with exit code ${code}`)
  return read(output, apiVersion)
}

const notFound = (command: string, exec: ExecConfig) => new Error(`exec: executable ${command} not found${HINT}${exec['installHint'] ? `\n\n${String(exec['installHint'])}` : ''}`)

function isInteractive(proc: Proc, mode: string): boolean {
  const terminal = proc.isTty(0)
  if (mode === 'Always' && !terminal) throw new Error('exec plugin cannot support interactive mode: standard input is not a terminal')
  return mode !== 'Never' && terminal
}

/** What the plugin may know of the cluster. k8s: clientauthentication.Cluster */
function clusterInfo(cluster: ClusterEntry): Record<string, unknown> {
  const extension = (cluster['extensions'] as { name: string; extension: unknown }[] | undefined)?.find((e) => e.name === 'client.authentication.k8s.io/exec')?.extension
  return {
    server: cluster.server ?? '', ...(cluster['tls-server-name'] ? { 'tls-server-name': cluster['tls-server-name'] } : {}), ...(cluster['insecure-skip-tls-verify'] ? { 'insecure-skip-tls-verify': true } : {}),
    ...(cluster['certificate-authority-data'] ? { 'certificate-authority-data': cluster['certificate-authority-data'] } : {}), ...(cluster['proxy-url'] ? { 'proxy-url': cluster['proxy-url'] } : {}), config: extension ?? null,
  }
}

/** The file that a command's name stands for in PATH. */
function found(proc: Proc, command: string): string | undefined {
  if (command.includes('/')) return isExecutable(proc, proc.resolve(command)) ? command : undefined
  for (const directory of (proc.env['PATH'] ?? '').split(':').filter(Boolean)) if (isExecutable(proc, proc.resolve(`${directory}/${command}`))) return `${directory}/${command}`
  return undefined
}

/** k8s: Authenticator.updateCommandAndCheckAllowlistLocked @throws Error */
function checkPolicy(proc: Proc, command: string, { policy, allowlist }: PluginPolicy): void {
  if (policy === 'DenyAll') throw new Error(`plugin ${JSON.stringify(command)} not allowed: policy set to "DenyAll"`)
  if (policy !== 'Allowlist') return
  const allowed = (allowlist ?? []).flatMap((entry) => entry.command ? [entry.command] : [])
  const path = found(proc, command)
  if (allowed.includes(command) || (path && allowed.includes(path))) return
  if (!path) throw new Error(`plugin path ${JSON.stringify(command)} cannot be resolved for credential plugin allowlist check: exec: ${JSON.stringify(command)}: executable file not found in $PATH`)
  if (allowed.some((entry) => found(proc, entry) === path)) return
  throw new Error(`plugin path ${JSON.stringify(path)} is not permitted by the credential plugin allowlist`)
}

function read(output: string, apiVersion: string): { credentials: Credentials; expiresMs: number } {
  let answer: ExecCredential
  try {
    answer = JSON.parse(output.trim() === '' ? '{}' : output) as ExecCredential
  } catch {
    throw new Error(`decoding stdout: couldn't get version/kind; json parse error: json: cannot unmarshal string into Go value of type struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }`)
  }
  if (answer.kind && answer.kind !== 'ExecCredential') throw new Error(`decoding stdout: ${notRegistered(answer.apiVersion ?? '', answer.kind).message}`)
  // Without a kind the decoder takes it for its own, internal type.
  if (!answer.kind) throw new Error(`exec plugin is configured to use API version ${apiVersion}, plugin returned version client.authentication.k8s.io/__internal`)
  if (answer.apiVersion !== apiVersion) throw new Error(`exec plugin is configured to use API version ${apiVersion}, plugin returned version ${answer.apiVersion ?? ''}`)
  const { status } = answer
  if (!status) throw new Error("exec plugin didn't return a status field")
  const { token, clientCertificateData: certificate, clientKeyData: key } = status
  if (!token && !certificate && !key) throw new Error("exec plugin didn't return a token or cert/key pair")
  if (!certificate !== !key) throw new Error('exec plugin returned only certificate or key, not both')
  return {
    expiresMs: status.expirationTimestamp ? Date.parse(status.expirationTimestamp) : Infinity,
    credentials: { headers: token ? [['Authorization', `Bearer ${token}`]] : [], tls: certificate && key ? { clientCertificatePem: certificate, clientKeyPem: key } : {} },
  }
}
