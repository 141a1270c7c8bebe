import type { Controller, ControllerContext } from '../client/controller-runner.ts'
import type { Job, Secret } from '../kinds/generated/types.ts'
import type { KubeObject } from '../kinds/object.ts'
import { isStatusError } from '../kinds/status-error.ts'
import { HELM_CHARTS, HELM_CHART_CONFIGS, chartSource } from './helm-chart.ts'
import type { HelmChart, HelmChartConfig } from './helm-chart.ts'
import { CHART_LABEL, CONFIG_HASH, helmJob } from './helm-job.ts'
import type { HelmJob } from './helm-job.ts'
import type { KindRef, ObjectSets, SetOwner } from './object-sets.ts'

const JOBS = 'jobs.batch'
const MANAGER = 'helm-controller'
const MANAGED_BY = 'helmcharts.cattle.io/managed-by'
const UNMANAGED = 'helmcharts.helm.cattle.io/unmanaged'
const FINALIZER = 'wrangler.cattle.io/on-helm-chart-remove'
/** The sets of a chart that is to be there, and of one that is to go. */
const INSTALL_SET = `${MANAGER}-chart-registration`
const REMOVE_SET = 'helm-chart-registration'
const KINDS: readonly KindRef[] = [{ apiVersion: 'batch/v1', kind: 'Job' }, ...['Secret', 'ConfigMap', 'ServiceAccount'].map((kind) => ({ apiVersion: 'v1', kind })), { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding' }]

/**
 * Installs, upgrades and removes charts by jobs. k3s: helm-controller pkg/controllers/chart
 * @param apiPort where the API server listens on its node
 */
// @k8s part: k3s' Helm controller: as in its release 0.17.0, with Helm 3; charts come from repositories that pods can reach, or from chartContent
export function helmController(sets: ObjectSets, apiPort: number): Controller {
  return {
    name: MANAGER, for: HELM_CHARTS, reads: [HELM_CHART_CONFIGS],
    watches: [
      { resource: HELM_CHART_CONFIGS, keys: ({ object }) => [`${object.metadata.namespace}/${object.metadata.name}`] },
      { resource: JOBS, keys: ({ object }: { object: Job }) => { const chart = object.metadata.labels?.[CHART_LABEL]; return chart ? [`${object.metadata.namespace}/${chart}`] : [] } },
      { resource: 'secrets', keys: ({ object }: { object: Secret }, { cache }) => cache.list<HelmChart>(HELM_CHARTS, object.metadata.namespace).filter((chart) => secretsOf(chart, configOf(chart, cache)).includes(object.metadata.name!)).map(({ metadata: { name, namespace } }) => `${namespace}/${name}`) },
    ],
    async reconcile(key, context) {
      const [namespace = '', name = ''] = key.split('/')
      const owner: SetOwner = { apiVersion: 'helm.cattle.io/v1', kind: 'HelmChart', namespace, name }
      const chart = context.cache.get<HelmChart>(HELM_CHARTS, key)
      if (!chart) {
        if (context.cache.list<Job>(JOBS, namespace).some(({ metadata }) => metadata.labels?.[CHART_LABEL] === name)) await sets.apply(owner, INSTALL_SET, [], KINDS)
        return
      }
      if (!await isManaged(chart, context)) return
      if (chart.metadata.deletionTimestamp === undefined) await install(chart, owner, context, sets, apiPort)
      else await remove(chart, owner, context, sets, apiPort)
    },
  }
}

/** Whether a chart is this controller's; one that is nobody's becomes its own, and comes again. */
async function isManaged({ spec, metadata }: HelmChart, { api }: ControllerContext): Promise<boolean> {
  const { name, namespace, annotations = {}, finalizers = [], deletionTimestamp } = metadata
  if ((!spec?.chart && !spec?.chartContent) || annotations[UNMANAGED] !== undefined) return false
  if (annotations[MANAGED_BY] !== undefined && annotations[MANAGED_BY] !== MANAGER) return false
  const isClaimed = annotations[MANAGED_BY] === MANAGER && (finalizers.includes(FINALIZER) || deletionTimestamp !== undefined)
  if (!isClaimed) await api.patch(HELM_CHARTS, name!, namespace, 'application/merge-patch+json', { metadata: { annotations: { [MANAGED_BY]: MANAGER }, ...deletionTimestamp === undefined ? { finalizers: [...new Set([...finalizers, FINALIZER])] } : {} } })
  return isClaimed
}

async function install(chart: HelmChart, owner: SetOwner, context: ControllerContext, sets: ObjectSets, apiPort: number): Promise<void> {
  const { events } = context
  const { helmVersion = '' } = chart.spec
  if (helmVersion !== '' && helmVersion !== 'v3') {
    events.event(chart, 'Warning', 'UnsupportedVersion', `Unsupported Helm version ${helmVersion}: only v3 charts are supported`)
    return updateStatus(chart, context, { conditions: [{ type: 'JobCreated', status: 'False' }, { type: 'Failed', status: 'True', reason: 'Unsupported version', message: 'Only Helm v3 charts are supported' }] })
  }
  const wanted = await jobOf(chart, context, apiPort)
  const { namespace, name } = wanted.job.metadata
  const present = context.cache.get<Job>(JOBS, `${namespace}/${name}`)
  if (present && hashOf(present) === hashOf(wanted.job)) return
  if (present && !await isOutOfTheWay(present, context)) return
  const hash = hashOf(wanted.job)
  events.event(chart, 'Normal', 'ApplyJob', `Applying HelmChart from ${chartSource(chart)} using Job ${namespace}/${name} `, { [CONFIG_HASH]: hash ?? '' })
  await sets.apply(owner, INSTALL_SET, [...wanted.others, wanted.job], KINDS)
  await updateStatus(chart, context, { jobName: name!, conditions: [{ type: 'JobCreated', status: 'True', reason: 'Job created', message: `Applying HelmChart using Job ${namespace}/${name}` }, { type: 'Failed', status: 'False' }] })
}

async function remove(chart: HelmChart, owner: SetOwner, context: ControllerContext, sets: ObjectSets, apiPort: number): Promise<void> {
  const { api, cache, events } = context
  const { finalizers = [], name: chartName, namespace } = chart.metadata
  if (!finalizers.includes(FINALIZER)) return
  const { helmVersion = '' } = chart.spec
  if (helmVersion === '' || helmVersion === 'v3') {
    const wanted = await jobOf(chart, context, apiPort)
    const { name } = wanted.job.metadata
    const present = cache.get<Job>(JOBS, `${namespace}/${name}`)
    if (!present) {
      await sets.apply(owner, REMOVE_SET, [...wanted.others, wanted.job])
      return updateStatus(chart, context, { ...chart.status, jobName: name! })
    }
    // Its job's next change leads here again.
    if (!present.status?.succeeded) return
    events.event(chart, 'Normal', 'RemoveJob', `Uninstalled HelmChart using Job ${namespace}/${name}, removing resources`)
    await sets.apply(owner, REMOVE_SET, [], KINDS)
  }
  await api.patch(HELM_CHARTS, chartName!, namespace, 'application/merge-patch+json', { metadata: { finalizers: finalizers.filter((each) => each !== FINALIZER) } })
}

/** A job's template can't change: one of before is deleted, and another takes its place once it is gone. */
async function isOutOfTheWay({ metadata: { name, namespace, deletionTimestamp } }: Job, { api }: ControllerContext): Promise<boolean> {
  if (deletionTimestamp === undefined) await api.delete(JOBS, name!, namespace, { propagationPolicy: 'Foreground' })
  return false
}

async function jobOf(chart: HelmChart, context: ControllerContext, apiPort: number): Promise<HelmJob> {
  const { cache } = context
  const { name, namespace } = chart.metadata
  const config = configOf(chart, cache)
  const referenced = secretsOf(chart, config).flatMap((each) => cache.get<KubeObject>('secrets', `${namespace}/${each}`) ?? [])
  const releases = cache.list<Secret>('secrets', chart.spec.targetNamespace || undefined).filter(({ type, metadata: { labels } }) => type === 'helm.sh/release.v1' && labels?.['owner'] === 'helm' && labels['name'] === name)
  return helmJob(chart, config, referenced, apiPort, Math.max(0, ...releases.map(({ metadata }) => Number(metadata.labels?.['version']) || 0)))
}

function configOf({ metadata: { name, namespace } }: HelmChart, cache: ControllerContext['cache']): HelmChartConfig | undefined {
  return cache.get<HelmChartConfig>(HELM_CHART_CONFIGS, `${namespace}/${name}`)
}

/** Secrets with values whose changes are followed. */
function secretsOf({ spec, metadata }: HelmChart, config: HelmChartConfig | undefined): string[] {
  return [...spec?.valuesSecrets ?? [], ...config?.spec?.valuesSecrets ?? []].flatMap(({ name, ignoreUpdates }) => name && !ignoreUpdates && name !== `chart-values-${metadata.name}` ? [name] : [])
}

const hashOf = (job: KubeObject): string | undefined => job['spec']?.template?.metadata?.annotations?.[CONFIG_HASH]

async function updateStatus(chart: HelmChart, { api }: ControllerContext, status: NonNullable<HelmChart['status']>): Promise<void> {
  if (JSON.stringify(chart.status) === JSON.stringify(status)) return
  const { name, namespace } = chart.metadata
  await api.patch(HELM_CHARTS, name!, namespace, 'application/merge-patch+json', { status }, { subresource: 'status' }).catch((error: unknown) => { if (!isStatusError(error, 'NotFound')) throw error })
}
