import { toBase64 } from '../base64.ts'
import { defineKind } from '../define-kind.ts'
import type { Secret } from '../generated/types.ts'

export const secret = defineKind<Secret>({
  group: '', version: 'v1', resource: 'secrets',
  defaults(draft) {
    draft.type ??= 'Opaque'
    // Plain text is only ever a way in. k8s: Convert_v1_Secret_To_core_Secret
    if (draft.stringData) {
      const data = (draft.data ??= {})
      for (const key of Object.keys(draft.stringData)) data[key] = toBase64(draft.stringData[key]!)
      const sorted: Record<string, string> = {}
      for (const key of Object.keys(data).sort()) sorted[key] = data[key]!
      draft.data = sorted
      delete draft.stringData
    }
  },
  cells: { Type: (object) => object.type ?? '', Data: (object) => String(Object.keys(object.data ?? {}).length) },
  selectableFields: (object) => ({ type: object.type ?? '' }),
})
