import { setOwn } from '../../../base/freeze.ts'
import { isInt64, spelledNumbers, type SpelledNumbers } from '../json-text.ts'
import { typeNode, type TypeNode } from '../schema-table.ts'

/**
 * A strategic merge patch, or a configuration to apply, with its numbers as the server's conversion from maps to structs leaves them: whole numbers
 * become integers however they were written, those too big lose their upper bits, and quantities are read from what is left of the text. The document
 * itself where nothing changes. k8s: apimachinery/pkg/runtime converter.go fromUnstructured
 */
export function convertNumbers<T>(schema: string, document: T): T {
  const spelled = spelledNumbers(document)
  // Only those need it that are written unusually, or big.
  return spelled ? convert(typeNode(schema), document, spelled) as T : document
}

function convert(type: TypeNode | undefined, value: unknown, spelled: SpelledNumbers, spelling?: string): unknown {
  if (!type || value === null) return value
  if (typeof value === 'number') return spelling === undefined ? value : convertNumber(type, value, spelling)
  if (typeof value !== 'object') return value
  const typeOf = (key: string) => type.kind === 'map' || type.kind === 'list' ? type.items : type.byName?.get(key)?.type
  let out: Record<string, unknown> | undefined
  for (const [key, item] of Object.entries(value)) {
    const inner = convert(typeOf(key), item, spelled, spelled.get(value)?.get(key))
    if (inner !== item) setOwn(out ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>, key, inner)
  }
  return out ?? value
}

function convertNumber(type: TypeNode, value: number, spelling: string): unknown {
  const whole = isInt64(spelling) ? BigInt(spelling) : undefined
  if (type.kind === 'quantity') return String(whole ?? value)
  if (type.kind !== 'integer' || (whole === undefined && !Number.isInteger(value))) return value
  // What no integer of 64 bits can hold becomes the smallest.
  const converted = whole ?? (Math.abs(value) < 2 ** 63 ? BigInt(value) : -(2n ** 63n))
  return Number(BigInt.asIntN(type.bits ?? 64, converted))
}
