import type { ConfigMap, Secret } from '../kinds/generated/types.ts'
import { fromBase64, payloadText } from './atomic-writer.ts'
import type { KeyToPath, Payload } from './volume.ts'

/** k8s: pkg/volume/configmap MakePayload. @throws Error for a key that isn't there. */
export function configMapPayload(configMap: Pick<ConfigMap, 'data' | 'binaryData'> | undefined, items: readonly KeyToPath[] | undefined, defaultMode: number, optional: boolean): Payload {
  return select((key) => {
    const text = configMap?.data?.[key]
    if (text !== undefined) return payloadText(text)
    const binary = configMap?.binaryData?.[key]
    return binary === undefined ? undefined : fromBase64(binary)
  }, [...Object.keys(configMap?.data ?? {}), ...Object.keys(configMap?.binaryData ?? {})], items, defaultMode, optional, (key) => `configmap references non-existent config key: ${key}`)
}

/** k8s: pkg/volume/secret MakePayload. @throws Error for a key that isn't there. */
export function secretPayload(secret: Pick<Secret, 'data'> | undefined, items: readonly KeyToPath[] | undefined, defaultMode: number, optional: boolean): Payload {
  return select((key) => {
    const data = secret?.data?.[key]
    return data === undefined ? undefined : fromBase64(data)
  }, Object.keys(secret?.data ?? {}), items, defaultMode, optional, (key) => `references non-existent secret key: ${key}`)
}

function select(read: (key: string) => Uint8Array | undefined, keys: readonly string[], items: readonly KeyToPath[] | undefined, defaultMode: number, optional: boolean, missing: (key: string) => string): Payload {
  const payload: Payload = new Map()
  if (!items || items.length === 0) {
    for (const key of keys) payload.set(key, { data: read(key)!, mode: defaultMode })
    return payload
  }
  for (const item of items) {
    const data = read(item.key)
    if (data === undefined) {
      if (optional) continue
      throw new Error(missing(item.key))
    }
    payload.set(item.path, { data, mode: item.mode ?? defaultMode })
  }
  return payload
}
