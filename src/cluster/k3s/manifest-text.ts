import { stringify } from 'yaml'
import type { KubeObject } from '../kinds/object.ts'
import { parseYaml } from '../kinds/yaml-text.ts'

/** Objects as a manifest's YAML documents. */
export function manifestText(objects: readonly KubeObject[]): string {
  return objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n')
}

/** The objects of a manifest; a List is what it holds. @throws Error for what can't be read, or isn't an object */
export function objectsOfManifest(text: string): KubeObject[] {
  return text.split(/^---(?:[ \t].*)?$/m).filter((part) => !part.split('\n').every((line) => line.trim() === '' || line.trim().startsWith('#'))).flatMap((part) => {
    const object = parseYaml(part).value as KubeObject | null
    if (typeof object !== 'object' || object === null || Array.isArray(object)) throw new Error('couldn\'t get version/kind; json parse error: json: cannot unmarshal into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }')
    if (typeof object.kind !== 'string' || object.kind === '') throw new Error(`Object 'Kind' is missing in '${JSON.stringify(object)}'`)
    if (object.kind.endsWith('List') && Array.isArray(object.items)) return object.items as KubeObject[]
    return [{ ...object, metadata: { ...object.metadata } }]
  })
}
