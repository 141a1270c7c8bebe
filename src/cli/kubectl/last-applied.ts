import type { KubeObject } from '../../cluster/kinds/object.ts'
import { goJson } from '../../cluster/kinds/go-text.ts'

export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** The object's configuration as the annotation keeps it: sorted, compact, without the annotation itself, ended by a newline. */
export function lastAppliedText(object: KubeObject): string {
  const annotations = { ...object.metadata?.annotations }
  delete annotations[LAST_APPLIED]
  return `${goJson({ ...object, metadata: { ...object.metadata, annotations } })}\n`
}

/** The object with the annotation brought up to date. k8s: util.CreateApplyAnnotation */
export function withLastApplied(object: KubeObject): KubeObject {
  return { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata?.annotations, [LAST_APPLIED]: lastAppliedText(object) } } }
}
