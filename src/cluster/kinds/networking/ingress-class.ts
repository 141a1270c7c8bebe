import { defineKind } from '../define-kind.ts'
import type { IngressClass } from '../generated/types.ts'
import { countedGeneration } from '../strategies.ts'
import { validateIngressClass, validateIngressClassUpdate } from './validate-ingress.ts'

export const ingressClass = defineKind<IngressClass>({
  group: 'networking.k8s.io', version: 'v1', resource: 'ingressclasses',
  defaults({ spec }) {
    if (spec?.parameters) spec.parameters.scope ??= 'Cluster'
  },
  validate: validateIngressClass,
  validateUpdate: validateIngressClassUpdate,
  strategy: countedGeneration<IngressClass>('spec'),
  cells: {
    Name: ({ metadata }) => (metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true' ? `${metadata.name} (default)` : metadata.name),
    Controller: ({ spec }) => spec?.controller ?? '',
    Parameters({ spec }) {
      const parameters = spec?.parameters
      return parameters ? `${parameters.kind}${parameters.apiGroup !== undefined ? `.${parameters.apiGroup}` : ''}/${parameters.name}` : '<none>'
    },
  },
})
