import { base64Of, bytesOfBase64 } from '../../../base/base64.ts'
import { ALGORITHM, YEAR_MS, generateKeys, privateKeyPem, serialOf } from '../../../base/certificates.ts'
import { httpResponse } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { pemOf } from '../../../base/pem.ts'
import * as x509 from '../../../base/x509.ts'
import { ProcessKilled, UnixError } from '../../../unix/types.ts'
import type { Proc, TlsServerOptions } from '../../../unix/types.ts'
import { parseAllYaml } from './yaml-documents.ts'
import { goLog } from '../agnhost/go-server.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'
import { StatusError } from '../../kinds/status-error.ts'
import { html } from '../web/html.ts'
import type { Html } from '../web/html.ts'
import { readCookies, readForm } from '../web/read-form.ts'
import { KINDS, MENU, pathOf } from './kinds.ts'
import type { DashboardKind, KubeObject } from './kinds.ts'
import { createPage, framed, link, listCard, loginPage, logsPage, objectPage } from './pages.ts'
import type { Frame, Usage } from './pages.ts'
import { COOKIE, Sessions } from './session.ts'

const KEY_HOLDER = 'kubernetes-dashboard-key-holder'
const CSRF = 'kubernetes-dashboard-csrf'
const VALUES = new Set(['namespace', 'port', 'insecure-port', 'bind-address', 'insecure-bind-address', 'token-ttl', 'default-cert-dir', 'sidecar-host', 'metrics-provider', 'metric-client-check-period', 'authentication-mode', 'system-banner', 'system-banner-severity', 'apiserver-host', 'kubeconfig', 'tls-cert-file', 'tls-key-file', 'heapster-host', 'certificate-authority', 'auto-generate-certificates', 'enable-skip-login', 'enable-insecure-login', 'disable-settings-authorizer'])
/** Flags that nothing follows here. */
const MISSING = ['default-cert-dir', 'system-banner-severity', 'apiserver-host', 'kubeconfig', 'tls-cert-file', 'tls-key-file', 'heapster-host', 'certificate-authority', 'system-banner', 'sidecar-host']
const MEMORY_BYTES = 22 * 2 ** 20

