import { expect, test } from 'vitest'
import type { Pod } from '../kinds/generated/types.ts'
import type { KubeObject } from '../kinds/object.ts'
import { startTestControlPlane } from '../controllers/test-control-plane.ts'
import type { FileSystem } from '../../unix/types.ts'
import { ComponentFlags } from './component-flags.ts'
import { schedulerProfiles } from './scheduler-flags.ts'

const HEAD = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nclientConnection: {kubeconfig: /k}\n'

function profilesOf(text: string) {
  const fs = { exists: () => true, readText: () => HEAD + text } as unknown as FileSystem
  return schedulerProfiles(new ComponentFlags('kube-scheduler', ['kube-scheduler', '--config=/c']), { fs, print: () => {} })
}
const refusal = (text: string) => {
  try {
    profilesOf(text)
  } catch (error) {
    return (error as Error).message
  }
  return undefined
}
const withArgs = (name: string, args: string) => `profiles: [{pluginConfig: [{name: ${name}, args: ${args}}]}]`
const creating = 'initializing profiles: creating profile for scheduler name default-scheduler: '

// As kube-scheduler v1.36.3 says it.
test.each([
  ['foo: 1', 'strict decoding error: unknown field "foo"'],
  ['podInitialBackoffSeconds: x', 'json: cannot unmarshal string into Go struct field KubeSchedulerConfiguration.podInitialBackoffSeconds of type int64'],
  ['profiles: [{percentageOfNodesToScore: x}]', 'json: cannot unmarshal string into Go struct field KubeSchedulerProfile.profiles.percentageOfNodesToScore of type int32'],
  ['profiles: [{foo: 1, bar: 2, pluginConfig: [{name: NodeResourcesFit, args: {a: 1}}]}]', 'strict decoding error: unknown field "profiles[0].bar", unknown field "profiles[0].foo", decoding .profiles[0].pluginConfig[0]: strict decoding error: decoding args for plugin NodeResourcesFit: strict decoding error: unknown field "a"'],
  [withArgs('InterPodAffinity', '{hardPodAffinityWeight: "x"}'), 'decoding .profiles[0].pluginConfig[0]: decoding args for plugin InterPodAffinity: json: cannot unmarshal string into Go struct field InterPodAffinityArgs.hardPodAffinityWeight of type int32'],
  [withArgs('InterPodAffinity', '{apiVersion: kubescheduler.config.k8s.io/v1beta3, kind: InterPodAffinityArgs}'), 'decoding .profiles[0].pluginConfig[0]: decoding args for plugin InterPodAffinity: no kind "InterPodAffinityArgs" is registered for version "kubescheduler.config.k8s.io/v1beta3" in scheme "pkg/runtime/scheme.go:111"'],
  [withArgs('InterPodAffinity', '{kind: NodeAffinityArgs}'), 'decoding .profiles[0].pluginConfig[0]: args for plugin InterPodAffinity were not of type InterPodAffinityArgs.kubescheduler.config.k8s.io, got NodeAffinityArgs.kubescheduler.config.k8s.io'],
  [withArgs('NodeResourcesFit', '{scoringStrategy: {resources: [{name: cpu, weight: x}]}}'), 'decoding .profiles[0].pluginConfig[0]: decoding args for plugin NodeResourcesFit: json: cannot unmarshal string into Go struct field ResourceSpec.scoringStrategy.resources.weight of type int64'],
  [withArgs('DynamicResources', '{filterTimeout: abc}'), 'decoding .profiles[0].pluginConfig[0]: decoding args for plugin DynamicResources: time: invalid duration "abc"'],
  [withArgs('DynamicResources', '{filterTimeout: -1s, bindingTimeout: 0s}'), '[profiles[0].pluginConfig[0].args.filterTimeout: Invalid value: "-1s": must be zero or positive, profiles[0].pluginConfig[0].args.bindingTimeout: Invalid value: "0s": must be at least 1 second]'],
  [withArgs('NodeResourcesFit', '{ignoredResources: ["a b"], scoringStrategy: {type: Foo, resources: [{name: cpu, weight: 200}]}}'), `${creating}initializing plugin "NodeResourcesFit": [ignoredResources[0]: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'), scoringStrategy.type: Unsupported value: "Foo": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio", scoringStrategy.resources[0].weight: Invalid value: 200: resource weight of cpu not in valid range (0, 100]]`],
  [withArgs('NodeResourcesFit', '{scoringStrategy: {type: RequestedToCapacityRatio}}'), `${creating}initializing plugin "NodeResourcesFit": scoringStrategy.requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio`],
  [withArgs('NodeResourcesFit', '{scoringStrategy: {type: RequestedToCapacityRatio, requestedToCapacityRatio: {shape: [{utilization: 0, score: 11}, {utilization: 0, score: 5}]}}}'), `${creating}initializing plugin "NodeResourcesFit": [scoringStrategy.requestedToCapacityRatio.shape[1].utilization: Invalid value: 0: values must be sorted in increasing order, scoringStrategy.requestedToCapacityRatio.shape[0].score: Invalid value: 11: not in valid range [0, 10]]`],
  [withArgs('NodeResourcesBalancedAllocation', '{resources: [{name: cpu, weight: 2}, {name: cpu, weight: 1}]}'), '[profiles[0].pluginConfig[0].args.resources[0].weight: Invalid value: 2: must be 1, profiles[0].pluginConfig[0].args.resources[1].name: Duplicate value: "cpu"]'],
  [withArgs('DefaultPreemption', '{minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0}'), '[profiles[0].pluginConfig[0].args.minCandidateNodesPercentage: Invalid value: 0: cannot be zero at the same time as minCandidateNodesAbsolute, profiles[0].pluginConfig[0].args.minCandidateNodesAbsolute: Invalid value: 0: cannot be zero at the same time as minCandidateNodesPercentage]'],
  [withArgs('PodTopologySpread', '{defaultConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule}]}'), 'profiles[0].pluginConfig[0].args.defaultingType: Invalid value: "System": when .defaultConstraints are not empty'],
  [withArgs('VolumeBinding', '{bindTimeoutSeconds: -1, shape: [{utilization: 0, score: 1}]}'), '[profiles[0].pluginConfig[0].args.bindTimeoutSeconds: Invalid value: -1: invalid BindTimeoutSeconds, should not be a negative value, profiles[0].pluginConfig[0].args.shape: Invalid value: [{"Utilization":0,"Score":1}]: unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring]'],
  [withArgs('NodeAffinity', '{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Is}]}]}, preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: [{key: a, operator: Lt, values: [x]}]}}]}}'), '[profiles[0].pluginConfig[0].args.addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator: Unsupported value: "Is": supported values: "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", profiles[0].pluginConfig[0].args.addedAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].matchExpressions[0].values[0]: Invalid value: "x": for \'Gt\', \'Lt\' operators, the value must be an integer]'],
  ['profiles: [{schedulerName: a}, {}]', 'profiles[1].schedulerName: Required value'],
  ['profiles: [{schedulerName: a}, {schedulerName: a}]', 'profiles[1].schedulerName: Duplicate value: {}'],
  ['profiles: [{schedulerName: a, plugins: {queueSort: {disabled: [{name: "*"}]}}}, {schedulerName: b}]', 'profiles[1].plugins.queueSort: Invalid value: {"Enabled":null,"Disabled":null}: must be the same for all profiles'],
  ['parallelism: 0\npercentageOfNodesToScore: 120\npodInitialBackoffSeconds: 0\npodMaxBackoffSeconds: -1', '[parallelism: Invalid value: 0: should be an integer value greater than zero, percentageOfNodesToScore: Invalid value: 120: not in valid range [0-100], podInitialBackoffSeconds: Invalid value: 0: must be greater than 0, podMaxBackoffSeconds: Invalid value: -1: must be greater than or equal to PodInitialBackoffSeconds]'],
  ['extenders: [{urlPrefix: "http://x", prioritizeVerb: p}]', 'extenders[0].weight: Invalid value: 0: must have a positive weight applied to it'],
  ['extenders: [{urlPrefix: "http://x", filterVerb: p, foo: 1}]', 'strict decoding error: unknown field "extenders[0].foo"'],
  ['profiles: [{plugins: {foo: {disabled: [{name: "*"}]}}}]', 'strict decoding error: unknown field "profiles[0].plugins.foo"'],
  ['profiles: [{plugins: {score: {enabled: [{name: Nope}]}}}]', `${creating}ScorePlugin "Nope" does not exist`],
  ['profiles: [{plugins: {multiPoint: {enabled: [{name: Nope}]}}}]', `${creating}PreFilterPlugin "Nope" does not exist`],
  ['profiles: [{plugins: {multiPoint: {enabled: [{name: NodeName}, {name: NodeName}]}}}]', `${creating}plugin "NodeName" already registered as "FilterPlugin"`],
  ['profiles: [{plugins: {filter: {enabled: [{name: ImageLocality}]}}}]', `${creating}plugin "ImageLocality" does not extend FilterPlugin plugin`],
  ['profiles: [{plugins: {queueSort: {disabled: [{name: "*"}]}}}]', `${creating}only one queue sort plugin required for profile with scheduler name "default-scheduler", but got 0`],
  ['profiles: [{plugins: {bind: {disabled: [{name: "*"}]}}}]', `${creating}at least one bind plugin is needed for profile with scheduler name "default-scheduler"`],
  ['profiles: [{plugins: {multiPoint: {disabled: [{name: "*"}]}, queueSort: {enabled: [{name: PrioritySort}]}, bind: {enabled: [{name: DefaultBinder}]}}}]', undefined],
  [withArgs('NodeName', '{a: 1}'), undefined],
  ['profiles: []', undefined],
  ['profiles: [{plugins: null, pluginConfig: null}]\nextenders: null', undefined],
  [withArgs('PodTopologySpread', '{defaultConstraints: null}'), undefined],
  [withArgs('NodeAffinity', '{addedAffinity: null}'), undefined],
])('the configuration %s', (text, message) => expect(refusal(text)).toBe(message))

