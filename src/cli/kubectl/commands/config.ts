import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { emptyKubeconfig, kubeconfigObject, readKubeconfigFile } from '../../kubeconfig.ts'
import type { Kubeconfig } from '../../kubeconfig.ts'
import { printYaml } from '../../yaml.ts'
import { usageError } from '../command.ts'
import { SilentExit } from '../errors.ts'
import { encodeBase64, unixText } from '../factory.ts'
import type { Factory } from '../factory.ts'
import { parseBool } from '../flags.ts'
import { printerFor } from '../print.ts'
import { simpleTable } from '../table.ts'
import type { CommandHandler, Invocation } from './handler.ts'

/** k8s: client-go/tools/clientcmd ModifyConfig and kubectl/pkg/cmd/config */

type Kind = 'cluster' | 'context' | 'user'
const mapOf = (config: Kubeconfig, kind: Kind): Map<string, any> => kind === 'cluster' ? config.clusters : kind === 'context' ? config.contexts : config.users

/** The file new entries go to: the one named, else the first of the list that exists, else the last. */
function defaultFile(f: Factory): string {
  const { paths, explicit } = f.kubeconfigFiles()
  if (explicit || paths.length === 1) return paths[0]!
  return paths.find((p) => f.proc.fs.exists(f.proc.resolve(p))) ?? paths.at(-1)!
}

/** The kubeconfig; an empty one where a file that was asked for isn't there yet. k8s: clientcmd.PathOptions.GetStartingConfig */
function startingConfig(f: Factory): Kubeconfig {
  const { paths, explicit } = f.kubeconfigFiles()
  return explicit && !f.proc.fs.exists(f.proc.resolve(paths[0]!)) ? emptyKubeconfig() : f.kubeconfig()
}

function editFile(f: Factory, path: string, change: (config: Kubeconfig) => void): void {
  const absolute = f.proc.resolve(path)
  const config = f.proc.fs.exists(absolute) ? readKubeconfigFile(path, absolute, f.proc.fs) : emptyKubeconfig()
  change(config)
  f.proc.fs.mkdir(absolute.replace(/\/[^/]*$/, '') || '/', { recursive: true })
  f.proc.fs.writeFile(absolute, printYaml(kubeconfigObject(config)), { mode: 0o600 })
}

/** The file that holds an entry, or the one for new entries. */
const fileOf = (f: Factory, entry: string) => startingConfig(f).origin.get(entry) ?? defaultFile(f)

function writeEntry(f: Factory, kind: Kind, name: string, entry: unknown): void {
  editFile(f, fileOf(f, `${kind}/${name}`), (config) => {
    if (entry === undefined) mapOf(config, kind).delete(name)
    else mapOf(config, kind).set(name, entry)
  })
}

/** Errors where kubectl prints the command's help first; without a message that is all. k8s: kubectl/pkg/cmd/config helpErrorf */
async function wrongArguments(inv: Invocation, message: string): Promise<never> {
  const { helpText, helpWidth } = await import('../help.ts')
  void inv.out(helpText(inv.spec, helpWidth(inv.f.proc)))
  if (!message) throw new SilentExit(0)
  throw new Error(message)
}

/** The order of fields in clientcmd's types, which JSON keeps. */
const ORDER = ['kind', 'apiVersion', 'preferences', 'name', 'clusters', 'users', 'contexts', 'current-context', 'server', 'tls-server-name', 'insecure-skip-tls-verify', 'certificate-authority', 'certificate-authority-data', 'proxy-url', 'disable-compression',
  'cluster', 'user', 'namespace', 'client-certificate', 'client-certificate-data', 'client-key', 'client-key-data', 'token', 'tokenFile', 'as', 'as-uid', 'as-groups', 'as-user-extra', 'username', 'password', 'auth-provider', 'config',
  'exec', 'command', 'args', 'env', 'installHint', 'provideClusterInfo', 'interactiveMode', 'extensions']

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder)
  if (value === null || typeof value !== 'object') return value
  const keys = Object.keys(value)
  // A credential plugin names its API behind the environment.
  const rank = (key: string) => key === 'apiVersion' && keys.includes('command') ? ORDER.indexOf('env') + 0.5 : ORDER.includes(key) ? ORDER.indexOf(key) : ORDER.length
  return Object.fromEntries(keys.sort((a, b) => rank(a) - rank(b)).map((key) => [key, inOrder((value as Record<string, unknown>)[key])]))
}

