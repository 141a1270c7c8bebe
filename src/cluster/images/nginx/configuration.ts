/** A directive of an nginx configuration: its words, and what stands in its braces. */
export interface Directive {
  name: string
  args: string[]
  block?: Directive[]
  line: number
}

/** What nginx says about a configuration it can't read. */
export class ConfigurationError extends Error {}

/**
 * Reads nginx's syntax: words, quotes, comments, blocks.
 * @param include the texts of the files that a pattern of an `include` names, in order.
 * @throws ConfigurationError in nginx's words.
 */
export function parseConfiguration(text: string, file: string, include: (pattern: string) => { file: string; text: string }[]): Directive[] {
  let at = 0
  let line = 1
  const fail = (message: string): never => { throw new ConfigurationError(`${message} in ${file}:${line}`) }
  const skip = () => {
    for (;;) {
      const c = text[at]
      if (c === '\n') line++
      if (c === '#') { while (at < text.length && text[at] !== '\n') at++; continue }
      if (c === undefined || !/\s/.test(c)) return
      at++
    }
  }
  const word = (): string => {
    const quote = text[at]
    let out = ''
    if (quote === '"' || quote === "'") {
      at++
      while (at < text.length && text[at] !== quote) {
        if (text[at] === '\n') line++
        if (text[at] === '\\' && text[at + 1] !== undefined) at++
        out += text[at++]
      }
      if (at++ >= text.length) fail('unexpected end of file, expecting ";" or "}"')
      return out
    }
    while (at < text.length && !/[\s;{}]/.test(text[at]!)) {
      // Variables in braces belong to the word.
      if (text[at] === '$' && text[at + 1] === '{') { const end = text.indexOf('}', at); out += text.slice(at, end + 1); at = end + 1; continue }
      if (text[at] === '\\' && text[at + 1] !== undefined) out += text[at++]
      out += text[at++]
    }
    return out
  }
  const block = (inside: boolean): Directive[] => {
    const out: Directive[] = []
    for (;;) {
      skip()
      if (at >= text.length) { if (inside) fail('unexpected end of file, expecting "}"'); return out }
      if (text[at] === '}') { if (!inside) fail('unexpected "}"'); at++; return out }
      const startLine = line
      const words: string[] = []
      for (;;) {
        skip()
        if (at >= text.length) fail('unexpected end of file, expecting ";" or "}"')
        const c = text[at]
        if (c === ';') { at++; break }
        if (c === '}') fail('unexpected "}"')
        if (c === '{') {
          at++
          const [name, ...args] = words
          out.push({ name: name ?? '', args, block: block(true), line: startLine })
          words.length = 0
          break
        }
        words.push(word())
      }
      if (words.length === 0) continue
      const [name, ...args] = words
      if (name === 'include') {
        for (const part of include(args[0] ?? '')) out.push(...parseConfiguration(part.text, part.file, include))
      } else out.push({ name: name!, args, line: startLine })
    }
  }
  return block(false)
}

/** A `location` in the order nginx looks at them. */
export interface Location {
  match: '=' | '^~' | '~' | '~*' | ''
  path: string
  pattern?: RegExp
  settings: Settings
}

/** What a server or location says about answering; a location's own words win over its server's. */
export interface Settings {
  root?: string
  alias?: string
  index?: string[]
  tryFiles?: string[]
  returns?: { status: number; text: string }
  proxyPass?: string
  proxyHeaders: [string, string][]
  headers: [string, string][]
  defaultType: string
  autoindex: boolean
  accessLog: boolean
  stubStatus: boolean
  deny: boolean
  errorPages: Map<number, string>
}

export interface Server {
  ports: number[]
  names: string[]
  isDefault: boolean
  settings: Settings
  locations: Location[]
}

const DIRECTIVES = new Set('user worker_processes error_log pid events worker_connections http include default_type log_format access_log sendfile tcp_nopush tcp_nodelay keepalive_timeout gzip gzip_types types server listen server_name root index location return proxy_pass proxy_set_header proxy_http_version proxy_redirect proxy_connect_timeout proxy_read_timeout proxy_send_timeout proxy_buffering proxy_cache try_files error_page add_header alias autoindex stub_status deny allow client_max_body_size expires rewrite upstream charset server_tokens resolver daemon stream multi_accept worker_rlimit_nofile if set keepalive_requests client_body_buffer_size large_client_header_buffers send_timeout client_body_timeout client_header_timeout reset_timedout_connection etag internal ssl_certificate ssl_certificate_key ssl_protocols ssl_ciphers map geo absolute_redirect port_in_redirect least_conn ip_hash keepalive auth_basic auth_basic_user_file'.split(' '))

