/** The form of metrics that autoscaling/v1 keeps in annotations. k8s: pkg/apis/autoscaling/v1/conversion.go */
import type { MetricSpec, MetricStatus } from '../generated/types.ts'

type Old = Record<string, any>

/** Without what isn't there. */
const given = (fields: Old): Old => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null))

const selectorOf = (metric: Old) => metric['selector']

export function oldMetricSpec({ type, object, pods, resource, containerResource, external }: Readonly<MetricSpec>): Old {
  return given({
    type,
    object: object && given({ target: object.describedObject, metricName: object.metric.name, targetValue: object.target.value ?? '0', selector: selectorOf(object.metric), averageValue: object.target.averageValue }),
    pods: pods && given({ metricName: pods.metric.name, targetAverageValue: pods.target.averageValue ?? '0', selector: selectorOf(pods.metric) }),
    resource: resource && given({ name: resource.name, targetAverageUtilization: resource.target.averageUtilization, targetAverageValue: resource.target.averageValue }),
    containerResource: containerResource && given({
      name: containerResource.name, targetAverageUtilization: containerResource.target.averageUtilization, targetAverageValue: containerResource.target.averageValue, container: containerResource.container,
    }),
    external: external && given({ metricName: external.metric.name, metricSelector: selectorOf(external.metric), targetValue: external.target.value, targetAverageValue: external.target.averageValue }),
  })
}

export function newMetricSpec({ type, object, pods, resource, containerResource, external }: Old): MetricSpec {
  const ofResource = ({ targetAverageUtilization, targetAverageValue }: Old) => given({ type: targetAverageUtilization !== undefined ? 'Utilization' : 'AverageValue', averageValue: targetAverageValue, averageUtilization: targetAverageUtilization })
  return given({
    type,
    object: object && { describedObject: object.target, metric: given({ name: object.metricName, selector: object.selector }), target: given({ type: object.averageValue === undefined ? 'Value' : 'AverageValue', value: object.averageValue === undefined ? object.targetValue : undefined, averageValue: object.averageValue }) },
    pods: pods && { metric: given({ name: pods.metricName, selector: pods.selector }), target: { type: 'AverageValue', averageValue: pods.targetAverageValue } },
    resource: resource && { name: resource.name, target: ofResource(resource) },
    containerResource: containerResource && { container: containerResource.container, name: containerResource.name, target: ofResource(containerResource) },
    external: external && {
      metric: given({ name: external.metricName, selector: external.metricSelector }), target: given({ type: external.targetValue !== undefined ? 'Value' : 'AverageValue', value: external.targetValue, averageValue: external.targetAverageValue }),
    },
  }) as unknown as MetricSpec
}

export function oldMetricStatus({ type, object, pods, resource, containerResource, external }: Readonly<MetricStatus>): Old {
  return given({
    type,
    object: object && given({ target: object.describedObject, metricName: object.metric.name, currentValue: object.current.value ?? '0', selector: selectorOf(object.metric), averageValue: object.current.averageValue }),
    pods: pods && given({ metricName: pods.metric.name, currentAverageValue: pods.current.averageValue ?? '0', selector: selectorOf(pods.metric) }),
    resource: resource && given({ name: resource.name, currentAverageUtilization: resource.current.averageUtilization, currentAverageValue: resource.current.averageValue ?? '0' }),
    containerResource: containerResource && given({
      name: containerResource.name, currentAverageUtilization: containerResource.current.averageUtilization, currentAverageValue: containerResource.current.averageValue ?? '0', container: containerResource.container,
    }),
    external: external && given({ metricName: external.metric.name, metricSelector: selectorOf(external.metric), currentValue: external.current.value ?? '0', currentAverageValue: external.current.averageValue }),
  })
}

export function newMetricStatus({ type, object, pods, resource, containerResource, external }: Old): MetricStatus {
  const ofResource = ({ currentAverageUtilization, currentAverageValue }: Old) => given({ averageValue: currentAverageValue, averageUtilization: currentAverageUtilization })
  return given({
    type,
    object: object && { describedObject: object.target, metric: given({ name: object.metricName, selector: object.selector }), current: given({ value: object.currentValue, averageValue: object.averageValue }) },
    pods: pods && { metric: given({ name: pods.metricName, selector: pods.selector }), current: { averageValue: pods.currentAverageValue } },
    resource: resource && { name: resource.name, current: ofResource(resource) },
    containerResource: containerResource && { container: containerResource.container, name: containerResource.name, current: ofResource(containerResource) },
    external: external && { metric: given({ name: external.metricName, selector: external.metricSelector }), current: given({ value: external.currentValue, averageValue: external.currentAverageValue }) },
  }) as unknown as MetricStatus
}
