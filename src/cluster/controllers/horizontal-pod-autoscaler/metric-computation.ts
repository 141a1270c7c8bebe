import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from '../../kinds/generated/types.ts'
import { goLabelSelector, labelSelectorOf, type LabelSelector } from '../../kinds/label-selector.ts'
import { milliQuantityOf } from '../../kinds/quantity.ts'
import { messageOf } from '../pod-control.ts'
import { milliValue } from './metrics-client.ts'
import { tolerancesOf, type Proposal, type ReplicaCalculator, type TargetPods } from './replica-calculator.ts'

/** What one metric of an autoscaler says. */
export interface MetricProposal {
  replicas: number
  /** The metric, as messages call it. */
  name: string
  status: MetricStatus
}

/** A metric that says nothing. */
export class MetricError extends Error {
  /** Reason of the event and of the condition. */
  readonly reason: string
  /** What the event says. */
  readonly detail: string

  constructor(reason: string, detail: string, message: string) {
    super(message)
    this.reason = reason
    this.detail = detail
  }
}

/** Sizes that a scale subresource shows. */
export interface Sizes {
  spec: number
  status: number
}

/** Works out what one metric asks for. @throws MetricError. k8s: computeReplicasForMetric */
export async function proposalOf(calculator: ReplicaCalculator, hpa: HorizontalPodAutoscaler, metric: MetricSpec, sizes: Sizes, pods: TargetPods): Promise<MetricProposal> {
  const tolerances = tolerancesOf(hpa)
  switch (metric.type) {
    case 'Resource': {
      const { name, target } = metric.resource!
      return guarded('FailedGetResourceMetric', `failed to get ${name} resource metric value`, async () => {
        const { current, replicas, label } = await byResource(name, target, '', '')
        return { replicas, name: label, status: { type: 'Resource', resource: { name, current } } }
      })
    }
    case 'ContainerResource': {
      const { name, target, container } = metric.containerResource!
      return guarded('FailedGetContainerResourceMetric', `failed to get ${container} container metric value`, async () => {
        const { current, replicas, label } = await byResource(name, target, container, 'container ')
        return { replicas, name: label, status: { type: 'ContainerResource', containerResource: { name, container, current } } }
      })
    }
    case 'Pods': {
      const { metric: { name, selector }, target } = metric.pods!
      return guarded('FailedGetPodsMetric', 'failed to get pods metric value', async () => {
        const { replicas, usage } = await calculator.byPodsMetric(sizes.spec, milliValue(target.averageValue!), name, tolerances, pods, labelSelectorOf(selector))
        return { replicas, name: `pods metric ${name}`, status: { type: 'Pods', pods: { metric: { name, ...(selector ? { selector } : {}) }, current: { averageValue: milliQuantityOf(usage) } } } }
      })
    }
    case 'Object': {
      const { metric: { name, selector }, target, describedObject } = metric.object!
      return guarded('FailedGetObjectMetric', 'failed to get object metric value', async () => {
        const parsed: LabelSelector = labelSelectorOf(selector)
        const status = (current: MetricValueStatus): MetricStatus => ({ type: 'Object', object: { describedObject, metric: { name, ...(selector ? { selector } : {}) }, current } })
        if (target.type === 'Value' && target.value !== undefined) {
          const { replicas, usage } = await calculator.byObject(sizes.spec, milliValue(target.value), name, tolerances, describedObject, pods, parsed)
          return { replicas, name: `${describedObject.kind} metric ${name}`, status: status({ value: milliQuantityOf(usage) }) }
        }
        if (target.type === 'AverageValue' && target.averageValue !== undefined) {
          const { replicas, usage } = await within(`failed to get ${name} object metric`, calculator.byObjectPerPod(sizes.status, milliValue(target.averageValue), name, tolerances, describedObject, pods, parsed))
          return { replicas, name: `external metric ${name}(${goLabelSelector(selector)})`, status: status({ averageValue: milliQuantityOf(usage) }) }
        }
        throw new Error('invalid object metric source: neither a value target nor an average value target was set')
      })
    }
    case 'External': {
      const { metric: { name, selector }, target } = metric.external!
      return guarded('FailedGetExternalMetric', `failed to get ${name} external metric value`, async () => {
        const proposal = (replicas: number, current: MetricValueStatus): MetricProposal =>
          ({ replicas, name: `external metric ${name}(${goLabelSelector(selector)})`, status: { type: 'External', external: { metric: { name, ...(selector ? { selector } : {}) }, current } } })
        if (target.averageValue !== undefined) {
          const { replicas, usage } = await within(`failed to get ${name} external metric`, calculator.byExternalPerPod(sizes.status, milliValue(target.averageValue), name, tolerances, selector, pods.namespace))
          return proposal(replicas, { averageValue: milliQuantityOf(usage) })
        }
        if (target.value !== undefined) {
          const { replicas, usage } = await within(`failed to get external metric ${name}`, calculator.byExternal(sizes.spec, milliValue(target.value), name, tolerances, selector, pods))
          return proposal(replicas, { value: milliQuantityOf(usage) })
        }
        throw new Error('invalid external metric source: neither a value target nor an average value target was set')
      })
    }
    default: {
      const message = `unknown metric source type ${JSON.stringify(metric.type)}`
      throw new MetricError('InvalidMetricSourceType', message, message)
    }
  }

  /** k8s: computeStatusForResourceMetricGeneric */
  async function byResource(resource: string, target: MetricTarget, container: string, prefix: string): Promise<{ replicas: number; label: string; current: MetricValueStatus }> {
    const amount = ({ usage }: Proposal) => milliQuantityOf(usage, resource === 'memory' ? 'BinarySI' : 'DecimalSI')
    if (target.averageValue !== undefined) {
      const found = await calculator.byUsage(sizes.spec, milliValue(target.averageValue), resource, tolerances, pods, container).catch((error) => { throw new Error(`failed to get ${resource} usage: ${messageOf(error)}`) })
      return { replicas: found.replicas, label: `${resource} resource`, current: { averageValue: amount(found) } }
    }
    if (target.averageUtilization === undefined) throw new Error('invalid resource metric source: neither an average utilization target nor an average value (usage) target was set')
    const found = await calculator.byUtilization(sizes.spec, target.averageUtilization, resource, tolerances, pods, container).catch((error) => { throw new Error(`failed to get ${resource} utilization: ${messageOf(error)}`) })
    return { replicas: found.replicas, label: `${resource} ${prefix}resource utilization (percentage of request)`, current: { averageUtilization: found.utilization!, averageValue: amount(found) } }
  }
}

/** An error whose event says only what came after the prefix. */
class PrefixedError extends Error {
  readonly detail: string
  constructor(prefix: string, detail: string) {
    super(`${prefix}: ${detail}`)
    this.detail = detail
  }
}

async function within<T>(prefix: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw new PrefixedError(prefix, messageOf(error))
  }
}

async function guarded(reason: string, prefix: string, work: () => Promise<MetricProposal>): Promise<MetricProposal> {
  try {
    return await work()
  } catch (error) {
    throw new MetricError(reason, error instanceof PrefixedError ? error.detail : messageOf(error), `${prefix}: ${messageOf(error)}`)
  }
}
