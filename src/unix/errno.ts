import { UnixError } from './types.ts'

/** The texts of strerror(3), as glibc prints them. */
const MESSAGES: Readonly<Record<string, string>> = {
  EPERM: 'Operation not permitted', ENOENT: 'No such file or directory', ESRCH: 'No such process', EINTR: 'Interrupted system call',
  EIO: 'Input/output error', E2BIG: 'Argument list too long', ENOEXEC: 'Exec format error', EBADF: 'Bad file descriptor',
  ECHILD: 'No child processes', EAGAIN: 'Resource temporarily unavailable', ENOMEM: 'Cannot allocate memory', EACCES: 'Permission denied',
  EBUSY: 'Device or resource busy', EEXIST: 'File exists', EXDEV: 'Invalid cross-device link', ENOTDIR: 'Not a directory',
  EISDIR: 'Is a directory', EINVAL: 'Invalid argument', ENOTTY: 'Inappropriate ioctl for device', EFBIG: 'File too large',
  ENOSPC: 'No space left on device', EROFS: 'Read-only file system', EMLINK: 'Too many links', EPIPE: 'Broken pipe',
  ENOTBLK: 'Block device required', ENXIO: 'No such device or address', ENODEV: 'No such device',
  ELOOP: 'Too many levels of symbolic links', ENAMETOOLONG: 'File name too long', ENOSYS: 'Function not implemented',
  ENOTEMPTY: 'Directory not empty', EADDRINUSE: 'Address already in use', EADDRNOTAVAIL: 'Cannot assign requested address',
  ENETUNREACH: 'Network is unreachable', ECONNRESET: 'Connection reset by peer', ECONNREFUSED: 'Connection refused',
  EHOSTUNREACH: 'No route to host', ETIMEDOUT: 'Connection timed out', ENOTSUP: 'Operation not supported', ESTALE: 'Stale file handle',
  EAI_AGAIN: 'Temporary failure in name resolution', ENOTFOUND: 'Name or service not known',
}

/** The text of an errno name; the name itself when it is unknown. */
export function strerror(code: string): string {
  return MESSAGES[code] ?? code
}

/** A failed system call with its standard text. */
export function errno(code: string, path?: string): UnixError {
  return new UnixError(code, strerror(code), path)
}

/** What to print of anything thrown. */
export function errorText(error: unknown): string {
  if (error instanceof UnixError) return error.message === error.code ? strerror(error.code) : error.message
  return error instanceof Error ? error.message : String(error)
}
