/** Which function an expression calls: by name and by the types of what it is given. k8s: cel-go/interpreter/functions */
import { authorizerFunctions } from './authorizer-functions.ts'
import { CelFailure, type Charge } from './cel-failure.ts'
import { celTypeOf } from './cel-values.ts'
import { kubernetesFunctions } from './kubernetes-functions.ts'
import { listFunctions } from './list-functions.ts'
import { standardFunctions } from './standard-functions.ts'
import { stringFunctions } from './string-functions.ts'

/** One form of a function: types of its arguments (for members the target first; `*` for any), and what it does. */
export type RuntimeFunction = readonly [name: string, types: readonly string[], run: (charge: Charge, ...args: never[]) => unknown]

let table: Map<string, RuntimeFunction[]> | undefined

function functions(): Map<string, RuntimeFunction[]> {
  if (table) return table
  table = new Map()
  for (const entry of [...standardFunctions, ...stringFunctions, ...listFunctions, ...kubernetesFunctions, ...authorizerFunctions]) {
    const known = table.get(entry[0])
    if (known) known.push(entry)
    else table.set(entry[0], [entry])
  }
  return table
}

export const hasFunction = (name: string): boolean => functions().has(name)

/** @throws CelFailure when no form takes such arguments, or the function fails */
export function callFunction(name: string, args: readonly unknown[], charge: Charge): unknown {
  charge(1)
  const forms = functions().get(name)
  const types = args.map(celTypeOf)
  const form = forms?.find(([, wanted]) => wanted.length === types.length && wanted.every((type, i) => type === '*' || type === types[i]))
  if (!form || STARTS[name]?.has(types[0] ?? '') === false) throw new CelFailure(noOverload(name, types))
  try {
    return form[2](charge, ...args as never[])
  } catch (error) {
    throw error instanceof CelFailure ? error : new CelFailure((error as Error).message)
  }
}

/** Which values the language's operators begin with. k8s: cel-go/common/types, the traits of each type */
const STARTS: Readonly<Record<string, ReadonlySet<string> | undefined>> = Object.fromEntries([
  [['_+_'], 'bytes double google.protobuf.Duration int list string google.protobuf.Timestamp uint'], [['_-_'], 'double google.protobuf.Duration int google.protobuf.Timestamp uint'],
  [['_*_', '_/_'], 'double int uint'], [['_%_'], 'int uint'], [['-_', '!_'], 'bool double google.protobuf.Duration int'],
  [['_<_', '_<=_', '_>_', '_>=_'], 'bool bytes double google.protobuf.Duration int string google.protobuf.Timestamp uint'],
].flatMap(([names, types]) => (names as string[]).map((name) => [name, new Set((types as string).split(' '))])))

/** Those of the language itself say only that, except for conversions. */
const SILENT = /\W|^(?:startsWith|endsWith|contains|matches|get\w+)$/

function noOverload(name: string, types: readonly string[]): string {
  if (name === 'size') return 'no such overload: size'
  if (STARTS[name]?.has(types[0] ?? '') === false) return `no such overload: ${name}`
  return SILENT.test(name) ? 'no such overload' : `no such overload: ${name}(${types.join(', ')})`
}
