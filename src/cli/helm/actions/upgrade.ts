import type { GoMap } from '../../../cluster/kinds/go-template/values.ts'
import type { Info } from '../../kubectl/resources.ts'
import type { Chart } from '../chart/chart.ts'
import { UpdateError } from '../kube/kube-client.ts'
import { byRevision, isPending } from '../release/release.ts'
import type { Release } from '../release/release.ts'
import { NoDeployedReleases, ReleaseNotFound, SYSTEM_LABELS } from '../release/storage.ts'
import type { Session } from '../session.ts'
import { coalesceTables, coalesceValues } from '../values/coalesce.ts'
import { processDependencies } from '../values/dependencies.ts'
import { runHooks } from './hooks.ts'
import { ownLabels } from './install.ts'
import { adoptable, markOwned } from './ownership.ts'
import { releaseNameProblem } from './release-name.ts'
import { renderRelease } from './render-release.ts'
import { cleanUp, rollback } from './rollback.ts'

export interface UpgradeOptions {
  dryRun: '' | 'client' | 'server'
  resetValues: boolean
  reuseValues: boolean
  resetThenReuseValues: boolean
  wait: boolean
  waitForJobs: boolean
  atomic: boolean
  force: boolean
  noHooks: boolean
  cleanupOnFail: boolean
  subNotes: boolean
  hideSecret: boolean
  skipSchema: boolean
  validate: boolean
  takeOwnership: boolean
  timeoutMs: number
  maxHistory: number
  description: string
  labels: Record<string, string>
}

/** k8s: helm.sh/helm/v3/pkg/action Upgrade.RunWithContext @throws Error in Helm's words */
export async function upgrade(session: Session, name: string, chart: Chart, given: GoMap, options: UpgradeOptions): Promise<Release> {
  const { kube, storage } = session
  await kube.requireReachable()
  if (releaseNameProblem(name)) throw new Error(`release name is invalid: ${name}`)
  if (!options.dryRun && options.hideSecret) throw new Error('Hiding Kubernetes secrets requires a dry-run mode')
  const { last, current } = await present(session, name)
  const values = reused(session, chart, current, given, options)
  processDependencies(chart, values, session.warn)
  const capabilities = await session.capabilities()
  const version = last.version + 1
  const rendered = await renderRelease(session, {
    chart, values, release: { name, namespace: current.namespace, revision: version, isInstall: false, isUpgrade: true }, capabilities, online: options.dryRun !== 'client',
    subNotes: options.subNotes, hideSecret: options.hideSecret, skipSchema: options.skipSchema, includeCrds: false,
  })
  for (const label of Object.keys(options.labels)) if (SYSTEM_LABELS.includes(label)) throw new Error(`user supplied labels contains system reserved label name. System labels: [${SYSTEM_LABELS.join(' ')}]`)
  const labels = Object.fromEntries(Object.entries({ ...ownLabels(last.labels), ...options.labels }).filter(([, value]) => value !== 'null'))
  const release: Release = {
    name, namespace: current.namespace, chart, config: values, version, labels, manifest: rendered.manifest, hooks: rendered.hooks,
    info: { first_deployed: current.info.first_deployed, last_deployed: session.nowText(), deleted: '', status: 'pending-upgrade', description: 'Preparing upgrade', notes: rendered.notes },
  }
  const build = (manifest: string, validate: boolean) => manifest.trim() === '' ? Promise.resolve<Info[]>([]) : kube.build(manifest, validate)
  await build(release.manifest, options.validate)
  storage.maxHistory = options.maxHistory
  const before = await build(current.manifest, false).catch((error: Error) => { throw new Error(`unable to build kubernetes objects from current release manifest: ${error.message}`) })
  const target = await build(release.manifest, options.validate).catch((error: Error) => { throw new Error(`unable to build kubernetes objects from new release manifest: ${error.message}`) })
  markOwned(target, name, release.namespace)
  const key = (info: Info) => `${info.object!.apiVersion}/${info.mapping.kind}/${info.namespace}/${info.name}`
  const known = new Set(before.map(key))
  try {
    before.push(...await adoptable(session, target.filter((info) => !known.has(key(info))), name, release.namespace, options.takeOwnership))
  } catch (error) {
    throw new Error(`Unable to continue with update: ${(error as Error).message}`)
  }
  if (options.dryRun) {
    release.info.description = options.description || 'Dry run complete'
    return release
  }
  await storage.create(release)
  const recordCurrent = () => storage.update({ ...current, labels: ownLabels(current.labels) }).catch(() => {})
  let created: Info[] = []
  const perform = async () => {
    if (!options.noHooks) await runHooks(session, release, 'pre-upgrade', options.timeoutMs).catch((error: Error) => { throw new Error(`pre-upgrade hooks failed: ${error.message}`) })
    try {
      created = (await kube.update(before, target, options.force)).created
      if (options.wait || options.atomic) await kube.wait(target, options.timeoutMs, options.waitForJobs)
    } catch (error) {
      if (error instanceof UpdateError) created = error.result.created
      await recordCurrent()
      throw error
    }
    if (!options.noHooks) await runHooks(session, release, 'post-upgrade', options.timeoutMs).catch((error: Error) => { throw new Error(`post-upgrade hooks failed: ${error.message}`) })
  }
  try {
    await session.unlessCancelled(perform())
  } catch (error) {
    await failed(session, release, created, error as Error, options)
  }
  current.info.status = 'superseded'
  await recordCurrent()
  release.info.status = 'deployed'
  release.info.description = options.description || 'Upgrade complete'
  await storage.update(release)
  return release
}

