import { resolvePath } from '../../../unix/path.ts'
import { UnixError } from '../../../unix/types.ts'
import { isPassword } from '../../../unix/openssl/kept-passwords.ts'
import { credentialsOf } from '../front/basic-auth.ts'
import { innermost, logError, substitute } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import type { Directive } from './nginx-config.ts'

/** Why somebody may not see a location. */
export interface Refusal {
  status: 401 | 403
  /** What the login is for. */
  realm?: string
}

/** allow, deny and auth_basic: all must do, unless `satisfy any` says that one is enough. Undefined for whoever may. */
export async function accessRefusal(exchange: Exchange, own: readonly Directive[]): Promise<Refusal | undefined> {
  const { method } = exchange.request
  const limited = own.find((d) => d.name === 'limit_except' && !d.args.includes(method) && !(method === 'HEAD' && d.args.includes('GET')))?.block
  const levels = limited ? [...exchange.levels, limited] : exchange.levels
  const isEnough = innermost(levels, 'satisfy')[0]?.args[0] === 'any'
  const rules = innermost(levels, 'allow', 'deny')
  const isDenied = rules.find(({ args }) => covers(args[0] ?? '', exchange.peer.remote.ip))?.name === 'deny'
  if (isEnough && rules.length > 0 && !isDenied) return undefined
  const realm = innermost(levels, 'auth_basic')[0]?.args[0]
  const hasLogin = realm !== undefined && realm !== 'off'
  if (isDenied && !(isEnough && hasLogin)) {
    logError(exchange, 'access forbidden by rule')
    return { status: 403 }
  }
  return hasLogin ? loginRefusal(exchange, levels, realm) : undefined
}

async function loginRefusal(exchange: Exchange, levels: readonly (readonly Directive[])[], realm: string): Promise<Refusal | undefined> {
  const { proc, request } = exchange
  const file = innermost(levels, 'auth_basic_user_file')[0]?.args[0]
  if (file === undefined) return { status: 403 }
  const credentials = credentialsOf(request.headers.get('authorization'))
  if (!credentials) return { status: 401, realm }
  const path = resolvePath('/etc/nginx', substitute(exchange, file, exchange.url.pathname))
  let lines: string[]
  try {
    lines = proc.fs.readText(path).split(/\r?\n/)
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    const isAbsent = error.code === 'ENOENT'
    logError(exchange, `open() "${path}" failed (${isAbsent ? '2: No such file or directory' : '13: Permission denied'})`)
    return { status: 403 }
  }
  const kept = lines.find((line) => line.startsWith(`${credentials.user}:`))?.split(':')[1]
  if (kept !== undefined && await proc.clock.outside(isPassword(credentials.password, kept))) return undefined
  logError(exchange, kept === undefined ? `user "${credentials.user}" was not found in "${path}"` : `user "${credentials.user}": password mismatch`)
  return { status: 401, realm }
}

/** Whether `all`, an address or a range of IPv4 covers an address. */
function covers(range: string, ip: string): boolean {
  const [first = '', bits] = range.split('/')
  if (range === 'all' || first === ip) return true
  if (!/^\d+(\.\d+){3}$/.test(first) || !/^\d+$/.test(bits ?? '')) return false
  const size = 2 ** (32 - Number(bits))
  const block = (address: string) => Math.floor(address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) / size)
  return block(first) === block(ip)
}
