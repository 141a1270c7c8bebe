import { colAt, columnOf } from './text-lines.ts'
import type { ViEditor } from './vi-editor.ts'

/** Begins to insert as one of i, a, I, A, o, O and R says, so many times. */
export async function startInsert(editor: ViEditor, how: string, count: number | undefined): Promise<void> {
  editor.begin()
  const { cursor } = editor
  if (how === 'a') cursor.col = Math.min(editor.line.length, cursor.col + 1)
  if (how === 'A') cursor.col = editor.line.length
  if (how === 'I') cursor.col = Math.max(0, editor.line.search(/\S|$/))
  if (how === 'o' || how === 'O') {
    const indent = editor.options.autoindent && !editor.options.paste ? /^\s*/.exec(editor.line)![0] : ''
    const row = how === 'o' ? cursor.row + 1 : cursor.row
    editor.lines.splice(row, 0, indent)
    editor.cursor = { row, col: indent.length }
  }
  return insertMode(editor, how === 'R' ? 'replace' : 'insert', count ?? 1, how === 'o' || how === 'O')
}

/** Takes text until Esc. @param opened on a line that was made for it */
export async function insertMode(editor: ViEditor, mode: 'insert' | 'replace' = 'insert', count = 1, opened = false): Promise<void> {
  editor.begin()
  editor.mode = mode
  const start = { ...editor.cursor }
  const replaced: (string | undefined)[] = []
  for (;;) {
    const key = await editor.keys.next()
    if (key === undefined || key === '<Esc>' || key === '\x03') break
    editor.message = ''
    if (typeof key !== 'string') { editor.insertText(key.paste); continue }
    const { cursor } = editor
    switch (key) {
      case '<CR>': {
        const { line } = editor
        const indent = editor.options.autoindent && !editor.options.paste ? /^\s*/.exec(line)![0].slice(0, cursor.col) : ''
        // Indentation alone isn't kept on an empty line.
        const before = line.slice(0, cursor.col)
        editor.lines.splice(cursor.row, 1, before.trim() === '' && indent ? '' : before, indent + line.slice(cursor.col).replace(indent ? /^[ \t]+/ : /^/, ''))
        editor.cursor = { row: cursor.row + 1, col: indent.length }
        break
      }
      case '<BS>':
        if (mode === 'replace') {
          if (replaced.length > 0) {
            const old = replaced.pop()
            cursor.col -= 1
            editor.setLine(cursor.row, editor.line.slice(0, cursor.col) + (old ?? '') + editor.line.slice(cursor.col + 1))
          } else if (cursor.col > 0) cursor.col -= 1
        } else if (cursor.col > 0) {
          const { softtabstop } = editor.options
          const before = editor.line.slice(0, cursor.col)
          const remove = softtabstop > 0 && /^ +$/.test(before) ? (before.length - 1) % softtabstop + 1 : 1
          editor.setLine(cursor.row, editor.line.slice(0, cursor.col - remove) + editor.line.slice(cursor.col))
          cursor.col -= remove
        } else if (cursor.row > 0) {
          const above = editor.lines[cursor.row - 1]!
          editor.lines.splice(cursor.row - 1, 2, above + editor.line)
          editor.cursor = { row: cursor.row - 1, col: above.length }
        }
        break
      case '<Del>':
        if (cursor.col < editor.line.length) editor.setLine(cursor.row, editor.line.slice(0, cursor.col) + editor.line.slice(cursor.col + 1))
        else if (cursor.row + 1 < editor.lines.length) editor.lines.splice(cursor.row, 2, editor.line + editor.lines[cursor.row + 1]!)
        break
      case '\x17': { const before = editor.line.slice(0, cursor.col).replace(/(?:[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]+)?\s*$/u, ''); editor.setLine(cursor.row, before + editor.line.slice(cursor.col)); cursor.col = before.length; break }
      case '\x15': editor.setLine(cursor.row, editor.line.slice(cursor.col)); cursor.col = 0; break
      case '\x14': case '\x04': { const before = editor.line.length; const { col } = cursor; editor.shiftLines(cursor.row, cursor.row, key === '\x14' ? 1 : -1); editor.cursor.col = Math.max(0, col + editor.line.length - before); break }
      case '\x12': { const name = await editor.keys.char(); const register = name && editor.registers.get(name); if (register) editor.insertText(register.text.join('\n') + (register.kind === 'line' ? '\n' : '')); break }
      case '\x0f': { const next = await editor.keys.next(); if (next !== undefined) { editor.mode = 'normal'; await editor.command(next); editor.mode = mode; editor.begin() } break }
      case '\t': {
        const { expandtab, softtabstop, tabstop } = editor.options
        const width = softtabstop || tabstop
        editor.insertText(expandtab ? ' '.repeat(width - columnOf(editor.line, cursor.col, tabstop) % width) : '\t')
        break
      }
      case '<Up>': case '<Down>': case '<Left>': case '<Right>': case '<Home>': case '<End>': case '<PageUp>': case '<PageDown>': case '<C-Left>': case '<C-Right>': {
        if (key === '<End>') { cursor.col = editor.line.length; break }
        if (key === '<Right>') { cursor.col = Math.min(editor.line.length, cursor.col + 1); break }
        if (key === '<Up>' || key === '<Down>') editor.movement.wanted = columnOf(editor.line, cursor.col, editor.options.tabstop)
        const { col } = cursor
        const motion = await editor.movement.motion(key, undefined)
        if (motion) editor.cursor = { row: motion.row, col: key === '<Up>' || key === '<Down>' ? Math.min(editor.lines[motion.row]!.length, colAt(editor.lines[motion.row]!, editor.movement.wanted, editor.options.tabstop)) : motion.col }
        else if (key === '<Left>' && col > 0) editor.cursor.col = col - 1
        break
      }
      default: {
        const text = key === '\x16' ? await editor.keys.char() ?? '' : key
        if (text.startsWith('<') && text.length > 1 && /^<[\w-]+>$/.test(text)) break
        if (key !== '\x16' && key < ' ') break
        if (mode === 'replace') {
          replaced.push(editor.line[cursor.col])
          editor.setLine(cursor.row, editor.line.slice(0, cursor.col) + text + editor.line.slice(cursor.col + 1))
          cursor.col += text.length
        } else editor.insertText(text)
      }
    }
  }
  if (count > 1 && (editor.cursor.row > start.row || editor.cursor.col > start.col)) {
    const typed = editor.between(start, editor.cursor).join('\n')
    const indent = opened ? `\n${/^\s*/.exec(editor.lines[start.row]!)![0].slice(0, start.col)}` : ''
    for (let i = 1; i < count; i++) editor.insertText(indent + typed)
  }
  editor.mode = 'normal'
  editor.marks.set('^', { ...editor.cursor })
  if (editor.lines[editor.cursor.row]?.trim() === '' && editor.options.autoindent && !editor.options.paste && editor.cursor.col > 0 && editor.line.length === editor.cursor.col) { editor.setLine(editor.cursor.row, ''); editor.cursor.col = 0 } else editor.cursor.col = Math.max(0, editor.cursor.col - 1)
  editor.end()
}
