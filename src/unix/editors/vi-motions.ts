import type { Place } from './text-lines.ts'

/** 0: blank, 1: part of a word, 2: punctuation; with `big` everything that isn't blank is 1. */
function classOf(char: string | undefined, big: boolean): number {
  if (char === undefined || char === ' ' || char === '\t') return 0
  return big || /[\p{L}\p{N}_]/u.test(char) ? 1 : 2
}

/** `w`, `W`: the start of the next word; the end of the text when there is none. */
export function wordForward(lines: readonly string[], from: Place, big: boolean): Place {
  let { row, col } = from
  const own = classOf(lines[row]![col], big)
  if (own !== 0) while (col < lines[row]!.length && classOf(lines[row]![col], big) === own) col += 1
  for (;;) {
    while (col < lines[row]!.length && classOf(lines[row]![col], big) === 0) col += 1
    if (col < lines[row]!.length) return { row, col }
    if (row === lines.length - 1) return { row, col: lines[row]!.length }
    row += 1
    col = 0
    // An empty line counts as a word.
    if (lines[row] === '') return { row, col }
  }
}

/** `b`, `B` */
export function wordBackward(lines: readonly string[], from: Place, big: boolean): Place {
  let { row, col } = from
  const back = (): boolean => {
    if (col > 0) { col -= 1; return true }
    if (row === 0) return false
    row -= 1
    col = lines[row]!.length
    return true
  }
  if (!back()) return { row, col }
  while (classOf(lines[row]![col], big) === 0) {
    if (lines[row] === '' && (row !== from.row)) return { row, col: 0 }
    if (!back()) return { row, col: 0 }
  }
  const own = classOf(lines[row]![col], big)
  while (col > 0 && classOf(lines[row]![col - 1], big) === own) col -= 1
  return { row, col }
}

/** `e`, `E` */
export function wordEnd(lines: readonly string[], from: Place, big: boolean): Place {
  let { row, col } = from
  col += 1
  for (;;) {
    while (col < lines[row]!.length && classOf(lines[row]![col], big) === 0) col += 1
    if (col < lines[row]!.length) break
    if (row === lines.length - 1) return { row, col: Math.max(0, lines[row]!.length - 1) }
    row += 1
    col = 0
  }
  const own = classOf(lines[row]![col], big)
  while (col + 1 < lines[row]!.length && classOf(lines[row]![col + 1], big) === own) col += 1
  return { row, col }
}

/** `ge` */
export function wordEndBackward(lines: readonly string[], from: Place, big: boolean): Place {
  let { row, col } = from
  const own = classOf(lines[row]![col], big)
  while (col >= 0 && own !== 0 && classOf(lines[row]![col], big) === own) col -= 1
  if (own === 0) col -= 1
  for (;;) {
    while (col >= 0 && classOf(lines[row]![col], big) === 0) col -= 1
    if (col >= 0 || row === 0) return { row, col: Math.max(0, col) }
    row -= 1
    col = lines[row]!.length - 1
    if (lines[row] === '') return { row, col: 0 }
  }
}

/** `}` (1) and `{` (-1): the next empty line. */
export function paragraph(lines: readonly string[], from: Place, direction: 1 | -1): Place {
  let { row } = from
  while (row >= 0 && row < lines.length && lines[row] === '') row += direction
  while (row >= 0 && row < lines.length && lines[row] !== '') row += direction
  if (row < 0) return { row: 0, col: 0 }
  if (row >= lines.length) return { row: lines.length - 1, col: Math.max(0, lines.at(-1)!.length - 1) }
  return { row, col: 0 }
}

/** `f`, `F`, `t`, `T` on the cursor's line. */
export function findOnLine(line: string, col: number, command: string, char: string, count: number): number | undefined {
  const forward = command === 'f' || command === 't'
  let at = col
  for (let i = 0; i < count; i++) {
    at = forward ? line.indexOf(char, at + 1) : at > 0 ? line.lastIndexOf(char, at - 1) : -1
    if (at < 0) return undefined
  }
  return command === 't' ? at - 1 : command === 'T' ? at + 1 : at
}

const PAIRS = '()[]{}'

