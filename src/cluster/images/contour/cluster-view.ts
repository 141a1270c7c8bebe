import { X509Certificate, SubjectAlternativeNameExtension } from '../../../base/x509.ts'
import { pemBlocks } from '../../../unix/openssl/keys.ts'
import type { EndpointSlice, Ingress, Secret, Service } from '../../kinds/generated/types.ts'
import { readyEndpoints, slicesByService } from '../front/service-endpoints.ts'
import type { CertificateDelegation, HttpProxy } from './http-proxy-types.ts'

/** What Contour knows of the cluster, by `namespace/name`. */
export interface ClusterObjects {
  ingresses: ReadonlyMap<string, Ingress>
  proxies: ReadonlyMap<string, HttpProxy>
  delegations: ReadonlyMap<string, CertificateDelegation>
  services: ReadonlyMap<string, Service>
  slices: ReadonlyMap<string, EndpointSlice>
  secrets: ReadonlyMap<string, Secret>
}

export type ServicePort = NonNullable<Service['spec']['ports']>[number]

/** A Secret of another namespace that nobody delegated. */
export class DelegationNotPermitted extends Error {}

const TLS_TYPES = ['kubernetes.io/tls', 'Opaque']

/** Looks things up for Ingresses and HTTPProxies, with Contour's words for what can't be used. k8s: contour/internal/dag KubernetesCache */
export class ClusterView {
  readonly #objects: ClusterObjects
  #slices: ReadonlyMap<string, readonly EndpointSlice[]> | undefined

  constructor(objects: ClusterObjects) {
    this.#objects = objects
  }

  get objects(): ClusterObjects { return this.#objects }

  /** @throws Error k8s: LookupService */
  service(key: string, wanted: number | string): { service: Service; port: ServicePort } {
    const service = this.#objects.services.get(key)
    if (!service) throw new Error(`service "${key}" not found`)
    const port = service.spec.ports?.find((each) => each.port === wanted || each.name === wanted)
    if (!port) throw new Error(`port "${wanted}" on service "${key}" not matched`)
    if ((port.protocol ?? 'TCP') !== 'TCP') throw new Error(`unsupported service protocol "${port.protocol}"`)
    if (service.spec.type === 'ExternalName') throw new Error(`${key} is an ExternalName service, these are not currently enabled. See the config.enableExternalNameService config file setting`)
    return { service, port }
  }

  endpoints(key: string, port: ServicePort): string[] {
    this.#slices ??= slicesByService(this.#objects.slices.values())
    return readyEndpoints(this.#slices.get(key) ?? [], ({ ports }) => (ports ?? []).flatMap((each) => ((each.protocol ?? 'TCP') === 'TCP' && (!port.name || each.name === port.name) && each.port ? [each.port] : [])))
  }

  /** Certificate and key of a Secret, for somebody in a namespace. @throws Error, DelegationNotPermitted. k8s: LookupTLSSecret */
  tlsSecret(key: string, forNamespace: string): { certificatePem: string; keyPem: string } {
    const { type, data = {} } = this.#secret(key, forNamespace)
    if (!TLS_TYPES.includes(type ?? 'Opaque')) throw new Error('secret type is not "kubernetes.io/tls" or "Opaque"')
    if (data['tls.crt'] === undefined) throw new Error('missing TLS certificate')
    const certificatePem = atob(data['tls.crt'])
    const certificate = certificateProblem(certificatePem)
    if (certificate !== undefined) throw new Error(`invalid TLS certificate: ${certificate}`)
    if (data['tls.key'] === undefined) throw new Error('missing TLS private key')
    const keyPem = atob(data['tls.key'])
    const privateKey = keyProblem(keyPem)
    if (privateKey !== undefined) throw new Error(`invalid TLS private key: ${privateKey}`)
    return { certificatePem, keyPem }
  }

  /** The authority in a Secret. @throws Error, DelegationNotPermitted. k8s: LookupCASecret */
  authority(key: string, forNamespace: string): string {
    const { type, data = {} } = this.#secret(key, forNamespace)
    if (!TLS_TYPES.includes(type ?? 'Opaque')) throw new Error('secret type is not "kubernetes.io/tls" or "Opaque"')
    if (!data['ca.crt']) throw new Error('empty "ca.crt" key')
    const pem = atob(data['ca.crt'])
    if (!/-----BEGIN CERTIFICATE-----/.test(pem)) throw new Error('invalid CA certificate bundle: failed to locate certificate')
    return pem
  }

  #secret(key: string, forNamespace: string): Secret {
    const [namespace, name] = key.split('/')
    const isDelegated = namespace === forNamespace || [...this.#objects.delegations.values()].some(({ metadata, spec }) => metadata.namespace === namespace && spec.delegations.some(({ secretName, targetNamespaces }) => secretName === name && (targetNamespaces.join() === '*' || targetNamespaces.includes(forNamespace))))
    if (!isDelegated) throw new DelegationNotPermitted('certificate delegation not permitted')
    const secret = this.#objects.secrets.get(key)
    if (!secret) throw new Error('Secret not found')
    return secret
  }
}

/** How a Service wants to be spoken to: by the port's protocol, or by its annotations. k8s: upstreamProtocol */
export function upstreamProtocol({ metadata: { annotations = {} } }: Service, { name = '', port, appProtocol }: ServicePort): string {
  if (appProtocol !== undefined) return ({ 'kubernetes.io/h2c': 'h2c', https: 'tls' } as Record<string, string>)[appProtocol] ?? ''
  return ['h2', 'h2c', 'tls'].find((protocol) => (annotations[`projectcontour.io/upstream-protocol.${protocol}`] ?? '').split(',').map((each) => each.trim()).some((each) => each !== '' && (each === name || each === String(port)))) ?? ''
}

/** k8s: validateServingBundle */
function certificateProblem(pem: string): string | undefined {
  const blocks = pemBlocks(pem)
  if (blocks.length === 0) return 'failed to locate certificate'
  for (const [i, { label, der }] of blocks.entries()) {
    if (label !== 'CERTIFICATE') return `unexpected block type '${label}'`
    let certificate: X509Certificate
    try { certificate = new X509Certificate(der) } catch { return 'x509: malformed certificate' }
    const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.items ?? []
    if (i === 0 && !certificate.subjectName.getField('CN')[0]?.trim() && !names.some(({ type }) => type === 'dns' || type === 'ip')) return 'certificate has no common name or subject alt name'
  }
  return undefined
}

/** k8s: validatePrivateKey */
function keyProblem(pem: string): string | undefined {
  let keys = 0
  for (const { label } of pemBlocks(pem)) {
    if (label === 'EC PARAMETERS') continue
    if (!['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY'].includes(label)) return `unexpected block type '${label}'`
    keys++
  }
  return keys === 0 ? 'failed to locate private key' : keys > 1 ? 'multiple private keys' : undefined
}
