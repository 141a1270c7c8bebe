import { unifiedDiff } from '../difflib.ts'
import { givenEmpty } from '../decode.ts'
import { jsonFieldName } from '../go-field-names.ts'
import { inGoOrder } from '../go-order.ts'
import { canonicalQuantity } from '../quantity.ts'
import internalFields from './internal-fields.json' with { type: 'json' }

/** The API server's internal types, which its messages print: their fields in order, and of what type. */
const FIELDS = internalFields as Record<string, string>

/**
 * What changed between two specs, as the API server tells it: a unified diff of its internal types as indented JSON.
 * k8s: apimachinery/pkg/util/diff Diff, pkg/apis/core/types.go
 * @param type of the specs, e.g. `PodSpec`
 * @param before as it was stored: what it was once given as empty is absent since
 */
export function specDiff(type: string, before: object, after: object): string {
  return unifiedDiff(internalJson(type, before, true).split('\n'), internalJson(type, after).split('\n'))
}

/** A value of the API as its internal type in Go's indented JSON. */
function internalJson(type: string, value: object, isStored = false): string {
  return JSON.stringify(internalValue(type, value, isStored), null, 1).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The host's namespaces belong to the security context there. */
const MOVED_TO_SECURITY_CONTEXT = ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace', 'hostUsers']

/** The same as a value. `isStored`: it has been stored, and no field of it is empty. */
export function internalValue(type: string, value: any, isStored = false): unknown {
  if (type[0] === '*') return value === undefined || value === null ? null : internalValue(type.slice(1), value, isStored)
  if (type.startsWith('[]')) return value?.length > 0 ? (value as unknown[]).map((item) => internalValue(type.slice(2), item, isStored)) : null
  if (type.startsWith('{}')) {
    const keys = Object.keys(value ?? {}).sort()
    return keys.length > 0 ? Object.fromEntries(keys.map((key) => [key, internalValue(type.slice(2), value[key], isStored)])) : null
  }
  switch (type) {
    case 's': return value ?? ''
    case 'n': case 'i': return value ?? 0
    case 'b': return Boolean(value)
    case 'j': return value ?? null
    case 'q': return canonicalQuantity(value ?? '0')
  }
  // A type of apimachinery, which has no internal form.
  if (type[0] === '~') return inGoOrder(`io.k8s.apimachinery.pkg.apis.meta.v1.${type.slice(1)}`, value ?? {})
  const out: Record<string, unknown> = {}
  const source = type === 'PodSpec' ? withHostNamespacesMoved(value) : value ?? {}
  for (const fact of FIELDS[type]!.split(';')) {
    const [name, fieldType] = fact.split(' ') as [string, string]
    // Embedded metadata is spread out.
    if (name[0] === '@') Object.assign(out, internalValue(fieldType, source.metadata, isStored))
    else {
      const field = jsonFieldName(type, name)
      out[name] = internalValue(fieldType, source[field], isStored) ?? (!isStored && givenEmpty(value, field) ? (fieldType.startsWith('[]') ? [] : {}) : null)
    }
  }
  return out
}

function withHostNamespacesMoved(spec: Record<string, any>): Record<string, any> {
  return { ...spec, securityContext: { ...spec['securityContext'], ...Object.fromEntries(MOVED_TO_SECURITY_CONTEXT.map((name) => [name, spec[name]])) } }
}
