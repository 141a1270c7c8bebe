import type { Propagation } from '../../kubectl/commands/delete.ts'
import type { Info } from '../../kubectl/resources.ts'
import { sortManifests, splitManifests } from '../release/manifests.ts'
import { byRevision } from '../release/release.ts'
import type { Release } from '../release/release.ts'
import type { Session } from '../session.ts'
import { runHooks } from './hooks.ts'
import { releaseNameProblem } from './release-name.ts'

export interface UninstallOptions {
  noHooks?: boolean
  keepHistory?: boolean
  dryRun?: boolean
  ignoreNotFound?: boolean
  wait?: boolean
  cascade?: Propagation
  timeoutMs: number
  description?: string
}

/** k8s: helm.sh/helm/v3/pkg/action Uninstall.Run @returns what is worth telling: resources that were kept */
export async function uninstall(session: Session, name: string, options: UninstallOptions): Promise<string> {
  const { kube, storage } = session
  await kube.requireReachable()
  if (options.dryRun) {
    if (releaseNameProblem(name)) throw new Error(`releaseContent: Release name is invalid: ${name}`)
    await storage.last(name)
    return ''
  }
  if (releaseNameProblem(name)) throw new Error(`uninstall: Release name is invalid: ${name}`)
  let releases: Release[]
  try {
    releases = (await storage.history(name)).sort(byRevision)
  } catch (error) {
    if (options.ignoreNotFound) return ''
    throw new Error(`uninstall: Release not loaded: ${name}: ${(error as Error).message}`)
  }
  const release = releases.at(-1)!
  const purge = async () => { for (const each of releases) await storage.delete(each.name, each.version) }
  if (release.info.status === 'uninstalled') {
    if (options.keepHistory) throw new Error(`the release named ${JSON.stringify(name)} is already deleted`)
    await purge().catch((error: Error) => { throw new Error(`uninstall: Failed to purge the release: ${error.message}`) })
    return ''
  }
  release.info.status = 'uninstalling'
  release.info.deleted = session.nowText()
  release.info.description = 'Deletion in progress (or silently failed)'
  if (!options.noHooks) await runHooks(session, release, 'pre-delete', options.timeoutMs)
  await storage.update(release).catch(() => {})
  const { infos, kept, errors } = await deleteObjects(session, release, options.cascade ?? 'Background')
  if (errors.length > 0) throw new Error(`failed to delete release: ${name}`)
  const later: Error[] = []
  if (options.wait) await kube.waitForDelete(infos, options.timeoutMs).catch((error: Error) => later.push(error))
  if (!options.noHooks) await runHooks(session, release, 'post-delete', options.timeoutMs).catch((error: Error) => later.push(error))
  release.info.status = 'uninstalled'
  release.info.description = options.description || 'Uninstallation complete'
  if (!options.keepHistory) await purge().catch((error: Error) => later.push(new Error(`uninstall: Failed to purge the release: ${error.message}`)))
  else {
    await storage.update(release).catch(() => {})
    for (const each of await storage.deployedAll(name)) {
      each.info.status = 'superseded'
      await storage.update(each).catch(() => {})
    }
  }
  if (later.length > 0) throw new Error(`uninstallation completed with ${later.length} error(s): ${later.map((e) => e.message).join('; ')}`)
  return kept ? `These resources were kept due to the resource policy:\n${kept}` : ''
}

async function deleteObjects(session: Session, release: Release, cascade: Propagation): Promise<{ infos: Info[]; kept: string; errors: Error[] }> {
  const { manifests } = sortManifests(splitManifests(release.manifest).map((text, i) => [`manifest-${i}`, text] as const), 'uninstall')
  const keep = manifests.filter(({ head }) => head.annotations['helm.sh/resource-policy']?.trim().toLowerCase() === 'keep')
  const kept = keep.map(({ head }) => `[${head.kind}] ${head.name}\n`).join('')
  const text = manifests.filter((m) => !keep.includes(m)).map(({ content }) => `\n---\n${content}`).join('')
  try {
    const infos = text === '' ? [] : await session.kube.build(text, false)
    return { infos, kept, errors: infos.length > 0 ? await session.kube.delete(infos, cascade) : [] }
  } catch (error) {
    return { infos: [], kept, errors: [new Error(`unable to build kubernetes objects for delete: ${(error as Error).message}`)] }
  }
}
