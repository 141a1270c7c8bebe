import { CertificateError } from './server-certificate.ts'
import { UnixError } from '../types.ts'

/** What a program written in Go says of a connection that failed, as in `dial tcp 10.0.0.1:80: connect: connection refused`. `host` is the name or address it wanted. */
export function goNetError(error: unknown, host: string, port: number): string {
  if (error instanceof CertificateError) return error.goMessage
  if (!(error instanceof UnixError)) return error instanceof Error ? error.message : String(error)
  const at = `dial tcp ${host.includes(':') ? `[${host}]` : host}:${port}: `
  switch (error.code) {
    case 'ECONNREFUSED': return `${at}connect: connection refused`
    case 'EHOSTUNREACH': return `${at}connect: no route to host`
    case 'ENETUNREACH': return `${at}connect: network is unreachable`
    case 'ETIMEDOUT': return `${at}i/o timeout`
    case 'ENOTFOUND': case 'EAI_AGAIN': return `dial tcp: lookup ${host}: no such host`
    case 'ECONNRESET': case 'EPIPE': return 'EOF'
    case 'EPROTO': return 'http: server gave HTTP response to HTTPS client'
    default: return error.message
  }
}
