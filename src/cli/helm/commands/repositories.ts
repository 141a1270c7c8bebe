/** The commands about repositories of charts. */
import { sha256 } from '@noble/hashes/sha2.js'
import { printYaml } from '../../yaml.ts'
import { metadataJson, nameOf } from '../chart/chart.ts'
import { loadArchive } from '../chart/load.ts'
import { goRegex } from '../engine/go-regex.ts'
import { jsonLine, outputFormat, tableText, write } from '../output.ts'
import { parseIndex, sortEntries } from '../repo/index-file.ts'
import type { ChartVersion, IndexFile } from '../repo/index-file.ts'
import { cachedIndex, forgetIndex, loadRepositories, refreshIndex, repositoryEntry, saveRepositories } from '../repo/repositories.ts'
import { compareVersions, parseConstraint, parseVersion, satisfies } from '../semver.ts'
import type { HelmCommand } from './command.ts'

export const repoAddCommand: HelmCommand = async (session) => {
  const { flags } = session
  const [name, url] = session.args as [string, string]
  if (name.includes('/')) throw new Error(`repository name (${name}) contains '/', please specify a different name without '/'`)
  const repositories = loadRepositories(session) ?? []
  const entry = repositoryEntry({
    name, url, username: flags.str('username'), password: flags.str('password'), certFile: flags.str('cert-file'), keyFile: flags.str('key-file'), caFile: flags.str('ca-file'),
    insecure_skip_tls_verify: flags.bool('insecure-skip-tls-verify'), pass_credentials_all: flags.bool('pass-credentials'),
  })
  const there = repositories.find((each) => each.name === name)
  if (there && !flags.bool('force-update')) {
    if (JSON.stringify(there) !== JSON.stringify(entry)) throw new Error(`repository name (${name}) already exists, please specify a different name`)
    session.out(`${JSON.stringify(name)} already exists with the same configuration, skipping\n`)
    return
  }
  await refreshIndex(session, entry).catch((error: Error) => {
    if (/protocol handler/.test(error.message)) throw error
    throw new Error(`looks like ${JSON.stringify(url)} is not a valid chart repository or cannot be reached: ${error.message}`)
  })
  saveRepositories(session, there ? repositories.map((each) => each === there ? entry : each) : [...repositories, entry])
  session.out(`${JSON.stringify(name)} has been added to your repositories\n`)
}

export const repoListCommand: HelmCommand = async (session) => {
  const format = outputFormat(session)
  const repositories = loadRepositories(session) ?? []
  if (repositories.length === 0 && format === 'table') throw new Error('no repositories to show')
  const rows = repositories.map(({ name, url }) => ({ name, url }))
  write(session, rows, () => `${tableText([['NAME', 'URL'], ...rows.map(({ name, url }) => [name, url])])}\n`)
}

export const repoUpdateCommand: HelmCommand = async (session) => {
  const repositories = loadRepositories(session) ?? []
  if (repositories.length === 0) throw new Error('no repositories found. You must add one before updating')
  const { args } = session
  for (const name of args) if (!repositories.some((each) => each.name === name)) throw new Error(`no repositories found matching '${name}'.  Nothing will be updated`)
  session.out('Hang tight while we grab the latest from your chart repositories...\n')
  const failed: string[] = []
  for (const each of repositories) {
    if (args.length > 0 && !args.includes(each.name)) continue
    try {
      await refreshIndex(session, each)
      session.out(`...Successfully got an update from the ${JSON.stringify(each.name)} chart repository\n`)
    } catch (error) {
      session.out(`...Unable to get an update from the ${JSON.stringify(each.name)} chart repository (${each.url}):\n\t${(error as Error).message}\n`)
      failed.push(each.url)
    }
  }
  if (failed.length > 0 && session.flags.bool('fail-on-repo-update-fail')) throw new Error(`Failed to update the following repositories: [${failed.join(' ')}]`)
  session.out('Update Complete. ⎈Happy Helming!⎈\n')
}

export const repoRemoveCommand: HelmCommand = async (session) => {
  let repositories = loadRepositories(session) ?? []
  if (repositories.length === 0) throw new Error('no repositories configured')
  for (const name of session.args) {
    if (!repositories.some((each) => each.name === name)) throw new Error(`no repo named ${JSON.stringify(name)} found`)
    repositories = repositories.filter((each) => each.name !== name)
    saveRepositories(session, repositories)
    forgetIndex(session, name)
    session.out(`${JSON.stringify(name)} has been removed from your repositories\n`)
  }
}