/** The web UI's server. k8s: kubernetes/dashboard src/app/backend dashboard.go */
export async function dashboard(proc: Proc): Promise<number> {
  const flags = new Map(proc.argv.slice(1).map((argument) => { const [name = '', ...value] = argument.replace(/^--?/, '').split('='); return [name, value.length > 0 ? value.join('=') : 'true'] }))
  for (const name of flags.keys()) {
    if (!VALUES.has(name)) { await proc.stderr.write(`unknown flag: --${name}\n`); return 2 }
    if (MISSING.includes(name)) { await proc.stderr.write(`unsupported flag: --${name} does nothing in this dashboard\n`); return 2 }
  }
  const modes = (flags.get('authentication-mode') ?? 'token').split(',')
  if (modes.some((mode) => mode !== 'token')) { await proc.stderr.write(`unsupported flag: --authentication-mode=${flags.get('authentication-mode')}: only token is known to this dashboard\n`); return 2 }
  const provider = flags.get('metrics-provider') ?? 'sidecar'
  if (provider !== 'sidecar' && provider !== 'none') { await proc.stderr.write(`unsupported flag: --metrics-provider=${provider}: this dashboard knows sidecar and none\n`); return 2 }
  const checkSeconds = Number(flags.get('metric-client-check-period') ?? 30)
  const namespace = flags.get('namespace') ?? 'kube-system'
  const log = (text: string) => goLog(proc, text)
  const own = clusterClient(proc, 'dashboard/v2.7.0')
  proc.useMemory(MEMORY_BYTES)
  proc.useCpuSteadily(1)
  log('Starting overwatch')
  log(`Using namespace: ${namespace}`)
  log('Using in-cluster config to connect to apiserver')
  log('Using secret token for csrf signing')
  let secret: Uint8Array
  try {
    log(`Initializing csrf token from ${CSRF} secret`)
    if (await sharedBytes(proc, own, namespace, CSRF, 'csrf', () => log(`Empty token. Generating and storing in a secret ${CSRF}`)) === undefined) return 2
    const version = await apiCall<{ gitVersion: string }>(own, 'GET', '/version')
    log(`Successful initial request to the apiserver, version: ${version.gitVersion}`)
    const key = await sharedBytes(proc, own, namespace, KEY_HOLDER, 'priv', () => log('Generating JWE encryption key'))
    if (key === undefined) return 2
    secret = key
    log(`New synchronizer has been registered: ${KEY_HOLDER}-${namespace}. Starting`)
    log(`Starting secret synchronizer for ${KEY_HOLDER} in namespace ${namespace}`)
    log('Initializing JWE encryption key from synchronized object')
  } catch (error) {
    if (error instanceof ProcessKilled || !(error instanceof UnixError || error instanceof StatusError)) throw error
    await proc.stderr.write(`panic: ${error.message}\n\ngoroutine 1 [running]:\n`)
    return 2
  }
  const checks = (async () => {
    if (provider === 'none') return
    log('Creating in-cluster Sidecar client')
    for (;;) {
      try {
        await text(await own.fetch(`/api/v1/namespaces/${namespace}/services/dashboard-metrics-scraper/proxy/healthz`))
        log('Successful request to sidecar')
        return
      } catch (error) {
        if (error instanceof ProcessKilled) throw error
        log(`Metric client health check failed: ${(error as Error).message}. Retrying in ${checkSeconds} seconds.`)
      }
      await proc.sleep(checkSeconds * 1000)
    }
  })()
  checks.catch(() => {})
  const ui = new Dashboard(proc, own, new Sessions(proc, secret, Number(flags.get('token-ttl') ?? 900) * 1000), { namespace, maySkip: flags.get('enable-skip-login') === 'true', hasMetrics: provider !== 'none' })
  const handler = (request: HttpRequest) => ui.respond(request)
  if (flags.get('auto-generate-certificates') === 'true') {
    log('Auto-generating certificates')
    const tls = await proc.clock.outside(selfSigned(proc.net.hostname, proc.clock.nowMs()))
    log('Successfully created certificates')
    const port = Number(flags.get('port') ?? 8443)
    proc.net.listenHttp(port, handler, { tls })
    log(`Serving securely on HTTPS port: ${port}`)
  } else {
    const port = Number(flags.get('insecure-port') ?? 9090)
    proc.net.listenHttp(port, handler)
    log(`Serving insecurely on HTTP port: ${port}`)
  }
  await proc.signal('SIGTERM', 'SIGINT')
  return 0
}

/** Random bytes that replicas share in a Secret. @throws StatusError */
async function sharedBytes(proc: Proc, client: ClusterClient, namespace: string, name: string, field: string, onMake: () => void): Promise<Uint8Array | undefined> {
  const path = `/api/v1/namespaces/${namespace}/secrets/${name}`
  const secret = await apiCall<KubeObject & { data?: Record<string, string> }>(client, 'GET', path)
  const kept = secret.data?.[field]
  if (kept !== undefined && kept !== '') return bytesOfBase64(kept)
  onMake()
  const bytes = await proc.clock.outside(crypto.subtle.exportKey('raw', await proc.clock.outside(crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']))))
  const made = base64Of(new Uint8Array(bytes))
  await apiCall(client, 'PUT', path, { ...secret, data: { ...secret.data, [field]: made } })
  return bytesOfBase64(made)
}

async function selfSigned(host: string, nowMs: number): Promise<TlsServerOptions> {
  const keys = await generateKeys()
  const notBefore = new Date(Math.floor(nowMs / 1000) * 1000)
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: await serialOf(await crypto.subtle.exportKey('spki', keys.publicKey)), name: [{ CN: [host] }], keys, signingAlgorithm: ALGORITHM, notBefore, notAfter: new Date(notBefore.getTime() + YEAR_MS),
    extensions: [new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true), new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]), new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }])],
  })
  return { certificatePem: pemOf('CERTIFICATE', new Uint8Array(made.rawData)), keyPem: await privateKeyPem(keys.privateKey) }
}

