import { errorText } from '../../../unix/errno.ts'
import type { Proc } from '../../../unix/types.ts'
import type { SecretFile } from '../envoy/bootstrap.ts'
import { kingpinFlags } from './flags.ts'
import { logrus } from './log.ts'

/** `contour bootstrap`: writes the file that Envoy begins with. k8s: contour/internal/envoy/v3/bootstrap.go */
export async function bootstrap(proc: Proc, args: readonly string[]): Promise<number> {
  const { flags, rest: [path] } = kingpinFlags(args, new Set(['admin-address', 'envoy-cafile', 'envoy-cert-file', 'envoy-key-file', 'namespace', 'resources-dir', 'xds-address', 'xds-port', 'xds-resource-version', 'log-format', 'dns-lookup-family']), new Set(), new Set(['admin-port', 'debug', 'overload-max-heap', 'overload-downstream-max-conn']))
  for (const [name, value] of [['log-format', 'text'], ['dns-lookup-family', 'auto'], ['xds-resource-version', 'v3']] as const) flags.only(name, value)
  if (path === undefined) { await proc.stderr.write("contour: error: required argument 'path' not provided, try --help\n"); return 1 }
  const files = { certificate: flags.text('envoy-cert-file', proc.env.ENVOY_CERT_FILE ?? ''), key: flags.text('envoy-key-file', proc.env.ENVOY_KEY_FILE ?? ''), authority: flags.text('envoy-cafile', proc.env.ENVOY_CAFILE ?? '') }
  const named = Object.values(files).filter((file) => file !== '')
  const fail = (error: string) => { logrus(proc, 'fatal', 'failed to write bootstrap configuration', { error }); return 1 }
  if (named.length > 0 && named.length < 3) return fail('you must supply all TLS parameters - "--envoy-cafile", "--envoy-cert-file", "--envoy-key-file", or none of them')
  const resources = flags.text('resources-dir')
  try {
    for (const file of named) if (proc.fs.stat(file).sizeBytes === 0) return fail(`"${file}" is empty`)
    const sds = { certificate: `${resources}/sds/xds-tls-certificate.json`, validation: `${resources}/sds/xds-validation-context.json` }
    if (named.length > 0) {
      if (resources === '') return fail('--resources-dir must be given for certificates')
      proc.fs.mkdir(`${resources}/sds`, { recursive: true })
      const write = (file: string, secret: SecretFile['resources'][number]) => proc.fs.writeFile(file, JSON.stringify({ resources: [{ '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret', ...secret }] }))
      write(sds.certificate, { tls_certificate: { certificate_chain: { filename: files.certificate }, private_key: { filename: files.key } } })
      write(sds.validation, { validation_context: { trusted_ca: { filename: files.authority } } })
    }
    proc.fs.writeFile(path, `${JSON.stringify(configurationOf(flags.text('namespace', proc.env.CONTOUR_NAMESPACE || 'projectcontour'), flags.text('xds-address', '127.0.0.1'), Number(flags.text('xds-port', '8001')), flags.text('admin-address', '/admin/admin.sock'), named.length > 0 ? sds : undefined), undefined, 2)}\n`)
    return 0
  } catch (error) {
    if (proc.killed.aborted) throw error
    return fail(errorText(error))
  }
}

function configurationOf(namespace: string, address: string, port: number, admin: string, sds: { certificate: string; validation: string } | undefined): unknown {
  const source = (path: string) => ({ sds_config: { path_config_source: { path }, resource_api_version: 'V3' } })
  const discovery = { api_config_source: { api_type: 'GRPC', transport_api_version: 'V3', grpc_services: [{ envoy_grpc: { cluster_name: 'contour', authority: 'contour' } }] }, resource_api_version: 'V3' }
  const at = <T>(value: T) => ({ endpoints: [{ lb_endpoints: [{ endpoint: { address: value } }] }] })
  const resources = {
    static_resources: {
      clusters: [
        {
          name: 'contour', alt_stat_name: `${namespace}_contour_${port}`, type: 'STRICT_DNS', connect_timeout: '5s', load_assignment: { cluster_name: 'contour', ...at({ socket_address: { address, port_value: port } }) },
          ...sds ? { transport_socket: { name: 'envoy.transport_sockets.tls', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', common_tls_context: { tls_certificate_sds_secret_configs: [{ name: 'contour_xds_tls_certificate', ...source(sds.certificate) }], combined_validation_context: { validation_context_sds_secret_config: { name: 'contour_xds_tls_validation_context', ...source(sds.validation) } } } } } } : {},
        },
        { name: 'envoy-admin', alt_stat_name: `${namespace}_envoy-admin_9001`, type: 'STATIC', connect_timeout: '0.250s', load_assignment: { cluster_name: 'envoy-admin', ...at({ pipe: { path: admin, mode: 420 } }) } },
      ],
    },
    admin: { access_log: [{ name: 'envoy.access_loggers.file', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog', path: '/dev/null' } }], address: { pipe: { path: admin, mode: 420 } } },
  }
  return { ...resources, dynamic_resources: { lds_config: discovery, cds_config: discovery } }
}
