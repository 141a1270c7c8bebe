import { CATCH_ALL, usesRegex } from './configuration.ts'
import type { Configuration, Location, Server } from './configuration.ts'

/** Finds the server and the location for requests, as nginx does with the configuration that the controller writes for it. */
export class Router {
  readonly #exact = new Map<string, Server>()
  readonly #wildcards: { pattern: RegExp; server: Server }[] = []
  readonly #redirects = new Map<string, Server>()
  readonly #catchAll: Server
  readonly #locations = new Map<Server, { location: Location; pattern: RegExp | undefined }[]>()

  /** @throws SyntaxError for a path that is no regular expression where one is wanted */
  constructor({ servers }: Configuration) {
    this.#catchAll = servers.find(({ hostname }) => hostname === CATCH_ALL)!
    for (const server of servers) {
      const isRegex = usesRegex(server)
      this.#locations.set(server, server.locations.map((location) => ({ location, pattern: isRegex ? new RegExp(`^${location.path}`, 'i') : undefined })))
      if (server === this.#catchAll) continue
      if (server.hostname.startsWith('*.')) this.#wildcards.push({ pattern: new RegExp(`^[\\w-]+\\.${server.hostname.slice(2).replaceAll('.', '\\.')}$`), server })
      for (const name of [server.hostname, ...server.aliases]) this.#exact.set(name.toLowerCase(), server)
    }
    for (const server of servers) {
      if (!server.redirectsFromToWww) continue
      const from = server.hostname.startsWith('www.') ? server.hostname.slice(4) : `www.${server.hostname}`
      if (!this.#exact.has(from)) this.#redirects.set(from, server)
    }
  }

  /** @param host lower case, without a port */
  serverFor(host: string): Server {
    return this.#exact.get(host) ?? this.#wildcards.find(({ pattern }) => pattern.test(host))?.server ?? this.#catchAll
  }

  /** The server that requests for this host are sent on to: the same with or without `www.`. */
  redirectFor(host: string): Server | undefined {
    return this.#redirects.get(host)
  }

  /** Whether nginx sends a client from `/a` to `/a/`: because that is a location, and `/a` isn't one by itself. */
  needsSlash(server: Server, path: string): boolean {
    const candidates = this.#locations.get(server)!
    return !candidates[0]?.pattern && candidates.some(({ location }) => location.pathType === 'Prefix' && location.path === `${path}/`) && !candidates.some(({ location }) => location.pathType === 'Exact' && location.path === path)
  }

  /** The exact location, else the longest prefix; where paths are regular expressions the first that matches. */
  locationFor(server: Server, path: string): Location | undefined {
    const candidates = this.#locations.get(server)!
    if (candidates[0]?.pattern) return candidates.find(({ pattern }) => pattern!.test(path))?.location
    const exact = candidates.find(({ location }) => location.pathType === 'Exact' && location.path === path)
    return (exact ?? candidates.find(({ location }) => location.pathType !== 'Exact' && path.startsWith(location.path)))?.location
  }
}
