import { sha256 } from '@noble/hashes/sha2.js'
import { keyPairProblem } from '../../../../base/key-pair.ts'
import type { KubeObject } from '../../../../cluster/kinds/object.ts'
import { canonicalQuantity } from '../../../../cluster/kinds/quantity.ts'
import { configKeyProblems, dnsSubdomainProblems } from '../../../../cluster/kinds/names.ts'
import type { ApiResource } from '../../discovery.ts'
import { NoResourceMatch } from '../../errors.ts'
import { encodeBase64, unixText } from '../../factory.ts'
import type { Factory } from '../../factory.ts'
import { escapeHtml, goJson } from '../../../../cluster/kinds/go-text.ts'
import { parseLabelSelector } from '../../../../cluster/kinds/label-selector.ts'
import type { Operator, Requirement } from '../../../../cluster/kinds/label-selector.ts'
import { patternText, portNameProblems, portNumberProblems } from '../../../../cluster/kinds/names.ts'
import { findResources } from '../../resources.ts'
import type { CommandHandler, Invocation } from '../handler.ts'
import { nameOf, oneName, requiredNameOf, submit } from './submit.ts'

/** The sub-commands of `create` that make an object from flags. k8s: kubectl/pkg/cmd/create */

const core = (resource: string) => (namespace: string) => `/api/v1/namespaces/${namespace}/${resource}`
const group = (groupVersion: string, resource: string) => (namespace: string) => `/apis/${groupVersion}/namespaces/${namespace}/${resource}`
const cluster = (path: string) => () => path
const RBAC = 'rbac.authorization.k8s.io'

const commandOf = (inv: Invocation) => inv.argsBeforeDash >= 0 ? inv.args.slice(inv.argsBeforeDash) : inv.args.slice(1)
const unique = (list: readonly string[]) => [...new Set(list)]
const intOrString = (text: string): number | string => /^-?\d+$/.test(text) ? Number(text) : text

const namespace: CommandHandler = async (inv) => {
  const name = requiredNameOf(inv)
  await submit(inv, { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {}, status: {} }, { path: cluster('/api/v1/namespaces'), namespaced: false })
}

const serviceAccount: CommandHandler = async (inv) => {
  const name = requiredNameOf(inv)
  await submit(inv, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } }, { path: core('serviceaccounts'), namespaced: true, failure: 'failed to create serviceaccount:' })
}

/** The part of an image that names a container: no registry, no tag. k8s: sanitizeAndUniquify */
function containerNameOf(f: Factory, image: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1).split(':')[0]!.split('@')[0]!
  // What had to be changed gets an ending, so that it doesn't meet another's name.
  return /[_.]/.test(name) ? `${name.replace(/[_.]/g, '-')}-${f.proc.random.suffix(5)}` : name
}

const deployment: CommandHandler = async (inv) => {
  const { flags } = inv
  const name = nameOf(inv)
  const images = flags.list('image')
  const command = commandOf(inv)
  if (images.length > 1 && command.length > 0) throw new Error('cannot specify multiple --image options and command')
  const port = flags.int('port')
  const containers = images.map((image, i) => ({ ...(command.length > 0 ? { command } : {}), image, name: containerNameOf(inv.f, image), ...(i === 0 && flags.changed('port') && port >= 0 ? { ports: [{ containerPort: port }] } : {}), resources: {} }))
  await submit(inv, {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { labels: { app: name }, name },
    spec: { replicas: flags.int('replicas'), selector: { matchLabels: { app: name } }, strategy: {}, template: { metadata: { labels: { app: name } }, spec: { containers } } },
    status: {},
  }, { path: group('apps/v1', 'deployments'), namespaced: true, failure: 'failed to create deployment:' })
}

const job: CommandHandler = async (inv) => {
  const { f, flags } = inv
  const name = nameOf(inv)
  const command = commandOf(inv)
  const image = flags.str('image')
  const from = flags.str('from')
  if (!image === !from) throw new Error('either --image or --from must be specified')
  if (from && command.length > 0) throw new Error('cannot specify --from and command')
  let object: KubeObject
  if (image) object = {
    apiVersion: 'batch/v1', kind: 'Job', metadata: { name },
    spec: { template: { metadata: {}, spec: { containers: [{ ...(command.length > 0 ? { command } : {}), image, name, resources: {} }], restartPolicy: 'Never' } } }, status: {},
  }
  else {
    const { infos, error } = await (await findResources(f, { args: [from], namespace: f.namespace().namespace, flatten: true, latest: true })).infos()
    if (error) throw error
    if (infos.length !== 1) throw new Error('from must be an existing cronjob')
    const cron = infos[0]!.object!
    if (cron.kind !== 'CronJob') throw new Error(`unknown object type *${infos[0]!.mapping.version}.${cron.kind}`)
    const template = cron['spec'].jobTemplate
    object = {
      apiVersion: 'batch/v1', kind: 'Job',
      metadata: {
        name, annotations: { 'cronjob.kubernetes.io/instantiate': 'manual', ...template.metadata?.annotations }, ...(template.metadata?.labels ? { labels: template.metadata.labels } : {}),
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: cron.metadata.name!, uid: cron.metadata.uid!, controller: true }],
      },
      spec: { ...template.spec, template: { metadata: {}, ...template.spec.template } }, status: {},
    }
  }
  await submit(inv, object, { path: group('batch/v1', 'jobs'), namespaced: true, failure: 'failed to create job:' })
}

