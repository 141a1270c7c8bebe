import { escapeHtml } from '../../cluster/kinds/go-text.ts'
import { printYaml } from '../yaml.ts'
import type { Session } from './session.ts'

/** A table as Helm prints it: columns as wide as their widest cell, with tabs between. k8s: gosuri/uitable */
export function tableText(rows: readonly (readonly string[])[], maxColumnWidth = 50): string {
  const widths: number[] = []
  const size = (text: string) => [...text].length
  for (const row of rows) row.forEach((cell, i) => { widths[i] = Math.max(widths[i] ?? 0, Math.min(size(cell), maxColumnWidth)) })
  return rows.map((row) => row.map((cell, i) => size(cell) > widths[i]! ? `${[...cell].slice(0, Math.max(1, widths[i]! - 3)).join('')}...` : cell + ' '.repeat(widths[i]! - size(cell))).join('\t')).join('\n')
}

export type OutputFormat = 'table' | 'json' | 'yaml'

/** What `-o` asks for. @throws Error */
export function outputFormat(session: Session): OutputFormat {
  const text = session.flags.changed('output') ? session.flags.str('output') : 'table'
  if (text !== 'table' && text !== 'json' && text !== 'yaml') throw new Error(`invalid argument ${JSON.stringify(text)} for "-o, --output" flag: invalid format type`)
  return text
}

/** One value as JSON on a line. */
export const jsonLine = (value: unknown): string => `${escapeHtml(JSON.stringify(value))}\n`

/** Writes a value as the user wants it. */
export function write(session: Session, value: unknown, table: () => string): void {
  const format = outputFormat(session)
  session.out(format === 'json' ? jsonLine(value) : format === 'yaml' ? printYaml(value) : table())
}
