/** Devices by the Container Device Interface: what specifications on the node's disk say is put into containers. cncf: container-device-interface/pkg/cdi */
import { parse } from 'yaml'
import { joinPath } from '../../unix/path.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import { RuntimeError } from './cri.ts'
import type { Mount } from './cri.ts'
import { CONTAINERD } from './cri-implementation.ts'
import type { RuntimeWords } from './cri-implementation.ts'

// @k8s part: CDI: environment variables and bind mounts of a specification; all else that one may ask for is refused

/** Of several specifications of a device the later folder's counts. */
const FOLDERS = ['/etc/cdi', '/var/run/cdi']

interface ContainerEdits {
  env?: string[]
  deviceNodes?: { path: string; hostPath?: string }[]
  hooks?: { hookName: string; path: string }[]
  mounts?: { hostPath: string; containerPath: string; options?: string[] }[]
  netDevices?: unknown[]
  intelRdt?: object
  additionalGids?: number[]
}

interface Specification {
  cdiVersion: string
  kind: string
  devices: { name: string; containerEdits?: ContainerEdits }[]
  containerEdits?: ContainerEdits
}

/** What devices add to a container. */
export interface CdiEdits {
  env: Record<string, string>
  mounts: Mount[]
}

/** Resolves full names such as `vendor.com/class=device`. @throws RuntimeError */
export function cdiEdits(files: MountableFileSystem, names: readonly string[], { devicesFailed }: Pick<RuntimeWords, 'devicesFailed'> = CONTAINERD.words): CdiEdits {
  const failed = (why: string) => new RuntimeError('Unknown', devicesFailed(why))
  const known = new Map<string, { specification: Specification; edits: ContainerEdits }>()
  for (const specification of specifications(files)) for (const { name, containerEdits = {} } of specification.devices ?? []) known.set(`${specification.kind}=${name}`, { specification, edits: containerEdits })
  const unresolved = names.filter((name) => !known.has(name))
  if (unresolved.length > 0) throw failed(`unresolvable CDI devices ${unresolved.join(', ')}`)
  const out: CdiEdits = { env: {}, mounts: [] }
  const apply = ({ env = [], deviceNodes = [], hooks = [], mounts = [], netDevices = [], intelRdt, additionalGids = [] }: ContainerEdits) => {
    for (const { path, hostPath = path } of deviceNodes) throw failed(files.exists(hostPath) ? `drydock: device nodes are not supported: ${hostPath}` : `failed to stat CDI host device ${JSON.stringify(hostPath)}: no such file or directory`)
    for (const { path } of hooks) throw failed(`drydock: hooks are not supported: ${path}`)
    if (netDevices.length > 0) throw failed('drydock: network devices are not supported')
    if (intelRdt) throw failed('drydock: Intel RDT is not supported')
    if (additionalGids.length > 0) throw failed('drydock: additional groups are not supported')
    for (const variable of env) out.env[variable.slice(0, variable.indexOf('='))] = variable.slice(variable.indexOf('=') + 1)
    for (const { hostPath, containerPath, options = [] } of mounts) out.mounts.push({ containerPath, tree: files, subPath: hostPath, readOnly: options.includes('ro') })
  }
  const seen = new Set<Specification>()
  for (const name of new Set(names)) {
    const { specification, edits } = known.get(name)!
    if (!seen.has(specification)) apply(specification.containerEdits ?? {})
    seen.add(specification)
    apply(edits)
  }
  return out
}

/** Files that can't be read as one don't count. */
function specifications(files: MountableFileSystem): Specification[] {
  return FOLDERS.flatMap((folder) => {
    if (!files.exists(folder)) return []
    return files.readdir(folder).filter((name) => /\.(?:json|yaml)$/.test(name)).sort().flatMap((name) => {
      try {
        const specification = parse(files.readText(joinPath(folder, name))) as Specification | null
        return specification?.kind && Array.isArray(specification.devices) ? [specification] : []
      } catch {
        return []
      }
    })
  })
}
