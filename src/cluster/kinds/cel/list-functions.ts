/** Functions on lists, sets and optional values. k8s: apiserver/pkg/cel/library/lists.go, cel-go/ext/{lists,sets}.go, cel-go/cel/library.go */
import type { RuntimeFunction } from './cel-runtime-functions.ts'
import type { Charge } from './cel-failure.ts'
import { celCompare, CelDuration, celEquals, CelOptional, celTypeOf, CelTimestamp, CelUint, isCelMap, mapSize } from './cel-values.ts'
import { standardFunctions } from './standard-functions.ts'

const fail = (message: string): never => {
  throw new Error(message)
}
const order = (a: unknown, b: unknown): number => celCompare(a, b) ?? fail('no such overload')
const includes = (list: readonly unknown[], wanted: unknown) => list.some((item) => celEquals(item, wanted))

/** What comparing every element with every other costs. k8s: cel-go ext trackListSelfCompare */
const chargeComparing = (charge: Charge, list: readonly unknown[]) => charge(11 + 2 * list.length ** 2)

function extreme(name: string, sign: 1 | -1) {
  return (_c: Charge, list: readonly unknown[]) => list.length === 0 ? fail(`${name} called on empty list`) : list.reduce((best, item) => (order(item, best) * sign > 0 ? item : best))
}

const plus = standardFunctions.filter(([name]) => name === '_+_')
function sum(charge: Charge, list: readonly unknown[]): unknown {
  return list.length === 0 ? 0n : list.reduce((total, item) => {
    const types = [celTypeOf(total), celTypeOf(item)]
    const form = plus.find(([, wanted]) => wanted.every((type, i) => type === types[i])) ?? fail('no such overload')
    return form[2](charge, total as never, item as never)
  })
}

function slice(_c: Charge, list: readonly unknown[], start: bigint, end: bigint): unknown[] {
  if (start < 0n || end < 0n) return fail(`cannot slice(${start}, ${end}), negative indexes not supported`)
  if (start > end) return fail(`cannot slice(${start}, ${end}), start index must be less than or equal to end index`)
  if (Number(end) > list.length) return fail(`cannot slice(${start}, ${end}), list is length ${list.length}`)
  return list.slice(Number(start), Number(end))
}

const flatten = (list: readonly unknown[], depth: bigint): unknown[] => depth < 0n ? fail('level must be non-negative') : (list as unknown[]).flat(Number(depth))

const unwrap = (_c: Charge, list: readonly unknown[]) => list.flatMap((item) => item instanceof CelOptional ? (item.hasValue ? [item.value] : []) : fail(`value ${String(item)} is not optional`))

function isZero(value: unknown): boolean {
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0
  if (value instanceof CelUint) return value.value === 0n
  if (value instanceof CelDuration) return value.nanos === 0n
  if (value instanceof CelTimestamp) return value.nanos === -62_135_596_800_000_000_000n
  return isCelMap(value) ? mapSize(value) === 0 : !value && !Number.isNaN(value)
}

const f = (name: string, types: string, run: RuntimeFunction[2]): RuntimeFunction => [name, types === '' ? [] : types.split(' '), run]

export const listFunctions: readonly RuntimeFunction[] = [
  f('isSorted', 'list', (_c, list: unknown[]) => list.every((item, i) => i === 0 || order(list[i - 1], item) <= 0)),
  f('sum', 'list', sum),
  f('min', 'list', extreme('min', -1)),
  f('max', 'list', extreme('max', 1)),
  f('indexOf', 'list *', (_c, list: unknown[], wanted: unknown) => BigInt(list.findIndex((item) => celEquals(item, wanted)))),
  f('lastIndexOf', 'list *', (_c, list: unknown[], wanted: unknown) => BigInt(list.findLastIndex((item) => celEquals(item, wanted)))),
  f('slice', 'list int int', slice),
  f('flatten', 'list', (_c, list: unknown[]) => flatten(list, 1n)),
  f('flatten', 'list int', (_c, list: unknown[], depth: bigint) => flatten(list, depth)),
  f('distinct', 'list', (charge, list: unknown[]) => {
    chargeComparing(charge, list)
    return list.filter((item, i) => list.findIndex((other) => celEquals(other, item)) === i)
  }),
  f('reverse', 'list', (_c, list: unknown[]) => [...list].reverse()),
  f('sort', 'list', (charge, list: unknown[]) => {
    chargeComparing(charge, list)
    return [...list].sort(order)
  }),
  f('lists.range', 'int', (charge, n: bigint) => {
    charge(Math.max(Number(n), 0))
    return Array.from({ length: Math.max(Number(n), 0) }, (_, i) => BigInt(i))
  }),
  f('first', 'list', (_c, list: unknown[]) => list.length > 0 ? CelOptional.of(list[0]) : CelOptional.none),
  f('last', 'list', (_c, list: unknown[]) => list.length > 0 ? CelOptional.of(list.at(-1)) : CelOptional.none),

  f('sets.contains', 'list list', (charge, all: unknown[], some: unknown[]) => {
    charge(all.length * some.length)
    return some.every((item) => includes(all, item))
  }),
  f('sets.equivalent', 'list list', (charge, a: unknown[], b: unknown[]) => {
    charge(2 * a.length * b.length)
    return a.every((item) => includes(b, item)) && b.every((item) => includes(a, item))
  }),
  f('sets.intersects', 'list list', (charge, a: unknown[], b: unknown[]) => {
    charge(a.length * b.length)
    return a.some((item) => includes(b, item))
  }),

  f('optional.of', '*', (_c, value: unknown) => CelOptional.of(value)),
  f('optional.none', '', () => CelOptional.none),
  f('optional.ofNonZeroValue', '*', (_c, value: unknown) => isZero(value) ? CelOptional.none : CelOptional.of(value)),
  f('optional.unwrap', 'list', unwrap),
  f('unwrapOpt', 'list', unwrap),
  f('hasValue', 'optional_type', (_c, optional: CelOptional) => optional.hasValue),
  f('value', 'optional_type', (_c, optional: CelOptional) => optional.hasValue ? optional.value : fail('optional.none() dereference')),
  f('or', 'optional_type optional_type', (_c, optional: CelOptional, other: CelOptional) => optional.hasValue ? optional : other),
  f('orValue', 'optional_type *', (_c, optional: CelOptional, other: unknown) => optional.hasValue ? optional.value : other),
]
