import type { ByteReader, ByteWriter } from '../../base/streams.ts'
import type { MemoryFileSystem } from '../../unix/file-system.ts'
import type { Privileges, ProcessDetails } from '../../unix/fs/proc-tree.ts'
import { ROOT_USER } from '../../unix/machine.ts'
import type { ExitStatus, Machine, Process, Signal, Tty, User } from '../../unix/types.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'

/** Processes of a node's containers with the numbers that the node gives them. */
export class ContainerProcesses {
  readonly #runtime: ContainerRuntime
  readonly #numbers = new Map<string, number>()
  #last = 1_000

  constructor(runtime: ContainerRuntime) {
    this.#runtime = runtime
  }

  list(): ContainerProcess[] {
    const out: ContainerProcess[] = []
    const seen = new Set<string>()
    for (const { id, state, podUid } of [...this.#runtime.listContainers()].reverse()) {
      // Those that share the node's namespace are no guests in it.
      if (state !== 'running' || this.#runtime.podSandbox(podUid)?.config.hostProcesses) continue
      for (const process of this.#runtime.machine(id)?.processes() ?? []) {
        const key = `${id}/${process.pid}`
        seen.add(key)
        out.push(new ContainerProcess(process as ProcessDetails, this.#number(key), process.ppid === 0 ? 1 : this.#number(`${id}/${process.ppid}`)))
      }
    }
    for (const key of this.#numbers.keys()) if (!seen.has(key)) this.#numbers.delete(key)
    return out
  }

  /** The processes that a container itself started, under the node's numbers for them. */
  of(containerId: string): readonly { pid: number }[] {
    const machine = this.#runtime.machine(containerId)
    return (machine?.processes() ?? []).filter((process) => (process as ProcessDetails).machine === machine).map(({ pid }) => ({ pid: this.#number(`${containerId}/${pid}`) }))
  }

  #number(key: string): number {
    let number = this.#numbers.get(key)
    if (number === undefined) this.#numbers.set(key, number = ++this.#last)
    return number
  }
}

/** A container's process under the node's number for it. */
class ContainerProcess implements ProcessDetails {
  readonly #own: ProcessDetails
  readonly pid: number
  readonly ppid: number

  constructor(own: ProcessDetails, pid: number, ppid: number) {
    this.#own = own
    this.pid = pid
    this.ppid = ppid
  }

  get group(): number { return this.pid }
  get argv(): readonly string[] { return this.#own.argv }
  get user(): User { return this.#own.user.uid === 0 ? ROOT_USER : this.#own.user }
  get startedMs(): number { return this.#own.startedMs }
  get status(): ExitStatus | undefined { return this.#own.status }
  get env(): Readonly<Record<string, string>> { return this.#own.env }
  get cwd(): string { return this.#own.cwd }
  get memoryBytes(): number { return this.#own.memoryBytes }
  get state(): 'R' | 'S' | 'T' | 'Z' { return this.#own.state }
  get cpuNanoseconds(): number { return this.#own.cpuNanoseconds }
  get tty(): Tty | undefined { return this.#own.tty }
  get files(): MemoryFileSystem { return this.#own.files }
  get title(): string | undefined { return this.#own.title }
  get privileges(): Privileges { return this.#own.privileges }
  get machine(): Machine { return this.#own.machine }
  get capabilities(): bigint { return this.#own.capabilities }
  get bounding(): bigint { return this.#own.bounding }
  get noNewPrivileges(): boolean { return this.#own.noNewPrivileges }
  get namespaces(): { network: object; processes: object } { return this.#own.namespaces }
  get streams(): { stdin: ByteReader; stdout: ByteWriter; stderr: ByteWriter } { return this.#own.streams }
  kill(signal: Signal): void { (this.#own as Process).kill(signal) }
  wait(): Promise<ExitStatus> { return this.#own.wait() }
}
