import { duplicate, forbidden, invalid, notSupported, required } from '../kinds/findings.ts'
import type { Finding } from '../kinds/findings.ts'
import type { NodeAffinity, NodeSelectorTerm, TopologySpreadConstraint } from '../kinds/generated/types.ts'
import { parseGoDuration } from '../kinds/duration.ts'
import { labelKeyProblems } from '../kinds/names.ts'
import type { Plugin } from '../scheduler/framework.ts'
import { createDefaultPreemption } from '../scheduler/plugins/default-preemption.ts'
import { createDynamicResources } from '../scheduler/plugins/dynamic-resources.ts'
import { createInterPodAffinity } from '../scheduler/plugins/inter-pod-affinity.ts'
import { createNodeAffinity } from '../scheduler/plugins/node-affinity.ts'
import { createNodeResourcesBalancedAllocation } from '../scheduler/plugins/node-resources-balanced-allocation.ts'
import { createNodeResourcesFit } from '../scheduler/plugins/node-resources-fit.ts'
import { createPodTopologySpread } from '../scheduler/plugins/pod-topology-spread.ts'
import { CPU_AND_MEMORY, type ScoringStrategy, type ShapePoint } from '../scheduler/plugins/resource-scoring.ts'
import { createVolumeBinding } from '../scheduler/plugins/volume-binding.ts'
import type { Shape, StructShape } from './config-shape.ts'

interface ResourceSpec { name?: string; weight?: number }
interface PointSpec { utilization?: number; score?: number }

/** What a profile may say to a plugin: how its text is read, checked and taken. */
export interface PluginArgs {
  shape: StructShape
  /** What is wrong with it, found with the configuration. k8s: apis/config/validation */
  check(args: Args, at: string): Finding[]
  /** What is wrong with it, found by the plugin itself. */
  refuse?(args: Args): Finding[]
  make(args: Args): Plugin
}

type Args = Readonly<Record<string, any>>

const args = (name: string, fields: Readonly<Record<string, Shape>>): StructShape => ({ struct: `${name}Args`, fields: { apiVersion: 'string', kind: 'string', ...fields } })
const RESOURCES: Shape = { list: { struct: 'ResourceSpec', fields: { name: 'string', weight: 'int64' } } }
const SHAPE: Shape = { list: { struct: 'UtilizationShapePoint', fields: { utilization: 'int32', score: 'int32' } } }
const REQUIREMENTS: Shape = { list: { struct: 'NodeSelectorRequirement', fields: { key: 'string', operator: 'string', values: { list: 'string' } } } }
const TERM: StructShape = { struct: 'NodeSelectorTerm', fields: { matchExpressions: REQUIREMENTS, matchFields: REQUIREMENTS } }
const NODE_AFFINITY: Shape = {
  struct: 'NodeAffinity', fields: {
    requiredDuringSchedulingIgnoredDuringExecution: { struct: 'NodeSelector', fields: { nodeSelectorTerms: { list: TERM } } },
    preferredDuringSchedulingIgnoredDuringExecution: { list: { struct: 'PreferredSchedulingTerm', fields: { weight: 'int32', preference: TERM } } },
  },
}
const CONSTRAINTS: Shape = {
  list: { struct: 'TopologySpreadConstraint', fields: { maxSkew: 'int32', topologyKey: 'string', whenUnsatisfiable: 'string', labelSelector: 'any', minDomains: 'int32', nodeAffinityPolicy: 'string', nodeTaintsPolicy: 'string', matchLabelKeys: { list: 'string' } } },
}

const STRATEGIES = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio']

/** A weight that isn't given, or is 0, is 1. */
const weighted = (resources: readonly ResourceSpec[] | undefined) => resources?.length ? resources.map(({ name = '', weight }) => ({ name, weight: weight || 1 })) : CPU_AND_MEMORY
const points = (shape: readonly PointSpec[]): ShapePoint[] => shape.map(({ utilization = 0, score = 0 }) => ({ utilization, score }))

