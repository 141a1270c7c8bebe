import { errorText } from '../errno.ts'
import { MemoryFileSystem } from '../file-system.ts'
import { UnixError } from '../types.ts'
import type { OpenFile, Proc } from '../types.ts'
import { eachPath } from './files.ts'
import { humanSize } from './listing.ts'
import { UsageError, parseOptions } from './utility.ts'
import type { Utility } from './utility.ts'

const DEFAULT_BLOCK_BYTES = 512

/** Bytes that `10M` means. */
export function sizeOf(text: string): number | undefined {
  const match = /^(\d+)(?:([kKMGT])(?:i?B)?|([kKMG])B|b|c|w)?$/.exec(text)
  if (!match) return undefined
  const power = { k: 1, K: 1, M: 2, G: 3, T: 4 }[match[2] ?? match[3] ?? ''] ?? 0
  return Number(match[1]) * 1024 ** power * (text.endsWith('b') && !match[2] ? 512 : 1)
}

/** truncate */
export const truncate: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 's:c', { 'size=': 's', 'no-create': 'c' })
  const size = sizeOf(options.value('s') ?? '')
  if (size === undefined) throw new UsageError("you must specify either '--size' or '--reference'")
  return eachPath(context, options.operands, (path) => {
    if (proc.fs instanceof MemoryFileSystem) return proc.fs.resize(path, size)
    const data = proc.fs.exists(path) ? proc.fs.readFile(path) : new Uint8Array(0)
    const out = new Uint8Array(size)
    out.set(data.subarray(0, size))
    proc.fs.writeFile(path, out)
  }, (name, text) => `cannot open '${name}' for writing: ${text}`)
}

/** dd: bytes from one place to another, in blocks. */
export const dd: Utility = async (context) => {
  const { proc, busybox } = context
  const options = new Map(context.args.map((arg) => { const at = arg.indexOf('='); return [arg.slice(0, at), arg.slice(at + 1)] as const }))
  const bytesOf = (name: string) => sizeOf(options.get('bs') ?? options.get(name) ?? '') ?? DEFAULT_BLOCK_BYTES
  const blockBytes = bytesOf('ibs')
  const count = options.has('count') ? Number(options.get('count')) : Infinity
  const source = options.get('if')
  const target = options.get('of')
  const refused = (name: string, error: unknown) => context.complain(busybox ? `can't open '${name}': ${errorText(error)}` : `failed to open '${name}': ${errorText(error)}`)
  let input: OpenFile | undefined
  try { input = source === undefined ? undefined : proc.fs.open(proc.resolve(source), 'r') } catch (error) { return refused(source!, error) }
  const seekBytes = Number(options.get('seek') ?? options.get('oseek') ?? 0) * bytesOf('obs')
  const listed = (name: string, word: string) => (options.get(name) ?? '').split(',').includes(word)
  let output: OpenFile | undefined
  try {
    if (target !== undefined) output = openOutput(proc, proc.resolve(target), { appends: listed('oflag', 'append'), seekBytes, keeps: listed('conv', 'notrunc') })
  } catch (error) {
    input?.close()
    return refused(target!, error)
  }
  const skipBytes = Number(options.get('skip') ?? 0) * blockBytes
  if (skipBytes > 0) {
    if (input?.seek) input.seek(skipBytes)
    else for (let skipped = 0; skipped < skipBytes;) {
      const chunk = await (input ?? proc.stdin).read(skipBytes - skipped)
      if (!chunk) break
      skipped += chunk.length
    }
  }
  let left = count * blockBytes
  let total = 0
  let failure: string | undefined
  const startMs = proc.clock.nowMs()
  while (left > 0) {
    const chunk = input ? await input.read(Math.min(left, 1 << 20)) : await proc.stdin.read()
    if (!chunk) break
    const part = chunk.subarray(0, Math.min(left, chunk.length))
    try {
      if (output) await output.write(part)
      else await context.out(part)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      failure = `error writing '${target}': ${errorText(error)}`
      break
    }
    total += part.length
    left -= part.length
    await proc.clock.breathe()
  }
  input?.close()
  output?.close()
  if (failure !== undefined) await context.complain(failure)
  if (options.get('status') !== 'none') {
    const blocksDone = `${Math.floor(total / blockBytes)}+${total % blockBytes ? 1 : 0}`
    const seconds = Math.max((proc.clock.nowMs() - startMs) / 1000, 0.000_001)
    await context.err(`${blocksDone} records in\n${blocksDone} records out\n`)
    await context.err(busybox ? `${total} bytes (${humanSize(total)}B) copied, ${seconds.toFixed(6)} seconds, ${humanSize(total / seconds)}B/s\n` : `${total} bytes copied, ${seconds.toPrecision(6)} s, ${humanSize(total / seconds)}B/s\n`)
  }
  return failure === undefined ? 0 : 1
}

/**
 * Opens what dd writes to. What lies before the place that it begins at stays; what lies behind goes, unless it is to be kept.
 * @throws UnixError
 */
function openOutput(proc: Proc, path: string, { appends, seekBytes, keeps }: { appends: boolean; seekBytes: number; keeps: boolean }): OpenFile {
  const { fs } = proc
  if (appends) return fs.open(path, 'a')
  if (!keeps && seekBytes > 0 && fs instanceof MemoryFileSystem && (!fs.exists(path) || fs.stat(path).type === 'file')) fs.resize(path, seekBytes)
  const output = fs.open(path, (keeps || seekBytes > 0) && fs.exists(path) ? 'r+' : 'w')
  if (seekBytes > 0) output.seek?.(seekBytes)
  return output
}
