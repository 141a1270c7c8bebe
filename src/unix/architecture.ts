/** Processors that machines have, by the names that Go and Kubernetes use. */
export const ARCHITECTURES = ['amd64', 'arm64'] as const
export type Architecture = (typeof ARCHITECTURES)[number]

const MACHINE_NAMES: Readonly<Record<Architecture, string>> = { amd64: 'x86_64', arm64: 'aarch64' }

/** What the kernel calls a processor (`uname -m`). */
export function machineName(architecture: Architecture = 'amd64'): string {
  return MACHINE_NAMES[architecture]
}

export function isArchitecture(name: string): name is Architecture {
  return (ARCHITECTURES as readonly string[]).includes(name)
}
