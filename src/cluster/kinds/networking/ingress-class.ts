import { defineKind } from '../define-kind.ts'
import type { IngressClass } from '../generated/types.ts'

export const ingressClass = defineKind<IngressClass>({ group: 'networking.k8s.io', version: 'v1', resource: 'ingressclasses' })
