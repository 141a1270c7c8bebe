import type { Proc } from '../../unix/types.ts'

const FRAMES = ['⠈⠁', '⠈⠑', '⠈⠱', '⠈⡱', '⢀⡱', '⢄⡱', '⢄⡱', '⢆⡱', '⢎⡱', '⢎⡰', '⢎⡠', '⢎⡀', '⢎⠁', '⠎⠁', '⠊⠁']
const FRAME_MS = 100

/** What kind says while it works, on standard error: steps with a mark behind them, on a terminal with a wheel that turns. kind: pkg/internal/cli Status */
export class Status {
  readonly #proc: Proc
  readonly #quiet: boolean
  readonly #isTerminal: boolean
  #step = ''
  #timer: { cancel(): void } | undefined

  constructor(proc: Proc, options: { quiet: boolean }) {
    this.#proc = proc
    this.#quiet = options.quiet
    this.#isTerminal = proc.isTty(2) && proc.env['TERM'] !== 'dumb'
  }

  async say(line: string): Promise<void> {
    if (!this.#quiet) await this.#proc.stderr.write(`${line}\n`)
  }

  async begin(step: string): Promise<void> {
    await this.end(true)
    this.#step = step
    if (!this.#isTerminal || this.#quiet) return this.say(` • ${step}  ...`)
    let frame = 0
    const turn = () => {
      void this.#proc.stderr.write(`\u001b[?7l\r${FRAMES[frame++ % FRAMES.length]} ${step} \u001b[?7h`).catch(() => {})
      this.#timer = this.#proc.clock.after(FRAME_MS, turn)
    }
    turn()
  }

  async end(isDone: boolean): Promise<void> {
    if (this.#step === '') return
    const step = this.#step
    this.#step = ''
    this.#timer?.cancel()
    this.#timer = undefined
    const mark = isDone ? '✓' : '✗'
    await this.say(this.#isTerminal ? `\r \u001b[3${isDone ? 2 : 1}m${mark}\u001b[0m ${step}` : ` ${mark} ${step}`)
  }
}