/** The newest revision and the one that is deployed. */
async function present(session: Session, name: string): Promise<{ last: Release; current: Release }> {
  const { storage } = session
  let last: Release
  try {
    last = await storage.last(name)
  } catch (error) {
    throw error instanceof ReleaseNotFound ? new NoDeployedReleases(name) : error
  }
  if (isPending(last.info.status)) throw new Error('another operation (install/upgrade/rollback) is in progress')
  if (last.info.status === 'deployed') return { last, current: last }
  try {
    return { last, current: await storage.deployed(name) }
  } catch (error) {
    if (error instanceof NoDeployedReleases && (last.info.status === 'failed' || last.info.status === 'superseded')) return { last, current: last }
    throw error
  }
}

/** The values that count. k8s: Upgrade.reuseValues */
function reused(session: Session, chart: Chart, current: Release, given: GoMap, options: UpgradeOptions): GoMap {
  if (options.resetValues) return given
  if (options.reuseValues) {
    const old = coalesceValues(current.chart, current.config, session.warn)
    const merged = coalesceTables(given, current.config, session.warn)
    chart.values = old
    return merged
  }
  if (options.resetThenReuseValues) return coalesceTables(given, current.config, session.warn)
  return Object.keys(given).length === 0 && Object.keys(current.config).length > 0 ? current.config : given
}

async function failed(session: Session, release: Release, created: readonly Info[], error: Error, options: UpgradeOptions): Promise<never> {
  const { storage } = session
  release.info.status = 'failed'
  release.info.description = `Upgrade ${JSON.stringify(release.name)} failed: ${error.message}`
  await storage.update(release).catch(() => {})
  if (options.cleanupOnFail) await cleanUp(session, created, `an error occurred while cleaning up resources. original upgrade error: ${error.message}`)
  if (!options.atomic) throw error
  const good = (await storage.history(release.name)).filter(({ info }) => info.status === 'superseded' || info.status === 'deployed').sort(byRevision).at(-1)
  if (!good) throw new Error(`unable to find a previously successful release when attempting to rollback. original upgrade error: ${error.message}`)
  try {
    await rollback(session, release.name, { revision: good.version, wait: true, waitForJobs: options.waitForJobs, noHooks: options.noHooks, force: options.force, timeoutMs: options.timeoutMs, dryRun: false, cleanupOnFail: false, maxHistory: 0 })
  } catch (failure) {
    throw new Error(`an error occurred while rolling back the release. original upgrade error: ${error.message}: ${(failure as Error).message}`)
  }
  throw new Error(`release ${release.name} failed, and has been rolled back due to atomic being set: ${error.message}`)
}
