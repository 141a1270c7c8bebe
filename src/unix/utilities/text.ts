import { concatBytes, readAll, readLines } from '../../base/streams.ts'
import type { ByteReader } from '../../base/streams.ts'
import { errorText } from '../errno.ts'
import { isSharedReader } from '../input.ts'
import { UnixError } from '../types.ts'
import type { Proc } from '../types.ts'
import { UsageError, eachInput, openInput, parseOptions } from './utility.ts'
import type { Utility } from './utility.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** cat: streams its inputs. */
export const cat: Utility = async (context) => {
  const { flags, operands, has } = parseOptions(context.args, 'nbsETAvetu', { number: 'n', 'show-ends': 'E', 'show-all': 'A' })
  let number = 0
  let blank = false
  return eachInput(context, operands, async (input) => {
    if (flags.size === 0 || (flags.size === 1 && has('u'))) {
      for (let chunk = await input.read(); chunk; chunk = await input.read()) await context.out(chunk)
      return
    }
    for await (const { line, ended } of linesOf(input)) {
      if (has('s') && line === '' && blank) continue
      blank = line === ''
      let text = line
      if (has('T', 'A', 't')) text = text.replaceAll('\t', '^I')
      if (has('n') && !has('b') || has('b') && line !== '') text = `${String(++number).padStart(6)}\t${text}`
      await context.out(`${text}${has('E', 'A', 'e') ? '$' : ''}${ended ? '\n' : ''}`)
    }
  })
}

/** Lines, and whether each had its newline. */
export async function* linesOf(input: ByteReader): AsyncGenerator<{ line: string; ended: boolean }> {
  const stream = new TextDecoder()
  let rest = ''
  for (let chunk = await input.read(); chunk; chunk = await input.read()) {
    const lines = (rest + stream.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop()!
    for (const line of lines) yield { line, ended: true }
  }
  rest += stream.decode()
  if (rest) yield { line: rest, ended: false }
}

const COUNT_UNITS: Readonly<Record<string, number>> = { '': 1, b: 512, k: 1024, K: 1024, m: 1 << 20, M: 1 << 20, G: 1 << 30, kB: 1000, MB: 1e6 }

function countOf(text: string, what: string): number {
  const match = /^([-+]?\d+)([a-zA-Z]*)$/.exec(text)
  const unit = match ? COUNT_UNITS[match[2]!] : undefined
  if (!match || unit === undefined) throw new UsageError(`invalid number of ${what}: '${text}'`, `invalid number '${text}'`)
  return Number(match[1]) * unit
}

/** `-5` means `-n 5`. */
function withPlainCount(args: readonly string[]): string[] {
  return args.flatMap((arg, i) => /^-\d+[a-z]*$/.test(arg) && i === 0 ? ['-n', arg.slice(1)] : [arg])
}

/** head: the first lines or bytes; stops reading as soon as it has them. */
export const head: Utility = async (context) => {
  const { operands, has, value } = parseOptions(withPlainCount(context.args), 'n:c:qv', { 'lines=': 'n', 'bytes=': 'c', quiet: 'q', verbose: 'v' })
  const bytes = value('c')
  const count = countOf(bytes ?? value('n') ?? '10', bytes === undefined ? 'lines' : 'bytes')
  const titled = (operands.length > 1 && !has('q')) || has('v')
  let first = true
  return eachInput(context, operands, async (input, name) => {
    if (titled) await context.out(`${first ? '' : '\n'}==> ${name === '-' ? 'standard input' : name} <==\n`)
    first = false
    if (count < 0) {
      const all = await readAll(input)
      if (bytes !== undefined) return context.out(all.subarray(0, Math.max(0, all.length + count)))
      const lines = decoder.decode(all).split(/(?<=\n)/)
      return context.out(lines.slice(0, count).join(''))
    }
    let left = count
    for (let chunk = left > 0 ? await input.read() : null; chunk; chunk = left > 0 ? await input.read() : null) {
      let end = 0
      if (bytes !== undefined) { end = Math.min(left, chunk.length); left -= end }
      else while (left > 0 && end < chunk.length) { const at = chunk.indexOf(10, end); if (at < 0) { end = chunk.length; break } end = at + 1; left -= 1 }
      await context.out(chunk.subarray(0, end))
      if (left === 0 && name === '-' && isSharedReader(context.proc.stdin)) context.proc.stdin.unread(chunk.subarray(end))
    }
  }, (path, error) => context.busybox ? `${path}: ${errorText(error)}` : `cannot open '${path}' for reading: ${errorText(error)}`)
}

/** Everything up to the end, in memory that counts. */
async function readHeld(proc: Proc, input: ByteReader): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let heldBytes = 0
  for (let chunk = await input.read(); chunk; chunk = await input.read()) {
    chunks.push(chunk)
    proc.useMemory(heldBytes += chunk.length)
  }
  return concatBytes(chunks)
}

