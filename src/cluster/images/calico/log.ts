import type { Proc } from '../../../unix/types.ts'

/** Writes a line of Calico's log: `2026-06-01 09:00:30.120 [INFO][9] startup/startup.go 432: text key="value"`. calico: libcalico-go/lib/logutils Formatter */
export type Log = (level: 'INFO' | 'WARNING' | 'ERROR' | 'FATAL', at: string, text: string, details?: Readonly<Record<string, string | number | boolean>>) => void

export function calicoLog(proc: Proc, component: string): Log {
  return (level, at, text, details = {}) => {
    const time = new Date(proc.clock.nowMs()).toISOString().slice(0, 23).replace('T', ' ')
    const pairs = Object.entries(details).map(([name, value]) => ` ${name}=${typeof value === 'string' ? JSON.stringify(value) : value}`).join('')
    void proc.stdout.write(`${time} [${level}][${proc.pid}] ${component}/${at}: ${text}${pairs}\n`).catch(() => {})
  }
}
