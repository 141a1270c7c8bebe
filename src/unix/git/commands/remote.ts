import { GitFailure, fatal } from '../failure.ts'
import { Options } from '../options.ts'
import type { Repository } from '../repository.ts'
import { aheadBehind } from '../revision.ts'
import type { Session } from '../session.ts'
import { openRemote } from '../transport.ts'
import { fetch } from './transfer.ts'

export const remoteAddress = (repo: Repository, name: string, push = false): string | undefined => (push ? repo.config.get(`remote.${name}.pushurl`) : undefined) ?? repo.config.get(`remote.${name}.url`)

const usage = () => new GitFailure('usage: git remote [-v | --verbose]\n   or: git remote add [-t <branch>] [-m <master>] [-f] [--tags | --no-tags] [--mirror=<fetch|push>] <name> <url>\n   or: git remote rename [--[no-]progress] <old> <new>\n   or: git remote remove <name>\n', 129)

export async function remote(session: Session, args: readonly string[]): Promise<number> {
  const top = new Options('remote', args, ['v|verbose'], { stopAtOperand: true })
  const repo = session.repository
  const { config } = repo
  const [verb, ...rest] = top.operands
  const names = () => config.subsections('remote').filter((name) => remoteAddress(repo, name) !== undefined || config.all(`remote.${name}.fetch`).length > 0)
  const demand = (name: string | undefined) => {
    if (name === undefined) throw usage()
    if (!names().includes(name)) throw new GitFailure(`error: No such remote: '${name}'`, 2)
    return name
  }
  switch (verb) {
    case undefined: case 'show': {
      if (verb === 'show' && rest.some((each) => !each.startsWith('-'))) return showRemote(session, repo, rest)
      for (const name of names().sort()) session.out(top.has('verbose') ? `${name}\t${remoteAddress(repo, name)} (fetch)\n${name}\t${remoteAddress(repo, name, true)} (push)\n` : `${name}\n`)
      return 0
    }
    case 'add': {
      const options = new Options('remote', rest, ['f|fetch', 'tags', 't|track=', 'm|master=', 'mirror?'])
      const [name, url] = options.operands
      if (name === undefined || url === undefined || options.operands.length > 2) throw usage()
      if (!/^[^\s~^:?*[\\/-][^\s~^:?*[\\]*$/.test(name) || name.endsWith('.lock') || name.includes('..')) throw fatal(`'${name}' is not a valid remote name`)
      if (names().includes(name)) throw new GitFailure(`error: remote ${name} already exists.`, 3)
      const file = config.file(config.pathOf('local')!)
      file.add(`remote.${name}.url`, url)
      const tracked = options.all('track')
      for (const branch of tracked.length > 0 ? tracked : ['*']) file.add(`remote.${name}.fetch`, `+refs/heads/${branch}:refs/remotes/${name}/${branch}`)
      if (options.isOff('tags')) file.add(`remote.${name}.tagOpt`, '--no-tags')
      config.save(file)
      return options.has('fetch') ? fetch(session, [name]) : 0
    }
    case 'remove': case 'rm': {
      const name = demand(rest[0])
      const file = config.file(config.pathOf('local')!)
      file.removeSection(`remote.${name}`)
      for (const branch of config.subsections('branch')) if (config.get(`branch.${branch}.remote`) === name) for (const key of ['remote', 'merge', 'pushremote']) for (const entry of file.entries().filter((each) => each.name === `branch.${branch}.${key}`).reverse()) file.remove(entry)
      config.save(file)
      for (const { name: ref } of repo.refs.list(`refs/remotes/${name}/`)) repo.refs.remove(ref)
      return 0
    }
    case 'rename': {
      const from = demand(rest[0])
      const to = rest[1]
      if (to === undefined) throw usage()
      if (names().includes(to)) throw new GitFailure(`fatal: remote ${to} already exists.`, 3)
      const file = config.file(config.pathOf('local')!)
      file.renameSection(`remote.${from}`, `remote.${to}`)
      for (const entry of file.entries()) {
        if (entry.name === `remote.${to}.fetch`) file.replace(entry, (entry.value ?? '').replace(`refs/remotes/${from}/`, `refs/remotes/${to}/`))
        if (/^branch\..*\.remote$/.test(entry.name) && entry.value === from) file.replace(entry, to)
      }
      config.save(file)
      for (const { name: ref, id } of repo.refs.list(`refs/remotes/${from}/`)) {
        const target = repo.refs.target(ref)
        const next = `refs/remotes/${to}/${ref.slice(`refs/remotes/${from}/`.length)}`
        repo.refs.remove(ref)
        if (target === undefined) repo.refs.update(next, id, `remote: renamed ${ref} to ${next}`)
        else repo.refs.attach(target.replace(`refs/remotes/${from}/`, `refs/remotes/${to}/`), '', { name: next })
      }
      return 0
    }
    case 'get-url': {
      const options = new Options('remote', rest, ['push', 'all'])
      const name = demandUrl(names(), options.operands[0])
      session.out(`${remoteAddress(repo, name, options.has('push'))}\n`)
      return 0
    }
    case 'set-url': {
      const options = new Options('remote', rest, ['push', 'add', 'delete'])
      const name = demandUrl(names(), options.operands[0])
      if (options.operands[1] === undefined) throw usage()
      config.setLocal(`remote.${name}.${options.has('push') ? 'pushurl' : 'url'}`, options.operands[1])
      return 0
    }
    case 'prune': {
      const name = demand(rest.find((each) => !each.startsWith('-')))
      const there = new Set((await openRemote(session, remoteAddress(repo, name)!).refs()).map((ref) => ref.name))
      const stale = repo.refs.list(`refs/remotes/${name}/`).filter(({ name: ref }) => repo.refs.target(ref) === undefined && !there.has(`refs/heads/${ref.slice(`refs/remotes/${name}/`.length)}`))
      if (stale.length > 0) session.out(`Pruning ${name}\nURL: ${remoteAddress(repo, name)}\n`)
      for (const { name: ref } of stale) { repo.refs.remove(ref); session.out(` * [pruned] ${ref.slice('refs/remotes/'.length)}\n`) }
      return 0
    }
    case 'update': return fetch(session, ['--multiple', ...rest.length > 0 ? rest : names()])
    case 'set-head': {
      const options = new Options('remote', rest, ['a|auto', 'd|delete'])
      const name = demand(options.operands[0])
      if (options.has('delete')) { repo.refs.remove(`refs/remotes/${name}/HEAD`); return 0 }
      const branch = options.operands[1] ?? (await openRemote(session, remoteAddress(repo, name)!).refs()).find((ref) => ref.name === 'HEAD')?.target?.replace('refs/heads/', '')
      if (branch === undefined) throw new GitFailure('error: Cannot determine remote HEAD', 1)
      if (repo.refs.id(`refs/remotes/${name}/${branch}`) === undefined) throw new GitFailure(`error: Not a valid ref: refs/remotes/${name}/${branch}`, 1)
      repo.refs.attach(`refs/remotes/${name}/${branch}`, '', { name: `refs/remotes/${name}/HEAD` })
      if (options.has('auto')) session.out(`${name}/HEAD set to ${branch}\n`)
      return 0
    }
    default: throw new GitFailure(`error: unknown subcommand: \`${verb}'\n${usage().message}`, 129)
  }
}

function demandUrl(names: readonly string[], name: string | undefined): string {
  if (name === undefined) throw usage()
  if (!names.includes(name)) throw new GitFailure(`error: No such remote '${name}'`, 2)
  return name
}

async function showRemote(session: Session, repo: Repository, rest: readonly string[]): Promise<number> {
  const name = rest.find((each) => !each.startsWith('-'))!
  const url = remoteAddress(repo, name) ?? name
  const refs = rest.includes('-n') ? undefined : await openRemote(session, url).refs()
  session.out(`* remote ${name}\n  Fetch URL: ${url}\n  Push  URL: ${remoteAddress(repo, name, true) ?? url}\n  HEAD branch: ${refs === undefined ? '(not queried)' : refs.find((ref) => ref.name === 'HEAD')?.target?.replace('refs/heads/', '') ?? '(unknown)'}\n`)
  const heads = refs?.filter((ref) => ref.name.startsWith('refs/heads/')).map((ref) => ref.name.slice(11)) ?? repo.refs.list(`refs/remotes/${name}/`).filter((ref) => !ref.name.endsWith('/HEAD')).map((ref) => ref.name.slice(`refs/remotes/${name}/`.length))
  const width = (list: readonly string[]) => Math.max(0, ...list.map((each) => each.length))
  if (heads.length > 0) session.out(`  Remote branch${heads.length === 1 ? '' : 'es'}:${refs ? '' : ' (status not queried)'}\n${heads.map((head) => `    ${refs ? `${head.padEnd(width(heads))} ${repo.refs.id(`refs/remotes/${name}/${head}`) === undefined ? `new (next fetch will store in remotes/${name})` : 'tracked'}` : head}\n`).join('')}`)
  const pulls = repo.config.subsections('branch').filter((branch) => repo.config.get(`branch.${branch}.remote`) === name && repo.refs.id(`refs/heads/${branch}`) !== undefined).sort()
  if (pulls.length > 0) session.out(`  Local branch${pulls.length === 1 ? '' : 'es'} configured for 'git pull':\n${pulls.map((branch) => `    ${branch.padEnd(width(pulls))} merges with remote ${repo.config.get(`branch.${branch}.merge`)!.replace('refs/heads/', '')}\n`).join('')}`)
  const pushes = repo.refs.list('refs/heads/').map((ref) => ref.name.slice(11)).filter((branch) => heads.includes(branch))
  if (pushes.length > 0) {
    session.out(`  Local ref${pushes.length === 1 ? '' : 's'} configured for 'git push'${refs ? '' : ' (status not queried)'}:\n`)
    for (const branch of pushes) {
      const [own, other] = [repo.refs.id(`refs/heads/${branch}`)!, refs?.find((ref) => ref.name === `refs/heads/${branch}`)?.id]
      const state = other === undefined ? '' : own === other ? ' (up to date)' : !repo.objects.has(other) ? ' (local out of date)' : aheadBehind(repo, own, other).behind === 0 ? ' (fast-forwardable)' : ' (local out of date)'
      session.out(`    ${branch.padEnd(width(pushes))} pushes to ${branch.padEnd(width(pushes))}${state}\n`)
    }
  }
  return 0
}