/** tail: the last lines or bytes; -f follows. */
export const tail: Utility = async (context) => {
  const { proc } = context
  const { operands, has, value } = parseOptions(withPlainCount(context.args), 'n:c:fFqvs:', { 'lines=': 'n', 'bytes=': 'c', follow: 'f', quiet: 'q', verbose: 'v', retry: 'F', 'pid=': 'p', 'sleep-interval=': 's' })
  const given = value('c') ?? value('n') ?? '10'
  const fromStart = given.startsWith('+')
  const count = Math.abs(countOf(given, value('c') === undefined ? 'lines' : 'bytes'))
  const inBytes = value('c') !== undefined
  const titled = (operands.length > 1 && !has('q')) || has('v')
  const follows = has('f', 'F')
  let status = 0
  let lastTitle = ''
  const title = async (name: string) => { if (titled && lastTitle !== name) { await context.out(`${lastTitle ? '\n' : ''}==> ${name === '-' ? 'standard input' : name} <==\n`); lastTitle = name } }
  const part = (data: Uint8Array): Uint8Array => {
    if (inBytes) return fromStart ? data.subarray(Math.max(0, count - 1)) : data.subarray(Math.max(0, data.length - count))
    let at = 0
    if (fromStart) {
      for (let line = 1; line < count; line++) { const next = data.indexOf(10, at); if (next < 0) return new Uint8Array(0); at = next + 1 }
      return data.subarray(at)
    }
    if (count === 0) return new Uint8Array(0)
    let end = data.length
    if (data[end - 1] === 10) end -= 1
    for (let line = 0; line < count; line++) { const next = data.lastIndexOf(10, end - 1); if (next < 0) return data; end = next }
    return data.subarray(end + 1)
  }
  const followed: { path: string; name: string; position: number }[] = []
  let endless = false
  for (const name of operands.length > 0 ? operands : ['-']) {
    const path = proc.resolve(name)
    try {
      if (name !== '-' && proc.fs.stat(path).type === 'file') {
        const data = proc.fs.readFile(path)
        await title(name)
        await context.out(part(data))
        followed.push({ path, name, position: data.length })
        continue
      }
      const input = openInput(proc, name)
      await title(name)
      if (follows) {
        for (let chunk = await input.read(); chunk; chunk = await input.read()) await context.out(chunk)
        // A device or a FIFO may say more later, like /dev/null never does; a pipe at its end doesn't.
        endless ||= name !== '-'
      } else await context.out(part(await readHeld(proc, input)))
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      status = await context.complain(context.busybox ? `can't open '${name}': ${errorText(error)}` : `cannot open '${name}' for reading: ${errorText(error)}`)
      if (has('F')) followed.push({ path, name, position: 0 })
    }
  }
  if (!follows || (followed.length === 0 && !endless)) {
    if (status !== 0 && operands.length > 0 && follows) await context.complain('no files')
    return status
  }
  // Woken by changes, not by polling: a thousand followers cost nothing.
  let wake = () => {}
  const stops = followed.map(({ path }) => { try { return proc.fs.watch(path, () => wake()) } catch { return () => {} } })
  try {
    for (;;) {
      const changed = new Promise<void>((resolve) => { wake = resolve })
      for (const file of followed) {
        let data: Uint8Array
        try { data = proc.fs.readFile(file.path) } catch { if (has('F')) file.position = 0; continue }
        if (data.length < file.position) { file.position = 0; await context.err(`tail: ${file.name}: file truncated\n`) }
        if (data.length === file.position) continue
        await title(file.name)
        await context.out(data.slice(file.position))
        file.position = data.length
      }
      await Promise.race([changed, waitForKill(proc.killed)])
    }
  } finally {
    for (const stop of stops) stop()
  }
}

