/** A directive of an nginx configuration, with its block if it has one. */
export interface Directive {
  name: string
  args: string[]
  block?: Directive[]
  file: string
  line: number
}

/** A configuration that nginx refuses; the message is what it prints after `[emerg]`. */
export class NginxConfigError extends Error {}

/** What a backslash makes of a letter within quotes. */
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

/** Reads a configuration file's text. @throws NginxConfigError */
export function parseNginxConfig(text: string, file: string): Directive[] {
  let at = 0
  let line = 1
  const fail = (message: string): never => { throw new NginxConfigError(`${message} in ${file}:${line}`) }
  const block = (top: boolean): Directive[] => {
    const directives: Directive[] = []
    let words: string[] = []
    let started = line
    for (;;) {
      const char = text[at]
      if (char === undefined) {
        if (words.length > 0) fail(`unexpected end of file, expecting ";" or "}"`)
        if (!top) fail('unexpected end of file, expecting "}"')
        return directives
      }
      if (char === '\n') { line += 1; at += 1 }
      else if (/\s/.test(char)) at += 1
      else if (char === '#') while (at < text.length && text[at] !== '\n') at += 1
      else if (char === ';') {
        if (words.length === 0) fail('unexpected ";"')
        directives.push({ name: words[0]!, args: words.slice(1), file, line: started })
        words = []
        at += 1
      } else if (char === '{') {
        if (words.length === 0) fail('unexpected "{"')
        const directive: Directive = { name: words[0]!, args: words.slice(1), file, line: started }
        words = []
        at += 1
        directive.block = block(false)
        directives.push(directive)
      } else if (char === '}') {
        if (words.length > 0) fail('unexpected "}"')
        if (top) fail('unexpected "}"')
        at += 1
        return directives
      } else {
        if (words.length === 0) started = line
        words.push(word())
      }
    }
  }
  const word = (): string => {
    const quote = text[at] === '"' || text[at] === "'" ? text[at++] : undefined
    let out = ''
    for (; at < text.length; at++) {
      const char = text[at]!
      if (quote ? char === quote : /[\s;]/.test(char) || (char === '{' && !out.endsWith('$'))) { if (quote) at += 1; return out }
      if (char === '\\' && quote && text[at + 1] !== undefined) {
        const next = text[at + 1]!
        const escaped = next === quote || next === '\\' ? next : ESCAPES[next]
        if (escaped !== undefined) at += 1
        out += escaped ?? char
        continue
      }
      if (char === '\n') line += 1
      out += char
      if (char === '{' && out.endsWith('${')) { const end = text.indexOf('}', at); out += text.slice(at + 1, end + 1); at = end }
    }
    if (quote) fail(`unexpected end of file, expecting "${quote}"`)
    return out
  }
  return block(true)
}

/** Refuses regular expressions that aren't any. @throws NginxConfigError */
export function checkExpressions({ name, args, block = [], file, line }: Directive): void {
  const operator = args.findIndex((arg) => /^!?~\*?$/.test(arg))
  const patterns = name === 'rewrite' ? [args[0]] : (name === 'location' || name === 'if') && operator >= 0 ? [name === 'if' && operator + 2 === args.length ? args[operator + 1]?.replace(/\)$/, '') : args[operator + 1]]
    : name === 'map' ? block.filter((row) => row.name.startsWith('~')).map((row) => row.name.replace(/^~\*?/, '')) : name === 'server_name' ? args.filter((arg) => arg.startsWith('~')).map((arg) => arg.slice(1)) : []
  for (const pattern of patterns) {
    try { new RegExp((pattern ?? '').replace(/^\(\?i\)/, '').replace(/\(\?P</g, '(?<')) } catch { throw new NginxConfigError(`pcre2_compile() failed in "${pattern}" in ${file}:${line}`) }
  }
}

/**
 * Directives that nginx knows and that are followed, or have nothing here that they could change.
 * @k8s part: nginx: gzip, proxy_cache, proxy_redirect, proxy_buffering and the time limits, those of gRPC too, limit_req, limit_conn, least_conn, ip_hash, backup, max_fails, proxy_intercept_errors, set_real_ip_from, ssl_protocols and ssl_ciphers and env are accepted without effect; fastcgi_pass answers 502, "stream" is refused; -V names no modules; of -g only what the image says is followed
 */
export const KNOWN_DIRECTIVES: ReadonlySet<string> = new Set([
  'user', 'worker_processes', 'error_log', 'pid', 'events', 'worker_connections', 'multi_accept', 'use', 'http', 'include', 'default_type', 'log_format', 'access_log', 'sendfile', 'tcp_nopush', 'tcp_nodelay', 'keepalive_timeout',
  'keepalive_requests', 'gzip', 'gzip_types', 'gzip_min_length', 'gzip_vary', 'gzip_comp_level', 'gzip_proxied', 'types', 'types_hash_max_size', 'server', 'listen', 'server_name', 'root', 'alias', 'index', 'location', 'return', 'proxy_pass', 'proxy_set_header', 'proxy_http_version',
  'proxy_read_timeout', 'proxy_connect_timeout', 'proxy_send_timeout', 'proxy_buffering', 'proxy_redirect', 'proxy_buffer_size', 'proxy_buffers', 'proxy_cache_bypass', 'proxy_ssl_verify', 'proxy_pass_request_headers', 'proxy_hide_header', 'proxy_next_upstream', 'try_files', 'add_header', 'autoindex', 'error_page', 'rewrite', 'stub_status', 'upstream', 'keepalive', 'least_conn', 'ip_hash', 'resolver', 'client_max_body_size', 'client_body_buffer_size', 'client_body_temp_path', 'proxy_temp_path', 'fastcgi_temp_path', 'uwsgi_temp_path', 'scgi_temp_path',
  'server_tokens', 'charset', 'expires', 'etag', 'if', 'set', 'map', 'deny', 'allow', 'internal', 'limit_except', 'limit_req', 'limit_req_zone', 'limit_conn', 'ssl_certificate', 'ssl_certificate_key', 'ssl_protocols', 'ssl_ciphers', 'ssl_session_cache', 'ssl_session_timeout', 'ssl_prefer_server_ciphers', 'http2', 'daemon', 'master_process', 'worker_rlimit_nofile', 'absolute_redirect', 'port_in_redirect', 'server_name_in_redirect', 'server_names_hash_bucket_size', 'large_client_header_buffers', 'client_header_timeout', 'client_body_timeout', 'send_timeout', 'reset_timedout_connection', 'open_file_cache', 'auth_basic', 'auth_basic_user_file', 'sub_filter', 'sub_filter_once', 'sub_filter_types', 'break', 'log_not_found', 'merge_slashes', 'real_ip_header', 'set_real_ip_from', 'env', 'stream', 'zone', 'grpc_pass', 'grpc_set_header', 'grpc_hide_header', 'grpc_read_timeout', 'grpc_connect_timeout', 'grpc_send_timeout', 'grpc_next_upstream', 'grpc_buffer_size', 'grpc_intercept_errors', 'grpc_ssl_verify', 'grpc_ssl_server_name', 'fastcgi_pass', 'fastcgi_param', 'fastcgi_index', 'load_module', 'thread_pool', 'pcre_jit', 'satisfy', 'recursive_error_pages', 'proxy_intercept_errors', 'proxy_ssl_server_name', 'proxy_cache', 'proxy_cache_path', 'proxy_cache_valid',
])
