import { defineKind } from '../define-kind.ts'
import type { ServiceCIDR } from '../generated/types.ts'

export const serviceCIDR = defineKind<ServiceCIDR>({ group: 'networking.k8s.io', version: 'v1', resource: 'servicecidrs' })
