import { defineKind } from '../define-kind.ts'
import type { ServiceCIDR } from '../generated/types.ts'
import { specAndStatus } from '../strategies.ts'

export const serviceCIDR = defineKind<ServiceCIDR>({
  group: 'networking.k8s.io', version: 'v1', resource: 'servicecidrs',
  strategy: specAndStatus<ServiceCIDR>('io.k8s.api.networking.v1.ServiceCIDRStatus', { generation: false }),
  cells: { CIDRs: ({ spec }) => (spec?.cidrs ?? []).join(',') },
})
