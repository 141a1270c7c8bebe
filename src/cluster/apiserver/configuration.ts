import type { AuditOptions } from './audit/audit-log.ts'
import type { ImagePolicySettings } from './admission/image-policy-webhook.ts'
import type { PodSecuritySettings } from './admission/pod-security.ts'
import type { EncryptionRule } from './encryption/encryption-at-rest.ts'
import type { UserInfo } from './seams.ts'

export type AuthorizationMode = 'Node' | 'RBAC' | 'AlwaysAllow' | 'AlwaysDeny'

/** What can be changed of an API server from one start to the next: its flags. */
export interface ApiServerConfiguration {
  /** k8s: --anonymous-auth */
  anonymousAuth: boolean
  /** In the order in which they are asked. k8s: --authorization-mode */
  authorizationModes: readonly AuthorizationMode[]
  /** Admission plugins that are on besides those that are by default, and those that aren't though they are. */
  enabledPlugins: readonly string[]
  disabledPlugins: readonly string[]
  /** Who a token of --token-auth-file speaks for. */
  staticTokens: ReadonlyMap<string, UserInfo>
  /** First and last. k8s: --service-node-port-range */
  nodePorts: readonly [number, number]
  /** k8s: --event-ttl */
  eventTtlSeconds: number
  audit: AuditOptions | undefined
  /** Of --admission-control-config-file. */
  podSecurity: PodSecuritySettings | undefined
  imagePolicy: ImagePolicySettings | undefined
  /** k8s: --encryption-provider-config */
  encryption: readonly EncryptionRule[]
}

/** How kubeadm leaves it. */
export const KUBEADM_CONFIGURATION: ApiServerConfiguration = {
  anonymousAuth: true, authorizationModes: ['Node', 'RBAC'], enabledPlugins: ['NodeRestriction'], disabledPlugins: [], staticTokens: new Map(), nodePorts: [30000, 32767], eventTtlSeconds: 3_600, audit: undefined, podSecurity: undefined, imagePolicy: undefined, encryption: [],
}
