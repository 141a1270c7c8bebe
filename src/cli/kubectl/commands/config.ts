import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { emptyKubeconfig, kubeconfigObject, readKubeconfigFile } from '../../kubeconfig.ts'
import type { Kubeconfig } from '../../kubeconfig.ts'
import { printYaml } from '../../yaml.ts'
import { usageError } from '../command.ts'
import { encodeBase64, unixText } from '../factory.ts'
import type { Factory } from '../factory.ts'
import { parseBool } from '../flags.ts'
import { printerFor } from '../print.ts'
import { simpleTable } from '../table.ts'
import type { CommandHandler, Invocation } from './handler.ts'

/** k8s: client-go/tools/clientcmd ModifyConfig and kubectl/pkg/cmd/config */

type Kind = 'cluster' | 'context' | 'user'
const mapOf = (config: Kubeconfig, kind: Kind): Map<string, any> => kind === 'cluster' ? config.clusters : kind === 'context' ? config.contexts : config.users

/** The file new entries go to: the one named, else the last of the list that exists, else the last. */
function defaultFile(f: Factory): string {
  const { paths, explicit } = f.kubeconfigFiles()
  if (explicit || paths.length === 1) return paths[0]!
  return paths.findLast((p) => f.proc.fs.exists(f.proc.resolve(p))) ?? paths.at(-1)!
}

function editFile(f: Factory, path: string, change: (config: Kubeconfig) => void): void {
  const absolute = f.proc.resolve(path)
  const config = f.proc.fs.exists(absolute) ? readKubeconfigFile(path, absolute, f.proc.fs) : emptyKubeconfig()
  change(config)
  f.proc.fs.mkdir(absolute.replace(/\/[^/]*$/, '') || '/', { recursive: true })
  f.proc.fs.writeFile(absolute, printYaml(kubeconfigObject(config)), { mode: 0o600 })
}

/** The file that holds an entry, or the one for new entries. */
const fileOf = (f: Factory, entry: string) => f.kubeconfig().origin.get(entry) ?? defaultFile(f)

function writeEntry(f: Factory, kind: Kind, name: string, entry: unknown): void {
  editFile(f, fileOf(f, `${kind}/${name}`), (config) => {
    if (entry === undefined) mapOf(config, kind).delete(name)
    else mapOf(config, kind).set(name, entry)
  })
}

function oneArgument(inv: Invocation): string {
  if (inv.args.length !== 1) throw usageError(inv.spec, `unexpected args: [${inv.args.join(' ')}]`)
  return inv.args[0]!
}

/** Errors where kubectl prints the command's help first. */
async function wrongArguments(inv: Invocation, message: string): Promise<never> {
  const { helpText } = await import('../help.ts')
  void inv.err(helpText(inv.spec))
  throw new Error(message)
}

// --- view ------------------------------------------------------------------------------------------------------------------------------

const view: CommandHandler = async (inv) => {
  const { f, flags, args, out, spec } = inv
  if (args.length !== 0) throw usageError(spec, `unexpected argument: [${args.join(' ')}]`)
  if (flags.str('output') === 'wide' || flags.str('output') === 'name') throw new Error(`unable to match a printer suitable for the output format ${JSON.stringify(flags.str('output'))}, allowed formats are: go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,template,templatefile,yaml`)
  let config = f.kubeconfig()
  const contextName = f.flags.str('context')
  if (flags.bool('minify')) {
    const current = contextName || config.currentContext
    if (!current) throw new Error('current-context must exist in order to minify')
    const context = config.contexts.get(current)
    if (!context) throw new Error(`cannot locate context ${current}`)
    const small = emptyKubeconfig()
    small.origin = config.origin
    small.currentContext = current
    small.contexts.set(current, context)
    if (context.cluster && config.clusters.has(context.cluster)) small.clusters.set(context.cluster, config.clusters.get(context.cluster)!)
    if (context.user && config.users.has(context.user)) small.users.set(context.user, config.users.get(context.user)!)
    config = small
  }
  if (contextName && !flags.bool('minify')) config = { ...config, currentContext: contextName }
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
  if (!flags.bool('raw')) {
    for (const item of object.clusters ?? []) if (item.cluster['certificate-authority-data']) item.cluster = { ...item.cluster, 'certificate-authority-data': 'DATA+OMITTED' }
    for (const item of object.users ?? []) {
      const user = { ...item.user }
      for (const field of ['client-certificate-data', 'client-key-data']) if (user[field]) user[field] = 'DATA+OMITTED'
      if (user.token) user.token = 'REDACTED'
      if (user.password) user.password = 'REDACTED'
      item.user = user
    }
  }
  void out(printerFor(f, { defaultOutput: 'yaml' })(object as KubeObject))
}

