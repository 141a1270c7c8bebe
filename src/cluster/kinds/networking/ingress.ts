import { defineKind } from '../define-kind.ts'
import type { Ingress } from '../generated/types.ts'

export const ingress = defineKind<Ingress>({ group: 'networking.k8s.io', version: 'v1', resource: 'ingresses' })
