import { jsonText, sortedTexts } from './json-text.ts'
import type { Kind } from '../kinds/kind.ts'
import type { KubeObject } from '../kinds/object.ts'
import type { Table, TableRow } from '../kinds/table.ts'

/** JSON of a row; the object in it is written as it would be alone. k8s: metav1.TableRow */
export function rowText({ cells, conditions, object }: TableRow, kind: Pick<Kind, 'custom'>): string {
  const shown = object as KubeObject | null
  const objectText = shown === null ? 'null' : kind.custom && shown.kind !== 'PartialObjectMetadata' ? sortedTexts.text(shown) : jsonText(shown)
  return `{"cells":${JSON.stringify(cells)},${conditions ? `"conditions":${JSON.stringify(conditions)},` : ''}"object":${objectText}}`
}

/** JSON of a Table. Later events of a watch have `null` for definitions. k8s: metav1.Table */
export function tableText({ rows, ...table }: Omit<Table, 'apiVersion'> & { apiVersion: string }, kind: Pick<Kind, 'custom'>): string {
  return `${jsonText(table).slice(0, -1)},"rows":[${rows.map((row) => rowText(row, kind)).join(',')}]}`
}
