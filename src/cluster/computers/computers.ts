import type { Log } from '../../base/log.ts'
import type { HttpRequest } from '../../base/http.ts'
import type { Machine } from '../../unix/types.ts'
import { cidrContains, parseCidr, parseIPv4 } from '../network/cidr.ts'
import { workerSpec } from '../topology.ts'
import type { NodeSpec } from '../topology.ts'
import { Computer } from './computer.ts'
import type { Beginning, PowerRequest, Surroundings } from './computer.ts'

/** What somebody sees who stands in front of a computer. */
export interface ComputerState {
  name: string
  ip: string
  controlPlane: boolean
  power: PowerState
}

/** `starting` and `stopping`: its operating system does. */
export type PowerState = 'on' | 'off' | 'starting' | 'stopping'

export interface ComputersOptions extends Omit<Surroundings, 'onPowerRequest' | 'onRole'> {
  /** The machine is gone on which the control plane was installed. */
  onFounderGone(): void
  /** Prefix of the names of new ones. */
  clusterName: string
  nodes: readonly NodeSpec[]
  /** What else begins and ends with a computer, outside its containers. */
  onStarted?(computer: Computer): void
  onStopped?(computer: Computer): void
  /** What there is has changed, or whether it is on. */
  onSpecs(nodes: readonly NodeSpec[]): void
}

/** How long a computer takes from power to its services, and its firmware from one system to the next, in milliseconds. */
const STARTING_MS = 8_000

/** Thrown for what can't be done with a computer as it is; the message is for people. */
export class ComputerError extends Error {}

/** The computers that make up a cluster, or may: they can be switched off and on, added and taken away. */
export class Computers {
  readonly #options: ComputersOptions
  readonly #around: Surroundings
  readonly #log: Log
  readonly #computers = new Map<string, Computer>()
  /** Those on their way from one state to the other. */
  readonly #changing = new Map<string, 'starting' | 'stopping'>()
  readonly #listeners = new Set<() => void>()
  #stopped = false

  constructor(options: ComputersOptions) {
    this.#options = options
    this.#log = options.log.named('computers')
    this.#around = { ...options, onPowerRequest: (name, request) => { void this.#followRequest(name, request) }, onRole: (computer, isControlPlane) => this.#setRole(computer, isControlPlane) }
    for (const spec of options.nodes) this.#computers.set(spec.name, new Computer(spec, this.#around))
  }

  get(name: string): Computer | undefined {
    return this.#computers.get(name)
  }