export const repoIndexCommand: HelmCommand = async (session) => {
  const { flags } = session
  const { fs } = session.proc
  const folder = session.resolve(session.args[0]!)
  const index: IndexFile = { apiVersion: 'v1', entries: {}, generated: session.nowText() }
  const archives: string[] = []
  const names = fs.exists(folder) ? fs.readdir(folder) : []
  archives.push(...names.filter((name) => name.endsWith('.tgz')))
  for (const name of names) if (fs.stat(`${folder}/${name}`).type === 'directory') archives.push(...fs.readdir(`${folder}/${name}`).filter((file) => file.endsWith('.tgz')).map((file) => `${name}/${file}`))
  const base = flags.str('url').replace(/\/+$/, '')
  for (const file of archives) {
    const data = fs.readFile(`${folder}/${file}`)
    const chart = await loadArchive(data).catch(() => undefined)
    if (!chart) continue
    const version = { ...metadataJson(chart.metadata), created: session.nowText(), digest: Array.from(sha256(data), (b) => b.toString(16).padStart(2, '0')).join(''), urls: [base ? `${base}/${file}` : file] } as ChartVersion
    index.entries[nameOf(chart)] = [...index.entries[nameOf(chart)] ?? [], version]
  }
  const merge = flags.str('merge')
  const text = (of: IndexFile) => flags.bool('json') ? JSON.stringify(of, null, '  ') : printYaml(of)
  if (merge) {
    const path = session.resolve(merge)
    if (!fs.exists(path)) fs.writeFile(path, text({ apiVersion: 'v1', entries: {}, generated: session.nowText() }))
    else {
      const other = parseIndex(fs.readText(path))
      for (const [name, versions] of Object.entries(other.entries)) for (const version of versions) {
        const own = index.entries[name] ?? []
        if (!own.some((each) => each.version === version.version)) index.entries[name] = [...own, version]
      }
    }
  }
  sortEntries(index)
  fs.writeFile(`${folder}/index.yaml`, text(index))
}

const SEPARATOR = '\v'

export const searchRepoCommand: HelmCommand = async (session) => {
  const { flags, args } = session
  const format = outputFormat(session)
  const repositories = loadRepositories(session) ?? []
  if (repositories.length === 0) throw new Error('no repositories configured')
  const range = flags.str('version') || (flags.bool('devel') ? '>0.0.0-0' : '>0.0.0')
  let found: { name: string; score: number; chart: ChartVersion }[] = []
  const term = args.join(' ')
  const regex = flags.bool('regexp') ? goRegex(term) : undefined
  for (const { name: repository } of repositories) {
    let index: IndexFile
    try {
      index = cachedIndex(session, repository)
    } catch (error) {
      session.err(`WARNING: Repo ${JSON.stringify(repository)} is corrupt or missing. Try 'helm repo update'.\nWARNING: ${(error as Error).message}\n`)
      continue
    }
    for (const [name, versions] of Object.entries(index.entries)) for (const chart of versions) {
      const line = [chart.name ?? name, `${repository}/${chart.name ?? name}`, chart.description ?? '', (chart.keywords ?? []).join(' ')].join(SEPARATOR)
      let at = 0
      if (args.length > 0) {
        const match = regex ? regex.findAll(line, 1)[0] : undefined
        at = regex ? match === undefined ? -1 : line.indexOf(match) : line.toLowerCase().indexOf(term.toLowerCase())
        if (at < 0) continue
      }
      found.push({ name: `${repository}/${name}`, score: args.length > 0 ? line.slice(0, at).split(SEPARATOR).length - 1 : 0, chart })
    }
  }
  found.sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0) || newestFirst(a.chart, b.chart))
  let constraint
  try {
    constraint = parseConstraint(range)
  } catch (error) {
    throw new Error(`an invalid version/constraint format: ${(error as Error).message}`)
  }
  const seen = new Set<string>()
  found = found.filter(({ name, chart }) => {
    const version = parseVersion(chart.version ?? '')
    if (!version || !satisfies(version, constraint) || (seen.has(name) && !flags.bool('versions'))) return false
    seen.add(name)
    return true
  })
  if (found.length === 0 && flags.bool('fail-on-no-result')) throw new Error('no results found')
  const rows = found.map(({ name, chart }) => ({ name, version: chart.version ?? '', app_version: chart.appVersion === undefined ? '' : String(chart.appVersion), description: chart.description ?? '' }))
  if (format !== 'table') { session.out(format === 'json' ? jsonLine(rows) : printYaml(rows)); return }
  session.out(rows.length === 0 ? 'No results found\n' : `${tableText([['NAME', 'CHART VERSION', 'APP VERSION', 'DESCRIPTION'], ...rows.map((row) => Object.values(row))], flags.int('max-col-width') || 50)}\n`)
}

function newestFirst(a: ChartVersion, b: ChartVersion): number {
  const [x, y] = [parseVersion(a.version ?? ''), parseVersion(b.version ?? '')]
  return x && y ? compareVersions(y, x) : 0
}
