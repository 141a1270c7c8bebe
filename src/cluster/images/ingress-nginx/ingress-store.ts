import type { ConfigMap, EndpointSlice, Ingress, IngressClass, Secret, Service } from '../../kinds/generated/types.ts'
import { ANNOTATION_PREFIX } from './annotation-table.ts'
import { AnnotationRefused, readAnnotations } from './annotations.ts'
import type { AnnotationContext } from './annotations.ts'
import type { ConfigurationSource, TakenIngress } from './configuration.ts'
import { readGlobalOptions } from './global-options.ts'
import type { GlobalOptions } from './global-options.ts'
import { certificateOfSecret } from './server-certificate.ts'
import type { ServerCertificate } from '../front/server-certificate.ts'

/** Which Ingresses are this controller's. */
export interface ClassSelection {
  /** `spec.controller` of its IngressClasses. */
  controller: string
  /** Value of the old annotation. */
  annotation: string
  withoutClass: boolean
  byName: boolean
}

/** What the controller's log says of changes; levels and places as its own. */
export interface StoreLog {
  info(at: string, text: string): void
  warn(at: string, text: string): void
  error(at: string, text: string): void
}

export interface IngressStoreOptions {
  selection: ClassSelection
  isStrict: boolean
  /** Only Ingresses of this namespace; all when empty. */
  namespace: string
  disablesCatchAll: boolean
  defaultService: string
  /** `namespace/name` of the ConfigMap with the options. */
  configMap: string
  /** Those with Services for ports of TCP and UDP. */
  streamConfigMaps: Readonly<Record<'TCP' | 'UDP', string>>
  defaultCertificateSecret: string
  fakeCertificate: ServerCertificate
  nowMs(): number
  log: StoreLog
  /** Something changed that the server's configuration may depend on. */
  onChange(): void
  /** An event is due. */
  onEvent(about: { kind: string; apiVersion: string; metadata: Ingress['metadata'] }, type: 'Normal' | 'Warning', reason: string, message: string): void
}

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'
/** Secrets that an Ingress names. k8s: updateSecretIngressMap */
function secretsOf({ metadata, spec }: Ingress): string[] {
  const login = metadata.annotations?.[`${ANNOTATION_PREFIX}auth-secret`]
  return [...(spec.tls ?? []).flatMap(({ secretName }) => secretName ?? []), ...(login ? [login] : [])].map((name) => (name.includes('/') ? name : `${metadata.namespace}/${name}`))
}

const keyOf = ({ namespace, name }: Ingress['metadata']) => `${namespace}/${name}`

/** The controller's view of the cluster, kept by its watches. k8s: ingress-nginx/internal/ingress/controller/store */
export class IngressStore {
  readonly #options: IngressStoreOptions
  readonly #classes = new Map<string, IngressClass>()
  readonly #all = new Map<string, Ingress>()
  readonly #taken = new Map<string, TakenIngress>()
  readonly #services = new Map<string, Service>()
  readonly #slices = new Map<string, Map<string, EndpointSlice>>()
  readonly #secrets = new Map<string, Secret>()
  readonly #certificates = new Map<string, ServerCertificate>()
  readonly #configMaps = new Map<string, ConfigMap>()
  #global: GlobalOptions

  constructor(options: IngressStoreOptions) {
    this.#options = options
    this.#global = readGlobalOptions({}, options.isStrict)
  }

