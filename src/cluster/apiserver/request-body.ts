import type { HttpRequest } from '../../base/http.ts'
import { concatBytes } from '../../base/streams.ts'
import { DecodeError, decodeObject, MAX_KEPT_DEPTH, parseBody, strictErrors, strictWarnings, SyntaxProblem } from '../kinds/decode.ts'
import { builtInKinds, kindOf } from '../kinds/index.ts'
import type { Kind } from '../kinds/kind.ts'
import type { KubeObject } from '../kinds/object.ts'
import { apiError, type StatusError } from '../kinds/status-error.ts'
import { decodeProtobuf, ProtobufError, type ProtobufType } from '../kinds/protobuf.ts'
import { isProtobuf } from './media-types.ts'
import type { TextEncoding } from './media-types.ts'
import { cannotUnmarshalType, goPackage, isFormerType, jsonTypeOf } from './patched-type.ts'
import type { FieldValidation } from './write-options.ts'

/** Largest body, bytes. k8s: server.Config MaxRequestBodyBytes */
export const MAX_BODY_BYTES = 3 * 1024 * 1024

/** Bytes of a request's body. @throws StatusError 413 above the limit. */
export async function readBody(request: HttpRequest): Promise<Uint8Array> {
  const stream = request.body
  if (!stream) return new Uint8Array(0)
  const reader = stream.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return concatBytes(chunks)
    size += value.length
    if (size > MAX_BODY_BYTES) {
      reader.cancel().catch(() => {})
      throw apiError.requestEntityTooLarge(`Request entity too large: limit is ${MAX_BODY_BYTES}`)
    }
    chunks.push(value)
  }
}

/** How protobuf is read for a certain purpose. */
export interface ProtobufReader {
  /** What a body is that doesn't say it. */
  fallback: ProtobufType
  /** Whether nothing at all is a body, too. */
  mayBeEmpty?: boolean
  /** May refuse what a body says that it is. @throws ProtobufError */
  check?(type: ProtobufType): void
  /** The error to answer with. */
  refuse(error: ProtobufError, bytes: Uint8Array): StatusError
}

/** The text of a body. Protobuf, which Go clients send for built-in kinds, is turned into its JSON form here. @throws StatusError 400, 413. */
export async function readText(request: HttpRequest, protobuf?: ProtobufReader): Promise<string> {
  const bytes = await readBody(request)
  if (!protobuf || (bytes.length === 0 && protobuf.mayBeEmpty) || !isProtobuf(request.headers.get('content-type'))) return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  try {
    return JSON.stringify(decodeProtobuf(bytes, protobuf.fallback, protobuf.check))
  } catch (error) {
    if (error instanceof ProtobufError) throw protobuf.refuse(error, bytes)
    throw error
  }
}

/** Reads protobuf as an object of a kind. k8s: endpoints/handlers transformDecodeError */
export function protobufReaderOf(kind: Kind): ProtobufReader {
  return {
    fallback: { apiVersion: apiVersionOf(kind), kind: kind.kind },
    refuse: ({ message, type }, bytes) => type
      ? apiError.badRequest(`${type.kind} in version ${JSON.stringify(type.apiVersion.slice(type.apiVersion.lastIndexOf('/') + 1))} cannot be handled as a ${kind.kind}: ${message}`)
      : unrecognized(kind, message, bytes),
  }
}

/** What field validation found in a body. */
export interface StrictFindings {
  errors: string[]
  warnings: string[]
}

/** A body decoded as an object of `kind`, mutable. */
export interface DecodedBody extends StrictFindings {
  object: KubeObject
}

/**
 * Decodes a body into the kind that the URL asks for; kind and version may be left out of it.
 * k8s: endpoints/handlers create.go, transformDecodeError
 * @param formerVersions that are read as this one
 * @throws StatusError 400.
 */
export function decodeBody(text: string, encoding: TextEncoding, kind: Kind, formerVersions: readonly string[] = []): DecodedBody {
  const apiVersion = apiVersionOf(kind)
  let parsed: ReturnType<typeof parseBody>
  try {
    // Of objects without a Go type everything is kept.
    parsed = parseBody(text, encoding, kind.custom ? MAX_KEPT_DEPTH : undefined)
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error
    throw unrecognized(kind, encoding === 'yaml' ? error.message : `couldn't get version/kind; json parse error: ${error.message}`, text)
  }
  let value = parsed.value
  if (value === null || value === undefined) value = {}
  if (typeof value !== 'object' || Array.isArray(value)) throw unrecognized(kind, `couldn't get version/kind; json parse error: ${cannotUnmarshalType(value)}`, text)
  const given = value as { kind?: unknown; apiVersion?: unknown }
  for (const field of ['kind', 'apiVersion'] as const) {
    const found = given[field]
    if (found === undefined || found === null || typeof found === 'string') continue
    throw unrecognized(kind, `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonTypeOf(found)} into Go struct field .${field} of type string`, text)
  }
  if (typeof given.apiVersion === 'string' && given.apiVersion.split('/').length > 2) throw unrecognized(kind, `unexpected GroupVersion string: ${given.apiVersion}`, text)
  if (kind.custom) checkCustomType(kind, given as { kind?: string; apiVersion?: string }, text)
  else if (!formerVersions.includes(given.apiVersion as string) || given.kind !== kind.kind) checkKind(kind, (given.apiVersion as string) || apiVersion, (given.kind as string) || kind.kind)
  try {
    const { object, unknownFields } = decodeObject(kind, value)
    if (!object.metadata) object.metadata = {}
    const problem = kind.conversionProblem?.(object)
    if (problem !== undefined) throw new DecodeError(problem)
    // What a schema doesn't know is found after the whole text was read.
    const { text: _, ...unordered } = parsed
    const body = kind.custom ? unordered : parsed
    return { object, errors: strictErrors(body, unknownFields), warnings: strictWarnings(body, unknownFields) }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw apiError.badRequest(`${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}: ${error.message}`)
  }
}