const cronJob: CommandHandler = async (inv) => {
  const { flags } = inv
  const name = nameOf(inv)
  const command = commandOf(inv)
  await submit(inv, {
    apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name },
    spec: {
      jobTemplate: { metadata: { name }, spec: { template: { metadata: {}, spec: { containers: [{ ...(command.length > 0 ? { command } : {}), image: flags.str('image'), name, resources: {} }], restartPolicy: flags.str('restart') || 'OnFailure' } } } },
      schedule: flags.str('schedule'),
    },
    status: {},
  }, { path: group('batch/v1', 'cronjobs'), namespaced: true, failure: 'failed to create cronjob:' })
}

// --- configmap, secret -----------------------------------------------------------------------------------------------------------

type AddEntry = (key: string, value: Uint8Array) => void

function literalParts(source: string): [string, string] {
  const at = source.indexOf('=')
  if (at <= 0) throw new Error(`invalid literal source ${source}, expected key=value`)
  return [source.slice(0, at), source.slice(at + 1)]
}

function addFromFiles(f: Factory, sources: readonly string[], add: AddEntry): void {
  for (const source of sources) {
    const parts = source.split('=')
    if (parts.length > 2) throw new Error('key names or file paths cannot contain \'=\'')
    if (parts.length === 2 && !parts[0]) throw new Error(`key name for file path ${parts[1]} missing`)
    if (parts.length === 2 && !parts[1]) throw new Error(`file path for key name ${parts[0]} missing`)
    const path = parts.at(-1)!
    const absolute = f.proc.resolve(path)
    let type: string
    try {
      type = f.proc.fs.stat(absolute).type
    } catch (error) {
      throw new Error(`error reading ${path}: ${unixText(error)}`)
    }
    if (type === 'directory') {
      if (parts.length === 2) throw new Error('cannot give a key name for a directory path')
      for (const name of f.proc.fs.readdir(absolute)) if (f.proc.fs.lstat(`${absolute}/${name}`).type === 'file') add(name, f.proc.fs.readFile(`${absolute}/${name}`))
    } else add(parts.length === 2 ? parts[0]! : path.slice(path.lastIndexOf('/') + 1), f.proc.fs.readFile(absolute))
  }
}

function addFromEnvFiles(f: Factory, sources: readonly string[], add: (key: string, value: string) => void, what: string): void {
  for (const source of sources) {
    const absolute = f.proc.resolve(source)
    let bytes: Uint8Array
    try {
      if (f.proc.fs.stat(absolute).type === 'directory') throw new Error(`env ${what} file cannot be a directory`)
      bytes = f.proc.fs.readFile(absolute)
    } catch (error) {
      throw (error as { code?: string }).code ? new Error(`error reading ${source}: ${unixText(error)}`) : error
    }
    linesOf(bytes).forEach((raw, i) => {
      const text = isUtf8(raw)
      if (text === undefined) throw new Error(`env file ${source} contains invalid utf8 bytes at line ${i + 1}: [${raw.join(' ')}]`)
      const line = (i === 0 ? text.replace(/^\ufeff/, '') : text).trimStart()
      if (line === '' || line.startsWith('#')) return
      const at = line.indexOf('=')
      const key = at < 0 ? line : line.slice(0, at)
      const problems = envFileKeyProblems(key)
      if (problems.length > 0) throw new Error(`${JSON.stringify(key)} is not a valid key name: ${problems.join(';')}`)
      add(key, at < 0 ? f.proc.env[key] ?? '' : line.slice(at + 1))
    })
  }
}

/** The lines of a file without their ends. k8s: Go bufio.ScanLines */
function linesOf(bytes: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = []
  for (let at = 0; at < bytes.length;) {
    const found = bytes.indexOf(10, at)
    const end = found < 0 ? bytes.length : found
    out.push(bytes.subarray(at, bytes[end - 1] === 13 && end > at ? end - 1 : end))
    at = end + 1
  }
  return out
}

