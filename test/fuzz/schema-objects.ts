import type { Random } from '../../src/base/random.ts'
import type { Kind } from '../../src/cluster/kinds/kind.ts'
import { typeNode, type TypeNode } from '../../src/cluster/kinds/schema-table.ts'
import { expression, hostileText, hostileValue, type Json } from './hostile-values.ts'

/** An object whose fields have the right types and random values; `fill` is the chance of a field to be there. */
export function schemaObject(random: Random, kind: Pick<Kind, 'schema' | 'group' | 'version' | 'kind'>, fill = 0.3): { [key: string]: Json } {
  const budget = { left: 120 }
  const object = structOf(random, typeNode(kind.schema), fill, 0, budget)
  object.kind = kind.kind
  object.apiVersion = kind.group ? `${kind.group}/${kind.version}` : kind.version
  return object
}

function structOf(random: Random, node: TypeNode, fill: number, depth: number, budget: { left: number }): { [key: string]: Json } {
  const out: { [key: string]: Json } = {}
  for (const field of node.fields ?? []) {
    if (depth === 0 && field.name === 'metadata') continue
    if (random.float() > (depth === 0 ? 0.9 : fill)) continue
    if (budget.left-- <= 0) return out
    out[field.name] = valueOf(random, field.type, field.name, fill, depth + 1, budget)
  }
  return out
}

function valueOf(random: Random, node: TypeNode, name: string, fill: number, depth: number, budget: { left: number }): Json {
  if (random.int(40) === 0) return hostileValue(random)
  switch (node.kind) {
    case 'struct': return depth > 8 ? {} : structOf(random, node, fill, depth, budget)
    case 'list': return Array.from({ length: depth > 8 ? 0 : random.int(3) }, () => valueOf(random, node.items!, name, fill, depth + 1, budget))
    case 'map': return Object.fromEntries(Array.from({ length: random.int(3) }, () => [random.pick(['a', 'app', 'cpu', 'memory', 'example.com/x', '__proto__', 'B_']), valueOf(random, node.items!, name, fill, depth + 1, budget)]))
    case 'string': return textOf(random, name)
    case 'integer': return random.pick([0, 1, 2, -1, 80, 8080, 3600, 65536, 2147483647])
    case 'number': return random.pick([0, 0.5, -1, 1e300])
    case 'boolean': return random.int(2) === 0
    case 'bytes': return random.pick(['', 'aGVsbG8=', 'AA==', 'x'])
    case 'time': return random.pick(['2030-01-01T00:00:00Z', '1970-01-01T00:00:00Z', '2030-01-01T00:00:00.123+02:00'])
    case 'microtime': return '2030-01-01T00:00:00.123456Z'
    case 'quantity': return random.pick(['0', '1', '100m', '1Gi', '-5', '1e3', '0.5Ki', 7])
    case 'int-or-string': return random.pick([0, 1, 80, '25%', '100%', 'http', '101%', '-1%'])
    default: return hostileValue(random)
  }
}

function textOf(random: Random, name: string): string {
  if (/expression/i.test(name)) return expression(random)
  if (random.int(12) === 0) return hostileText(random)
  if (/policy/i.test(name)) return random.pick(['Always', 'Never', 'IfNotPresent', 'Fail', 'Ignore', 'Cluster', 'Local', 'Delete', 'Retain'])
  if (/protocol/i.test(name)) return random.pick(['TCP', 'UDP', 'SCTP', 'HTTP'])
  if (/image/.test(name)) return random.pick(['nginx:1.27', 'busybox', 'a b'])
  if (/operator/.test(name)) return random.pick(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Equal', 'Gt', 'Lt'])
  if (/^(type|kind|apiVersion|apiGroup)$/.test(name)) return random.pick(['ClusterIP', 'Recreate', 'RollingUpdate', 'Resource', 'Pod', 'ConfigMap', 'v1', 'apps/v1', 'ServiceAccount', 'Role', 'rbac.authorization.k8s.io', 'Pods', 'Utilization', 'object', 'string', 'Opaque'])
  if (/ip|cidr|address/i.test(name)) return random.pick(['10.0.0.1', '10.96.0.77', 'fd00::1', '10.0.0.0/24', 'x', '127.0.0.1'])
  if (/path/i.test(name)) return random.pick(['/', '/data', 'a/../b', '/x', '.spec.x', 'metadata.name'])
  if (/regex|pattern/i.test(name)) return random.pick(['^a+$', '(a+)+$', '[', '.*'])
  if (/schedule/.test(name)) return random.pick(['* * * * *', '*/5 1-3 * * mon', '61 * * * *'])
  return random.pick(['a', 'web', 'x-1', 'default', 'A', 'a.b', 'kubernetes', ''])
}