// --- view ------------------------------------------------------------------------------------------------------------------------------

const view: CommandHandler = async (inv) => {
  const { f, flags, args, out, spec } = inv
  if (args.length !== 0) throw usageError(spec, `unexpected arguments: [${args.join(' ')}]`)
  if (flags.changed('merge') && flags.str('merge') !== 'true' && !f.flags.str('kubeconfig')) throw new Error('if merge==false a precise file must be specified')
  let config = startingConfig(f)
  const contextName = f.flags.str('context')
  if (flags.bool('minify')) {
    const current = contextName || config.currentContext
    if (!current) throw new Error('current-context must exist in order to minify')
    const context = config.contexts.get(current)
    if (!context) throw new Error(`cannot locate context ${current}`)
    const small = emptyKubeconfig()
    small.origin = config.origin
    if (config.preferences) small.preferences = config.preferences
    small.currentContext = current
    small.contexts.set(current, context)
    for (const kind of ['cluster', 'user'] as const) if (context[kind] && !mapOf(config, kind).has(context[kind])) throw new Error(`cannot locate ${kind} ${context[kind]}`)
    if (context.cluster && config.clusters.has(context.cluster)) small.clusters.set(context.cluster, config.clusters.get(context.cluster)!)
    if (context.user && config.users.has(context.user)) small.users.set(context.user, config.users.get(context.user)!)
    config = small
  }
  const print = printerFor(f, { defaultOutput: 'yaml', keepOrder: true })
  const shown = (object: unknown) => print(inOrder(object) as unknown as KubeObject)
  const object = kubeconfigObject(config) as any
  if (flags.bool('flatten')) for (const [list, key, fields] of [['clusters', 'cluster', ['certificate-authority']], ['users', 'user', ['client-certificate', 'client-key']]] as const) for (const item of object[list] ?? []) {
    for (const field of fields) {
      const path = item[key][field]
      if (!path) continue
      const base = f.proc.resolve(config.origin.get(`${key}/${item.name}`) ?? '.').replace(/\/[^/]*$/, '')
      const data = encodeBase64(f.proc.fs.readFile(path.startsWith('/') ? path : `${base}/${path}`))
      const { [field]: _, ...rest } = item[key]
      item[key] = { ...rest, [`${field}-data`]: data }
    }
  }
  if (flags.bool('flatten')) void out(shown(object))
  else {
    if (!flags.bool('raw')) redact(object)
    void out(shown(object))
  }
}

/** What is secret doesn't belong on a screen. k8s: clientcmdapi.RedactSecrets, ShortenConfig */
function redact(object: any): void {
  for (const item of object.clusters ?? []) if (item.cluster['certificate-authority-data']) item.cluster = { ...item.cluster, 'certificate-authority-data': 'DATA+OMITTED' }
  for (const item of object.users ?? []) {
    const user = { ...item.user }
    for (const field of ['client-certificate-data', 'client-key-data']) if (user[field]) user[field] = 'DATA+OMITTED'
    if (user.token) user.token = 'REDACTED'
    if (user.password) user.password = 'REDACTED'
    item.user = user
  }
}

// --- lists -----------------------------------------------------------------------------------------------------------------------------

const getContexts: CommandHandler = ({ f, flags, args, out }) => {
  const config = startingConfig(f)
  const output = flags.str('output')
  if (output && output !== 'name') throw new Error(`--output ${output} is not available in kubectl config get-contexts; resetting to default output format`)
  const missing = args.filter((a) => !config.contexts.has(a))
  const names = (args.length > 0 ? args.filter((a) => config.contexts.has(a)) : [...config.contexts.keys()]).sort()
  if (output === 'name') void out(names.map((n) => `${n}\n`).join(''))
  else {
    const rows: string[][] = flags.bool('no-headers') ? [] : [['CURRENT', 'NAME', 'CLUSTER', 'AUTHINFO', 'NAMESPACE']]
    for (const name of names) {
      const c = config.contexts.get(name)!
      rows.push([name === config.currentContext ? '*' : '', name, c.cluster ?? '', c.user ?? '', c.namespace ?? ''])
    }
    void out(simpleTable(rows))
  }
  if (missing.length > 0) throw new Error(missing.map((m) => `context ${m} not found`).join('\n'))
}

const listNames = (kind: Kind): CommandHandler => ({ f, out }) => {
  void out(`NAME\n${[...mapOf(startingConfig(f), kind).keys()].sort().map((n) => `${n}\n`).join('')}`)
}

