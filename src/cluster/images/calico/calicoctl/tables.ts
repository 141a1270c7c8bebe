const PADDING = 3
const LEAST = 5

/** A table as Go's tabwriter makes it: every cell ends with a tab. */
export function tabbed(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(LEAST, ...rows.map((row) => row[i]!.length + PADDING)))
  return rows.map((row) => `${row.map((cell, i) => cell.padEnd(widths[i]!)).join('')}\n`).join('')
}

/** A table with borders: headings in the middle, numbers on the right. go: olekukonko/tablewriter */
export function bordered(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i]!.length)))
  const line = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+\n`
  const centred = (text: string, width: number) => text.padStart(Math.floor((width - text.length) / 2) + text.length).padEnd(width)
  const aligned = (text: string, width: number) => (/^-?(?:\d{1,3}(?:,\d{3})*|\d+)(?:\.\d+)?$/.test(text) ? text.padStart(width) : text.padEnd(width))
  const row = (cells: readonly string[], place: (text: string, width: number) => string) => `|${cells.map((cell, i) => ` ${place(cell, widths[i]!)} `).join('|')}|\n`
  return `${line}${row(headings, centred)}${line}${rows.map((cells) => row(cells, aligned)).join('')}${rows.length > 0 ? line : ''}`
}
