import { ingressAddresses } from '../cells.ts'
import { defineKind } from '../define-kind.ts'
import type { Ingress } from '../generated/types.ts'
import { ingressIpWarnings } from '../ip.ts'
import { specAndStatus } from '../strategies.ts'
import { ingressWarnings, validateIngress, validateIngressStatus, validateIngressUpdate } from './validate-ingress.ts'

export const ingress = defineKind<Ingress>({
  group: 'networking.k8s.io', version: 'v1', resource: 'ingresses',
  validate: validateIngress,
  validateUpdate: validateIngressUpdate,
  validateStatusUpdate: validateIngressStatus,
  strategy: {
    ...specAndStatus<Ingress>('io.k8s.api.networking.v1.IngressStatus'),
    warningsOnCreate: ingressWarnings,
    warningsOnStatusUpdate: ingressIpWarnings,
  },
  cells: {
    Class: ({ spec }) => spec?.ingressClassName ?? '<none>',
    Hosts({ spec }) {
      const rules = spec?.rules ?? []
      const hosts: string[] = []
      let more = false
      for (const rule of rules) {
        if (hosts.length === 3) more = true
        if (!more && rule.host) hosts.push(rule.host)
      }
      if (hosts.length === 0) return '*'
      return more ? `${hosts.join(',')} + ${rules.length - 3} more...` : hosts.join(',')
    },
    Address: ({ status }) => ingressAddresses(status?.loadBalancer?.ingress),
    Ports: ({ spec }) => (spec?.tls?.length ? '80, 443' : '80'),
  },
})
