import type { FileStat } from '../types.ts'
import type { Proc } from '../types.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const HALF_YEAR_MS = 15_778_476_000

/** `drwxr-xr-x` */
export function modeText(stat: Pick<FileStat, 'type' | 'mode'>): string {
  const kind = { file: '-', directory: 'd', symlink: 'l', fifo: 'p', character: 'c', block: 'b', socket: 's' }[stat.type]
  const part = (shift: number, special: number, letter: string) => {
    const bits = stat.mode >> shift
    const executable = (bits & 1) !== 0
    const set = (stat.mode & special) !== 0
    return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${set ? executable ? letter : letter.toUpperCase() : executable ? 'x' : '-'}`
  }
  return kind + part(6, 0o4000, 's') + part(3, 0o2000, 's') + part(0, 0o1000, 't')
}

/** `Jan  2 15:04`, or the year for files that aren't recent. */
export function listingTime(ms: number, nowMs: number): string {
  const date = new Date(ms)
  const day = `${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)}`
  if (ms > nowMs || nowMs - ms > HALF_YEAR_MS) return `${day}  ${date.getUTCFullYear()}`
  return `${day} ${String(date.getUTCHours()).padStart(2, '0')}:${String(date.getUTCMinutes()).padStart(2, '0')}`
}

/** Sizes like `1.5K`. */
export function humanSize(bytes: number): string {
  if (bytes < 1024) return String(bytes)
  let value = bytes
  let unit = -1
  while (value >= 1024 && unit < 5) { value /= 1024; unit += 1 }
  const text = value < 10 ? (Math.ceil(value * 10) / 10).toFixed(1) : String(Math.ceil(value))
  return `${text}${'KMGTPE'[unit]}`
}

/** Names of users and groups as /etc/passwd and /etc/group have them; the number when they don't. */
export function accountNames(proc: Proc): { user(uid: number): string; group(gid: number): string } {
  const read = (path: string) => {
    const names = new Map<number, string>()
    try {
      for (const line of proc.fs.readText(path).split('\n')) { const [name, , id] = line.split(':'); if (name && id !== undefined && !names.has(Number(id))) names.set(Number(id), name) }
    } catch { /* Images without accounts show numbers. */ }
    return names
  }
  let users: Map<number, string> | undefined
  let groups: Map<number, string> | undefined
  return {
    user: (uid) => (users ??= read('/etc/passwd')).get(uid) ?? String(uid),
    group: (gid) => (groups ??= read('/etc/group')).get(gid) ?? String(gid),
  }
}

/** The id that a name or number means; undefined when there is no such account. */
export function accountId(proc: Proc, kind: 'user' | 'group', text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text)
  try {
    for (const line of proc.fs.readText(kind === 'user' ? '/etc/passwd' : '/etc/group').split('\n')) { const [name, , id] = line.split(':'); if (name === text) return Number(id) }
  } catch { /* No accounts, no names. */ }
  return undefined
}
