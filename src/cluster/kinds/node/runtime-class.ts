import { deepEqual } from '../../../base/freeze.ts'
import { checkDnsLabel } from '../checks.ts'
import { validateResourceRequirements } from '../core/validate-resources.ts'
import { validateTolerations } from '../core/validate-scheduling.ts'
import { defineKind } from '../define-kind.ts'
import { duplicate, invalid, required, type Finding } from '../findings.ts'
import type { RuntimeClass } from '../generated/types.ts'
import { IMMUTABLE, validateLabels, validateObjectMeta, validateObjectMetaUpdate } from '../validate-metadata.ts'

/** k8s: ValidateRuntimeClass */
function validateRuntimeClass({ handler, overhead, scheduling }: Readonly<RuntimeClass>): Finding[] {
  const out: Finding[] = []
  if (!handler) out.push(required('handler'))
  else checkDnsLabel(out, handler, 'handler')
  if (overhead?.podFixed) validateResourceRequirements(out, { limits: overhead.podFixed }, [], 'overhead')
  if (scheduling?.nodeSelector) out.push(...validateLabels(scheduling.nodeSelector, 'scheduling.nodeSelector'))
  validateTolerations(out, scheduling?.tolerations, 'scheduling.tolerations')
  ;(scheduling?.tolerations ?? []).forEach((toleration, i, all) => {
    if (all.findIndex((other) => deepEqual(other, toleration)) < i) {
      out.push(duplicate(`scheduling.tolerations[${i}]`, { Key: toleration.key ?? '', Operator: toleration.operator ?? '', Value: toleration.value ?? '', Effect: toleration.effect ?? '', TolerationSeconds: toleration.tolerationSeconds ?? null }))
    }
  })
  return out
}

export const runtimeClass = defineKind<RuntimeClass>({
  group: 'node.k8s.io', version: 'v1', resource: 'runtimeclasses',
  validate: validateRuntimeClass,
  // k8s: ValidateRuntimeClass once more, then ValidateRuntimeClassUpdate
  updatesWithoutMeta: true,
  validateUpdate: (object, old) => [
    ...validateObjectMeta({ namespaced: false, schema: 'io.k8s.api.node.v1.RuntimeClass' }, object.metadata), ...validateRuntimeClass(object), ...validateObjectMetaUpdate(object.metadata, old.metadata),
    ...(object.handler === old.handler ? [] : [invalid('handler', object.handler, IMMUTABLE)]),
  ],
  strategy: { allowCreateOnUpdate: true, allowUnconditionalUpdate: false },
  cells: { Handler: (object) => object.handler },
})
