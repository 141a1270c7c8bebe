/** Conversion between versions by a webhook. k8s: apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go */
import type { Random } from '../../../base/random.ts'
import { thaw } from '../../../base/freeze.ts'
import type { Finding } from '../../kinds/findings.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { inPatchedOrder } from '../../kinds/patch/patched-order.ts'
import { apiError } from '../../kinds/status-error.ts'
import { isJsonObject } from '../../kinds/structural/json-schema.ts'
import { validateAnnotations, validateLabels } from '../../kinds/validate-metadata.ts'
import { jsonTypeOf } from '../patched-type.ts'
import { CallFailed, askWebhook, type Review, type WebhookClientConfig, type WebhookClientParts } from '../webhook-client.ts'

/** k8s: rest.Config's Timeout for webhooks */
const TIMEOUT_MS = 30_000
const REVIEW_VERSIONS = ['v1', 'v1beta1']

/** A webhook that turns objects of one version into another. */
export interface ConversionWebhook {
  /** In the order given. @throws StatusError 500 when it fails or answers with something else */
  convert(objects: readonly KubeObject[], apiVersion: string): Promise<KubeObject[]>
}

interface AnsweredReview {
  kind?: string
  apiVersion?: string
  response?: { uid?: string; convertedObjects?: unknown[]; result?: { status?: string; message?: string } }
}

/** What the converter says of itself: the definition's name isn't among it. */
class ConversionFailed extends Error {}

export function conversionWebhook(config: WebhookClientConfig, reviewVersions: readonly string[], parts: WebhookClientParts & { random: Random }): ConversionWebhook {
  return {
    async convert(objects, apiVersion) {
      const version = reviewVersions.find((candidate) => REVIEW_VERSIONS.includes(candidate))
      if (!version) throw apiError.internal('no supported conversion review versions')
      const [first] = objects
      // Go prints the kind of what it was given.
      const gvk = `${first!.apiVersion}, Kind=${first!.kind}`
      const uid = parts.random.uuid()
      const request = {
        kind: 'ConversionReview', apiVersion: `apiextensions.k8s.io/${version}`, request: { uid, desiredAPIVersion: apiVersion, objects: objects.map(withoutRevision) },
        response: { uid: '', convertedObjects: null, result: { metadata: {} } },
      }
      try {
        const converted = await ask(config, request, uid, version, parts)
        if (converted.length !== objects.length) throw new ConversionFailed(`returned ${converted.length} objects, expected ${objects.length}`)
        return objects.map((object, i) => checked(object, converted[i], apiVersion, i))
      } catch (error) {
        if (error instanceof CallFailed) throw failure(`conversion webhook for ${gvk} failed: ${error.message}`)
        if (error instanceof ConversionFailed) throw failure(`conversion webhook for ${gvk} ${error.message}`)
        throw error
      }
    },
  }
}

/** Sorted, as Go writes it; an object is converted before it gets its revision. */
function withoutRevision(object: KubeObject): KubeObject {
  const { resourceVersion: _, ...metadata } = object.metadata
  return inPatchedOrder({ ...object, metadata }, true) as KubeObject
}

/** Errors that upstream doesn't class. */
function failure(message: string) {
  const error = apiError.generic(500, '', message)
  delete error.status.reason
  return error
}

async function ask(config: WebhookClientConfig, request: Review & { request: unknown }, uid: string, version: string, parts: WebhookClientParts): Promise<unknown[]> {
  const review = await askWebhook(config, request, TIMEOUT_MS, parts) as Partial<AnsweredReview>
  if (version === 'v1' && (review.kind !== 'ConversionReview' || review.apiVersion !== 'apiextensions.k8s.io/v1'))
    throw new CallFailed(`expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got ${review.apiVersion || '/'}, Kind=${review.kind ?? ''}`)
  const { response } = review
  if (!response) throw new CallFailed('no response provided')
  for (const [field, isRight, goType] of [['uid', typeof response.uid === 'string', 'types.UID'], ['convertedObjects', Array.isArray(response.convertedObjects), '[]runtime.RawExtension'], ['result', isJsonObject(response.result), 'v1.Status']] as const) {
    const given = response[field]
    if (given !== undefined && given !== null && !isRight) throw new CallFailed(`json: cannot unmarshal ${jsonTypeOf(given)} into Go struct field ConversionResponse.response.${field} of type ${goType}`)
  }
  if (version === 'v1' && response.uid !== uid) throw new CallFailed(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`)
  if (response.result?.status !== 'Success') throw new CallFailed(response.result?.message || `response.result.status was '${response.result?.status ?? ''}', not 'Success'`)
  return response.convertedObjects ?? []
}

/** The converted object with the metadata that a webhook may not change. */
function checked(original: KubeObject, given: unknown, apiVersion: string, i: number): KubeObject {
  const bad = (why: string) => new ConversionFailed(`returned invalid object at index ${i}: ${why}`)
  if (!isJsonObject(given)) throw bad('must be an object')
  const converted = given as KubeObject
  if (!converted.kind || (typeof converted.apiVersion === 'string' && converted.apiVersion.split('/').length > 2)) throw failure(`Object 'Kind' is missing in '${JSON.stringify(given)}'`)
  if (converted.apiVersion !== apiVersion) throw bad(`invalid groupVersion (expected ${apiVersion}, received ${converted.apiVersion ?? ''})`)
  if (converted.kind !== original.kind) throw bad(`invalid kind (expected ${original.kind}, received ${converted.kind ?? ''})`)
  const metadata = converted.metadata as unknown
  const differs = (what: string, field: 'name' | 'namespace' | 'uid') => {
    const [before, after] = [original.metadata[field] ?? '', (isJsonObject(metadata) ? metadata[field] : undefined) ?? '']
    if (before !== after) throw new ConversionFailed(`returned invalid object: must have the same ${what}: ${before} != ${String(after)}`)
  }
  differs('name', 'name')
  differs('namespace', 'namespace')
  differs('UID', 'uid')
  const wrong = (why: string) => new ConversionFailed(`returned invalid metadata: ${why}`)
  if (metadata === undefined) throw wrong('missing metadata in converted object')
  if (!isJsonObject(metadata)) throw wrong('invalid metadata of type in converted object')
  const restored = thaw(original.metadata)
  for (const field of ['labels', 'annotations'] as const) {
    const values = metadata[field]
    if (values === undefined || values === null) {
      delete restored[field]
      continue
    }
    if (!isJsonObject(values)) throw wrong(`invalid metadata.${field} in converted object`)
    for (const [key, value] of Object.entries(values)) if (typeof value !== 'string') throw wrong(`metadata.${field}[${key}] must be a string, but is ${typeof value} in converted object`)
    const texts = values as Record<string, string>
    const findings: Finding[] = field === 'labels' ? validateLabels(texts, 'metadata.labels') : validateAnnotations(texts, 'metadata.annotation')
    if (findings.length > 0) throw wrong(findings.length === 1 ? findings[0]!.message : `[${findings.map((finding) => finding.message).join(', ')}]`)
    restored[field] = texts
  }
  return { ...converted, metadata: restored }
}
