import { DEFAULT_SCHEDULER_NAME } from '../scheduler/scheduler.ts'
import type { Plugin } from '../scheduler/framework.ts'
import { defaultPlugins } from '../scheduler/plugins/default-plugins.ts'
import { duplicate, invalid, required } from '../kinds/findings.ts'
import type { Finding } from '../kinds/findings.ts'
import { withoutNulls } from '../kinds/patch/strategic-merge-patch.ts'
import { parseYaml } from '../kinds/yaml-text.ts'
import { LaunchError } from './component-flags.ts'
import type { ComponentFlags } from './component-flags.ts'
import { decodeStrictly } from './config-shape.ts'
import type { Shape, StructShape } from './config-shape.ts'
import { fileText, requireFiles } from './launch-files.ts'
import type { LaunchPlace } from './launch-files.ts'
import { PLUGIN_ARGS } from './scheduler-plugin-args.ts'

// @k8s part: kube-scheduler flags: --config with profiles (names, plugins, weights, arguments of plugins), percentageOfNodesToScore and the backoff of pods, and the files that flags name; other flags, extenders, the order of plugins and filterTimeout of DynamicResources are checked and change nothing, and devices that stand for extended resources don't count in scoring strategies

/** A scheduler of a name of its own. */
export interface SchedulerProfile {
  name: string
  plugins: readonly Plugin[]
  percentageOfNodesToScore?: number
  initialBackoffMs?: number
  maxBackoffMs?: number
}

interface PluginSet {
  enabled?: { name?: string; weight?: number }[]
  disabled?: { name?: string }[]
}

interface Profile {
  schedulerName?: string
  percentageOfNodesToScore?: number
  plugins?: Record<string, PluginSet>
  pluginConfig?: { name?: string; args?: Record<string, unknown> }[]
}

interface Configuration {
  apiVersion?: string
  kind?: string
  parallelism?: number
  clientConnection?: { kubeconfig?: string }
  percentageOfNodesToScore?: number
  podInitialBackoffSeconds?: number
  podMaxBackoffSeconds?: number
  profiles?: Profile[]
  extenders?: { prioritizeVerb?: string; weight?: number; bindVerb?: string }[]
}

/** What a plugin does at each point where plugins are asked, in upstream's order, and what errors call it there. k8s: framework/runtime getExtensionPoints */
const POINTS: Readonly<Record<string, { methods: readonly string[]; type: string }>> = {
  preFilter: { methods: ['preFilter'], type: 'PreFilterPlugin' }, filter: { methods: ['filter'], type: 'FilterPlugin' }, postFilter: { methods: ['postFilter'], type: 'PostFilterPlugin' },
  reserve: { methods: ['reserve', 'unreserve'], type: 'ReservePlugin' }, preScore: { methods: ['preScore'], type: 'PreScorePlugin' }, score: { methods: ['score'], type: 'ScorePlugin' },
  preBind: { methods: ['preBind'], type: 'PreBindPlugin' }, bind: { methods: ['bind'], type: 'BindPlugin' }, postBind: { methods: ['postBind'], type: 'PostBindPlugin' }, permit: { methods: ['permit'], type: 'PermitPlugin' },
  preEnqueue: { methods: ['preEnqueue'], type: 'PreEnqueuePlugin' }, queueSort: { methods: ['less'], type: 'QueueSortPlugin' },
}

