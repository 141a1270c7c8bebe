import type { FileSystem } from '../../unix/types.ts'

const FOLDER = '/etc/crio/crio.conf.d'

/** What CRI-O's package puts on a node. */
export const CRIO_FILES: Readonly<Record<string, string>> = {
  [`${FOLDER}/10-crio.conf`]: `[crio.image]
signature_policy = "/etc/crio/policy.json"

[crio.runtime]
default_runtime = "crun"

[crio.runtime.runtimes.crun]
runtime_path = "/usr/libexec/crio/crun"
runtime_root = "/run/crun"
monitor_path = "/usr/libexec/crio/conmon"

[crio.runtime.runtimes.runc]
runtime_path = "/usr/libexec/crio/runc"
runtime_root = "/run/runc"
monitor_path = "/usr/libexec/crio/conmon"
`,
  '/etc/crio/policy.json': '{ "default": [{ "type": "insecureAcceptAnything" }] }\n',
}

/** The names of the runtimes that a node's configuration has; crun where there is none. */
// @k8s part: CRI-O's configuration: its runtimes count when the node's machine starts, and all of them are the same one; nothing else is read
export function crioRuntimes(files: FileSystem): string[] {
  const texts = files.exists(FOLDER) ? files.readdir(FOLDER).filter((name) => name.endsWith('.conf')).sort().map((name) => files.readText(`${FOLDER}/${name}`)) : []
  const names = [...texts.join('\n').matchAll(/^\s*\[crio\.runtime\.runtimes\.(?:"([^"\n]+)"|([\w-]+))\]\s*$/gm)].map(([, quoted, bare]) => (quoted ?? bare)!)
  return names.length > 0 ? [...new Set(names)] : ['crun']
}
