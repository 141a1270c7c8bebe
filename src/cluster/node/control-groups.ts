import type { ControlGroup } from '../../unix/fs/cgroup-tree.ts'
import type { Hardware, MachineLimits } from '../../unix/types.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import type { PodSandbox } from '../runtime/cri.ts'
import type { ContainerProcesses } from './container-processes.ts'

const NO_USAGE = { memoryBytes: 0, cpuNanoseconds: 0 }
/** Weight of one processor. */
const CPU_SHARES = 1_024
/** The least weight there is, which the process has that holds a pod's namespaces. */
const MIN_SHARES = 2

/** The control groups of a node's pods, one in the other as systemd keeps them: slices, and in a pod's slice a scope for each container. */
export class PodControlGroups {
  readonly #runtime: ContainerRuntime
  readonly #processes: ContainerProcesses
  readonly #hardware: Hardware
  /** By path. Groups are the same objects as long as they are there. */
  #slices = new Map<string, Slice>()
  #scopes = new Map<string, ControlGroup>()

  constructor(runtime: ContainerRuntime, processes: ContainerProcesses, hardware: Hardware) {
    this.#runtime = runtime
    this.#processes = processes
    this.#hardware = hardware
  }

  /** The outermost groups as they are now. */
  list(): ReadonlyMap<string, ControlGroup> {
    const before = { slices: this.#slices, scopes: this.#scopes }
    this.#slices = new Map()
    this.#scopes = new Map()
    const outermost = new Slice()
    for (const sandbox of this.#runtime.listPodSandboxes()) {
      const parent = sandbox.config.cgroupParent
      if (parent === undefined || sandbox.state !== 'ready') continue
      let slice = outermost
      let path = ''
      for (const name of parent.split('/')) {
        path += `/${name}`
        let inside = this.#slices.get(path)
        if (!inside) {
          this.#slices.set(path, inside = before.slices.get(path) ?? new Slice())
          inside.inside.clear()
          slice.inside.set(name, inside)
        }
        slice = inside
      }
      slice.own = () => sandbox.resources
      this.#fill(slice, sandbox, before.scopes)
    }
    for (const slice of outermost.inside.values()) if (slice instanceof Slice) slice.own = () => ({ cpuShares: this.#hardware.cpus * CPU_SHARES, memoryBytes: this.#hardware.memoryBytes })
    return outermost.inside
  }

  #fill(slice: Slice, sandbox: PodSandbox, before: ReadonlyMap<string, ControlGroup>): void {
    const add = (id: string, make: () => ControlGroup) => {
      const scope = before.get(id) ?? make()
      this.#scopes.set(id, scope)
      slice.inside.set(this.#runtime.scopeOf(id), scope)
    }
    add(sandbox.id, () => ({ limits: { cpuShares: MIN_SHARES }, usage: () => NO_USAGE, processes: () => [] }))
    for (const { id, state, sandboxId } of this.#runtime.listContainers(sandbox.config.uid)) {
      if (state !== 'running' || sandboxId !== sandbox.id) continue
      const machine = () => this.#runtime.machine(id)
      add(id, () => ({ get limits() { return machine()?.limits ?? {} }, usage: () => machine()?.usage() ?? NO_USAGE, processes: () => this.#processes.of(id) }))
    }
  }
}

/** A group without processes of its own. */
class Slice implements ControlGroup {
  readonly inside = new Map<string, ControlGroup>()
  /** Its limits; without, it weighs as much as what is inside together. */
  own: (() => MachineLimits) | undefined

  get limits(): MachineLimits {
    return this.own?.() ?? { cpuShares: Math.max(MIN_SHARES, [...this.inside.values()].reduce((sum, { limits }) => sum + (limits.cpuShares ?? 0), 0)) }
  }

  usage(): { memoryBytes: number; cpuNanoseconds: number } {
    return [...this.inside.values()].reduce((sum, group) => {
      const { memoryBytes, cpuNanoseconds } = group.usage()
      return { memoryBytes: sum.memoryBytes + memoryBytes, cpuNanoseconds: sum.cpuNanoseconds + cpuNanoseconds }
    }, NO_USAGE)
  }

  processes(): readonly { pid: number }[] {
    return []
  }

  children(): ReadonlyMap<string, ControlGroup> {
    return this.inside
  }
}
