import type { Proc } from '../../../unix/types.ts'

/** logrus' text on standard output, as without a terminal: `time="..." level=info msg="..." key=value`. */
export function logrus(proc: Proc, level: 'info' | 'warning' | 'error' | 'fatal', message: string, fields: Readonly<Record<string, string | number>> = {}): void {
  const quoted = (value: string | number) => (/^[-.\w/@^+]+$/.test(String(value)) ? String(value) : JSON.stringify(value))
  const rest = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => ` ${key}=${quoted(value)}`).join('')
  void proc.stderr.write(`time="${new Date(proc.clock.nowMs()).toISOString().slice(0, 19)}Z" level=${level} msg=${quoted(message)}${rest}\n`).catch(() => {})
}