/** k8s: apimachinery/pkg/util/validation IsEnvVarName */
export function envFileKeyProblems(key: string): string[] {
  const rule = "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit"
  return [
    ...(/^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(key) ? [] : [patternText(rule, '[-._a-zA-Z][-._a-zA-Z0-9]*', 'my.env-name', 'MY_ENV.NAME', 'MyEnvName1')]),
    ...(key === '.' ? ["must not be '.'"] : key === '..' ? ["must not be '..'"] : key.startsWith('..') ? ["must not start with '..'"] : []),
  ]
}

const isUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

const configMap: CommandHandler = async (inv) => {
  const { f, flags } = inv
  const name = requiredNameOf(inv)
  const envFiles = flags.list('from-env-file')
  if (envFiles.length > 0 && (flags.list('from-file').length > 0 || flags.list('from-literal').length > 0)) throw new Error('from-env-file cannot be combined with from-file or from-literal')
  const data: Record<string, string> = {}
  const binaryData: Record<string, string> = {}
  const add: AddEntry = (key, bytes) => {
    const problems = configKeyProblems(key)
    if (problems.length > 0) throw new Error(`${JSON.stringify(key)} is not a valid key name for a ConfigMap: ${problems.join(',')}`)
    if (key in data) throw new Error(`cannot add key ${JSON.stringify(key)}, another key by that name already exists in Data for ConfigMap ${JSON.stringify(name)}`)
    if (key in binaryData) throw new Error(`cannot add key ${JSON.stringify(key)}, another key by that name already exists in BinaryData for ConfigMap ${JSON.stringify(name)}`)
    const text = isUtf8(bytes)
    if (text === undefined) binaryData[key] = encodeBase64(bytes)
    else data[key] = text
  }
  const addText = (key: string, value: string) => add(key, new TextEncoder().encode(value))
  addFromFiles(f, flags.list('from-file'), add)
  for (const literal of flags.list('from-literal')) addText(...literalParts(literal))
  addFromEnvFiles(f, envFiles, addText, 'config')
  const object: KubeObject = {
    apiVersion: 'v1', ...(Object.keys(data).length > 0 ? { data } : {}), ...(Object.keys(binaryData).length > 0 ? { binaryData } : {}), kind: 'ConfigMap', metadata: { name },
  }
  if (flags.bool('append-hash')) object.metadata.name = `${name}-${contentHash({ ...(object['binaryData'] ? { binaryData } : {}), data, kind: 'ConfigMap', name })}`
  await submit(inv, object, { path: core('configmaps'), namespaced: true, failure: 'failed to create configmap:' })
}

/** Ten letters that follow from the content. k8s: kubectl/pkg/util/hash */
export function contentHash(content: unknown): string {
  const hex = [...sha256(new TextEncoder().encode(goJson(content)))].map((b) => b.toString(16).padStart(2, '0')).join('')
  // Digits and letters that could form words are replaced.
  const swap: Record<string, string> = { 0: 'g', 1: 'h', 3: 'k', a: 'm', e: 't' }
  return [...hex.slice(0, 10)].map((c) => swap[c] ?? c).join('')
}

async function submitSecret(inv: Invocation, name: string, data: Record<string, string>, type: string): Promise<void> {
  const object: KubeObject = { apiVersion: 'v1', ...(Object.keys(data).length > 0 ? { data } : {}), kind: 'Secret', metadata: { name }, ...(type ? { type } : {}) }
  if (inv.flags.bool('append-hash')) object.metadata.name = `${name}-${contentHash({ kind: 'Secret', type, name, data })}`
  await submit(inv, object, { path: core('secrets'), namespaced: true, failure: 'failed to create secret' })
}

const secretAdder = (data: Record<string, string>): AddEntry => (key, bytes) => {
  const problems = configKeyProblems(key)
  if (problems.length > 0) throw new Error(`${JSON.stringify(key)} is not valid key name for a Secret ${problems.join(';')}`)
  if (key in data) throw new Error(`cannot add key ${key}, another key by that name already exists`)
  data[key] = encodeBase64(bytes)
}

const secretGeneric: CommandHandler = async (inv) => {
  const { f, flags } = inv
  const name = requiredNameOf(inv)
  const envFiles = flags.list('from-env-file')
  if (envFiles.length > 0 && (flags.list('from-file').length > 0 || flags.list('from-literal').length > 0)) throw new Error('from-env-file cannot be combined with from-file or from-literal')
  const data: Record<string, string> = {}
  const add = secretAdder(data)
  const addText = (key: string, value: string) => add(key, new TextEncoder().encode(value))
  addFromFiles(f, flags.list('from-file'), add)
  for (const literal of flags.list('from-literal')) addText(...literalParts(literal))
  addFromEnvFiles(f, envFiles, addText, 'secret')
  await submitSecret(inv, name, data, flags.str('type'))
}

