/** Made by the runtime in every container; what wasn't in the image before doesn't get into one. */
export const RUNTIME_FILES = ['/proc', '/dev', '/sys', '/etc/hosts', '/etc/hostname', '/etc/resolv.conf']

/** Whether a path is one of those or below. */
export function isRuntimeFile(path: string): boolean {
  return RUNTIME_FILES.some((each) => path === each || path.startsWith(`${each}/`))
}
