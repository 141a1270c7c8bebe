import { defineKind } from '../define-kind.ts'
import type { CSINode } from '../generated/types.ts'
import { validateCsiNode, validateCsiNodeUpdate } from './validate-storage.ts'

export const csiNode = defineKind<CSINode>({
  group: 'storage.k8s.io', version: 'v1', resource: 'csinodes',
  validate: validateCsiNode,
  validateUpdate: validateCsiNodeUpdate,
  strategy: { allowUnconditionalUpdate: false },
  cells: { Drivers: ({ spec }) => spec.drivers?.length ?? 0 },
})
