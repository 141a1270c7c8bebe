import { bytesOfBase64 } from '../../base/base64.ts'
import { goFunction, isGoMap, isNil } from '../../cluster/kinds/go-template/values.ts'
import type { GoFunction } from '../../cluster/kinds/go-template/values.ts'

/** What kubectl adds to the functions of templates. k8s: cli-runtime/pkg/printers GoTemplatePrinter */
export const KUBECTL_FUNCTIONS: Readonly<Record<string, GoFunction>> = {
  exists: goFunction('any, ...any', (value, ...keys) => {
    for (const key of keys) {
      if (!isGoMap(value)) return false
      value = value[String(key)]
    }
    return !isNil(value)
  }),
  base64decode: goFunction('string', (text: string) => {
    try {
      return new TextDecoder().decode(bytesOfBase64(text))
    } catch {
      throw new Error('base64 decode failed: illegal base64 data at input byte 0')
    }
  }),
}
