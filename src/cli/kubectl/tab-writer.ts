/** Columns aligned as Go's text/tabwriter does it. */

const widthOf = (text: string) => {
  let n = 0
  for (const c of text) n += c === '' ? 0 : 1
  return n
}

/**
 * Lays out lines whose cells end in tabs. A column is a run of consecutive lines that have a cell there; the last cell of a line
 * belongs to none.
 * @param padding blanks after the longest cell
 */
export function alignTabs(text: string, padding = 2, minWidth = 0): string {
  const ended = text.endsWith('\n')
  const lines = (ended ? text.slice(0, -1) : text).split('\n').map((l) => l.split('\t'))
  const out: string[] = []
  const widths: number[] = []
  const write = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      let line = ''
      lines[i]!.forEach((cell, j) => { line += cell + (j < widths.length ? ' '.repeat(Math.max(0, widths[j]! - widthOf(cell))) : '') })
      out.push(line)
    }
  }
  const format = (from: number, to: number) => {
    const column = widths.length
    let start = from
    for (let at = from; at < to; at++) {
      if (column >= lines[at]!.length - 1) continue
      write(start, at)
      start = at
      let width = minWidth
      let discardable = true
      for (; at < to && column < lines[at]!.length - 1; at++) {
        const cell = lines[at]![column]!
        width = Math.max(width, widthOf(cell) + padding)
        if (cell.length > 0) discardable = false
      }
      widths.push(discardable && minWidth === 0 && padding === 0 ? 0 : width)
      format(start, at)
      widths.pop()
      start = at
    }
    write(start, to)
  }
  format(0, lines.length)
  return out.join('\n') + (ended ? '\n' : '')
}

/**
 * The rows of tables: like tabwriter with three blanks between columns and at least six to a column, and widths are kept from row to
 * row, so that a watch stays aligned. k8s: liggitt/tabwriter with RememberWidths
 */
export class TableLayout {
  #widths: number[] = []

  /** Forgets the widths: a new table begins. */
  reset(): void { this.#widths = [] }

  format(cells: readonly (readonly string[])[]): string {
    // A line break in a cell begins a row of its own, with what follows as its first cell.
    const rows = cells.flatMap((row) => row.some((cell) => cell.includes('\n')) ? row.join('\t').split('\n').map((line) => line.split('\t')) : [row])
    for (const row of rows) row.forEach((cell, i) => {
      if (i < row.length - 1) this.#widths[i] = Math.max(this.#widths[i] ?? 0, widthOf(cell) + 3, 6)
    })
    return rows.map((row) => row.map((cell, i) => i < row.length - 1 ? cell + ' '.repeat(Math.max(0, this.#widths[i]! - widthOf(cell))) : cell).join('') + '\n').join('')
  }
}
