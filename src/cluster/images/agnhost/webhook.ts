import type { HttpRequest } from '../../../base/http.ts'
import type { Proc } from '../../../unix/types.ts'
import { goError, goFlags, goResponse, klog, untilKilled } from './go-server.ts'

/** What the webhooks read of a Kubernetes object. */
interface Reviewed {
  metadata?: { name?: string; labels?: Record<string, string> }
  data?: Record<string, string>
  spec?: { containers?: { name: string }[]; initContainers?: { name: string }[] }
  stdin?: boolean
  container?: string
}

interface AdmissionRequest {
  uid: string
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  name?: string
  resource: { group: string; version: string; resource: string }
  subResource?: string
  object: Reviewed | null
  oldObject: Reviewed | null
}

interface AdmissionResponse {
  allowed: boolean
  status?: { message?: string; reason?: string; status?: string; code?: number; metadata?: object }
  patch?: unknown[]
}

type Admit = (request: AdmissionRequest, proc: Proc, sidecarImage: string) => AdmissionResponse | Promise<AdmissionResponse>

const ALLOWED: AdmissionResponse = { allowed: true }
const denied = (message: string): AdmissionResponse => ({ allowed: false, status: { metadata: {}, message } })
const changed = (patch: unknown[]): AdmissionResponse => (patch.length > 0 ? { allowed: true, patch } : ALLOWED)
const DELAY_MS = 5_000

/** Refuses what carries the words of the test: unwanted data when written, undeletable data when deleted. */
function admitData(what: string): Admit {
  return ({ operation, object, oldObject }) => {
    const word = (operation === 'DELETE' ? oldObject : object)?.data?.['webhook-e2e-test']
    if (word === 'webhook-disallow' && (operation === 'CREATE' || operation === 'UPDATE')) return { allowed: false, status: { metadata: {}, reason: `the ${what} contains unwanted ${what === 'configmap' ? 'key and value' : 'data'}` } }
    if (word === 'webhook-nondeletable' && operation === 'DELETE') return { allowed: false, status: { metadata: {}, reason: `the ${what} cannot be deleted because it contains unwanted key and value` } }
    return ALLOWED
  }
}

/** Each call moves the object one stage on. */
const mutateData: Admit = ({ object }) => {
  const data = object?.data ?? {}
  const stage = data['mutation-stage-1'] === 'yes' ? 2 : data['mutation-start'] === 'yes' ? 1 : 0
  return changed(stage === 0 ? [] : [{ op: 'add', path: `/data/mutation-stage-${stage}`, value: 'yes' }])
}

