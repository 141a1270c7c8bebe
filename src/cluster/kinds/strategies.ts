/** Parts that strategies of many kinds share. k8s: pkg/registry strategies */
import { deepEqual } from '../../base/freeze.ts'
import { decodeValue, givesEmpty } from './decode.ts'
import type { Strategy } from './kind.ts'
import type { KubeObject } from './object.ts'

/** Fresh zero value of a type, as Go would print it: `{replicas: 0}` for a ReplicaSetStatus. */
export function zeroOfType<T = any>(schema: string): T {
  return decodeValue(schema, undefined).value as T
}

/** Sets the generation of a new object. */
export function firstGeneration(draft: KubeObject): void {
  draft.metadata.generation = 1
}

/** Counts a change of the spec (or of whatever `changed` says). */
export function bumpGeneration(draft: KubeObject, old: Readonly<KubeObject>, changed = !deepEqual(draft.spec, old.spec)): void {
  const before = old.metadata.generation
  if (changed) draft.metadata.generation = (before ?? 0) + 1
  else if (before === undefined) delete draft.metadata.generation
  else draft.metadata.generation = before
}

/** Takes a field from the old object, also when it was absent there. */
export function keep<T extends KubeObject>(draft: T, old: Readonly<T>, ...fields: (keyof T & string)[]): void {
  for (const field of fields) {
    if (old[field] === undefined) delete draft[field]
    else draft[field] = old[field]
  }
}

/** On `/status`, metadata isn't the writer's to change, except managedFields. k8s: metav1.ResetObjectMetaForStatus */
export function keepMetadata(draft: KubeObject, old: Readonly<KubeObject>): void {
  const meta = draft.metadata
  const before = old.metadata
  for (const field of ['deletionTimestamp', 'generation', 'deletionGracePeriodSeconds', 'selfLink', 'labels', 'annotations', 'finalizers', 'ownerReferences', 'managedFields'] as const) {
    if (field === 'managedFields') continue
    if (before[field] === undefined) delete meta[field]
    else (meta as Record<string, unknown>)[field] = before[field]
  }
}

/**
 * Objects with spec and status: the status is empty on creation and only changes through `/status`, the generation counts specs.
 * `statusType`: schema of the status.
 */
export function specAndStatus<T extends KubeObject>(statusType: string, options: { generation?: boolean; also?: (draft: T) => void } = {}): Strategy<T> & Required<Pick<Strategy<T>, 'beforeCreate' | 'beforeUpdate' | 'beforeStatusUpdate'>> {
  const { generation = true, also } = options
  return {
    beforeCreate(draft) {
      ;(draft as KubeObject).status = zeroOfType(statusType)
      if (generation) firstGeneration(draft)
      also?.(draft)
    },
    beforeUpdate(draft, old) {
      keep(draft, old, 'status')
      also?.(draft)
      if (generation) bumpGeneration(draft, old)
    },
    beforeStatusUpdate(draft, old) {
      keep(draft, old, 'spec')
    },
  }
}

/**
 * The same for one field, where empty lists that somebody gives are a change each time: what is stored has none of them.
 * k8s: strategies that compare with reflect.DeepEqual instead of Semantic.DeepEqual
 */
export function literallyCountedGeneration<T extends KubeObject>(field: keyof T & string): Strategy<T> & Required<Pick<Strategy<T>, 'beforeCreate' | 'beforeUpdate'>> {
  return {
    beforeCreate: firstGeneration,
    beforeUpdate(draft, old) {
      bumpGeneration(draft, old, !deepEqual(draft[field], old[field]) || givesEmpty(draft[field]))
    },
  }
}

/** Objects whose generation counts changes of everything but metadata. */
export function countedGeneration<T extends KubeObject>(...fields: (keyof T & string)[]): Strategy<T> & Required<Pick<Strategy<T>, 'beforeCreate' | 'beforeUpdate'>> {
  return {
    beforeCreate: firstGeneration,
    beforeUpdate(draft, old) {
      bumpGeneration(draft, old, fields.some((field) => !deepEqual(draft[field], old[field])))
    },
  }
}