function waitForKill(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error)
    else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

/** tee */
export const tee: Utility = async (context) => {
  const { proc } = context
  const { operands, has } = parseOptions(context.args, 'ai', { append: 'a', 'ignore-interrupts': 'i' })
  if (has('i')) proc.onSignal('SIGINT', 'ignore')
  let status = 0
  const files = []
  for (const path of operands) {
    try { files.push(proc.fs.open(proc.resolve(path), has('a') ? 'a' : 'w')) } catch (error) { status = await context.complain(`${path}: ${errorText(error)}`) }
  }
  for (let chunk = await proc.stdin.read(); chunk; chunk = await proc.stdin.read()) {
    await context.out(chunk)
    for (const file of files) await file.write(chunk)
  }
  for (const file of files) file.close()
  return status
}

/** yes: until nobody reads any more. */
export const yes: Utility = async (context) => {
  const block = encoder.encode(`${context.args.join(' ') || 'y'}\n`.repeat(512))
  for (;;) { await context.out(block); await context.proc.clock.breathe() }
}

/** wc */
export const wc: Utility = async (context) => {
  const { operands, has, flags } = parseOptions(context.args, 'lwcmL', { lines: 'l', words: 'w', bytes: 'c', chars: 'm' })
  const wanted = flags.size === 0 ? ['l', 'w', 'c'] : ['l', 'w', 'm', 'c', 'L'].filter((flag) => has(flag))
  const rows: [Record<string, number>, string][] = []
  const status = await eachInput(context, operands, async (input, name) => {
    const row: Record<string, number> = { l: 0, w: 0, c: 0, m: 0, L: 0 }
    let inWord = false
    let width = 0
    for (let chunk = await input.read(); chunk; chunk = await input.read()) {
      row.c! += chunk.length
      for (const byte of chunk) {
        if ((byte & 0xc0) !== 0x80) { row.m! += 1; width += 1 }
        if (byte === 10) { row.l! += 1; row.L = Math.max(row.L!, width - 1); width = 0 }
        const isSpace = byte === 32 || (byte >= 9 && byte <= 13)
        if (isSpace) inWord = false
        else if (!inWord) { inWord = true; row.w! += 1 }
      }
    }
    rows.push([row, name])
  }, (path, error) => `${path}: ${errorText(error)}`)
  if (rows.length > 1 || operands.length > 1) rows.push([Object.fromEntries(['l', 'w', 'c', 'm', 'L'].map((key) => [key, rows.reduce((sum, [row]) => sum + row[key]!, 0)])), 'total'])
  const single = wanted.length === 1 && rows.length === 1
  const width = context.busybox ? (single ? 0 : 9) : single ? 0 : operands.length === 0 ? 7 : Math.max(...rows.map(([row]) => String(row.c).length))
  for (const [row, name] of rows) await context.out(`${wanted.map((key) => String(row[key]).padStart(width)).join(' ')}${operands.length === 0 ? '' : ` ${name}`}\n`)
  return status
}

