import { admissionConfiguration } from './admission-configuration.ts'
import { parseAuditPolicy } from '../apiserver/audit/audit-policy.ts'
import type { AuditOptions } from '../apiserver/audit/audit-log.ts'
import { MISSING_PLUGINS, PLUGIN_NAMES } from '../apiserver/admission/optional-plugins.ts'
import { parseTokenFile } from '../apiserver/auth/token-file.ts'
import { KUBEADM_CONFIGURATION } from '../apiserver/configuration.ts'
import type { ApiServerConfiguration, AuthorizationMode } from '../apiserver/configuration.ts'
import { bytesOfBase64 } from '../../base/base64.ts'
import type { EncryptionProvider, EncryptionRule } from '../apiserver/encryption/encryption-at-rest.ts'
import { parseYaml } from '../kinds/yaml-text.ts'
import { LaunchError } from './component-flags.ts'
import type { ComponentFlags } from './component-flags.ts'
import { fileText, requireFiles } from './launch-files.ts'
import type { LaunchPlace } from './launch-files.ts'

// @k8s part: kube-apiserver flags: anonymous-auth, authorization-mode (Node, RBAC, AlwaysAllow, AlwaysDeny), admission plugins and the configuration of PodSecurity and ImagePolicyWebhook, encryption-provider-config, audit log, token-auth-file, service-node-port-range, event-ttl, etcd-servers and the files that flags name; other flags are checked and change nothing

const MODES = ['AlwaysAllow', 'AlwaysDeny', 'ABAC', 'Webhook', 'RBAC', 'Node']
const KEY_BYTES = [16, 24, 32]

/**
 * What kube-apiserver is told by its flags and the files that they name.
 * @throws LaunchError with what the real one says before it ends. k8s: cmd/kube-apiserver/app
 */
export function apiServerConfiguration(flags: ComponentFlags, place: LaunchPlace): ApiServerConfiguration {
  const nodePorts = nodePortsOf(flags.text('service-node-port-range'))
  checkPlugins(flags)
  const authorizationModes = modesOf(flags)
  for (const cidr of flags.list('service-cluster-ip-range').slice(0, 1)) if (!/^[\d.:a-f]+\/\d+$/i.test(cidr)) throw new LaunchError('service-cluster-ip-range[0] is not a valid cidr')
  requireFiles(place, flags, [['service-account-signing-key-file', 'failed to parse service-account-issuer-key-file: %s']])
  const encryption = encryptionOf(flags.text('encryption-provider-config'), place)
  requireFiles(place, flags, ['client-ca-file', 'tls-cert-file', 'tls-private-key-file'])
  requireFiles(place, flags, ['etcd-cafile', 'etcd-certfile', 'etcd-keyfile'].map((name) => [name, 'error creating storage factory: %s'] as const))
  const audit = auditOf(flags, place)
  const tokens = flags.text('token-auth-file')
  let staticTokens = KUBEADM_CONFIGURATION.staticTokens
  try {
    if (tokens) staticTokens = parseTokenFile(fileText(place, tokens), tokens)
  } catch (error) {
    throw new LaunchError((error as Error).message)
  }
  requireFiles(place, flags, ['requestheader-client-ca-file', 'service-account-key-file'])
  const enabledPlugins = [...flags.list('enable-admission-plugins'), ...flags.list('admission-control')]
  for (const name of enabledPlugins) checkOptional(name, flags)
  const { podSecurity, imagePolicy } = admissionConfiguration(flags, place)
  requireFiles(place, flags, [['kubelet-client-certificate', 'problem initializing API group "": %s'], ['kubelet-client-key', 'problem initializing API group "": %s'], 'proxy-client-cert-file', 'proxy-client-key-file'])
  return {
    anonymousAuth: flags.bool('anonymous-auth', true), authorizationModes, enabledPlugins, disabledPlugins: flags.list('disable-admission-plugins'), staticTokens, nodePorts,
    eventTtlSeconds: (flags.durationMs('event-ttl') ?? 3_600_000) / 1000, audit, encryption, podSecurity, imagePolicy,
  }
}