const secretDockerRegistry: CommandHandler = async (inv) => {
  const { f, flags } = inv
  const name = requiredNameOf(inv)
  const data: Record<string, string> = {}
  if (flags.list('from-file').length > 0) addFromFiles(f, flags.list('from-file').map((source) => source.includes('=') ? source : `.dockerconfigjson=${source}`), secretAdder(data))
  else {
    const [username, password, server, email] = ['docker-username', 'docker-password', 'docker-server', 'docker-email'].map((n) => flags.str(n))
    if (!username || !password || !server) throw new Error('either --from-file or the combination of --docker-username, --docker-password and --docker-server is required')
    const entry = { username, password, ...(email ? { email } : {}), auth: encodeBase64(`${username}:${password}`) }
    data['.dockerconfigjson'] = encodeBase64(escapeHtml(JSON.stringify({ auths: { [server]: entry } })))
  }
  await submitSecret(inv, name, data, 'kubernetes.io/dockerconfigjson')
}

const secretTls: CommandHandler = async (inv) => {
  const { f, flags } = inv
  const name = nameOf(inv)
  if (!flags.str('key') || !flags.str('cert')) throw new Error('key and cert must be specified')
  const read = (file: string) => {
    try {
      return f.proc.fs.readFile(f.proc.resolve(file))
    } catch (error) {
      throw new Error(`Cannot read file ${file}, open ${file}: ${unixText(error)}`)
    }
  }
  const certificate = read(flags.str('cert'))
  const key = read(flags.str('key'))
  const problem = keyPairProblem(new TextDecoder().decode(certificate), new TextDecoder().decode(key))
  if (problem) throw new Error(problem)
  await submitSecret(inv, name, { 'tls.crt': encodeBase64(certificate), 'tls.key': encodeBase64(key) }, 'kubernetes.io/tls')
}

// --- service -----------------------------------------------------------------------------------------------------------------------

function service(type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName'): CommandHandler {
  return async (inv) => {
    const { flags } = inv
    const name = nameOf(inv)
    const tcp = flags.list('tcp')
    const headless = flags.str('clusterip') === 'None'
    if (headless && type !== 'ClusterIP') throw new Error('ClusterIP=None can only be used with ClusterIP service type')
    if (!headless && tcp.length === 0 && type !== 'ExternalName') throw new Error('at least one tcp port specifier must be provided')
    if (type === 'ExternalName' && dnsSubdomainProblems(flags.str('external-name').replace(/\.$/, '')).length > 0) throw new Error(`invalid service external name ${flags.str('external-name')}`)
    const ports = tcp.map((text) => {
      const { port, targetPort } = parsePorts(text)
      return { name: text.replaceAll(':', '-'), ...(type === 'NodePort' && flags.int('node-port') !== 0 ? { nodePort: flags.int('node-port') } : {}), port, protocol: 'TCP', targetPort }
    })
    await submit(inv, {
      apiVersion: 'v1', kind: 'Service', metadata: { labels: { app: name }, name },
      spec: {
        ...(flags.str('clusterip') ? { clusterIP: flags.str('clusterip') } : {}), ...(type === 'ExternalName' ? { externalName: flags.str('external-name') } : {}),
        ...(ports.length > 0 ? { ports } : {}), selector: { app: name }, type,
      },
      status: { loadBalancer: {} },
    }, { path: core('services'), namespaced: true, ignoresSaveConfig: true, failure: `failed to create ${type} service:` })
  }
}

/** `80`, `80:8080`, `80:http`. @throws Error */
function parsePorts(text: string): { port: number; targetPort: number | string } {
  const at = text.indexOf(':')
  const left = at < 0 ? text : text.slice(0, at)
  if (!/^\d+$/.test(left)) throw new Error(`strconv.ParseUint: parsing ${JSON.stringify(left)}: invalid syntax`)
  const port = Number(left)
  if (port > 65_535) throw new Error(`strconv.ParseUint: parsing ${JSON.stringify(left)}: value out of range`)
  if (at < 0) return { port, targetPort: port }
  const right = text.split(':')[1]!
  const problems = /^[+-]?\d+$/.test(right) ? portNumberProblems(Number(right)) : portNameProblems(right)
  if (problems.length > 0) throw new Error(problems.join(','))
  return { port, targetPort: intOrString(right) }
}

// --- rbac ----------------------------------------------------------------------------------------------------------------------------

