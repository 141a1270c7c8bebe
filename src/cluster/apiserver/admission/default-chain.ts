import type { Clock } from '../../../base/clock.ts'
import type { Random } from '../../../base/random.ts'
import type { RbacAuthorizer } from '../auth/rbac-authorizer.ts'
import type { AdmissionPlugin, ClusterDialer, Reader } from '../seams.ts'
import type { ApiServerConfiguration } from '../configuration.ts'
import { EARLY_PLUGINS, LATE_PLUGINS } from './optional-plugins.ts'
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.ts'
import { defaultIngressClass } from './default-ingress-class.ts'
import { defaultStorageClass } from './default-storage-class.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { limitRanger } from './limit-ranger.ts'
import { mutatingAdmissionPolicy } from './mutating-admission-policy.ts'
import { mutatingWebhooks } from './mutating-webhooks.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { nodeDeclaredFeatureValidator } from './node-declared-feature-validator.ts'
import { nodeRestriction } from './node-restriction.ts'
import { persistentVolumeClaimResize } from './persistent-volume-claim-resize.ts'
import { admissionPolicySource } from './policy-evaluation.ts'
import { podResizeValidator } from './pod-resize.ts'
import { podSecurity } from './pod-security.ts'
import { podTopologyLabels } from './pod-topology-labels.ts'
import { priority } from './priority.ts'
import { rbacEscalation } from './rbac-escalation.ts'
import { resourceQuota } from './resource-quota.ts'
import { runtimeClass } from './runtime-class.ts'
import { serviceAccount } from './service-account.ts'
import { storageObjectInUseProtection } from './storage-object-in-use-protection.ts'
import { taintNodesByCondition } from './taint-nodes-by-condition.ts'
import { validatingAdmissionPolicy } from './validating-admission-policy.ts'
import { validatingWebhooks } from './validating-webhooks.ts'

export interface DefaultAdmissionOptions {
  reader: Reader
  rbac: RbacAuthorizer
  clock: Clock
  /** For generated names. */
  random: Random
  /** How webhooks are reached. */
  dialer?: ClusterDialer | undefined
}

/** What is no plugin of upstream's, and so always there. */
const ALWAYS = new Set(['RBACEscalation'])

/** Those of all plugins that a configuration wants. NodeRestriction is off by default, as upstream. */
export function configuredPlugins(all: readonly AdmissionPlugin[], { enabledPlugins, disabledPlugins }: Pick<ApiServerConfiguration, 'enabledPlugins' | 'disabledPlugins'>): readonly AdmissionPlugin[] {
  const isOn = (name: string, byDefault: boolean) => enabledPlugins.includes(name) || (byDefault && !disabledPlugins.includes(name))
  return [
    ...EARLY_PLUGINS.filter(({ name }) => isOn(name, false)),
    ...all.filter(({ name }) => ALWAYS.has(name) || isOn(name, name !== 'NodeRestriction')),
    ...LATE_PLUGINS.filter(({ name }) => isOn(name, false)),
  ]
}

/** The plugins that are on by default, and NodeRestriction as kubeadm adds it, in upstream's order. k8s: pkg/kubeapiserver/options/plugins.go AllOrderedPlugins */
export function defaultAdmission({ reader, rbac, clock, random, dialer }: DefaultAdmissionOptions): readonly AdmissionPlugin[] {
  const hooks = { clock, random: random.fork('webhooks'), dialer }
  return [
    namespaceLifecycle,
    limitRanger,
    serviceAccount({ random, clock }),
    nodeRestriction,
    taintNodesByCondition,
    podSecurity,
    priority,
    defaultTolerationSeconds,
    defaultStorageClass,
    storageObjectInUseProtection,
    persistentVolumeClaimResize,
    runtimeClass,
    certificateApproval,
    certificateSigning,
    certificateSubjectRestriction,
    defaultIngressClass,
    podTopologyLabels,
    nodeDeclaredFeatureValidator,
    podResizeValidator,
    mutatingAdmissionPolicy(admissionPolicySource('mutating', reader, clock)),
    mutatingWebhooks(hooks),
    validatingAdmissionPolicy(admissionPolicySource('validating', reader, clock)),
    validatingWebhooks(hooks),
    resourceQuota(),
    rbacEscalation(rbac),
  ]
}
