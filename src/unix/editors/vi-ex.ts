import { UnixError } from '../types.ts'
import { errorText } from '../errno.ts'
import type { ViEditor } from './vi-editor.ts'

/** Runs a line of the `:` prompt: a range, a command and its arguments. Problems become the editor's message. */
export async function runExCommand(editor: ViEditor, line: string): Promise<void> {
  try {
    await run(editor, line.trimStart())
  } catch (error) {
    if (error instanceof ExError) editor.message = error.message
    else if (error instanceof UnixError) editor.message = errorText(error)
    else throw error
  }
}

class ExError extends Error {}

interface Range {
  first: number
  last: number
  given: number
}

async function run(editor: ViEditor, text: string): Promise<void> {
  if (text.startsWith('"') || text === '') return
  const { range, rest } = readRange(editor, text)
  const match = /^(!|[<>&=~]+|[a-zA-Z]+|#)?(!?)\s*([\s\S]*)$/.exec(rest)!
  let [, word = '', bang, args] = match as unknown as [string, string | undefined, string, string]
  // A command that ends where its separator begins: s/a/b/, g/a/d.
  const separated = /^(s|su|substitute|g|global|v|vglobal)(!?)([^\w\s"|\\])([\s\S]*)$/.exec(rest)
  if (separated) { word = separated[1]!; bang = separated[2]!; args = separated[3]! + separated[4]! }
  const force = bang === '!'
  const one = range.given > 0
  switch (word) {
    case '': {
      if (!one) return
      editor.marks.set("'", { ...editor.cursor })
      editor.cursor = { row: Math.max(0, Math.min(editor.lines.length - 1, range.last)), col: 0 }
      editor.cursor.col = Math.max(0, editor.line.search(/\S/))
      return
    }
    case 'w': case 'write': {
      if (args.startsWith('!')) { editor.message = (await editor.filter(args.slice(1), `${selected(editor, one ? range : whole(editor)).join('\n')}\n`)).join(' '); return }
      const append = args.startsWith('>>')
      const path = args.replace(/^>>\s*/, '') || undefined
      editor.write(path, { force, append, ...(one ? { range: [range.first, range.last] as [number, number] } : {}) })
      return
    }
    case 'wq': case 'x': case 'xit': case 'exit': case 'wqa': case 'wqall': case 'xa': case 'xall':
      if ((word.startsWith('x') || word === 'exit') && !editor.modified && args === '') { editor.exitCode = 0; return }
      if (editor.write(args || undefined, { force })) editor.exitCode = 0
      return
    case 'q': case 'quit': case 'qa': case 'qall': case 'quita': case 'quitall': case 'clo': case 'close':
      if (editor.modified && !force) throw new ExError('E37: No write since last change (add ! to override)')
      if (word.startsWith('q') && !/all|a$/.test(word) && editor.fileIndex + 1 < editor.files.length && !force) { const more = editor.files.length - editor.fileIndex - 1; throw new ExError(`E173: ${more} more file${more === 1 ? '' : 's'} to edit`) }
      editor.exitCode = 0
      return
    case 'cq': case 'cquit': editor.exitCode = 1; return
    case 'wa': case 'wall': case 'up': case 'update': if (editor.modified || word.startsWith('wa')) editor.write(undefined, { force }); return
    case 'e': case 'edit': case 'ex': case 'vi': case 'vie': case 'view': {
      if (editor.modified && !force) throw new ExError('E37: No write since last change (add ! to override)')
      const { cursor } = editor
      editor.open(args || editor.path)
      if (args === '') { editor.cursor = cursor; editor.clampCursor() }
      return
    }
    case 'n': case 'next': case 'wn': case 'N': case 'Next': case 'prev': case 'previous': {
      if (word === 'wn') editor.write(undefined)
      if (editor.modified && !force) throw new ExError('E37: No write since last change (add ! to override)')
      const index = editor.fileIndex + (/^(?:N|p)/.test(word) ? -1 : 1)
      if (editor.files.length < 2) throw new ExError(index > 0 ? 'E165: Cannot go beyond last file' : 'E164: Cannot go before first file')
      if (index >= editor.files.length) throw new ExError('E165: Cannot go beyond last file')
      if (index < 0) throw new ExError('E164: Cannot go before first file')
      editor.fileIndex = index
      editor.open(editor.files[index])
      return
    }
    case 'f': case 'file': if (args) editor.path = args; editor.message = `"${editor.path ?? '[No Name]'}"${editor.modified ? ' [Modified]' : ''} ${editor.lines.length} lines --${Math.floor((editor.cursor.row + 1) * 100 / editor.lines.length)}%--`; return
    case 'r': case 'read': {
      const lines = args.startsWith('!') ? await editor.filter(args.slice(1), '') : readLines(editor, args)
      const at = one ? range.last + 1 : editor.cursor.row + 1
      editor.change(() => { editor.lines.splice(at, 0, ...lines); editor.cursor = { row: Math.min(at, editor.lines.length - 1), col: 0 } })
      if (lines.length > 2) editor.message = `${lines.length} more lines`
      return
    }
    case 'd': case 'delete': return editor.change(() => editor.deleteLines(range.first, range.last, /^[a-zA-Z]/.exec(args)?.[0]))
    case 'y': case 'yank': editor.registers.store(/^[a-zA-Z]/.exec(args)?.[0], selected(editor, range), 'line', true); if (range.last - range.first > 1) editor.message = `${range.last - range.first + 1} lines yanked`; return
    case 'pu': case 'put': {
      const register = editor.registers.get(args[0])
      if (!register) throw new ExError(`E353: Nothing in register ${args[0] ?? '"'}`)
      return editor.change(() => { editor.lines.splice(force ? range.last : range.last + 1, 0, ...register.text); editor.cursor = { row: force ? range.last : range.last + 1, col: 0 } })
    }
    case 'm': case 'move': case 't': case 'co': case 'copy': {
      const target = readRange(editor, args).range.last
      const lines = selected(editor, range)
      return editor.change(() => {
        const isMove = word.startsWith('m')
        const at = args.trim() === '0' ? 0 : target + 1
        if (isMove) {
          editor.lines.splice(range.first, lines.length)
          const to = at > range.last ? at - lines.length : at
          editor.lines.splice(to, 0, ...lines)
          editor.cursor = { row: to + lines.length - 1, col: 0 }
        } else { editor.lines.splice(at, 0, ...lines); editor.cursor = { row: at + lines.length - 1, col: 0 } }
      })
    }
    case 'j': case 'join': return editor.change(() => editor.join(range.first, range.given > 1 ? range.last : Math.min(editor.lines.length - 1, range.first + 1), !force))
    case 's': case 'su': case 'substitute': case '&': case '&&': return substitute(editor, range, args)
    case 'g': case 'global': case 'v': case 'vglobal': return global(editor, one ? range : whole(editor), args, word.startsWith('v') || force)
    case 'norm': case 'normal': return editor.typeOnLines(Array.from({ length: range.last - range.first + 1 }, (_, i) => range.first + i), args)
    case 'sor': case 'sort': {
      const target = one ? range : whole(editor)
      return editor.change(() => {
        const lines = selected(editor, target).sort((a, b) => args.includes('n') ? Number(/-?\d+/.exec(a)?.[0] ?? -Infinity) - Number(/-?\d+/.exec(b)?.[0] ?? -Infinity) : args.includes('i') ? a.toLowerCase() < b.toLowerCase() ? -1 : 1 : a < b ? -1 : a > b ? 1 : 0)
        if (force) lines.reverse()
        const kept = args.includes('u') ? lines.filter((each, i) => each !== lines[i - 1]) : lines
        editor.lines.splice(target.first, target.last - target.first + 1, ...kept)
      })
    }
    case 'ret': case 'retab': {
      const target = one ? range : whole(editor)
      return editor.change(() => { for (let row = target.first; row <= target.last; row++) editor.setLine(row, editor.options.expandtab ? editor.lines[row]!.replace(/\t/g, () => ' '.repeat(editor.options.tabstop)) : editor.lines[row]!) })
    }
    case 'se': case 'set': case 'setl': case 'setlocal': {
      if (args === '') { editor.message = Object.entries(editor.options).filter(([, value]) => value === true || typeof value === 'number').map(([name, value]) => value === true ? name : `${name}=${value}`).join('  '); return }
      for (const each of args.split(/\s+/)) { const said = editor.setOption(each); if (said) editor.message = said }
      return
    }
    case 'noh': case 'nohl': case 'nohlsearch': editor.showMatches = false; return
    case 'u': case 'undo': return editor.undo()
    case 'red': case 'redo': return editor.redo()
    case 'sy': case 'syn': case 'syntax': if (/^(?:on|enable|off)$/.test(args)) editor.options.syntax = args !== 'off'; return
    case 'filetype': case 'filet': case 'colo': case 'colorscheme': case 'map': case 'nmap': case 'imap': case 'let': case 'autocmd': case 'au': return
    case 'reg': case 'registers': case 'di': case 'display': editor.message = [...editor.registers.entries()].map(([name, { text }]) => `"${name} ${text.join('^J').slice(0, 30)}`).join('  '); return
    case 'k': case 'ma': case 'mark': if (args[0]) editor.marks.set(args[0], { row: range.last, col: 0 }); return
    case 'h': case 'help': editor.message = ':w saves, :q leaves, :q! leaves without saving, :wq does both. u undoes, i inserts, Esc ends inserting.'; return
    case 'sh': case 'shell': return editor.shell('exec bash')
    case '!':
      if (!one) return editor.shell(args)
      {
        const lines = await editor.filter(args, `${selected(editor, range).join('\n')}\n`)
        return editor.change(() => { editor.lines.splice(range.first, range.last - range.first + 1, ...lines); editor.cursor = { row: range.first, col: 0 } })
      }
    default:
      if (/^[<>]+$/.test(word)) return editor.change(() => editor.shiftLines(range.first, range.last, word[0] === '>' ? word.length : -word.length))
      if (word === '=') { editor.message = String(one ? range.last + 1 : editor.lines.length); return }
      throw new ExError(`E492: Not an editor command: ${text}`)
  }
}

function whole(editor: ViEditor): Range {
  return { first: 0, last: editor.lines.length - 1, given: 2 }
}

function selected(editor: ViEditor, range: Range): string[] {
  return editor.lines.slice(range.first, range.last + 1)
}

function readLines(editor: ViEditor, path: string): string[] {
  const absolute = editor.proc.resolve(path || editor.path || '')
  if (!editor.proc.fs.exists(absolute)) throw new ExError(`E484: Can't open file ${path}`)
  const lines = editor.proc.fs.readText(absolute).split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

/** Lines before a command: `%`, `3,7`, `.,$`, `'<,'>`, `/a/,/b/`, `.+3`. */
function readRange(editor: ViEditor, text: string): { range: Range; rest: string } {
  const here = editor.cursor.row
  if (text.startsWith('%')) return { range: whole(editor), rest: text.slice(1).trimStart() }
  let rest = text
  const found: number[] = []
  let base = here
  for (;;) {
    rest = rest.trimStart()
    let row: number | undefined
    const match = /^(\d+|\.|\$|'[a-z<>'])/.exec(rest)
    if (match) {
      const [each] = match
      rest = rest.slice(each.length)
      if (each === '.') row = base
      else if (each === '$') row = editor.lines.length - 1
      else if (each.startsWith("'")) {
        const mark = each === "'<" ? editor.lastVisual?.start : each === "'>" ? editor.lastVisual?.end : editor.marks.get(each[1]!)
        if (!mark) throw new ExError('E20: Mark not set')
        row = mark.row
      } else row = Number(each) - 1
    } else if (/^[/?]/.test(rest)) {
      const separator = rest[0]!
      const end = indexOfUnescaped(rest, separator, 1)
      const pattern = editor.movement.pattern(rest.slice(1, end < 0 ? undefined : end) || editor.lastSearch?.text || '')
      rest = end < 0 ? '' : rest.slice(end + 1)
      if (!pattern) throw new ExError(editor.message)
      const order = editor.lines.map((_, i) => separator === '/' ? (base + 1 + i) % editor.lines.length : (base - 1 - i + editor.lines.length * 2) % editor.lines.length)
      row = order.find((each) => { pattern.lastIndex = 0; return pattern.test(editor.lines[each]!) })
      if (row === undefined) throw new ExError('E486: Pattern not found')
    }
    for (let step = /^\s*([+-])(\d*)/.exec(rest); step; step = /^\s*([+-])(\d*)/.exec(rest)) {
      row = (row ?? base) + (step[1] === '+' ? 1 : -1) * (step[2] === '' ? 1 : Number(step[2]))
      rest = rest.slice(step[0].length)
    }
    if (row !== undefined) found.push(row)
    if (/^[,;]/.test(rest)) {
      if (row === undefined) found.push(base)
      if (rest[0] === ';' && row !== undefined) base = row
      rest = rest.slice(1)
      continue
    }
    if (row === undefined && found.length === 1 && /[,;]\s*$/.test(text.slice(0, text.length - rest.length))) found.push(here)
    break
  }
  if (found.length === 0) return { range: { first: here, last: here, given: 0 }, rest }
  const [a, b] = [found.at(-2) ?? found.at(-1)!, found.at(-1)!]
  if (Math.max(a, b) > editor.lines.length - 1 && rest !== '') throw new ExError('E16: Invalid range')
  return { range: { first: Math.max(0, Math.min(a, b)), last: Math.max(0, Math.max(a, b)), given: found.length }, rest }
}

function indexOfUnescaped(text: string, separator: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\\') i += 1
    else if (text[i] === separator) return i
  }
  return -1
}

async function substitute(editor: ViEditor, range: Range, args: string): Promise<void> {
  let pattern: string
  let replacement: string
  let flags: string
  if (args === '' || /^[gcinI&]+$/.test(args) && !/^[^\w\s]/.test(args)) {
    if (!editor.lastSubstitute) throw new ExError('E35: No previous regular expression')
    ;({ pattern, replacement } = editor.lastSubstitute)
    flags = args.replace('&', editor.lastSubstitute.flags)
  } else {
    const separator = args[0]!
    const middle = indexOfUnescaped(args, separator, 1)
    const end = middle < 0 ? -1 : indexOfUnescaped(args, separator, middle + 1)
    const unescape = (text: string) => separator === '/' ? text.replaceAll('\\/', '/') : text.replaceAll(`\\${separator}`, separator)
    pattern = unescape(args.slice(1, middle < 0 ? undefined : middle)) || editor.lastSearch?.text || ''
    replacement = middle < 0 ? '' : unescape(args.slice(middle + 1, end < 0 ? undefined : end))
    flags = end < 0 ? '' : args.slice(end + 1).trim()
  }
  editor.lastSubstitute = { pattern, replacement, flags }
  editor.lastSearch = { text: pattern, direction: 1 }
  editor.showMatches = true
  const expression = editor.movement.pattern((flags.includes('i') ? '\\c' : flags.includes('I') ? '\\C' : '') + pattern)
  if (!expression) return
  let all = !flags.includes('c')
  let stopped = false
  let count = 0
  const touched = new Set<number>()
  const results = new Map<number, string>()
  for (let row = range.first; row <= Math.min(range.last, editor.lines.length - 1) && !stopped; row++) {
    const line = editor.lines[row]!
    let out = ''
    let at = 0
    for (const match of line.matchAll(expression)) {
      if (stopped) break
      let yes = all
      if (!all && !flags.includes('n')) {
        editor.cursor = { row, col: match.index }
        const answer = await editor.ask(`replace with ${replacement} (y/n/a/q/l/^E/^Y)?`)
        if (answer === 'a') { all = true; yes = true } else if (answer === 'y') yes = true
        else if (answer === 'l') { yes = true; stopped = true } else if (answer !== 'n') { stopped = true; break }
      }
      if (!yes && !flags.includes('n')) { if (!flags.includes('g')) break; continue }
      count += 1
      touched.add(row)
      out += line.slice(at, match.index) + expand(replacement, match)
      at = match.index + match[0].length
      if (!flags.includes('g')) break
    }
    if (touched.has(row)) results.set(row, out + line.slice(at))
  }
  if (count === 0) { if (!flags.includes('e') && flags.includes('c') === false) throw new ExError(`E486: Pattern not found: ${pattern}`); return }
  if (flags.includes('n')) { editor.message = `${count} match${count === 1 ? '' : 'es'} on ${touched.size} line${touched.size === 1 ? '' : 's'}`; return }
  editor.change(() => {
    let moved = 0
    for (const [row, text] of results) {
      const lines = text.split('\r')
      editor.lines.splice(row + moved, 1, ...lines)
      moved += lines.length - 1
      editor.cursor = { row: row + moved, col: 0 }
    }
  })
  if (count > 2) editor.message = `${count} substitutions on ${touched.size} line${touched.size === 1 ? '' : 's'}`
}

/** A replacement with `&`, `\1`, `\n`, `\r`, `\t`, `\u` and its kin. */
function expand(replacement: string, match: RegExpMatchArray): string {
  let out = ''
  let next: ((text: string) => string) | undefined
  let until: ((text: string) => string) | undefined
  const add = (text: string) => {
    let piece = until ? until(text) : text
    if (next && piece !== '') { piece = next(piece[0]!) + piece.slice(1); next = undefined }
    out += piece
  }
  for (let i = 0; i < replacement.length; i++) {
    const char = replacement[i]!
    if (char === '&') add(match[0])
    else if (char === '\\' && i + 1 < replacement.length) {
      const escape = replacement[++i]!
      if (/\d/.test(escape)) add(match[Number(escape)] ?? '')
      else if (escape === 'r') add('\r')
      else if (escape === 'n') add('\0')
      else if (escape === 't') add('\t')
      else if (escape === 'u') next = (text) => text.toUpperCase()
      else if (escape === 'l') next = (text) => text.toLowerCase()
      else if (escape === 'U') until = (text) => text.toUpperCase()
      else if (escape === 'L') until = (text) => text.toLowerCase()
      else if (escape === 'E' || escape === 'e') until = undefined
      else add(escape)
    } else add(char)
  }
  return out
}

async function global(editor: ViEditor, range: Range, args: string, inverse: boolean): Promise<void> {
  const separator = args[0]
  if (!separator) throw new ExError('E35: No previous regular expression')
  const end = indexOfUnescaped(args, separator, 1)
  const text = args.slice(1, end < 0 ? undefined : end) || editor.lastSearch?.text || ''
  const command = end < 0 ? 'p' : args.slice(end + 1).trim() || 'p'
  const pattern = editor.movement.pattern(text)
  if (!pattern) return
  editor.lastSearch = { text, direction: 1 }
  const rows: number[] = []
  for (let row = range.first; row <= range.last; row++) { pattern.lastIndex = 0; if (pattern.test(editor.lines[row]!) !== inverse) rows.push(row) }
  if (rows.length === 0) throw new ExError(`E486: Pattern not found: ${text}`)
  if (command === 'd' || command === 'delete') {
    editor.change(() => { const drop = new Set(rows); editor.lines = editor.lines.filter((_, i) => !drop.has(i)) })
    if (rows.length > 2) editor.message = `${rows.length} fewer lines`
    return
  }
  if (command === 'p' || command === 'print') { editor.message = rows.map((row) => editor.lines[row]).join(' | '); editor.cursor = { row: rows.at(-1)!, col: 0 }; return }
  // From the end, so that earlier line numbers stay true.
  for (const row of rows.reverse()) { editor.cursor = { row, col: 0 }; await runExCommand(editor, command) }
}
