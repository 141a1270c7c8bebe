import type { KubeObject } from '../../cluster/kinds/object.ts'
import { goSprint } from '../../cluster/kinds/go-text.ts'
import { humanDuration } from './duration.ts'
import { formatLabels } from './selectors.ts'
import { TableLayout } from './tab-writer.ts'

/** The server's table. k8s: metav1.Table */
export interface ServerTable extends KubeObject {
  /** Null or empty: those of the table before. */
  columnDefinitions: { name: string; type: string; format?: string; priority?: number }[] | null
  /** Null: none. */
  rows: { cells: unknown[]; object?: KubeObject }[] | null
}

export interface TableOptions {
  wide: boolean
  noHeaders: boolean
  showLabels: boolean
  labelColumns: readonly string[]
  withNamespace: boolean
  /** `pod`, `deployment.apps`: put before names. */
  kind: string
  /** Milliseconds; ages are told from it. */
  nowMs: number
}

export const isTable = (object: KubeObject): object is ServerTable => object.kind === 'Table' && (object['rows'] === null || Array.isArray(object['rows']))

/** Prints tables one after the other, with headings where they change. k8s: cli-runtime printers HumanReadablePrinter */
export class TablePrinter {
  readonly #options: TableOptions
  readonly #layout: TableLayout
  #lastColumns = ''
  #columns: NonNullable<ServerTable['columnDefinitions']> = []
  #printedHeaders = false
  #lastGeneric = false

  constructor(options: TableOptions, layout = new TableLayout()) {
    this.#options = options
    this.#layout = layout
  }

  /** @param eventType adds a column for it, as --output-watch-events asks */
  print(object: KubeObject, eventType = ''): string {
    if (!isTable(object)) return this.#generic(object, eventType)
    let definitions = object.columnDefinitions ?? []
    let headers = !this.#options.noHeaders
    const signature = JSON.stringify(definitions)
    if (this.#printedHeaders && (definitions.length === 0 || signature === this.#lastColumns)) headers = false
    if (definitions.length === 0) definitions = this.#columns
    else if (signature !== this.#lastColumns) {
      this.#lastColumns = signature
      this.#columns = definitions
      this.#printedHeaders = false
    }
    if (object.rows?.length) this.#printedHeaders = true
    else return ''
    const { wide, showLabels, labelColumns, withNamespace, kind } = this.#options
    const shown = definitions.map((d, i) => ({ d, i })).filter(({ d }) => wide || !d.priority)
    const nameColumn = kind ? definitions.findIndex((d) => d.format === 'name' && d.type === 'string') : -1
    const rows: string[][] = []
    if (headers) rows.push([
      ...(eventType ? ['EVENT'] : []), ...(withNamespace ? ['NAMESPACE'] : []), ...shown.map(({ d }) => d.name.toUpperCase()),
      ...labelColumns.map((l) => l.slice(l.lastIndexOf('/') + 1).toUpperCase()), ...(showLabels ? ['LABELS'] : []),
    ])
    for (const row of object.rows) {
      const metadata = row.object?.metadata
      rows.push([
        ...(eventType ? [eventType.padEnd(8)] : []),
        ...(withNamespace ? [metadata?.namespace ?? ''] : []),
        // Labels follow the row's last cell, also where it has more or fewer cells than there are columns; what is beyond the last column isn't shown.
        ...[...row.cells, ...labelColumns.map((l) => metadata?.labels?.[l] ?? ''), ...(showLabels ? [formatLabels(metadata?.labels)] : [])].slice(0, definitions.length + labelColumns.length + (showLabels ? 1 : 0)).flatMap((cell, i) => {
          if (!wide && definitions[i]?.priority) return []
          const text = cellText(cell)
          return [i === nameColumn ? `${kind}/${text}` : text]
        }),
      ])
    }
    return this.#layout.format(rows)
  }

  /** Objects that came without a table: name and age only. */
  #generic(object: KubeObject, eventType: string): string {
    const items = Array.isArray(object['items']) ? object['items'] as KubeObject[] : [object]
    const { withNamespace, showLabels, labelColumns, kind, noHeaders, nowMs } = this.#options
    const rows: string[][] = []
    if (!noHeaders && !this.#lastGeneric) rows.push([...(eventType ? ['EVENT'] : []), ...(withNamespace ? ['NAMESPACE'] : []), 'NAME', 'AGE', ...labelColumns.map((l) => l.toUpperCase()), ...(showLabels ? ['LABELS'] : [])])
    this.#lastGeneric = true
    for (const item of items) rows.push([
      ...(eventType ? [eventType.padEnd(8)] : []), ...(withNamespace ? [item.metadata?.namespace ?? ''] : []), `${kind ? `${kind}/` : ''}${item.metadata?.name ?? ''}`,
      item.metadata?.creationTimestamp ? humanDuration(nowMs - Date.parse(item.metadata.creationTimestamp)) : '<unknown>', ...labelColumns.map((l) => item.metadata?.labels?.[l] ?? ''), ...(showLabels ? [formatLabels(item.metadata?.labels)] : []),
    ])
    return this.#layout.format(rows)
  }
}

/** One line, and no control characters that would move the cursor. */
function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return ''
  const text = typeof cell === 'string' ? cell : goSprint(cell)
  const cut = text.search(/[\f\n\r]/)
  return escapeTerminal(cut < 0 ? text : text.slice(0, cut)) + (cut < 0 ? '' : '...')
}

/** k8s: cli-runtime printers EscapeTerminal */
export function escapeTerminal(text: string): string {
  return text.replace(/[\x1b\r]/g, (c) => c === '\x1b' ? '^[' : '\\r')
}

/** Plain columns for commands that make their own tables. */
export function simpleTable(rows: readonly (readonly string[])[]): string {
  return new TableLayout().format(rows)
}
