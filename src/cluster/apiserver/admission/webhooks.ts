/** Admission by HTTP: webhooks are called as the real server calls them. k8s: apiserver/pkg/admission/plugin/webhook */
import type { Clock } from '../../../base/clock.ts'
import type { Random } from '../../../base/random.ts'
import { CelError } from '../../kinds/cel/cel-environment.ts'
import type { LabelSelectorSpec } from '../../kinds/label-selector.ts'
import { applyDefaults } from '../../kinds/defaults.ts'
import { decodeObject } from '../../kinds/decode.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { JsonPatchError, type JsonPatchOperation, jsonPatched } from '../../kinds/patch/json-patch.ts'
import { StatusError, apiError, type Status } from '../../kinds/status-error.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin, ClusterDialer, Reader } from '../seams.ts'
import { CallFailed, postToWebhook, type WebhookClientConfig } from '../webhook-client.ts'
import { type Policy, meetsConditions, requestVariables } from './policy-evaluation.ts'
import { type MatchRule, isExemptFromPolicies, matchesNamespace, matchesObject, matchesRule } from './policy-matching.ts'

interface Webhook {
  name: string
  clientConfig: WebhookClientConfig
  rules?: readonly MatchRule[]
  failurePolicy?: string
  matchPolicy?: string
  namespaceSelector?: LabelSelectorSpec
  objectSelector?: LabelSelectorSpec
  sideEffects?: string
  timeoutSeconds?: number
  matchConditions?: { name: string; expression: string }[]
}

interface Review {
  response?: { uid?: string; allowed?: boolean; status?: Partial<Status>; patch?: string; patchType?: string; warnings?: string[]; auditAnnotations?: Record<string, string> }
}

export interface WebhookParts {
  clock: Clock
  random: Random
  /** Without one, every call fails. */
  dialer?: ClusterDialer | undefined
}

const GROUP = 'admissionregistration.k8s.io'
const DEFAULT_TIMEOUT_SECONDS = 10

export function mutatingWebhooks(parts: WebhookParts): AdmissionPlugin {
  return {
    name: 'MutatingAdmissionWebhook',
    mutate(attributes, context) {
      const hooks = hooksFor('mutatingwebhookconfigurations', attributes, context)
      return hooks.length === 0 ? undefined : mutate(hooks, attributes, context, parts)
    },
  }
}

export function validatingWebhooks(parts: WebhookParts): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionWebhook',
    validate(attributes, context) {
      const hooks = hooksFor('validatingwebhookconfigurations', attributes, context)
      return hooks.length === 0 ? undefined : validate(hooks, attributes, context, parts)
    },
  }
}

/** The webhooks that a request goes to, in the order of their configurations' names. */
function hooksFor(resource: string, attributes: AdmissionAttributes, { reader }: AdmissionContext): Webhook[] {
  const configurations = reader.list<KubeObject & { webhooks?: Webhook[] }>(`${resource}.${GROUP}`)
  if (configurations.length === 0 || isExemptFromPolicies(attributes)) return []
  return [...configurations].sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1)).flatMap(({ webhooks = [] }) => webhooks).filter((hook) =>
    hook.rules?.some((rule) => matchesRule(rule, attributes, hook.matchPolicy === 'Exact' ? undefined : reader)) && matchesNamespace(hook.namespaceSelector, attributes, reader) && matchesObject(hook.objectSelector, attributes))
}

async function mutate(hooks: readonly Webhook[], attributes: AdmissionAttributes, context: AdmissionContext, parts: WebhookParts): Promise<void> {
  for (const hook of hooks) {
    const response = await ask(hook, attributes, context, parts)
    if (!response?.patch || !attributes.object) continue
    try {
      const next = jsonPatched(attributes.object, JSON.parse(decodeBase64(response.patch)) as JsonPatchOperation[]) as KubeObject
      const { object } = decodeObject(attributes.kind, next)
      applyDefaults(attributes.kind, object)
      for (const key of Object.keys(attributes.object)) delete (attributes.object as Record<string, unknown>)[key]
      Object.assign(attributes.object, object)
    } catch (error) {
      if (!(error instanceof JsonPatchError) && !(error instanceof SyntaxError)) throw error
      if (hook.failurePolicy !== 'Ignore') throw apiError.internal(`failed calling webhook ${JSON.stringify(hook.name)}: ${error.message}`)
    }
  }
}

/** All are asked at once; the first refusal in order counts. */
async function validate(hooks: readonly Webhook[], attributes: AdmissionAttributes, context: AdmissionContext, parts: WebhookParts): Promise<void> {
  const answers = await Promise.allSettled(hooks.map((hook) => ask(hook, attributes, context, parts)))
  for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
}