/** `%`: the partner of the bracket at or after the cursor. */
export function matchingBracket(lines: readonly string[], from: Place): Place | undefined {
  const line = lines[from.row]!
  let col = from.col
  while (col < line.length && !PAIRS.includes(line[col]!)) col += 1
  if (col >= line.length) return undefined
  const index = PAIRS.indexOf(line[col]!)
  const open = index % 2 === 0
  return seekBracket(lines, { row: from.row, col }, line[col]!, PAIRS[open ? index + 1 : index - 1]!, open ? 1 : -1)
}

function seekBracket(lines: readonly string[], from: Place, own: string, other: string, direction: 1 | -1): Place | undefined {
  let { row, col } = from
  let depth = 1
  for (;;) {
    col += direction
    while (col < 0 || col >= lines[row]!.length) {
      row += direction
      if (row < 0 || row >= lines.length) return undefined
      col = direction > 0 ? 0 : lines[row]!.length - 1
      if (lines[row] === '') col = direction > 0 ? 0 : -1
      if (lines[row] !== '') break
    }
    const char = lines[row]![col]
    if (char === own) depth += 1
    else if (char === other && --depth === 0) return { row, col }
  }
}

export interface TextObject {
  start: Place
  /** Included. */
  end: Place
  linewise: boolean
}

/** What `iw`, `a"`, `i(`, `ap` and the like cover. */
export function textObject(lines: readonly string[], at: Place, around: boolean, object: string): TextObject | undefined {
  const line = lines[at.row]!
  switch (object) {
    case 'w': case 'W': {
      if (line === '') return undefined
      const big = object === 'W'
      const own = classOf(line[at.col], big)
      let start = at.col
      let end = at.col
      while (start > 0 && classOf(line[start - 1], big) === own) start -= 1
      while (end + 1 < line.length && classOf(line[end + 1], big) === own) end += 1
      if (around) {
        const before = end
        while (end + 1 < line.length && (classOf(line[end + 1], big) === 0) !== (own === 0)) end += 1
        if (end === before) while (start > 0 && classOf(line[start - 1], big) === 0) start -= 1
      }
      return { start: { row: at.row, col: start }, end: { row: at.row, col: end }, linewise: false }
    }
    case '"': case "'": case '`': {
      const marks: number[] = []
      for (let i = 0; i < line.length; i++) if (line[i] === object && line[i - 1] !== '\\') marks.push(i)
      for (let i = 0; i + 1 < marks.length; i += 2) {
        const [open, close] = [marks[i]!, marks[i + 1]!]
        if (close < at.col) continue
        let end = around ? close : close - 1
        if (around) while (line[end + 1] === ' ') end += 1
        return { start: { row: at.row, col: around ? open : open + 1 }, end: { row: at.row, col: end }, linewise: false }
      }
      return undefined
    }
    case 'p': {
      const blank = line.trim() === ''
      let start = at.row
      let end = at.row
      while (start > 0 && (lines[start - 1]!.trim() === '') === blank) start -= 1
      while (end + 1 < lines.length && (lines[end + 1]!.trim() === '') === blank) end += 1
      if (around) while (end + 1 < lines.length && (lines[end + 1]!.trim() === '') !== blank) end += 1
      return { start: { row: start, col: 0 }, end: { row: end, col: 0 }, linewise: true }
    }
    default: {
      const index = '()b[]{}B<>'.indexOf(object)
      if (index < 0) return undefined
      const [open, close] = index <= 2 ? '()' : index <= 4 ? '[]' : index <= 7 ? '{}' : '<>'
      const start = line[at.col] === open ? at : seekBracket(lines, line[at.col] === close ? at : { row: at.row, col: at.col + 0 }, close!, open!, -1)
      if (!start) return undefined
      const end = seekBracket(lines, start, open!, close!, 1)
      if (!end) return undefined
      if (around) return { start, end, linewise: false }
      // A block over several lines loses only its inner lines.
      if (start.row + 1 < end.row && lines[start.row]!.slice(start.col + 1).trim() === '' && lines[end.row]!.slice(0, end.col).trim() === '') return { start: { row: start.row + 1, col: 0 }, end: { row: end.row - 1, col: 0 }, linewise: true }
      return { start: { row: start.row, col: start.col + 1 }, end: { row: end.row, col: end.col - 1 }, linewise: false }
    }
  }
}