/** A text answer. @throws StatusError, or Error for what isn't a Status */
async function text(response: Response): Promise<string> {
  const body = await response.text()
  if (response.status < 400) return body
  let status
  try { status = JSON.parse(body) as StatusError['status'] } catch { throw new Error(body.trim()) }
  throw new StatusError(status)
}

class Dashboard {
  readonly #proc: Proc
  readonly #own: ClusterClient
  readonly #sessions: Sessions
  readonly #options: { namespace: string; maySkip: boolean; hasMetrics: boolean }

  constructor(proc: Proc, own: ClusterClient, sessions: Sessions, options: { namespace: string; maySkip: boolean; hasMetrics: boolean }) {
    this.#proc = proc
    this.#own = own
    this.#sessions = sessions
    this.#options = options
  }

  /** Requests as whoever has the token; as the dashboard's own account for who skipped the login. */
  #as(token: string): ClusterClient {
    return token === '' ? this.#own : { fetch: (path, init = {}) => { const headers = new Headers(init.headers); headers.set('authorization', `Bearer ${token}`); return this.#own.fetch(path, { ...init, headers }) } }
  }

  async respond(request: HttpRequest): Promise<Response> {
    this.#proc.useCpu(4e6)
    const url = new URL(request.url)
    const page = (body: string, status = 200, more: Record<string, string> = {}) => httpResponse(request.method === 'HEAD' ? null : body, { status, headers: new Headers({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache, no-store, must-revalidate', ...more }) })
    try {
      if (url.pathname.startsWith('/api/v1/')) return await this.#api(request, url)
      if (url.pathname !== '/') return page('404 page not found\n', 404, { 'content-type': 'text/plain; charset=utf-8' })
      const form = await readForm(request)
      const view = url.searchParams.get('view') ?? 'workloads'
      const seal = (token: string) => this.#sessions.seal(token)
      if (view === 'login' && request.method === 'POST') {
        const token = form.get('action') === 'skip' && this.#options.maySkip ? '' : (form.get('token') ?? '').trim()
        if (token === '' && !(form.get('action') === 'skip' && this.#options.maySkip)) return page(loginPage('Please enter a token.', this.#options.maySkip), 401)
        const problem = await this.#tokenProblem(token)
        if (problem !== undefined) return page(loginPage(problem, this.#options.maySkip), 401)
        return page('', 303, { location: '?view=workloads&namespace=default', 'set-cookie': `${COOKIE}=${await seal(token)}; HttpOnly; SameSite=Strict` })
      }
      const token = await this.#token(request)
      if (token === undefined) return page(loginPage(undefined, this.#options.maySkip), 200)
      const formToken = this.#sessions.formToken(token)
      if (request.method === 'POST' && form.get('formToken') !== formToken) return page(framedError(formToken, 'MSG_CSRF: this form is too old, or came from somewhere else.'), 403)
      if (view === 'logout') return request.method === 'POST' ? page('', 303, { location: '?view=login', 'set-cookie': `${COOKIE}=; Max-Age=0` }) : page(framedError(formToken, 'Signing out takes the button.'), 405)
      const answer = await this.#view(view, url.searchParams, form, request.method, this.#as(token), formToken)
      // Whoever does something stays signed in.
      const renewed = { 'set-cookie': `${COOKIE}=${await seal(token)}; HttpOnly; SameSite=Strict` }
      return 'location' in answer ? page('', 303, { ...renewed, location: answer.location }) : page(answer.body, answer.status ?? 200, renewed)
    } catch (error) {
      if (error instanceof ProcessKilled) throw error
      return page(loginPage((error as Error).message, this.#options.maySkip), error instanceof StatusError ? error.status.code ?? 500 : 500)
    }
  }

  async #token(request: HttpRequest): Promise<string | undefined> {
    const bearer = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1]
    if (bearer !== undefined) return bearer
    const cookie = readCookies(request).get(COOKIE) ?? request.headers.get('jwetoken') ?? ''
    return cookie === '' ? undefined : this.#sessions.open(cookie)
  }

  /** Why a token doesn't let anybody in; undefined when it does. */
  async #tokenProblem(token: string): Promise<string | undefined> {
    const response = await this.#as(token).fetch('/version')
    await response.body?.cancel()
    return response.status === 401 ? 'Unauthorized (401): Invalid credentials provided' : response.status >= 400 ? `The API server answered ${response.status}.` : undefined
  }

  async #view(view: string, query: URLSearchParams, form: URLSearchParams, method: string, client: ClusterClient, formToken: string): Promise<{ body: string; status?: number } | { location: string }> {
    const chosen = query.get('namespace') ?? 'default'
    const namespace = chosen === '_all' || chosen === '' ? undefined : chosen
    const namespaces = await apiCall<{ items: KubeObject[] }>(client, 'GET', '/api/v1/namespaces').then((list) => list.items.map((each) => each.metadata.name), () => [...new Set(['default', ...namespace === undefined ? [] : [namespace]])])
    const frame: Frame = { formToken, namespace, namespaces, here: view === 'object' || view === 'logs' ? query.get('resource') ?? '' : view, notice: query.get('done') ?? undefined }
    const shown = (title: string, body: Html, error?: string, status?: number) => ({ body: framed(title, { ...frame, ...error === undefined ? {} : { error } }, body), ...status === undefined ? {} : { status } })
    const nowMs = this.#proc.clock.nowMs()
    const kind = KINDS.find((each) => each.resource === (view === 'object' || view === 'logs' ? query.get('resource') : view))
    if (view === 'workloads') {
      const errors: string[] = []
      const cards: Html[] = []
      for (const each of MENU[0]![1]) {
        try {
          const { items } = await apiCall<{ items: KubeObject[] }>(client, 'GET', pathOf(each, namespace))
          if (items.length > 0) cards.push(listCard(each, items, nowMs, each.kind === 'Pod' ? await this.#usage(items) : undefined))
        } catch (error) {
          if (!(error instanceof StatusError)) throw error
          errors.push(error.message)
        }
      }
      return shown('Workloads', html`${errors.map((error) => html`<p class="error">${error}</p>`)}${cards}${cards.length === 0 && html`<p>Nothing runs here.</p>`}`)
    }
    if (view === 'create') {
      if (method !== 'POST') return shown('Create', createPage(frame, ''))
      const yaml = form.get('yaml') ?? ''
      try { await this.#create(client, yaml, namespace); return { location: link({ view: 'workloads', namespace: chosen, done: 'Created.' }) } } catch (error) {
        if (error instanceof ProcessKilled) throw error
        return shown('Create', createPage(frame, yaml), (error as Error).message, 422)
      }
    }
    if (!kind) return shown('Not found', html`<p>Unknown view.</p>`, `${view}: there is no such page.`, 404)
    if (view !== 'object' && view !== 'logs') {
      try {
        const { items } = await apiCall<{ items: KubeObject[] }>(client, 'GET', pathOf(kind, namespace))
        return shown(kind.title, listCard(kind, items, nowMs, kind.kind === 'Pod' || kind.kind === 'Node' ? await this.#usage(items) : undefined))
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        return shown(kind.title, listCard(kind, [], nowMs), error.message, error.status.code)
      }
    }
    const name = query.get('name') ?? ''
    const path = pathOf(kind, namespace, name)
    try {
      if (view === 'logs') {
        const pod = await apiCall<KubeObject>(client, 'GET', path)
        const container = query.get('container') ?? pod.spec?.containers?.[0]?.name ?? ''
        const previous = query.get('previous') === 'true'
        const said = await client.fetch(`${path}/log?container=${encodeURIComponent(container)}&tailLines=1000${previous ? '&previous=true' : ''}`).then(text)
        return shown('Logs', logsPage(pod, container, said, previous))
      }
      if (method === 'POST') return await this.#act(client, kind, path, namespace, name, form, shown)
      return shown(name, await this.#object(client, kind, await apiCall<KubeObject>(client, 'GET', path), frame))
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      return shown(name, html``, error.message, error.status.code)
    }
  }

  async #object(client: ClusterClient, kind: DashboardKind, object: KubeObject, frame: Frame): Promise<Html> {
    const nowMs = this.#proc.clock.nowMs()
    const { namespace, uid, name } = object.metadata
    const events = await apiCall<{ items: KubeObject[] }>(client, 'GET', `/api/v1${namespace ? `/namespaces/${namespace}` : ''}/events?fieldSelector=${encodeURIComponent(`involvedObject.name=${name},involvedObject.kind=${kind.kind}`)}`).then((list) => list.items, () => [])
    const owned: Html[] = []
    if (namespace !== undefined && ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'ReplicationController', 'CronJob'].includes(kind.kind)) {
      for (const child of KINDS.filter((each) => each.kind === (kind.kind === 'Deployment' ? 'ReplicaSet' : kind.kind === 'CronJob' ? 'Job' : 'Pod'))) {
        const { items } = await apiCall<{ items: KubeObject[] }>(client, 'GET', pathOf(child, namespace)).catch(() => ({ items: [] as KubeObject[] }))
        owned.push(listCard(child, items.filter((item) => item.metadata.ownerReferences?.some((owner) => owner.uid === uid)), nowMs))
      }
    }
    return objectPage(kind, object, frame, listCard({ ...KINDS.find((each) => each.resource === 'events')! }, events, nowMs), owned.length === 0 ? '' : html`${owned}`, nowMs)
  }

  async #act(client: ClusterClient, kind: DashboardKind, path: string, namespace: string | undefined, name: string, form: URLSearchParams, shown: (title: string, body: Html, error?: string, status?: number) => { body: string; status?: number }): Promise<{ body: string; status?: number } | { location: string }> {
    const here = (done: string) => ({ location: link({ view: 'object', resource: kind.resource, namespace, name, done }) })
    switch (form.get('action')) {
      case 'delete': await apiCall(client, 'DELETE', path, { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' }); return { location: link({ view: kind.resource, namespace: namespace ?? '_all', done: `${kind.kind} ${name} is being deleted.` }) }
      case 'scale': {
        const replicas = Number(form.get('replicas'))
        if (!kind.scalable || !Number.isInteger(replicas) || replicas < 0) return shown(name, html``, `Desired number of replicas must be a whole number: ${form.get('replicas')}`, 422)
        const scale = await apiCall<KubeObject>(client, 'GET', `${path}/scale`)
        await apiCall(client, 'PUT', `${path}/scale`, { ...scale, spec: { ...scale.spec, replicas } })
        return here(`Scaled to ${replicas}.`)
      }
      case 'restart': {
        if (!kind.restartable) return shown(name, html``, 'This kind can’t be restarted.', 422)
        await apiCall(client, 'PATCH', path, { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': new Date(Math.floor(this.#proc.clock.nowMs() / 1000) * 1000).toISOString().replace('.000Z', 'Z') } } } } })
        return here('Restarted.')
      }
      case 'edit': {
        const [object] = parseAllYaml(form.get('yaml') ?? '')
        if (!object) return shown(name, html``, 'There is nothing in it.', 422)
        await apiCall(client, 'PUT', path, object)
        return here('Updated.')
      }
      default: return shown(name, html``, 'Unknown action.', 422)
    }
  }

  /** Creates what a text describes; kinds are looked up in the API's discovery. */
  async #create(client: ClusterClient, yaml: string, namespace: string | undefined): Promise<void> {
    const objects = parseAllYaml(yaml)
    if (objects.length === 0) throw new Error('There is nothing in it.')
    for (const object of objects) {
      const groupVersion = object.apiVersion ?? ''
      const list = await apiCall<{ resources: { name: string; kind: string; namespaced: boolean }[] }>(client, 'GET', groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`)
      const resource = list.resources.find((each) => each.kind === object.kind && !each.name.includes('/'))
      if (!resource) throw new Error(`no matches for kind "${object.kind}" in version "${groupVersion}"`)
      await apiCall(client, 'POST', pathOf({ groupVersion, resource: resource.name, namespaced: resource.namespaced }, object.metadata?.namespace ?? namespace ?? 'default'), object)
    }
  }

  /** Newest figures of the scraper; nothing where it isn't there. */
  async #usage(objects: readonly KubeObject[]): Promise<Usage | undefined> {
    if (!this.#options.hasMetrics) return undefined
    const usage = new Map<string, { cpu: number; memory: number }>()
    const bySpace = new Map<string, KubeObject[]>()
    for (const object of objects) bySpace.set(object.metadata.namespace ?? 'nodes', [...bySpace.get(object.metadata.namespace ?? 'nodes') ?? [], object])
    try {
      for (const [space, members] of bySpace) {
        const names = members.map((object) => object.metadata.name).join(',')
        const read = async (metric: string) => JSON.parse(await text(await this.#own.fetch(`/api/v1/namespaces/${this.#options.namespace}/services/dashboard-metrics-scraper/proxy/api/v1/dashboard/${space === 'nodes' ? 'nodes' : `namespaces/${space}/pod-list`}/${names}/metrics/${metric}/${metric === 'cpu' ? 'usage_rate' : 'usage'}`))) as { items: { uids: string[]; metricPoints: { value: number }[] }[] }
        const [cpu, memory] = [await read('cpu'), await read('memory')]
        for (const [i, item] of cpu.items.entries()) {
          const last = item.metricPoints.at(-1)
          if (last) usage.set(`${space}/${item.uids[0]}`, { cpu: last.value, memory: memory.items[i]?.metricPoints.at(-1)?.value ?? 0 })
        }
      }
    } catch (error) {
      if (error instanceof ProcessKilled) throw error
      return undefined
    }
    return usage.size > 0 ? usage : undefined
  }

  /** The dashboard's own API: logging in, and the lists. */
  async #api(request: HttpRequest, url: URL): Promise<Response> {
    const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
    const [, , , resource = '', space] = url.pathname.split('/')
    if (url.pathname === '/api/v1/csrftoken/login') return json({ token: this.#sessions.formToken('login') })
    if (url.pathname === '/api/v1/login' && request.method === 'POST') {
      if (request.headers.get('x-csrf-token') !== this.#sessions.formToken('login')) return new Response('MSG_CSRF_VALIDATION_ERROR\n', { status: 401 })
      const { token = '' } = JSON.parse(await request.text() || '{}') as { token?: string }
      const problem = token === '' ? 'MSG_LOGIN_UNAUTHORIZED_ERROR' : await this.#tokenProblem(token)
      return problem === undefined ? json({ jweToken: await this.#sessions.seal(token), errors: [] }) : json({ jweToken: '', errors: [{ ErrStatus: { metadata: {}, status: 'Failure', message: 'MSG_LOGIN_UNAUTHORIZED_ERROR', reason: 'Unauthorized', code: 401 } }] })
    }
    const token = await this.#token(request)
    if (url.pathname === '/api/v1/login/status') return json({ tokenPresent: token !== undefined, headerPresent: request.headers.has('authorization'), httpsMode: url.protocol === 'https:', impersonationPresent: false, impersonatedUser: '' })
    const kind = KINDS.find((each) => each.api === resource)
    if (!kind || request.method !== 'GET') return new Response('404: Page Not Found', { status: 404 })
    if (token === undefined) return new Response('MSG_LOGIN_UNAUTHORIZED_ERROR\n', { status: 401 })
    try {
      const { items } = await apiCall<{ items: KubeObject[] }>(this.#as(token), 'GET', pathOf(kind, space || undefined))
      return json({ listMeta: { totalItems: items.length }, [kind.resource]: items.map((object) => ({ objectMeta: { name: object.metadata.name, namespace: object.metadata.namespace, labels: object.metadata.labels, annotations: object.metadata.annotations, creationTimestamp: object.metadata.creationTimestamp, uid: object.metadata.uid }, typeMeta: { kind: kind.api } })), errors: [] })
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      return error.status.code === 401 ? new Response('MSG_LOGIN_UNAUTHORIZED_ERROR\n', { status: 401 }) : json({ listMeta: { totalItems: 0 }, [kind.resource]: [], errors: [{ ErrStatus: error.status }] })
    }
  }
}

function framedError(formToken: string, error: string): string { return framed('Error', { formToken, namespace: undefined, namespaces: [], here: '', error }, html``) }
