import { gzip, ungzip } from 'pako'

/** Packs bytes as Helm's archives and releases are packed. */
export const gzipSync = (data: Uint8Array): Uint8Array => gzip(data, { level: 9 })

/** @throws Error `gzip: invalid header` */
export function gunzipSync(data: Uint8Array): Uint8Array {
  try {
    return ungzip(data)
  } catch {
    throw new Error('gzip: invalid header')
  }
}
