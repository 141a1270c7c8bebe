import type { Proc } from '../../../unix/types.ts'

/** A line of Kubernetes' log, on standard error: `I1121 07:38:58.123456       1 serving.go:380] text`. */
export function klog(proc: Proc, level: 'I' | 'W' | 'E' | 'F', at: string, text: string): void {
  const iso = new Date(proc.clock.nowMs()).toISOString()
  void proc.stderr.write(`${level}${iso.slice(5, 7)}${iso.slice(8, 10)} ${iso.slice(11, 23)}000 ${String(proc.pid).padStart(7)} ${at}] ${text}\n`).catch(() => {})
}
