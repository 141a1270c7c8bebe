import { UncertainMountError } from '../volume.ts'

/**
 * Which CSI volumes are staged on a node, and for which targets: a volume is staged for the first and let go after the last. What is done to one
 * volume comes one after the other, so that nobody takes up what another one is just letting go. k8s: pkg/volume/util/nestedpendingoperations
 */
export class StagedVolumes {
  /** Targets by volume; a volume without any is still staged when letting it go has failed. */
  readonly #targets = new Map<string, Set<string>>()
  /** Volumes of which nobody knows whether they are staged. */
  readonly #uncertain = new Set<string>()
  readonly #turns = new Map<string, Promise<unknown>>()

  /** Takes a volume up for a target; `stage` is told whether it may be staged already. @throws what `stage` throws; the target doesn't count then, but for an {@link UncertainMountError}, after which it is staged again and let go as if it were staged */
  use(volume: string, target: string, stage: (isUncertain: boolean) => Promise<void>): Promise<void> {
    return this.#inTurn(volume, async () => {
      const targets = this.#targets.get(volume)
      if (targets && !this.#uncertain.has(volume)) {
        targets.add(target)
        return
      }
      try {
        await stage(this.#uncertain.has(volume))
        this.#uncertain.delete(volume)
      } catch (error) {
        if (!(error instanceof UncertainMountError)) {
          // What has failed for good isn't staged, whatever was uncertain before.
          this.#uncertain.delete(volume)
          this.#targets.delete(volume)
          throw error
        }
        this.#uncertain.add(volume)
        this.#targets.set(volume, new Set([...targets ?? [], target]))
        throw error
      }
      this.#targets.set(volume, new Set([...targets ?? [], target]))
    })
  }

  /** Lets a volume go for a target; one that isn't taken up is none of anybody's business. @throws what `unstage` throws, and may be called again */
  release(volume: string, target: string, unstage: () => Promise<void>): Promise<void> {
    return this.#inTurn(volume, async () => {
      const targets = this.#targets.get(volume)
      targets?.delete(target)
      if (!targets || targets.size > 0) return
      try {
        await unstage()
      } catch (error) {
        // Whoever takes it up next has it staged anew.
        this.#uncertain.add(volume)
        throw error
      }
      this.#targets.delete(volume)
      this.#uncertain.delete(volume)
    })
  }

  async #inTurn(volume: string, work: () => Promise<void>): Promise<void> {
    const before = this.#turns.get(volume)
    const turn = before ? before.then(work, work) : work()
    this.#turns.set(volume, turn)
    try {
      await turn
    } finally {
      if (this.#turns.get(volume) === turn) this.#turns.delete(volume)
    }
  }
}
