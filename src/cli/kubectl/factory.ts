import { base64Of, bytesOfBase64 } from '../../base/base64.ts'
import type { Proc } from '../../unix/types.ts'
import { UnixError } from '../../unix/types.ts'
import { goNetError } from '../../unix/net/go-net-error.ts'
import { CertificateError } from '../../unix/net/server-certificate.ts'
import { readAll } from '../../base/streams.ts'
import { kubeconfigFiles, loadKubeconfig } from '../kubeconfig.ts'
import type { Kubeconfig, KubeconfigFiles } from '../kubeconfig.ts'
import { RestClient } from '../rest-client.ts'
import type { RestConfig } from '../rest-client.ts'
import type { CommandSpec } from './command.ts'
import { StatusError } from '../../cluster/kinds/status-error.ts'
import { discover, RestMapper } from './discovery.ts'
import { DiscoveryCache } from './discovery-cache.ts'
import { ConfigurationInvalid, ConnectionError } from './errors.ts'
import type { FlagValues } from './flags.ts'
import type { CommandIo } from './io.ts'
import { klogLine, klogValue } from './klog.ts'
import { clientFeatureLines, hostAndPort, requestPlace } from './request-log.ts'
import type { PluginPolicy } from './preferences.ts'
import { restConfigOf } from './rest-config.ts'

export const CLIENT_VERSION = 'v1.36.3'

/** How a program that isn't kubectl presents itself and what it does with the server's warnings. */
export interface FactoryOptions {
  userAgent?: string
  /** Hears of each warning once. */
  onWarning?: (text: string) => void
}

/** What a running command has at hand: its words, its output, and lazily the server. k8s: cmdutil.Factory */
export class Factory {
  readonly proc: Proc
  readonly io: CommandIo
  readonly flags: FlagValues
  readonly spec: CommandSpec
  /** Which credential plugins the preferences allow. */
  readonly pluginPolicy: PluginPolicy
  #config: Kubeconfig | undefined
  #rest: RestClient | undefined
  #mapper: Promise<RestMapper> | undefined
  #schemaFailure: Promise<string | undefined> | undefined
  #mapperIsLive = true
  #believesCache = true
  #seenWarnings = new Set<string>()
  readonly #options: FactoryOptions

  constructor(proc: Proc, io: CommandIo, flags: FlagValues, spec: CommandSpec, pluginPolicy: PluginPolicy = { policy: '', allowlist: undefined }, options: FactoryOptions = {}) {
    this.#options = options
    this.proc = proc
    this.io = io
    this.flags = flags
    this.spec = spec
    this.pluginPolicy = pluginPolicy
  }

  nowMs(): number { return this.proc.clock.nowMs() }

