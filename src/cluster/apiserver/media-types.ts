import { PROTOBUF_TYPE } from '../kinds/protobuf.ts'
import { apiError } from '../kinds/status-error.ts'

/** How an object is written down. */
export type Encoding = 'json' | 'yaml' | 'protobuf'

/** What the decoders read: protobuf has been turned into JSON before. */
export type TextEncoding = Exclude<Encoding, 'protobuf'>

/** How an answer is to be written. */
export interface Representation {
  encoding: Encoding
  /** What objects are turned into first. */
  as?: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'
  /** Version of `as` in meta.k8s.io. */
  asVersion?: string
  /** Whether the media type itself asks for indented JSON. */
  pretty?: boolean
}

interface AcceptClause {
  type: string
  subType: string
  parameters: Record<string, string>
  quality: number
}

export const ACCEPTED_TYPES = 'application/json, application/yaml, application/vnd.kubernetes.protobuf'

/** What watches can be had in. */
export const STREAM_TYPES = 'application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch'

/**
 * Chooses the representation for an Accept header. k8s: endpoints/handlers/negotiation NegotiateOutputMediaType, RequestScope AllowsMediaTypeTransform
 * @param transforms what can be had here of Table and PartialObjectMetadata
 * @param isTyped whether the objects themselves have a protobuf form: custom resources have none
 * @throws StatusError 406.
 */
export function negotiate(accept: string | null, transforms: readonly string[] = [], isTyped = true): Representation {
  if (accept === null || accept.trim() === '') return { encoding: 'json' }
  for (const clause of parseAccept(accept)) {
    // k8s: goautoneg takes a lone star for everything, go-restful doesn't
    if (clause.type === '*' && clause.subType === '') clause.subType = '*'
    const encoding = encodingOf(clause)
    if (!encoding) continue
    const stream = clause.parameters['stream']
    if (stream && (stream !== 'watch' || encoding === 'yaml')) continue
    const as = clause.parameters['as']
    const pretty = clause.parameters['pretty'] === '1' ? { pretty: true } : {}
    if (as === undefined) {
      // A bare group or version names no transformation.
      if (clause.parameters['g'] || clause.parameters['v']) continue
      if (encoding === 'protobuf' && !isTyped) continue
      return { encoding, ...pretty }
    }
    const version = clause.parameters['v'] ?? ''
    if (clause.parameters['g'] !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1') || !transforms.includes(as)) continue
    if (encoding === 'protobuf' && as === 'Table') continue
    return { encoding, as: as as Representation['as'], asVersion: version, ...pretty }
  }
  throw apiError.notAcceptable(`only the following media types are accepted: ${ACCEPTED_TYPES}`)
}

/** Whether any clause names a type that the server can write at all; go-restful refuses the rest before the handlers. */
function acceptsAnything(accept: string | null, available = ['application/json', 'application/yaml', PROTOBUF_TYPE]): boolean {
  if (accept === null || accept.trim() === '') return true
  return parseAccept(accept).some(({ type, subType }) => (type === '*' && subType === '*') || available.includes(`${type}/${subType}`))
}

/** @throws StatusError 406 in go-restful's words. */
export function checkProducible(accept: string | null, available: string[] | undefined = undefined, shown = available?.join(', ') ?? ACCEPTED_TYPES): void {
  if (!acceptsAnything(accept, available)) throw apiError.generic(406, 'NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${shown}`, {})
}

/**
 * How a refusal is written: in the wanted encoding, as indented JSON for whoever can't be served as asked.
 * k8s: handlers/responsewriters ErrorNegotiated
 */
export function refusalStyle(accept: string | null, pretty: boolean): { encoding: Encoding; pretty: boolean } {
  try {
    const asked = negotiate(accept)
    return { encoding: asked.encoding, pretty: pretty || asked.pretty === true }
  } catch {
    return { encoding: 'json', pretty: true }
  }
}

/** Clauses of an Accept header, the preferred ones first. */
export function parseAccept(accept: string): AcceptClause[] {
  const clauses: AcceptClause[] = []
  for (const part of accept.split(',')) {
    const [full = '', ...rest] = part.split(';')
    const [type = '', subType = ''] = full.trim().split('/')
    const parameters: Record<string, string> = Object.create(null)
    let quality = 1
    for (const item of rest) {
      const at = item.indexOf('=')
      if (at < 0) continue
      const key = item.slice(0, at).trim()
      const value = item.slice(at + 1).trim()
      if (key === 'q') quality = Number.isFinite(Number(value)) ? Number(value) : 1
      else parameters[key] = value
    }
    clauses.push({ type, subType, parameters, quality })
  }
  return clauses.map((clause, order) => ({ clause, order })).sort((a, b) => b.clause.quality - a.clause.quality || a.order - b.order).map(({ clause }) => clause)
}

function encodingOf({ type, subType }: AcceptClause): Encoding | undefined {
  if (type === '*' && subType === '*') return 'json'
  if (type !== 'application') return undefined
  if (subType === 'json' || subType === '*') return 'json'
  if (subType === 'yaml') return 'yaml'
  return subType === PROTOBUF_SUBTYPE ? 'protobuf' : undefined
}

const PROTOBUF_SUBTYPE = PROTOBUF_TYPE.slice('application/'.length)

/** Whether a body is in Kubernetes' protobuf form. */
export function isProtobuf(contentType: string | null): boolean {
  return (contentType ?? '').split(';')[0]!.trim().toLowerCase() === PROTOBUF_TYPE
}

/** Whether a request's body or its answer may be in that form. */
export function speaksProtobuf(headers: Headers): boolean {
  return isProtobuf(headers.get('content-type')) || (headers.get('accept') ?? '').includes(PROTOBUF_SUBTYPE)
}

/** The encoding of a request's body as the decoders see it: protobuf has been turned into JSON before. @throws StatusError 415. */
export function bodyEncoding(contentType: string | null): TextEncoding {
  const type = (contentType ?? '').split(';')[0]!.trim().toLowerCase()
  if (type === '' || type === 'application/json' || type === PROTOBUF_TYPE) return 'json'
  if (type === 'application/yaml') return 'yaml'
  throw apiError.unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${ACCEPTED_TYPES}`)
}
