import { roundUpToMillis } from '../core/pod-defaults.ts'
import { defineKind } from '../define-kind.ts'
import type { RuntimeClass } from '../generated/types.ts'

export const runtimeClass = defineKind<RuntimeClass>({
  group: 'node.k8s.io', version: 'v1', resource: 'runtimeclasses',
  defaults(draft) {
    if (draft.overhead?.podFixed) roundUpToMillis(draft.overhead.podFixed)
  },
  cells: { Handler: (object) => object.handler },
})
