import type { GoMap } from '../../../cluster/kinds/go-template/values.ts'
import { StatusError } from '../../../cluster/kinds/status-error.ts'
import { crdsOf, textOf } from '../chart/chart.ts'
import type { Chart } from '../chart/chart.ts'
import type { Capabilities } from '../engine/objects.ts'
import type { Info } from '../../kubectl/resources.ts'
import { MultiError } from '../kube/kube-client.ts'
import { byRevision } from '../release/release.ts'
import type { Release } from '../release/release.ts'
import { SYSTEM_LABELS } from '../release/storage.ts'
import type { Session } from '../session.ts'
import { processDependencies } from '../values/dependencies.ts'
import { runHooks } from './hooks.ts'
import { adoptable, markOwned } from './ownership.ts'
import { releaseNameProblem } from './release-name.ts'
import { ManifestError, renderRelease } from './render-release.ts'
import { uninstall } from './uninstall.ts'

export interface InstallOptions {
  name: string
  namespace: string
  /** Empty: no dry run. `client`: the cluster isn't asked by templates. */
  dryRun: '' | 'client' | 'server'
  /** Without any cluster, as `helm template`. */
  clientOnly: boolean
  /** What the cluster is taken for then. */
  capabilities?: Capabilities
  isUpgrade: boolean
  createNamespace: boolean
  replace: boolean
  wait: boolean
  waitForJobs: boolean
  atomic: boolean
  force: boolean
  noHooks: boolean
  skipCrds: boolean
  includeCrds: boolean
  subNotes: boolean
  hideSecret: boolean
  skipSchema: boolean
  validate: boolean
  takeOwnership: boolean
  timeoutMs: number
  description: string
  labels: Record<string, string>
  toFile?: (path: string, content: string) => void
}

/** An installation failed with a release to show for it. */
export class FailedRelease extends Error {
  readonly release: Release
  constructor(message: string, release: Release) {
    super(message)
    this.release = release
  }
}

/** k8s: helm.sh/helm/v3/pkg/action Install.RunWithContext @throws Error in Helm's words, FailedRelease */
export async function install(session: Session, chart: Chart, values: GoMap, options: InstallOptions): Promise<Release> {
  const { name, namespace, clientOnly } = options
  const { kube, storage } = session
  if (!clientOnly) await kube.requireReachable()
  if (!options.dryRun && options.hideSecret) throw new Error('Hiding Kubernetes secrets requires a dry-run mode')
  await requireFreeName(session, options)
  processDependencies(chart, values, session.warn)
  const crds = crdsOf(chart)
  if (!clientOnly && !options.skipCrds && crds.length > 0) {
    if (options.dryRun) session.debug('install.go:285', 'WARNING: This chart or one of its subcharts contains CRDs. Rendering may fail or contain inaccuracies.')
    else await installDefinitions(session, crds.map(({ name: path, file }) => ({ path, text: textOf(file) })))
  }
  const isUpgrade = options.isUpgrade && options.dryRun !== ''
  const capabilities = options.capabilities ?? await session.capabilities()
  for (const label of Object.keys(options.labels)) if (SYSTEM_LABELS.includes(label)) throw new Error(`user supplied labels contains system reserved label name. System labels: [${SYSTEM_LABELS.join(' ')}]`)
  const now = session.nowText()
  const release: Release = {
    name, namespace, chart, config: values, version: 1, labels: { ...options.labels }, manifest: '', hooks: [],
    info: { first_deployed: now, last_deployed: now, deleted: '', status: 'unknown', description: '', notes: '' },
  }
  try {
    const rendered = await renderRelease(session, {
      chart, values, release: { name, namespace, revision: 1, isInstall: !isUpgrade, isUpgrade }, capabilities, online: options.dryRun !== 'client' && !clientOnly,
      subNotes: options.subNotes, hideSecret: options.hideSecret, skipSchema: options.skipSchema, includeCrds: options.includeCrds, ...(options.toFile ? { toFile: options.toFile } : {}),
    })
    release.hooks = rendered.hooks
    release.manifest = rendered.manifest
    release.info.notes = rendered.notes
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error
    release.manifest = error.manifest
    release.info.status = 'failed'
    release.info.description = `failed to render resource: ${error.message}`
    throw new FailedRelease(error.message, release)
  }
  release.info.status = 'pending-install'
  release.info.description = 'Initial install underway'
  let infos: Info[] = []
  let existing: Info[] = []
  if (!clientOnly) {
    try {
      infos = release.manifest === '' ? [] : await kube.build(release.manifest, options.validate)
    } catch (error) {
      throw new Error(`unable to build kubernetes objects from release manifest: ${(error as Error).message}`)
    }
    markOwned(infos, name, namespace)
    if (!isUpgrade) {
      try {
        existing = await adoptable(session, infos, name, namespace, options.takeOwnership)
      } catch (error) {
        throw new Error(`Unable to continue with install: ${(error as Error).message}`)
      }
    }
  }
  if (options.dryRun) {
    release.info.description = 'Dry run complete'
    return release
  }
  if (options.createNamespace) await createNamespace(session, namespace)
  if (options.replace) await replaceOld(session, release)
  await storage.create(release)
  const perform = async () => {
    if (!options.noHooks) await runHooks(session, release, 'pre-install', options.timeoutMs).catch((error: Error) => { throw new Error(`failed pre-install: ${error.message}`) })
    if (existing.length === 0 && infos.length > 0) await kube.create(infos)
    else if (infos.length > 0) await kube.update(existing, infos, options.force, options.takeOwnership)
    if (options.wait || options.atomic) await kube.wait(infos, options.timeoutMs, options.waitForJobs)
    if (!options.noHooks) await runHooks(session, release, 'post-install', options.timeoutMs).catch((error: Error) => { throw new Error(`failed post-install: ${error.message}`) })
  }
  try {
    await session.unlessCancelled(perform())
  } catch (error) {
    await failed(session, release, error as Error, options)
  }
  release.info.status = 'deployed'
  release.info.description = options.description || 'Install complete'
  await storage.update(release).catch((error: Error) => session.debug('install.go:510', `failed to record the release: ${error.message}`))
  return release
}

