import type { Proc } from '../../../unix/types.ts'
import { printYaml } from '../../kinds/print-yaml.ts'

export interface CdiDevice {
  name: string
  env: readonly string[]
}

/** The specifications that a driver leaves for the container runtime. dra-example-driver cmd/dra-example-kubeletplugin/cdi.go */
export class CdiFiles {
  readonly #proc: Proc
  readonly #root: string
  readonly #vendor: string
  readonly #class: string

  constructor(proc: Proc, root: string, driver: string, deviceClass: string) {
    this.#proc = proc
    this.#root = root
    this.#vendor = `k8s.${driver}`
    this.#class = deviceClass
  }

  /** What all of the driver's devices bring. */
  writeCommon(env: readonly string[]): void {
    this.#write('common', [{ name: 'common', env }])
  }

  writeClaim(uid: string, devices: readonly CdiDevice[]): void {
    this.#write(uid, devices.map(({ name, env }) => ({ name: `${uid}-${name}`, env })))
  }

  removeClaim(uid: string): void {
    this.#proc.fs.remove(this.#path(uid), { force: true })
  }

  /** Full names of the devices that a container with one of a claim's devices gets. */
  namesOf(uid: string, device: string): string[] {
    return ['common', `${uid}-${device}`].map((name) => `${this.#vendor}/${this.#class}=${name}`)
  }

  #path(id: string): string {
    return `${this.#root}/${this.#vendor}-${this.#class}_${id}.yaml`
  }

  #write(id: string, devices: readonly CdiDevice[]): void {
    // Names that begin with a digit came with a later version of the interface.
    const cdiVersion = devices.some(({ name }) => /^\d/.test(name)) ? '0.5.0' : '0.3.0'
    const text = printYaml({ cdiVersion, containerEdits: {}, devices: devices.map(({ name, env }) => ({ name, containerEdits: { env } })), kind: `${this.#vendor}/${this.#class}` })
    this.#proc.fs.writeFile(this.#path(id), `---\n${text}`, { mode: 0o644 })
  }
}
