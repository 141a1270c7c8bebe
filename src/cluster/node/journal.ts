import type { LogEntry } from '../../base/log.ts'

/** Entries kept; older ones are dropped. */
const LIMIT = 2_000

/** What a node's services have written, as its journal keeps it. */
export class Journal {
  readonly #entries: LogEntry[] = []
  readonly #followers = new Set<(entry: LogEntry) => void>()

  add(entry: LogEntry): void {
    this.#entries.push(entry)
    if (this.#entries.length > LIMIT * 1.5) this.#entries.splice(0, this.#entries.length - LIMIT)
    for (const follow of this.#followers) follow(entry)
  }

  /** Oldest first. */
  entries(): readonly LogEntry[] {
    return this.#entries
  }

  /** Calls back for every new entry; returns the way to stop. */
  follow(listener: (entry: LogEntry) => void): () => void {
    this.#followers.add(listener)
    return () => this.#followers.delete(listener)
  }
}

/** klog's text of an entry: severity, time, process, place in the source, message and fields. `source`: where the real component logs such a message. */
export function klogText(entry: LogEntry, pid: number, source: string): string {
  const iso = new Date(entry.timeMs).toISOString()
  const micros = String(Math.floor((entry.timeMs % 1) * 1000)).padStart(3, '0')
  const letter = { debug: 'I', info: 'I', warn: 'W', error: 'E' }[entry.level]
  const fields = Object.entries(entry.fields ?? {}).map(([key, value]) => ` ${key}=${typeof value === 'number' || typeof value === 'boolean' ? value : JSON.stringify(value)}`).join('')
  return `${letter}${iso.slice(5, 7)}${iso.slice(8, 10)} ${iso.slice(11, 23)}${micros} ${String(pid).padStart(7)} ${source}] ${JSON.stringify(entry.message)}${fields}`
}
