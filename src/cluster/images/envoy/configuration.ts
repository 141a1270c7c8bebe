/** How a route looks at a path. A segment is a prefix that ends where a `/` or the path does. */
export interface PathMatch {
  kind: 'prefix' | 'segment' | 'exact' | 'regex'
  path: string
}

/** A condition on a request's header, or on a parameter of its query. */
export interface ValueMatch {
  name: string
  kind: 'present' | 'exact' | 'contains' | 'prefix' | 'suffix' | 'regex'
  value: string
  invert: boolean
  ignoreCase: boolean
  /** Whether a value that isn't there is compared like an empty one; otherwise only `present` can be inverted for it. */
  missingIsEmpty: boolean
}

/** What is done to the headers of requests or answers. Values may hold Envoy's variables, `%REQ(host)%`. */
export interface HeadersPolicy {
  set: Readonly<Record<string, string>>
  remove: readonly string[]
  /** Only of requests: the new Host, or the header that has it. */
  hostRewrite?: string
  hostRewriteHeader?: string
}

export interface RetryPolicy {
  /** Conditions such as `5xx`, `gateway-error`, `reset`, `connect-failure`, `retriable-4xx`, `retriable-status-codes`. */
  on: readonly string[]
  statusCodes: readonly number[]
  retries: number
  perTryTimeoutMs: number | undefined
}

export interface WeightedCluster {
  /** Of the {@link Cluster}. */
  name: string
  weight: number
  requestHeaders: HeadersPolicy | undefined
  responseHeaders: HeadersPolicy | undefined
}

/** How clients are kept at an endpoint: by a cookie that Envoy gives them. */
export interface AffinityCookie {
  name: string
}

export type RouteAction =
  | {
    kind: 'forward'
    clusters: readonly WeightedCluster[]
    prefixRewrite: string | undefined
    /** Until an answer is complete; undefined: for ever. */
    timeoutMs: number | undefined
    retry: RetryPolicy | undefined
    allowsUpgrade: boolean
    affinity: AffinityCookie | undefined
    /** Names of headers whose values decide the endpoint. */
    hashHeaders: readonly string[]
  }
  | { kind: 'redirect'; host: string; scheme: string; port: number; status: number; path: string | undefined; prefix: string | undefined }
  | { kind: 'answer'; status: number; body: string }

export interface Route {
  path: PathMatch
  headers: readonly ValueMatch[]
  query: readonly ValueMatch[]
  /** Plain requests are sent to HTTPS. */
  requiresTls: boolean
  requestHeaders: HeadersPolicy | undefined
  responseHeaders: HeadersPolicy | undefined
  /** Ranges of clients that may (or, by the flag, may not) come here. */
  addresses: { allow: boolean; ranges: readonly string[] } | undefined
  action: RouteAction
}

export interface VirtualHost {
  /** A name, `*.example.com`, or `*`. */
  domain: string
  /** In the order in which they are tried. */
  routes: readonly Route[]
}

export interface SecureVirtualHost extends VirtualHost {
  /** What clients are shown that ask for the domain. */
  certificatePem: string
  keyPem: string
}

export interface Cluster {
  name: string
  /** `address:port` each. */
  endpoints: readonly string[]
  tls: boolean
  /** Whom TLS backends must be signed by, and the name they must have; undefined: anybody will do. */
  validation: { caPem: string; subjectName: string } | undefined
  policy: 'RoundRobin' | 'Random' | 'WeightedLeastRequest' | 'Hash'
  connectTimeoutMs: number
}

/** All that an Envoy is told: what its listeners, routes, clusters, endpoints and secrets come to. */
export interface EnvoyConfiguration {
  /** Of the plain listener; without one it isn't opened. */
  http: readonly VirtualHost[]
  https: readonly SecureVirtualHost[]
  clusters: readonly Cluster[]
}
