import { stringify } from 'yaml'
import type { Clock } from '../../base/clock.ts'
import type { KubeObject } from '../kinds/object.ts'
import { parseYaml } from '../kinds/yaml-text.ts'

/** Objects as a manifest's YAML documents. */
export async function manifestText(objects: readonly KubeObject[], clock: Clock): Promise<string> {
  const parts: string[] = []
  for (const object of objects) {
    parts.push(stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    await clock.breathe()
  }
  return parts.join('---\n')
}

/** The objects of a manifest; a List is what it holds. @throws Error for what can't be read, or isn't an object */
export async function objectsOfManifest(text: string, clock: Clock): Promise<KubeObject[]> {
  const objects: KubeObject[] = []
  for (const part of text.split(/^---(?:[ \t].*)?$/m)) {
    if (part.split('\n').every((line) => line.trim() === '' || line.trim().startsWith('#'))) continue
    objects.push(...objectsOf(part))
    await clock.breathe()
  }
  return objects
}

function objectsOf(document: string): KubeObject[] {
  const object = parseYaml(document).value as KubeObject | null
  if (typeof object !== 'object' || object === null || Array.isArray(object)) throw new Error('couldn\'t get version/kind; json parse error: json: cannot unmarshal into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }')
  if (typeof object.kind !== 'string' || object.kind === '') throw new Error(`Object 'Kind' is missing in '${JSON.stringify(object)}'`)
  if (object.kind.endsWith('List') && Array.isArray(object.items)) return object.items as KubeObject[]
  return [{ ...object, metadata: { ...object.metadata } }]
}
