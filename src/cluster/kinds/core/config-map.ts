import { deepEqual } from '../../../base/freeze.ts'
import { base64Length } from '../base64.ts'
import { defineKind } from '../define-kind.ts'
import { forbidden, invalid, tooLong, type Finding } from '../findings.ts'
import type { Kind } from '../kind.ts'
import { byteLength, configKeyProblems } from '../names.ts'
import { validateObjectMeta } from '../validate-metadata.ts'
import type { ConfigMap } from '../generated/types.ts'

/** k8s: core.MaxSecretSize */
const MAX_BYTES = 1024 * 1024
const FROZEN = 'field is immutable when `immutable` is set'

export const configMap: Kind<ConfigMap> = defineKind<ConfigMap>({
  group: '', version: 'v1', resource: 'configmaps',
  validate({ data = {}, binaryData = {} }) {
    const out: Finding[] = []
    let bytes = 0
    for (const key of Object.keys(data)) {
      for (const problem of configKeyProblems(key)) out.push(invalid(`data[${key}]`, key, problem))
      if (Object.hasOwn(binaryData, key)) out.push(invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'))
      bytes += byteLength(data[key]!)
    }
    for (const key of Object.keys(binaryData)) {
      for (const problem of configKeyProblems(key)) out.push(invalid(`binaryData[${key}]`, key, problem))
      bytes += base64Length(binaryData[key]!)
    }
    if (bytes > MAX_BYTES) out.push(tooLong('', MAX_BYTES))
    return out
  },
  validateUpdate(object, old) {
    const out: Finding[] = []
    if (old.immutable) {
      if (!object.immutable) out.push(forbidden('immutable', FROZEN))
      for (const field of ['data', 'binaryData'] as const) if (!deepEqual(object[field] ?? {}, old[field] ?? {})) out.push(forbidden(field, FROZEN))
    }
    return [...out, ...validateObjectMeta(configMap, object.metadata), ...configMap.validate!(object)]
  },
  strategy: { allowCreateOnUpdate: false },
  cells: { Data: (object) => Object.keys(object.data ?? {}).length + Object.keys(object.binaryData ?? {}).length },
})
