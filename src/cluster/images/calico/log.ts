import type { Proc } from '../../../unix/types.ts'

/**
 * Writes a line of Calico's log: `2026-06-01 09:00:30.120 [INFO][9] startup/startup.go 111: text key="value"`. calico: libcalico-go/lib/logutils Formatter
 * @param at file and line of v3.32.1's source; undefined for what only this program says
 */
export type Log = (level: 'INFO' | 'WARNING' | 'ERROR' | 'FATAL', at: string | undefined, text: string, details?: Readonly<Record<string, string | number | boolean>>) => void

/** The log of one of Calico's components, on its standard output. */
export function calicoLog(proc: Proc, component: string): Log {
  return (level, at, text, details = {}) => {
    const time = new Date(proc.clock.nowMs()).toISOString().slice(0, 23).replace('T', ' ')
    const pairs = Object.entries(details).map(([name, value]) => ` ${name}=${typeof value === 'string' ? JSON.stringify(value) : value}`).join('')
    void proc.stdout.write(`${time} [${level}][${proc.pid}] ${component}${at === undefined ? '' : `/${at}`}: ${text}${pairs}\n`).catch(() => {})
  }
}

/** What is said when a resource can't be listed or watched. calico: libcalico-go/lib/backend/watchersyncer */
export const watchFailure = (log: Log, path: string) => (message: string) => log('INFO', 'watchercache.go 274', 'Failed to perform list of current data during resync', { error: message, ListRoot: path })