/** Servers and upstreams of a configuration. @throws ConfigurationError for directives nginx doesn't know. */
export function readServers(directives: readonly Directive[], file: string): { servers: Server[]; upstreams: Map<string, string[]> } {
  const servers: Server[] = []
  const upstreams = new Map<string, string[]>()
  const http = directives.find((d) => d.name === 'http')
  const check = (list: readonly Directive[], parent: string) => {
    for (const d of list) {
      if (parent === 'types' || parent === 'upstream' || parent === 'map' || parent === 'geo') continue
      if (!DIRECTIVES.has(d.name)) throw new ConfigurationError(`unknown directive "${d.name}" in ${file}:${d.line}`)
      if (d.block) check(d.block, d.name)
    }
  }
  check(directives, '')
  const base = applyAll(emptySettings(), http?.block ?? [])
  for (const d of http?.block ?? []) {
    if (d.name === 'upstream') upstreams.set(d.args[0]!, (d.block ?? []).filter((u) => u.name === 'server').map((u) => u.args[0]!))
    if (d.name !== 'server') continue
    const settings = applyAll(inherit(base), d.block ?? [])
    const listens = (d.block ?? []).filter((l) => l.name === 'listen')
    const ports = listens.map((l) => Number(/(\d+)$/.exec(l.args[0]!)?.[1] ?? 80)).filter((port, i, all) => all.indexOf(port) === i)
    servers.push({
      ports: ports.length ? ports : [80],
      names: (d.block ?? []).filter((n) => n.name === 'server_name').flatMap((n) => n.args),
      isDefault: listens.some((l) => l.args.includes('default_server')),
      settings,
      locations: (d.block ?? []).filter((l) => l.name === 'location').map((l) => locationOf(l, settings)),
    })
  }
  return { servers, upstreams }
}

function locationOf(d: Directive, server: Settings): Location {
  const [first, second] = d.args
  const match = second === undefined ? '' : (first as Location['match'])
  const path = second ?? first ?? '/'
  return { match, path, ...(match === '~' || match === '~*' ? { pattern: new RegExp(path, match === '~*' ? 'i' : '') } : {}), settings: applyAll(inherit(server), d.block ?? []) }
}

function emptySettings(): Settings {
  return { headers: [], proxyHeaders: [], defaultType: 'text/plain', autoindex: false, accessLog: true, stubStatus: false, deny: false, errorPages: new Map() }
}

function inherit(from: Settings): Settings {
  const { returns: _, tryFiles: __, proxyPass: ___, alias: ____, ...rest } = from
  return { ...rest, errorPages: new Map(from.errorPages) }
}

function applyAll(settings: Settings, directives: readonly Directive[]): Settings {
  let ownHeaders = false
  for (const { name, args } of directives) {
    switch (name) {
      case 'root': settings.root = args[0]!; break
      case 'alias': settings.alias = args[0]!; break
      case 'index': settings.index = args; break
      case 'try_files': settings.tryFiles = args; break
      case 'return': settings.returns = /^\d+$/.test(args[0] ?? '') ? { status: Number(args[0]), text: args[1] ?? '' } : { status: 302, text: args[0] ?? '' }; break
      case 'proxy_pass': settings.proxyPass = args[0]!; break
      case 'proxy_set_header': settings.proxyHeaders = [...settings.proxyHeaders, [args[0]!, args[1] ?? '']]; break
      case 'add_header':
        // Headers of the level above count only where a level has none of its own.
        if (!ownHeaders) settings.headers = []
        ownHeaders = true
        settings.headers.push([args[0]!, args[1] ?? ''])
        break
      case 'default_type': settings.defaultType = args[0]!; break
      case 'autoindex': settings.autoindex = args[0] === 'on'; break
      case 'access_log': settings.accessLog = args[0] !== 'off'; break
      case 'stub_status': settings.stubStatus = true; break
      case 'deny': if (args[0] === 'all') settings.deny = true; break
      case 'error_page': for (const code of args.slice(0, -1)) settings.errorPages.set(Number(code), args.at(-1)!); break
    }
  }
  return settings
}

/** The location that answers a path. nginx: exact, then the longest prefix unless `^~`, then patterns in order. */
export function chooseLocation(server: Server, path: string): Location | undefined {
  const exact = server.locations.find((l) => l.match === '=' && l.path === path)
  if (exact) return exact
  const prefix = server.locations.filter((l) => (l.match === '' || l.match === '^~') && path.startsWith(l.path)).sort((a, b) => b.path.length - a.path.length)[0]
  if (prefix?.match === '^~') return prefix
  return server.locations.find((l) => l.pattern?.test(path)) ?? prefix
}
