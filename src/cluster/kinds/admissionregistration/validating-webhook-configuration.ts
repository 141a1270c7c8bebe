import { defineKind } from '../define-kind.ts'
import type { ValidatingWebhookConfiguration } from '../generated/types.ts'
import { literallyCountedGeneration } from '../strategies.ts'
import { validateWebhooks, validateWebhooksUpdate } from './validate-webhook.ts'
import { defaultWebhook } from './webhook-defaults.ts'

export const validatingWebhookConfiguration = defineKind<ValidatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io', version: 'v1', resource: 'validatingwebhookconfigurations',
  defaults(draft) {
    for (const webhook of draft.webhooks ?? []) {
      defaultWebhook(webhook)
    }
  },
  validate: ({ webhooks }) => validateWebhooks(webhooks),
  validateUpdate: ({ webhooks }, old) => validateWebhooksUpdate(webhooks, old.webhooks),
  strategy: { ...literallyCountedGeneration<ValidatingWebhookConfiguration>('webhooks'), allowUnconditionalUpdate: false },
  cells: { Webhooks: (object) => object.webhooks?.length ?? 0 },
})
