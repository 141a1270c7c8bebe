import type { HeadersPolicy } from '../envoy/configuration.ts'
import type { ProxyHeadersPolicy } from './http-proxy-types.ts'

const HEADER_NAME = /^[-A-Za-z0-9]+$/
/** Variables that Envoy may put in; whatever else stands between percent signs stays what it is. */
const VARIABLES = ['DOWNSTREAM_REMOTE_ADDRESS', 'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT', 'DOWNSTREAM_LOCAL_ADDRESS', 'DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT', 'DOWNSTREAM_LOCAL_PORT', 'DOWNSTREAM_TLS_VERSION', 'PROTOCOL', 'UPSTREAM_REMOTE_ADDRESS']

/** What a policy for headers comes to. @throws Error with the words for the status. k8s: contour/internal/dag headersPolicyRoute */
export function headersPolicy(policy: ProxyHeadersPolicy | undefined, allowsHost: boolean, variables: Readonly<Record<string, string>>): HeadersPolicy | undefined {
  if (!policy) return undefined
  const set: Record<string, string> = {}
  let hostRewrite: string | undefined
  let hostRewriteHeader: string | undefined
  for (const { name, value } of policy.set ?? []) {
    const key = canonical(name)
    if (set[key] !== undefined) throw new Error(`duplicate header addition: "${key}"`)
    if (key === 'Host') {
      if (!allowsHost) throw new Error(`rewriting "${key}" header is not supported`)
      const from = /%REQ\(([A-Za-z0-9-]+)\)%/.exec(value)?.[1]
      if (from !== undefined) hostRewriteHeader = canonical(from)
      else hostRewrite = value
      continue
    }
    if (!HEADER_NAME.test(key)) throw new Error(`invalid set header "${key}": [a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')]`)
    set[key] = escaped(value, variables)
  }
  const remove: string[] = []
  for (const name of policy.remove ?? []) {
    const key = canonical(name)
    if (remove.includes(key)) throw new Error(`duplicate header removal: "${key}"`)
    if (!HEADER_NAME.test(key)) throw new Error(`invalid remove header "${key}": [a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')]`)
    remove.push(key)
  }
  return { set, remove, ...(hostRewrite === undefined ? {} : { hostRewrite }), ...(hostRewriteHeader === undefined ? {} : { hostRewriteHeader }) }
}

/** As Go's textproto writes names of headers. */
function canonical(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())
}

/** k8s: escapeHeaderValue */
function escaped(value: string, variables: Readonly<Record<string, string>>): string {
  if (!value.includes('%')) return value
  let text = value.replaceAll('%', '%%')
  for (const [name, known] of Object.entries(variables)) text = text.replaceAll(`%%${name}%%`, known)
  for (const name of VARIABLES) text = text.replaceAll(`%%${name}%%`, `%${name}%`)
  return text.replace(/%(%REQ\(:?[\w-]+(\?:?[\w-]+)?\)(:\d+)?%)%/g, '$1')
}
