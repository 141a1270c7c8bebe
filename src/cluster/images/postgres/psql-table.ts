import { displayWidth } from '../../../unix/display-width.ts'

/** How psql draws answers: \pset's settings. */
export interface TableLook {
  format: 'aligned' | 'unaligned' | 'csv' | 'html' | 'wrapped'
  border: number
  expanded: 'on' | 'off' | 'auto'
  tuplesOnly: boolean
  null: string
  fieldSeparator: string
  recordSeparator: string
  footer: boolean
}

export interface TableColumn { name: string; right?: boolean }

/** Types whose values stand on the right: numbers of all kinds. */
const NUMERIC = new Set([20, 21, 23, 26, 28, 29, 700, 701, 790, 1700, 5069])
export const isRightAligned = (typeOid: number) => NUMERIC.has(typeOid)

const pad = (text: string, width: number) => ' '.repeat(Math.max(0, width - displayWidth(text)))

export interface Table { columns: readonly TableColumn[]; rows: readonly (readonly (string | null)[])[]; title?: string; footers?: readonly string[] }

/** An answer as psql prints it. */
export function drawTable({ columns, rows, title, footers }: Table, look: TableLook): string {
  const text = (value: string | null | undefined) => value === null || value === undefined ? look.null : value
  const cells = rows.map((row) => row.map(text))
  const below = footers ?? (look.footer ? [`(${rows.length} row${rows.length === 1 ? '' : 's'})`] : [])
  if (look.format === 'csv') return drawCsv(columns, cells, look)
  if (look.format === 'unaligned') return drawUnaligned(columns, cells, title, below, look)
  if (look.expanded === 'on') return drawRecords(columns, cells, title, look, below)
  return drawAligned(columns, cells, title, below, look)
}

