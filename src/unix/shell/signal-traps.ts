import { SIGNAL_NUMBERS } from '../signals.ts'
import type { Proc, Signal } from '../types.ts'
import type { ShellState } from './shell-state.ts'

/** The shell whose traps they are. */
interface TrapHost {
  readonly proc: Pick<Proc, 'onSignal'>
  readonly state: ShellState
  runText(text: string): Promise<number>
}

/** What a shell does when it gets signals: `trap`. The actions are part of its state, what is caught belongs to its process. */
export class SignalTraps {
  readonly #shell: TrapHost
  /** Signals that have a trap and came, while a command ran. */
  readonly #pending: Signal[] = []
  /** Ends the catching of a signal. */
  readonly #undo = new Map<string, () => void>()
  #isRunning = false
  /** Woken by a signal that has a trap, for `wait`. */
  #waiters: (() => void)[] = []

  constructor(shell: TrapHost) {
    this.#shell = shell
  }

  /** @param action an empty one ignores the signal; undefined: what is usual happens again */
  set(name: string, action: string | undefined): void {
    const { state, proc } = this.#shell
    this.#undo.get(name)?.()
    this.#undo.delete(name)
    if (action === undefined) state.traps.delete(name)
    else state.traps.set(name, action)
    if (!name.startsWith('SIG') || action === undefined) return
    const signal = name as Signal
    this.#undo.set(name, proc.onSignal(signal, action === '' ? 'ignore' : () => {
      this.#pending.push(signal)
      const waiters = this.#waiters
      this.#waiters = []
      for (const wake of waiters) wake()
    }))
  }

  /** Whether a signal came whose action hasn't run. */
  get isPending(): boolean {
    return this.#pending.length > 0
  }

  /** Runs the actions of signals that came; `$?` stays as it was. */
  async run(): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    const { state } = this.#shell
    const before = state.lastStatus
    try {
      for (let signal = this.#pending.shift(); signal; signal = this.#pending.shift()) {
        const action = state.traps.get(signal)
        if (action) await this.#shell.runText(action)
      }
    } finally {
      this.#isRunning = false
      state.lastStatus = before
    }
  }

  /** Waits, unless a signal that has a trap comes first. @returns what was waited for, or the exit status that stands for the signal */
  async interruptible<T>(work: Promise<T>): Promise<T | number> {
    const interrupted = new Promise<'signal'>((resolve) => { this.#waiters.push(() => resolve('signal')) })
    const result = await Promise.race([work, interrupted])
    this.#waiters = []
    return result === 'signal' ? 128 + SIGNAL_NUMBERS[this.#pending[0]!] : result
  }

  /** Catches no signals any more: another program takes the process over. */
  release(): void {
    for (const undo of this.#undo.values()) undo()
  }
}
