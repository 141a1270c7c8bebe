import type { Ingress, IngressBackend } from '../../kinds/generated/types.ts'
import { certificateOf, serversOf } from './cluster-objects.ts'
import type { ClusterObjects } from './cluster-objects.ts'
import type { DynamicConfiguration, Sticky } from './configuration.ts'
import type { StickyCookie } from './crd-types.ts'
import { cookieName } from './names.ts'

export type Complain = (message: string, fields?: Readonly<Record<string, string>>) => void

export interface IngressProviderOptions {
  /** Only Ingresses of that class; empty: all that name one of Traefik's classes, its annotation, or none. */
  ingressClass: string
  allowsEmptyServices: boolean
}

const CONTROLLER = 'traefik.io/ingress-controller'
const PREFIX = 'traefik.ingress.kubernetes.io/'
const FOLLOWED = new Set(['router.entrypoints', 'router.middlewares', 'router.priority', 'router.tls', 'router.pathmatcher', 'router.rulesyntax'])
const FOLLOWED_OF_SERVICES = new Set(['serversscheme', 'passhostheader', 'sticky.cookie', 'sticky.cookie.name', 'sticky.cookie.secure', 'sticky.cookie.httponly', 'sticky.cookie.path', 'sticky.cookie.domain', 'sticky.cookie.maxage', 'sticky.cookie.samesite'])
const LAST = -(2 ** 31)

/** Whether an Ingress is Traefik's. k8s: shouldProcessIngress */
export function isTaken({ metadata: { annotations = {} }, spec }: Ingress, { ingressClasses }: ClusterObjects, ingressClass: string): boolean {
  if (spec.ingressClassName !== undefined) return [...ingressClasses.values()].some((each) => each.spec.controller === CONTROLLER && each.metadata.name === spec.ingressClassName && (ingressClass === '' || each.metadata.name === ingressClass))
  const annotated = annotations['kubernetes.io/ingress.class'] ?? ''
  return annotated === ingressClass || (ingressClass === '' && annotated === 'traefik')
}

