import { invalid, notSupported, required, forbidden, tooLong, type Finding } from '../kinds/findings.ts'
import { apiError } from '../kinds/status-error.ts'
import { DecodeError, decodeValue, MAX_KEPT_DEPTH, parseBody, SyntaxProblem } from '../kinds/decode.ts'
import { ProtobufError } from '../kinds/protobuf.ts'
import { invalidOptions, queryInt } from './list-options.ts'
import { cannotUnmarshalType, jsonTypeOf } from './patched-type.ts'
import type { ProtobufReader } from './request-body.ts'
import { queryFlag } from './request-info.ts'

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict'

/** Query parameters of create, update and patch. k8s: metav1.CreateOptions, UpdateOptions, PatchOptions */
export interface WriteOptions {
  dryRun: boolean
  fieldManager: string
  fieldValidation: FieldValidation
  force: boolean
  /** The options object that admission sees. */
  options: Readonly<Record<string, unknown>>
}

const MAX_FIELD_MANAGER = 128

/** @throws StatusError 422. */
export function parseWriteOptions(kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions', query: URLSearchParams, isApply = false): WriteOptions {
  const dryRun = query.getAll('dryRun')
  const fieldManager = query.get('fieldManager') ?? ''
  const fieldValidation = query.get('fieldValidation') ?? ''
  const force = query.has('force') ? queryFlag(query.get('force')) : undefined
  const findings: Finding[] = []
  if (kind === 'PatchOptions') {
    if (isApply && !fieldManager) findings.push(required('fieldManager', 'is required for apply patch'))
    if (!isApply && force !== undefined) findings.push(forbidden('force', 'may not be specified for non-apply patch'))
  }
  findings.push(...fieldManagerFindings(fieldManager), ...dryRunFindings(dryRun))
  if (!['', 'Ignore', 'Warn', 'Strict'].includes(fieldValidation)) findings.push(notSupported('fieldValidation', fieldValidation, ['', 'Ignore', 'Strict', 'Warn']))
  if (findings.length > 0) throw invalidOptions(kind, findings)
  const options: Record<string, unknown> = { kind, apiVersion: 'meta.k8s.io/v1' }
  if (dryRun.length > 0) options['dryRun'] = dryRun
  if (fieldManager) options['fieldManager'] = fieldManager
  if (fieldValidation) options['fieldValidation'] = fieldValidation
  if (force !== undefined) options['force'] = force
  return { dryRun: dryRun.length > 0, fieldManager, fieldValidation: (fieldValidation || 'Warn') as FieldValidation, force: force ?? false, options }
}

function fieldManagerFindings(fieldManager: string): Finding[] {
  const findings: Finding[] = []
  if (new TextEncoder().encode(fieldManager).length > MAX_FIELD_MANAGER) findings.push(tooLong('fieldManager', MAX_FIELD_MANAGER))
  let at = 0
  for (const char of fieldManager) {
    if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(char)) {
      const code = `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`
      findings.push(invalid('fieldManager', fieldManager, `invalid character ${code} (at position ${at})`))
    }
    at += new TextEncoder().encode(char).length
  }
  return findings
}

function dryRunFindings(values: readonly string[]): Finding[] {
  return values.every((value) => value === 'All') ? [] : [notSupported('dryRun', values, ['All'])]
}

/** k8s: metav1.DeleteOptions */
export interface DeleteOptions {
  dryRun: boolean
  gracePeriodSeconds?: number
  orphanDependents?: boolean
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground'
  preconditions?: { uid?: string; resourceVersion?: string }
  options: Readonly<Record<string, unknown>>
}

const DELETE_OPTIONS_SCHEMA = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'

/** How a body of protobuf is read as options of a deletion. */
export const DELETE_OPTIONS_PROTOBUF: ProtobufReader = {
  fallback: { apiVersion: 'meta.k8s.io/v1', kind: 'DeleteOptions' },
  mayBeEmpty: true,
  check({ apiVersion, kind }) {
    const why = unknownOptions(apiVersion, kind)
    if (why !== undefined) throw new ProtobufError(why)
  },
  refuse: (error) => apiError.badRequest(error.message),
}

/** Why a body can't be the options of a deletion. k8s: metainternalversionscheme has nothing but what all group versions share */
function unknownOptions(apiVersion: string, kind: string): string | undefined {
  if (kind === 'DeleteOptions') return undefined
  if (apiVersion === 'v1' && UNVERSIONED.has(kind) || apiVersion === 'meta.k8s.io/v1' && OTHER_OPTIONS.has(kind)) return `converting (v1.${kind}) to (v1.DeleteOptions): unknown conversion`
  return `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`
}

