import type { DescribeContext } from './describe.ts'
import { printAnnotations, printMap } from './writer.ts'
import type { DescribeWriter } from './writer.ts'

/** Writes all but the events; false: this kind shows none, or has shown them. k8s: kubectl/pkg/describe */
export type Describer = (object: any, w: DescribeWriter, context: DescribeContext) => Promise<void | false> | void | false

/** A number that may not be there. */
export const countOf = (value: unknown) => (value as number | undefined) ?? 0
/** Name and namespace. */
export const printTitle = (w: DescribeWriter, o: any, namespaced = true) => {
  w.line(0, `Name:\t${o.metadata.name}`)
  if (namespaced) w.line(0, `Namespace:\t${o.metadata.namespace ?? ''}`)
}
/** Labels and annotations. */
export const printLabelsAndAnnotations = (w: DescribeWriter, o: any) => {
  printMap(w, 'Labels', o.metadata.labels)
  printAnnotations(w, o.metadata.annotations)
}

/** Types, states and reasons. */
export function printConditions(w: DescribeWriter, list: any[] | undefined): void {
  if (!list?.length) return
  w.line(0, 'Conditions:')
  w.line(1, 'Type\tStatus\tReason')
  w.line(1, '----\t------\t------')
  for (const c of list) w.line(1, `${c.type} \t${c.status}\t${c.reason ?? ''}`)
}

/** How many pods of a controller are in which phase. */
export async function podPhases(o: any, context: DescribeContext, labelSelector: string): Promise<string> {
  const pods = await context.list(`/api/v1/namespaces/${o.metadata.namespace}/pods`, { labelSelector }) ?? []
  const mine = pods.filter((p) => (p.metadata.ownerReferences ?? []).some((r: any) => r.controller && r.uid === o.metadata.uid))
  const count = (phase: string) => mine.filter((p) => p.status?.phase === phase).length
  return `${count('Running')} Running / ${count('Pending')} Waiting / ${count('Succeeded')} Succeeded / ${count('Failed')} Failed`
}
