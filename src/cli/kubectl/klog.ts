import type { Proc } from '../../unix/types.ts'

/** A value behind a key; one of several lines is indented between brackets. k8s: klog serialize.writeStringValue */
export function klogValue(text: string): string {
  return text.includes('\n') ? `<\n${text.split('\n').map((line) => `\t${line}\n`).join('')} >` : JSON.stringify(text)
}

/** One line of the logging library that the Go tools share: `E1121 03:09:07.477441   31675 memcache.go:265] text`. */
export function klogLine(proc: Proc, level: 'I' | 'W' | 'E' | 'F', place: string, text: string): string {
  const iso = new Date(proc.clock.nowMs()).toISOString()
  return `${level}${iso.slice(5, 7)}${iso.slice(8, 10)} ${iso.slice(11, 19)}.${iso.slice(20, 23)}000 ${String(proc.pid).padStart(7)} ${place}] ${text}\n`
}