const RESOURCE_VERBS = ['*', 'get', 'delete', 'list', 'create', 'update', 'patch', 'watch', 'proxy', 'deletecollection', 'use', 'bind', 'escalate', 'impersonate']
const NON_RESOURCE_VERBS = ['*', 'get', 'post', 'put', 'delete', 'patch', 'head', 'options']
const SPECIAL_VERBS: Record<string, readonly { group: string; resource: string }[]> = {
  use: [{ group: 'policy', resource: 'podsecuritypolicies' }, { group: 'extensions', resource: 'podsecuritypolicies' }],
  bind: [{ group: RBAC, resource: 'roles' }, { group: RBAC, resource: 'clusterroles' }],
  escalate: [{ group: RBAC, resource: 'roles' }, { group: RBAC, resource: 'clusterroles' }],
  impersonate: [{ group: '', resource: 'users' }, { group: '', resource: 'serviceaccounts' }, { group: '', resource: 'groups' }, { group: 'authentication.k8s.io', resource: 'userextras' }],
}

interface WantedResource { resource: string; group: string; subresource: string }

function wantedResources(inv: Invocation): WantedResource[] {
  const out: WantedResource[] = []
  for (const text of inv.flags.list('resource')) {
    const [path, ...sub] = text.split('/')
    const [resource, ...groupParts] = path!.split('.')
    const wanted = { resource: resource!, group: groupParts.join('.'), subresource: sub.join('/') }
    if (wanted.resource === '*' && groupParts.length === 0 && sub.length === 0) return [wanted]
    out.push(wanted)
  }
  return out
}

async function policyRules(inv: Invocation, nonResourceUrls: readonly string[]): Promise<Record<string, unknown>[]> {
  const { f, flags, err } = inv
  const given = unique(flags.list('verb'))
  const verbs = given.includes('*') ? ['*'] : given
  const wanted = wantedResources(inv)
  const clusterWide = inv.spec.name === 'clusterrole'
  if (verbs.length === 0) throw new Error('at least one verb must be specified')
  if (clusterWide && wanted.length === 0 && nonResourceUrls.length === 0) throw new Error('one of resource or nonResourceURL must be specified')
  if (!clusterWide || wanted.length > 0) for (const verb of verbs) if (!RESOURCE_VERBS.includes(verb)) void err(`Warning: '${verb}' is not a standard resource verb\n`)
  if (!clusterWide && wanted.length === 0) throw new Error('at least one resource must be specified')
  const lookUp = (w: WantedResource): Promise<ApiResource | undefined> => f.resolve((mapper) => {
    const found = mapper.resourceFor(w.group ? `${w.resource}.${w.group}` : w.resource)
    // Unlike elsewhere a version is taken for a part of the group.
    return found && w.group && !found.group.startsWith(w.group) ? undefined : found
  })
  for (const w of wanted) {
    if (!w.resource) throw new Error('resource must be specified if apiGroup/subresource specified')
    if (w.resource === '*') break
    const found = await lookUp(w)
    let known = Boolean(found)
    for (const verb of verbs) {
      const special = SPECIAL_VERBS[verb]
      if (!special) continue
      const resource = found?.resource ?? w.resource
      const groupName = found?.group ?? w.group
      if (!special.some((s) => s.resource === resource && s.group === groupName)) throw new Error(`can not perform '${verb}' on '${resource}' in group '${groupName}'`)
      known = true
    }
    if (!known) throw new NoResourceMatch(w.resource, w.group)
  }
  if (nonResourceUrls.length > 0) {
    for (const verb of verbs) if (!NON_RESOURCE_VERBS.includes(verb)) throw new Error(`invalid verb: '${verb}' for nonResourceURL`)
    for (const url of nonResourceUrls) {
      if (url === '*') continue
      if (!url.startsWith('/')) throw new Error('nonResourceURL should start with /')
      if (url.slice(0, -1).includes('*')) throw new Error("nonResourceURL only supports wildcard matches when '*' is at the end")
    }
  }
  const byGroup = new Map<string, string[]>()
  for (const w of wanted) {
    const found = w.resource === '*' ? undefined : await lookUp(w)
    const resource = (found?.resource ?? w.resource) + (w.subresource ? `/${w.subresource}` : '')
    const groupName = found?.group ?? w.group
    const list = byGroup.get(groupName) ?? []
    if (!list.includes(resource)) list.push(resource)
    byGroup.set(groupName, list)
  }
  const resourceNames = unique(flags.list('resource-name'))
  return [
    ...[...byGroup.keys()].sort().map((g) => ({ apiGroups: [g], ...(resourceNames.length > 0 ? { resourceNames } : {}), resources: byGroup.get(g)!, verbs })),
    ...(nonResourceUrls.length > 0 ? [{ nonResourceURLs: nonResourceUrls, verbs }] : []),
  ]
}

