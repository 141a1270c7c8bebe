import { UnixError } from '../types.ts'
import type { Proc } from '../types.ts'
import { errorText } from '../errno.ts'

/** A place in a text: both count from 0. */
export interface Place {
  row: number
  col: number
}

/** A file as lines, or what keeps it from being one. */
export interface LoadedText {
  lines: string[]
  isNew: boolean
  sizeBytes: number
  /** The file's last line has no newline. */
  noEol: boolean
  problem?: string
}

/** Reads a file into lines; a missing one is empty. */
export function loadText(proc: Proc, path: string): LoadedText {
  const absolute = proc.resolve(path)
  try {
    if (!proc.fs.exists(absolute)) return { lines: [''], isNew: true, sizeBytes: 0, noEol: false }
    if (proc.fs.stat(absolute).type === 'directory') return { lines: [''], isNew: false, sizeBytes: 0, noEol: false, problem: 'is a directory' }
    const text = proc.fs.readText(absolute)
    const lines = text.split('\n')
    const noEol = text !== '' && !text.endsWith('\n')
    if (!noEol && lines.length > 1) lines.pop()
    return { lines, isNew: false, sizeBytes: new TextEncoder().encode(text).length, noEol }
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return { lines: [''], isNew: false, sizeBytes: 0, noEol: false, problem: errorText(error) }
  }
}

/** Writes lines to a file. @throws UnixError */
export function saveText(proc: Proc, path: string, lines: readonly string[], options: { append?: boolean; noEol?: boolean } = {}): { bytes: number; isNew: boolean } {
  const absolute = proc.resolve(path)
  const isNew = !proc.fs.exists(absolute)
  const text = lines.length === 0 ? '' : lines.join('\n') + (options.noEol ? '' : '\n')
  proc.fs.writeFile(absolute, text, { append: options.append ?? false })
  return { bytes: new TextEncoder().encode(text).length, isNew }
}

/** How a character looks and how many columns it takes at a column. */
export function cellsOf(char: string, column: number, tabStop: number): { text: string; width: number } {
  if (char === '\t') { const width = tabStop - column % tabStop; return { text: ' '.repeat(width), width } }
  const code = char.codePointAt(0)!
  if (code < 32) return { text: `^${String.fromCharCode(code + 64)}`, width: 2 }
  if (code === 127) return { text: '^?', width: 2 }
  return { text: char, width: /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/u.test(char) ? 2 : 1 }
}

/** The column at which character `col` of a line is shown, without wrapping. */
export function columnOf(line: string, col: number, tabStop: number): number {
  let column = 0
  for (let i = 0; i < col && i < line.length; i++) column += cellsOf(line[i]!, column, tabStop).width
  return column
}

/** The character shown at or after a column. */
export function colAt(line: string, wanted: number, tabStop: number): number {
  let column = 0
  for (let i = 0; i < line.length; i++) {
    column += cellsOf(line[i]!, column, tabStop).width
    if (column > wanted) return i
  }
  return line.length
}