/** seq */
export const seq: Utility = async (context) => {
  const { operands, value, has } = parseOptions(context.args.map((arg) => /^-\d/.test(arg) ? `\0${arg}` : arg), 's:wf:', { 'separator=': 's', 'equal-width': 'w' })
  const texts = operands.map((text) => text.replace('\0', ''))
  const numbers = texts.map(Number)
  if (numbers.length === 0) throw new UsageError('missing operand')
  const bad = numbers.findIndex((n) => Number.isNaN(n))
  if (bad >= 0) throw new UsageError(`invalid floating point argument: '${texts[bad]}'`, `invalid number '${texts[bad]}'`)
  const [first, step, last] = numbers.length === 1 ? [1, 1, numbers[0]!] : numbers.length === 2 ? [numbers[0]!, 1, numbers[1]!] : [numbers[0]!, numbers[1]!, numbers[2]!]
  if (step === 0) return context.complain("invalid Zero increment value: '0'")
  const decimals = Math.max(...texts.slice(0, numbers.length === 3 ? 2 : numbers.length - 1).map((text) => /\.(\d+)$/.exec(text)?.[1]!.length ?? 0), 0)
  const width = has('w') ? Math.max(first.toFixed(decimals).length, last.toFixed(decimals).length) : 0
  const separator = value('s') ?? '\n'
  let buffer = ''
  let any = false
  for (let i = 0; ; i++) {
    const n = first + i * step
    if (step > 0 ? n > last + 1e-12 : n < last - 1e-12) break
    buffer += (any ? separator : '') + n.toFixed(decimals).padStart(width, '0')
    any = true
    if (buffer.length > 16_384) { await context.out(buffer); buffer = ''; await context.proc.clock.breathe() }
  }
  if (any) await context.out(`${buffer}\n`)
  return 0
}

/** tr */
export const tr: Utility = async (context) => {
  const { operands, has } = parseOptions(context.args, 'dscCt', { delete: 'd', 'squeeze-repeats': 's', complement: 'c' }, { stopAtOperand: true })
  if (operands.length === 0) throw new UsageError('missing operand')
  const first = characterSet(operands[0]!)
  const second = operands[1] === undefined ? undefined : characterSet(operands[1])
  const complement = has('c', 'C')
  const inFirst = new Set(first)
  const contains = (char: string) => inFirst.has(char) !== complement
  const squeezed = has('s') ? new Set(second ?? first) : undefined
  const map = new Map<string, string>()
  if (second && !complement) first.forEach((char, i) => map.set(char, second[i] ?? second[second.length - 1] ?? char))
  const stream = new TextDecoder()
  let lastChar = ''
  for (let chunk = await context.proc.stdin.read(); chunk; chunk = await context.proc.stdin.read()) {
    let out = ''
    for (const char of stream.decode(chunk, { stream: true })) {
      if (has('d') && contains(char)) continue
      const mapped = has('d') ? char : second && complement ? (contains(char) ? second[second.length - 1]! : char) : map.get(char) ?? char
      if (squeezed && mapped === lastChar && (second ? squeezed.has(mapped) : contains(mapped))) continue
      lastChar = mapped
      out += mapped
    }
    await context.out(out)
  }
  return 0
}

function characterSet(text: string): string[] {
  const classes: Readonly<Record<string, string>> = { lower: 'a-z', upper: 'A-Z', digit: '0-9', alpha: 'A-Za-z', alnum: '0-9A-Za-z', space: '\\t\\n\\v\\f\\r ', blank: '\\t ', punct: '!-/:-@[-`{-~', xdigit: '0-9A-Fa-f', cntrl: '\\000-\\037', print: ' -~', graph: '!-~' }
  const expanded = text.replace(/\[:(\w+):\]/g, (_, name: string) => classes[name] ?? '').replace(/\\([0-7]{1,3}|.)/g, (_, code: string) => /^[0-7]/.test(code) ? String.fromCharCode(parseInt(code, 8)) : ({ n: '\n', t: '\t', r: '\r', '\\': '\\', f: '\f', v: '\v', a: '\x07', b: '\b' })[code] ?? code)
  const chars = [...expanded]
  const out: string[] = []
  for (let i = 0; i < chars.length; i++) {
    if (chars[i + 1] === '-' && chars[i + 2] !== undefined) {
      for (let code = chars[i]!.codePointAt(0)!; code <= chars[i + 2]!.codePointAt(0)!; code++) out.push(String.fromCodePoint(code))
      i += 2
    } else out.push(chars[i]!)
  }
  return out
}