/** Go's portRange value. */
function nodePortsOf(text: string | undefined): readonly [number, number] {
  if (text === undefined) return KUBEADM_CONFIGURATION.nodePorts
  const fail = (problem: string) => new LaunchError(`invalid argument ${JSON.stringify(text)} for "--service-node-port-range" flag: ${problem}`, true)
  const separator = text.includes('+') ? '+' : '-'
  const at = text.indexOf(separator)
  const [low = '', high = ''] = at < 0 ? [text, text] : [text.slice(0, at), text.slice(at + 1)]
  for (const part of [low, high]) if (!/^\d+$/.test(part)) throw fail(`strconv.Atoi: parsing ${JSON.stringify(part)}: invalid syntax`)
  const first = Number(low)
  const last = separator === '+' ? first + Number(high) : Number(high)
  if (first > 65_535 || last > 65_535) throw fail(`the port range cannot be greater than 65535: ${text}`)
  if (last < first) throw fail('end port cannot be less than start port: ' + text)
  return [first, last]
}

function checkPlugins(flags: ComponentFlags): void {
  for (const flag of ['enable-admission-plugins', 'disable-admission-plugins', 'admission-control']) {
    const unknown = flags.list(flag).find((name) => !PLUGIN_NAMES.includes(name))
    if (unknown !== undefined) throw new LaunchError(`${flag} plugin ${JSON.stringify(unknown)} is unknown`)
  }
  const both = flags.list('enable-admission-plugins').filter((name) => flags.list('disable-admission-plugins').includes(name))
  if (both.length > 0) throw new LaunchError(`[${both.join(' ')}] in enable-admission-plugins and disable-admission-plugins overlapped`)
}

function checkOptional(name: string, flags: ComponentFlags): void {
  if (!MISSING_PLUGINS.includes(name)) return
  const problem = name === 'EventRateLimit' && !flags.has('admission-control-config-file') ? 'limits: Invalid value: null: must not be empty' : undefined
  throw new LaunchError(problem === undefined ? `drydock: admission plugin ${JSON.stringify(name)} is not supported` : `failed to apply admission: couldn't init admission plugin ${JSON.stringify(name)}: ${problem}`)
}

