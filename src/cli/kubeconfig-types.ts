import { badBase64At } from '../cluster/kinds/decode.ts'

/** What Go's decoder says of a kubeconfig whose values are of the wrong types. k8s: client-go/tools/clientcmd/api/v1 types.go */

type Type = 'string' | 'bool' | 'bytes' | 'any' | Struct | List | { map: Type }
interface Struct { goName: string; fields: Readonly<Record<string, Type>> }
interface List { list: Type; goType: string }

const strings = (...names: string[]): Record<string, Type> => Object.fromEntries(names.map((name) => [name, 'string']))
const listOf = (struct: Struct): List => ({ list: struct, goType: `[]v1.${struct.goName}` })
const named = (goName: string, key: string, type: Type): List => listOf({ goName, fields: { name: 'string', [key]: type } })
const STRINGS: List = { list: 'string', goType: '[]string' }

const extensions = named('NamedExtension', 'extension', 'any')
const CLUSTER: Struct = {
  goName: 'Cluster',
  fields: { ...strings('server', 'tls-server-name', 'certificate-authority', 'proxy-url'), 'certificate-authority-data': 'bytes', 'insecure-skip-tls-verify': 'bool', 'disable-compression': 'bool', extensions },
}
const CONTEXT: Struct = { goName: 'Context', fields: { ...strings('cluster', 'user', 'namespace'), extensions } }
const EXEC: Struct = {
  goName: 'ExecConfig',
  fields: { ...strings('command', 'apiVersion', 'installHint', 'interactiveMode'), args: STRINGS, env: listOf({ goName: 'ExecEnvVar', fields: strings('name', 'value') }), provideClusterInfo: 'bool' },
}
const USER: Struct = {
  goName: 'AuthInfo',
  fields: {
    ...strings('client-certificate', 'client-key', 'token', 'tokenFile', 'as', 'as-uid', 'username', 'password'), 'client-certificate-data': 'bytes', 'client-key-data': 'bytes', 'as-groups': STRINGS, 'as-user-extra': { map: STRINGS },
    'auth-provider': { goName: 'AuthProviderConfig', fields: { name: 'string', config: { map: 'string' } } }, exec: EXEC, extensions,
  },
}
const CONFIG: Struct = {
  goName: 'Config',
  fields: {
    preferences: { goName: 'Preferences', fields: { colors: 'bool', extensions } },
    clusters: named('NamedCluster', 'cluster', CLUSTER), contexts: named('NamedContext', 'context', CONTEXT), users: named('NamedAuthInfo', 'user', USER), 'current-context': 'string', extensions,
  },
}
/** Read before anything else, to know what the rest is. */
const TYPE_META: Struct = { goName: '', fields: strings('kind', 'apiVersion') }

/** The first value of a wrong type, in Go's words; undefined when there is none. */
export function kubeconfigProblem(config: Readonly<Record<string, unknown>>): string | undefined {
  return problemOf(CONFIG, config, [], '')
}

/** The same of kind and version. */
export function typeMetaProblem(config: Readonly<Record<string, unknown>>): string | undefined {
  const problem = problemOf(TYPE_META, config, [], '')
  return problem === undefined ? undefined : `couldn't get version/kind; json parse error: ${problem}`
}

function base64Problem(text: string): string | undefined {
  const at = badBase64At(text)
  return at < 0 ? undefined : `illegal base64 data at input byte ${at}`
}

function problemOf(type: Type, value: unknown, path: readonly string[], inside: string): string | undefined {
  if (value === null || value === undefined) return undefined
  const mismatch = (goType: string) => `json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value} into Go struct field ${inside}.${path.join('.')} of type ${goType}`
  if (type === 'any') return undefined
  if (type === 'bytes') return Array.isArray(value) ? undefined : typeof value === 'string' ? base64Problem(value) : mismatch('[]uint8')
  if (typeof type === 'string') return typeof value === (type === 'bool' ? 'boolean' : 'string') ? undefined : mismatch(type)
  if ('list' in type) {
    if (!Array.isArray(value)) return mismatch(type.goType)
    for (const item of value) {
      const problem = problemOf(type.list, item, path, inside)
      if (problem !== undefined) return problem
    }
    return undefined
  }
  if ('map' in type) {
    if (typeof value !== 'object' || Array.isArray(value)) return mismatch(`map[string]${type.map === STRINGS ? STRINGS.goType : 'string'}`)
    for (const key of Object.keys(value).sort()) {
      const problem = problemOf(type.map, (value as Record<string, unknown>)[key], path, inside)
      if (problem !== undefined) return problem
    }
    return undefined
  }
  if (typeof value !== 'object' || Array.isArray(value)) return mismatch(`v1.${type.goName}`)
  // On its way through YAML the text was sorted.
  for (const key of Object.keys(value).sort()) {
    const field = Object.hasOwn(type.fields, key) ? type.fields[key] : undefined
    const problem = field && problemOf(field, (value as Record<string, unknown>)[key], [...path, key], type.goName)
    if (problem !== undefined) return problem
  }
  return undefined
}
