import { thaw } from '../../../base/freeze.ts'
import type { KubeObject } from '../../kinds/object.ts'

/** Makes a draft into another object in place, for it belongs to those who wait for admission. */
export function replaceContents(draft: KubeObject, next: KubeObject): void {
  for (const key of Object.keys(draft)) delete (draft as Record<string, unknown>)[key]
  Object.assign(draft, thaw(next))
}