// --- lists -----------------------------------------------------------------------------------------------------------------------------

const getContexts: CommandHandler = ({ f, flags, args, out }) => {
  const config = f.kubeconfig()
  const output = flags.str('output')
  if (output && output !== 'name') throw new Error(`output must be one of '' or 'name': ${output}`)
  const missing = args.filter((a) => !config.contexts.has(a))
  const names = args.length > 0 ? args.filter((a) => config.contexts.has(a)) : [...config.contexts.keys()].sort()
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
  void out(`NAME\n${[...mapOf(f.kubeconfig(), kind).keys()].sort().map((n) => `${n}\n`).join('')}`)
}

const currentContext: CommandHandler = ({ f, out }) => {
  const { currentContext: name } = f.kubeconfig()
  if (!name) throw new Error('current-context is not set')
  void out(`${name}\n`)
}

const useContext: CommandHandler = async (inv) => {
  const { f, args, out } = inv
  if (args.length !== 1) await wrongArguments(inv, `unexpected args: [${args.join(' ')}]`)
  const name = args[0]!
  if (!name) throw new Error(`invalid context name: ""`)
  if (!f.kubeconfig().contexts.has(name)) throw new Error(`no context exists with the name: ${JSON.stringify(name)}`)
  editFile(f, f.kubeconfig().origin.get('current-context') ?? defaultFile(f), (config) => { config.currentContext = name })
  void out(`Switched to context ${JSON.stringify(name)}.\n`)
}

// --- delete, rename ----------------------------------------------------------------------------------------------------------------------

const shownFile = (f: Factory) => {
  const file = defaultFile(f)
  return file
}

const deleteEntry = (kind: Kind): CommandHandler => async (inv) => {
  const { f, args, out, err } = inv
  if (args.length !== 1) await wrongArguments(inv, `no ${kind} name provided`)
  const name = args[0]!
  const config = f.kubeconfig()
  const file = shownFile(f)
  if (!mapOf(config, kind).has(name)) throw new Error(`cannot delete ${kind} ${name}, not in ${file}`)
  if (kind === 'context' && config.currentContext === name) void err('warning: this removed your active context, use "kubectl config use-context" to select a different one\n')
  writeEntry(f, kind, name, undefined)
  void out(`deleted ${kind} ${name} from ${file}\n`)
}

const renameContext: CommandHandler = async (inv) => {
  const { f, args, out } = inv
  if (args.length !== 2) throw usageError(inv.spec, `unexpected args: [${args.join(' ')}]`)
  const [from, to] = args as [string, string]
  const config = f.kubeconfig()
  const context = config.contexts.get(from)
  const file = shownFile(f)
  if (!context) throw new Error(`cannot rename the context ${JSON.stringify(from)}, it's not in ${file}`)
  if (config.contexts.has(to)) throw new Error(`cannot rename the context ${JSON.stringify(from)}, the context ${JSON.stringify(to)} already exists in ${file}`)
  editFile(f, fileOf(f, `context/${from}`), (c) => {
    c.contexts.delete(from)
    c.contexts.set(to, context)
    if (c.currentContext === from) c.currentContext = to
  })
  void out(`Context ${JSON.stringify(from)} renamed to ${JSON.stringify(to)}.\n`)
}

// --- set-cluster, set-context, set-credentials ---------------------------------------------------------------------------------------------