const PLUGIN_LIST: Shape = { list: { struct: 'Plugin', fields: { name: 'string', weight: 'int32' } } }
const PLUGIN_SET: Shape = { struct: 'PluginSet', fields: { enabled: PLUGIN_LIST, disabled: PLUGIN_LIST } }
const TLS: Shape = { struct: 'ExtenderTLSConfig', fields: { insecure: 'bool', serverName: 'string', certFile: 'string', keyFile: 'string', caFile: 'string', certData: 'string', keyData: 'string', caData: 'string' } }
const CONFIGURATION: StructShape = {
  struct: 'KubeSchedulerConfiguration', fields: {
    apiVersion: 'string', kind: 'string', parallelism: 'int32', percentageOfNodesToScore: 'int32', podInitialBackoffSeconds: 'int64', podMaxBackoffSeconds: 'int64', delayCacheUntilActive: 'bool', enableProfiling: 'bool', enableContentionProfiling: 'bool',
    leaderElection: { struct: 'LeaderElectionConfiguration', fields: { leaderElect: 'bool', leaseDuration: 'duration', renewDeadline: 'duration', retryPeriod: 'duration', resourceLock: 'string', resourceName: 'string', resourceNamespace: 'string' } },
    clientConnection: { struct: 'ClientConnectionConfiguration', fields: { kubeconfig: 'string', acceptContentTypes: 'string', contentType: 'string', qps: 'float32', burst: 'int32' } },
    profiles: {
      list: {
        struct: 'KubeSchedulerProfile', fields: {
          schedulerName: 'string', percentageOfNodesToScore: 'int32', pluginConfig: { list: { struct: 'PluginConfig', fields: { name: 'string', args: 'any' } } },
          plugins: { struct: 'Plugins', fields: { ...Object.fromEntries(Object.keys(POINTS).map((point) => [point, PLUGIN_SET])), multiPoint: PLUGIN_SET, placementGenerate: PLUGIN_SET, placementScore: PLUGIN_SET } },
        },
      },
    },
    extenders: {
      list: {
        struct: 'Extender', fields: {
          urlPrefix: 'string', filterVerb: 'string', preemptVerb: 'string', prioritizeVerb: 'string', weight: 'int64', bindVerb: 'string', enableHTTPS: 'bool', tlsConfig: TLS, httpTimeout: 'duration', nodeCacheCapable: 'bool', ignorable: 'bool',
          managedResources: { list: { struct: 'ExtenderManagedResource', fields: { name: 'string', ignoredByScheduler: 'bool' } } },
        },
      },
    },
  },
}

/** What kube-scheduler is told by its flags and its configuration. @throws LaunchError. k8s: cmd/kube-scheduler/app */
export function schedulerProfiles(flags: ComponentFlags, place: LaunchPlace): readonly SchedulerProfile[] {
  const file = flags.text('config')
  const configuration = file === undefined ? {} : configurationOf(fileText(place, file))
  for (const path of file === undefined ? flags.list('kubeconfig') : [configuration.clientConnection?.kubeconfig]) {
    // With a configuration the flag counts for nothing.
    if (!path) throw new LaunchError('invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable')
    if (!place.fs.exists(path)) throw new LaunchError(`stat ${path}: no such file or directory`)
  }
  requireFiles(place, flags, ['authentication-kubeconfig', 'authorization-kubeconfig', 'client-ca-file', 'requestheader-client-ca-file'])
  const { percentageOfNodesToScore, podInitialBackoffSeconds, podMaxBackoffSeconds } = configuration
  return profilesOf(configuration).map((profile) => {
    const name = profile.schedulerName!
    const percentage = profile.percentageOfNodesToScore ?? percentageOfNodesToScore
    return {
      name, plugins: pluginsOf(profile, (why) => new LaunchError(`initializing profiles: creating profile for scheduler name ${name}: ${why}`)), ...(percentage === undefined ? {} : { percentageOfNodesToScore: percentage }),
      ...(podInitialBackoffSeconds === undefined ? {} : { initialBackoffMs: podInitialBackoffSeconds * 1000 }), ...(podMaxBackoffSeconds === undefined ? {} : { maxBackoffMs: podMaxBackoffSeconds * 1000 }),
    }
  })
}

/** The profiles, of which a single one needn't say its name. */
function profilesOf({ profiles }: Configuration): Profile[] {
  const all = profiles?.length ? profiles : [{}]
  return all.length === 1 && all[0]!.schedulerName === undefined ? [{ ...all[0], schedulerName: DEFAULT_SCHEDULER_NAME }] : all
}

/** @throws LaunchError in the decoder's or the validation's words */
function configurationOf(text: string): Configuration {
  let value: Configuration
  try {
    value = (parseYaml(text).value ?? {}) as Configuration
  } catch (error) {
    throw new LaunchError((error as Error).message)
  }
  if (!value.kind) throw new LaunchError(`couldn't get version/kind; json parse error: Object 'Kind' is missing`)
  if (value.apiVersion !== 'kubescheduler.config.k8s.io/v1' || value.kind !== 'KubeSchedulerConfiguration') throw new LaunchError(`no kind ${JSON.stringify(value.kind)} is registered for version ${JSON.stringify(value.apiVersion ?? '')} in scheme "pkg/scheduler/apis/config/scheme/scheme.go:30"`)
  const strict = decodeStrictly(value, CONFIGURATION)
  value.profiles?.forEach(({ pluginConfig }, i) => pluginConfig?.forEach(({ name = '', args }, j) => strict.push(...argsProblems(name, args, `decoding .profiles[${i}].pluginConfig[${j}]`))))
  if (strict.length > 0) throw new LaunchError(`strict decoding error: ${strict.join(', ')}`)
  // To Go null is what isn't said.
  value = withoutNulls(value) as Configuration
  const findings = findingsOf(value).map(({ message }) => message)
  if (findings.length > 0) throw new LaunchError(findings.length === 1 ? findings[0]! : `[${findings.join(', ')}]`)
  return value
}

