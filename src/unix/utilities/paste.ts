import { readAll } from '../../base/streams.ts'
import { unescapeEcho } from '../shell/escapes.ts'
import { errorText } from '../errno.ts'
import { UnixError } from '../types.ts'
import { openInput, parseOptions } from './utility.ts'
import type { Utility } from './utility.ts'

/** paste: lines of files side by side, or with -s all lines of each file in one; `-` and no file are standard input. */
export const paste: Utility = async (context) => {
  const { proc } = context
  const { operands, has, value } = parseOptions(context.args, 'sd:z', { serial: 's', 'delimiters=': 'd', 'zero-terminated': 'z' })
  const delimiters = [...unescapeEcho((value('d') ?? '\t').replaceAll('\\0', '')).text]
  const end = has('z') ? '\0' : '\n'
  const files: string[][] = []
  let status = 0
  let standardInput: string[] | undefined
  for (const name of operands.length > 0 ? operands : ['-']) {
    // Named twice, standard input gives its lines in turn.
    if (name === '-' && standardInput) { files.push(standardInput); continue }
    try {
      const input = openInput(proc, name)
      const text = new TextDecoder().decode(await readAll(input))
      input.close()
      const lines = text === '' ? [] : (text.endsWith(end) ? text.slice(0, -1) : text).split(end)
      if (name === '-') standardInput = lines
      files.push(lines)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      status = await context.complain(`${name}: ${errorText(error)}`)
      if (!has('s')) return status
    }
  }
  const join = (pieces: readonly string[]) => pieces.reduce((line, piece, i) => i === 0 ? piece : line + (delimiters[(i - 1) % delimiters.length] ?? '') + piece, '')
  if (has('s')) {
    for (const lines of files) await context.out(join(lines) + end)
    return status
  }
  const queues = new Map(files.map((lines) => [lines, { lines, at: 0 }]))
  for (;;) {
    if (![...queues.values()].some(({ lines, at }) => at < lines.length)) return status
    await context.out(join(files.map((lines) => { const queue = queues.get(lines)!; return queue.lines[queue.at++] ?? '' })) + end)
  }
}
