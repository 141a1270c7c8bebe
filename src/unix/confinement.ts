import type { SystemCall } from './system-calls.ts'

/** The process that something is forbidden. */
export interface ConfinedProcess {
  readonly pid: number
  readonly argv: readonly string[]
  readonly user: { readonly uid: number; readonly gid: number }
}

/** What a process does to a file: read 4, write 2 (which is making, changing and removing too), execute 1. */
export type FileAccess = 1 | 2 | 4

/** A filter of system calls. Throws UnixError, or ProcessKilled where the filter kills. */
export type SystemCallFilter = (call: SystemCall | FileCall, by: ConfinedProcess) => void

/** A mandatory profile: what it leaves processes of the rights that they would have. */
export interface ConfinementProfile {
  /** Capabilities that may be used, a bit for each. */
  capabilities: bigint
  /** It would only report. */
  isComplaining?: boolean
  /** Calls that fail with EACCES. */
  refusedCalls: ReadonlySet<SystemCall>
  /** Whether files may be accessed so, by their absolute paths; undefined where the profile says nothing that matters. */
  allowsFile?(path: string, access: FileAccess, by: ConfinedProcess): boolean
}

/** What confines the processes of a machine beyond permissions and capabilities. */
export interface Confinement {
  filter?: SystemCallFilter
  /** Whether the filter says anything of calls for files; it isn't asked about them otherwise. */
  filtersFiles?: boolean
  profile?: ConfinementProfile
}

/** What is asked before files are used, in machines that are confined. @throws UnixError */
export interface FileGuard {
  check(call: FileCall, path: string, access: FileAccess): void
}

/** What is done to files. Which system call it is depends on the C library and on the family of utilities. */
export type FileCall = 'open' | 'getdents' | 'mkdir' | 'rmdir' | 'unlink' | 'rename' | 'symlink' | 'link' | 'chmod' | 'chown' | 'utimes' | 'mknod'