const currentContext: CommandHandler = ({ f, out }) => {
  const { currentContext: name } = startingConfig(f)
  if (!name) throw new Error('current-context is not set')
  void out(`${name}\n`)
}

const useContext: CommandHandler = async (inv) => {
  const { f, args, out } = inv
  if (args.length !== 1) await wrongArguments(inv, `Unexpected args: [${args.join(' ')}]`)
  const name = args[0]!
  if (!name) throw new Error('empty context names are not allowed')
  if (!startingConfig(f).contexts.has(name)) throw new Error(`no context exists with the name: ${JSON.stringify(name)}`)
  editFile(f, startingConfig(f).origin.get('current-context') ?? defaultFile(f), (config) => { config.currentContext = name })
  void out(`Switched to context ${JSON.stringify(name)}.\n`)
}

// --- delete, rename ----------------------------------------------------------------------------------------------------------------------

const shownFile = (f: Factory) => {
  const file = defaultFile(f)
  return file
}

const deleteEntry = (kind: Kind): CommandHandler => async (inv) => {
  const { f, args, out, err } = inv
  // k8s: config/delete_user.go complains in its own way
  if (kind === 'user' && args.length !== 1) throw usageError(inv.spec, 'user to delete is required')
  if (args.length !== 1) await wrongArguments(inv, '')
  const name = args[0]!
  const config = startingConfig(f)
  const file = shownFile(f)
  if (!mapOf(config, kind).has(name)) throw new Error(`cannot delete ${kind} ${name}, not in ${file}`)
  if (kind === 'context' && config.currentContext === name) void err('warning: this removed your active context, use "kubectl config use-context" to select a different one\n')
  writeEntry(f, kind, name, undefined)
  void out(`deleted ${kind} ${name} from ${file}\n`)
}

const renameContext: CommandHandler = async (inv) => {
  const { f, args, out } = inv
  if (args.length !== 2) await wrongArguments(inv, `Unexpected args: [${args.join(' ')}]`)
  const [from, to] = args as [string, string]
  const config = startingConfig(f)
  const context = config.contexts.get(from)
  const file = shownFile(f)
  if (!context) throw new Error(`cannot rename the context ${JSON.stringify(from)}, it's not in ${file}`)
  if (config.contexts.has(to)) throw new Error(`cannot rename the context ${JSON.stringify(from)}, the context ${JSON.stringify(to)} already exists in ${file}`)
  editFile(f, fileOf(f, `context/${from}`), (c) => {
    c.contexts.delete(from)
    c.contexts.set(to, context)
  })
  if (config.currentContext === from) editFile(f, config.origin.get('current-context') ?? defaultFile(f), (c) => { c.currentContext = to })
  void out(`Context ${JSON.stringify(from)} renamed to ${JSON.stringify(to)}.\n`)
}

// --- set-cluster, set-context, set-credentials ---------------------------------------------------------------------------------------------

const embeds = (inv: Invocation) => inv.flags.str('embed-certs') === 'true'

/** @throws Error where the file that a flag names isn't there */
function existing({ f, flags }: Invocation, flag: string): void {
  const path = flags.str(flag)
  try {
    f.proc.fs.stat(f.proc.resolve(path))
  } catch (error) {
    throw new Error(`could not stat ${flag} file ${path}: stat ${path}: ${unixText(error)}`)
  }
}

/** A file's path as it is stored (relative to the kubeconfig where it is below it), or its content for --embed-certs. */
function certificate(inv: Invocation, entry: Record<string, unknown>, flag: string, of: string): void {
  const { f, flags } = inv
  const path = flags.str(flag)
  if (embeds(inv)) {
    entry[`${flag}-data`] = encodeBase64(f.proc.fs.readFile(f.proc.resolve(path)))
    delete entry[flag]
    return
  }
  const absolute = f.proc.resolve(path)
  const folder = f.proc.resolve(fileOf(f, of)).replace(/\/[^/]*$/, '')
  entry[flag] = absolute.startsWith(`${folder}/`) ? absolute.slice(folder.length + 1) : absolute
  delete entry[`${flag}-data`]
}

