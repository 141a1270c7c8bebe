import { DEFAULT_SCHEDULER_NAME } from '../scheduler/scheduler.ts'
import type { Plugin } from '../scheduler/framework.ts'
import { defaultPlugins } from '../scheduler/plugins/default-plugins.ts'
import { mostAllocated } from '../scheduler/plugins/node-resources-fit.ts'
import { parseYaml } from '../kinds/yaml-text.ts'
import { LaunchError } from './component-flags.ts'
import type { ComponentFlags } from './component-flags.ts'
import { fileText, requireFiles } from './launch-files.ts'
import type { LaunchPlace } from './launch-files.ts'

// @k8s part: kube-scheduler flags: --config with the names, plugins, weights and scoring strategy (LeastAllocated, MostAllocated) of profiles, and the files that flags name; other flags, extenders and arguments of plugins are checked and change nothing

/** A scheduler of a name of its own. */
export interface SchedulerProfile {
  name: string
  plugins: readonly Plugin[]
}

interface PluginSet {
  enabled?: { name: string; weight?: number }[]
  disabled?: { name: string }[]
}

interface Configuration {
  apiVersion?: string
  kind?: string
  clientConnection?: { kubeconfig?: string }
  profiles?: { schedulerName?: string; plugins?: Record<string, PluginSet>; pluginConfig?: { name: string; args?: { scoringStrategy?: { type?: string } } }[] }[]
  [field: string]: unknown
}

const FIELDS = ['apiVersion', 'kind', 'parallelism', 'leaderElection', 'clientConnection', 'percentageOfNodesToScore', 'podInitialBackoffSeconds', 'podMaxBackoffSeconds', 'profiles', 'extenders', 'delayCacheUntilActive', 'enableProfiling', 'enableContentionProfiling', 'healthzBindAddress', 'metricsBindAddress']
/** What a plugin does at each point where plugins are asked. */
const POINTS: Readonly<Record<string, readonly string[]>> = {
  preEnqueue: ['preEnqueue'], queueSort: ['less'], preFilter: ['preFilter'], filter: ['filter'], postFilter: ['postFilter'], preScore: ['preScore'], score: ['score'], reserve: ['reserve', 'unreserve'], permit: ['permit'], preBind: ['preBind'], bind: ['bind'], postBind: ['postBind'],
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
  const profiles = configuration.profiles ?? [{}]
  const names = profiles.map(({ schedulerName = DEFAULT_SCHEDULER_NAME }) => schedulerName)
  const twice = names.findIndex((name, i) => names.indexOf(name) < i)
  if (twice >= 0) throw new LaunchError(`profiles[${twice}].schedulerName: Duplicate value: ${JSON.stringify(names[twice])}`)
  return profiles.map(({ plugins = {}, pluginConfig = [] }, i) => {
    const strategy = pluginConfig.find(({ name }) => name === 'NodeResourcesFit')?.args?.scoringStrategy?.type ?? 'LeastAllocated'
    if (!['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'].includes(strategy)) throw new LaunchError(`profiles[${i}].pluginConfig[0].scoringStrategy.type: Unsupported value: ${JSON.stringify(strategy)}: supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"`)
    if (strategy === 'RequestedToCapacityRatio') throw new LaunchError('drydock: scoring strategy RequestedToCapacityRatio is not supported')
    return { name: names[i]!, plugins: defaultPlugins.flatMap((plugin) => configured(strategy === 'MostAllocated' && plugin.name === 'NodeResourcesFit' ? mostAllocated : plugin, plugins)) }
  })
}

/** @throws LaunchError in the decoder's words */
function configurationOf(text: string): Configuration {
  let value: Configuration
  try {
    value = (parseYaml(text).value ?? {}) as Configuration
  } catch (error) {
    throw new LaunchError((error as Error).message)
  }
  if (!value.kind) throw new LaunchError(`couldn't get version/kind; json parse error: Object 'Kind' is missing`)
  if (value.apiVersion !== 'kubescheduler.config.k8s.io/v1' || value.kind !== 'KubeSchedulerConfiguration') throw new LaunchError(`no kind ${JSON.stringify(value.kind)} is registered for version ${JSON.stringify(value.apiVersion ?? '')} in scheme "pkg/scheduler/apis/config/scheme/scheme.go:30"`)
  const unknown = Object.keys(value).find((field) => !FIELDS.includes(field))
  if (unknown !== undefined) throw new LaunchError(`strict decoding error: unknown field ${JSON.stringify(unknown)}`)
  return value
}

/** A plugin as a profile leaves it: without what is disabled, with the weight that it is given; nothing where all of it is disabled. */
function configured(plugin: Plugin, sets: Readonly<Record<string, PluginSet>>): Plugin[] {
  const isOff = (set: PluginSet | undefined) => (set?.disabled?.some(({ name }) => name === plugin.name || name === '*') ?? false) && !set?.enabled?.some(({ name }) => name === plugin.name)
  if (isOff(sets['multiPoint'])) return []
  const changed: Record<string, unknown> = { ...plugin }
  for (const [point, methods] of Object.entries(POINTS)) if (isOff(sets[point])) for (const method of methods) delete changed[method]
  const weight = [sets['score'], sets['multiPoint']].flatMap((set) => set?.enabled ?? []).find(({ name }) => name === plugin.name)?.weight
  if (weight) changed['weight'] = weight
  return [changed as unknown as Plugin]
}
