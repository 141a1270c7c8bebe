import type { Pod, PriorityClass } from '../../kinds/generated/types.ts'
import type { AdmissionAttributes, AdmissionPlugin, Reader } from '../seams.ts'
import { forbidden, isAbout } from './forbidden.ts'

const RESOURCE = 'priorityclasses.scheduling.k8s.io'

/** Turns a Pod's priority class into a number. k8s: plugin/pkg/admission/priority */
export const priority: AdmissionPlugin = {
  name: 'Priority',
  mutate(attributes, { reader }) {
    if (!isAbout(attributes, 'pods') || !attributes.object) return
    const { spec } = attributes.object as Pod
    if (attributes.operation === 'UPDATE') {
      const old = (attributes.oldObject as Pod).spec
      if (spec.priority === undefined && old.priority !== undefined) spec.priority = old.priority
      if (spec.preemptionPolicy === undefined && old.preemptionPolicy !== undefined) spec.preemptionPolicy = old.preemptionPolicy
    } else if (attributes.operation === 'CREATE') {
      const chosen = chosenClass(attributes, spec.priorityClassName, reader)
      if (chosen.name) spec.priorityClassName = chosen.name
      if (spec.priority !== undefined && spec.priority !== chosen.value)
        throw forbidden(attributes, `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${chosen.value} from the given PriorityClass name`)
      spec.priority = chosen.value
      if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== chosen.preemptionPolicy)
        throw forbidden(attributes, `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${chosen.preemptionPolicy} from the given PriorityClass name`)
      spec.preemptionPolicy = chosen.preemptionPolicy
    }
  },
  validate(attributes, { reader }) {
    if (!isAbout(attributes, 'priorityclasses', 'scheduling.k8s.io') || (attributes.operation !== 'CREATE' && attributes.operation !== 'UPDATE')) return
    if (!(attributes.object as PriorityClass).globalDefault) return
    const present = defaultClass(reader)
    if (present && (attributes.operation === 'CREATE' || present.metadata.name !== attributes.object!.metadata.name))
      throw forbidden(attributes, `PriorityClass ${present.metadata.name} is already marked as default. Only one default can exist`)
  },
}

function chosenClass(attributes: AdmissionAttributes, name: string | undefined, reader: Reader): { name: string; value: number; preemptionPolicy: 'PreemptLowerPriority' | 'Never' } {
  const found = name ? reader.get<PriorityClass>(RESOURCE, undefined, name) : defaultClass(reader)
  if (name && !found) throw forbidden(attributes, `no PriorityClass with name ${name} was found`)
  return { name: found?.metadata.name ?? '', value: found?.value ?? 0, preemptionPolicy: found?.preemptionPolicy ?? 'PreemptLowerPriority' }
}

/** Of several, which should not be, the one with the lowest value. */
function defaultClass(reader: Reader): PriorityClass | undefined {
  let best: PriorityClass | undefined
  for (const candidate of reader.list<PriorityClass>(RESOURCE)) if (candidate.globalDefault && (!best || (candidate.value ?? 0) < (best.value ?? 0))) best = candidate
  return best
}