function modesOf(flags: ComponentFlags): readonly AuthorizationMode[] {
  if (flags.has('authorization-config')) {
    if (flags.has('authorization-mode')) throw new LaunchError('--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined')
    throw new LaunchError('drydock: --authorization-config is not supported')
  }
  const modes = flags.has('authorization-mode') ? flags.list('authorization-mode') : ['AlwaysAllow']
  const problems = modes.filter((mode) => !MODES.includes(mode)).map((mode) => `authorization-mode ${JSON.stringify(mode)} is not a valid mode`)
  if (modes.includes('ABAC') && !flags.has('authorization-policy-file')) problems.push("authorization-mode ABAC's authorization policy file not passed")
  if (modes.includes('Webhook') && !flags.has('authorization-webhook-config-file')) problems.push("authorization-mode Webhook's authorization config file not passed")
  if (new Set(modes).size < modes.length) problems.push(`authorization-mode [${modes.map((mode) => JSON.stringify(mode)).join(' ')}] has mode specified more than once`)
  if (problems.length > 0) throw new LaunchError(problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`)
  const missing = modes.find((mode) => mode === 'ABAC' || mode === 'Webhook')
  if (missing !== undefined) throw new LaunchError(`drydock: authorization mode ${missing} is not supported`)
  return modes as AuthorizationMode[]
}

/** k8s: apiserver/pkg/server/options/audit.go */
function auditOf(flags: ComponentFlags, place: LaunchPlace): AuditOptions | undefined {
  const policyFile = flags.text('audit-policy-file')
  const path = flags.text('audit-log-path')
  if (!policyFile) return undefined
  let policy
  const text = fileText(place, policyFile, `loading audit policy file: failed to read file path ${JSON.stringify(policyFile)}: %s`)
  try {
    policy = parseAuditPolicy(text)
  } catch (error) {
    throw new LaunchError(`loading audit policy file: ${(error as Error).message}: from file ${policyFile}`)
  }
  if (!path) return undefined
  if (path === '-') return { policy, write: (line) => place.print(line) }
  const { fs } = place
  const write = (line: string) => {
    try {
      if (!fs.exists(path)) {
        fs.mkdir(path.slice(0, path.lastIndexOf('/')) || '/', { recursive: true, mode: 0o700 })
        fs.writeFile(path, '', { mode: 0o600 })
      }
      fs.writeFile(path, `${line}\n`, { append: true })
    } catch { /* the disk is full, or the path can't be written: the request goes on all the same */ }
  }
  return { policy, write }
}

interface EncryptionConfiguration {
  apiVersion?: string
  kind?: string
  resources?: { resources?: string[]; providers?: Record<string, { keys?: { name?: string | null; secret?: string | null }[] } | null>[] }[]
}

/** k8s: apiserver/pkg/server/options/encryptionconfig, apis/apiserver/validation */
function encryptionOf(path: string | undefined, place: LaunchPlace): readonly EncryptionRule[] {
  if (!path) return []
  const fail = (problem: string) => new LaunchError(`error while parsing file: ${problem}`)
  const text = fileText(place, path, `error while parsing file: error while loading file: error reading encryption provider configuration file ${JSON.stringify(path)}: %s`)
  const decoding = (problem: string) => fail(`error decoding encryption provider configuration file ${JSON.stringify(path)}: ${problem}`)
  let config: EncryptionConfiguration
  try {
    config = (parseYaml(text).value ?? {}) as EncryptionConfiguration
  } catch (error) {
    throw decoding((error as Error).message)
  }
  if (!config.kind) throw decoding("Object 'Kind' is missing in 'unknown'")
  if (!config.resources?.length) throw fail('resources: Required value: at least one resources is required')
  const problems: string[] = []
  const rules = config.resources.map(({ resources = [], providers = [] }, i): EncryptionRule => {
    if (resources.length === 0) problems.push(`resources[${i}].resources: Required value: at least one resources[${i}].resources is required`)
    if (providers.length === 0) problems.push(`resources[${i}].providers: Required value: at least one resources[${i}].providers is required`)
    return {
      resources,
      providers: providers.map((provider, j): EncryptionProvider => {
        const [kind = '', settings] = Object.entries(provider)[0] ?? []
        if (kind === 'secretbox' || kind === 'kms') throw fail(`drydock: provider ${kind} is not supported`)
        if (kind !== 'identity' && kind !== 'aescbc' && kind !== 'aesgcm') throw decoding(`strict decoding error: unknown field "resources[${i}].providers[${j}].${kind}"`)
        const at = `resources[${i}].providers[${j}].${kind}.keys`
        if (kind !== 'identity' && !settings?.keys?.length) problems.push(`${at}: Required value: at least one ${at} is required`)
        const keys = (settings?.keys ?? []).map((key, k) => {
          const name = key.name ?? ''
          const secret = key.secret ?? ''
          if (name === '') problems.push(`${at}[${k}].name: Required value: key name must be provided`)
          const bytes = lengthOf(secret)
          if (secret === '') problems.push(`${at}[${k}].secret: Required value: key secret must be provided`)
          else if (bytes === undefined) problems.push(`${at}[${k}].secret: Invalid value: "REDACTED": secrets must be base64 encoded`)
          else if (!KEY_BYTES.includes(bytes)) problems.push(`${at}[${k}].secret: Invalid value: "REDACTED": secret is not of the expected length, got ${bytes}, expected one of [${KEY_BYTES.join(' ')}]`)
          return { name, secret }
        })
        return { kind, keys }
      }),
    }
  })
  if (problems.length > 0) throw fail(problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`)
  return rules
}

/** Bytes of what is base64; undefined for what isn't. */
function lengthOf(base64: string): number | undefined {
  try {
    return bytesOfBase64(base64).length
  } catch {
    return undefined
  }
}
