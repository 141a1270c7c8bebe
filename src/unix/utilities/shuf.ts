import { readAll } from '../../base/streams.ts'
import { UsageError, eachInput, parseOptions } from './utility.ts'
import type { Utility } from './utility.ts'

/** shuf: lines, arguments (-e) or numbers (-i) in random order. */
export const shuf: Utility = async (context) => {
  const { random } = context.proc
  const options = parseOptions(context.args, 'ei:n:rz', { echo: 'e', 'input-range=': 'i', 'head-count=': 'n', repeat: 'r', 'zero-terminated': 'z' })
  const range = options.value('i')
  const end = options.has('z') ? '\0' : '\n'
  let lines: string[] = []
  let status = 0
  if (options.has('e')) lines = [...options.operands]
  else if (range !== undefined) {
    const [, low, high] = /^(\d+)-(\d+)$/.exec(range) ?? []
    if (low === undefined || Number(low) > Number(high)) throw new UsageError(`invalid input range: ‘${range}’`)
    lines = Array.from({ length: Number(high) - Number(low) + 1 }, (_, i) => String(Number(low) + i))
  } else {
    status = await eachInput(context, options.operands, async (input) => {
      const text = new TextDecoder().decode(await readAll(input))
      lines.push(...(text.endsWith(end) ? text.slice(0, -1) : text).split(end).slice(text === '' ? 1 : 0))
    })
  }
  const count = options.value('n')
  if (count !== undefined && !/^\d+$/.test(count)) throw new UsageError(`invalid line count: ‘${count}’`)
  if (options.has('r')) {
    if (lines.length === 0) return context.complain('no lines to repeat')
    for (let i = 0; i < (count === undefined ? Infinity : Number(count)); i++) { await context.out(random.pick(lines) + end); await context.proc.clock.breathe() }
    return status
  }
  for (let i = lines.length - 1; i > 0; i--) {
    const j = random.int(i + 1)
    ;[lines[i], lines[j]] = [lines[j]!, lines[i]!]
  }
  await context.out(lines.slice(0, count === undefined ? undefined : Number(count)).map((line) => line + end).join(''))
  return status
}

/** uuidgen: a random UUID. */
export const uuidgen: Utility = async (context) => {
  parseOptions(context.args, 'r', { random: 'r' })
  await context.out(`${context.proc.random.uuid()}\n`)
  return 0
}