/** k8s: validateFunctionShape */
function shapeFindings(shape: readonly ShapePoint[], at: string): Finding[] {
  if (shape.length === 0) return [required(at, 'at least one point must be specified')]
  const unsorted = shape.findIndex(({ utilization }, i) => i > 0 && shape[i - 1]!.utilization >= utilization)
  const range = (value: number, max: number, field: string) => value < 0 || value > max ? [invalid(field, value, `not in valid range [0, ${max}]`)] : []
  return [
    ...unsorted < 0 ? [] : [invalid(`${at}[${unsorted}].utilization`, shape[unsorted]!.utilization, 'values must be sorted in increasing order')],
    ...shape.flatMap(({ utilization, score }, i) => [...range(utilization, 100, `${at}[${i}].utilization`), ...range(score, 10, `${at}[${i}].score`)]),
  ]
}

/** k8s: component-helpers/scheduling/corev1/nodeaffinity nodeSelectorRequirementsAsSelector */
function termFindings({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, at: string): Finding[] {
  const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']
  const expressions = matchExpressions.flatMap(({ key = '', operator = '', values }, i): Finding[] => {
    const here = `${at}.matchExpressions[${i}]`
    if (!operators.includes(operator)) return [notSupported(`${here}.operator`, operator, operators)]
    const count = values?.length ?? 0
    return [
      ...labelKeyProblems(key).map((problem) => invalid(`${here}.key`, key, problem)),
      ...['In', 'NotIn'].includes(operator) && count === 0 ? [invalid(`${here}.values`, values ?? null, "for 'in', 'notin' operators, values set can't be empty")] : [],
      ...['Exists', 'DoesNotExist'].includes(operator) && count > 0 ? [invalid(`${here}.values`, values, 'values set must be empty for exists and does not exist')] : [],
      ...['Gt', 'Lt'].includes(operator) && count !== 1 ? [invalid(`${here}.values`, values ?? null, "for 'Gt', 'Lt' operators, exactly one value is required")] : [],
      ...['Gt', 'Lt'].includes(operator) ? (values ?? []).flatMap((value, j) => /^[+-]?\d+$/.test(value) ? [] : [invalid(`${here}.values[${j}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer")]) : [],
    ]
  })
  const fields = matchFields.flatMap(({ key = '', operator = '', values }, i): Finding[] => {
    const here = `${at}.matchFields[${i}]`
    if (!['In', 'NotIn'].includes(operator)) return [notSupported(`${here}.operator`, operator, ['In', 'NotIn'])]
    return values?.length === 1 || key === '' ? [] : [invalid(`${here}.values`, values ?? null, 'must have one element')]
  })
  return [...expressions, ...fields]
}

/** With what needn't be said. */
function completed({ requiredDuringSchedulingIgnoredDuringExecution: needed, preferredDuringSchedulingIgnoredDuringExecution: preferred = [] }: { [part in keyof NodeAffinity]: any } = {}): NodeAffinity {
  return {
    ...needed ? { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: needed.nodeSelectorTerms ?? [] } } : {},
    preferredDuringSchedulingIgnoredDuringExecution: preferred.map(({ weight = 0, preference = {} }) => ({ weight, preference })),
  }
}

const percentFindings = (value: number, at: string) => value < 0 || value > 100 ? [invalid(at, value, 'not in valid range [0, 100]')] : []

/** The plugins that take arguments, by name. k8s: pkg/scheduler/apis/config/v1 defaults, validation/validation_pluginargs.go */
export const PLUGIN_ARGS: Readonly<Record<string, PluginArgs>> = {
  DefaultPreemption: {
    shape: args('DefaultPreemption', { minCandidateNodesPercentage: 'int32', minCandidateNodesAbsolute: 'int32' }),
    check({ minCandidateNodesPercentage: percentage = 10, minCandidateNodesAbsolute: absolute = 100 }, at) {
      const [percentageAt, absoluteAt] = [`${at}.minCandidateNodesPercentage`, `${at}.minCandidateNodesAbsolute`]
      return [
        ...percentFindings(percentage, percentageAt), ...absolute < 0 ? [invalid(absoluteAt, absolute, 'not in valid range [0, inf)')] : [],
        ...percentage === 0 && absolute === 0 ? [invalid(percentageAt, 0, 'cannot be zero at the same time as minCandidateNodesAbsolute'), invalid(absoluteAt, 0, 'cannot be zero at the same time as minCandidateNodesPercentage')] : [],
      ]
    },
    make: (given) => createDefaultPreemption(given),
  },
  DynamicResources: {
    shape: args('DynamicResources', { filterTimeout: 'duration', bindingTimeout: 'duration' }),
    check: ({ filterTimeout, bindingTimeout }, at) => [
      ...filterTimeout !== undefined && parseGoDuration(filterTimeout)! < 0 ? [invalid(`${at}.filterTimeout`, filterTimeout, 'must be zero or positive')] : [],
      ...bindingTimeout !== undefined && parseGoDuration(bindingTimeout)! < 1000 ? [invalid(`${at}.bindingTimeout`, bindingTimeout, 'must be at least 1 second')] : [],
    ],
    make: ({ bindingTimeout }) => createDynamicResources(bindingTimeout === undefined ? undefined : parseGoDuration(bindingTimeout)),
  },
  InterPodAffinity: {
    shape: args('InterPodAffinity', { hardPodAffinityWeight: 'int32', ignorePreferredTermsOfExistingPods: 'bool' }),
    check: ({ hardPodAffinityWeight: weight = 1 }, at) => percentFindings(weight, `${at}.hardPodAffinityWeight`),
    make: (given) => createInterPodAffinity(given),
  },
  NodeAffinity: {
    shape: args('NodeAffinity', { addedAffinity: NODE_AFFINITY }),
    check({ addedAffinity }: { addedAffinity?: NodeAffinity }, at) {
      const { requiredDuringSchedulingIgnoredDuringExecution: needed, preferredDuringSchedulingIgnoredDuringExecution: preferred = [] } = addedAffinity ?? {}
      const here = `${at}.addedAffinity`
      return [
        ...(needed?.nodeSelectorTerms ?? []).flatMap((term, i) => termFindings(term, `${here}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${i}]`)),
        ...preferred.flatMap(({ preference }, i) => termFindings(preference ?? {}, `${here}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`)),
      ]
    },
    make: ({ addedAffinity }) => createNodeAffinity(completed(addedAffinity)),
  },
  NodeResourcesBalancedAllocation: {
    shape: args('NodeResourcesBalancedAllocation', { resources: RESOURCES }),
    check({ resources }: { resources?: ResourceSpec[] }, at) {
      const all = weighted(resources)
      return all.flatMap(({ name, weight }, i) => [
        ...all.findIndex((other) => other.name === name) < i ? [duplicate(`${at}.resources[${i}].name`, name)] : [],
        ...weight === 1 ? [] : [invalid(`${at}.resources[${i}].weight`, weight, 'must be 1')],
      ])
    },
    make: ({ resources }) => createNodeResourcesBalancedAllocation(weighted(resources).map(({ name }) => name)),
  },
  NodeResourcesFit: {
    shape: args('NodeResourcesFit', {
      ignoredResources: { list: 'string' }, ignoredResourceGroups: { list: 'string' },
      scoringStrategy: { struct: 'ScoringStrategy', fields: { type: 'string', resources: RESOURCES, requestedToCapacityRatio: { struct: 'RequestedToCapacityRatioParam', fields: { shape: SHAPE } } } },
    }),
    check: () => [],
    refuse({ ignoredResources = [], ignoredResourceGroups = [], scoringStrategy }) {
      const keys = (values: readonly string[], at: string, more: (value: string, at: string) => Finding[] = () => []) => values.flatMap((value, i) => [...more(value, `${at}[${i}]`), ...labelKeyProblems(value).map((problem) => invalid(`${at}[${i}]`, value, problem))])
      const { type = '', resources, requestedToCapacityRatio: ratio } = scoringStrategy ?? { type: 'LeastAllocated' }
      const isRatio = type === 'RequestedToCapacityRatio'
      return [
        ...keys(ignoredResources, 'ignoredResources'),
        ...keys(ignoredResourceGroups, 'ignoredResourceGroups', (value, at) => value.includes('/') ? [invalid(at, value, "resource group name can't contain '/'")] : []),
        ...STRATEGIES.includes(type) ? [] : [notSupported('scoringStrategy.type', type, STRATEGIES)],
        ...weighted(resources).flatMap(({ name, weight }, i) => weight > 0 && weight <= 100 ? [] : [invalid(`scoringStrategy.resources[${i}].weight`, weight, `resource weight of ${name} not in valid range (0, 100]`)]),
        ...!isRatio ? ratio ? [forbidden('scoringStrategy.requestedToCapacityRatio', 'must be nil when type is not RequestedToCapacityRatio')] : []
          : ratio ? shapeFindings(points(ratio.shape ?? []), 'scoringStrategy.requestedToCapacityRatio.shape') : [required('scoringStrategy.requestedToCapacityRatio', 'must be specified when type is RequestedToCapacityRatio')],
      ]
    },
    make({ ignoredResources, ignoredResourceGroups, scoringStrategy }) {
      const resources = weighted(scoringStrategy?.resources)
      const type = (scoringStrategy?.type ?? 'LeastAllocated') as ScoringStrategy['type']
      return createNodeResourcesFit({ ignoredResources, ignoredResourceGroups, scoring: type === 'RequestedToCapacityRatio' ? { type, resources, shape: points(scoringStrategy.requestedToCapacityRatio.shape) } : { type, resources } })
    },
  },
  PodTopologySpread: {
    shape: args('PodTopologySpread', { defaultConstraints: CONSTRAINTS, defaultingType: 'string' }),
    check({ defaultConstraints = [], defaultingType = 'System' }: { defaultConstraints?: Partial<TopologySpreadConstraint>[]; defaultingType?: string }, at) {
      const type = `${at}.defaultingType`
      return [
        ...!['System', 'List'].includes(defaultingType) ? [notSupported(type, defaultingType, ['System', 'List'])] : defaultingType === 'System' && defaultConstraints.length > 0 ? [invalid(type, defaultingType, 'when .defaultConstraints are not empty')] : [],
        ...defaultConstraints.flatMap(({ maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', labelSelector }, i) => {
          const here = `${at}.defaultConstraints[${i}]`
          return [
            ...maxSkew <= 0 ? [invalid(`${here}.maxSkew`, maxSkew, 'not in valid range (0, inf)')] : [],
            ...topologyKey === '' ? [required(`${here}.topologyKey`, 'can not be empty')] : labelKeyProblems(topologyKey).map((problem) => invalid(`${here}.topologyKey`, topologyKey, problem)),
            ...whenUnsatisfiable === '' ? [required(`${here}.whenUnsatisfiable`, 'can not be empty')] : ['DoNotSchedule', 'ScheduleAnyway'].includes(whenUnsatisfiable) ? [] : [notSupported(`${here}.whenUnsatisfiable`, whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway'])],
            ...labelSelector ? [forbidden(`${here}.labelSelector`, 'constraint must not define a selector, as they deduced for each pod')] : [],
            ...defaultConstraints.slice(0, i).some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable) ? [duplicate(here, `{${topologyKey}, ${whenUnsatisfiable}}`)] : [],
          ]
        }),
      ]
    },
    make: ({ defaultConstraints = [], defaultingType }) => createPodTopologySpread(defaultingType === 'List' ? defaultConstraints : undefined),
  },
  VolumeBinding: {
    shape: args('VolumeBinding', { bindTimeoutSeconds: 'int64', shape: SHAPE }),
    check: ({ bindTimeoutSeconds: seconds = 600, shape }, at) => [
      ...seconds < 0 ? [invalid(`${at}.bindTimeoutSeconds`, seconds, 'invalid BindTimeoutSeconds, should not be a negative value')] : [],
      ...shape ? [invalid(`${at}.shape`, points(shape).map(({ utilization, score }) => ({ Utilization: utilization, Score: score })), 'unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring')] : [],
    ],
    make: ({ bindTimeoutSeconds }) => createVolumeBinding(bindTimeoutSeconds === undefined ? undefined : bindTimeoutSeconds * 1000),
  },
}
