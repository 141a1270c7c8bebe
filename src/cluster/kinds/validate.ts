/** Validation of whole objects: ObjectMeta first, then what the kind's own rules say; all findings at once. */
import { invalid, type Finding } from './findings.ts'
import type { Kind } from './kind.ts'
import { pathSegmentName } from './names.ts'
import type { KubeObject } from './object.ts'
import { validateKindMetaUpdate, validateObjectMeta } from './validate-metadata.ts'

/** What forbids creating an object. k8s: Strategy.Validate */
export function validateCreate<T extends KubeObject>(kind: Kind<T>, object: Readonly<T>): Finding[] {
  if (kind.createsWithoutMeta) {
    const own = kind.validate?.(object) ?? []
    return own.length > 0 ? own : validateObjectMeta(kind, object.metadata)
  }
  // Reviews are asked, not kept: they need no name.
  const findings = kind.storagePrefix === '' ? [] : validateObjectMeta(kind, object.metadata)
  const all = kind.validate ? findings.concat(kind.validate(object)) : findings
  // k8s: rest.BeforeCreate, which looks at ObjectMeta once more when a kind is content; only prefixes of names may have slipped through.
  const { generateName } = object.metadata
  if (all.length === 0 && generateName && kind.storagePrefix !== '') for (const problem of pathSegmentName(generateName, true)) all.push(invalid('metadata.generateName', generateName, problem))
  return all
}

/** What forbids an update of the main resource. k8s: Strategy.ValidateUpdate */
export function validateUpdate<T extends KubeObject>(kind: Kind<T>, object: Readonly<T>, old: Readonly<T>): Finding[] {
  const findings = kind.updatesWithoutMeta ? [] : validateKindMetaUpdate(kind, object.metadata, old.metadata)
  return kind.validateUpdate ? findings.concat(kind.validateUpdate(object, old)) : findings
}

/** What forbids an update of `/status`. */
export function validateStatusUpdate<T extends KubeObject>(kind: Kind<T>, object: Readonly<T>, old: Readonly<T>): Finding[] {
  const findings = validateKindMetaUpdate(kind, object.metadata, old.metadata)
  return kind.validateStatusUpdate ? findings.concat(kind.validateStatusUpdate(object, old)) : findings
}