/** By path. k8s: test/images/agnhost/webhook */
const ADMISSION: Readonly<Record<string, Admit>> = {
  '/always-allow-delay-5s': async (_request, proc) => {
    await proc.sleep(DELAY_MS)
    return { allowed: true, status: { metadata: {}, message: 'this webhook allows all requests' } }
  },
  '/always-deny': () => denied('this webhook denies all requests'),
  '/add-label': ({ object }) => {
    const labels = object?.metadata?.labels ?? {}
    if (Object.keys(labels).length === 0) return changed([{ op: 'add', path: '/metadata/labels', value: { 'added-label': 'yes' } }])
    if (labels['added-label'] === undefined) return changed([{ op: 'add', path: '/metadata/labels/added-label', value: 'yes' }])
    return changed(labels['added-label'] === 'yes' ? [] : [{ op: 'replace', path: '/metadata/labels/added-label', value: 'yes' }])
  },
  '/pods': ({ resource, object }) => {
    if (resource.resource !== 'pods') return denied('expect resource to be { v1 pods}')
    const word = object?.metadata?.labels?.['webhook-e2e-test']
    if (word === 'wait-forever') return new Promise(() => {})
    const found = [
      ...(word === 'webhook-disallow' ? ['the pod contains unwanted label;'] : []),
      ...(object?.spec?.containers ?? []).filter((container) => container.name.includes('webhook-disallow')).map(() => 'the pod contains unwanted container name;'),
    ]
    return found.length > 0 ? denied(found.join(' ')) : ALLOWED
  },
  '/pods/attach': ({ name, resource, subResource, object }) => {
    if (name !== 'to-be-attached-pod') return ALLOWED
    if (resource.resource !== 'pods') return denied(`expect resource to be { v1 pods}, got {${resource.group} ${resource.version} ${resource.resource}}`)
    if (subResource !== 'attach') return denied(`expect subresource to be attach, got ${subResource}`)
    return object?.stdin && object.container === 'container1' ? denied(`attaching to pod 'to-be-attached-pod' is not allowed`) : ALLOWED
  },
  '/mutating-pods': ({ object }) => {
    const isThere = object?.spec?.initContainers?.some((container) => container.name === 'webhook-added-init-container')
    return changed(object?.metadata?.name !== 'webhook-to-be-mutated' || isThere ? [] : [{ op: 'add', path: '/spec/initContainers', value: [{ image: 'webhook-added-image', name: 'webhook-added-init-container', resources: {} }] }])
  },
  '/mutating-pods-sidecar': ({ object }, _proc, image) => {
    if (image === '') return { allowed: false, status: { metadata: {}, status: 'Failure', message: 'No image specified by the sidecar-image parameter', code: 500 } }
    const isThere = object?.spec?.containers?.some((container) => container.name === 'webhook-added-sidecar')
    return changed(isThere ? [] : [{ op: 'add', path: '/spec/containers/-', value: { image, name: 'webhook-added-sidecar', resources: {} } }])
  },
  '/configmaps': admitData('configmap'),
  '/mutating-configmaps': mutateData,
  '/custom-resource': admitData('custom resource'),
  '/mutating-custom-resource': mutateData,
  '/crd': ({ object }) => (object?.metadata?.labels?.['webhook-e2e-test'] === 'webhook-disallow' ? denied('the crd contains unwanted label') : ALLOWED),
}

/** Answers AdmissionReviews as the conformance suite's webhooks do. */
export async function admissionWebhook(proc: Proc, args: readonly string[]): Promise<number> {
  const { flags } = goFlags(args, new Set(['alsologtostderr', 'logtostderr']))
  const log = verboseLog(proc, flags, 'main.go')
  return serveTls(proc, flags, async (request, path) => {
    const admit = ADMISSION[path]
    if (!admit) return undefined
    const body = await request.text()
    const type = request.headers.get('content-type')
    if (type !== 'application/json') {
      klog(proc, 'E', 'main.go:118', `contentType=${type ?? ''}, expect application/json`)
      return goResponse(proc, '')
    }
    log(`handling request: ${body}`)
    const review = parsed(body) as { apiVersion?: string; kind?: string; request?: AdmissionRequest } | undefined
    if (review?.kind !== 'AdmissionReview' || !/^admission\.k8s\.io\/v1(?:beta1)?$/.test(review.apiVersion ?? '') || !review.request) {
      const problem = review === undefined ? 'Request could not be decoded: invalid JSON' : `Unsupported group version kind: ${review.apiVersion}, Kind=${review.kind}`
      klog(proc, 'E', 'main.go:161', problem)
      return goError(proc, problem, 400)
    }
    const { patch, ...response } = await admit(review.request, proc, flags.get('sidecar-image') ?? '')
    const answer = JSON.stringify({
      kind: review.kind, apiVersion: review.apiVersion,
      response: { uid: review.request.uid, ...response, ...(patch ? { patch: btoa(JSON.stringify(patch)), patchType: 'JSONPatch' } : {}) },
    })
    log(`sending response: ${answer}`)
    return goResponse(proc, answer, { headers: { 'content-type': 'application/json' } })
  })
}

type Converted = Record<string, unknown> & { apiVersion: string }

/**
 * The example conversion: `hostPort` of v1 is `host` and `port` of v2. @throws Error with what is wrong with the object or the version
 * k8s: test/images/agnhost/crd-conversion-webhook/converter/example_converter.go
 */
