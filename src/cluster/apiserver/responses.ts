import { printYaml } from '../kinds/print-yaml.ts'
import { PROTOBUF_TYPE } from '../kinds/protobuf.ts'
import { encodeProtobuf } from '../kinds/protobuf-encode.ts'
import { apiError, type StatusError } from '../kinds/status-error.ts'
import type { Encoding } from './media-types.ts'
import { jsonText } from './json-text.ts'

const utf8 = new TextEncoder()
const MEDIA_TYPE: Record<Encoding, string> = { json: 'application/json', yaml: 'application/yaml', protobuf: PROTOBUF_TYPE }

/** How texts of an answer are written. */
export interface TextStyle {
  encoding: Encoding
  pretty: boolean
}

/** An answer with an object. `text` is its JSON. */
export function answer(status: number, text: string, style: TextStyle, contentType = MEDIA_TYPE[style.encoding]): Response {
  if (style.encoding === 'protobuf') return protobufAnswer(status, JSON.parse(text) as Record<string, unknown>)
  return ofBytes(status, utf8.encode(styled(text, style)), contentType)
}

/** An answer in protobuf. @throws StatusError 406 for objects that have no such form. */
export function protobufAnswer(status: number, object: Readonly<Record<string, unknown>>): Response {
  const bytes = encodeProtobuf(object)
  if (!bytes) throw apiError.notAcceptable(`object ${String(object['kind'])} does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message`)
  return ofBytes(status, bytes, PROTOBUF_TYPE)
}

/** Of known length, which metrics and clients are told. */
function ofBytes(status: number, bytes: Uint8Array, contentType: string): Response {
  return new Response(bytes as Uint8Array<ArrayBuffer>, { status, headers: { 'content-type': contentType, 'content-length': String(bytes.length) } })
}

function styled(text: string, style: TextStyle): string {
  if (style.encoding === 'yaml') return printYaml(JSON.parse(text), { sortKeys: true })
  return style.pretty ? JSON.stringify(JSON.parse(text), null, 2) : text + '\n'
}

export function statusAnswer(error: StatusError, style: TextStyle): Response {
  // differs: a webhook may refuse with any number, that a Response can't have; the Status keeps it.
  const response = answer(Math.min(error.code, 599), jsonText(error.status as unknown as Record<string, unknown>), style)
  const seconds = error.status.details?.retryAfterSeconds
  if (seconds) response.headers.set('retry-after', String(seconds))
  return response
}

export function plainText(status: number, text: string): Response {
  return new Response(text, { status, headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' } })
}

/** k8s: apiserver's answer for paths that nobody serves. */
export function pathNotFound(): Response {
  return plainText(404, '404 page not found\n')
}
