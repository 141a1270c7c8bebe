import { goFieldName } from './go-field-names.ts'
import { parseQuantity } from './quantity.ts'
import { typeNode } from './schema-table.ts'
import type { FieldNode, TypeNode } from './schema-table.ts'

/**
 * A value of the API as Go's spew library prints it with its types on one line, which is what template hashes are made of. Empty lists and
 * maps count as absent, as they do after a trip through etcd. k8s: k8s.io/utils/dump ForHash
 */
export function goDump(schema: string, value: unknown): string {
  const type = typeNode(schema)
  return `(${type.goType})${dumpValue(type, value)}`
}

function dumpField(field: FieldNode, value: unknown): string {
  if (!field.pointer) return `(${field.type.goType})${dumpValue(field.type, value)}`
  return `(*${field.type.goType})${value === undefined || value === null ? '<nil>' : dumpValue(field.type, value)}`
}

function dumpValue(type: TypeNode, value: unknown): string {
  switch (type.kind) {
    case 'struct': return dumpStruct(type, (value ?? {}) as Record<string, unknown>)
    case 'list': {
      const list = (value ?? []) as unknown[]
      return list.length === 0 ? '<nil>' : `[${list.map((item) => dumpValue(type.items!, item)).join(' ')}]`
    }
    case 'map': {
      const map = (value ?? {}) as Record<string, unknown>
      const keys = Object.keys(map).sort()
      return keys.length === 0 ? '<nil>' : `map[${keys.map((key) => `${key}:${dumpValue(type.items!, map[key])}`).join(' ')}]`
    }
    case 'boolean': return String(Boolean(value))
    case 'integer': case 'number': return String(value ?? 0)
    case 'quantity': return dumpQuantity(String(value ?? '0'))
    case 'int-or-string': return typeof value === 'string' ? `{Type:(intstr.Type)1 IntVal:(int32)0 StrVal:(string)${value}}` : `{Type:(intstr.Type)0 IntVal:(int32)${String(value ?? 0)} StrVal:(string)}`
    // Templates have no times: what a user writes there isn't kept.
    case 'time': return '{Time:(time.Time){wall:(uint64)0 ext:(int64)0 loc:(*time.Location)<nil>}}'
    default: return value === undefined || value === null ? '' : String(value)
  }
}

function dumpStruct(type: TypeNode, value: Record<string, unknown>): string {
  const parts: string[] = []
  const fields = type.fields ?? []
  for (let i = 0; i < fields.length;) {
    const field = fields[i]!
    const embedded = field.embeddedIn[0]
    if (embedded === undefined) {
      parts.push(`${goName(type, field)}:${dumpField(field, value[field.name])}`)
      i++
      continue
    }
    const inner: string[] = []
    for (; i < fields.length && fields[i]!.embeddedIn[0] === embedded; i++) inner.push(`${goName(type, fields[i]!)}:${dumpField(fields[i]!, value[fields[i]!.name])}`)
    parts.push(`${embedded}:(v1.${embedded}){${inner.join(' ')}}`)
  }
  return `{${parts.join(' ')}}`
}

const goName = (type: TypeNode, { name }: FieldNode) => goFieldName(type.structName!, name)

/** A Quantity's insides as parsing leaves them: the text is kept only where it needs no second look to be canonical. */
function dumpQuantity(text: string): string {
  const { nanos, format, text: kept } = parseQuantity(text)
  const decimal = /^([+-]?\d+)(n|u|m||k|M|G|T|P|E)$/.exec(text)
  const scale = decimal && nanos !== 0n && format === 'DecimalSI' ? ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'].indexOf(decimal[2]!) * 3 - 9 : 0
  const amount = scale === 0 ? nanos / 1_000_000_000n : BigInt(decimal![1]!)
  return `{i:(resource.int64Amount){value:(int64)${amount} scale:(resource.Scale)${scale}} d:(resource.infDecAmount){Dec:(*inf.Dec)<nil>} s:(string)${nanos === 0n ? '0' : kept ?? ''} Format:(resource.Format)${format}}`
}
