/** URLs as Go reads them from a request line. k8s: net/url ParseRequestURI */
import type { CelOpaque } from './cel-values.ts'

/** A parsed URL. */
export class CelUrl implements CelOpaque {
  readonly celType = 'kubernetes.URL'
  readonly scheme: string
  readonly host: string
  readonly path: string
  readonly query: string
  readonly #text: string
  /** @throws Error in Go's words */
  constructor(text: string) {
    const wrong = (problem: string): never => {
      throw new Error(`parse ${JSON.stringify(text)}: ${problem}`)
    }
    if (/[\x00-\x1f\x7f]/.test(text)) wrong('net/url: invalid control character in URL')
    if (text === '') wrong('empty url')
    if (text.startsWith(':')) wrong('missing protocol scheme')
    const scheme = /^([a-zA-Z][a-zA-Z0-9+\-.]*):/.exec(text)?.[1]
    let rest = scheme === undefined ? text : text.slice(scheme.length + 1)
    // What can be in a request line is checked; what follows a # isn't kept.
    const hash = rest.indexOf('#')
    if (hash >= 0) rest = rest.slice(0, hash)
    const question = rest.indexOf('?')
    this.query = question < 0 ? '' : rest.slice(question + 1)
    if (question >= 0) rest = rest.slice(0, question)
    if (!rest.startsWith('/') && rest !== '*' && scheme === undefined) wrong('invalid URI for request')
    let host = ''
    if (rest.startsWith('//') && (scheme !== undefined || !rest.startsWith('///'))) {
      const slash = rest.indexOf('/', 2)
      host = slash < 0 ? rest.slice(2) : rest.slice(2, slash)
      rest = slash < 0 ? '' : rest.slice(slash)
      const at = host.lastIndexOf('@')
      if (at >= 0 && !/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(host.slice(0, at))) wrong('net/url: invalid userinfo')
      host = host.slice(at + 1)
      const problem = hostProblem(host)
      if (problem !== undefined) wrong(problem)
    }
    const escape = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(rest)
    if (escape) wrong(`invalid URL escape ${JSON.stringify(escape[0])}`)
    this.#text = text
    this.scheme = (scheme ?? '').toLowerCase()
    this.host = host
    this.path = scheme !== undefined && !rest.startsWith('/') ? '' : rest
  }
  get hostname(): string {
    const bracketed = /^\[(.*)\]/.exec(this.host)
    return bracketed ? bracketed[1]! : this.host.replace(/:\d*$/, '')
  }
  get port(): string {
    return /:(\d*)$/.exec(this.host)?.[1] ?? ''
  }
  get escapedPath(): string {
    return this.path.replace(/%[0-9a-fA-F]{2}|[^]/gu, (part) => part.length === 3 && part.startsWith('%') ? part : /[A-Za-z0-9\-_.~$&+,/:;=@!'()*[\]]/.test(part) ? part : encodeURIComponent(part))
  }
  /** Values by key. */
  get parameters(): Map<string, string[]> {
    const out = new Map<string, string[]>()
    const decoded = (text: string): string | undefined => {
      try {
        return decodeURIComponent(text.replaceAll('+', ' '))
      } catch {
        return undefined
      }
    }
    for (const pair of this.query.split('&')) {
      if (pair === '' || pair.includes(';')) continue
      const equals = pair.indexOf('=')
      const [key, value] = [decoded(equals < 0 ? pair : pair.slice(0, equals)), decoded(equals < 0 ? '' : pair.slice(equals + 1))]
      if (key === undefined || value === undefined) continue
      const known = out.get(key)
      if (known) known.push(value)
      else out.set(key, [value])
    }
    return out
  }
  equals(other: unknown): boolean {
    return other instanceof CelUrl && other.#text === this.#text
  }
}

function hostProblem(host: string): string | undefined {
  if (host.startsWith('[')) {
    const end = host.lastIndexOf(']')
    if (end < 0) return "missing ']' in host"
    const port = host.slice(end + 1)
    return /^(?::\d*)?$/.test(port) ? undefined : `invalid port ${JSON.stringify(port)} after host`
  }
  const colon = host.lastIndexOf(':')
  if (colon >= 0 && !/^:\d*$/.test(host.slice(colon))) return `invalid port ${JSON.stringify(host.slice(colon))} after host`
  const bad = /[^A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"%\u0080-\u{10ffff}]/u.exec(host)
  return bad ? `invalid character ${JSON.stringify(bad[0])} in host name` : undefined
}