// k8s: kubectl/pkg/cmd/config setClusterOptions
const setCluster: CommandHandler = async (inv) => {
  const { f, flags, args, out } = inv
  if (args.length !== 1) await wrongArguments(inv, `Unexpected args: [${args.join(' ')}]`)
  const name = args[0]!
  if (!name) throw new Error('you must specify a non-empty cluster name')
  const insecure = flags.str('insecure-skip-tls-verify') === 'true'
  const authority = flags.str('certificate-authority')
  if (insecure && authority) throw new Error('you cannot specify a certificate authority and insecure mode at the same time')
  if (embeds(inv)) {
    if (!authority) throw new Error('you must specify a --certificate-authority to embed')
    existing(inv, 'certificate-authority')
  }
  const entry: Record<string, unknown> = { ...startingConfig(f).clusters.get(name) }
  if (flags.changed('server')) { entry['server'] = flags.str('server'); delete entry['tls-server-name'] }
  if (flags.changed('tls-server-name')) setOrDelete(entry, 'tls-server-name', flags.str('tls-server-name'))
  // Without the flag the check of the certificate is asked for again.
  setOrDelete(entry, 'insecure-skip-tls-verify', insecure)
  if (insecure) { delete entry['certificate-authority']; delete entry['certificate-authority-data'] }
  if (flags.changed('certificate-authority')) {
    certificate(inv, entry, 'certificate-authority', `cluster/${name}`)
    delete entry['insecure-skip-tls-verify']
  }
  if (flags.changed('proxy-url')) setOrDelete(entry, 'proxy-url', flags.str('proxy-url'))
  writeEntry(f, 'cluster', name, entry)
  void out(`Cluster ${JSON.stringify(name)} set.\n`)
}

function setOrDelete(entry: Record<string, unknown>, field: string, value: unknown): void {
  if (value) entry[field] = value
  else delete entry[field]
}

const setContext: CommandHandler = async (inv) => {
  const { f, flags, args, out } = inv
  if (args.length > 1) await wrongArguments(inv, `Unexpected args: [${args.join(' ')}]`)
  if (args.length === 1 && flags.bool('current')) throw new Error('you cannot specify both a context name and --current')
  if (args.length === 0 && !flags.bool('current')) throw new Error('you must specify a non-empty context name or --current')
  const config = startingConfig(f)
  const name = args[0] ?? config.currentContext
  if (!name) throw new Error('no current context is set')
  if (flags.bool('current') && !config.contexts.has(name)) throw new Error(`Context ${JSON.stringify(name)} not found`)
  const existing = config.contexts.get(name)
  const entry: Record<string, unknown> = { ...existing }
  for (const field of ['cluster', 'user', 'namespace']) if (flags.changed(field)) { entry[field] = flags.str(field); if (field === 'namespace' && !flags.str(field)) delete entry[field] }
  writeEntry(f, 'context', name, entry)
  void out(`Context ${JSON.stringify(name)} ${existing ? 'modified' : 'created'}.\n`)
}

