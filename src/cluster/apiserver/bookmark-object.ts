import { decodeObject } from '../kinds/decode.ts'
import type { KubeObject } from '../kinds/object.ts'
import type { TableRow } from '../kinds/table.ts'
import type { Kind } from '../kinds/kind.ts'
import type { Endpoint } from './endpoint.ts'

/** The object of a BOOKMARK: a version, and of built-in kinds what a Go struct with nothing in it can't leave out. */
export function bookmarkObject({ kind, apiVersion }: Endpoint, revision: number, annotations?: Record<string, string>): KubeObject {
  const object: KubeObject = { kind: kind.kind, apiVersion, metadata: { resourceVersion: String(revision), ...(annotations ? { annotations } : {}) } }
  if (kind.custom) return object
  const empty = decodeObject(kind, object).object
  if (kind.group === 'apps') showConverted(kind.kind, empty)
  return empty
}

/** What the server's internal types have as plain numbers is there after the conversion. k8s: pkg/apis/apps/v1 conversion.go */
function showConverted(kind: string, empty: KubeObject): void {
  if (kind === 'DaemonSet') empty.metadata.annotations = { ...empty.metadata.annotations, 'deprecated.daemonset.template.generation': '0' }
  else if (kind !== 'ControllerRevision') empty['spec'] = { replicas: 0, ...empty['spec'] as object }
}

/** A bookmark's row of a Table: texts that aren't there are empty, times are Go's zero time. */
export function bookmarkRow(kind: Kind, row: TableRow): TableRow {
  if (kind.custom) return row
  return { ...row, cells: kind.columns.map(({ type }, i) => row.cells[i] ?? (type === 'date' ? '0001-01-01T00:00:00Z' : '')) }
}
