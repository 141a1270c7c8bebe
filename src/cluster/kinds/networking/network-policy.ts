import { defineKind } from '../define-kind.ts'
import type { NetworkPolicy } from '../generated/types.ts'

export const networkPolicy = defineKind<NetworkPolicy>({ group: 'networking.k8s.io', version: 'v1', resource: 'networkpolicies' })
