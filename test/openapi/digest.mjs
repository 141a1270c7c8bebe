// What an OpenAPI document says, in a few characters: a digest of it without descriptions, and without the hashes of them in names.
import { createHash } from 'node:crypto'

/** Members sorted, descriptions left out; a property may itself be called description. */
function bare(value, areNames = false) {
  if (Array.isArray(value)) return value.map((item) => bare(item))
  if (value === null || typeof value !== 'object') return typeof value === 'string' ? value.replace(/^(#\/parameters\/\w+)-.{8}$/, '$1') : value
  return Object.fromEntries(Object.keys(value).sort().filter((key) => areNames || key !== 'description' || typeof value[key] !== 'string').map((key) => [key, bare(value[key], key === 'properties' && !areNames)]))
}

/** Of a parsed document. Version 2 names its shared parameters by what they mean; they count by what they are. */
export function digestOf(document) {
  const { parameters, ...rest } = document
  const shared = Object.values(parameters ?? {}).map((parameter) => JSON.stringify(bare(parameter))).sort()
  return createHash('sha256').update(JSON.stringify([bare(rest), shared])).digest('hex').slice(0, 16)
}