/** A file's path as it is stored, or its content for --embed-certs. */
function certificate(inv: Invocation, entry: Record<string, unknown>, flag: string): void {
  const { f, flags } = inv
  if (!flags.changed(flag)) return
  const path = flags.str(flag)
  if (flags.bool('embed-certs')) {
    try {
      entry[`${flag}-data`] = encodeBase64(f.proc.fs.readFile(f.proc.resolve(path)))
    } catch (error) {
      throw new Error(`could not stat ${flag} file ${path}: stat ${path}: ${unixText(error)}`)
    }
    delete entry[flag]
  } else {
    entry[flag] = path && f.proc.resolve(path)
    if (path) delete entry[`${flag}-data`]
    else delete entry[flag]
  }
}

const setCluster: CommandHandler = (inv) => {
  const { f, flags, out } = inv
  const name = oneArgument(inv)
  const entry: Record<string, unknown> = { ...f.kubeconfig().clusters.get(name) }
  if (flags.changed('server')) entry['server'] = flags.str('server')
  if (flags.changed('tls-server-name')) entry['tls-server-name'] = flags.str('tls-server-name')
  if (flags.changed('insecure-skip-tls-verify')) {
    if (flags.bool('insecure-skip-tls-verify')) { entry['insecure-skip-tls-verify'] = true; delete entry['certificate-authority']; delete entry['certificate-authority-data'] } else delete entry['insecure-skip-tls-verify']
  }
  if (flags.bool('insecure-skip-tls-verify') && flags.str('certificate-authority')) throw new Error('you cannot specify a certificate authority and insecure mode at the same time')
  if (flags.changed('certificate-authority')) { certificate(inv, entry, 'certificate-authority'); delete entry['insecure-skip-tls-verify'] }
  if (flags.changed('proxy-url')) entry['proxy-url'] = flags.str('proxy-url')
  writeEntry(f, 'cluster', name, entry)
  void out(`Cluster ${JSON.stringify(name)} set.\n`)
}

const setContext: CommandHandler = (inv) => {
  const { f, flags, args, out, spec } = inv
  if (args.length > 1) throw usageError(spec, `unexpected args: [${args.join(' ')}]`)
  if (args.length === 1 && flags.bool('current')) throw new Error('you cannot specify both a context name and --current')
  if (args.length === 0 && !flags.bool('current')) throw new Error('you must specify a non-empty context name or --current')
  const config = f.kubeconfig()
  const name = args[0] ?? config.currentContext
  if (!name) throw new Error('no current context is set')
  if (flags.bool('current') && !config.contexts.has(name)) throw new Error(`Context ${JSON.stringify(name)} not found`)
  const existing = config.contexts.get(name)
  const entry: Record<string, unknown> = { ...existing }
  for (const field of ['cluster', 'user', 'namespace']) if (flags.changed(field)) { entry[field] = flags.str(field); if (field === 'namespace' && !flags.str(field)) delete entry[field] }
  writeEntry(f, 'context', name, entry)
  void out(`Context ${JSON.stringify(name)} ${existing ? 'modified' : 'created'}.\n`)
}

const setCredentials: CommandHandler = (inv) => {
  const { f, flags, out } = inv
  const name = oneArgument(inv)
  const entry: Record<string, unknown> = { ...f.kubeconfig().users.get(name) }
  const given = [flags.str('token'), flags.str('username')].filter(Boolean)
  if (given.length > 1) throw new Error('you cannot specify more than one authentication method at the same time: --token, --username/--password')
  if (flags.bool('embed-certs') && !flags.str('client-certificate') && !flags.str('client-key')) throw new Error('you must specify a --client-certificate or --client-key to embed')
  certificate(inv, entry, 'client-certificate')
  certificate(inv, entry, 'client-key')
  if (flags.changed('token')) { entry['token'] = flags.str('token'); delete entry['username']; delete entry['password'] }
  for (const field of ['username', 'password']) if (flags.changed(field)) { entry[field] = flags.str(field); delete entry['token'] }
  if (flags.changed('auth-provider')) entry['auth-provider'] = { name: flags.str('auth-provider'), config: Object.fromEntries(flags.list('auth-provider-arg').filter((a) => a.includes('=')).map((a) => [a.slice(0, a.indexOf('=')), a.slice(a.indexOf('=') + 1)])) }
  if (flags.changed('exec-command')) entry['exec'] = {
    apiVersion: flags.str('exec-api-version') || 'client.authentication.k8s.io/v1', args: flags.list('exec-arg').length > 0 ? flags.list('exec-arg') : null, command: flags.str('exec-command'),
    env: flags.list('exec-env').length > 0 ? flags.list('exec-env').map((e) => ({ name: e.slice(0, e.indexOf('=')), value: e.slice(e.indexOf('=') + 1) })) : null, interactiveMode: flags.str('exec-interactive-mode') || 'IfAvailable', provideClusterInfo: flags.bool('exec-provide-cluster-info'),
  }
  writeEntry(f, 'user', name, entry)
  void out(`User ${JSON.stringify(name)} set.\n`)
}

