import { sha256 } from '@noble/hashes/sha2.js'
import { printYaml } from '../../yaml.ts'
import { dependencyJson, nameOf } from '../chart/chart.ts'
import type { Chart, ChartDependency, ChartLock } from '../chart/chart.ts'
import { loadArchive, loadChart, loadFiles, chartFolderFiles } from '../chart/load.ts'
import { packChart } from '../chart/save.ts'
import { parseConstraint, parseVersion, satisfies } from '../semver.ts'
import type { Constraint } from '../semver.ts'
import type { Session } from '../session.ts'
import { absoluteUrl, fetchBytes } from './download.ts'
import { findVersion } from './index-file.ts'
import type { IndexFile } from './index-file.ts'
import { cachedIndex, loadRepositories, refreshIndex } from './repositories.ts'
import type { RepositoryEntry } from './repositories.ts'

const sameUrl = (a: string, b: string) => a.replace(/\/+$/, '') === b.replace(/\/+$/, '')

/** A chart's charts/ from what Chart.yaml asks for. k8s: helm.sh/helm/v3/pkg/downloader Manager.Update @throws Error */
export async function updateDependencies(session: Session, path: string, options: { skipRefresh: boolean }): Promise<void> {
  const chart = await unpacked(session, path)
  const wanted = chart.metadata.dependencies
  if (!wanted) return
  const repositories = resolveRepositories(session, path, wanted)
  await refreshUnknown(session, wanted, repositories)
  if (!options.skipRefresh) await refreshKnown(session)
  const locked = await resolveVersions(session, path, wanted, repositories)
  await save(session, path, locked, repositories)
  const digest = lockDigest(wanted, locked)
  if (chart.lock?.digest === digest) return
  const lock = { dependencies: locked.map(({ name, repository, version }) => ({ name, repository, version })), digest, generated: session.nowText() }
  session.proc.fs.writeFile(`${path}/${chart.metadata.apiVersion === 'v1' ? 'requirements.lock' : 'Chart.lock'}`, printYaml(lock))
}

/** A chart's charts/ as its lock says. k8s: Manager.Build @throws Error */
export async function buildDependencies(session: Session, path: string, options: { skipRefresh: boolean }): Promise<void> {
  const chart = await unpacked(session, path)
  const lock = chart.lock as ChartLock | null
  if (!lock) { await updateDependencies(session, path, options); return }
  const wanted = chart.metadata.dependencies ?? []
  const repositories = resolveRepositories(session, path, wanted)
  const locked = lock.dependencies ?? []
  if (lockDigest(wanted, locked) !== lock.digest) throw new Error('the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). Please update the dependencies')
  await refreshUnknown(session, locked, repositories)
  if (!options.skipRefresh) await refreshKnown(session)
  await save(session, path, locked, repositories)
}

function unpacked(session: Session, path: string): Promise<Chart> {
  const { fs } = session.proc
  if (!fs.exists(path)) throw new Error(`could not find ${path}: stat ${path}: no such file or directory`)
  if (fs.stat(path).type !== 'directory') throw new Error('only unpacked charts can be updated')
  return loadChart(path, fs)
}

function lockDigest(wanted: readonly ChartDependency[], locked: readonly ChartDependency[]): string {
  const json = JSON.stringify([wanted.map(dependencyJson), locked.map(dependencyJson)]).replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)
  return `sha256:${Array.from(sha256(new TextEncoder().encode(json)), (b) => b.toString(16).padStart(2, '0')).join('')}`
}

