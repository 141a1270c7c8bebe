import type { Info } from '../../kubectl/resources.ts'
import { UpdateError } from '../kube/kube-client.ts'
import type { Release } from '../release/release.ts'
import type { Session } from '../session.ts'
import { runHooks } from './hooks.ts'
import { markOwned } from './ownership.ts'
import { releaseNameProblem } from './release-name.ts'
import { ownLabels } from './install.ts'

export interface RollbackOptions {
  /** 0: the one before. */
  revision: number
  dryRun: boolean
  force: boolean
  noHooks: boolean
  wait: boolean
  waitForJobs: boolean
  cleanupOnFail: boolean
  maxHistory: number
  timeoutMs: number
}

/** k8s: helm.sh/helm/v3/pkg/action Rollback.Run @throws Error in Helm's words */
export async function rollback(session: Session, name: string, options: RollbackOptions): Promise<void> {
  const { kube, storage } = session
  await kube.requireReachable()
  storage.maxHistory = options.maxHistory
  if (releaseNameProblem(name)) throw new Error(`prepareRollback: Release name is invalid: ${name}`)
  if (options.revision < 0) throw new Error('invalid release revision')
  const current = await storage.last(name)
  const wanted = options.revision || current.version - 1
  if (!(await storage.history(name)).some((each) => each.version === wanted)) throw new Error(`release has no ${wanted} version`)
  const before = await storage.get(name, wanted)
  const target: Release = {
    ...before, namespace: current.namespace, version: current.version + 1, labels: ownLabels(before.labels),
    info: { first_deployed: current.info.first_deployed, last_deployed: session.nowText(), deleted: '', status: 'pending-rollback', notes: before.info.notes, description: `Rollback to ${wanted}` },
  }
  if (options.dryRun) return
  await storage.create(target)
  const build = async (manifest: string, which: string) => {
    try {
      return manifest.trim() === '' ? [] : await kube.build(manifest, false)
    } catch (error) {
      throw new Error(`unable to build kubernetes objects from ${which} release manifest: ${(error as Error).message}`)
    }
  }
  const currentInfos = await build(current.manifest, 'current')
  const targetInfos = await build(target.manifest, 'new')
  if (!options.noHooks) await runHooks(session, target, 'pre-rollback', options.timeoutMs)
  markOwned(targetInfos, target.name, target.namespace)
  try {
    await kube.update(currentInfos, targetInfos, options.force)
  } catch (error) {
    current.info.status = 'superseded'
    target.info.status = 'failed'
    target.info.description = `Rollback ${JSON.stringify(name)} failed: ${(error as Error).message}`
    await storage.update({ ...current, labels: ownLabels(current.labels) }).catch(() => {})
    await storage.update(target).catch(() => {})
    if (options.cleanupOnFail && error instanceof UpdateError) await cleanUp(session, error.result.created, `an error occurred while cleaning up resources. original rollback error: ${error.message}`)
    throw error
  }
  if (options.wait) {
    try {
      await kube.wait(targetInfos, options.timeoutMs, options.waitForJobs)
    } catch (error) {
      target.info.status = 'failed'
      target.info.description = `Release ${JSON.stringify(name)} failed: ${(error as Error).message}`
      await storage.update({ ...current, labels: ownLabels(current.labels) }).catch(() => {})
      await storage.update(target).catch(() => {})
      throw new Error(`release ${name} failed: ${(error as Error).message}`)
    }
  }
  if (!options.noHooks) await runHooks(session, target, 'post-rollback', options.timeoutMs)
  for (const each of await storage.deployedAll(name)) {
    each.info.status = 'superseded'
    await storage.update({ ...each, labels: ownLabels(each.labels) }).catch(() => {})
  }
  target.info.status = 'deployed'
  await storage.update(target)
}

/** Takes away again what had been made. @throws Error where that fails too */
export async function cleanUp(session: Session, created: readonly Info[], context: string): Promise<void> {
  if (created.length === 0) return
  const errors = await session.kube.delete(created)
  if (errors.length > 0) throw new Error(`${context}: unable to cleanup resources: ${errors.map((e) => e.message).join(', ')}`)
}
