import { applyDefaults } from '../../kinds/defaults.ts'
import { DecodeError, decodeObject, parseBody, SyntaxProblem } from '../../kinds/decode.ts'
import type { Kind } from '../../kinds/kind.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { goJson, jsonKind } from '../../kinds/patch/go-format.ts'
import { JsonPatchError, type JsonPatchOperation, jsonPatched } from '../../kinds/patch/json-patch.ts'
import { semanticEqual } from '../../kinds/semantic-equal.ts'
import { apiError } from '../../kinds/status-error.ts'
import { goPackage } from '../patched-type.ts'
import { plainError } from '../registry.ts'
import { sortedTexts } from '../json-text.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin, Reader } from '../seams.ts'
import { attributesIn, kindOfBody, outOfVersion } from './admission-version.ts'
import { Reinvocable, reinvocationOf } from './reinvocation.ts'
import { replaceContents } from './replace-contents.ts'
import { type Permission, type WebhookParts, WebhookFailed, annotate, callWebhook, checkDeadline } from './webhook-call.ts'
import { type ConfiguredWebhook, type Invocation, configuredWebhooks, invocationOf } from './webhook-configuration.ts'

/** k8s: apiserver/pkg/admission/plugin/webhook/mutating */
export function mutatingWebhooks(parts: WebhookParts): AdmissionPlugin {
  return {
    name: 'MutatingAdmissionWebhook',
    mutate(attributes, context) {
      const webhooks = configuredWebhooks('mutating', attributes, context.reader)
      return webhooks.length === 0 ? undefined : mutate(webhooks, attributes, context, parts)
    },
  }
}

/** Asks one after the other; each sees what those before it changed. */
async function mutate(webhooks: readonly ConfiguredWebhook[], attributes: AdmissionAttributes, context: AdmissionContext, parts: WebhookParts): Promise<void> {
  const reinvocation = reinvocationOf(attributes)
  const reinvocable = Reinvocable.of('MutatingAdmissionWebhook', reinvocation)
  reinvocable.begin(attributes.object, reinvocation)
  let seen: { version: Kind; attributes: AdmissionAttributes; changed: boolean } | undefined
  const writeBack = async () => {
    if (!seen?.changed || !attributes.object) return
    replaceContents(attributes.object, await outOfVersion(seen.attributes.object!, seen.version, attributes.object, attributes))
    seen.changed = false
  }
  const inVersion = async (version: Kind) => {
    if (seen?.version !== version) {
      await writeBack()
      seen = { version, attributes: await attributesIn(version, attributes), changed: false }
    }
    return seen.attributes
  }
  const round = reinvocation.again ? 1 : 0
  for (const [i, webhook] of webhooks.entries()) {
    const { hook, configuration, id } = webhook
    const invocation = await invocationOf(webhook, seen?.attributes ?? attributes, attributes, context, inVersion)
    if (!invocation || (reinvocation.again && !reinvocable.isDue(id))) continue
    const before = await inVersion(invocation.version)
    const place = `round_${round}_index_${i}`
    let next: KubeObject | undefined
    let mutated = false
    let failure: unknown
    try {
      const permission = await callWebhook('mutating', invocation, before, context.reader, parts)
      const patch = patchOf(hook.name, permission)
      next = patch && patched(invocation, permission, patch, before, context.reader)
      if (next) {
        mutated = !semanticEqual(before.object, next)
        annotate(attributes, `patch.webhook.admission.k8s.io/${place}`, goJson({ configuration, webhook: hook.name, patch: patch!.map(sortedKeys), patchType: permission.patchType }), 'Request')
      }
    } catch (error) {
      failure = error
    }
    annotate(attributes, `mutation.webhook.admission.k8s.io/${place}`, JSON.stringify({ configuration, webhook: hook.name, mutated }))
    if (next) {
      if (attributes.subresource === '' || attributes.objectKind.kind === attributes.kind.kind) applyDefaults(invocation.version, next)
      seen = { version: invocation.version, attributes: { ...before, object: next }, changed: true }
    }
    if (mutated) reinvocable.changed(reinvocation)
    if (hook.reinvocationPolicy === 'IfNeeded') reinvocable.add(id)
    if (failure === undefined) continue
    if (!(failure instanceof WebhookFailed)) throw failure
    if (hook.failurePolicy !== 'Ignore') throw failure.refusal()
    annotate(attributes, `failed-open.mutation.webhook.admission.k8s.io/${place}`, hook.name)
    checkDeadline(attributes, parts.clock)
  }
  await writeBack()
  reinvocable.end(attributes.object)
}