/** cut */
export const cut: Utility = async (context) => {
  const { operands, value, has } = parseOptions(context.args, 'd:f:c:b:sn', { 'delimiter=': 'd', 'fields=': 'f', 'characters=': 'c', 'bytes=': 'b', 'only-delimited': 's', 'output-delimiter=': 'O', complement: 'C' })
  const list = value('f') ?? value('c') ?? value('b')
  if (list === undefined) throw new UsageError('you must specify a list of bytes, characters, or fields', 'expected a list of bytes, characters, or fields')
  const ranges = list.split(',').map((part) => {
    const match = /^(\d*)(-?)(\d*)$/.exec(part)
    if (!match || part === '-' || part === '') throw new UsageError(`invalid field range`)
    const from = Number(match[1] || 1)
    return [from, match[2] ? match[3] ? Number(match[3]) : Infinity : from] as const
  })
  const wanted = (index: number) => ranges.some(([from, to]) => index >= from && index <= to) !== has('C')
  const delimiter = value('d') ?? '\t'
  return eachInput(context, operands, async (input) => {
    for await (const line of readLines(input)) {
      if (value('f') === undefined) { await context.out(`${[...line].filter((_, i) => wanted(i + 1)).join('')}\n`); continue }
      if (!line.includes(delimiter)) { if (!has('s')) await context.out(`${line}\n`); continue }
      await context.out(`${line.split(delimiter).filter((_, i) => wanted(i + 1)).join(value('O') ?? delimiter)}\n`)
    }
  })
}

/** sort */
export const sort: Utility = async (context) => {
  const { operands, has, value, all } = parseOptions(context.args, 'nrufk:t:o:bdhVscgiMmz', { 'numeric-sort': 'n', reverse: 'r', unique: 'u', 'ignore-case': 'f', 'key=': 'k', 'field-separator=': 't', 'output=': 'o', 'human-numeric-sort': 'h', 'version-sort': 'V', stable: 's' })
  const lines: string[] = []
  const status = await eachInput(context, operands, async (input) => { for await (const line of readLines(input)) lines.push(line) })
  const separator = value('t')
  const keys = all.filter(([name]) => name === 'k').map(([, spec]) => {
    const match = /^(\d+)(?:\.(\d+))?([a-zA-Z]*)(?:,(\d+)(?:\.(\d+))?([a-zA-Z]*))?$/.exec(String(spec))
    if (!match) throw new UsageError(`invalid number at field start: invalid count at start of '${String(spec)}'`)
    return { from: Number(match[1]), fromChar: Number(match[2] ?? 1), to: match[4] === undefined ? Infinity : Number(match[4]), toChar: Number(match[5] ?? 0), flags: (match[3] ?? '') + (match[6] ?? '') }
  })
  const keyOf = (line: string, key: (typeof keys)[number]) => {
    const fields = separator === undefined ? line.match(/\s*\S+/g) ?? [] : line.split(separator)
    const part = fields.slice(key.from - 1, key.to)
    if (key.toChar > 0 && part.length === key.to - key.from + 1) part[part.length - 1] = part[part.length - 1]!.slice(0, key.toChar)
    return part.join(separator ?? '').slice(key.fromChar - 1)
  }
  const compareText = (a: string, b: string, flags: string): number => {
    if (flags.includes('b')) { a = a.trimStart(); b = b.trimStart() }
    if (flags.includes('n') || flags.includes('g')) return (parseFloat(a) || 0) - (parseFloat(b) || 0)
    if (flags.includes('h')) return human(a) - human(b)
    if (flags.includes('V')) return a.localeCompare(b, 'en', { numeric: true })
    if (flags.includes('M')) return month(a) - month(b)
    if (flags.includes('f')) { a = a.toUpperCase(); b = b.toUpperCase() }
    if (flags.includes('d')) { a = a.replace(/[^A-Za-z0-9 \t]/g, ''); b = b.replace(/[^A-Za-z0-9 \t]/g, '') }
    return a < b ? -1 : a > b ? 1 : 0
  }
  const globals = ['n', 'g', 'h', 'V', 'f', 'd', 'b', 'M'].filter((flag) => has(flag)).join('')
  const compare = (a: string, b: string, lastResort = true): number => {
    for (const key of keys) {
      const flags = key.flags || globals
      const order = compareText(keyOf(a, key), keyOf(b, key), flags) * (key.flags ? (key.flags.includes('r') ? -1 : 1) : has('r') ? -1 : 1)
      if (order !== 0) return order
    }
    if (keys.length === 0) { const order = compareText(a, b, globals); if (order !== 0) return has('r') ? -order : order }
    if (!lastResort || has('s', 'u')) return 0
    const order = a < b ? -1 : a > b ? 1 : 0
    return has('r') ? -order : order
  }
  if (has('c')) {
    for (let i = 1; i < lines.length; i++) if (compare(lines[i - 1]!, lines[i]!) > 0) return context.complain(`${operands[0] ?? '-'}:${i + 1}: disorder: ${lines[i]}`)
    return 0
  }
  lines.sort((a, b) => compare(a, b))
  const kept = has('u') ? lines.filter((line, i) => i === 0 || compare(lines[i - 1]!, line, false) !== 0) : lines
  const text = kept.map((line) => `${line}\n`).join('')
  const output = value('o')
  if (output !== undefined) context.proc.fs.writeFile(context.proc.resolve(output), text)
  else await context.out(text)
  return status
}

