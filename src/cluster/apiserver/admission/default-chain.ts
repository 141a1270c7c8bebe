import type { Random } from '../../../base/random.ts'
import type { RbacAuthorizer } from '../auth/rbac-authorizer.ts'
import type { AdmissionPlugin } from '../seams.ts'
import { rbacEscalation } from './rbac-escalation.ts'

export interface DefaultAdmissionOptions {
  rbac: RbacAuthorizer
  /** For generated names. */
  random: Random
}

/** The plugins that are on by default, and NodeRestriction as kubeadm adds it, in upstream's order. k8s: pkg/kubeapiserver/options/plugins.go AllOrderedPlugins */
export function defaultAdmission({ rbac }: DefaultAdmissionOptions): readonly AdmissionPlugin[] {
  return [
    rbacEscalation(rbac),
  ]
}
