/** /etc/exports: which directories an NFS server shows to whom, and how. */
import { isIPv4 } from '../net/addresses.ts'

/** One directory for one kind of client. */
export interface NfsExport {
  path: string
  /** `*`, an address, or a network with the length of its prefix or its mask. */
  client: string
  readOnly: boolean
  /** Root of clients is nobody here. */
  rootSquash: boolean
  /** Everybody of clients is nobody here. */
  allSquash: boolean
  anonymousUid: number
  anonymousGid: number
  /** Is the root that NFSv4 clients see (`fsid=0`). */
  isRoot: boolean
  /** What was said of writing, ports and the like, as exportfs shows it. */
  flags: string[]
}

/** What has an effect here, and what says only what is so in any case: nothing is cached between the server and its disk, and clients have privileged ports. */
const KNOWN = /^(ro|rw|sync|async|secure|insecure|(no_)?root_squash|(no_)?all_squash|(no_)?subtree_check|(no_)?wdelay|no_auth_nlm|auth_nlm|secure_locks|insecure_locks|no_acl|acl|hide|fsid=(0|root|\d+|[0-9a-f-]+)|anonuid=\d+|anongid=\d+|sec=sys)$/

/** Reads exports. Clients are known by their addresses only: there are no names of hosts that the server could look up. @throws Error in exportfs' words, for the first line that it can't follow */
export function parseExports(text: string, file = '/etc/exports'): NfsExport[] {
  const out: NfsExport[] = []
  text.replaceAll(/\\\n/g, ' ').split('\n').forEach((raw, i) => {
    const line = raw.replace(/#.*/, '').trim()
    if (line === '') return
    const [path, ...clients] = line.split(/\s+/)
    for (const each of clients.length > 0 ? clients : ['*']) {
      const parts = /^([^(]*)(?:\(([^)]*)\))?$/.exec(each)
      if (!parts) throw new Error(`exportfs: ${file}:${i + 1}: syntax error: bad option list`)
      const options = (parts[2] ?? '').split(',').filter(Boolean)
      const bad = options.find((option) => !KNOWN.test(option))
      if (bad !== undefined) throw new Error(`exportfs: ${file}:${i + 1}: unknown keyword ${JSON.stringify(bad)}`)
      const client = parts[1] || '*'
      if (client !== '*' && !isNetwork(client)) throw new Error(`exportfs: Failed to resolve ${client}`)
      const has = (name: string) => options.includes(name)
      const number = (name: string) => Number(options.findLast((option) => option.startsWith(`${name}=`))?.split('=')[1] ?? 65534)
      const last = (...names: string[]) => options.findLast((option) => names.includes(option))
      const fsid = options.findLast((option) => option.startsWith('fsid='))
      const readOnly = last('ro', 'rw') !== 'rw'
      const rootSquash = last('root_squash', 'no_root_squash') !== 'no_root_squash'
      const allSquash = last('all_squash', 'no_all_squash') === 'all_squash'
      out.push({
        path: path!.replace(/^"|"$/g, ''), client, readOnly, rootSquash, allSquash, anonymousUid: number('anonuid'), anonymousGid: number('anongid'), isRoot: fsid === 'fsid=0' || fsid === 'fsid=root',
        flags: [has('async') ? 'async' : 'sync', has('no_wdelay') ? 'no_wdelay' : 'wdelay', 'hide', has('subtree_check') ? 'subtree_check' : 'no_subtree_check', ...(fsid ? [fsid === 'fsid=root' ? 'fsid=0' : fsid] : []), 'sec=sys',
          readOnly ? 'ro' : 'rw', has('insecure') ? 'insecure' : 'secure', rootSquash ? 'root_squash' : 'no_root_squash', allSquash ? 'all_squash' : 'no_all_squash'],
      })
    }
  })
  return out
}

/** As `exportfs` lists it, in full with `verbose`. */
export function exportLine({ path, client, flags }: NfsExport, verbose: boolean): string {
  const who = client === '*' ? '<world>' : client
  return `${path.length < 15 ? path.padEnd(14) : `${path}\n\t\t`}\t${who}${verbose ? `(${flags.join(',')})` : ''}\n`
}

/** Whether an export is for a client of this address. */
export function allowsClient({ client }: NfsExport, ip: string): boolean {
  if (client === '*') return true
  const [network, bits] = client.split('/')
  const own = parseIp(ip)
  const wanted = parseIp(network!)
  if (!own || !wanted || own.length !== wanted.length) return false
  const length = bits === undefined ? own.length * 8 : /^\d+$/.test(bits) ? Number(bits) : maskLength(bits)
  return own.every((byte, i) => {
    const left = Math.min(8, Math.max(0, length - i * 8))
    const mask = (0xff00 >> left) & 0xff
    return (byte & mask) === (wanted[i]! & mask)
  })
}

function isNetwork(client: string): boolean {
  const [network, bits, more] = client.split('/')
  return parseIp(network!) !== undefined && more === undefined && (bits === undefined || (/^\d+$/.test(bits) ? Number(bits) <= 32 : parseIp(bits) !== undefined))
}

function parseIp(text: string): number[] | undefined {
  return isIPv4(text) ? text.split('.').map(Number) : undefined
}

function maskLength(mask: string): number {
  return (parseIp(mask) ?? []).reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)
}