  all(): readonly Computer[] {
    return [...this.#computers.values()]
  }

  states(): ComputerState[] {
    return this.all().map(({ spec: { name, ip, controlPlane }, isOn }) => ({ name, ip, controlPlane, power: this.#changing.get(name) ?? (isOn ? 'on' : 'off') }))
  }

  /** Calls back after each change of {@link states}. Returns the way to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** By name or address, as somebody sees it who logs in; undefined where nobody answers. */
  machine(nameOrAddress: string): Promise<Machine> | undefined {
    const computer = this.#computers.get(nameOrAddress) ?? this.all().find(({ spec }) => spec.ip === nameOrAddress)
    return computer && this.#changing.get(computer.spec.name) !== 'starting' ? computer.machine() : undefined
  }

  /** k8s: the API server's dialler. @throws Error */
  async askKubelet(nodeName: string, request: HttpRequest): Promise<Response> {
    const computer = this.#computers.get(nodeName)
    if (!computer) throw new Error(`dial tcp: lookup ${nodeName}: no such host`)
    return computer.askKubelet(request)
  }

  /** A control plane was installed for the computers, or taken away. */
  settle(topology: Surroundings['topology'], membership: Surroundings['membership']): void {
    Object.assign(this.#around, { topology, membership })
    for (const computer of this.all()) computer.followFlavour()
  }

  /** Says what has become of a computer. */
  mark(name: string, marks: Pick<NodeSpec, 'controlPlane'> & Partial<Pick<NodeSpec, 'labels'>>): void {
    const computer = this.#need(name)
    computer.spec = { ...computer.spec, ...marks }
    this.#tell()
  }

  /** Starts a computer as it stands in the topology; `install` puts on its disk what belongs there. One that is off stays off over a reload, one that was starting starts. */
  begin(computer: Computer, beginning: Beginning, install: (computer: Computer) => void): void {
    const { power } = computer.spec
    if (power === 'off') return
    if (power === 'starting') return void this.#start(computer)
    computer.switchOn(beginning)
    install(computer)
    computer.startServices()
  }

  /** What the machine is that came last, and the next one is too. */
  #usual(): Pick<NodeSpec, 'architecture' | 'runtime'> {
    const { architecture, runtime } = this.all().at(-1)?.spec ?? {}
    return { ...(architecture ? { architecture } : {}), ...(runtime ? { runtime } : {}) }
  }

  /** A new computer with an empty disk and kind's image of a node on it, switched on. Nothing makes it a node. @param wanted its name, which may be made of its address */
  add(wanted: string | ((ip: string) => string) = this.#freeName(), hardware: Partial<Pick<NodeSpec, 'cpu' | 'memory' | 'architecture'>> = {}): ComputerState {
    const used = new Set([...this.all().map(({ spec }) => spec.ip), this.#options.topology.loadBalancer?.ip])
    let number = 0
    let spec
    const { hostCidr, firstAddress } = this.#around.topology
    const first = firstAddress === undefined ? 0 : parseIPv4(firstAddress)
    do spec = workerSpec('', number++, hostCidr); while (used.has(spec.ip) || parseIPv4(spec.ip) < first)
    if (!cidrContains(parseCidr(hostCidr), parseIPv4(spec.ip) + 1)) throw new ComputerError(`there is no free address in ${hostCidr}`)
    const name = typeof wanted === 'string' ? wanted : wanted(spec.ip)
    if (!/^[a-z0-9]([-.a-z0-9]{0,61}[a-z0-9])?$/.test(name)) throw new ComputerError(`"${name}" is no name for a computer`)
    if (this.#computers.has(name)) throw new ComputerError(`there is a computer "${name}" already`)
    const computer = new Computer({ ...spec, name, ...this.#usual(), ...hardware }, this.#around)
    this.#computers.set(name, computer)
    void this.#start(computer)
    return this.states().find((state) => state.name === name)!
  }

  /** Takes a computer away, with its disk. Whoever knew it as a node has to be told. */
  async remove(name: string): Promise<void> {
    const computer = this.#need(name)
    const isFounder = this.#isFounder(computer)
    if (isFounder && !this.#around.topology.installed) throw new ComputerError(`${name} is the control plane: without it there is no cluster`)
    if (isFounder && this.all().some((other) => other !== computer && other.spec.controlPlane)) throw new ComputerError(`${name} is where the control plane began: it can't go before its other nodes`)
    await this.powerOff(name)
    if (isFounder) this.#options.onFounderGone()
    await computer.erase()
    this.#computers.delete(name)
    this.#tell()
  }

  /** Whether the control plane began on it, and hasn't been taken away. */
  #isFounder(computer: Computer): boolean {
    const { topology: { installed }, membership } = this.#around
    return membership !== undefined && (installed ? computer.spec.name === installed.on : computer === this.all()[0])
  }

  /** Gives a computer power. */
  powerOn(name: string): void {
    const computer = this.#need(name)
    if (!computer.isOn && !this.#changing.has(name)) void this.#start(computer)
  }

  /** Takes a computer's power away. */
  async powerOff(name: string): Promise<void> {
    const computer = this.#need(name)
    this.#changing.delete(name)
    this.#setPower(computer, 'off')
    await this.#stop(computer)
  }

  /** Ends a computer's operating system in order, then its power. */
  async shutDown(name: string): Promise<void> {
    const computer = this.#need(name)
    if (!await this.#end(computer)) return
    this.#setPower(computer, 'off')
    await this.#stop(computer)
  }

  /** Ends a computer's operating system in order, and starts it anew. */
  async reboot(name: string): Promise<void> {
    const computer = this.#need(name)
    if (!await this.#end(computer)) return
    await this.#stop(computer)
    await this.#start(computer)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.all().map((computer) => computer.switchOff()))
  }

  async #followRequest(name: string, request: PowerRequest): Promise<void> {
    try {
      await (request === 'reboot' ? this.reboot(name) : this.shutDown(name))
    } catch (error) {
      this.#log.error('a computer could not end', { name, error: String(error) })
    }
  }

  async #start(computer: Computer): Promise<void> {
    const { name } = computer.spec
    this.#changing.set(name, 'starting')
    this.#setPower(computer, 'starting')
    await this.#options.clock.sleep(STARTING_MS)
    // Switched off meanwhile, or taken away.
    if (this.#stopped || this.#changing.get(name) !== 'starting' || this.#computers.get(name) !== computer) return
    this.#changing.delete(name)
    computer.switchOn('cold')
    computer.startServices()
    this.#options.onStarted?.(computer)
    this.#setPower(computer, 'on')
  }

  /** @returns whether it has ended, and wasn't switched off meanwhile */
  async #end(computer: Computer): Promise<boolean> {
    const { name } = computer.spec
    if (!computer.isOn || this.#changing.has(name)) return false
    this.#changing.set(name, 'stopping')
    this.#tell()
    await computer.endProcesses()
    if (this.#changing.get(name) !== 'stopping') return false
    this.#changing.delete(name)
    return true
  }

  async #stop(computer: Computer): Promise<void> {
    const wasOn = computer.isOn
    await computer.switchOff()
    if (wasOn) this.#options.onStopped?.(computer)
    this.#tell()
  }

  #setPower(computer: Computer, power: 'on' | 'off' | 'starting'): void {
    const { power: _, ...spec } = computer.spec
    computer.spec = power === 'on' ? spec : { ...spec, power }
    this.#tell()
  }

  /** What `kubeadm` has made of it. The first one is what it was installed as. */
  #setRole(computer: Computer, controlPlane: boolean): void {
    if (!this.#around.membership || this.#isFounder(computer) || computer.spec.controlPlane === controlPlane) return
    computer.spec = { ...computer.spec, controlPlane }
    this.#tell()
  }

  #tell(): void {
    this.#options.onSpecs(this.all().map(({ spec }) => spec))
    for (const listener of this.#listeners) listener()
  }

  #need(name: string): Computer {
    const computer = this.#computers.get(name)
    if (!computer) throw new ComputerError(`there is no computer "${name}"`)
    return computer
  }

  /** kind's names: worker, worker2, worker3 ... */
  #freeName(): string {
    const { clusterName } = this.#options
    for (let i = 1; ; i++) {
      const name = `${clusterName}-worker${i === 1 ? '' : i}`
      if (!this.#computers.has(name)) return name
    }
  }
}
