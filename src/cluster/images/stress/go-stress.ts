import type { Program } from '../../../unix/types.ts'
import { quantityValue } from '../../kinds/quantity.ts'
import { goDuration, goFlags, goProgram, klog } from '../agnhost/go-server.ts'
import { defineImage } from '../image.ts'
import { spin } from './hogs.ts'

/** The least that memory grows by at a time here, whatever the size of a chunk is: milliseconds. */
const STEP_MS = 100
/** What Go needs for itself. */
const RUNTIME_BYTES = 2 ** 20

/** stress in Go: memory that grows in chunks, and threads that spin. */
const goStress: Program = async (proc) => {
  const { flags } = goFlags(proc.argv.slice(1), new Set(['logtostderr', 'alsologtostderr']))
  const total = flags.get('mem-total') ?? '0'
  const chunk = flags.get('mem-alloc-size') ?? '4Ki'
  const pause = flags.get('mem-alloc-sleep') ?? '1ms'
  const cpus = Number(flags.get('cpus') ?? 0)
  return goProgram(proc, async () => {
    klog(proc, 'I', 'main.go:26', `Allocating ${JSON.stringify(total)} memory, in ${JSON.stringify(chunk)} chunks, with a ${pause} sleep between allocations`)
    for (let i = 0; i < cpus; i++) {
      klog(proc, 'I', 'main.go:39', 'Spawning a thread to consume CPU')
      void spin(proc, cpus).catch(() => {})
    }
    proc.useMemory(RUNTIME_BYTES)
    const totalBytes = quantityValue(total)
    const pauseMs = goDuration(pause) ?? 1
    const chunks = pauseMs > 0 ? Math.max(1, Math.floor(STEP_MS / pauseMs)) : Infinity
    for (let bytes = 0; bytes < totalBytes;) {
      await proc.sleep(pauseMs > 0 ? chunks * pauseMs : 1)
      bytes = Math.min(totalBytes, bytes + chunks * quantityValue(chunk))
      proc.useMemory(RUNTIME_BYTES + bytes, { figurative: true })
    }
    klog(proc, 'I', 'main.go:29', `Allocated ${JSON.stringify(total)} memory`)
    return proc.signal('SIGTERM', 'SIGINT').then(() => 2)
  })
}

export const goStressImage = defineImage({ repository: 'docker.io/vish/stress', tags: ['latest'], sizeBytes: 1_600_000, entrypoint: ['/stress', '-logtostderr'], programs: { '/stress': goStress } })
