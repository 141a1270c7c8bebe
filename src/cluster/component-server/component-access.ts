import type { Clock } from '../../base/clock.ts'
import type { HttpRequest } from '../../base/http.ts'
import type { HttpPeer } from '../../unix/types.ts'
import { jsonText } from '../apiserver/json-text.ts'
import { answer, plainText, statusAnswer } from '../apiserver/responses.ts'
import type { Api } from '../client/api.ts'
import { DelegatedAuth } from '../client/delegated-auth.ts'
import { apiError } from '../kinds/status-error.ts'

export interface ComponentAccessOptions {
  /** The component's own client, that asks the API server who somebody is and what they may. */
  api: Api
  clock: Clock
  /** Authority of clients' certificates. */
  clientCaPem: string
  /** Paths that everybody may read; one that ends with `*` stands for all below. k8s: --authorization-always-allow-paths */
  openPaths: readonly string[]
}

const STYLE = { encoding: 'json', pretty: true } as const
/** How long an answer of the API server counts. k8s: --authentication-token-webhook-cache-ttl, --authorization-webhook-cache-authorized-ttl */
const CACHE_MS = 10_000

/** Who may ask a component of the control plane. k8s: apiserver/pkg/server/options DelegatingAuthenticationOptions, DelegatingAuthorizationOptions */
export class ComponentAccess {
  readonly #openPaths: readonly string[]
  readonly #auth: DelegatedAuth

  constructor({ openPaths, ...options }: ComponentAccessOptions) {
    this.#openPaths = openPaths
    this.#auth = new DelegatedAuth({ ...options, cacheMs: CACHE_MS })
  }

  /** The refusal of a request, or undefined when it may go on. */
  async refusal(request: HttpRequest, { clientCertificatePem }: HttpPeer): Promise<Response | undefined> {
    const user = await this.#auth.userOf(request, clientCertificatePem)
    if (!user) return answer(401, jsonText({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'Unauthorized', reason: 'Unauthorized', code: 401 }), STYLE)
    const { pathname: path, search } = new URL(request.url)
    if (this.#openPaths.some((open) => open.endsWith('*') ? path.startsWith(open.slice(0, -1)) : path === open)) return undefined
    const verb = request.method.toLowerCase()
    try {
      if (user.groups?.includes('system:masters') || await this.#auth.mayDo(user, { nonResourceAttributes: { verb, path } })) return undefined
    } catch (error) {
      // k8s: responsewriters.InternalError
      return plainText(500, `Internal Server Error: ${JSON.stringify(path + search)}: ${(error as Error).message}\n`)
    }
    return statusAnswer(apiError.generic(403, 'Forbidden', `forbidden: User ${JSON.stringify(user.username)} cannot ${verb} path ${JSON.stringify(path)}`, {}), STYLE)
  }
}
