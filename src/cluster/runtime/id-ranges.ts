import type { Random } from '../../base/random.ts'

/** Ids of one range. k8s: pkg/kubelet/userns userNsUnitLength */
const RANGE_IDS = 65_536
/** How many pods can have a range at a time: as many as a node takes by default. The first range is the node's own. */
const RANGES = 110

/** Which of a node's user ids stand for those of pods with a user namespace: for each pod a range of its own, by chance as the kubelet chooses it. k8s: pkg/kubelet/userns UsernsManager */
export class IdRanges {
  readonly #random: Random
  readonly #byPod = new Map<string, number>()

  constructor(random: Random) {
    this.#random = random
  }

  /** The first id of a pod's range, which it keeps until it is released. */
  firstOf(podUid: string): number {
    let range = this.#byPod.get(podUid)
    if (range === undefined) {
      const taken = new Set(this.#byPod.values())
      range = this.#random.int(RANGES) + 1
      while (taken.has(range) && taken.size < RANGES) range = range % RANGES + 1
      this.#byPod.set(podUid, range)
    }
    return range * RANGE_IDS
  }

  release(podUid: string): void {
    this.#byPod.delete(podUid)
  }
}
