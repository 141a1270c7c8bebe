import * as x509 from '../../../base/x509.ts'
import type { Proc } from '../../../unix/types.ts'
import { TLS_FOLDER } from './server-files.ts'

const DAY_MS = 86_400_000
/** k3s: a certificate that ends sooner is warned of. */
const WARN_DAYS = 120

/** `k3s certificate check`: what lies on the server's disk, and until when it is good. k3s: pkg/cli/cert */
export async function certificateCommand(proc: Proc, [command = '', ...args]: readonly string[]): Promise<number> {
  const fatal = async (message: string) => { await proc.stderr.write(`FATA[0000] ${message}\n`); return 1 }
  if (command !== 'check') return fatal(`drydock: k3s certificate ${command} is not supported`)
  const isTable = args.join(' ').includes('table')
  if (args.length > 0 && !isTable) return fatal(`drydock: k3s certificate check ${args.join(' ')} is not supported`)
  if (proc.user.uid !== 0) return fatal(`open ${TLS_FOLDER}: permission denied`)
  const nowMs = proc.clock.nowMs()
  const names = proc.fs.exists(TLS_FOLDER) ? proc.fs.readdir(TLS_FOLDER).filter((name) => name.endsWith('.crt')) : []
  const rows = names.map((name) => {
    const certificate = new x509.X509Certificate(proc.fs.readText(`${TLS_FOLDER}/${name}`))
    const endMs = certificate.notAfter.getTime()
    const days = Math.floor((endMs - nowMs) / DAY_MS)
    return { name, subject: certificate.subject, until: certificate.notAfter.toISOString(), residual: days >= 365 ? `${Math.floor(days / 365)} years` : `${days} days`, status: days < 0 ? 'EXPIRED' : days < WARN_DAYS ? 'WARNING' : 'OK' }
  })
  if (isTable) {
    const table = [['FILENAME', 'SUBJECT', 'EXPIRES', 'RESIDUAL TIME', 'STATUS'], ['--------', '-------', '-------', '-------------', '------'], ...rows.map(({ name, subject, until, residual, status }) => [name, subject, `${until.slice(0, 16).replace('T', ' ')} UTC`, residual, status])]
    const widths = table[0]!.map((_, i) => Math.max(...table.map((row) => row[i]!.length)) + 3)
    await proc.stdout.write(`\n${table.map((row) => `${row.map((cell, i) => cell.padEnd(widths[i]!)).join('').trimEnd()}\n`).join('')}`)
    return 0
  }
  for (const { name, subject, until, status } of rows) {
    const [level, words] = status === 'OK' ? ['INFO', 'is ok, expires at'] : status === 'WARNING' ? ['WARN', 'is expiring at'] : ['ERRO', 'has expired at']
    await proc.stderr.write(`${level}[0000] ${TLS_FOLDER}/${name}: certificate ${subject} ${words} ${until.slice(0, 19)}Z \n`)
  }
  return 0
}