const OTHER_OPTIONS = new Set(['CreateOptions', 'UpdateOptions', 'PatchOptions', 'GetOptions', 'ListOptions'])
const UNVERSIONED = new Set(['Status', 'APIVersions', 'APIGroupList', 'APIGroup', 'APIResourceList'])

/** From the body if there is one, else from the query. @throws StatusError 400 or 422. */
export function parseDeleteOptions(body: string, encoding: 'json' | 'yaml', query: URLSearchParams): DeleteOptions {
  const given = body !== '' ? optionsFromBody(body, encoding) : optionsFromQuery(query)
  checkDeleteOptions(given)
  return {
    dryRun: ((given['dryRun'] ?? []) as string[]).length > 0,
    gracePeriodSeconds: given['gracePeriodSeconds'] as number | undefined,
    orphanDependents: given['orphanDependents'] as boolean | undefined,
    propagationPolicy: given['propagationPolicy'] as DeleteOptions['propagationPolicy'],
    preconditions: given['preconditions'] as DeleteOptions['preconditions'],
    options: { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', ...given },
  }
}

/** k8s: metav1 validation ValidateDeleteOptions. @throws StatusError 422 */
export function checkDeleteOptions(given: Readonly<Record<string, unknown>>): void {
  const policy = given['propagationPolicy'] as string | undefined
  const findings: Finding[] = []
  if (given['orphanDependents'] !== undefined && policy !== undefined)
    findings.push(invalid('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set'))
  if (policy !== undefined && !['Foreground', 'Background', 'Orphan'].includes(policy))
    findings.push(notSupported('propagationPolicy', policy, ['Foreground', 'Background', 'Orphan', 'nil']))
  findings.push(...dryRunFindings((given['dryRun'] ?? []) as string[]))
  if (findings.length > 0) throw invalidOptions('DeleteOptions', findings)
}

function optionsFromBody(body: string, encoding: 'json' | 'yaml'): Record<string, unknown> {
  let value: unknown
  try {
    value = parseBody(body, encoding, MAX_KEPT_DEPTH).value
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error
    throw apiError.badRequest(encoding === 'yaml' ? error.message : `couldn't get version/kind; json parse error: ${error.message}`)
  }
  if (value !== null && value !== undefined && (typeof value !== 'object' || Array.isArray(value)))
    throw apiError.badRequest(`couldn't get version/kind; json parse error: ${cannotUnmarshalType(value)}`)
  const kind = typeText(value ?? {}, 'kind') || 'DeleteOptions'
  const apiVersion = typeText(value ?? {}, 'apiVersion') || 'meta.k8s.io/v1'
  if (apiVersion.split('/').length > 2) throw apiError.badRequest(`unexpected GroupVersion string: ${apiVersion}`)
  const why = unknownOptions(apiVersion, kind)
  if (why !== undefined) throw apiError.badRequest(why)
  try {
    const decoded = decodeValue(DELETE_OPTIONS_SCHEMA, value ?? {}).value as Record<string, unknown>
    delete decoded['kind']
    delete decoded['apiVersion']
    return decoded
  } catch (error) {
    if (error instanceof DecodeError) throw apiError.badRequest(error.message)
    throw error
  }
}

/** What a body says of its own type; Go's decoder doesn't mind how the names are capitalised. k8s: runtime/serializer/json SimpleMetaFactory */
function typeText(body: object, field: 'kind' | 'apiVersion'): string {
  let found = ''
  for (const [key, value] of Object.entries(body)) {
    if (key.toLowerCase() !== field.toLowerCase() || value === null) continue
    if (typeof value !== 'string') throw apiError.badRequest(`couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonTypeOf(value)} into Go struct field .${field} of type string`)
    found = value
  }
  return found
}

function optionsFromQuery(query: URLSearchParams): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  const grace = queryInt(query, 'gracePeriodSeconds')
  if (grace !== undefined) out['gracePeriodSeconds'] = grace
  if (query.has('orphanDependents')) out['orphanDependents'] = queryFlag(query.get('orphanDependents'))
  if (query.has('propagationPolicy')) out['propagationPolicy'] = query.get('propagationPolicy')
  // k8s: metav1.Convert_url_Values_To_v1_DeleteOptions flattens the preconditions
  const uid = query.get('uid')
  const resourceVersion = query.get('resourceVersion')
  if (uid !== null || resourceVersion !== null) out['preconditions'] = { ...(uid !== null ? { uid } : {}), ...(resourceVersion !== null ? { resourceVersion } : {}) }
  const dryRun = query.getAll('dryRun')
  if (dryRun.length > 0) out['dryRun'] = dryRun
  return out
}
