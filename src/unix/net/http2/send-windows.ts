import { DEFAULT_WINDOW, FRAME, FLAG, MAX_FRAME_BYTES, SETTING, frame, readSettings, readUint32 } from './frames.ts'
import type { Frame } from './frames.ts'

/** What one end of a connection may send before the other says that there is more room, over the connection and each of its streams. RFC 9113, section 5.2 */
export class SendWindows {
  /** Longest payload of a frame that the other side takes, in bytes. */
  maxFrame = MAX_FRAME_BYTES
  /** Of the connection, in bytes. */
  #own = DEFAULT_WINDOW
  /** What streams begin with. */
  #first = DEFAULT_WINDOW
  readonly #streams = new Map<number, number>()
  #waiting: (() => void)[] = []

  /** A stream begins. */
  open(id: number): void {
    this.#streams.set(id, this.#first)
  }

  /** A stream has ended: whoever still sends over it stops. */
  close(id: number): void {
    if (this.#streams.delete(id)) this.#wake()
  }

  /** So have all. */
  closeAll(): void {
    this.#streams.clear()
    this.#wake()
  }

  /** The other side says that there is more room. */
  grow({ id, payload }: Pick<Frame, 'id' | 'payload'>): void {
    const more = readUint32(payload)
    const window = this.#streams.get(id)
    if (id === 0) this.#own += more
    else if (window !== undefined) this.#streams.set(id, window + more)
    this.#wake()
  }

  /** The other side says how much it takes; streams that are open follow. */
  configure(settings: Uint8Array): void {
    for (const [key, value] of readSettings(settings)) {
      if (key === SETTING.maxFrame) this.maxFrame = value
      if (key !== SETTING.initialWindow) continue
      for (const [id, window] of this.#streams) this.#streams.set(id, window + value - this.#first)
      this.#first = value
    }
    this.#wake()
  }

  /** Hands data over in frames as there is room for them. @param ends whether the last frame ends the stream. @returns whether all of it was; the stream may end before */
  async send(id: number, data: Uint8Array, ends: boolean, write: (frame: Uint8Array) => void): Promise<boolean> {
    for (let at = 0; at < data.length;) {
      const window = this.#streams.get(id)
      if (window === undefined) return false
      const room = Math.min(this.#own, window, this.maxFrame, data.length - at)
      if (room <= 0) {
        await new Promise<void>((resolve) => { this.#waiting.push(resolve) })
        continue
      }
      this.#own -= room
      this.#streams.set(id, window - room)
      write(frame(FRAME.data, ends && at + room === data.length ? FLAG.endStream : 0, id, data.subarray(at, at + room)))
      at += room
    }
    return this.#streams.has(id)
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
