/** Contour's own objects, as far as they are looked at. CRDs of projectcontour.io/v1. */
import type { ObjectMeta } from '../../kinds/generated/types.ts'

export interface MatchCondition {
  prefix?: string
  exact?: string
  regex?: string
  header?: { name: string; present?: boolean; notpresent?: boolean; contains?: string; notcontains?: string; exact?: string; notexact?: string; regex?: string; ignoreCase?: boolean; treatMissingAsEmpty?: boolean }
  queryParameter?: { name: string; exact?: string; prefix?: string; suffix?: string; regex?: string; contains?: string; present?: boolean; ignoreCase?: boolean }
}

export interface ProxyHeadersPolicy {
  set?: { name: string; value: string }[]
  remove?: string[]
}

export interface ProxyService {
  name: string
  port: number
  weight?: number
  protocol?: string
  validation?: { caSecret: string; subjectName: string; subjectNames?: string[] }
  requestHeadersPolicy?: ProxyHeadersPolicy
  responseHeadersPolicy?: ProxyHeadersPolicy
}

export interface IpFilter {
  source: 'Peer' | 'Remote'
  cidr: string
}

export interface ProxyRoute {
  conditions?: MatchCondition[]
  services?: ProxyService[]
  enableWebsockets?: boolean
  permitInsecure?: boolean
  timeoutPolicy?: { response?: string; idle?: string; idleConnection?: string }
  retryPolicy?: { count?: number; perTryTimeout?: string; retryOn?: string[]; retriableStatusCodes?: number[] }
  loadBalancerPolicy?: { strategy?: string; requestHashPolicies?: { headerHashOptions?: { headerName?: string }; queryParameterHashOptions?: unknown; hashSourceIP?: boolean; terminal?: boolean }[] }
  pathRewritePolicy?: { replacePrefix?: { prefix?: string; replacement: string }[] }
  requestHeadersPolicy?: ProxyHeadersPolicy
  responseHeadersPolicy?: ProxyHeadersPolicy
  requestRedirectPolicy?: { scheme?: string; hostname?: string; port?: number; statusCode?: number; path?: string; prefix?: string }
  directResponsePolicy?: { statusCode: number; body?: string }
  ipAllowPolicy?: IpFilter[]
  ipDenyPolicy?: IpFilter[]
}

export interface SubCondition {
  type: string
  status: 'True'
  reason: string
  message: string
}

export interface DetailedCondition {
  type: string
  status: 'True' | 'False'
  reason: string
  message: string
  observedGeneration: number
  lastTransitionTime: string
  errors?: SubCondition[]
  warnings?: SubCondition[]
}

export interface LoadBalancerStatus {
  ingress?: { ip?: string; hostname?: string; ports?: unknown[] }[]
}

export interface HttpProxy {
  apiVersion: string
  kind: string
  metadata: ObjectMeta & { name: string; namespace: string }
  spec: {
    virtualhost?: {
      fqdn?: string
      tls?: { secretName?: string; passthrough?: boolean; minimumProtocolVersion?: string; maximumProtocolVersion?: string; enableFallbackCertificate?: boolean; clientValidation?: unknown }
      ipAllowPolicy?: IpFilter[]
      ipDenyPolicy?: IpFilter[]
    }
    routes?: ProxyRoute[]
    includes?: { name: string; namespace?: string; conditions?: MatchCondition[] }[]
    tcpproxy?: unknown
    ingressClassName?: string
  }
  status?: { currentStatus?: string; description?: string; conditions?: DetailedCondition[]; loadBalancer?: LoadBalancerStatus }
}

export interface CertificateDelegation {
  metadata: ObjectMeta & { name: string; namespace: string }
  spec: { delegations: { secretName: string; targetNamespaces: string[] }[] }
}
