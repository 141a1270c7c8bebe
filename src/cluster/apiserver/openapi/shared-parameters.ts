import { base64Url } from '../../../base/base64.ts'

const names = new Map<string, string>()

/**
 * What a parameter is called among those of the whole document; undefined for those that stay where they are: names and bodies, which say the
 * kind, and those in whose place old versions of kubectl look. k8s: kube-openapi/pkg/builder/parameters.go collectSharedParameters
 */
export function sharedParameterName(parameter: { name?: string; in?: string; schema?: { $ref?: string } }): string | undefined {
  const { name, in: place, schema } = parameter
  if (name === 'name' || (place === 'query' && (name === 'fieldValidation' || name === 'dryRun'))) return undefined
  if (place === 'body' && !schema?.$ref?.startsWith('#/definitions/io.k8s.apimachinery')) return undefined
  const text = JSON.stringify(parameter)
  let known = names.get(text)
  if (known === undefined) names.set(text, known = `${name}-${hashOf(text)}`)
  return known
}

/** The first 48 bits of FNV-1. */
function hashOf(text: string): string {
  let hash = 0xcbf29ce484222325n
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, hash * 0x100000001b3n) ^ BigInt(byte)
  return base64Url(Uint8Array.from({ length: 6 }, (_, i) => Number(hash >> BigInt(56 - 8 * i) & 0xffn)))
}