const role: CommandHandler = async (inv) => {
  const name = requiredNameOf(inv)
  const rules = await policyRules(inv, [])
  await submit(inv, { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata: { name }, rules }, { path: group(`${RBAC}/v1`, 'roles'), namespaced: true })
}

const clusterRole: CommandHandler = async (inv) => {
  const { flags } = inv
  const name = requiredNameOf(inv)
  const aggregation = flags.map('aggregation-rule')
  const urls = unique(flags.list('non-resource-url'))
  const object: KubeObject = { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name } }
  if (Object.keys(aggregation).length > 0) {
    if (urls.length > 0 || flags.list('verb').length > 0 || flags.list('resource').length > 0 || flags.list('resource-name').length > 0) throw new Error('aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames')
    object['aggregationRule'] = { clusterRoleSelectors: [{ matchLabels: aggregation }] }
    object['rules'] = null
  } else object['rules'] = await policyRules(inv, urls)
  await submit(inv, object, { path: cluster(`/apis/${RBAC}/v1/clusterroles`), namespaced: false })
}

/** Users, groups and service accounts that a binding names. @throws Error */
function subjectsOf(flags: Invocation['flags']): Record<string, string>[] {
  return [
    ...flags.list('user').map((name) => ({ apiGroup: RBAC, kind: 'User', name })),
    ...flags.list('group').map((name) => ({ apiGroup: RBAC, kind: 'Group', name })),
    ...flags.list('serviceaccount').map((text) => {
      const parts = text.split(':')
      if (parts.length !== 2 || !parts[0] || !parts[1]) throw new Error('serviceaccount must be <namespace>:<name>')
      return { kind: 'ServiceAccount', name: parts[1], namespace: parts[0]! }
    }),
  ]
}

const roleBinding: CommandHandler = async (inv) => {
  const { flags } = inv
  const name = requiredNameOf(inv)
  if (!flags.str('role') === !flags.str('clusterrole')) throw new Error('exactly one of clusterrole or role must be specified')
  const subjects = subjectsOf(flags)
  await submit(inv, {
    apiVersion: `${RBAC}/v1`, kind: 'RoleBinding', metadata: { name },
    roleRef: { apiGroup: RBAC, kind: flags.str('role') ? 'Role' : 'ClusterRole', name: flags.str('role') || flags.str('clusterrole') }, ...(subjects.length > 0 ? { subjects } : {}),
  }, { path: group(`${RBAC}/v1`, 'rolebindings'), namespaced: true, failure: 'failed to create rolebinding:' })
}

const clusterRoleBinding: CommandHandler = async (inv) => {
  const { flags } = inv
  const name = nameOf(inv)
  const subjects = subjectsOf(flags)
  await submit(inv, {
    apiVersion: `${RBAC}/v1`, kind: 'ClusterRoleBinding', metadata: { name }, roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: flags.str('clusterrole') }, ...(subjects.length > 0 ? { subjects } : {}),
  }, { path: cluster(`/apis/${RBAC}/v1/clusterrolebindings`), namespaced: false, failure: 'failed to create clusterrolebinding:' })
}

// --- policies ----------------------------------------------------------------------------------------------------------------------

const quota: CommandHandler = async (inv) => {
  const { flags } = inv
  const name = requiredNameOf(inv)
  const hard: Record<string, string> = {}
  for (const pair of flags.str('hard').split(',').filter(Boolean)) {
    const parts = pair.split('=')
    if (parts.length !== 2) throw new Error(`Invalid argument syntax ${pair}, expected <resource>=<value>`)
    hard[parts[0]!] = canonicalQuantity(parts[1]!)
  }
  const scopes = flags.str('scopes') ? flags.str('scopes').split(',') : []
  if (scopes.includes('')) throw new Error('invalid resource quota scope ""')
  await submit(inv, {
    apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name }, spec: { ...(Object.keys(hard).length > 0 ? { hard } : {}), ...(scopes.length > 0 ? { scopes } : {}) }, status: {},
  }, { path: core('resourcequotas'), namespaced: true, failure: 'failed to create quota:' })
}

