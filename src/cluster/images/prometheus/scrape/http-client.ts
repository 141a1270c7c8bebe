import { httpRequest } from '../../../../base/http.ts'
import { goNetError } from '../../../../unix/net/go-net-error.ts'
import type { FetchOptions, Proc } from '../../../../unix/types.ts'
import { UnixError } from '../../../../unix/types.ts'
import type { HttpClientConfig } from '../config/load.ts'

const MOST_REDIRECTS = 10

/** The program's requests: with credentials and certificates as configured, in time, following redirects. */
export class HttpClient {
  readonly #proc: Proc
  readonly #config: HttpClientConfig

  constructor(proc: Proc, config: HttpClientConfig) {
    this.#proc = proc
    this.#config = config
  }

  /** @throws Error in the words of Go's client */
  async request(url: string, init: { method?: string; body?: string; headers?: Readonly<Record<string, string>>; timeoutMs: number }): Promise<{ status: number; headers: Headers; text: string }> {
    const { method = 'GET', body, headers = {}, timeoutMs } = init
    const deadline = new AbortController()
    let isLate = false
    const timer = this.#proc.clock.after(timeoutMs, () => { isLate = true; deadline.abort(new Error('context deadline exceeded')) })
    const late = new Promise<never>((_, reject) => deadline.signal.addEventListener('abort', () => reject(new Error('context deadline exceeded')), { once: true }))
    late.catch(() => {})
    let target = new URL(url)
    // As it was asked for: a URL here forgets the port that its scheme has anyway.
    let shown = url
    const verb = method[0] + method.slice(1).toLowerCase()
    try {
      for (let redirects = 0; ; redirects++) {
        const response = await Promise.race([this.#proc.net.fetch(httpRequest(target.href, { method, headers: { ...this.#credentials(), ...headers }, ...(body === undefined ? {} : { body }), signal: deadline.signal }), this.#tls(timeoutMs)), late])
        const location = response.headers.get('location')
        if (this.#config.followRedirects && location && response.status >= 301 && response.status <= 308 && redirects < MOST_REDIRECTS) { target = new URL(location, target); shown = target.href; continue }
        return { status: response.status, headers: response.headers, text: await Promise.race([response.text(), late]) }
      }
    } catch (error) {
      if (this.#proc.killed.aborted) throw error
      const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80))
      const why = isLate ? 'context deadline exceeded' : error instanceof FileMissing ? error.message : error instanceof UnixError && error.code === 'ETIMEDOUT' ? 'context deadline exceeded' : goNetError(error, target.hostname, port)
      throw new Error(`${verb} ${JSON.stringify(shown)}: ${why}`)
    } finally {
      timer.cancel()
    }
  }

  #read(path: string, what: string): string {
    try {
      return this.#proc.fs.readText(path)
    } catch {
      throw new FileMissing(`${what}: open ${path}: no such file or directory`)
    }
  }

  #credentials(): Record<string, string> {
    const { authorization, basicAuth } = this.#config
    if (basicAuth) return { authorization: `Basic ${btoa(`${basicAuth.username}:${basicAuth.passwordFile ? this.#read(basicAuth.passwordFile, 'unable to read basic auth password').trim() : basicAuth.password}`)}` }
    if (!authorization) return {}
    // Read each time: tokens are renewed.
    const credentials = authorization.credentialsFile ? this.#read(authorization.credentialsFile, 'unable to read authorization credentials file').trim() : authorization.credentials
    return credentials ? { authorization: `${authorization.type} ${credentials}` } : {}
  }

  #tls(connectTimeoutMs: number): FetchOptions {
    const { caFile, ca, certFile, keyFile, serverName, insecure } = this.#config.tls
    const caPem = caFile ? this.#read(caFile, 'unable to load specified CA cert') : ca
    return {
      connectTimeoutMs, ...(insecure ? { insecure } : {}), ...(caPem ? { caPem } : {}), ...(serverName ? { serverName } : {}),
      ...(certFile ? { clientCertificatePem: this.#read(certFile, 'unable to use specified client cert'), clientKeyPem: this.#read(keyFile, 'unable to use specified client key') } : {}),
    }
  }
}

class FileMissing extends Error {}
