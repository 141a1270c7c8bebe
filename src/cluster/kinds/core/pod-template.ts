import { templateCells } from '../cells.ts'
import { defineKind } from '../define-kind.ts'
import type { Finding } from '../findings.ts'
import type { PodTemplate } from '../generated/types.ts'
import { labelsText } from '../label-selector.ts'
import { countedGeneration } from '../strategies.ts'
import { defaultPodSpec } from './pod-defaults.ts'
import { templateWarnings } from './pod-warnings.ts'
import { validatePodTemplate } from './validate-pod.ts'

export const podTemplate = defineKind<PodTemplate>({
  group: '', version: 'v1', resource: 'podtemplates',
  defaults(draft) {
    if (draft.template?.spec) defaultPodSpec(draft.template.spec)
  },
  validate(object) {
    const out: Finding[] = []
    validatePodTemplate(out, object.template, 'template')
    return out
  },
  validateUpdate(object) {
    const out: Finding[] = []
    validatePodTemplate(out, object.template, 'template')
    return out
  },
  strategy: { ...countedGeneration<PodTemplate>('template'), ...templateWarnings<PodTemplate>((object) => object.template, 'template', false) },
  cells: { ...templateCells<PodTemplate>((object) => object.template), 'Pod Labels': (object) => labelsText(object.template?.metadata?.labels) },
})
