import { resolvePath } from '../../../unix/path.ts'
import type { Directive } from './nginx-config.ts'

/** A line for an access log. */
export interface AccessEntry {
  path: string
  line: string
}

const COMBINED = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
/** Where nginx logs when its configuration says nothing. */
const DEFAULT_LOG = '/var/log/nginx/access.log'

/**
 * What a request leaves in access logs. `levels` are the directives of http, server and locations, outermost first: the innermost that says
 * something about logs counts. `valueOf` gives a variable, or undefined for one that there isn't.
 */
export function accessEntries(http: readonly Directive[], levels: readonly (readonly Directive[])[], valueOf: (name: string) => string | undefined): AccessEntry[] {
  const directives = levels.map((level) => level.filter((directive) => directive.name === 'access_log')).findLast((found) => found.length > 0) ?? [{ args: [DEFAULT_LOG] }]
  return directives.filter(({ args }) => args[0] !== 'off' && isWanted(args, valueOf)).map(({ args }) => {
    const format = http.find((directive) => directive.name === 'log_format' && directive.args[0] === args[1])
    const parts = format?.args.slice(1) ?? [COMBINED]
    const escape = /^escape=(\w+)$/.exec(parts[0] ?? '')?.[1]
    const text = (escape ? parts.slice(1) : parts).join('')
    const shown = text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, plain?: string) => escaped(valueOf((braced ?? plain)!) ?? '', escape))
    return { path: resolvePath('/etc/nginx', args[0]!), line: `${shown}\n` }
  })
}

/** `if=$variable`: neither empty nor 0. */
function isWanted(args: readonly string[], valueOf: (name: string) => string | undefined): boolean {
  const condition = args.find((arg) => arg.startsWith('if='))?.slice(3)
  if (condition === undefined) return true
  const value = condition.startsWith('$') ? valueOf(condition.slice(1)) ?? '' : condition
  return value !== '' && value !== '0'
}

function escaped(value: string, escape: string | undefined): string {
  if (escape === 'none') return value
  if (escape === 'json') return JSON.stringify(value).slice(1, -1)
  return value === '' ? '-' : value.replace(/["\\\x00-\x1f\x7f]/g, (sign) => `\\x${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}
