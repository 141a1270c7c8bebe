import { printYaml } from '../kinds/print-yaml.ts'
import type { StatusError } from '../kinds/status-error.ts'
import type { Encoding } from './media-types.ts'
import { jsonText } from './json-text.ts'

const MEDIA_TYPE: Record<Encoding, string> = { json: 'application/json', yaml: 'application/yaml' }

/** How texts of an answer are written. */
export interface TextStyle {
  encoding: Encoding
  pretty: boolean
}

/** An answer with an object. `text` is its JSON. */
export function answer(status: number, text: string, style: TextStyle, contentType = MEDIA_TYPE[style.encoding]): Response {
  return new Response(styled(text, style), { status, headers: { 'content-type': contentType } })
}

function styled(text: string, style: TextStyle): string {
  if (style.encoding === 'yaml') return printYaml(JSON.parse(text), { sortKeys: true })
  return style.pretty ? JSON.stringify(JSON.parse(text), null, 2) : text + '\n'
}

export function statusAnswer(error: StatusError, style: TextStyle): Response {
  const response = answer(error.code, jsonText(error.status as unknown as Record<string, unknown>), style)
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
