import type { ServerCertificate } from '../front/server-certificate.ts'
import type { MiddlewareSpec } from './crd-types.ts'

export interface Router {
  /** `namespace-name-...@provider` */
  name: string
  entryPoints: readonly string[]
  rule: string
  /** Zero: by the length of the rule. */
  priority: number
  middlewares: readonly string[]
  service: string
  /** Served over TLS, and only so. */
  tls: boolean
}

/** The cookie that keeps clients at a server. */
export interface Sticky {
  cookie: string
  secure: boolean
  httpOnly: boolean
  path: string
  domain: string
  /** Seconds; zero: as long as the client likes. */
  maxAge: number
  sameSite: string
}

/** One of several services. */
export interface WeightedService {
  name: string
  weight: number
  /** Answered without asking anybody: what the name stands for can't be had. */
  status?: number
  /** The same, as gRPC's outcome. */
  grpc?: { code: number; message: string }
}

/** Whom servers' certificates must be of, and by whom. */
export interface BackendTls {
  serverName: string
  /** PEM; empty: those that everybody trusts. */
  authorities: string
}

/** Where requests go: servers, or other services by weight. */
export type TraefikService =
  | { kind: 'servers'; scheme: string; servers: readonly string[]; passHostHeader: boolean; sticky: Sticky | undefined; middlewares?: readonly string[]; tls?: BackendTls }
  | { kind: 'weighted'; services: readonly WeightedService[]; sticky: Sticky | undefined }

/** All that the providers come to. */
export interface DynamicConfiguration {
  routers: Map<string, Router>
  services: Map<string, TraefikService>
  /** By full name, with the namespace in which their Secrets are. */
  middlewares: Map<string, { namespace: string; spec: MiddlewareSpec }>
  certificates: ServerCertificate[]
}
