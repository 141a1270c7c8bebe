import { defineKind } from '../define-kind.ts'
import type { MutatingWebhookConfiguration } from '../generated/types.ts'

export const mutatingWebhookConfiguration = defineKind<MutatingWebhookConfiguration>({ group: 'admissionregistration.k8s.io', version: 'v1', resource: 'mutatingwebhookconfigurations' })