// k8s: kubectl/pkg/cmd/config setCredentialsOptions
const setCredentials: CommandHandler = async (inv) => {
  const { f, flags, args, out } = inv
  if (args.length !== 1) await wrongArguments(inv, `unexpected args: [${args.join(' ')}]`)
  const name = args[0]!
  const authArgs = await pairs(inv, flags.list('auth-provider-arg'), 'auth-provider-arg')
  const execEnv = await pairs(inv, flags.list('exec-env'), 'exec-env')
  if (!name) throw new Error('you must specify a non-empty user name')
  const methods = [...(flags.str('token') ? ['--token'] : []), ...(flags.str('username') || flags.str('password') ? ['--username/--password'] : [])]
  if (methods.length > 1) throw new Error(`you cannot specify more than one authentication method at the same time: ${methods.join(', ')}`)
  const mode = flags.str('exec-interactive-mode')
  if (flags.changed('exec-interactive-mode') && !['IfAvailable', 'Never', 'Always'].includes(mode)) throw new Error('invalid interactive mode type, can be only IfAvailable, Never, Always')
  if (embeds(inv)) {
    if (!flags.str('client-certificate') && !flags.str('client-key')) throw new Error('you must specify a --client-certificate or --client-key to embed')
    for (const flag of ['client-certificate', 'client-key']) if (flags.str(flag)) existing(inv, flag)
  }
  const entry: Record<string, any> = { ...startingConfig(f).users.get(name) }
  for (const flag of ['client-certificate', 'client-key']) if (flags.changed(flag)) certificate(inv, entry, flag, `user/${name}`)
  for (const field of ['token', 'username', 'password']) if (flags.changed(field)) setOrDelete(entry, field, flags.str(field))
  // One way to prove who one is takes the place of the other.
  if (flags.str('token')) { delete entry['username']; delete entry['password'] } else if (methods.length > 0) delete entry['token']
  if (flags.changed('auth-provider') && entry['auth-provider']?.name !== flags.str('auth-provider')) entry['auth-provider'] = { name: flags.str('auth-provider') }
  if (entry['auth-provider']) {
    const config = { ...entry['auth-provider'].config, ...authArgs.set }
    for (const key of authArgs.remove) delete config[key]
    entry['auth-provider'] = { ...entry['auth-provider'], config: Object.keys(config).length > 0 ? config : null }
  }
  if (flags.changed('exec-command')) entry['exec'] = { provideClusterInfo: false, env: null, ...entry['exec'], command: flags.str('exec-command'), args: null }
  if (entry['exec']) {
    const exec = entry['exec'] = { ...entry['exec'] }
    if (flags.changed('exec-api-version')) setOrDelete(exec, 'apiVersion', flags.str('exec-api-version'))
    if (flags.list('exec-arg').length > 0) exec.args = flags.list('exec-arg')
    if (mode) exec.interactiveMode = mode
    if (flags.changed('exec-provide-cluster-info')) exec.provideClusterInfo = flags.str('exec-provide-cluster-info') === 'true'
    const kept = ((exec.env ?? []) as { name: string; value: string }[]).filter((e) => !execEnv.remove.includes(e.name)).map((e) => ({ ...e, value: execEnv.set[e.name] ?? e.value }))
    const added = Object.entries(execEnv.set).filter(([key]) => !kept.some((e) => e.name === key)).map(([key, value]) => ({ name: key, value }))
    exec.env = kept.length + added.length > 0 ? [...kept, ...added] : null
  }
  writeEntry(f, 'user', name, entry)
  void out(`User ${JSON.stringify(name)} set.\n`)
}

/** `key=value` and `key-`. k8s: cmdutil.ParsePairs */
async function pairs(inv: Invocation, texts: readonly string[], type: string): Promise<{ set: Record<string, string>; remove: string[] }> {
  const set: Record<string, string> = {}
  const remove: string[] = []
  const bad: string[] = []
  for (const text of texts) {
    const at = text.indexOf('=')
    if (at > 0) set[text.slice(0, at)] = text.slice(at + 1)
    else if (text.endsWith('-') && text !== '-') remove.push(text.slice(0, -1))
    else bad.push(text)
  }
  if (bad.length > 0) await wrongArguments(inv, `invalid ${type} format: ${bad.join(', ')}`)
  return { set, remove }
}

// --- set, unset ----------------------------------------------------------------------------------------------------------------------------

const SECTIONS: Record<string, Kind> = { clusters: 'cluster', contexts: 'context', users: 'user' }
type FieldType = 'string' | 'bool' | 'bytes' | 'list' | 'map' | 'struct'
/** The fields that may follow a name in a path, by the names of clientcmd's own types. */
const FIELDS: Record<Kind, Readonly<Record<string, FieldType>>> = {
  cluster: { server: 'string', 'tls-server-name': 'string', 'insecure-skip-tls-verify': 'bool', 'certificate-authority': 'string', 'certificate-authority-data': 'bytes', 'proxy-url': 'string', 'disable-compression': 'bool', extensions: 'map' },
  context: { cluster: 'string', user: 'string', namespace: 'string', extensions: 'map' },
  user: {
    'client-certificate': 'string', 'client-certificate-data': 'bytes', 'client-key': 'string', 'client-key-data': 'bytes', token: 'string', tokenFile: 'string', 'act-as': 'string', 'act-as-uid': 'string',
    'act-as-groups': 'list', 'act-as-user-extra': 'map', username: 'string', password: 'string', 'auth-provider': 'struct', exec: 'struct', extensions: 'map',
  },
}
/** Where those types and the file have different names. */
const inFile = (field: string) => field.replace(/^act-as/, 'as')

interface Property { kind: Kind; name: string; field: string }