/** Where a local dependency is. @throws Error */
function localPath(session: Session, chartPath: string, repository: string): string {
  const given = repository.replace(/^file:\/\//, '')
  const parts: string[] = []
  for (const part of (given.startsWith('/') ? given : `${chartPath}/${given}`).split('/')) if (part === '..') parts.pop(); else if (part !== '' && part !== '.') parts.push(part)
  const path = `/${parts.join('/')}`
  if (!session.proc.fs.exists(path)) throw new Error(`directory ${path} not found`)
  return path
}

/** Which of the added repositories each dependency means; others are fetched by their address. */
function resolveRepositories(session: Session, path: string, wanted: readonly ChartDependency[]): Map<string, RepositoryEntry | undefined> {
  const known = loadRepositories(session) ?? []
  const out = new Map<string, RepositoryEntry | undefined>()
  const missing: string[] = []
  for (const dependency of wanted) {
    const { repository } = dependency
    if (!repository) continue
    if (repository.startsWith('file://')) { localPath(session, path, repository); continue }
    if (repository.startsWith('oci://')) throw new Error('OCI registries are not available in Drydock')
    const alias = /^(?:@|alias:)(.*)$/.exec(repository)?.[1]
    const found = known.find((each) => alias === undefined ? sameUrl(each.url, repository) : each.name === alias)
    if (found) dependency.repository = found.url
    else if (!/^[a-z]+:\/\//.test(repository)) { missing.push(repository); continue }
    out.set(dependency.repository, found)
  }
  if (missing.length > 0) {
    const hint = missing.some((each) => !each.includes('//') && !each.startsWith('@') && !each.startsWith('alias:'))
    throw new Error(`no repository definition for ${missing.join(', ')}. Please add them via 'helm repo add'${hint ? '\nNote that repositories must be URLs or aliases. For example, to refer to the "example"\nrepository, use "https://charts.example.com/" or "@example" instead of\n"example". Don\'t forget to add the repo, too (\'helm repo add\').' : ''}`)
  }
  return out
}

const keyOf = (url: string) => `helm-manager-${Array.from(sha256(new TextEncoder().encode(url)), (b) => b.toString(16).padStart(2, '0')).join('')}`

async function refreshUnknown(session: Session, wanted: readonly ChartDependency[], repositories: ReadonlyMap<string, RepositoryEntry | undefined>): Promise<void> {
  const urls = [...new Set(wanted.map((d) => d.repository).filter((url) => url && repositories.has(url) && repositories.get(url) === undefined))]
  if (urls.length === 0) return
  session.out('Getting updates for unmanaged Helm repositories...\n')
  for (const url of urls) {
    try {
      await refreshIndex(session, { name: keyOf(url), url })
      session.out(`...Successfully got an update from the ${JSON.stringify(url)} chart repository\n`)
    } catch (error) {
      session.out(`...Unable to get an update from the ${JSON.stringify(url)} chart repository:\n\t${(error as Error).message}\n`)
    }
  }
}

/** Fetches the indexes of all repositories that were added. */
async function refreshKnown(session: Session): Promise<void> {
  const known = loadRepositories(session) ?? []
  if (known.length === 0) return
  session.out('Hang tight while we grab the latest from your chart repositories...\n')
  for (const each of known) {
    try {
      await refreshIndex(session, each)
      session.out(`...Successfully got an update from the ${JSON.stringify(each.name)} chart repository\n`)
    } catch (error) {
      session.out(`...Unable to get an update from the ${JSON.stringify(each.name)} chart repository (${each.url}):\n\t${(error as Error).message}\n`)
    }
  }
  session.out('Update Complete. ⎈Happy Helming!⎈\n')
}

function constraintOf(dependency: ChartDependency): Constraint {
  try {
    return parseConstraint(dependency.version ?? '')
  } catch (error) {
    throw new Error(`dependency ${JSON.stringify(dependency.name)} has an invalid version/constraint format: ${(error as Error).message}`)
  }
}

function knownIndex(session: Session, name: string): IndexFile {
  try {
    return cachedIndex(session, name)
  } catch (error) {
    throw new Error(`no cached repository for ${name} found. (try 'helm repo update'): ${(error as Error).message}`)
  }
}

async function resolveVersions(session: Session, path: string, wanted: readonly ChartDependency[], repositories: ReadonlyMap<string, RepositoryEntry | undefined>): Promise<ChartDependency[]> {
  const missing: string[] = []
  const out: ChartDependency[] = []
  for (const dependency of wanted) {
    const { name, repository } = dependency
    const constraint = constraintOf(dependency)
    const absent = () => missing.push(`${JSON.stringify(name)} (repository ${JSON.stringify(repository)}, version ${JSON.stringify(dependency.version ?? '')})`)
    if (!repository) {
      localPath(session, path, `charts/${name}`)
      out.push({ name, repository: '', version: dependency.version ?? '' })
    } else if (repository.startsWith('file://')) {
      const chart = await loadFiles(chartFolderFiles(localPath(session, path, repository), session.proc.fs))
      const version = parseVersion(chart.metadata.version ?? '')
      if (!version || !satisfies(version, constraint)) absent()
      else out.push({ name, repository, version: chart.metadata.version! })
    } else {
      const index = knownIndex(session, repositories.get(repository)?.name ?? keyOf(repository))
      if (!index.entries[name]) throw new Error(`${name} chart not found in repo ${repository}`)
      const found = index.entries[name].find((each) => {
        const version = parseVersion(each.version ?? '')
        return version !== undefined && (each.urls?.length ?? 0) > 0 && satisfies(version, constraint)
      })
      if (!found) absent()
      else out.push({ name, repository, version: found.version! })
    }
  }
  if (missing.length > 0) throw new Error(`can't get a valid version for ${missing.length} subchart(s): ${missing.join(', ')}. Make sure a matching chart version exists in the repo, or change the version constraint in Chart.yaml`)
  return out
}

/** Puts archives of all of them into charts/ and takes old ones away. */
async function save(session: Session, path: string, locked: readonly ChartDependency[], repositories: ReadonlyMap<string, RepositoryEntry | undefined>): Promise<void> {
  const { fs } = session.proc
  const folder = `${path}/charts`
  fs.mkdir(folder, { recursive: true })
  session.out(`Saving ${locked.length} charts\n`)
  const made = new Map<string, Uint8Array>()
  const fail = (error: Error): never => {
    session.out(`Save error occurred:  ${error.message}\n`)
    throw error
  }
  for (const dependency of locked) {
    const { name, repository } = dependency
    if (!repository) {
      session.out(`Dependency ${name} did not declare a repository. Assuming it exists in the charts directory\n`)
      const chart = await loadChart(`${folder}/${name}`, fs).catch((error: Error) => { throw new Error(`unable to load chart '${folder}/${name}': ${error.message}`) })
      const version = parseVersion(chart.metadata.version ?? '')
      if (!version || !satisfies(version, constraintOf(dependency))) fail(new Error(`dependency ${name} at version ${chart.metadata.version} does not satisfy the constraint ${dependency.version}`))
      continue
    }
    if (repository.startsWith('file://')) {
      const chart = await loadFiles(chartFolderFiles(localPath(session, path, repository), fs))
      const version = parseVersion(chart.metadata.version ?? '')
      if (!version || !satisfies(version, constraintOf(dependency))) fail(new Error(`can't get a valid version for dependency ${name}`))
      dependency.version = chart.metadata.version!
      made.set(`${nameOf(chart)}-${chart.metadata.version}.tgz`, packChart(chart, session.nowMs()))
      continue
    }
    try {
      const index = cachedIndex(session, repositories.get(repository)?.name ?? keyOf(repository))
      const url = absoluteUrl(repository, findVersion(index, name, dependency.version ?? '').urls![0]!)
      session.out(`Downloading ${name} from repo ${repository}\n`)
      made.set(new URL(url).pathname.split('/').at(-1)!, await fetchBytes(session, url).catch((error: Error) => { throw new Error(`could not download ${url}: ${error.message}`) }))
    } catch (error) {
      fail(error as Error)
    }
  }
  for (const [file, bytes] of made) fs.writeFile(`${folder}/${file}`, bytes)
  session.out('Deleting outdated charts\n')
  for (const file of fs.readdir(folder)) {
    if (!file.endsWith('.tgz') || made.has(file)) continue
    const old = await loadArchive(fs.readFile(`${folder}/${file}`)).catch(() => undefined)
    if (old && locked.some((d) => d.name === nameOf(old))) fs.remove(`${folder}/${file}`)
  }
}
