/** Which webhooks and policies look at an object a second time. k8s: plugin/webhook/mutating reinvocationcontext.go, plugin/policy/mutating reinvocationcontext.go */
import { thaw } from '../../../base/freeze.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { semanticEqual } from '../../kinds/semantic-equal.ts'
import type { AdmissionAttributes, Reinvocation } from '../seams.ts'

export function reinvocationOf(attributes: AdmissionAttributes): Reinvocation {
  return attributes.reinvocation ??= { again: false, needed: false, notes: new Map() }
}

/** One plugin's webhooks or policies that want to be asked again when others change what they saw. */
export class Reinvocable {
  #output: KubeObject | undefined
  /** Asked since the last change. */
  #previous = new Set<string>()
  readonly #due = new Set<string>()

  /** What the plugin remembers of a request. */
  static of(plugin: string, { notes }: Reinvocation): Reinvocable {
    let known = notes.get(plugin) as Reinvocable | undefined
    if (!known) notes.set(plugin, known = new Reinvocable())
    return known
  }

  /** A round begins: what other plugins changed since the last one counts as a change. */
  begin(object: KubeObject | undefined, { again }: Reinvocation): void {
    if (again && this.#previous.size > 0 && !semanticEqual(this.#output, object)) this.#requireAll()
  }

  /** To be asked, in the second round. */
  isDue(id: string): boolean {
    return this.#due.has(id)
  }

  /** The object isn't what those before saw. */
  changed(reinvocation: Reinvocation): void {
    this.#requireAll()
    reinvocation.needed = true
  }

  /** Was asked, and wants to be again if need be. */
  add(id: string): void {
    this.#previous.add(id)
  }

  end(object: KubeObject | undefined): void {
    this.#output = this.#previous.size > 0 && object ? thaw(object) : undefined
  }

  #requireAll(): void {
    for (const id of this.#previous) this.#due.add(id)
    this.#previous = new Set()
  }
}
