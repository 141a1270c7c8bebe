import { isSharedReader, readLineBytes } from '../../input.ts'
import type { Builtin } from './builtin.ts'

const decoder = new TextDecoder()

/** `read [-rs] [-p PROMPT] [-d DELIMITER] [-n COUNT] [-t SECONDS] [-a ARRAY] [-u FD] [NAME...]`: a line into variables; status 1 at the end of the input. */
export const read: Builtin = async (shell, argv) => {
  let raw = false
  let silent = false
  let prompt: string | undefined
  let delimiter = '\n'
  let limit: number | undefined
  let timeoutMs: number | undefined
  let array: string | undefined
  let fd = 0
  const names: string[] = []
  for (let i = 1; i < argv.length; i++) {
    const arg = argv[i]!
    if (names.length === 0 && /^-[a-zA-Z]/.test(arg)) {
      for (let j = 1; j < arg.length; j++) {
        const letter = arg[j]!
        if (letter === 'r') raw = true
        else if (letter === 's') silent = true
        else if (letter === 'e') continue
        else {
          const value = arg.slice(j + 1) || argv[++i] || ''
          if (letter === 'p') prompt = value
          else if (letter === 'd') delimiter = value.slice(0, 1) || '\0'
          else if (letter === 'n' || letter === 'N') limit = Number(value)
          else if (letter === 't') timeoutMs = Number(value) * 1000
          else if (letter === 'a') array = value
          else if (letter === 'u') fd = Number(value)
          else { await shell.complain(`read: Illegal option -${letter}`); return 2 }
          break
        }
      }
    } else if (arg !== '--') names.push(arg)
  }
  if (!shell.isBash && names.length === 0 && shell.flavour === 'dash') { await shell.complain('read: arg count'); return 2 }
  const reader = shell.state.descriptors.reader(fd)
  if (prompt !== undefined && shell.proc.isTty(0)) await shell.err(prompt)
  const { tty } = shell.proc
  const wasRaw = tty?.raw
  if (silent && tty && !wasRaw) tty.setRaw(true)
  let text = ''
  let complete = false
  const readAll = async () => {
    for (;;) {
      if (limit !== undefined) {
        const chunk = await reader.read()
        if (!chunk) break
        const decoded = decoder.decode(chunk)
        const stop = decoded.indexOf(delimiter)
        const take = [...decoded].slice(0, limit - [...text].length).join('')
        const used = stop >= 0 && stop < take.length ? decoded.slice(0, stop + 1) : take
        const rest = new TextEncoder().encode(decoded.slice(used.length))
        if (isSharedReader(reader)) reader.unread(rest)
        text += used.endsWith(delimiter) ? used.slice(0, -1) : used
        if (used.endsWith(delimiter) || [...text].length >= limit) { complete = true; break }
        continue
      }
      const line = await readLineBytes(reader, silent && tty && delimiter === '\n' ? 13 : delimiter.charCodeAt(0))
      if (!line) break
      const decoded = decoder.decode(line)
      if (decoded.endsWith(delimiter) || (silent && decoded.endsWith('\r'))) {
        const body = decoded.slice(0, -1)
        // A backslash before the newline continues the line.
        if (!raw && /(^|[^\\])(\\\\)*\\$/.test(body)) { text += body.slice(0, -1); continue }
        text += body
        complete = true
      } else text += decoded
      break
    }
  }
  try {
    if (timeoutMs !== undefined) {
      const timedOut = await Promise.race([readAll().then(() => false), shell.proc.sleep(timeoutMs).then(() => true)])
      if (timedOut) return 142
    } else await readAll()
  } finally {
    if (silent && tty && !wasRaw) tty.setRaw(false)
  }
  const ifs = shell.variables.get('IFS') ?? ' \t\n'
  if (array !== undefined) {
    shell.variables.setElements(array, new Map(splitFields(text, ifs, Infinity, raw).map((value, i) => [String(i), value])))
    return complete ? 0 : 1
  }
  if (names.length === 0) { shell.variables.set('REPLY', raw ? text : text.replace(/\\([\s\S])/g, '$1')); return complete ? 0 : 1 }
  const fields = splitFields(text, ifs, names.length, raw)
  names.forEach((name, i) => shell.variables.set(name, fields[i] ?? ''))
  return complete ? 0 : 1
}

/** Splits a line for `read`: the last of `count` fields takes the rest. */
function splitFields(text: string, ifs: string, count: number, raw: boolean): string[] {
  const chars: { char: string; quoted: boolean }[] = []
  for (let i = 0; i < text.length; i++) {
    if (!raw && text[i] === '\\' && i + 1 < text.length) chars.push({ char: text[++i]!, quoted: true })
    else chars.push({ char: text[i]!, quoted: false })
  }
  const isIfs = (c: { char: string; quoted: boolean } | undefined) => c !== undefined && !c.quoted && ifs.includes(c.char)
  const isBlank = (c: { char: string; quoted: boolean } | undefined) => isIfs(c) && /[ \t\n]/.test(c!.char)
  const fields: string[] = []
  let at = 0
  while (isBlank(chars[at])) at += 1
  while (at < chars.length) {
    if (fields.length === count - 1) {
      let end = chars.length
      while (end > at && isBlank(chars[end - 1])) end -= 1
      // One separator at the very end belongs to no field.
      const rest = chars.slice(at, end)
      const lastIfs = rest.findLastIndex((c) => isIfs(c) && !isBlank(c))
      if (lastIfs === rest.length - 1 && lastIfs >= 0 && !rest.slice(0, -1).some((c) => isIfs(c) && !isBlank(c))) rest.pop()
      fields.push(rest.map((c) => c.char).join(''))
      return fields
    }
    let field = ''
    while (at < chars.length && !isIfs(chars[at])) field += chars[at++]!.char
    fields.push(field)
    while (isBlank(chars[at])) at += 1
    if (at < chars.length && isIfs(chars[at])) { at += 1; while (isBlank(chars[at])) at += 1 }
  }
  return fields
}

/** bash's `mapfile` and `readarray`: lines into an array. */
export const mapfile: Builtin = async (shell, argv) => {
  const strips = argv.includes('-t')
  const name = argv.slice(1).find((arg) => !arg.startsWith('-')) ?? 'MAPFILE'
  const elements = new Map<string, string>()
  const reader = shell.state.descriptors.reader(0)
  for (let line = await readLineBytes(reader); line; line = await readLineBytes(reader)) {
    const text = decoder.decode(line)
    elements.set(String(elements.size), strips ? text.replace(/\n$/, '') : text)
  }
  shell.variables.setElements(name, elements)
  return 0
}
