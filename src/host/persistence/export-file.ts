import type { Platform } from '../../base/platform.ts'
import { base64Of, bytesOfBase64 } from '../../base/base64.ts'
import { StoreError } from './store-error.ts'

/** Tables by name, each a list of keys and values. */
export type Tables = Record<string, [key: unknown, value: unknown][]>

const FORMAT = 'drydock-cluster'
/** The cluster goes on while it is packed: after so long others get a turn. */
const TURN_MS = 4

/** Packs tables into a file: gzipped JSON. Bytes become `{"$bytes": base64}`; a plain object that has such a key is written as `{"$object": ...}`. */
export async function packTables(tables: Tables, version: number, platform: Pick<Platform, 'monotonicMs' | 'macrotask'>): Promise<Uint8Array<ArrayBuffer>> {
  const gzip = new CompressionStream('gzip')
  const packed = new Response(gzip.readable).arrayBuffer()
  const writer = gzip.writable.getWriter()
  const encoder = new TextEncoder()
  let beganMs = platform.monotonicMs()
  let pending = ''
  for (const piece of textOf(tables, version)) {
    pending += piece
    if (platform.monotonicMs() - beganMs < TURN_MS) continue
    await writer.write(encoder.encode(pending))
    pending = ''
    await new Promise<void>((resolve) => { platform.macrotask(resolve) })
    beganMs = platform.monotonicMs()
  }
  await writer.write(encoder.encode(pending))
  await writer.close()
  return new Uint8Array(await packed)
}

/** The file's JSON, a row at a time. */
function* textOf(tables: Tables, version: number): Generator<string> {
  yield `{"format":${JSON.stringify(FORMAT)},"version":${version},"tables":{`
  for (const [i, [table, rows]] of Object.entries(tables).entries()) {
    yield `${i > 0 ? ',' : ''}${JSON.stringify(table)}:[`
    for (const [j, row] of rows.entries()) yield `${j > 0 ? ',' : ''}${JSON.stringify(encode(row))}`
    yield ']'
  }
  yield '}}'
}

/** @throws StoreError for anything that {@link packTables} did not make, or that a later version made. */
export async function unpackTables(data: Uint8Array, knownVersion: number): Promise<Tables> {
  let file: { format?: unknown; version?: unknown; tables?: unknown }
  try {
    file = JSON.parse(new TextDecoder().decode(await through(data, new DecompressionStream('gzip'))))
  } catch {
    throw new StoreError('corrupt', 'this is not a file that Drydock exported, or it is damaged')
  }
  if (file === null || typeof file !== 'object' || file.format !== FORMAT || typeof file.version !== 'number') throw new StoreError('corrupt', 'this is not a file that Drydock exported')
  if (file.version > knownVersion) throw new StoreError('newer', `the file was made by a later version of Drydock (version ${file.version})`)
  const tables = decode(file.tables) as Tables
  const wellFormed = tables !== null && typeof tables === 'object' && Object.values(tables).every((rows) => Array.isArray(rows) && rows.every((row) => Array.isArray(row) && row.length === 2))
  if (!wellFormed) throw new StoreError('corrupt', 'the tables in the file are damaged')
  return tables
}

function encode(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  if (value instanceof Uint8Array) return { $bytes: base64Of(value) }
  if (Array.isArray(value)) return value.map(encode)
  const out: [string, unknown][] = Object.entries(value).map(([key, member]) => [key, encode(member)])
  const plain = Object.fromEntries(out)
  return '$bytes' in plain || '$object' in plain ? { $object: plain } : plain
}

function decode(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(decode)
  const members = value as Record<string, unknown>
  if (typeof members['$bytes'] === 'string') return bytesOfBase64(members['$bytes'])
  const source = members['$object'] !== null && typeof members['$object'] === 'object' ? members['$object'] : members
  return Object.fromEntries(Object.entries(source).map(([key, member]) => [key, decode(member)]))
}

async function through(data: Uint8Array, transform: CompressionStream | DecompressionStream): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([data as Uint8Array<ArrayBuffer>]).stream().pipeThrough(transform as ReadableWritablePair<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>)
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