function drawCsv(columns: readonly TableColumn[], rows: readonly (readonly string[])[], look: TableLook): string {
  const field = (value: string) => /[",\r\n]/.test(value) || value === '\\.' ? `"${value.replaceAll('"', '""')}"` : value
  const line = (values: readonly string[]) => `${values.map(field).join(',')}\n`
  if (look.expanded === 'on') return rows.map((row) => row.map((value, i) => line([columns[i]!.name, value])).join('')).join('')
  return (look.tuplesOnly ? '' : line(columns.map(({ name }) => name))) + rows.map(line).join('')
}

function drawUnaligned(columns: readonly TableColumn[], rows: readonly (readonly string[])[], title: string | undefined, footers: readonly string[], look: TableLook): string {
  const { fieldSeparator: field, recordSeparator: record, tuplesOnly } = look
  if (look.expanded === 'on') return rows.map((row) => row.map((value, i) => `${columns[i]!.name}${field}${value}${record}`).join('')).join(record)
  return [...(tuplesOnly || !title ? [] : [title]), ...(tuplesOnly ? [] : [columns.map(({ name }) => name).join(field)]), ...rows.map((row) => row.join(field)), ...(tuplesOnly ? [] : footers)].map((line) => line + record).join('')
}

const linesOf = (cell: string) => cell.replaceAll('\r', '\\r').replaceAll('\t', '        ').split('\n')

function drawAligned(columns: readonly TableColumn[], rows: readonly (readonly string[])[], title: string | undefined, footers: readonly string[], look: TableLook): string {
  const { border, tuplesOnly } = look
  const split = rows.map((row) => row.map(linesOf))
  const widths = columns.map(({ name }, i) => split.reduce((width, row) => row[i]!.reduce((most, line) => Math.max(most, displayWidth(line)), width), displayWidth(name)))
  const rule = (left: string, middle: string, right: string) => `${left}${widths.map((width) => '-'.repeat(width + (border === 0 ? 0 : 2))).join(middle)}${right}\n`
  const line = border === 0 ? rule('', ' ', '') : border === 1 ? rule('', '+', '') : rule('+', '+', '+')
  let out = ''
  if (!tuplesOnly) {
    if (title) {
      const total = widths.reduce((sum, width) => sum + width, 0) + (border === 0 ? widths.length - 1 : border === 1 ? widths.length * 3 - 1 : widths.length * 3 + 1)
      out += `${' '.repeat(Math.max(0, Math.floor((total - displayWidth(title)) / 2)))}${title}\n`
    }
    if (border === 2) out += line
    const heads = columns.map(({ name }, i) => {
      const space = widths[i]! - displayWidth(name)
      return `${' '.repeat(Math.floor(space / 2))}${name}${' '.repeat(Math.ceil(space / 2))}`
    })
    out += border === 0 ? `${heads.join(' ')}\n` : border === 1 ? `${heads.map((head) => ` ${head} `).join('|')}\n` : `|${heads.map((head) => ` ${head} `).join('|')}|\n`
    out += line
  } else if (border === 2) out += line
  for (const row of split) {
    const height = row.reduce((most, cell) => Math.max(most, cell.length), 1)
    for (let at = 0; at < height; at++) {
      const parts = row.map((cell, i) => {
        const value = cell[at] ?? ''
        const goesOn = at < cell.length - 1
        const last = i === row.length - 1 && border !== 2
        const space = pad(value, widths[i]!)
        const drawn = columns[i]!.right ? space + value : last && !goesOn ? value : value + space
        return border === 0 ? drawn + (goesOn ? '+' : last ? '' : ' ') : ` ${drawn}${goesOn ? '+' : last ? '' : ' '}`
      })
      out += border === 0 ? `${parts.join('')}\n` : border === 1 ? `${parts.join('|')}\n` : `|${parts.join('|')}|\n`
    }
  }
  if (border === 2) out += line
  if (!tuplesOnly) for (const footer of footers) out += `${footer}\n`
  return `${out}\n`
}

function drawRecords(columns: readonly TableColumn[], rows: readonly (readonly string[])[], title: string | undefined, look: TableLook, footers: readonly string[]): string {
  const { border, tuplesOnly } = look
  if (rows.length === 0) return tuplesOnly ? '\n' : `${title ? `${title}\n` : ''}(0 rows)\n\n`
  const head = columns.reduce((width, { name }) => Math.max(width, displayWidth(name)), 0)
  const data = rows.reduce((width, row) => row.reduce((most, cell) => linesOf(cell).reduce((m, line) => Math.max(m, displayWidth(line)), most), width), 0)
  const ruler = (record: number | undefined) => {
    let out = border === 2 ? '+-' : border === 1 ? '-' : ''
    const name = record === undefined ? '' : border === 0 ? `* Record ${record}` : `[ RECORD ${record} ]`
    out += name
    let length = name.length + (border === 2 ? 0 : 1)
    const fill = border > 0 ? '-' : ' '
    out += fill.repeat(Math.max(0, head - length))
    length -= head
    for (const sign of border > 0 ? ['-', '+', '-'] : [' ']) if (length-- <= 0) out += sign
    out += fill.repeat(Math.max(0, data - Math.max(0, length)))
    return `${out}${border === 2 ? '-+' : ''}\n`
  }
  let out = title && !tuplesOnly ? `${title}\n` : ''
  rows.forEach((row, at) => {
    if (tuplesOnly) { if (at > 0) out += border > 0 ? ruler(undefined) : '\n' } else out += ruler(at + 1)
    row.forEach((cell, i) => linesOf(cell).forEach((line, n, all) => {
      const name = n === 0 ? columns[i]!.name : ''
      const more = n < all.length - 1
      const left = `${name}${pad(name, head)}`
      out += border === 0 ? `${left} ${line}\n` : border === 1 ? `${left} | ${more ? line + pad(line, data) : line}${more ? '+' : ''}\n` : `| ${left} | ${line}${pad(line, data)}${more ? '+' : ' '}|\n`
    }))
  })
  if (border === 2) out += ruler(undefined)
  if (!tuplesOnly && footers.length > 0 && !footers[0]!.startsWith('(')) out += footers.map((footer) => `${footer}\n`).join('')
  return `${out}\n`
}