/** Undefined where the webhook need not or could not be asked and that doesn't matter. @throws StatusError when it refuses, or fails and must not */
async function ask(hook: Webhook, attributes: AdmissionAttributes, context: AdmissionContext, parts: WebhookParts): Promise<Review['response']> {
  const ignores = hook.failurePolicy === 'Ignore'
  if (hook.matchConditions?.length) {
    try {
      if (!meetsConditions({ spec: { matchConditions: hook.matchConditions } } as unknown as Policy, requestVariables(attributes, context))) return undefined
    } catch (error) {
      if (!(error instanceof CelError)) throw error
      if (ignores) return undefined
      throw apiError.forbidden({ group: attributes.kind.group, resource: attributes.kind.resource }, attributes.name, error.message)
    }
  }
  if (attributes.dryRun && hook.sideEffects !== 'None' && hook.sideEffects !== 'NoneOnDryRun') throw apiError.badRequest(`admission webhook ${JSON.stringify(hook.name)} does not support dry run`)
  let response: NonNullable<Review['response']>
  try {
    response = await call(hook, attributes, context.reader, parts)
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error
    if (ignores) return undefined
    throw apiError.internal(`failed calling webhook ${JSON.stringify(hook.name)}: ${error.message}`)
  }
  for (const warning of response.warnings ?? []) attributes.warn(warning)
  for (const [key, value] of Object.entries(response.auditAnnotations ?? {})) attributes.annotate(`${hook.name}/${key}`, value)
  if (response.allowed !== true) throw refusal(hook.name, response.status)
  return response
}

/** k8s: webhook/errors ToStatusErr */
function refusal(name: string, given: Partial<Status> = {}): StatusError {
  const denied = `admission webhook ${JSON.stringify(name)} denied the request`
  const message = given.message ? `${denied}: ${given.message}` : given.reason ? `${denied}: ${given.reason}` : `${denied} without explanation`
  return new StatusError({
    kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, ...(given.reason ? { reason: given.reason } : {}), ...(given.details ? { details: given.details } : {}),
    code: given.code !== undefined && given.code >= 400 ? given.code : 400,
  })
}

async function call(hook: Webhook, attributes: AdmissionAttributes, reader: Reader, { clock, random, dialer }: WebhookParts): Promise<NonNullable<Review['response']>> {
  const timeoutSeconds = hook.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS
  const uid = random.uuid()
  const body = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request: reviewRequest(uid, attributes) }
  const { ok, text } = await postToWebhook(hook.clientConfig, body, { timeoutSeconds, query: `timeout=${timeoutSeconds}s`, userAgent: 'kube-apiserver-admission' }, { clock, reader, dialer }).catch((error: unknown) => {
    throw error instanceof CallFailed ? new CallFailed(`failed to call webhook: ${error.message}`) : error
  })
  if (!ok) throw new CallFailed(`failed to call webhook: an error on the server (${JSON.stringify(text.slice(0, 2048))}) has prevented the request from succeeding`)
  let review: Review
  try {
    review = JSON.parse(text) as Review
  } catch (error) {
    throw new CallFailed(`failed to call webhook: ${(error as Error).message}`)
  }
  if (!review.response) throw new CallFailed('expected response, got nil')
  if (review.response.uid !== uid) throw new CallFailed(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(review.response.uid ?? '')}`)
  return review.response
}

function reviewRequest(uid: string, attributes: AdmissionAttributes): Record<string, unknown> {
  const { kind, subresource, name, namespace, operation, user, object, oldObject, dryRun, options } = attributes
  const gvk = { group: kind.group, version: kind.version, kind: object?.kind ?? oldObject?.kind ?? kind.kind }
  const gvr = { group: kind.group, version: kind.version, resource: kind.resource }
  const sub = subresource ? { subResource: subresource, requestSubResource: subresource } : {}
  return {
    uid, kind: gvk, resource: gvr, requestKind: gvk, requestResource: gvr, ...sub, ...(name || object?.metadata?.name ? { name: name || object!.metadata.name } : {}), ...(namespace ? { namespace } : {}), operation,
    userInfo: { username: user.name, ...(user.uid ? { uid: user.uid } : {}), groups: user.groups, ...(user.extra ? { extra: user.extra } : {}) },
    object: operation === 'DELETE' ? null : object ?? null, oldObject: oldObject ?? null, dryRun, options: Object.keys(options).length > 0 ? options : null,
  }
}

function decodeBase64(text: string): string {
  const binary = atob(text)
  return new TextDecoder().decode(Uint8Array.from(binary, (char) => char.charCodeAt(0)))
}
