import type { CommandContext, TemplateOf } from './command.ts'

/** A column: its name in templates, and its heading. */
export type Column = readonly [field: string, heading: string]

/** Functions that Docker's templates have besides Go's. */
const FUNCTIONS: Readonly<Record<string, (...args: any[]) => unknown>> = {
  json: (value: unknown) => JSON.stringify(value ?? null),
  split: (text: string, separator: string) => text.split(separator),
  join: (items: readonly unknown[] | undefined, separator: string) => (items ?? []).join(separator),
  title: (text: string) => text.replace(/\b\w/g, (letter) => letter.toUpperCase()),
  lower: (text: string) => text.toLowerCase(),
  upper: (text: string) => text.toUpperCase(),
  pad: (text: string, before: number, after: number) => ' '.repeat(before) + text + ' '.repeat(after),
  truncate: (text: string, length: number) => text.slice(0, length),
}

/** A template of the user's with Docker's functions. @throws TemplateError */
export function userTemplate(templateOf: TemplateOf, source: string): (data: unknown) => string {
  try {
    // The shell hands over `\t` and `\n` as they were typed.
    return templateOf(source.replaceAll('\\t', '\t').replaceAll('\\n', '\n'), FUNCTIONS)
  } catch (error) {
    throw new TemplateError(`template parsing error: ${(error as Error).message}`)
  }
}

/** A template that can't be carried out. */
export class TemplateError extends Error {}

/** Prints rows as a table, as `--format` says, or ids only. */
export async function printRows(context: CommandContext, rows: readonly Readonly<Record<string, unknown>>[], columns: readonly Column[], options: { headings?: readonly Column[]; quiet?: string } = {}): Promise<void> {
  const { flags, out } = context
  if (options.quiet !== undefined) { for (const row of rows) await out(`${String(row[options.quiet])}\n`); return }
  const format = flags.get('format')
  if (format === undefined || format === 'table' || format === '') return out(alignColumns([columns.map(([, heading]) => heading), ...rows.map((row) => columns.map(([field]) => String(row[field])))]))
  if (format === 'json') { for (const row of rows) await out(`${JSON.stringify(Object.fromEntries(Object.entries(row).sort(([a], [b]) => a < b ? -1 : 1)))}\n`); return }
  const isTable = /^table\s/.test(format)
  const template = userTemplate(context.templateOf, isTable ? format.replace(/^table\s+/, '') : format)
  const fill = (row: unknown) => {
    try {
      return template(withLabels(row))
    } catch (error) {
      throw new TemplateError((error as Error).message)
    }
  }
  if (!isTable) { for (const row of rows) await out(`${fill(row)}\n`); return }
  const headings = Object.fromEntries([...columns, ...options.headings ?? []])
  return out(alignColumns([fill(headings).split('\t'), ...rows.map((row) => fill(row).split('\t'))]))
}

/** A row as templates see it: besides its fields it has `.Label "name"`. */
function withLabels(row: unknown): unknown {
  const fields = row as Readonly<Record<string, unknown>>
  if (typeof fields.Labels !== 'string') return row
  const labels = new Map(fields.Labels.split(',').map((each) => { const at = each.indexOf('='); return [each.slice(0, at), each.slice(at + 1)] as const }))
  return {
    goType: '*formatter.Context', print: () => 'map', toJSON: () => fields, field: (name: string) => Object.hasOwn(fields, name) ? { value: fields[name] } : undefined,
    method: (name: string) => name === 'Label' ? { params: ['string'], call: (label: string) => labels.get(label) ?? '' } : undefined,
  }
}

/** Go's tabwriter with cells of ten characters at least and three blanks between. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(10, ...rows.map((row) => [...row[i] ?? ''].length + 3)))
  return rows.map((row) => `${row.map((cell, i) => i === row.length - 1 ? cell : cell + ' '.repeat(widths[i]! - [...cell].length)).join('')}\n`).join('')
}

/** At most so many characters, the last one an ellipsis. */
export function ellipsis(text: string, length: number): string {
  const letters = [...text]
  return letters.length <= length ? text : `${letters.slice(0, length - 1).join('')}…`
}