const podDisruptionBudget: CommandHandler = async (inv) => {
  const { flags } = inv
  const name = requiredNameOf(inv)
  const [min, max] = [flags.str('min-available'), flags.str('max-unavailable')]
  if (!flags.str('selector')) throw new Error('a selector must be specified')
  if (!min && !max) throw new Error('one of min-available or max-unavailable must be specified')
  if (min && max) throw new Error('min-available and max-unavailable cannot be both specified')
  const format = /^[0-9]+%?$/
  if (min && !format.test(min)) throw new Error('invalid format specified for min-available')
  if (max && !format.test(max)) throw new Error('invalid format specified for max-unavailable')
  await submit(inv, {
    apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name },
    spec: { ...(max ? { maxUnavailable: intOrString(max) } : {}), ...(min ? { minAvailable: intOrString(min) } : {}), selector: labelSelectorOf(flags.str('selector')) },
    status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
  }, { path: group('policy/v1', 'poddisruptionbudgets'), namespaced: true, failure: 'failed to create poddisruptionbudgets:' })
}

/** A selector's text as a LabelSelector. k8s: metav1.ParseToLabelSelector @throws Error */
export function labelSelectorOf(text: string): Record<string, unknown> {
  const matchLabels: Record<string, string> = {}
  const matchExpressions: Record<string, unknown>[] = []
  const OPERATORS: Partial<Record<Operator, string>> = { in: 'In', notin: 'NotIn', exists: 'Exists', '!': 'DoesNotExist' }
  let requirements: readonly Requirement[]
  try {
    requirements = parseLabelSelector(text).requirements
  } catch (error) {
    throw new Error(`couldn't parse the selector string ${JSON.stringify(text)}: ${(error as Error).message}`)
  }
  for (const { key, operator, values } of requirements) {
    if (operator === '=' || operator === '==') matchLabels[key] = values[0]!
    else if (OPERATORS[operator]) matchExpressions.push({ key, operator: OPERATORS[operator], ...(values.length > 0 ? { values: [...values] } : {}) })
    else throw new Error(operator === 'gt' || operator === 'lt' ? `${JSON.stringify(operator)} isn't supported in label selectors` : `${JSON.stringify(operator)} is not a valid label selector operator`)
  }
  return { ...(matchExpressions.length > 0 ? { matchExpressions } : {}), ...(Object.keys(matchLabels).length > 0 ? { matchLabels } : {}) }
}

const priorityClass: CommandHandler = async (inv) => {
  const { flags } = inv
  const name = nameOf(inv)
  await submit(inv, {
    apiVersion: 'scheduling.k8s.io/v1', ...(flags.str('description') ? { description: flags.str('description') } : {}), ...(flags.bool('global-default') ? { globalDefault: true } : {}), kind: 'PriorityClass',
    metadata: { name }, preemptionPolicy: flags.str('preemption-policy') || 'PreemptLowerPriority', value: flags.int('value'),
  }, { path: cluster('/apis/scheduling.k8s.io/v1/priorityclasses'), namespaced: false, failure: 'failed to create priorityclass:' })
}

// --- ingress -------------------------------------------------------------------------------------------------------------------------

const INGRESS_RULE = /^(?<host>[\w*\-.]*)(?<path>\/.*)=(?<svcname>[\w-]+):(?<svcport>[\w-]+)(,(?<istls>tls)=?(?<secretname>[\w-]+)?)?/

function ingressBackend(text: string): Record<string, unknown> {
  const [name, port] = text.split(':')
  return { service: { name, port: /^\d+$/.test(port!) ? { number: Number(port) } : { name: port } } }
}

const ingress: CommandHandler = async (inv) => {
  const { flags } = inv
  const name = nameOf(inv)
  const rules = flags.list('rule')
  const defaultBackend = flags.str('default-backend')
  if (!defaultBackend && rules.length === 0)
    throw new Error('not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)')
  for (const rule of rules) if (!INGRESS_RULE.test(rule)) throw new Error(`rule ${rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]`)
  const annotations: Record<string, string> = {}
  for (const annotation of flags.list('annotation')) {
    const parts = annotation.split('=')
    if (parts.length < 2) throw new Error(`annotation ${annotation} is invalid and should be in format key=[value]`)
    annotations[parts[0]!] = parts.slice(1).join('=')
  }
  if (defaultBackend && defaultBackend.split(':').length !== 2) throw new Error('default-backend should be in format servicename:serviceport')

  const tls: { hosts?: string[]; secretName?: string }[] = []
  const hostsSeen = new Set<string>()
  const ingressRules: { host?: string; http: { paths: unknown[] } }[] = []
  for (const rule of rules) {
    const [target, tlsPart, ...more] = rule.split(',')
    const host = rule.split('/')[0]!
    if (tlsPart !== undefined && more.length === 0 && !hostsSeen.has(host)) {
      hostsSeen.add(host)
      const secretName = tlsPart.split('=')[1] ?? ''
      const same = tls.find((t) => (t.secretName ?? '') === secretName)
      if (same) (same.hosts ??= []).push(host)
      else if (host || secretName) tls.push({ ...(host ? { hosts: [host] } : {}), ...(secretName ? { secretName } : {}) })
    }
    const rest = target!.slice(target!.indexOf('/') + 1)
    const [rawPath, backend] = rest.split('=')
    const full = `/${rawPath}`
    const path = { backend: ingressBackend(backend!), path: full.endsWith('*') ? full.slice(0, -1) : full, pathType: full.endsWith('*') ? 'Prefix' : 'Exact' }
    const known = ingressRules.find((r) => (r.host ?? '') === host)
    if (known) known.http.paths.push(path)
    else ingressRules.push({ ...(host ? { host } : {}), http: { paths: [path] } })
  }
  await submit(inv, {
    apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
    spec: {
      ...(defaultBackend ? { defaultBackend: ingressBackend(defaultBackend) } : {}), ...(flags.str('class') ? { ingressClassName: flags.str('class') } : {}),
      ...(ingressRules.length > 0 ? { rules: ingressRules } : {}), ...(tls.length > 0 ? { tls } : {}),
    },
    status: { loadBalancer: {} },
  }, { path: group('networking.k8s.io/v1', 'ingresses'), namespaced: true, failure: 'failed to create ingress:' })
}

