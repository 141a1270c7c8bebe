import { deepEqual } from '../../../base/freeze.ts'
import { ingressAddresses } from '../cells.ts'
import { defineKind } from '../define-kind.ts'
import type { Service } from '../generated/types.ts'
import { ingressIpWarnings } from '../ip.ts'
import { labelsText } from '../label-selector.ts'
import { labelName } from '../names.ts'
import { keep, zeroOfType } from '../strategies.ts'
import { serviceWarnings, validateService, validateServiceStatus, validateServiceUpdate } from './validate-service.ts'

export const service = defineKind<Service>({
  group: '', version: 'v1', resource: 'services',
  nameRule: labelName,
  defaults: defaultService,
  validate: validateService,
  validateUpdate: validateServiceUpdate,
  validateStatusUpdate: validateServiceStatus,
  strategy: {
    warningsOnCreate: serviceWarnings,
    warningsOnUpdate: serviceWarnings,
    warningsOnStatusUpdate: ingressIpWarnings,
    allowCreateOnUpdate: true,
    beforeCreate(draft) {
      draft.status = zeroOfType('io.k8s.api.core.v1.ServiceStatus')
    },
    beforeUpdate(draft, old) {
      keep(draft, old, 'status')
      dropTypeDependentFields(draft, old)
    },
    beforeStatusUpdate(draft, old) {
      keep(draft, old, 'spec')
    },
  },
  cells: {
    Type: ({ spec }) => spec.type ?? '',
    'Cluster-IP': ({ spec }) => spec.clusterIPs?.[0] || '<none>',
    'External-IP': externalAddresses,
    'Port(s)': ({ spec }) => (spec.ports ?? []).map((port) => (port.nodePort ? `${port.port}:${port.nodePort}/${port.protocol}` : `${port.port}/${port.protocol}`)).join(',') || '<none>',
    Selector: ({ spec }) => labelsText(spec.selector),
  },
  selectableFields: (object) => ({ 'spec.clusterIP': object.spec.clusterIP ?? '', 'spec.type': object.spec.type ?? '' }),
})

/** k8s: pkg/apis/core/v1 SetDefaults_Service */
export function defaultService({ spec, status }: Service): void {
  spec.sessionAffinity ??= 'None'
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
  else if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: 10800 } }
  spec.type ??= 'ClusterIP'
  for (const port of spec.ports ?? []) {
    port.protocol ??= 'TCP'
    if (!port.targetPort) port.targetPort = port.port
  }
  if (isExternallyAccessible({ spec })) spec.externalTrafficPolicy ??= 'Cluster'
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster'
  if (spec.type === 'LoadBalancer') {
    spec.allocateLoadBalancerNodePorts ??= true
    for (const ingress of status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP'
  }
}

/** Whether traffic may come from outside the cluster. k8s: pkg/api/v1/service ExternallyAccessible */
export function isExternallyAccessible({ spec }: Pick<Service, 'spec'>): boolean {
  return spec.type === 'LoadBalancer' || spec.type === 'NodePort' || (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0)
}

function externalAddresses({ spec, status }: Readonly<Service>): string {
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return spec.externalIPs?.length ? spec.externalIPs.join(',') : '<none>'
    case 'LoadBalancer': {
      const all = [...ingressAddresses(status?.loadBalancer?.ingress).split(',').filter(Boolean), ...(spec.externalIPs ?? [])]
      return all.join(',') || '<pending>'
    }
    case 'ExternalName':
      return spec.externalName ?? ''
    default:
      return '<unknown>'
  }
}

/** A change of type makes some fields meaningless; those the user left alone go. k8s: pkg/registry/core/service dropTypeDependentFields */
function dropTypeDependentFields(draft: Service, old: Readonly<Service>): void {
  const spec = draft.spec
  const before = old.spec
  const needsNodePort = (type: string | undefined) => type === 'NodePort' || type === 'LoadBalancer'
  const needsHealthPort = (of: Service['spec']) => of.type === 'LoadBalancer' && of.externalTrafficPolicy === 'Local'
  if (before.type !== 'ExternalName' && spec.type === 'ExternalName') {
    if (before.clusterIP === spec.clusterIP && deepEqual(before.clusterIPs, spec.clusterIPs)) {
      delete spec.clusterIP
      delete spec.clusterIPs
    }
    if (deepEqual(before.ipFamilies, spec.ipFamilies)) delete spec.ipFamilies
    if (before.ipFamilyPolicy === spec.ipFamilyPolicy) delete spec.ipFamilyPolicy
  }
  if (needsNodePort(before.type) && !needsNodePort(spec.type)) {
    const known = new Set((before.ports ?? []).map((port) => port.nodePort ?? 0))
    if ((spec.ports ?? []).every((port) => !port.nodePort || known.has(port.nodePort))) for (const port of spec.ports ?? []) delete port.nodePort
  }
  if (needsHealthPort(before) && !needsHealthPort(spec) && before.healthCheckNodePort === spec.healthCheckNodePort) delete spec.healthCheckNodePort
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (before.allocateLoadBalancerNodePorts === spec.allocateLoadBalancerNodePorts) delete spec.allocateLoadBalancerNodePorts
    if (before.loadBalancerClass === spec.loadBalancerClass) delete spec.loadBalancerClass
  }
  if (isExternallyAccessible(old) && !isExternallyAccessible(draft) && before.externalTrafficPolicy === spec.externalTrafficPolicy) delete spec.externalTrafficPolicy
  if (spec.type !== 'LoadBalancer' && Object.keys(draft.status?.loadBalancer ?? {}).length > 0) draft.status = { ...draft.status, loadBalancer: {} }
}
