import { ALL_FILE_RIGHTS, FileRight } from '../capabilities.ts'
import { errno } from '../errno.ts'
import type { User } from '../types.ts'
import type { Inode } from './tree.ts'

/** Who somebody is for files. */
export type FileUser = Pick<User, 'uid' | 'gid' | 'groups'>

/** A permission: 4 read, 2 write, 1 execute or search. */
export type Permission = 1 | 2 | 4

/** Whether a user is in a group; the kernel is in all of them. */
export function isInGroup(user: FileUser | undefined, gid: number): boolean {
  return !user || user.gid === gid || user.groups.includes(gid)
}

/** What one user (or the kernel, who is nobody) may do with files: the bits of their modes, and rights beyond them. */
export class FilePermissions {
  readonly user: FileUser | undefined
  /** What the user may do beyond the permissions of files, {@link FileRight}s. */
  readonly rights: number

  /** @param rights root and the kernel have them all by default, others none */
  constructor(user?: FileUser, rights = user === undefined || user.uid === 0 ? ALL_FILE_RIGHTS : 0) {
    this.user = user
    this.rights = rights
  }

  /** @throws UnixError EACCES unless the user has the permission */
  demand(inode: Inode, bit: Permission, path: string, user: FileUser | undefined): void {
    if (!this.allows(inode, bit, user)) throw errno('EACCES', path)
  }

  /** @param user whom the server takes the user for, where files lie on another machine */
  allows(inode: Pick<Inode, 'mode' | 'uid' | 'gid' | 'type'>, bit: Permission, user: FileUser | undefined): boolean {
    const rights = this.rightsOf(user)
    if (rights & FileRight.Override) return bit !== 1 || inode.type === 'directory' || (inode.mode & 0o111) !== 0
    const shift = user!.uid === inode.uid ? 6 : isInGroup(user, inode.gid) ? 3 : 0
    return ((inode.mode >> shift) & bit) !== 0 || (rights & FileRight.Search) !== 0 && (bit === 4 || bit === 1 && inode.type === 'directory')
  }

  /** What somebody may do beyond permissions: capabilities are the own user's only, a server of files knows users. */
  rightsOf(user: FileUser | undefined): number {
    if (user === this.user) return this.rights
    return user === undefined || user.uid === 0 ? ALL_FILE_RIGHTS : 0
  }
}
