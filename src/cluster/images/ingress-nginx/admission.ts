import type { HttpRequest } from '../../../base/http.ts'
import type { Proc } from '../../../unix/types.ts'
import type { Ingress } from '../../kinds/generated/types.ts'
import { klog } from '../in-cluster/klog.ts'
import { ANNOTATION_PREFIX } from './annotation-table.ts'
import { AnnotationRefused, readAnnotations } from './annotations.ts'
import { CATCH_ALL, buildConfiguration } from './configuration.ts'
import type { IngressStore } from './ingress-store.ts'

interface AdmissionReview {
  apiVersion: string
  kind: string
  request?: { uid: string; kind: { group: string; version: string; kind: string }; name?: string; namespace?: string; object: Ingress }
}

const MAX_BODY_BYTES = 9 * 1024 ** 2
const DEPRECATED = ['enable-influxdb', 'influxdb-measurement', 'influxdb-port', 'influxdb-host', 'influxdb-server-name', 'secure-verify-ca-secret']
/** What could lead out of the server's configuration. k8s: ingress-nginx/internal/ingress/inspector */
const SUSPICIOUS = [/\s*alias\s*[^]*;/, /\s*root\s*[^]*;/, /\/etc\/(passwd|shadow|group|nginx|ingress-controller)/, /\/var\/run\/secrets/, /.*_by_lua.*/]

/** Answers the API server whether an Ingress may be as it is. k8s: ingress-nginx/internal/admission/controller */
export async function reviewIngress(proc: Proc, store: IngressStore, options: { deepInspect: boolean; disablesCatchAll: boolean; namespace: string }, request: HttpRequest): Promise<Response> {
  const body = await request.text()
  if (body.length >= MAX_BODY_BYTES) return new Response(null, { status: 413 })
  let review: AdmissionReview
  try { review = JSON.parse(body) as AdmissionReview } catch (error) {
    klog(proc, 'E', 'server.go:80', `"Failed to decode request body" err=${JSON.stringify((error as Error).message)}`)
    return new Response(null, { status: 400 })
  }
  const asked = review.request
  if (review.kind !== 'AdmissionReview' || !asked || asked.kind.group !== 'networking.k8s.io' || asked.kind.version !== 'v1' || asked.kind.kind !== 'Ingress') {
    klog(proc, 'E', 'server.go:87', `"failed to process webhook request" err="rejecting admission review because the request does not contain an Ingress resource"`)
    return new Response(null, { status: 500 })
  }
  const ingress = asked.object
  const shown = `ingress="${asked.namespace}/${asked.name ?? ingress.metadata.name}"`
  const warnings = ingress.metadata.deletionTimestamp ? [] : warningsOf(ingress)
  const problem = ingress.metadata.deletionTimestamp ? undefined : problemOf(proc, store, options, ingress)
  if (problem !== undefined) klog(proc, 'E', 'main.go:96', `"invalid ingress configuration" err=${JSON.stringify(problem)} ${shown}`)
  else klog(proc, 'I', 'main.go:107', `"successfully validated configuration, accepting" ${shown}`)
  const response = {
    uid: asked.uid, allowed: problem === undefined, ...(warnings.length > 0 ? { warnings } : {}),
    ...(problem === undefined ? {} : { status: { metadata: {}, status: 'Failure', message: problem, reason: 'BadRequest', code: 400 } }),
  }
  return new Response(JSON.stringify({ kind: 'AdmissionReview', apiVersion: review.apiVersion, request: asked, response }), { headers: { 'content-type': 'application/json' } })
}

/** k8s: CheckWarning */
function warningsOf(ingress: Ingress): string[] {
  const deprecated = Object.keys(ingress.metadata.annotations ?? {}).filter((key) => DEPRECATED.includes(key.replace(ANNOTATION_PREFIX, ''))).map((key) => `annotation ${key} is deprecated`)
  return [...deprecated, ...wrongPaths(ingress)]
}

/** Paths of a type that takes only plain ones. k8s: ValidatePathType */
function wrongPaths({ spec }: Ingress): string[] {
  return (spec.rules ?? []).flatMap((rule) => rule.http?.paths ?? [])
    .filter(({ path, pathType }) => path && pathType !== 'ImplementationSpecific' && !/^\/[A-Za-z0-9._\-/]*$/.test(path))
    .map(({ path, pathType }) => `path ${path} cannot be used with pathType ${pathType}`)
}

