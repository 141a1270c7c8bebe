import type { FileSystem, User } from '../../unix/types.ts'

/** The user part of an image's `user`: a number, or a name to look up in the container. */
export function parseUser(text: string | undefined): { uid?: number; name?: string } {
  const user = (text ?? '').split(':')[0]!
  return /^\d+$/.test(user) ? { uid: Number(user) } : user ? { name: user } : {}
}

interface PasswdEntry { name: string; uid: number; gid: number; home: string }

/** Containers of one image have the same files, so what was read last mostly serves again. */
const lastRead = new Map<string, { text: string; entries: readonly string[][] }>()

function entries(fs: FileSystem, path: string): readonly string[][] {
  if (!fs.exists(path)) return []
  let text: string
  try {
    text = fs.readText(path)
  } catch {
    return []
  }
  const last = lastRead.get(path)
  if (last?.text === text) return last.entries
  const read = text.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => line.split(':'))
  lastRead.set(path, { text, entries: read })
  return read
}

/**
 * Who a container's first process is, given what the pod and the image say. @throws Error for names that the image doesn't know.
 */
// containerd: oci.WithUser, WithAdditionalGIDs
export function resolveUser(fs: FileSystem, imageUser: string | undefined, asked: { runAsUser?: number; runAsGroup?: number; supplementalGroups: readonly number[]; mergeImageGroups: boolean }): User {
  const passwd: PasswdEntry[] = entries(fs, '/etc/passwd').map((f) => ({ name: f[0]!, uid: Number(f[2]), gid: Number(f[3]), home: f[5] || '/' }))
  const image = parseUser(imageUser)
  let entry: PasswdEntry | undefined
  let uid = asked.runAsUser ?? image.uid
  if (uid === undefined && image.name) {
    entry = passwd.find((e) => e.name === image.name)
    if (!entry) throw new Error(`unable to find user ${image.name}: no matching entries in passwd file`)
    uid = entry.uid
  }
  uid ??= 0
  entry ??= passwd.find((e) => e.uid === uid)
  // Only the user of an image's `user:group` counts here: kubelets pass the user on as if the pod had asked for it.
  const gid = asked.runAsGroup ?? entry?.gid ?? 0
  const groups = new Set<number>([gid])
  if (asked.mergeImageGroups && entry)
    for (const f of entries(fs, '/etc/group')) if ((f[3] ?? '').split(',').includes(entry.name)) groups.add(Number(f[2]))
  for (const group of asked.supplementalGroups) groups.add(group)
  return { uid, gid, groups: [...groups], name: entry?.name ?? String(uid), home: entry?.home ?? '/' }
}