test('settings reach the profiles: of several percentages the nearest counts, and who is enabled without a weight has 1', () => {
  const [first, second] = profilesOf('percentageOfNodesToScore: 70\npodInitialBackoffSeconds: 2\npodMaxBackoffSeconds: 4\nprofiles: [{schedulerName: a, percentageOfNodesToScore: 30}, {schedulerName: b, plugins: {score: {enabled: [{name: TaintToleration}, {name: ImageLocality, weight: 7}]}}}]')
  expect([first, second].map(({ name, percentageOfNodesToScore, initialBackoffMs, maxBackoffMs }: any) => [name, percentageOfNodesToScore, initialBackoffMs, maxBackoffMs])).toEqual([['a', 30, 2000, 4000], ['b', 70, 2000, 4000]])
  expect(['TaintToleration', 'ImageLocality', 'NodeAffinity'].map((name) => second!.plugins.find((plugin) => plugin.name === name)!.weight)).toEqual([1, 7, 2])
})

/** Where a pod goes, or why it goes nowhere, with a configuration. */
async function placed(text: string, { nodes, pods = [], pod = {} }: { nodes: Record<string, { labels?: Record<string, string>; allocatable?: Record<string, string> }>; pods?: { node: string; requests?: object; labels?: Record<string, string> }[]; pod?: Partial<Pod['spec']> & { requests?: object; labels?: Record<string, string> } }): Promise<string> {
  const plane = await startTestControlPlane({ scheduler: profilesOf(text)[0]! })
  try {
    for (const [name, { labels = {}, allocatable = {} }] of Object.entries(nodes)) await plane.addNode(name, { labels: { 'kubernetes.io/hostname': name, ...labels }, allocatable: { cpu: '10', memory: '10Gi', pods: '110', ...allocatable } })
    const make = (name: string, { requests = {}, labels, ...spec }: Partial<Pod['spec']> & { requests?: object; labels?: Record<string, string> }) => plane.api.create<Pod>('pods', {
      apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', ...(labels ? { labels } : {}) }, spec: { containers: [{ name: 'c', image: 'i', resources: { requests, limits: requests } }], ...spec },
    } as unknown as Pod)
    for (const [i, { node, requests, labels }] of pods.entries()) await make(`other-${i}`, { nodeName: node, ...(requests ? { requests } : {}), ...(labels ? { labels } : {}) })
    await plane.api.create('services', { apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: 'default' }, spec: { selector: { app: 'x' }, ports: [{ port: 80 }] } } as unknown as KubeObject)
    await plane.clock.settle()
    await make('p', pod)
    await plane.clock.advance(2_000)
    const { spec, status } = await plane.api.get<Pod>('pods', 'p', 'default')
    return spec.nodeName ?? status!.conditions!.find(({ type }) => type === 'PodScheduled')!.message!.split('. ')[0]!
  } finally {
    await plane.stop()
  }
}