/** Why an Ingress is refused; undefined when it isn't. k8s: CheckIngress */
function problemOf(proc: Proc, store: IngressStore, { deepInspect, disablesCatchAll, namespace }: { deepInspect: boolean; disablesCatchAll: boolean; namespace: string }, ingress: Ingress): string | undefined {
  const { metadata, spec } = ingress
  const { global } = store
  const suspicion = deepInspect ? suspicionOf(ingress) : undefined
  if (suspicion !== undefined) return `invalid object: ${suspicion}`
  try { store.classOf(ingress) } catch (error) {
    klog(proc, 'W', 'controller.go:339', `ignoring ingress ${metadata.name} in ${metadata.namespace} based on annotation : ${(error as Error).message}`)
    return undefined
  }
  if (namespace !== '' && metadata.namespace !== namespace) {
    klog(proc, 'W', 'controller.go:344', `ignoring ingress ${metadata.name} in namespace ${metadata.namespace} different from the namespace watched ${namespace}`)
    return undefined
  }
  if (disablesCatchAll && spec.defaultBackend) return "this deployment is trying to create a catch-all ingress while DisableCatchAll flag is set to true. Remove '.spec.defaultBackend' or set DisableCatchAll flag to false"
  const wrong = global.strictPathTypes ? wrongPaths(ingress) : []
  if (wrong.length > 0) return `ingress contains invalid paths: ${wrong.join('\n')}`
  const words = global.annotationValueWordBlocklist.split(',').map((word) => word.trim()).filter(Boolean)
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    const word = key.startsWith(ANNOTATION_PREFIX) ? words.find((each) => value.includes(each)) : undefined
    if (word !== undefined) return `${key} annotation contains invalid word ${word}`
    if (!global.allowSnippets && key.endsWith('-snippet')) return `${key} annotation cannot be used. Snippet directives are disabled by the Ingress administrator`
  }
  try {
    const taken = { ingress, options: readAnnotations(ingress, store.annotationContext) }
    const others = store.ingresses().filter((each) => each.ingress.metadata.namespace !== metadata.namespace || each.ingress.metadata.name !== metadata.name)
    return overlapOf(ingress, buildConfiguration([...others, taken], store.source(() => {})))
  } catch (error) {
    if (error instanceof AnnotationRefused) return error.message
    throw error
  }
}

/** k8s: InspectIngress */
function suspicionOf({ metadata, spec }: Ingress): string | undefined {
  const of = `ingress ${metadata.namespace}/${metadata.name}`
  const check = (value: string | undefined, say: (text: string) => string) => (value !== undefined && SUSPICIOUS.some((pattern) => pattern.test(value)) ? say(`invalid value found: ${value}`) : undefined)
  for (const rule of spec.rules ?? []) {
    const host = check(rule.host || undefined, (text) => `invalid host in ${of}: ${text}`)
    if (host !== undefined) return host
    for (const { path } of rule.http?.paths ?? []) {
      const problem = check(path, (text) => `invalid rule in ${of}: invalid http path: ${text}`)
      if (problem !== undefined) return problem
    }
  }
  for (const { secretName, hosts } of spec.tls ?? []) {
    const problem = check(secretName, (text) => `invalid secret in ${of}: ${text}`) ?? hosts?.map((host) => check(host, (text) => `invalid host in ingress tls config ${metadata.namespace}/${metadata.name}: ${text}`)).find((text) => text !== undefined)
    if (problem !== undefined) return problem
  }
  return undefined
}

/** Another Ingress that has the same host and path, unless one of the two is the other's canary. k8s: checkOverlap */
function overlapOf({ metadata, spec }: Ingress, { servers }: ReturnType<typeof buildConfiguration>): string | undefined {
  const canaryOf = (annotations: Record<string, string> | undefined) => annotations?.[`${ANNOTATION_PREFIX}canary`]
  const mine = canaryOf(metadata.annotations)
  for (const rule of spec.rules ?? []) {
    const host = rule.host || CATCH_ALL
    for (const { path = '', backend } of rule.http?.paths ?? []) {
      if (!backend.service) continue
      const locations = servers.find(({ hostname }) => hostname === host)?.locations.filter((location) => location.path === (path || '/') && !location.isDefault) ?? []
      for (const { taken } of locations) {
        const other = taken?.ingress.metadata
        if (!other || (other.namespace === metadata.namespace && other.name === metadata.name)) continue
        const theirs = canaryOf(other.annotations)
        if ((mine === 'true' && theirs === 'true') || (mine === undefined && theirs === undefined)) return `host "${host}" and path "${path || '/'}" is already defined in ingress ${other.namespace}/${other.name}`
      }
    }
  }
  return undefined
}
