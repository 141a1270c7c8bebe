import type { FileSystem } from '../../../unix/types.ts'

/** Where the machine's program is that stands for containerd's; files of its releases lead there. */
export const CONTAINERD_PROGRAM = '/usr/lib/drydock/containerd'

/** What the program of a release is as a file. */
export const containerdBinary = (version: string) => `#!${CONTAINERD_PROGRAM} ${version}\n`

/** Which release the program in a node's file is of; undefined: the file isn't one of containerd's programs, or isn't there. */
export function installedVersion(files: FileSystem, path: string): string | undefined {
  if (!files.exists(path) || files.stat(path).type !== 'file' || files.program(path)) return undefined
  const text = files.readText(path)
  return text.startsWith(`#!${CONTAINERD_PROGRAM} `) ? text.slice(CONTAINERD_PROGRAM.length + 3).trim() : undefined
}
