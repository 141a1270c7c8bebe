import { formatLabels, formatLabelSelector } from '../selectors.ts'
import { countOf, printLabelsAndAnnotations, printTitle } from './describer.ts'
import type { Describer } from './describer.ts'
import { rfc1123 } from './writer.ts'

export const podDisruptionBudget: Describer = (o, w) => {
  printTitle(w, o)
  if (o.spec.minAvailable !== undefined) w.line(0, `Min available:\t${o.spec.minAvailable}`)
  else if (o.spec.maxUnavailable !== undefined) w.line(0, `Max unavailable:\t${o.spec.maxUnavailable}`)
  w.line(0, `Selector:\t${o.spec.selector ? formatLabelSelector(o.spec.selector) : '<unset>'}`)
  w.line(0, 'Status:')
  w.line(2, `Allowed disruptions:\t${countOf(o.status?.disruptionsAllowed)}`)
  w.line(2, `Current:\t${countOf(o.status?.currentHealthy)}`)
  w.line(2, `Desired:\t${countOf(o.status?.desiredHealthy)}`)
  w.line(2, `Total:\t${countOf(o.status?.expectedPods)}`)
}

export const priorityClass: Describer = (o, w) => {
  printTitle(w, o, false)
  w.line(0, `Value:\t${o.value}`)
  w.line(0, `GlobalDefault:\t${Boolean(o.globalDefault)}`)
  w.line(0, `PreemptionPolicy:\t${o.preemptionPolicy ?? 'PreemptLowerPriority'}`)
  w.line(0, `Description:\t${o.description ?? ''}`)
  w.line(0, `Annotations:\t${formatLabels(o.metadata.annotations)}`)
}

export const horizontalPodAutoscaler: Describer = (o, w) => {
  const { spec, status = {} } = o
  printTitle(w, o)
  printLabelsAndAnnotations(w, o)
  w.line(0, `CreationTimestamp:\t${rfc1123(o.metadata.creationTimestamp)}`)
  w.line(0, `Reference:\t${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`)
  w.line(0, 'Metrics:\t( current / target )')
  ;(spec.metrics ?? []).forEach((m: any, i: number) => {
    const now = status.currentMetrics?.[i] ?? {}
    const unknown = '<unknown>'
    const usage = (metric: any, current: any, subject: string) => {
      if (metric.target.averageValue !== undefined) w.line(1, `${subject}:\t${current?.current?.averageValue ?? unknown} / ${metric.target.averageValue}`)
      else {
        const c = current?.current?.averageUtilization === undefined ? unknown : `${current.current.averageUtilization}% (${current.current.averageValue})`
        w.line(1, `${subject}  (as a percentage of request):\t${c} / ${metric.target.averageUtilization === undefined ? '<auto>' : `${metric.target.averageUtilization}%`}`)
      }
    }
    switch (m.type) {
      case 'Resource': usage(m.resource, now.resource, `resource ${m.resource.name} on pods`); break
      case 'ContainerResource': usage(m.containerResource, now.containerResource, `resource ${m.containerResource.name} of container "${m.containerResource.container}" on pods`); break
      case 'Pods': w.line(1, `"${m.pods.metric.name}" on pods:\t${now.pods?.current?.averageValue ?? unknown} / ${m.pods.target.averageValue}`); break
      case 'Object': {
        const average = m.object.target.type === 'AverageValue'
        const c = average ? now.object?.current?.averageValue : now.object?.current?.value
        w.line(1, `"${m.object.metric.name}" on ${m.object.describedObject.kind}/${m.object.describedObject.name} (target ${average ? 'average ' : ''}value):\t${c ?? unknown} / ${average ? m.object.target.averageValue : m.object.target.value}`)
        break
      }
      case 'External': {
        const average = m.external.target.averageValue !== undefined
        const c = average ? now.external?.current?.averageValue : now.external?.current?.value
        w.line(1, `"${m.external.metric.name}" (target ${average ? 'average ' : ''}value):\t${c ?? unknown} / ${average ? m.external.target.averageValue : m.external.target.value}`)
        break
      }
      default: w.line(1, `<unknown metric type ${JSON.stringify(m.type)}>`)
    }
  })
  w.line(0, `Min replicas:\t${spec.minReplicas ?? '<unset>'}`)
  w.line(0, `Max replicas:\t${spec.maxReplicas}`)
  if (spec.behavior) {
    w.line(0, 'Behavior:')
    for (const [direction, rules] of [['Scale Up', spec.behavior.scaleUp], ['Scale Down', spec.behavior.scaleDown]] as const) {
      if (!rules) continue
      w.line(1, `${direction}:`)
      if (rules.stabilizationWindowSeconds !== undefined) w.line(2, `Stabilization Window: ${rules.stabilizationWindowSeconds} seconds`)
      if (rules.policies?.length) {
        w.line(2, `Select Policy: ${rules.selectPolicy ?? 'Max'}`)
        w.line(2, 'Policies:')
        for (const p of rules.policies) w.line(3, `- Type: ${p.type}\tValue: ${p.value}\tPeriod: ${p.periodSeconds} seconds`)
      }
    }
  }
  w.line(0, `${spec.scaleTargetRef.kind} pods:\t${countOf(status.currentReplicas)} current / ${countOf(status.desiredReplicas)} desired`)
  if (status.conditions?.length) {
    w.line(0, 'Conditions:')
    w.line(1, 'Type\tStatus\tReason\tMessage')
    w.line(1, '----\t------\t------\t-------')
    for (const c of status.conditions) w.line(1, `${c.type}\t${c.status}\t${c.reason ?? ''}\t${c.message ?? ''}`)
  }
}
