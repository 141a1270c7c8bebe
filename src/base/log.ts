import type { Clock } from './clock.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** One structured log entry. */
export interface LogEntry {
  timeMs: number
  level: LogLevel
  /** Which part speaks, e.g. `kubelet/drydock-worker`. */
  component: string
  message: string
  fields?: Record<string, unknown>
}

export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
  /** The same log with another component name. */
  named(component: string): Log
}

/** A log that hands its entries to `sink`. */
export function createLog(clock: Pick<Clock, 'nowMs'>, sink: (entry: LogEntry) => void, component = 'cluster'): Log {
  const at = (level: LogLevel) => (message: string, fields?: Record<string, unknown>) =>
    sink({ timeMs: clock.nowMs(), level, component, message, ...(fields ? { fields } : {}) })
  return {
    debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'),
    named: (name) => createLog(clock, sink, name),
  }
}

const ignore = () => {}
/** Drops everything. */
export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore, named: () => silentLog }
