import type { Platform } from '../base/platform.ts'
import type { Etcd } from '../cluster/etcd/etcd.ts'
import { checkGoal } from '../lessons/check.ts'
import type { Ask, FurtherClusters } from '../lessons/check.ts'
import type { Goal, GoalCondition } from '../lessons/goal.ts'
import type { GoalState } from './protocol.ts'

/** After a change in the cluster so many milliseconds pass before goals are looked at, so that a rollout isn't checked a hundred times. */
const SETTLE_MS = 120
/** Logs and answers of programs change without etcd, and further clusters with another one; they are looked at so often. */
const POLL_MS = 1_000
const POLLED: readonly GoalCondition['type'][] = ['log', 'answer', 'in', 'cluster']

/** Looks at a step's goals whenever the cluster changed and tells how they stand. */
export class GoalWatcher {
  readonly #ask: Ask
  readonly #further: FurtherClusters
  readonly #platform: Platform
  readonly #etcd: Etcd
  #goals: readonly Goal[] = []
  #tell: (states: GoalState[]) => void = () => {}
  #stopListening: (() => void) | undefined
  #cancelTimer: (() => void) | undefined
  #cancelPoll: (() => void) | undefined
  #isSeen = true
  #round = 0
  #checking = false
  #again = false
  #told = ''

  constructor(options: { ask: Ask; further: FurtherClusters; platform: Platform; etcd: Etcd }) {
    this.#ask = options.ask
    this.#further = options.further
    this.#platform = options.platform
    this.#etcd = options.etcd
  }

  /** From now on these goals; the first answer comes soon. */
  watch(goals: readonly Goal[], tell: (states: GoalState[]) => void): void {
    this.stop()
    this.#goals = goals
    this.#tell = tell
    if (goals.length === 0) return
    this.#stopListening = this.#etcd.onCommit(() => this.#soon())
    this.#poll()
    void this.#check()
  }

  /** Whether anybody looks at a page: what has to be asked for again and again isn't while nobody does. Changes of the first cluster are still looked at. */
  set isSeen(isSeen: boolean) {
    if (isSeen === this.#isSeen) return
    this.#isSeen = isSeen
    this.#cancelPoll?.()
    this.#cancelPoll = undefined
    if (!isSeen || !this.#stopListening) return
    this.#poll()
    void this.#check()
  }

  stop(): void {
    this.#round++
    this.#told = ''
    this.#again = false
    this.#stopListening?.()
    this.#cancelTimer?.()
    this.#cancelPoll?.()
    this.#stopListening = this.#cancelTimer = this.#cancelPoll = undefined
  }

  #soon(): void {
    this.#cancelTimer ??= this.#platform.setTimer(() => {
      this.#cancelTimer = undefined
      void this.#check()
    }, SETTLE_MS)
  }

  #poll(): void {
    if (!this.#isSeen || !this.#goals.some(({ condition }) => POLLED.includes(condition.type))) return
    this.#cancelPoll = this.#platform.setTimer(() => {
      void this.#check()
      this.#poll()
    }, POLL_MS)
  }

  async #check(): Promise<void> {
    if (this.#checking) { this.#again = true; return }
    this.#checking = true
    const round = this.#round
    try {
      const states: GoalState[] = []
      for (const goal of this.#goals) states.push(await checkGoal(goal, this.#ask, this.#further).catch((error: unknown) => ({ met: false, found: (error as Error).message })))
      const text = JSON.stringify(states)
      if (round === this.#round && text !== this.#told) {
        this.#told = text
        this.#tell(states)
      }
    } finally {
      this.#checking = false
      if (this.#again || round !== this.#round) {
        this.#again = false
        if (this.#goals.length > 0) this.#soon()
      }
    }
  }
}