// --- token -----------------------------------------------------------------------------------------------------------------------------

const BOUND_KINDS: Record<string, string> = { Node: 'v1', Pod: 'v1', Secret: 'v1' }

const token: CommandHandler = async (inv) => {
  const { f, flags, out } = inv
  const name = oneName(inv)
  const { namespace } = f.namespace()
  if (!name) throw new Error('service account name is required')
  const durationMs = flags.duration('duration')
  const kind = flags.str('bound-object-kind')
  if (durationMs < 0) throw new Error('--duration must be greater than or equal to 0')
  if (durationMs % 1000 !== 0) throw new Error('--duration cannot be expressed in units less than seconds')
  for (const audience of flags.list('audience')) if (!audience) throw new Error('--audience must not be an empty string')
  if (!kind && flags.str('bound-object-name')) throw new Error('--bound-object-name can only be set if --bound-object-kind is provided')
  if (!kind && flags.str('bound-object-uid')) throw new Error('--bound-object-uid can only be set if --bound-object-kind is provided')
  if (kind && !Object.hasOwn(BOUND_KINDS, kind)) throw new Error(`supported --bound-object-kind values are ${Object.keys(BOUND_KINDS).join(', ')}`)
  if (kind && !flags.str('bound-object-name')) throw new Error('--bound-object-name is required if --bound-object-kind is provided')
  const request = {
    apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {},
    spec: {
      audiences: flags.list('audience').length > 0 ? flags.list('audience') : null, ...(durationMs > 0 ? { expirationSeconds: durationMs / 1000 } : {}),
      ...(kind ? { boundObjectRef: { apiVersion: BOUND_KINDS[kind], kind, name: flags.str('bound-object-name'), ...(flags.str('bound-object-uid') ? { uid: flags.str('bound-object-uid') } : {}) } } : {}),
    },
    status: { token: '', expirationTimestamp: null },
  }
  let answer: KubeObject
  try {
    answer = await f.rest().json<KubeObject>('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, { body: request })
  } catch (error) {
    throw new Error(`failed to create token: ${(error as Error).message}`)
  }
  if (!answer['status']?.token) throw new Error('failed to create token: no token in server response')
  if (!flags.str('output')) { void out(`${answer['status'].token}${f.proc.isTty(1) ? '\n' : ''}`); return }
  const { printerFor } = await import('../../print.ts')
  void out(printerFor(f, { typed: true })(answer))
}

/** By path below `kubectl`. */
export const GENERATORS: Record<string, CommandHandler> = {
  'create namespace': namespace, 'create serviceaccount': serviceAccount, 'create deployment': deployment, 'create job': job, 'create cronjob': cronJob,
  'create configmap': configMap, 'create secret generic': secretGeneric, 'create secret docker-registry': secretDockerRegistry, 'create secret tls': secretTls,
  'create service clusterip': service('ClusterIP'), 'create service nodeport': service('NodePort'), 'create service loadbalancer': service('LoadBalancer'), 'create service externalname': service('ExternalName'),
  'create role': role, 'create clusterrole': clusterRole, 'create rolebinding': roleBinding, 'create clusterrolebinding': clusterRoleBinding,
  'create quota': quota, 'create poddisruptionbudget': podDisruptionBudget, 'create priorityclass': priorityClass, 'create ingress': ingress, 'create token': token,
}