/** Splits `clusters.my.name.server`: the name may contain dots. k8s: kubectl/pkg/cmd/config newNavigationSteps @throws Error */
function property(text: string): Property | 'current-context' | Kind {
  const parts = text.split('.')
  if (parts[0] === 'current-context') {
    if (parts.length > 1) throw new Error(`unable to parse one or more field values of ${text}`)
    return 'current-context'
  }
  const kind = SECTIONS[parts[0]!]
  if (!kind) throw new Error(`unable to parse ${text} after [] at api.Config`)
  if (parts.length === 1) return kind
  const at = parts.findIndex((part, i) => i >= 2 && Object.hasOwn(FIELDS[kind], part))
  if (at < 0) return { kind, name: parts.slice(1).join('.'), field: '' }
  const type = FIELDS[kind][parts[at]!]!
  if (parts.length > at + 1 && type !== 'map') throw new Error(`unable to parse one or more field values of ${text}`)
  return { kind, name: parts.slice(1, at).join('.'), field: parts[at]! }
}

// k8s: kubectl/pkg/cmd/config setOptions
const set: CommandHandler = async (inv) => {
  const { f, flags, args, out } = inv
  if (args.length !== 2) await wrongArguments(inv, `Unexpected args: [${args.join(' ')}]`)
  const [name, value] = args as [string, string]
  const target = property(name)
  if (target === 'current-context') editFile(f, startingConfig(f).origin.get('current-context') ?? defaultFile(f), (c) => { c.currentContext = value })
  else {
    if (typeof target === 'string' || !target.field) throw new Error("can't set a map to a value: map[]")
    const entry: Record<string, unknown> = { ...mapOf(startingConfig(f), target.kind).get(target.name) }
    switch (FIELDS[target.kind][target.field]!) {
      case 'string': entry[inFile(target.field)] = value; break
      case 'bool': entry[target.field] = value === '' ? false : parseBool(value); break
      case 'bytes': entry[target.field] = flags.bool('set-raw-bytes') ? encodeBase64(value) : base64Text(value); break
      case 'list': throw new Error('unrecognized slice type. string')
      case 'map': throw new Error("can't set a map to a value: map[]")
      case 'struct': throw new Error(`unable to parse one or more field values of ${name}`)
    }
    for (const [key, given] of Object.entries(entry)) if (given === '' || given === false) delete entry[key]
    writeEntry(f, target.kind, target.name, entry)
  }
  void out(`Property ${JSON.stringify(name)} set.\n`)
}

/** @throws Error in encoding/base64's words */
function base64Text(text: string): string {
  const bad = /[^A-Za-z0-9+/=\r\n]/.exec(text)
  if (bad) throw new Error(`error decoding input value: illegal base64 data at input byte ${bad.index}`)
  if (text.replace(/[\r\n]/g, '').length % 4 !== 0) throw new Error(`error decoding input value: illegal base64 data at input byte ${text.length - text.length % 4}`)
  return text.replace(/[\r\n]/g, '')
}

// k8s: kubectl/pkg/cmd/config unsetOptions
const unset: CommandHandler = async (inv) => {
  const { f, args, out } = inv
  if (args.length !== 1) return wrongArguments(inv, `Unexpected args: [${args.join(' ')}]`)
  const name = args[0]!
  const target = property(name)
  if (target === 'current-context') editFile(f, startingConfig(f).origin.get('current-context') ?? defaultFile(f), (c) => { c.currentContext = '' })
  else if (typeof target === 'string') for (const path of f.kubeconfigFiles().paths) editFile(f, path, (c) => mapOf(c, target).clear())
  else {
    const map = mapOf(startingConfig(f), target.kind)
    if (!target.field) writeEntry(f, target.kind, target.name, undefined)
    else {
      if (!map.has(target.name)) throw new Error(`current map key \`${target.name}\` is invalid`)
      const { [inFile(target.field)]: _, ...entry } = map.get(target.name) as Record<string, unknown>
      writeEntry(f, target.kind, target.name, entry)
    }
  }
  void out(`Property ${JSON.stringify(name)} unset.\n`)
}

/** By path below `kubectl`. */
export const CONFIG_COMMANDS: Record<string, CommandHandler> = {
  'config view': view, 'config get-contexts': getContexts, 'config get-clusters': listNames('cluster'), 'config get-users': listNames('user'), 'config current-context': currentContext,
  'config use-context': useContext, 'config delete-cluster': deleteEntry('cluster'), 'config delete-context': deleteEntry('context'), 'config delete-user': deleteEntry('user'),
  'config rename-context': renameContext, 'config set-cluster': setCluster, 'config set-context': setContext, 'config set-credentials': setCredentials, 'config set': set, 'config unset': unset,
}
