import type { Signal } from './types.ts'

/** Linux' numbers. */
export const SIGNAL_NUMBERS: Readonly<Record<Signal, number>> = {
  SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGUSR1: 10, SIGUSR2: 12, SIGPIPE: 13, SIGALRM: 14, SIGTERM: 15, SIGCHLD: 17,
  SIGCONT: 18, SIGSTOP: 19, SIGTSTP: 20, SIGWINCH: 28, SIGSYS: 31,
}

/** What a signal does to a process that doesn't handle it. */
export function defaultAction(signal: Signal): 'terminate' | 'stop' | 'continue' | 'ignore' {
  switch (signal) {
    case 'SIGCHLD': case 'SIGWINCH': return 'ignore'
    case 'SIGCONT': return 'continue'
    case 'SIGSTOP': case 'SIGTSTP': return 'stop'
    default: return 'terminate'
  }
}

/** The signal that a name (`TERM`, `SIGTERM`, `term`) or number means. */
export function parseSignal(text: string): Signal | undefined {
  const upper = text.toUpperCase()
  const name = (upper.startsWith('SIG') ? upper : `SIG${upper}`) as Signal
  if (name in SIGNAL_NUMBERS) return name
  if (!/^\d+$/.test(text)) return undefined
  return (Object.keys(SIGNAL_NUMBERS) as Signal[]).find((signal) => SIGNAL_NUMBERS[signal] === Number(text))
}

/** What a shell says of a command that a signal ended. */
export function signalText(signal: Signal): string {
  const texts: Partial<Record<Signal, string>> = {
    SIGHUP: 'Hangup', SIGINT: 'Interrupt', SIGQUIT: 'Quit', SIGKILL: 'Killed', SIGUSR1: 'User defined signal 1', SIGUSR2: 'User defined signal 2',
    SIGPIPE: 'Broken pipe', SIGALRM: 'Alarm clock', SIGTERM: 'Terminated', SIGSTOP: 'Stopped (signal)', SIGTSTP: 'Stopped', SIGSYS: 'Bad system call',
  }
  return texts[signal] ?? signal
}
