import { escapeHtml } from '../../../cluster/kinds/go-text.ts'
import { isGoMap, isGoObject, plainValue, setOwn, sortedKeys } from '../../../cluster/kinds/go-template/values.ts'
import type { GoMap } from '../../../cluster/kinds/go-template/values.ts'

/** Maps by their keys; the fields of structs in their own order. */
function ordered(value: unknown): unknown {
  if (isGoObject(value)) return plainValue(value)
  if (Array.isArray(value)) return value.map(ordered)
  if (!isGoMap(value)) return plainValue(value)
  const out: GoMap = {}
  for (const key of sortedKeys(value)) setOwn(out, key, ordered(value[key]))
  return out
}

/** encoding/json: sorted keys, exponents of two digits. @param escape `<`, `>` and `&`, as Go does by default */
export function jsonText(value: unknown, indent = '', escape = true): string {
  const text = JSON.stringify(ordered(value), null, indent).replace(/(?<=\d)e\+(\d)(?=[,\s}\]]|$)/g, 'e+0$1')
  return escape ? escapeHtml(text) : text
}