/** Fields that a plugin's arguments haven't got. @throws LaunchError where they are of wrong types. k8s: apis/config/v1 PluginConfig.decodeNestedObjects */
function argsProblems(name: string, args: Record<string, unknown> | undefined, where: string): string[] {
  const known = PLUGIN_ARGS[name]
  if (!known || !args) return []
  const decoding = `decoding args for plugin ${name}`
  const { apiVersion = 'kubescheduler.config.k8s.io/v1', kind = known.shape.struct } = args as { apiVersion?: string; kind?: string }
  if (apiVersion !== 'kubescheduler.config.k8s.io/v1') throw new LaunchError(`${where}: ${decoding}: no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`)
  if (kind !== known.shape.struct) throw new LaunchError(`${where}: args for plugin ${name} were not of type ${known.shape.struct}.kubescheduler.config.k8s.io, got ${kind}.kubescheduler.config.k8s.io`)
  let unknown: string[]
  try {
    unknown = decodeStrictly(args, known.shape)
  } catch (error) {
    if (error instanceof LaunchError) throw new LaunchError(`${where}: ${decoding}: ${error.message}`)
    throw error
  }
  return unknown.length > 0 ? [`${where}: strict decoding error: ${decoding}: strict decoding error: ${unknown.join(', ')}`] : []
}

/** k8s: apis/config/validation ValidateKubeSchedulerConfiguration */
function findingsOf(configuration: Configuration): Finding[] {
  const { parallelism = 16, percentageOfNodesToScore, podInitialBackoffSeconds: initial = 1, podMaxBackoffSeconds: max = 10, extenders = [] } = configuration
  const profiles = profilesOf(configuration)
  const percentage = (value: number | undefined, at: string) => value !== undefined && (value < 0 || value > 100) ? [invalid(at, value, 'not in valid range [0-100]')] : []
  const firstOrder = profiles[0]!.plugins?.['queueSort']
  const sets = ({ enabled = [], disabled = [] }: PluginSet = {}) => JSON.stringify([enabled, disabled])
  return [
    ...parallelism <= 0 ? [invalid('parallelism', parallelism, 'should be an integer value greater than zero')] : [],
    ...profiles.flatMap((profile, i) => {
      const at = `profiles[${i}]`
      const pluginConfig = profile.pluginConfig ?? []
      return [
        ...profile.schedulerName ? [] : [required(`${at}.schedulerName`)],
        ...percentage(profile.percentageOfNodesToScore, `${at}.percentageOfNodesToScore`),
        ...pluginConfig.flatMap(({ name = '', args = {} }, j) => [
          ...pluginConfig.findIndex((other) => other.name === name) < j ? [duplicate(`${at}.pluginConfig[${j}]`, name)] : [],
          ...PLUGIN_ARGS[name]?.check(args, `${at}.pluginConfig[${j}].args`) ?? [],
        ]),
        // Upstream tells of a path, which shows as nothing.
        ...profiles.findIndex((other) => other.schedulerName === profile.schedulerName) < i ? [duplicate(`${at}.schedulerName`, {})] : [],
      ]
    }),
    ...profiles.flatMap(({ plugins }, i) => i > 0 && sets(plugins?.['queueSort']) !== sets(firstOrder) ? [invalid(`profiles[${i}].plugins.queueSort`, { Enabled: plugins?.['queueSort']?.enabled ?? null, Disabled: plugins?.['queueSort']?.disabled ?? null }, 'must be the same for all profiles')] : []),
    ...percentage(percentageOfNodesToScore, 'percentageOfNodesToScore'),
    ...initial <= 0 ? [invalid('podInitialBackoffSeconds', initial, 'must be greater than 0')] : [],
    ...max < initial ? [invalid('podMaxBackoffSeconds', max, 'must be greater than or equal to PodInitialBackoffSeconds')] : [],
    ...extenders.flatMap(({ prioritizeVerb, weight = 0 }, i) => prioritizeVerb && weight <= 0 ? [invalid(`extenders[${i}].weight`, weight, 'must have a positive weight applied to it')] : []),
  ]
}

