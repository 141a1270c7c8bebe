import { parseAllDocuments } from 'yaml'
import type { KubeObject } from './kinds.ts'

/** The objects of a text of YAML or JSON. @throws Error for what isn't any */
export function parseAllYaml(text: string): KubeObject[] {
  const documents = parseAllDocuments(text)
  if (!Array.isArray(documents)) return []
  return documents.flatMap((document): KubeObject[] => {
    if (document.errors.length > 0) throw new Error(document.errors[0]!.message)
    const value = document.toJS() as unknown
    if (value === null || value === undefined) return []
    if (typeof value !== 'object' || Array.isArray(value)) throw new Error('Not an object of Kubernetes.')
    return [value as KubeObject]
  })
}
