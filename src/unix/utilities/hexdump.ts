import { readAll } from '../../base/streams.ts'
import { errorText } from '../errno.ts'
import { UnixError } from '../types.ts'
import { formatBytes } from './hexdump-format.ts'
import { parseOptions } from './utility.ts'
import type { Utility } from './utility.ts'

const LINE_BYTES = 16

/** hexdump: bytes in words of two, or with -C one by one beside their characters. Lines like the one before become a star unless -v is given. */
export const hexdump: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 'bcCde:n:os:vxR', { canonical: 'C', 'format=': 'e', 'no-squeezing': 'v', 'length=': 'n', 'skip=': 's' })
  const chunks: Uint8Array[] = []
  let status = 0
  if (options.operands.length === 0) chunks.push(await readAll(proc.stdin))
  for (const name of options.operands) {
    try {
      chunks.push(proc.fs.readFile(proc.resolve(name)))
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      status = await context.complain(`${context.busybox ? '' : 'cannot open '}${name}: ${errorText(error)}`)
    }
  }
  const skip = Number(options.value('s') ?? 0)
  const all = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0))
  chunks.reduce((at, chunk) => { all.set(chunk, at); return at + chunk.length }, 0)
  const data = all.subarray(skip, options.value('n') === undefined ? undefined : skip + Number(options.value('n')))
  const format = options.value('e')
  if (format !== undefined) {
    await context.out(formatBytes(data, format, skip))
    return status
  }
  const canonical = options.has('C')
  const address = (at: number) => at.toString(16).padStart(canonical ? 8 : 7, '0')
  let before = ''
  let starred = false
  let out = ''
  for (let at = 0; at < data.length; at += LINE_BYTES) {
    const line = data.subarray(at, at + LINE_BYTES)
    const text = canonical ? canonicalLine(line) : wordLine(line)
    if (text === before && line.length === LINE_BYTES && !options.has('v')) {
      if (!starred) out += '*\n'
      starred = true
      continue
    }
    starred = false
    before = text
    out += `${address(skip + at)}${text}\n`
  }
  if (data.length > 0) out += `${address(skip + data.length)}\n`
  await context.out(out)
  return status
}

function canonicalLine(bytes: Uint8Array): string {
  let hex = ''
  let shown = ''
  for (let i = 0; i < LINE_BYTES; i++) {
    if (i % 8 === 0) hex += ' '
    const byte = bytes[i]
    hex += byte === undefined ? '   ' : ` ${byte.toString(16).padStart(2, '0')}`
    if (byte !== undefined) shown += byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.'
  }
  return `${hex}  |${shown}|`
}

function wordLine(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 2) text += ` ${(bytes[i]! | (bytes[i + 1] ?? 0) << 8).toString(16).padStart(4, '0')}`
  return text.padEnd(LINE_BYTES / 2 * 5)
}
