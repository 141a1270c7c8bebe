import { keyPairProblem } from '../../../base/key-pair.ts'
import { deepEqual, setOwn } from '../../../base/freeze.ts'
import { base64Length, fromBase64, toBase64 } from '../base64.ts'
import { checkImmutable } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { forbidden, invalid, required, tooLong, type Finding } from '../findings.ts'
import { parseJson } from '../json-text.ts'
import type { Kind } from '../kind.ts'
import { configKeyProblems } from '../names.ts'
import { validateObjectMeta } from '../validate-metadata.ts'
import type { Secret } from '../generated/types.ts'

export const secret: Kind<Secret> = defineKind<Secret>({
  group: '', version: 'v1', resource: 'secrets',
  defaults(draft) {
    draft.type ??= 'Opaque'
    // Plain text is only ever a way in. k8s: Convert_v1_Secret_To_core_Secret
    if (draft.stringData) {
      const data = (draft.data ??= {})
      for (const key of Object.keys(draft.stringData)) setOwn(data, key, toBase64(draft.stringData[key]!))
      const sorted: Record<string, string> = {}
      for (const key of Object.keys(data).sort()) setOwn(sorted, key, data[key])
      draft.data = sorted
      delete draft.stringData
    }
  },
  validate: validateSecret,
  validateUpdate(object, old) {
    const out: Finding[] = []
    checkImmutable(out, object.type, old.type, 'type')
    if (old.immutable) {
      if (!object.immutable) out.push(forbidden('immutable', FROZEN))
      if (!deepEqual(object.data ?? {}, old.data ?? {})) out.push(forbidden('data', FROZEN))
    }
    return [...out, ...validateObjectMeta(secret, object.metadata), ...validateSecret(object)]
  },
  strategy: { warningsOnCreate: secretWarnings, warningsOnUpdate: secretWarnings },
  cells: { Type: (object) => object.type ?? '', Data: (object) => Object.keys(object.data ?? {}).length },
  selectableFields: (object) => ({ type: object.type ?? '' }),
})

/** k8s: core.MaxSecretSize */
const MAX_BYTES = 1024 * 1024
const FROZEN = 'field is immutable when `immutable` is set'

/** What Go's JSON reader complains of. It goes by bytes, not by characters. */
function syntaxProblem(bytes: Uint8Array): string {
  try {
    parseJson(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

/** k8s: ValidateSecret */
function validateSecret({ data = {}, type, metadata }: Readonly<Secret>): Finding[] {
  const out: Finding[] = []
  let bytes = 0
  for (const key of Object.keys(data)) {
    for (const problem of configKeyProblems(key)) out.push(invalid(`data[${key}]`, key, problem))
    bytes += base64Length(data[key]!)
  }
  if (bytes > MAX_BYTES) out.push(tooLong('data', MAX_BYTES))
  const need = (key: string) => {
    if (data[key] === undefined) out.push(required(`data[${key}]`))
  }
  const json = (key: string) => {
    if (data[key] === undefined) {
      out.push(required(`data[${key}]`))
      return
    }
    try {
      const value = parseJson(new TextDecoder().decode(fromBase64(data[key]!)))
      if (value !== null && (typeof value !== 'object' || Array.isArray(value))) {
        const what = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
        out.push(invalid(`data[${key}]`, '<secret contents redacted>', `json: cannot unmarshal ${what} into Go value of type map[string]interface {}`))
      }
    } catch {
      out.push(invalid(`data[${key}]`, '<secret contents redacted>', syntaxProblem(fromBase64(data[key]!))))
    }
  }
  switch (type) {
    case 'kubernetes.io/service-account-token':
      if (!metadata.annotations?.['kubernetes.io/service-account.name']) out.push(required('metadata.annotations[kubernetes.io/service-account.name]'))
      break
    case 'kubernetes.io/dockercfg': json('.dockercfg'); break
    case 'kubernetes.io/dockerconfigjson': json('.dockerconfigjson'); break
    case 'kubernetes.io/basic-auth':
      if (data.username === undefined && data.password === undefined) {
        need('username')
        need('password')
      }
      break
    case 'kubernetes.io/ssh-auth':
      if (!data['ssh-privatekey']) out.push(required('data[ssh-privatekey]'))
      break
    case 'kubernetes.io/tls':
      need('tls.crt')
      need('tls.key')
  }
  return out
}

/** A TLS pair that can't be one is taken, with a warning. k8s: pkg/registry/core/secret warningsForSecret */
function secretWarnings({ data = {}, type }: Readonly<Secret>): string[] {
  if (type !== 'kubernetes.io/tls') return []
  const pem = (key: string) => new TextDecoder().decode(fromBase64(data[key] ?? ''))
  const problem = keyPairProblem(pem('tls.crt'), pem('tls.key'))
  return problem ? [problem] : []
}
