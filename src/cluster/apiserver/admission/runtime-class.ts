import { deepEqual, thaw } from '../../../base/freeze.ts'
import { givenEmpty } from '../../kinds/decode.ts'
import type { Pod, RuntimeClass, Toleration } from '../../kinds/generated/types.ts'
import type { AdmissionAttributes, AdmissionPlugin, Reader } from '../seams.ts'
import { StatusError } from '../../kinds/status-error.ts'
import { badPathSegment, forbidden, isAbout } from './forbidden.ts'

/** Overhead and scheduling of a Pod's runtime class. k8s: plugin/pkg/admission/runtimeclass */
export const runtimeClass: AdmissionPlugin = {
  name: 'RuntimeClass',
  mutate(attributes, { reader }) {
    if (attributes.operation !== 'CREATE' || !isAbout(attributes, 'pods') || !attributes.object) return
    const found = classOf(attributes, reader)
    if (!found) return
    const { spec } = attributes.object as Pod
    const overhead = found.overhead?.podFixed
    if (found.overhead) {
      if (spec.overhead && Object.keys(spec.overhead).length > 0 && !deepEqual(overhead, spec.overhead)) throw forbidden(attributes, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
      if (overhead) spec.overhead = thaw(overhead)
    }
    if (!found.scheduling) return
    for (const [key, value] of Object.entries(found.scheduling.nodeSelector ?? {})) {
      const asked = spec.nodeSelector?.[key]
      if (asked !== undefined && asked !== value) throw forbidden(attributes, `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${asked}`)
    }
    if (found.scheduling.nodeSelector) spec.nodeSelector = { ...spec.nodeSelector, ...found.scheduling.nodeSelector }
    const merged = mergedTolerations(spec.tolerations ?? [], found.scheduling.tolerations ?? [])
    if (merged.length > 0) spec.tolerations = merged
  },
  validate(attributes, { reader }) {
    if (attributes.operation !== 'CREATE' || !isAbout(attributes, 'pods')) return
    const found = classOf(attributes, reader)
    const { spec } = attributes.object as Pod
    if (found?.overhead) {
      if (!deepEqual(found.overhead.podFixed, spec.overhead)) throw forbidden(attributes, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
    } else if (spec.overhead !== undefined || givenEmpty(spec, 'overhead')) {
      throw forbidden(attributes, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead')
    }
  },
}

function classOf(attributes: AdmissionAttributes, reader: Reader): RuntimeClass | undefined {
  const name = (attributes.object as Pod).spec.runtimeClassName
  if (name === undefined) return undefined
  const problem = badPathSegment(name)
  if (problem) throw new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: problem, code: 500 })
  const found = reader.get<RuntimeClass>('runtimeclasses.node.k8s.io', undefined, name)
  if (!found) throw forbidden(attributes, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`)
  return found
}

/** All tolerations, those left out that another one covers. k8s: pkg/util/tolerations MergeTolerations */
function mergedTolerations(first: readonly Toleration[], second: readonly Toleration[]): Toleration[] {
  const all = [...first, ...second]
  return all.filter((t, i) => !all.some((other, j) => i !== j && covers(other, t) && !(covers(t, other) && i < j))).map((t) => thaw(t))
}

function covers(wide: Toleration, narrow: Toleration): boolean {
  if (deepEqual(wide, narrow)) return true
  if (wide.key && wide.key !== narrow.key) return false
  if (wide.effect && wide.effect !== narrow.effect) return false
  if (wide.effect === 'NoExecute') {
    if (wide.tolerationSeconds !== undefined && (narrow.tolerationSeconds === undefined || wide.tolerationSeconds < narrow.tolerationSeconds)) return false
  }
  return wide.operator === 'Exists' || ((wide.operator ?? 'Equal') === 'Equal' && (narrow.operator ?? 'Equal') === 'Equal' && (wide.value ?? '') === (narrow.value ?? ''))
}