/** The plugins that a profile has, with the weights and arguments that it gives them. @throws what `fail` makes. k8s: framework/runtime NewFramework */
function pluginsOf({ plugins: sets = {}, pluginConfig = [], schedulerName }: Profile, fail: (why: string) => Error): Plugin[] {
  const made = new Map<string, Plugin>(defaultPlugins.map((plugin) => [plugin.name, plugin]))
  for (const { name = '', args = {} } of pluginConfig) {
    const known = PLUGIN_ARGS[name]
    if (!known) continue
    const refused = known.refuse?.(args).map(({ message }) => message) ?? []
    if (refused.length > 0) throw fail(`initializing plugin ${JSON.stringify(name)}: ${refused.length === 1 ? refused[0] : `[${refused.join(', ')}]`}`)
    made.set(name, known.make(args))
  }
  const hasMethod = (plugin: Plugin, point: string) => POINTS[point]!.methods[0]! in plugin
  for (const [point, { type }] of Object.entries(POINTS)) {
    const seen = new Set<string>()
    for (const { name = '' } of sets[point]?.enabled ?? []) {
      const plugin = made.get(name)
      if (!plugin) throw fail(`${type} ${JSON.stringify(name)} does not exist`)
      if (!hasMethod(plugin, point)) throw fail(`plugin ${JSON.stringify(name)} does not extend ${type} plugin`)
      if (seen.has(name)) throw fail(`plugin ${JSON.stringify(name)} already registered as ${JSON.stringify(type)}`)
      seen.add(name)
    }
  }
  const everywhere = new Set<string>()
  for (const { name = '' } of sets['multiPoint']?.enabled ?? []) {
    const plugin = made.get(name)
    if (!plugin) throw fail(`PreFilterPlugin ${JSON.stringify(name)} does not exist`)
    const twice = everywhere.has(name) ? Object.keys(POINTS).find((point) => hasMethod(plugin, point)) : undefined
    if (twice) throw fail(`plugin ${JSON.stringify(name)} already registered as ${JSON.stringify(POINTS[twice]!.type)}`)
    everywhere.add(name)
  }
  const configured = [...made.values()].flatMap((plugin) => configuredPlugin(plugin, sets))
  const count = (method: string) => configured.filter((plugin) => method in plugin).length
  if (configured.some(({ weight = 1 }) => weight < 0)) throw fail('score plugins: total score of Score plugins could overflow')
  if (count('less') !== 1) throw fail(`only one queue sort plugin required for profile with scheduler name ${JSON.stringify(schedulerName)}, but got ${count('less')}`)
  if (count('bind') === 0) throw fail(`at least one bind plugin is needed for profile with scheduler name ${JSON.stringify(schedulerName)}`)
  return configured
}

/** A plugin as a profile leaves it: without what is disabled, with the weight that it is given; nothing where all of it is disabled. */
function configuredPlugin(plugin: Plugin, sets: Readonly<Record<string, PluginSet>>): Plugin[] {
  const names = (list: { name?: string }[] | undefined) => list?.some(({ name }) => name === plugin.name) ?? false
  const isOff = (set: PluginSet | undefined) => (names(set?.disabled) || (set?.disabled?.some(({ name }) => name === '*') ?? false)) && !names(set?.enabled)
  const isOffEverywhere = isOff(sets['multiPoint'])
  const changed: Record<string, unknown> = { ...plugin }
  for (const [point, { methods }] of Object.entries(POINTS)) {
    const set = sets[point]
    if (isOff(set) || (isOffEverywhere && !names(set?.enabled))) for (const method of methods) delete changed[method]
  }
  if (!Object.values(POINTS).some(({ methods }) => methods[0]! in changed)) return []
  // Whoever names a plugin without a weight gives it 1.
  const named = [sets['score'], sets['multiPoint']].flatMap((set) => set?.enabled ?? []).find(({ name }) => name === plugin.name)
  if (named && 'weight' in plugin) changed['weight'] = named.weight || 1
  return [changed as unknown as Plugin]
}