/** A Vim pattern ("magic") as a regular expression. @throws SyntaxError */
export function vimPattern(pattern: string, options: { ignoreCase?: boolean; smartCase?: boolean } = {}): RegExp {
  let out = ''
  let ignoreCase = (options.ignoreCase ?? false) && !(options.smartCase && /[A-Z]/.test(pattern))
  let very = false
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!
    if (char === '\\' && i + 1 < pattern.length) {
      const next = pattern[++i]!
      if (next === 'c') ignoreCase = true
      else if (next === 'C') ignoreCase = false
      else if (next === 'v') very = true
      else if (next === 'V' || next === 'm' || next === 'M') very = false
      else if (next === '<' || next === '>') out += very ? `\\${next}` : '\\b'
      else if (next === '=') out += '?'
      else if (next === '{') { const end = pattern.indexOf('}', i); out += `{${pattern.slice(i + 1, end).replace(/\\$/, '').replace(/^-/, '')}}`; i = end < 0 ? pattern.length : end }
      else if ('()|+?'.includes(next)) out += very ? `\\${next}` : next
      else if (next === 'n') out += '\\n'
      else if (next === 'h') out += '[A-Za-z_]'
      else if (next === 'a') out += '[A-Za-z]'
      else if (next === 'l') out += '[a-z]'
      else if (next === 'u') out += '[A-Z]'
      else if (next === 'z' || next === '%' || next === '_') continue
      else if (/[sSdDwWtxr0-9]/.test(next)) out += next === 'x' ? '[0-9A-Fa-f]' : next === '0' ? '[0-7]' : `\\${next}`
      else out += next.replace(/[.*+?^${}()|[\]\\/]/, '\\$&')
      continue
    }
    if (char === '[') {
      const end = pattern.indexOf(']', i + (pattern[i + 1] === '^' ? 3 : 2))
      if (end > 0) { out += pattern.slice(i, end + 1).replace(/\[:(\w+):\]/g, (_, name: string) => ({ alpha: 'A-Za-z', digit: '0-9', alnum: 'A-Za-z0-9', space: '\\s', upper: 'A-Z', lower: 'a-z' })[name] ?? ''); i = end } else out += '\\['
      continue
    }
    if (very && (char === '<' || char === '>')) out += '\\b'
    else if (very && '()|+?{}='.includes(char)) out += char === '=' ? '?' : char
    else if ('.*'.includes(char)) out += char === '*' && (out === '' || out === '^') ? '\\*' : char
    else if (char === '^') out += out === '' || /[(|]$/.test(out) ? '^' : '\\^'
    else if (char === '$') out += i === pattern.length - 1 || /^\\[)|n]/.test(pattern.slice(i + 1)) || (very && /^[)|]/.test(pattern.slice(i + 1))) ? '$' : '\\$'
    else out += char.replace(/[+?{}()|\]\\/]/, '\\$&')
  }
  return new RegExp(out, ignoreCase ? 'giu' : 'gu')
}

/** The next place (after `from`, or before it) where the pattern matches, going around the ends. */
export function searchFrom(lines: readonly string[], from: Place, pattern: RegExp, direction: 1 | -1): { place: Place; wrapped: boolean } | undefined {
  const matchesOf = (row: number) => [...lines[row]!.matchAll(pattern)].map((match) => match.index)
  for (let i = 0; i <= lines.length; i++) {
    const row = ((from.row + i * direction) % lines.length + lines.length) % lines.length
    const found = matchesOf(row).filter((col) => i > 0 && i < lines.length ? true : i === 0 ? direction > 0 ? col > from.col : col < from.col : direction > 0 ? col <= from.col : col >= from.col)
    const col = direction > 0 ? found[0] : found.at(-1)
    if (col !== undefined) return { place: { row, col }, wrapped: direction > 0 ? row < from.row || (row === from.row && col <= from.col) : row > from.row || (row === from.row && col >= from.col) }
  }
  return undefined
}
