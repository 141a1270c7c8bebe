import type { KubeObject } from '../../cluster/kinds/object.ts'
import { escapeHtml, goJson } from '../../cluster/kinds/go-text.ts'

export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** The object's configuration as the annotation keeps it: sorted, compact, without the annotation itself, ended by a newline. */
function lastAppliedText(object: KubeObject): string {
  const annotations = { ...object.metadata?.annotations }
  delete annotations[LAST_APPLIED]
  return `${goJson({ ...object, metadata: { ...object.metadata, annotations } })}\n`
}

/** As {@link withLastApplied} for an object whose type the command knows: empty annotations are left out. @param order puts fields as the type has them */
export function withTypedLastApplied(object: KubeObject, order: (object: KubeObject) => unknown): KubeObject {
  const { [LAST_APPLIED]: _, ...annotations } = object.metadata.annotations ?? {}
  const { annotations: __, ...metadata } = object.metadata
  const text = `${escapeHtml(JSON.stringify(order({ ...object, metadata: { ...metadata, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) } })))}\n`
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [LAST_APPLIED]: text } } }
}

/** The object with the annotation brought up to date. k8s: util.CreateApplyAnnotation */
export function withLastApplied(object: KubeObject): KubeObject {
  return { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata?.annotations, [LAST_APPLIED]: lastAppliedText(object) } } }
}
