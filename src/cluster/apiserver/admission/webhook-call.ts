/** One call of an admission webhook: what it is sent, and what its answer must be. k8s: apiserver/pkg/admission/plugin/webhook/{request,errors} */
import { bytesOfBase64 } from '../../../base/base64.ts'
import type { Clock } from '../../../base/clock.ts'
import type { Random } from '../../../base/random.ts'
import { labelKeyProblems } from '../../kinds/names.ts'
import { isJsonObject } from '../../kinds/structural/json-schema.ts'
import { StatusError, apiError, type Status } from '../../kinds/status-error.ts'
import { jsonKind } from '../../kinds/patch/go-format.ts'
import type { Kind } from '../../kinds/kind.ts'
import type { KubeObject } from '../../kinds/object.ts'
import type { AdmissionAttributes, ClusterDialer, Reader } from '../seams.ts'
import { CallFailed, askWebhook } from '../webhook-client.ts'
import { admissionRequest } from './admission-request.ts'
import type { Invocation } from './webhook-configuration.ts'

export interface WebhookParts {
  clock: Clock
  random: Random
  /** Without one, every call fails. */
  dialer?: ClusterDialer | undefined
}

/** A webhook's yes. */
export interface Permission {
  /** The text of a JSON patch; empty without one. */
  patch: string
  patchType: string
}

/** A call that came to nothing, which counts or not as the webhook's failure policy says. k8s: webhookutil.ErrCallingWebhook */
export class WebhookFailed extends Error {
  constructor(name: string, why: string) {
    super(`failed calling webhook ${JSON.stringify(name)}: ${why}`)
  }

  /** What the client gets when it does count. */
  refusal(): StatusError {
    return apiError.internal(this.message)
  }
}

const DEFAULT_TIMEOUT_SECONDS = 10
const GROUP = 'admission.k8s.io'

interface Answer {
  uid?: string
  allowed?: boolean
  status?: Partial<Status> | null
  patch?: string | null
  patchType?: string | null
  warnings?: string[] | null
  auditAnnotations?: Record<string, string> | null
}

/**
 * Asks a webhook. `seen`: the request with its objects in the version that the webhook wants.
 * @throws WebhookFailed when there is no proper answer
 * @throws StatusError when it says no, or can't be asked for a dry run
 */
export async function callWebhook(type: 'mutating' | 'validating', invocation: Invocation, seen: AdmissionAttributes, reader: Reader, parts: WebhookParts): Promise<Permission> {
  const beganMs = parts.clock.nowMs()
  let rejected = true
  try {
    const permission = await ask(type, invocation, seen, reader, parts)
    rejected = false
    return permission
  } finally {
    seen.trace?.step(type === 'mutating' ? 'mutation' : 'validation', `webhook ${invocation.hook.name}`, rejected ? 'refused' : 'passed')
    seen.metrics?.observe('webhook', invocation.hook.name, type === 'mutating' ? 'admit' : 'validate', seen.operation, rejected, parts.clock.nowMs() - beganMs)
  }
}