  get global(): GlobalOptions { return this.#global }
  get annotationContext(): AnnotationContext { return { global: this.#global, secret: (key) => this.#secrets.get(key) } }
  configMap(key: string): ConfigMap | undefined { return this.#configMaps.get(key) }

  /** Oldest first; of one age the last name. */
  ingresses(): TakenIngress[] {
    const key = ({ ingress }: TakenIngress) => keyOf(ingress.metadata)
    const age = ({ ingress }: TakenIngress) => ingress.metadata.creationTimestamp ?? ''
    return [...this.#taken.values()].sort((a, b) => (age(a) < age(b) ? -1 : age(a) > age(b) ? 1 : key(a) > key(b) ? -1 : 1))
  }

  /** @param warn gets what is wrong with what Ingresses name, for the log */
  source(warn: ConfigurationSource['warn']): ConfigurationSource {
    const { defaultService, defaultCertificateSecret, fakeCertificate, nowMs } = this.#options
    return {
      service: (key) => this.#services.get(key), slices: (key) => [...this.#slices.get(key)?.values() ?? []], certificate: (key) => this.#certificates.get(key),
      defaultCertificate: this.#certificates.get(defaultCertificateSecret) ?? fakeCertificate, defaultService, nowMs: nowMs(), warn,
    }
  }

  /** The class by which an Ingress is this controller's (`_`: by having none). @throws Error where it isn't */
  classOf({ metadata, spec }: Ingress): string {
    const { selection } = this.#options
    if (spec.ingressClassName !== undefined) {
      if (!this.#classes.has(spec.ingressClassName)) throw new Error(`no object matching key "${spec.ingressClassName}" in local store`)
      return spec.ingressClassName
    }
    const annotated = metadata.annotations?.[CLASS_ANNOTATION]
    if (annotated !== undefined) {
      if (annotated !== selection.annotation) throw new Error('ingress class annotation is not equal to the expected by Ingress Controller')
      return annotated
    }
    if (selection.withoutClass) return '_'
    throw new Error('ingress does not contain a valid IngressClass')
  }

  setIngressClass(name: string, object: IngressClass | undefined): void {
    const { selection, log, onChange } = this.#options
    const shown = `ingressclass="${name}"`
    if (object) {
      const isByName = selection.byName && name === selection.annotation
      if (isByName) log.info('store.go:534', `"adding ingressclass as ingress-class-by-name is configured" ${shown}`)
      if (!isByName && object.spec.controller !== selection.controller) {
        log.info('store.go:538', `"ignoring ingressclass as the spec.controller is not the same of this ingress" ${shown}`)
        return
      }
      this.#classes.set(name, object)
    } else if (!this.#classes.delete(name)) return
    onChange()
  }

  setIngress(key: string, object: Ingress | undefined): void {
    const { namespace, log } = this.#options
    if (namespace !== '' && !key.startsWith(`${namespace}/`)) return
    const before = this.#all.get(key)
    if (object) this.#all.set(key, object)
    else this.#all.delete(key)
    if (!object) { if (before) this.#remove(key, before); return }
    if (before && before.metadata.resourceVersion === object.metadata.resourceVersion) return
    const shown = `ingress="${key}"`
    const problemOf = (ingress: Ingress) => { try { this.classOf(ingress); return undefined } catch (error) { return (error as Error).message } }
    const problem = problemOf(object)
    if (!before) {
      if (problem !== undefined) {
        log.info('store.go:439', `"Ignoring ingress because of error while validating ingress class" ${shown} error=${JSON.stringify(problem)}`)
        return
      }
      log.info('store.go:443', `"Found valid IngressClass" ${shown} ingressclass=${JSON.stringify(this.classOf(object))}`)
    } else if (problem !== undefined) {
      if (!this.#taken.has(key)) return
      log.info('store.go:492', `"removing ingress because of unknown ingressclass" ${shown}`)
      this.#remove(key, before)
      return
    } else if (problemOf(before) !== undefined) log.info('store.go:489', `"creating ingress" ${shown} ingressclass=${JSON.stringify(this.classOf(object))}`)
    if (object.spec.defaultBackend && this.#options.disablesCatchAll) {
      log.info('store.go:452', `"Ignoring add for catch-all ingress because of --disable-catch-all" ${shown}`)
      return
    }
    this.#options.onEvent({ kind: 'Ingress', apiVersion: 'networking.k8s.io/v1', metadata: object.metadata }, 'Normal', 'Sync', 'Scheduled for sync')
    this.#take(key, object)
    for (const { secretName } of object.spec.tls ?? []) if (secretName) this.#readCertificate(`${object.metadata.namespace}/${secretName}`)
    this.#options.onChange()
  }

  setSecret(key: string, object: Secret | undefined): void {
    const before = this.#secrets.get(key)
    if (object) this.#secrets.set(key, object)
    else this.#secrets.delete(key)
    if (before && object && before.metadata.resourceVersion === object.metadata.resourceVersion) return
    if (key === this.#options.defaultCertificateSecret) this.#readCertificate(key)
    if (!object) this.#certificates.delete(key)
    const users = [...this.#taken.values()].filter(({ ingress }) => secretsOf(ingress).includes(key))
    if (users.length === 0) return
    const what = !object ? '"secret was deleted and it is used in ingress annotations. Parsing"' : before ? '"secret was updated and it is used in ingress annotations. Parsing"' : '"Secret was added and it is used in ingress annotations. Parsing"'
    this.#options.log.info(!object ? 'store.go:690' : before ? 'store.go:648' : 'store.go:614', `${what} secret="${key}"`)
    if (object) this.#readCertificate(key)
    for (const { ingress } of users) this.#take(keyOf(ingress.metadata), ingress)
    this.#options.onChange()
  }

  setService(key: string, object: Service | undefined): void {
    const before = this.#services.get(key)
    if (object) this.#services.set(key, object)
    else this.#services.delete(key)
    // The others are told of by their endpoints.
    if ((before && object) || (object ?? before)?.spec.type === 'ExternalName') this.#options.onChange()
  }

  setSlice(key: string, object: EndpointSlice | undefined): void {
    let before: EndpointSlice | undefined
    for (const [service, slices] of this.#slices) {
      before = slices.get(key)
      if (!before) continue
      slices.delete(key)
      if (slices.size === 0) this.#slices.delete(service)
      break
    }
    const name = object?.metadata.labels?.['kubernetes.io/service-name']
    if (object && name) {
      const service = `${object.metadata.namespace}/${name}`
      const slices = this.#slices.get(service) ?? new Map<string, EndpointSlice>()
      this.#slices.set(service, slices.set(key, object))
    }
    if (!before || !object || JSON.stringify(before.endpoints) !== JSON.stringify(object.endpoints)) this.#options.onChange()
  }

  setConfigMap(key: string, object: ConfigMap | undefined): void {
    const { configMap, isStrict, onChange, onEvent } = this.#options
    const before = this.#configMaps.get(key)
    if (object) this.#configMaps.set(key, object)
    else this.#configMaps.delete(key)
    if (!object || (before && before.metadata.resourceVersion === object.metadata.resourceVersion)) return
    if (key !== configMap) {
      if (Object.values(this.#options.streamConfigMaps).includes(key)) onEvent({ kind: 'ConfigMap', apiVersion: 'v1', metadata: object.metadata }, 'Normal', before ? 'UPDATE' : 'CREATE', `ConfigMap ${key}`)
      else if (key !== this.#global.proxyHeadersConfigMap && key !== this.#global.responseHeadersConfigMap) return
      onChange()
      return
    }
    onEvent({ kind: 'ConfigMap', apiVersion: 'v1', metadata: object.metadata }, 'Normal', before ? 'UPDATE' : 'CREATE', `ConfigMap ${key}`)
    this.#global = readGlobalOptions(object.data, isStrict)
    for (const each of [...this.#taken.keys()]) this.#take(each, this.#all.get(each)!)
    onChange()
  }

  #remove(key: string, before: Ingress): void {
    try { this.classOf(before) } catch (error) {
      this.#options.log.info('store.go:406', `"Ignoring ingress because of error while validating ingress class" ingress="${key}" error=${JSON.stringify((error as Error).message)}`)
      if (!this.#taken.has(key)) return
    }
    this.#taken.delete(key)
    this.#options.onChange()
  }

  /** Reads the annotations; an Ingress whose annotations aren't accepted stays as it was. k8s: syncIngress */
  #take(key: string, ingress: Ingress): void {
    const { log, onEvent } = this.#options
    for (const word of this.#global.annotationValueWordBlocklist.split(',').filter(Boolean)) {
      const bad = Object.entries(ingress.metadata.annotations ?? {}).find(([name, value]) => name.startsWith(ANNOTATION_PREFIX) && value.includes(word))
      if (bad) return log.warn('store.go:927', `skipping ingress ${key}: ${bad[0]} annotation contains invalid word ${word}`)
    }
    try {
      const options = readAnnotations(ingress, { ...this.annotationContext, warn: (text) => log.warn('validators.go:244', text) })
      if (options.denied !== undefined) {
        log.error('annotations.go:216', `"error reading Ingress annotation" err=${JSON.stringify(options.denied)} ingress="${key}"`)
        onEvent({ kind: 'Ingress', apiVersion: 'networking.k8s.io/v1', metadata: ingress.metadata }, 'Warning', 'AnnotationParsingFailed', `Error parsing annotations: ${options.denied}`)
      }
      this.#taken.set(key, { ingress, options })
    } catch (error) {
      if (!(error instanceof AnnotationRefused)) throw error
      log.error('store.go:951', error.message)
    }
  }

  #readCertificate(key: string): void {
    const { log } = this.#options
    const secret = this.#secrets.get(key)
    try {
      if (!secret) throw new Error(`no object matching key "${key}" in local store`)
      const certificate = certificateOfSecret(secret)
      const known = this.#certificates.get(key)
      if (!certificate || known?.pem === certificate.pem) return
      log.info(known ? 'backend_ssl.go:59' : 'backend_ssl.go:67', `"${known ? 'Updating secret in local store' : 'Adding secret to local store'}" name="${key}"`)
      this.#certificates.set(key, certificate)
    } catch (error) {
      log.warn('backend_ssl.go:47', `Error obtaining X.509 certificate: ${(error as Error).message}`)
    }
  }
}
