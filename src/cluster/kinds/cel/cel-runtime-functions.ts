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
  if (!form) throw new CelFailure(noOverload(name, types))
  try {
    return form[2](charge, ...args as never[])
  } catch (error) {
    throw error instanceof CelFailure ? error : new CelFailure((error as Error).message)
  }
}

/** Those of the language itself say only that, except for conversions. */
const SILENT = /\W|^(?:startsWith|endsWith|contains|matches|get\w+)$/

function noOverload(name: string, types: readonly string[]): string {
  if (name === 'size') return 'no such overload: size'
  return SILENT.test(name) ? 'no such overload' : `no such overload: ${name}(${types.join(', ')})`
}
