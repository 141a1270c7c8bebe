import type { ConfigMap, EndpointSlice, Ingress, IngressClass, Secret, Service } from '../../kinds/generated/types.ts'
import { keyPairProblem } from '../../../base/key-pair.ts'
import { SubjectAlternativeNameExtension, X509Certificate } from '../../../base/x509.ts'
import { readyEndpoints } from '../front/service-endpoints.ts'
import type { ServerCertificate } from '../front/server-certificate.ts'
import type { GatewayObjects } from './gateway/gateway-context.ts'
import type { IngressRoute, Middleware, TraefikServiceObject } from './crd-types.ts'

/** What Traefik knows of the cluster, by `namespace/name`. */
export interface ClusterObjects {
  ingresses: ReadonlyMap<string, Ingress>
  ingressClasses: ReadonlyMap<string, IngressClass>
  services: ReadonlyMap<string, Service>
  /** By `namespace/name` of their Service. */
  slices: ReadonlyMap<string, readonly EndpointSlice[]>
  secrets: ReadonlyMap<string, Secret>
  configMaps: ReadonlyMap<string, ConfigMap>
  ingressRoutes: ReadonlyMap<string, IngressRoute>
  middlewares: ReadonlyMap<string, Middleware>
  traefikServices: ReadonlyMap<string, TraefikServiceObject>
  gatewayApi: GatewayObjects
}

/** The servers of a Service's port. @throws Error with Traefik's words. k8s: loadService, loadServers */
export function serversOf({ services, slices }: ClusterObjects, namespace: string, name: string, wanted: number | string): { service: Service; servers: string[]; scheme: string } {
  const service = services.get(`${namespace}/${name}`)
  if (!service) throw new Error('service not found')
  if (service.spec.type === 'ExternalName') throw new Error(`externalName services not allowed: ${namespace}/${name}`)
  const port = service.spec.ports?.find((each) => each.port === Number(wanted) || (each.name === wanted && wanted !== ''))
  if (!port) throw new Error('service port not found')
  const servers = readyEndpoints(slices.get(`${namespace}/${name}`) ?? [], (slice) => (slice.ports ?? []).flatMap((each) => ((each.name ?? '') === (port.name ?? '') && each.port ? [each.port] : [])))
  return { service, servers, scheme: port.port === 443 || port.name?.startsWith('https') ? 'https' : 'http' }
}

/** The certificate in a Secret. @throws Error with Traefik's words */
export function certificateOf({ secrets }: ClusterObjects, namespace: string, name: string): ServerCertificate {
  const key = `${namespace}/${name}`
  const secret = secrets.get(key)
  if (!secret) throw new Error(`secret ${key} does not exist`)
  const { 'tls.crt': certificate, 'tls.key': privateKey } = secret.data ?? {}
  const missing = [...certificate === undefined ? ['tls.crt'] : [], ...privateKey === undefined ? ['tls.key'] : []]
  if (missing.length > 0) throw new Error(`secret ${key} is missing the following TLS data entries: ${missing.join(', ')}`)
  const empty = [...certificate === '' ? ['tls.crt'] : [], ...privateKey === '' ? ['tls.key'] : []]
  if (empty.length > 0) throw new Error(`secret ${key} contains empty TLS data entries: ${empty.join(', ')}`)
  const [pem, keyPem] = [atob(certificate!), atob(privateKey!)]
  const problem = keyPairProblem(pem, keyPem)
  if (problem !== undefined) throw new Error(`unable to generate TLS certificate : ${problem}`)
  const read = new X509Certificate(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(pem)![0])
  const names = read.getExtension(SubjectAlternativeNameExtension)?.names.items.filter(({ type }) => type === 'dns' || type === 'ip').map(({ value }) => value) ?? []
  return { secret: key, pem, keyPem, names, commonName: read.subjectName.getField('CN')[0] ?? '', expiresMs: read.notAfter.getTime() }
}