function convert(object: Converted, wanted: string): Converted {
  if (wanted === object.apiVersion) throw new Error(`conversion from a version to itself should not call the webhook: ${wanted}`)
  const [v1, v2] = ['stable.example.com/v1', 'stable.example.com/v2']
  if (object.apiVersion !== v1 && object.apiVersion !== v2) throw new Error(`unexpected conversion version ${JSON.stringify(object.apiVersion)}`)
  if (wanted !== v1 && wanted !== v2) throw new Error(`unexpected conversion version ${JSON.stringify(wanted)}`)
  const { hostPort, host, port, ...rest } = object
  if (wanted === v2) {
    if (hostPort === undefined) return { ...object, apiVersion: wanted }
    const parts = String(hostPort).split(':')
    if (parts.length !== 2) throw new Error(`invalid hostPort value \`${String(hostPort)}\``)
    return { ...rest, apiVersion: wanted, host: parts[0], port: parts[1] }
  }
  return host === undefined && port === undefined ? { ...object, apiVersion: wanted } : { ...rest, apiVersion: wanted, hostPort: `${String(host ?? '')}:${String(port ?? '')}` }
}

/** Answers ConversionReviews of the custom resource that the conformance suite converts. */
export async function conversionWebhook(proc: Proc, args: readonly string[]): Promise<number> {
  const { flags } = goFlags(args, new Set(['alsologtostderr', 'logtostderr']))
  const log = verboseLog(proc, flags, 'framework.go')
  return serveTls(proc, flags, async (request, path) => {
    if (path !== '/crdconvert') return undefined
    const body = await request.text()
    log(`handling request: ${body}`)
    const review = parsed(body) as { apiVersion: string; kind: string; request: { uid: string; desiredAPIVersion: string; objects: Converted[] } } | undefined
    if (review === undefined) return goError(proc, `failed to deserialize body (${body}) with error invalid JSON`, 400)
    if (review.kind !== 'ConversionReview') return goError(proc, `Unsupported group version kind: ${review.apiVersion}, Kind=${review.kind}`, 400)
    const { uid, desiredAPIVersion, objects } = review.request
    let response: object
    try {
      response = { uid, convertedObjects: objects.map((object) => convert(object, desiredAPIVersion)), result: { metadata: {}, status: 'Success' } }
    } catch (error) {
      const { message } = error as Error
      klog(proc, 'E', 'framework.go:101', message)
      response = { uid, convertedObjects: null, result: { metadata: {}, status: 'Failure', message } }
    }
    const answer = JSON.stringify({ kind: review.kind, apiVersion: review.apiVersion, request: { uid: '', desiredAPIVersion: '', objects: null }, response })
    log(`sending response: ${answer}`)
    return goResponse(proc, answer, { headers: { 'content-type': 'application/json' } })
  })
}

/** Serves HTTPS with the certificate of the flags, `/readyz` included, until a signal comes. */
function serveTls(proc: Proc, flags: ReadonlyMap<string, string>, answer: (request: HttpRequest, path: string) => Promise<Response | undefined>): Promise<number> {
  const certificatePem = proc.fs.readText(flags.get('tls-cert-file') ?? '')
  const key = flags.get('tls-private-key-file')
  proc.net.listenHttp(Number(flags.get('port') ?? 443), async (request) => {
    const { pathname } = new URL(request.url)
    if (pathname === '/readyz') return goResponse(proc, 'ok')
    return await answer(request, pathname) ?? goError(proc, '404 page not found', 404)
  }, { tls: { certificatePem, ...(key && proc.fs.exists(key) ? { keyPem: proc.fs.readText(key) } : {}) } })
  return untilKilled(proc)
}

/** Logs at verbosity 2. */
function verboseLog(proc: Proc, flags: ReadonlyMap<string, string>, file: string): (text: string) => void {
  return Number(flags.get('v') ?? 0) >= 2 ? (text) => klog(proc, 'I', `${file}:124`, text) : () => {}
}

function parsed(text: string): unknown {
  try { return JSON.parse(text) } catch { return undefined }
}
