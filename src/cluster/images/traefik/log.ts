import type { Proc } from '../../../unix/types.ts'

export type Level = 'DBG' | 'INF' | 'WRN' | 'ERR'
const ORDER: readonly Level[] = ['DBG', 'INF', 'WRN', 'ERR']
const NAMES: Readonly<Record<string, Level>> = { trace: 'DBG', debug: 'DBG', info: 'INF', warn: 'WRN', error: 'ERR', fatal: 'ERR', panic: 'ERR' }

export type TraefikLog = (level: Level, message: string, fields?: Readonly<Record<string, string | number>>) => void

/** Traefik's common format on standard output: `2026-06-01T09:00:00Z INF text key=value`. @param least of the command line */
export function traefikLog(proc: Proc, least: string): TraefikLog {
  const from = ORDER.indexOf(NAMES[least.toLowerCase()] ?? 'ERR')
  const shown = (value: string | number) => (/^[^\s"=]+$/.test(String(value)) ? String(value) : JSON.stringify(value))
  return (level, message, fields = {}) => {
    if (ORDER.indexOf(level) < from) return
    const rest = Object.entries(fields).sort(([a], [b]) => (a === 'error' ? -1 : b === 'error' ? 1 : a < b ? -1 : 1)).map(([key, value]) => ` ${key}=${shown(value)}`).join('')
    void proc.stdout.write(`${new Date(proc.clock.nowMs()).toISOString().slice(0, 19)}Z ${level} ${message}${rest}\n`).catch(() => {})
  }
}
