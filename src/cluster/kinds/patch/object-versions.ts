import type { KubeObject } from '../object.ts'
import { deducedMergeType, type MergeType } from './merge-type.ts'
import { type Comparison, compareObjects, validateTyped } from './typed-value.ts'

/** An object in one of its versions, with the type that it has there. */
export interface VersionedObject {
  object: unknown
  type: MergeType
}

/** How objects become those of other versions of their kind. k8s: structured-merge-diff merge.Converter */
export interface ObjectVersions {
  /** The object in a version, whatever it is in. @throws VersionProblem */
  convert(object: unknown, apiVersion: string): VersionedObject
}

/** An object can't be had in a version that somebody owns fields in. */
export class VersionProblem extends Error {}

/** Problems with an object's type, as one text. k8s: typed.ValidationErrors */
export function problemsText(problems: readonly string[]): string {
  return problems.length === 1 ? problems[0]! : ['errors:', ...problems.map((problem) => `  ${problem}`)].join('\n')
}

/**
 * Versions that differ in nothing but the name in `apiVersion` and in their schemas.
 * @param types the type of each version that exists
 */
export function renamedVersions(types: (apiVersion: string) => MergeType | undefined): ObjectVersions {
  return {
    convert: (object, apiVersion) => typedIn((object as KubeObject).apiVersion === apiVersion ? object : { ...object as KubeObject, apiVersion }, apiVersion, types),
  }
}

/** Asked for a conversion that takes time: once it has been made, the work is begun anew. */
class ConversionPending extends Error {
  readonly object: KubeObject
  readonly apiVersion: string

  constructor(object: KubeObject, apiVersion: string) {
    super('conversion pending')
    this.object = object
    this.apiVersion = apiVersion
  }
}

/**
 * Does synchronous work with versions that become one another asynchronously: whenever a conversion is missing, it is made, and the work starts over.
 * `work` must do the same each time.
 */
export async function withConvertedVersions<T>(types: (apiVersion: string) => MergeType | undefined, convert: (object: KubeObject, apiVersion: string) => Promise<KubeObject>, work: (versions: ObjectVersions) => T): Promise<T> {
  const made = new Map<string, KubeObject>()
  const keyOf = (object: unknown, apiVersion: string) => `${apiVersion} ${JSON.stringify(object)}`
  const versions: ObjectVersions = {
    convert(object, apiVersion) {
      if (types(apiVersion) === undefined || (object as KubeObject).apiVersion === apiVersion) return typedIn(object, apiVersion, types)
      const known = made.get(keyOf(object, apiVersion))
      if (!known) throw new ConversionPending(object as KubeObject, apiVersion)
      return typedIn(known, apiVersion, types)
    },
  }
  for (;;) {
    try {
      return work(versions)
    } catch (error) {
      if (!(error instanceof ConversionPending)) throw error
      made.set(keyOf(error.object, error.apiVersion), await convert(error.object, error.apiVersion))
    }
  }
}

function typedIn(object: unknown, apiVersion: string, types: (apiVersion: string) => MergeType | undefined): VersionedObject {
  const type = types(apiVersion)
  if (!type) throw new VersionProblem(`request to convert CR to an invalid group/version: ${apiVersion}`)
  const problems = type === deducedMergeType ? [] : validateTyped(object, type)
  if (problems.length > 0) throw new VersionProblem(problemsText(problems))
  return { object, type }
}

/**
 * What a write changes, in the other versions in which managers own fields. Undefined where all speak of the version of the request.
 * @throws VersionProblem
 */
export function comparisonsInVersions(apiVersions: Iterable<string>, apiVersion: string, old: unknown, updated: unknown, versions: ObjectVersions): Map<string, Comparison> | undefined {
  let out: Map<string, Comparison> | undefined
  for (const other of apiVersions) {
    if (other === apiVersion || out?.has(other)) continue
    const before = versions.convert(old, other)
    let after: VersionedObject
    try {
      after = versions.convert(updated, other)
    } catch (error) {
      if (!(error instanceof VersionProblem)) throw error
      throw new VersionProblem(`failed to convert new object: ${error.message}`)
    }
    ;(out ??= new Map()).set(other, compareObjects(before.object, after.object, before.type))
  }
  return out
}
