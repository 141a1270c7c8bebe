/** What Go's decoder says of a kubeconfig whose values are of the wrong types. k8s: client-go/tools/clientcmd/api/v1 types.go */

type Type = 'string' | 'bool' | Struct | { list: Type; goType: string }
interface Struct { goName: string; fields: Readonly<Record<string, Type>> }

const strings = (...names: string[]): Record<string, Type> => Object.fromEntries(names.map((name) => [name, 'string']))

const CLUSTER: Struct = { goName: 'Cluster', fields: { ...strings('server', 'tls-server-name', 'certificate-authority', 'proxy-url'), 'insecure-skip-tls-verify': 'bool', 'disable-compression': 'bool' } }
const CONTEXT: Struct = { goName: 'Context', fields: strings('cluster', 'user', 'namespace') }
const USER: Struct = { goName: 'AuthInfo', fields: strings('client-certificate', 'client-key', 'token', 'tokenFile', 'act-as', 'act-as-uid', 'username', 'password') }
const named = (goName: string, key: string, type: Struct): Type => ({ goType: `[]v1.${goName}`, list: { goName, fields: { name: 'string', [key]: type } } })
const CONFIG: Struct = {
  goName: 'Config',
  fields: {
    clusters: named('NamedCluster', 'cluster', CLUSTER), contexts: named('NamedContext', 'context', CONTEXT), users: named('NamedAuthInfo', 'user', USER), 'current-context': 'string',
  },
}

/** The first value of a wrong type, in Go's words; undefined when there is none. */
export function kubeconfigProblem(config: Readonly<Record<string, unknown>>): string | undefined {
  return problemOf(CONFIG, config, [], '')
}

function problemOf(type: Type, value: unknown, path: readonly string[], inside: string): string | undefined {
  if (value === null || value === undefined) return undefined
  const mismatch = (goType: string) => `json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value} into Go struct field ${inside}.${path.join('.')} of type ${goType}`
  if (typeof type === 'string') return typeof value === (type === 'bool' ? 'boolean' : 'string') ? undefined : mismatch(type)
  if ('list' in type) {
    if (!Array.isArray(value)) return mismatch(type.goType)
    for (const item of value) {
      const problem = problemOf(type.list, item, path, inside)
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
