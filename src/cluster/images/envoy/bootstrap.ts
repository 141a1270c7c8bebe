/** What Envoy begins with: where it is told the rest, and where its own page is. The form is that of its API, as far as it is read. */
export interface Bootstrap {
  static_resources: {
    clusters: { name: string; load_assignment: { endpoints: { lb_endpoints: { endpoint: { address: { socket_address?: { address: string; port_value: number }; pipe?: { path: string } } } }[] }[] }; transport_socket?: { typed_config: { common_tls_context: TlsContext } } }[]
  }
  admin: { address: { pipe?: { path: string } } }
}

interface TlsContext {
  tls_certificate_sds_secret_configs: { sds_config: { path_config_source: { path: string } } }[]
  combined_validation_context: { validation_context_sds_secret_config: { sds_config: { path_config_source: { path: string } } } }
}

/** A file with a secret: the paths of a certificate and its key, or of an authority. */
export interface SecretFile {
  resources: { tls_certificate?: { certificate_chain: { filename: string }; private_key: { filename: string } }; validation_context?: { trusted_ca: { filename: string } } }[]
}

/** Where the configuration comes from, as the bootstrap says it. */
export interface Management {
  address: string
  port: number
  files: { certificate: string; key: string; authority: string } | undefined
}

/** @throws Error for a file that says nothing usable */
export function managementOf({ static_resources: { clusters } }: Bootstrap, read: (path: string) => string): Management {
  const cluster = clusters.find(({ name }) => name === 'contour')
  const at = cluster?.load_assignment.endpoints[0]?.lb_endpoints[0]?.endpoint.address.socket_address
  if (!cluster || !at) throw new Error("envoy.config.bootstrap: cluster 'contour' has no address")
  const context = cluster.transport_socket?.typed_config.common_tls_context
  if (!context) return { address: at.address, port: at.port_value, files: undefined }
  const secret = (path: string) => (JSON.parse(read(path)) as SecretFile).resources[0]!
  const pair = secret(context.tls_certificate_sds_secret_configs[0]!.sds_config.path_config_source.path).tls_certificate!
  const authority = secret(context.combined_validation_context.validation_context_sds_secret_config.sds_config.path_config_source.path).validation_context!
  return { address: at.address, port: at.port_value, files: { certificate: pair.certificate_chain.filename, key: pair.private_key.filename, authority: authority.trusted_ca.filename } }
}
