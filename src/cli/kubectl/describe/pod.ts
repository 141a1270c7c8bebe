import { qosOf } from '../../../cluster/kinds/core/pod-qos.ts'
import { ageOf } from '../duration.ts'
import { countOf, printLabelsAndAnnotations, printTitle } from './describer.ts'
import type { Describer } from './describer.ts'
import { describeContainers, describeResources, describeSchedulingGroup, describeSpread } from './pod-template.ts'
import { describeVolumes } from './volumes.ts'
import { controllerOf, printMap, printTolerations, rfc1123 } from './writer.ts'

export const pod: Describer = (o, w, context) => {
  const { spec, status = {} } = o
  printTitle(w, o)
  if (spec.priority !== undefined) w.line(0, `Priority:\t${spec.priority}`)
  if (spec.priorityClassName) w.line(0, `Priority Class Name:\t${spec.priorityClassName}`)
  if (spec.runtimeClassName) w.line(0, `Runtime Class Name:\t${spec.runtimeClassName}`)
  if (spec.serviceAccountName) w.line(0, `Service Account:\t${spec.serviceAccountName}`)
  w.line(0, `Node:\t${spec.nodeName ? `${spec.nodeName}/${status.hostIP ?? ''}` : '<none>'}`)
  if (status.startTime) w.line(0, `Start Time:\t${rfc1123(status.startTime)}`)
  printLabelsAndAnnotations(w, o)
  if (o.metadata.deletionTimestamp && !['Failed', 'Succeeded'].includes(status.phase)) {
    w.line(0, `Status:\tTerminating (lasts ${ageOf(o.metadata.deletionTimestamp, context.nowMs)})`)
    w.line(0, `Termination Grace Period:\t${countOf(o.metadata.deletionGracePeriodSeconds)}s`)
  } else w.line(0, `Status:\t${status.phase ?? ''}`)
  if (status.reason) w.line(0, `Reason:\t${status.reason}`)
  if (status.message) w.line(0, `Message:\t${status.message}`)
  const seccomp = spec.securityContext?.seccompProfile
  if (seccomp) {
    w.line(0, `SeccompProfile:\t${seccomp.type}`)
    if (seccomp.type === 'Localhost') w.line(0, `LocalhostProfile:\t${seccomp.localhostProfile}`)
  }
  w.line(0, `IP:\t${status.podIP ?? ''}`)
  if (!status.podIPs?.length) w.line(0, 'IPs:\t<none>')
  else {
    w.line(0, 'IPs:')
    for (const { ip } of status.podIPs) w.line(1, `IP:\t${ip}`)
  }
  const controller = controllerOf(o)
  if (controller) w.line(0, `Controlled By:\t${controller}`)
  if (status.nominatedNodeName) w.line(0, `NominatedNodeName:\t${status.nominatedNodeName}`)
  if (spec.resources) {
    w.line(0, 'Resources:')
    describeResources(spec.resources, w, 1)
  }
  if (spec.initContainers?.length) describeContainers('Init Containers', spec.initContainers, status.initContainerStatuses ?? [], o, w, '')
  describeContainers('Containers', spec.containers ?? [], status.containerStatuses ?? [], o, w, '')
  if (spec.ephemeralContainers?.length) describeContainers('Ephemeral Containers', spec.ephemeralContainers, status.ephemeralContainerStatuses ?? [], o, w, '')
  if (spec.readinessGates?.length) {
    w.line(0, 'Readiness Gates:')
    w.line(1, 'Type\tStatus')
    for (const g of spec.readinessGates) w.line(1, `${g.conditionType} \t${status.conditions?.find((c: any) => c.type === g.conditionType)?.status ?? '<none>'} `)
  }
  if (status.conditions?.length) {
    w.line(0, 'Conditions:')
    w.line(1, 'Type\tStatus')
    for (const c of status.conditions) w.line(1, `${c.type} \t${c.status} `)
  }
  describeVolumes(spec.volumes, w, '')
  w.line(0, `QoS Class:\t${qosOf(o)}`)
  printMap(w, 'Node-Selectors', spec.nodeSelector)
  printTolerations(w, 'Tolerations', spec.tolerations)
  describeSpread(spec.topologySpreadConstraints, w, '')
  describeSchedulingGroup(spec.schedulingGroup, w, '')
}