  /** A flag of the whole program; a command's own flag of the same name hides it. */
  #global(name: string): string {
    return this.spec.flags.some((flag) => flag.name === name) ? '' : this.flags.str(name)
  }

  #globalChanged(name: string): boolean {
    return !this.spec.flags.some((flag) => flag.name === name) && this.flags.changed(name)
  }

  /** How many warnings the server sent. */
  get warningCount(): number { return this.#seenWarnings.size }

  kubeconfigFiles(): KubeconfigFiles {
    return kubeconfigFiles(this.flags.str('kubeconfig'), this.proc.env, this.proc.env['HOME'] || this.proc.user.home)
  }

  /** The merged kubeconfig. */
  kubeconfig(): Kubeconfig {
    if (this.#config) return this.#config
    const files = this.kubeconfigFiles()
    this.#config = loadKubeconfig(files, this.proc.fs, (p) => this.proc.resolve(p))
    for (const path of files.paths) if (this.proc.fs.exists(this.proc.resolve(path))) this.log(6, 'loader.go:407', `Config loaded from file:  ${path}`)
    return this.#config
  }

  /** Reads a kubeconfig that comes through a pipe (`--kubeconfig=<(...)`), which takes until its writer is done; other files are read when needed. */
  async readPipedKubeconfig(): Promise<void> {
    const { fs } = this.proc
    const files = this.kubeconfigFiles()
    const texts = new Map<string, string>()
    for (const path of files.paths) {
      const absolute = this.proc.resolve(path)
      if (!fs.exists(absolute) || fs.stat(absolute).type !== 'fifo') continue
      const pipe = fs.open(absolute, 'r')
      try { texts.set(absolute, new TextDecoder().decode(await readAll({ read: () => pipe.read(), cancel() {} }))) } finally { pipe.close() }
    }
    if (texts.size === 0) return
    this.#config = loadKubeconfig(files, { exists: (path) => texts.has(path) || fs.exists(path), readText: (path) => texts.get(path) ?? fs.readText(path) }, (p) => this.proc.resolve(p))
  }

  contextName(): string {
    return this.#global('context') || this.kubeconfig().currentContext
  }

  /** The context that counts. Asked for its namespace, the whole configuration is judged first, and says so. k8s: clientcmd ConfirmUsable, getContext */
  #context(judged: boolean) {
    const config = this.kubeconfig()
    const name = this.contextName()
    const context = config.contexts.get(name)
    if (!context && !judged && this.#global('context')) throw new Error(`context ${JSON.stringify(name)} does not exist`)
    if (!context && name && (this.#global('context') || config.contexts.size > 0 || config.currentContext))
      throw new ConfigurationInvalid(`context was not found for specified context: ${name}`)
    return context
  }

  #inCluster(): { server: string; token: string; caPem: string; namespace: string } | undefined {
    const host = this.proc.env['KUBERNETES_SERVICE_HOST']
    const port = this.proc.env['KUBERNETES_SERVICE_PORT']
    const dir = '/var/run/secrets/kubernetes.io/serviceaccount'
    const fs = this.proc.fs
    if (!host || !port || !fs.exists(`${dir}/token`)) return undefined
    const config = this.kubeconfig()
    if (config.clusters.size > 0 || config.contexts.size > 0 || this.#global('server')) return undefined
    const read = (name: string) => fs.exists(`${dir}/${name}`) ? fs.readText(`${dir}/${name}`) : ''
    return { server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`, token: read('token').trim(), caPem: read('ca.crt'), namespace: read('namespace').trim() }
  }

  /** The namespace that counts, and whether the user named it on the command line. */
  namespace(): { namespace: string; explicit: boolean } {
    if (this.#globalChanged('namespace') && this.#global('namespace')) return { namespace: this.#global('namespace'), explicit: true }
    const inCluster = this.#inCluster()
    const context = this.#context(true)
    const cluster = this.#global('cluster')
    if (cluster && !inCluster && !this.kubeconfig().clusters.has(cluster)) throw new Error(`no server found for cluster ${JSON.stringify(cluster)}`)
    return { namespace: context?.namespace || inCluster?.namespace || 'default', explicit: false }
  }

  /**
   * Where the server is and how to speak to it.
   * @throws Error, ConfigurationInvalid
   */
  restConfig(): RestConfig {
    const inCluster = this.#inCluster()
    const context = this.#context(false)
    return restConfigOf({
      proc: this.proc, flags: this.flags, kubeconfig: this.kubeconfig(), clusterName: this.#global('cluster') || context?.cluster || '', userName: this.#global('user') || context?.user || '',
      fromContext: context !== undefined, global: (name) => this.#global(name), inCluster, pluginPolicy: this.pluginPolicy, userAgent: this.#options.userAgent ?? `kubectl/${CLIENT_VERSION} (linux/${this.proc.machine.hardware.architecture ?? 'amd64'}) kubernetes/drydock`,
    })
  }

  #warnOnce(text: string): void {
    if (this.#seenWarnings.has(text)) return
    this.#seenWarnings.add(text)
    if (this.#options.onWarning) { this.#options.onWarning(text); return }
    const colour = this.proc.isTty(2) && this.proc.env['TERM'] !== 'dumb' && !this.proc.env['NO_COLOR']
    void this.io.err(colour ? `\x1b[33;1mWarning:\x1b[0m ${text}\n` : `Warning: ${text}\n`)
  }

  rest(): RestClient {
    if (this.#rest) return this.#rest
    const config = this.restConfig()
    for (const { severity, place, text } of clientFeatureLines(this.proc.env)) this.log(severity === 'E' ? 0 : 1, place, text, severity)
    let dialled = false
    return this.#rest = new RestClient(config, this.proc.net, {
      nowMs: () => this.nowMs(),
      after: (ms, run) => this.proc.clock.after(ms, run),
      onWarning: (text) => this.#warnOnce(text),
      onRequest: (method, url, headers, body) => {
        if (body !== undefined) this.#logBody('Request Body', body, requestPlace(method, url))
        const level = this.flags.int('v')
        const lines = headerLines(headers)
        if (level >= 9) this.#log('round_trippers.go:527', '"Request"', { curlCommand: `curl -v -X${method} ${lines.replace(/(.*)\n/g, (_, line: string) => ` -H ${JSON.stringify(line)}`)} '${url}'\n` })
        else if (level >= 7) this.#log('round_trippers.go:527', '"Request"', { verb: method, url, headers: lines })
      },
      // k8s: client-go/transport debuggingRoundTripper
      onExchange: (method, url, status, elapsedMs, headers) => {
        const level = this.flags.int('v')
        if (level < 6) return
        const phrase = STATUS_TEXT[status] ?? ''
        const milliseconds = Math.round(elapsedMs)
        const timing: Record<string, number> = level < 9 ? {} : dialled ? { getConnectionMilliseconds: 0, serverProcessingMilliseconds: milliseconds } : { dnsLookupMilliseconds: 0, dialMilliseconds: 0, tlsHandshakeMilliseconds: 0, serverProcessingMilliseconds: milliseconds }
        if (level >= 9 && !dialled) this.#log('round_trippers.go:562', '"HTTP Trace: Dial succeed"', { network: 'tcp', address: hostAndPort(url) })
        dialled = true
        this.#log('round_trippers.go:632', '"Response"', {
          ...(level === 6 || level >= 9 ? { verb: method, url } : {}), status: `${status}${phrase ? ` ${phrase}` : ''}`, ...(level >= 8 ? { headers: headerLines([...headers]) } : {}), milliseconds, ...timing,
        })
      },
      onBody: (text, method, url) => this.#logBody('Response Body', text, requestPlace(method, url)),
      connectionError: (method, url, error) => new ConnectionError(method, url, dialMessage(url, error)),
    })
  }

  /** A line that is told from a level of `-v` on. */
  log(level: number, place: string, text: string, severity: 'I' | 'E' = 'I'): void {
    if (this.flags.int('v') >= level) void this.io.err(klogLine(this.proc, severity, place, text))
  }

  /** A line of structured logging; texts of several lines stand in brackets. k8s: klog serialize */
  #log(place: string, message: string, values: Record<string, string | number>): void {
    const shown = Object.entries(values).map(([key, value]) => `${key}=${typeof value === 'number' ? value : value.includes('\n') ? `<\n${value.replace(/\n$/, '').split('\n').map((line) => `\t${line}\n`).join('')} >` : JSON.stringify(value)}`)
    void this.io.err(klogLine(this.proc, 'I', place, `${message} ${shown.join(' ')}`))
  }

  /** k8s: client-go/rest logBody, truncateBody */
  #logBody(title: string, body: string, place: string): void {
    const level = this.flags.int('v')
    if (level < 8) return
    const most = level === 8 ? 1024 : level === 9 ? 10_240 : Infinity
    this.#log(place, JSON.stringify(title), { body: body.length <= most ? body : `${body.slice(0, most)} [truncated ${body.length - most} chars]` })
  }

  /**
   * The kinds that the server serves: as discovery's cache on disk knows them, else as the server says.
   * @param asks how often the real client would ask in vain, logging each failure
   */
  mapper(asks = 1): Promise<RestMapper> {
    return this.#mapper ??= this.#discover(asks)
  }

  /**
   * Looks something up among the kinds. What the cache doesn't know is looked for again on the server.
   * @throws what `look` throws
   */
  async resolve<T>(look: (mapper: RestMapper) => T, asks = 1): Promise<T> {
    const mapper = await this.mapper(asks)
    const live = this.#mapperIsLive
    try {
      const found = look(mapper)
      if (found !== undefined || live) return found
    } catch (error) {
      if (live) throw error
    }
    this.forgetDiscovery()
    return look(await this.mapper(Math.max(1, asks - 2)))
  }

  /** Forgets what discovery said, for kinds that have just been created. */
  forgetDiscovery(): void {
    this.#mapper = undefined
    this.#believesCache = false
  }

  /** Why the server's schemas can't be had, which validation of manifests needs; undefined: they can. */
  schemaFailure(): Promise<string | undefined> {
    return this.#schemaFailure ??= this.rest().text('GET', '/openapi/v3', { query: { timeout: '32s' } }).then(() => undefined, (error: Error) => {
      const why = error instanceof ConnectionError ? error.message.replace('/openapi/v3?', '/openapi/v2?') : discoveryFailure(error).message
      return `failed to download openapi: ${why}`
    })
  }

  async #discover(asks: number): Promise<RestMapper> {
    const rest = this.rest()
    const cache = new DiscoveryCache(this.proc, this.flags.changed('cache-dir') ? this.flags.str('cache-dir') : this.proc.env['KUBECACHEDIR'] || `${this.proc.env['HOME'] || this.proc.user.home}/.kube/cache`, rest.config.server)
    const known = this.#believesCache ? cache.read() : undefined
    this.#mapperIsLive = known === undefined
    if (known) return new RestMapper(known, (text) => this.#warnOnce(text))
    try {
      const groups = await discover(rest)
      cache.write(groups)
      return new RestMapper(groups, (text) => this.#warnOnce(text))
    } catch (error) {
      const failure = discoveryFailure(error)
      const text = `"Unhandled Error" err=${klogValue(`couldn't get current server API group list: ${failure.message}`)}`
      for (let i = 0; i < asks; i++) void this.io.err(klogLine(this.proc, 'E', 'memcache.go:265', text))
      throw failure
    }
  }
}

/** The client can't decode a Status in discovery's media types, so it knows only the code. k8s: client-go/rest newUnstructuredResponseError */
function discoveryFailure(error: unknown): Error {
  if (!(error instanceof StatusError)) return error as Error
  const message = error.code === 401 ? 'the server has asked for the client to provide credentials' : error.code === 403 ? 'unknown' : error.message
  return new StatusError({ ...error.status, message })
}

/** Headers in the order of their names, with credentials hidden. k8s: client-go/transport headersMap */
function headerLines(headers: readonly (readonly [string, string])[]): string {
  const canonical = (name: string) => name.toLowerCase().replace(/(^|-)[a-z]/g, (c) => c.toUpperCase())
  return headers.map(([name, value]) => [canonical(name), /^authorization$/i.test(name) ? value.replace(/^(Bearer|Basic) .+$/i, '$1 <masked>') : value] as const)
    .sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0).map(([name, value]) => `${name}: ${value}\n`).join('')
}

const STATUS_TEXT: Record<number, string> = {
  101: 'Switching Protocols', 200: 'OK', 201: 'Created', 202: 'Accepted', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed',
  406: 'Not Acceptable', 409: 'Conflict', 410: 'Gone', 415: 'Unsupported Media Type', 422: 'Unprocessable Entity', 429: 'Too Many Requests', 500: 'Internal Server Error', 503: 'Service Unavailable',
}

/** The message of a failed system call, as Go's os package words it. */
export function unixText(error: unknown): string {
  const code = (error as UnixError).code
  const words: Record<string, string> = { ENOENT: 'no such file or directory', EACCES: 'permission denied', EISDIR: 'is a directory', ENOTDIR: 'not a directory', EEXIST: 'file exists', EADDRINUSE: 'address already in use', EPERM: 'operation not permitted' }
  return words[code] ?? (error as Error).message
}

/** What Go's dialer says of a failed connection. */
export function dialMessage(url: string, error: Error): string {
  // In the page the network says it as Go does; under Node it is Node's code that is known.
  if (error instanceof CertificateError) return error.goMessage
  const code = (error as UnixError).code ?? ''
  const { hostname, port, protocol } = new URL(url)
  if (protocol !== 'https:' && protocol !== 'http:') return `unsupported protocol scheme ${JSON.stringify(protocol.slice(0, -1))}`
  const host = hostname === 'localhost' ? '127.0.0.1' : hostname
  switch (code) {
    case 'CERT_HAS_EXPIRED': return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid'
    case 'ERR_TLS_CERT_ALTNAME_INVALID': return `tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match ${hostname}`
    case 'DEPTH_ZERO_SELF_SIGNED_CERT': case 'SELF_SIGNED_CERT_IN_CHAIN': case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE': case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
    default: return goNetError(error, host, Number(port) || (protocol === 'https:' ? 443 : 80))
  }
}

export function decodeBase64(text: string): string {
  return new TextDecoder().decode(bytesOfBase64(text.replace(/\s/g, '')))
}

export function encodeBase64(data: string | Uint8Array): string {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
  return base64Of(bytes)
}
