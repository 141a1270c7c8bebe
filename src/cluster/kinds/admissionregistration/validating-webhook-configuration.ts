import { defineKind } from '../define-kind.ts'
import type { ValidatingWebhookConfiguration } from '../generated/types.ts'

export const validatingWebhookConfiguration = defineKind<ValidatingWebhookConfiguration>({ group: 'admissionregistration.k8s.io', version: 'v1', resource: 'validatingwebhookconfigurations' })