/** Routers and services of Ingresses. k8s: traefik/pkg/provider/kubernetes/ingress loadConfigurationFromIngresses */
export function loadIngresses(objects: ClusterObjects, options: IngressProviderOptions, into: DynamicConfiguration, complain: Complain): void {
  for (const ingress of objects.ingresses.values()) {
    if (!isTaken(ingress, objects, options.ingressClass)) continue
    const { metadata: { name = '', namespace = '', annotations = {} }, spec } = ingress
    const of = { ingress: name, namespace }
    const unknown = Object.keys(annotations).find((key) => key.startsWith(PREFIX) && key.startsWith(`${PREFIX}router.`) && !FOLLOWED.has(key.slice(PREFIX.length)))
    if (unknown !== undefined) { complain('Failed to parse annotations', { ...of, error: `annotation ${unknown} is not supported by this build` }); continue }
    if (annotations[`${PREFIX}router.rulesyntax`] === 'v2') { complain('Failed to parse annotations', { ...of, error: 'rule syntax v2 is not supported by this build' }); continue }
    const own = (key: string) => annotations[`${PREFIX}router.${key}`] ?? ''
    const list = (key: string) => own(key).split(',').map((each) => each.trim()).filter(Boolean)
    const common = { entryPoints: list('entrypoints'), middlewares: list('middlewares'), tls: own('tls') === 'true' }
    for (const { secretName } of spec.tls ?? []) {
      if (!secretName) continue
      try { into.certificates.push(certificateOf(objects, namespace, secretName)) } catch (error) { complain('Error configuring TLS', { ...of, error: (error as Error).message }) }
    }
    const addService = (backend: IngressBackend, key: string): boolean => {
      const service = backend.service
      if (!service) { complain('Missing service definition', of); return false }
      const port = service.port?.name || service.port?.number || 0
      try {
        const found = serversOf(objects, namespace, service.name, port)
        if (found.servers.length === 0 && !options.allowsEmptyServices) { complain('Skipping service: no endpoints found', { ...of, serviceName: service.name, servicePort: String(port) }); return false }
        const given = found.service.metadata.annotations ?? {}
        const strange = Object.keys(given).find((name) => name.startsWith(`${PREFIX}service.`) && !FOLLOWED_OF_SERVICES.has(name.slice(`${PREFIX}service.`.length)))
        if (strange !== undefined) throw new Error(`annotation ${strange} is not supported by this build`)
        const annotation = (name: string) => given[`${PREFIX}service.${name}`]
        const cookie = (name: string) => annotation(`sticky.cookie.${name}`) ?? ''
        const sticky = annotation('sticky.cookie') === 'true' ? stickyCookie({ name: cookie('name'), secure: cookie('secure') === 'true', httpOnly: cookie('httponly') === 'true', path: cookie('path'), domain: cookie('domain'), maxAge: Number(cookie('maxage')) || 0, sameSite: cookie('samesite') }, key) : undefined
        into.services.set(key, { kind: 'servers', servers: found.servers, scheme: annotation('serversscheme') ?? found.scheme, passHostHeader: annotation('passhostheader') !== 'false', sticky })
        return true
      } catch (error) {
        complain('Cannot create service', { ...of, serviceName: service.name, servicePort: String(port), error: (error as Error).message })
        return false
      }
    }
    if (!spec.rules?.length && spec.defaultBackend) {
      if (into.services.has('default-backend@kubernetes')) complain('The default backend already exists.', of)
      else if (addService(spec.defaultBackend, 'default-backend@kubernetes')) into.routers.set('default-router@kubernetes', { ...common, name: 'default-router@kubernetes', rule: 'PathPrefix(`/`)', priority: LAST, service: 'default-backend@kubernetes' })
    }
    for (const { host = '', http } of spec.rules ?? []) {
      for (const { path = '', pathType, backend } of http?.paths ?? []) {
        if (!backend.service) { complain(backend.resource ? 'Resource backends are not supported' : 'Missing service definition', of); continue }
        const service = `${normalized(`${namespace}-${backend.service.name}-${backend.service.port?.name || backend.service.port?.number || ''}`)}@kubernetes`
        if (!addService(backend, service)) continue
        const matcher = pathType === 'Exact' ? 'Path' : pathType === 'Prefix' ? 'PathPrefix' : own('pathmatcher') || 'PathPrefix'
        const parts = [...host === '' ? [] : [host.startsWith('*.') ? `HostRegexp(\`^[a-zA-Z0-9-]+\\.${host.slice(2).replaceAll('.', '\\.')}$\`)` : `Host(\`${host}\`)`], ...path === '' ? [] : [`${matcher}(\`${path}\`)`]]
        const key = normalized(`${namespace}-${name}-${host}${path}`).replace(/^-/, '')
        let router = `${key}@kubernetes`
        for (let i = 1; into.routers.has(router) && into.routers.get(router)!.rule !== parts.join(' && '); i++) router = `${key}-${i}@kubernetes`
        into.routers.set(router, { ...common, name: router, rule: parts.length > 0 ? parts.join(' && ') : 'PathPrefix(`/`)', priority: Number(own('priority')) || 0, service })
      }
    }
  }
}

/** Letters and digits, with dashes between. k8s: provider.Normalize */
export function normalized(name: string): string {
  return name.split(/[^\p{L}\p{N}]+/u).filter(Boolean).join('-')
}

/** A cookie that keeps clients, with what it is where nothing is said. @param service for its name */
export function stickyCookie({ name, secure = false, httpOnly = false, path, domain = '', maxAge = 0, sameSite = '' }: StickyCookie, service: string): Sticky {
  return { cookie: name || cookieName(service), secure, httpOnly, path: path || '/', domain, maxAge, sameSite }
}
