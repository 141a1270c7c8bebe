import { fatal } from '../failure.ts'
import { Options } from '../options.ts'
import { Pathspec } from '../pathspec.ts'
import type { Session } from '../session.ts'
import { branchLine, collectStatus, longStatus, porcelainV2, shortStatus } from '../status.ts'
import type { StatusOptions } from '../status.ts'

/** `-u`'s value, or what the settings say. */
export function untrackedMode(session: Session, options: Options): StatusOptions['untracked'] {
  const given = options.isOff('untracked-files') ? 'no' : options.has('untracked-files') ? options.value('untracked-files') ?? 'all' : session.repository.config.get('status.showUntrackedFiles') ?? 'normal'
  if (given !== 'no' && given !== 'normal' && given !== 'all') throw fatal(`Invalid untracked files mode '${given}'`)
  return given
}

export async function status(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('status', args, ['v|verbose', 's|short', 'b|branch', 'show-stash', 'ahead-behind', 'porcelain?', 'long', 'z|null', 'u|untracked-files?', 'ignored?', 'ignore-submodules?', 'column?', 'renames', 'M|find-renames?'])
  const repo = session.repository
  repo.top
  const mode = untrackedMode(session, options)
  const spec = new Pathspec(options.operands, repo.prefix, repo.top)
  const state = await collectStatus(repo, session.proc.clock, { untracked: mode, ignored: options.has('ignored') && options.value('ignored') !== 'no', ...(spec.isEmpty ? {} : { wanted: spec }), ...(options.isOff('renames') ? { renames: false } : {}) })
  // What was found unchanged needn't be looked at again.
  try { repo.index.write() } catch { /* a repository that may only be read */ }
  const porcelain = options.has('porcelain') || (options.has('null') && !options.has('short', 'long'))
  if (options.value('porcelain') === 'v2' || options.value('porcelain') === '2') {
    session.out(porcelainV2(repo, state, { branch: options.has('branch'), nulls: options.has('null') }))
    return 0
  }
  const plain = (_: unknown, text: string) => text
  const paint = porcelain ? plain : session.paint.bind(session)
  const short = options.has('short') || porcelain || (!options.has('long') && repo.config.flag('status.short', false))
  if (short) {
    if (options.has('branch') || (!porcelain && !options.isOff('branch') && repo.config.flag('status.branch', false))) session.out(branchLine(repo, paint))
    session.out(shortStatus(repo, state, { relative: !porcelain, nulls: options.has('null'), paint }))
    return 0
  }
  session.out(longStatus(repo, state, { hints: repo.config.flag('advice.statusHints', true), untrackedShown: mode !== 'no', paint }))
  if (options.has('show-stash') || repo.config.flag('status.showStash', false)) {
    const count = repo.refs.reflog('refs/stash').length
    if (count > 0) session.out(`Your stash currently has ${count} entr${count === 1 ? 'y' : 'ies'}\n`)
  }
  return 0
}
