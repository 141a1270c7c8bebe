import { defineKind } from '../define-kind.ts'
import type { MutatingWebhookConfiguration } from '../generated/types.ts'
import { literallyCountedGeneration } from '../strategies.ts'
import { validateWebhooks, validateWebhooksUpdate } from './validate-webhook.ts'
import { defaultWebhook } from './webhook-defaults.ts'

export const mutatingWebhookConfiguration = defineKind<MutatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io', version: 'v1', resource: 'mutatingwebhookconfigurations',
  defaults(draft) {
    for (const webhook of draft.webhooks ?? []) {
      defaultWebhook(webhook)
      webhook.reinvocationPolicy ??= 'Never'
    }
  },
  validate: ({ webhooks }) => validateWebhooks(webhooks),
  validateUpdate: ({ webhooks }, old) => validateWebhooksUpdate(webhooks, old.webhooks),
  strategy: { ...literallyCountedGeneration<MutatingWebhookConfiguration>('webhooks'), allowUnconditionalUpdate: false },
  cells: { Webhooks: (object) => object.webhooks?.length ?? 0 },
})
