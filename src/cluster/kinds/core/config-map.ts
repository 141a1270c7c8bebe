import { defineKind } from '../define-kind.ts'
import type { ConfigMap } from '../generated/types.ts'

export const configMap = defineKind<ConfigMap>({
  group: '', version: 'v1', resource: 'configmaps',
  strategy: { allowCreateOnUpdate: false },
  cells: { Data: (object) => String(Object.keys(object.data ?? {}).length + Object.keys(object.binaryData ?? {}).length) },
})
