import type { ClusterClock } from '../base/clock.ts'
import { createLog } from '../base/log.ts'
import type { Log, LogEntry } from '../base/log.ts'
import { Journal } from './node/journal.ts'

/** A log whose entries can be followed per component, so that a control-plane container prints what its part says, and a node's journal keeps what its kubelet does. */
export function createComponentLog(clock: ClusterClock, onLog: ((entry: LogEntry) => void) | undefined): { log: Log; onComponentLine(component: string, line: (text: string) => void): () => void; journalOf(component: string): Journal } {
  const followers = new Map<string, Set<(text: string) => void>>()
  const journals = new Map<string, Journal>()
  const log = createLog(clock, (entry) => {
    onLog?.(entry)
    if (entry.level !== 'debug') journals.get(entry.component)?.add(entry)
    const set = followers.get(entry.component)
    if (set && entry.level !== 'debug') for (const follow of set) follow(klogLine(entry))
  })
  return {
    log,
    onComponentLine(component, line) {
      let set = followers.get(component)
      if (!set) followers.set(component, set = new Set())
      set.add(line)
      return () => set.delete(line)
    },
    journalOf(component) {
      let journal = journals.get(component)
      if (!journal) journals.set(component, journal = new Journal())
      return journal
    },
  }
}

/** k8s: klog's text format */
function klogLine(entry: LogEntry): string {
  const iso = new Date(entry.timeMs).toISOString()
  const letter = { debug: 'I', info: 'I', warn: 'W', error: 'E' }[entry.level]
  const fields = Object.entries(entry.fields ?? {}).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`).join('')
  return `${letter}${iso.slice(5, 7)}${iso.slice(8, 10)} ${iso.slice(11, 23)}000       1 ${entry.component}] ${JSON.stringify(entry.message)}${fields}`
}