/** Acts on strict decoding's findings as the request wants. @throws StatusError 400 for Strict. */
export function applyFieldValidation(kind: Kind, findings: StrictFindings, mode: FieldValidation, warn: (text: string) => void): void {
  if (mode === 'Ignore' || findings.errors.length === 0) return
  if (mode === 'Warn') findings.warnings.forEach(warn)
  else throw apiError.badRequest(`${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}: strict decoding error: ${findings.errors.join(', ')}`)
}

export function apiVersionOf(kind: { group: string; version: string }): string {
  return kind.group ? `${kind.group}/${kind.version}` : kind.version
}

/** Kinds that every group version has, k8s: metav1.AddToGroupVersion */
const COMMON_KINDS = new Set(['WatchEvent', 'ListOptions', 'GetOptions', 'DeleteOptions', 'CreateOptions', 'UpdateOptions', 'PatchOptions'])
/** Kinds that belong to no resource, or to a subresource. k8s: the register.go files of k8s.io/api */
const BODY_KINDS: Readonly<Record<string, string>> = {
  v1: 'List Status APIVersions APIGroupList APIGroup APIResourceList Binding RangeAllocation SerializedReference PodStatusResult PodLogOptions PodExecOptions PodAttachOptions PodPortForwardOptions PodProxyOptions NodeProxyOptions ServiceProxyOptions',
  'autoscaling/v1': 'Scale', 'policy/v1': 'Eviction', 'authentication.k8s.io/v1': 'TokenRequest',
}

/** Whether the server has a Go type for it, be it an object or not. */
function isKnown(apiVersion: string, kind: string): boolean {
  if (kindOf(apiVersion, kind) || (kind.endsWith('List') && kindOf(apiVersion, kind.slice(0, -'List'.length)))) return true
  if (Object.hasOwn(BODY_KINDS, apiVersion) && BODY_KINDS[apiVersion]!.split(' ').includes(kind)) return true
  return COMMON_KINDS.has(kind) && builtInKinds.some((known) => apiVersionOf(known) === apiVersion)
}

function checkKind(kind: Kind, apiVersion: string, given: string): void {
  const expected = apiVersionOf(kind)
  if (apiVersion === expected && given === kind.kind) return
  const version = apiVersion.slice(apiVersion.lastIndexOf('/') + 1)
  const known = isKnown(apiVersion, given)
  const former = isFormerType(apiVersion, given)
  if (given === kind.kind && (known || former)) throw apiError.badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${expected})`)
  const why = known || former
    ? `converting (${version}.${given}) to (${goPackage(kind.group)}.${kind.kind}): unknown conversion`
    : `no kind ${JSON.stringify(given)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`
  throw apiError.badRequest(`${given} in version ${JSON.stringify(version)} cannot be handled as a ${kind.kind}: ${why}`)
}

/** Objects without a Go type have to say what they are; validation sees whether the kind is right. */
function checkCustomType(kind: Kind, given: { kind?: string; apiVersion?: string }, body: string | Uint8Array): void {
  if (!given.kind) throw unrecognized(kind, `Object 'Kind' is missing in '${typeof body === 'string' ? body : new TextDecoder().decode(body)}'`, body)
  const expected = apiVersionOf(kind)
  if (given.apiVersion !== expected) throw apiError.badRequest(`the API version in the data (${given.apiVersion ?? ''}) does not match the expected API version (${expected})`)
}

function unrecognized(kind: Kind, why: string, body: string | Uint8Array) {
  return apiError.badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): ${why} (${summary(typeof body === 'string' ? new TextEncoder().encode(body) : body)})`)
}

/** k8s: endpoints/handlers summarizeData */
function summary(bytes: Uint8Array): string {
  if (bytes.length === 0) return '<empty>'
  const cut = bytes.subarray(0, 30)
  const dots = bytes.length > 30 ? ' ...' : ''
  if (bytes[0] === '{'.charCodeAt(0)) return new TextDecoder().decode(cut) + dots
  return Array.from(cut, (byte) => byte.toString(16).padStart(2, '0')).join('') + dots
}