// --- set, unset ----------------------------------------------------------------------------------------------------------------------------

const SECTIONS: Record<string, Kind> = { clusters: 'cluster', contexts: 'context', users: 'user' }
const FIELDS: Record<Kind, readonly string[]> = {
  cluster: ['server', 'tls-server-name', 'insecure-skip-tls-verify', 'certificate-authority', 'certificate-authority-data', 'proxy-url', 'disable-compression'],
  context: ['cluster', 'user', 'namespace'],
  user: ['client-certificate', 'client-certificate-data', 'client-key', 'client-key-data', 'token', 'tokenFile', 'as', 'as-uid', 'as-groups', 'username', 'password'],
}

/** Splits `clusters.my.name.server`: the name may contain dots. */
function property(config: Kubeconfig, text: string): { kind: Kind; name: string; field: string } {
  const parts = text.split('.')
  const kind = SECTIONS[parts[0]!]
  if (!kind || parts.length < 2) throw new Error(`unable to parse ${text} after []: *api.Config is not expecting a map key ${JSON.stringify(parts[0])}`.replace(/ after \[\].*$/, ` at []: *api.Config`))
  const rest = parts.slice(1).join('.')
  const known = [...mapOf(config, kind).keys()].filter((n) => rest === n || rest.startsWith(`${n}.`)).sort((a, b) => b.length - a.length)[0]
  if (known !== undefined) return { kind, name: known, field: rest.slice(known.length + 1) }
  const field = FIELDS[kind].find((x) => rest.endsWith(`.${x}`)) ?? ''
  return { kind, name: field ? rest.slice(0, -field.length - 1) : rest, field }
}

const set: CommandHandler = (inv) => {
  const { f, flags, args, out, spec } = inv
  if (args.length !== 2) throw usageError(spec, `unexpected args: [${args.join(' ')}]`)
  const [name, value] = args as [string, string]
  if (name === 'current-context') editFile(f, f.kubeconfig().origin.get('current-context') ?? defaultFile(f), (c) => { c.currentContext = value })
  else {
    const target = property(f.kubeconfig(), name)
    if (!target.field) throw new Error(`cannot set a non-leaf property: ${name}`)
    const entry: Record<string, unknown> = { ...mapOf(f.kubeconfig(), target.kind).get(target.name) }
    const isData = target.field.endsWith('-data')
    entry[target.field] = target.field === 'insecure-skip-tls-verify' || target.field === 'disable-compression' ? parseBool(value) : isData && !flags.bool('set-raw-bytes') ? encodeBase64(value) : value
    writeEntry(f, target.kind, target.name, entry)
  }
  void out(`Property ${JSON.stringify(name)} set.\n`)
}

const unset: CommandHandler = (inv) => {
  const { f, args, out, spec } = inv
  if (args.length !== 1) throw usageError(spec, `unexpected args: [${args.join(' ')}]`)
  const name = args[0]!
  if (name === 'current-context') editFile(f, f.kubeconfig().origin.get('current-context') ?? defaultFile(f), (c) => { c.currentContext = '' })
  else if (SECTIONS[name]) editFile(f, defaultFile(f), (c) => mapOf(c, SECTIONS[name]!).clear())
  else {
    const target = property(f.kubeconfig(), name)
    const map = mapOf(f.kubeconfig(), target.kind)
    if (!map.has(target.name)) throw new Error(`current map key \`${target.name.split('.')[0]}\` is invalid`)
    if (!target.field) writeEntry(f, target.kind, target.name, undefined)
    else {
      const { [target.field]: _, ...entry } = map.get(target.name) as Record<string, unknown>
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
