import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from '../seams.ts'
import type { Kind } from '../../kinds/kind.ts'
import { attributesIn } from './admission-version.ts'
import { type WebhookParts, WebhookFailed, annotate, callWebhook, checkDeadline } from './webhook-call.ts'
import { type ConfiguredWebhook, type Invocation, configuredWebhooks, invocationOf } from './webhook-configuration.ts'

/** k8s: apiserver/pkg/admission/plugin/webhook/validating */
export function validatingWebhooks(parts: WebhookParts): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionWebhook',
    validate(attributes, context) {
      const webhooks = configuredWebhooks('validating', attributes, context.reader)
      return webhooks.length === 0 ? undefined : validate(webhooks, attributes, context, parts)
    },
  }
}

/** Asks all at once and waits for all; the refusal that came first counts. */
async function validate(webhooks: readonly ConfiguredWebhook[], attributes: AdmissionAttributes, context: AdmissionContext, parts: WebhookParts): Promise<void> {
  const versions = new Map<Kind, AdmissionAttributes>()
  const inVersion = async (version: Kind) => {
    const known = versions.get(version)
    if (known) return known
    const made = await attributesIn(version, attributes)
    versions.set(version, made)
    return made
  }
  const invocations: Invocation[] = []
  for (const webhook of webhooks) {
    const invocation = await invocationOf(webhook, attributes, attributes, context, inVersion)
    if (!invocation) continue
    await inVersion(invocation.version)
    invocations.push(invocation)
  }
  const refusals: unknown[] = []
  await Promise.all(invocations.map(async (invocation, i) => {
    const { hook } = invocation
    try {
      await callWebhook('validating', invocation, versions.get(invocation.version)!, context.reader, parts)
    } catch (error) {
      if (error instanceof WebhookFailed && hook.failurePolicy === 'Ignore') annotate(attributes, `failed-open.validating.webhook.admission.k8s.io/round_0_index_${i}`, hook.name)
      else refusals.push(error instanceof WebhookFailed ? error.refusal() : error)
    }
  }))
  if (refusals.length > 0) throw refusals[0]
  checkDeadline(attributes, parts.clock)
}