test('arguments of plugins decide where pods go', async () => {
  const fit = (args: string) => withArgs('NodeResourcesFit', args)
  const half = { nodes: { full: {}, empty: {} }, pods: [{ node: 'full', requests: { cpu: '5', memory: '5Gi' } }], pod: { requests: { cpu: '1', memory: '1Gi' } } }
  expect(await placed('', half)).toBe('empty')
  expect(await placed(fit('{scoringStrategy: {type: MostAllocated}}'), half)).toBe('full')
  expect(await placed(fit('{scoringStrategy: {type: RequestedToCapacityRatio, requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]}}}'), half)).toBe('full')
  // Devices of an extended resource are packed, whatever CPU says.
  const gpus = { nodes: { one: { allocatable: { 'example.com/gpu': '4' } }, two: { allocatable: { 'example.com/gpu': '4' } } }, pods: [{ node: 'one', requests: { 'example.com/gpu': '1' } }, { node: 'two', requests: { cpu: '1', memory: '1Gi' } }], pod: { requests: { 'example.com/gpu': '1' } } }
  expect(await placed(fit('{scoringStrategy: {type: MostAllocated, resources: [{name: example.com/gpu, weight: 3}]}}'), gpus)).toBe('one')
  const lacking = { nodes: { one: {} }, pod: { requests: { 'example.com/gpu': '1' } } }
  expect(await placed('', lacking)).toBe('0/1 nodes are available: 1 Insufficient example.com/gpu')
  expect(await placed(fit('{ignoredResourceGroups: [example.com]}'), lacking)).toBe('one')
  const labelled = { nodes: { a: { labels: { pool: 'a' } }, b: { labels: { pool: 'b' } } } }
  const pool = (name: string) => `{nodeSelectorTerms: [{matchExpressions: [{key: pool, operator: In, values: [${name}]}]}]}`
  expect(await placed(withArgs('NodeAffinity', `{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: ${pool('b')}}}`), labelled)).toBe('b')
  expect(await placed(withArgs('NodeAffinity', `{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: ${pool('c')}}}`), labelled)).toBe("0/2 nodes are available: 2 node(s) didn't match scheduler-enforced node affinity")
  // What needn't be said may be left out: no term is no node, and no preference prefers none.
  expect(await placed(withArgs('NodeAffinity', '{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {}}}'), labelled)).toBe("0/2 nodes are available: 2 node(s) didn't match scheduler-enforced node affinity")
  expect(await placed(withArgs('NodeAffinity', `{addedAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1}, {weight: 2, preference: ${pool('b').slice('{nodeSelectorTerms: ['.length, -2)}}]}}`), labelled)).toBe('b')
  const spread = { nodes: { a: { labels: { rack: 'r1' } }, b: { labels: { rack: 'r1' } } }, pods: [{ node: 'a', labels: { app: 'x' } }], pod: { labels: { app: 'x' } } }
  const racks = (key: string) => withArgs('PodTopologySpread', `{defaultingType: List, defaultConstraints: [{maxSkew: 1, topologyKey: ${key}, whenUnsatisfiable: DoNotSchedule}]}`)
  expect(await placed(racks('kubernetes.io/hostname'), spread)).toBe('b')
  expect(await placed(racks('row'), spread)).toBe("0/2 nodes are available: 2 node(s) didn't match pod topology spread constraints (missing required label)")
})
