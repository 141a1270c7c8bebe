import { templateCells } from '../cells.ts'
import { defineKind } from '../define-kind.ts'
import type { PodTemplate } from '../generated/types.ts'
import { labelsText } from '../label-selector.ts'
import { countedGeneration } from '../strategies.ts'
import { defaultPodTemplate } from './pod-defaults.ts'

export const podTemplate = defineKind<PodTemplate>({
  group: '', version: 'v1', resource: 'podtemplates',
  defaults: (draft) => defaultPodTemplate(draft.template),
  strategy: countedGeneration<PodTemplate>('template'),
  cells: { ...templateCells<PodTemplate>((object) => object.template), 'Pod Labels': (object) => labelsText(object.template?.metadata?.labels) },
})
