import { jsonKind } from '../kinds/patch/go-format.ts'
import { parseGoDuration } from '../kinds/duration.ts'
import { LaunchError } from './component-flags.ts'

/** What a field of a component's configuration may hold. */
export type Shape = 'string' | 'bool' | 'int32' | 'int64' | 'float32' | 'duration' | 'any' | StructShape | { readonly list: Shape }

/** A Go struct: its name, as errors tell it, and its fields. */
export interface StructShape {
  readonly struct: string
  readonly fields: Readonly<Record<string, Shape>>
}

const GO_TYPES: Readonly<Record<string, string>> = { string: 'string', bool: 'bool', int32: 'int32', int64: 'int64', float32: 'float32', duration: 'string' }

/**
 * Checks a configuration as Go's strict decoder does.
 * @returns its unknown fields, as they are told of
 * @throws LaunchError for the first value of a wrong type
 */
export function decodeStrictly(value: unknown, shape: StructShape): string[] {
  const unknown: string[] = []
  const visit = (at: unknown, as: Shape, owner: StructShape, path: string, goPath: string): void => {
    if (at === undefined || at === null || as === 'any') return
    const wrong = (goType: string) => new LaunchError(`json: cannot unmarshal ${jsonKind(at)} into Go struct field ${owner.struct}.${goPath} of type ${goType}`)
    if (typeof as === 'object' && 'list' in as) {
      if (!Array.isArray(at)) throw wrong(`[]${typeof as.list === 'object' && 'struct' in as.list ? `v1.${as.list.struct}` : GO_TYPES[as.list as string] ?? 'string'}`)
      at.forEach((item, i) => visit(item, as.list, owner, `${path}[${i}]`, goPath))
      return
    }
    if (typeof as === 'object') {
      if (typeof at !== 'object' || Array.isArray(at)) throw wrong(`v1.${as.struct}`)
      // Such text has its fields in order.
      for (const name of Object.keys(at).sort()) {
        const field = path === '' ? name : `${path}.${name}`
        const known = as.fields[name]
        if (known === undefined) unknown.push(`unknown field ${JSON.stringify(field)}`)
        else visit((at as Record<string, unknown>)[name], known, as, field, goPath === '' ? name : `${goPath}.${name}`)
      }
      return
    }
    const fits = { string: typeof at === 'string', duration: typeof at === 'string', bool: typeof at === 'boolean', int32: Number.isInteger(at), int64: Number.isInteger(at), float32: typeof at === 'number' }[as]
    if (!fits) throw wrong(GO_TYPES[as]!)
    if (as === 'duration' && parseGoDuration(at as string) === undefined) throw new LaunchError(`time: invalid duration ${JSON.stringify(at)}`)
  }
  visit(value, shape, shape, '', '')
  return unknown
}