async function ask(type: 'mutating' | 'validating', { hook, version }: Invocation, seen: AdmissionAttributes, reader: Reader, { clock, random, dialer }: WebhookParts): Promise<Permission> {
  if (seen.dryRun && hook.sideEffects !== 'None' && hook.sideEffects !== 'NoneOnDryRun') throw apiError.badRequest(`admission webhook ${JSON.stringify(hook.name)} does not support dry run`)
  const failed = (why: string) => new WebhookFailed(hook.name, why)
  const reviewVersion = (hook.admissionReviewVersions ?? []).find((candidate) => candidate === 'v1' || candidate === 'v1beta1')
  if (!reviewVersion) throw failed('could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)')
  const uid = random.uuid()
  const apiVersion = `${GROUP}/${reviewVersion}`
  const review = { kind: 'AdmissionReview', apiVersion, request: reviewRequest(uid, version, seen) }
  const timeoutMs = Math.min((hook.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000, (seen.deadlineMs ?? Infinity) - clock.nowMs())
  let given: Record<string, unknown>
  let answer: Answer | undefined
  try {
    given = await askWebhook(hook.clientConfig, review, timeoutMs, { clock, reader, dialer })
    answer = answerOf(given)
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error
    throw failed(`failed to call webhook: ${error.message}`)
  }
  const problem = answer === undefined ? 'webhook response was absent' : reviewVersion === 'v1' ? problemOf(type, answer, given, uid) : undefined
  if (problem !== undefined) throw failed(`received invalid webhook response: ${problem}`)
  const { allowed, status, patch, patchType, warnings, auditAnnotations } = answer!
  for (const [key, value] of Object.entries(auditAnnotations ?? {})) annotate(seen, `${hook.name}/${key}`, value)
  for (const warning of warnings ?? []) seen.warn(warning)
  if (!allowed) throw refusal(hook.name, status)
  if (type === 'validating') return { patch: '', patchType: '' }
  return { patch: patch ? decodeBase64(patch) : '', patchType: reviewVersion === 'v1' ? patchType ?? '' : patch ? 'JSONPatch' : '' }
}

/** Whoever waited too long for webhooks that may fail has no time left to write. @throws StatusError 504 */
export function checkDeadline({ deadlineMs }: AdmissionAttributes, clock: Clock): void {
  if (deadlineMs !== undefined && clock.nowMs() >= deadlineMs) throw apiError.generic(504, 'Timeout', 'Timeout: request did not complete within requested timeout', {})
}

/** Keys that audit events can't have are left out. k8s: admission/attributes.go checkKeyFormat */
export function annotate({ annotate }: Pick<AdmissionAttributes, 'annotate'>, key: string, value: string, level?: 'Request'): void {
  if (key.split('/').length === 2 && labelKeyProblems(key).length === 0) annotate(key, value, level)
}

/** k8s: webhook/request CreateV1AdmissionReview */
function reviewRequest(uid: string, version: Kind, seen: AdmissionAttributes): Record<string, unknown> {
  const { object, oldObject, operation, options } = seen
  return { uid, ...admissionRequest(seen, version), object: operation === 'DELETE' ? null : shown(object), oldObject: shown(oldObject), options: Object.keys(options).length > 0 ? options : null }
}

function shown(object: KubeObject | undefined): KubeObject | null {
  return object ?? null
}

/** @throws CallFailed when something has the wrong type. */
function answerOf({ response }: Record<string, unknown>): Answer | undefined {
  if (response === undefined || response === null) return undefined
  const mustBe = (value: unknown, path: string, type: string): never => { throw new CallFailed(`json: cannot unmarshal ${jsonKind(value)} into Go struct field ${path} of type ${type}`) }
  if (!isJsonObject(response)) return mustBe(response, 'AdmissionReview.response', 'v1.AdmissionResponse')
  const at = (field: string) => `AdmissionResponse.response.${field}`
  for (const [field, value] of Object.entries(response)) {
    if (value === null) continue
    if (['uid', 'patchType', 'patch'].includes(field) && typeof value !== 'string') mustBe(value, at(field), field === 'patch' ? '[]uint8' : field === 'uid' ? 'types.UID' : 'v1.PatchType')
    if (field === 'allowed' && typeof value !== 'boolean') mustBe(value, at(field), 'bool')
    if (field === 'status' && !isJsonObject(value)) mustBe(value, at(field), 'v1.Status')
    if (field === 'patch') checkBase64(value as string)
    if (field === 'warnings') {
      if (!Array.isArray(value)) mustBe(value, at(field), '[]string')
      for (const item of value as unknown[]) if (item !== null && typeof item !== 'string') mustBe(item, at(field), 'string')
    }
    if (field === 'auditAnnotations') {
      if (!isJsonObject(value)) return mustBe(value, at(field), 'map[string]string')
      for (const item of Object.values(value)) if (item !== null && typeof item !== 'string') mustBe(item, at(field), 'string')
    }
  }
  return response as Answer
}

/** What is wrong with an answer of version v1. k8s: webhook/request VerifyAdmissionResponse */
function problemOf(type: 'mutating' | 'validating', { uid, patch, patchType }: Answer, { apiVersion = '', kind = '' }: Record<string, unknown>, asked: string): string | undefined {
  if (uid !== asked) return `expected response.uid=${JSON.stringify(asked)}, got ${JSON.stringify(uid ?? '')}`
  if (apiVersion !== `${GROUP}/v1` || kind !== 'AdmissionReview') return `expected webhook response of ${GROUP}/v1, Kind=AdmissionReview, got ${apiVersion || '/'}, Kind=${kind}`
  const hasType = patchType !== undefined && patchType !== null
  if (type === 'validating') {
    if (patch) return 'validating webhook may not return response.patch'
    return hasType ? 'validating webhook may not return response.patchType' : undefined
  }
  if (patch && !hasType) return 'webhook returned response.patch but not response.patchType'
  if (!patch && hasType) return 'webhook returned response.patchType but not response.patch'
  return patchType === '' ? 'webhook returned invalid response.patchType of ""' : undefined
}

/** k8s: webhook/errors ToStatusErr */
function refusal(name: string, given: Partial<Status> | null | undefined): StatusError {
  const { message, reason, details, code = 0, status, metadata } = given ?? {}
  const denied = `admission webhook ${JSON.stringify(name)} denied the request`
  return new StatusError({
    kind: 'Status', apiVersion: 'v1', metadata: metadata ?? {}, status: (!status || status as string === 'Success' ? 'Failure' : status) as Status['status'],
    message: message ? `${denied}: ${message}` : reason ? `${denied}: ${reason}` : `${denied} without explanation`, ...(reason ? { reason } : {}), ...(details ? { details } : {}), code: Math.max(code, 400),
  })
}

/** @throws CallFailed with the place of the first wrong character, as Go's encoding/base64 says it. */
function checkBase64(text: string): void {
  const plain = text.replace(/[\r\n]/g, '')
  const wrong = /[^A-Za-z0-9+/=]/.exec(plain)?.index ?? (/=(?!=?$)/.exec(plain)?.index)
  if (wrong !== undefined) throw new CallFailed(`illegal base64 data at input byte ${wrong}`)
  if (plain.length % 4 !== 0) throw new CallFailed(`illegal base64 data at input byte ${plain.length - (plain.length % 4)}`)
}

function decodeBase64(text: string): string {
  return new TextDecoder().decode(bytesOfBase64(text))
}