function human(text: string): number {
  const match = /^\s*(-?[\d.]+)\s*([KMGTPE]?)/i.exec(text)
  return match ? Number(match[1]) * 1024 ** ' KMGTPE'.indexOf(match[2]!.toUpperCase() || ' ') : 0
}

function month(text: string): number {
  return ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'].indexOf(text.trim().slice(0, 3).toUpperCase())
}

/** uniq: streams. */
export const uniq: Utility = async (context) => {
  const { operands, has, value } = parseOptions(context.args, 'cduif:s:w:', { count: 'c', repeated: 'd', unique: 'u', 'ignore-case': 'i', 'skip-fields=': 'f' })
  const keyOf = (line: string) => {
    let key = line
    for (let i = 0; i < Number(value('f') ?? 0); i++) key = key.replace(/^\s*\S+/, '')
    key = key.slice(Number(value('s') ?? 0))
    if (value('w')) key = key.slice(0, Number(value('w')))
    return has('i') ? key.toLowerCase() : key
  }
  let last: string | undefined
  let count = 0
  const flush = async () => {
    if (last === undefined || (has('d') && count < 2) || (has('u') && count > 1)) return
    await context.out(`${has('c') ? `${String(count).padStart(7)} ` : ''}${last}\n`)
  }
  const status = await eachInput(context, operands.slice(0, 1), async (input) => {
    for await (const line of readLines(input)) {
      if (last !== undefined && keyOf(line) === keyOf(last)) { count += 1; continue }
      await flush()
      last = line
      count = 1
    }
  })
  await flush()
  return status
}

/** rev and tac */
export const rev: Utility = async (context) => eachInput(context, context.args, async (input) => {
  for await (const line of readLines(input)) await context.out(`${[...line].reverse().join('')}\n`)
})

export const tac: Utility = async (context) => eachInput(context, context.args, async (input) => {
  const lines: string[] = []
  for await (const line of readLines(input)) lines.push(`${line}\n`)
  await context.out(lines.reverse().join(''))
})

/** nl */
export const nl: Utility = async (context) => {
  const { operands, value } = parseOptions(context.args, 'b:s:w:v:n:', {})
  let number = Number(value('v') ?? 1)
  return eachInput(context, operands, async (input) => {
    for await (const line of readLines(input)) {
      const counts = line !== '' || value('b') === 'a'
      await context.out(counts ? `${String(number++).padStart(Number(value('w') ?? 6))}${value('s') ?? '\t'}${line}\n` : `${' '.repeat(Number(value('w') ?? 6) + 1)}${line}\n`)
    }
  })
}