async function failed(session: Session, release: Release, error: Error, options: InstallOptions): Promise<never> {
  release.info.status = 'failed'
  release.info.description = `Release ${JSON.stringify(release.name)} failed: ${error.message}`
  if (!options.atomic) {
    await session.storage.update(release).catch(() => {})
    throw new FailedRelease(error.message, release)
  }
  try {
    await uninstall(session, release.name, { noHooks: options.noHooks, keepHistory: false, timeoutMs: options.timeoutMs })
  } catch (failure) {
    throw new FailedRelease(`an error occurred while uninstalling the release. original install error: ${error.message}: ${(failure as Error).message}`, release)
  }
  throw new FailedRelease(`release ${release.name} failed, and has been uninstalled due to atomic being set: ${error.message}`, release)
}

async function requireFreeName(session: Session, { name, dryRun, replace }: InstallOptions): Promise<void> {
  const problem = releaseNameProblem(name)
  if (problem) throw new Error(`release name ${JSON.stringify(name)}: ${problem}`)
  if (dryRun) return
  const last = (await session.storage.history(name).catch(() => [])).sort(byRevision).at(-1)
  if (!last || (replace && (last.info.status === 'uninstalled' || last.info.status === 'failed'))) return
  throw new Error('cannot re-use a name that is still in use')
}

/** What crds/ holds comes before everything else, and stays. */
async function installDefinitions(session: Session, crds: readonly { path: string; text: string }[]): Promise<void> {
  const { kube } = session
  const all: Info[] = []
  for (const { path, text } of crds) {
    let infos: Info[]
    try {
      infos = await kube.build(text, false)
    } catch (error) {
      throw new Error(`failed to install CRD ${path}: ${(error as Error).message}`)
    }
    const fresh: Info[] = []
    for (const info of infos) {
      if (await kube.get(info).then(() => true, () => false)) continue
      fresh.push(info)
    }
    if (fresh.length === 0) continue
    try {
      await kube.create(fresh)
    } catch (error) {
      throw new Error(`failed to install CRD ${path}: ${(error as Error).message}`)
    }
    all.push(...fresh)
  }
  if (all.length === 0) return
  await kube.wait(all, 60_000, false)
  session.forgetCapabilities()
}

async function createNamespace(session: Session, namespace: string): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: { name: namespace } } }
  try {
    await session.factory.rest().json('POST', '/api/v1/namespaces', { body, query: { fieldManager: 'helm' } })
  } catch (error) {
    if (!(error instanceof StatusError && error.reason === 'AlreadyExists')) throw error instanceof StatusError ? new MultiError([error]) : error
  }
}

async function replaceOld(session: Session, release: Release): Promise<void> {
  const last = (await session.storage.history(release.name).catch(() => [])).sort(byRevision).at(-1)
  if (!last) return
  release.version = last.version + 1
  if (last.info.status === 'failed') return
  last.info.status = 'superseded'
  last.info.description = 'superseded by new release'
  await session.storage.update({ ...last, labels: ownLabels(last.labels) })
}

/** Without those that the Secret gets anyway. */
export const ownLabels = (labels: Record<string, string>): Record<string, string> => Object.fromEntries(Object.entries(labels).filter(([key]) => !SYSTEM_LABELS.includes(key)))