/** @throws WebhookFailed for what isn't a patch */
function patchOf(name: string, { patch }: Permission): JsonPatchOperation[] | undefined {
  if (patch === '') return undefined
  const failed = (why: string) => new WebhookFailed(name, `received undecodable patch in webhook response: ${why}`)
  let operations: unknown
  try {
    operations = parseBody(patch, 'json').value
  } catch (error) {
    if (error instanceof SyntaxProblem) throw failed(error.message)
    throw error
  }
  if (operations === null) return undefined
  if (!Array.isArray(operations)) throw failed(`json: cannot unmarshal ${jsonKind(operations)} into Go value of type jsonpatch.Patch`)
  for (const operation of operations) if (operation !== null && (typeof operation !== 'object' || Array.isArray(operation))) throw failed(`json: cannot unmarshal ${jsonKind(operation)} into Go value of type jsonpatch.Operation`)
  return operations.length > 0 ? operations as JsonPatchOperation[] : undefined
}

/** The object with the patch applied, read as its kind. @throws StatusError, whatever the webhook's failure policy: the answer was a proper one */
function patched({ hook, version }: Invocation, { patchType }: Permission, patch: readonly JsonPatchOperation[], before: AdmissionAttributes, reader: Reader): KubeObject {
  if (!before.object) throw apiError.internal(`admission webhook ${JSON.stringify(hook.name)} attempted to modify the object, which is not supported for this operation`)
  if (patchType !== 'JSONPatch') throw new WebhookFailed(hook.name, `unsupported patch type ${JSON.stringify(patchType)}`)
  try {
    const value = jsonPatched(before.object, patch) as KubeObject
    const kind = kindOfBody(version, before)
    checkKind(value, before.object, kind, reader)
    if (before.operation !== 'CONNECT') value.metadata ??= {}
    return before.operation === 'CONNECT' ? value : decodeObject(kind, value).object
  } catch (error) {
    if (error instanceof JsonPatchError || error instanceof DecodeError) throw apiError.internal(error.message)
    throw error
  }
}

/** A patch may turn the object into another, which then can't be turned back. */
function checkKind(value: KubeObject, was: KubeObject, known: Kind, reader: Reader): void {
  const { apiVersion, kind } = value
  if (known.custom) {
    // Any kind is read; what it is to be is left to validation.
    if (!kind) throw apiError.internal(`Object 'Kind' is missing in '${sortedTexts.text(value)}'`)
    if (apiVersion !== was.apiVersion) throw plainError(`${apiVersion ?? ''}, Kind=${kind} is unstructured and is not suitable for converting to ${JSON.stringify(was.apiVersion)}`)
    return
  }
  const now = { apiVersion: apiVersion || was.apiVersion, kind: kind || was.kind }
  if (now.apiVersion === was.apiVersion && now.kind === was.kind) return
  const other = reader.kindOf(now.apiVersion, now.kind)
  if (!other) throw apiError.internal(`no kind ${JSON.stringify(now.kind)} is registered for version ${JSON.stringify(now.apiVersion)} in scheme "pkg/runtime/scheme.go:111"`)
  const group = was.apiVersion.includes('/') ? was.apiVersion.slice(0, was.apiVersion.indexOf('/')) : ''
  throw plainError(`converting (${other.version}.${other.kind}) to (${goPackage(group)}.${was.kind}): unknown conversion`)
}

function sortedKeys(operation: JsonPatchOperation): object {
  return operation && Object.fromEntries(Object.entries(operation).sort(([a], [b]) => (a < b ? -1 : 1)))
}
