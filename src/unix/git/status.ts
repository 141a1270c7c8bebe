import type { Clock } from '../../base/clock.ts'
import { quotePath } from './bytes.ts'
import { compareFiles, detectRenames, pathOf } from './changes.ts'
import type { Change } from './changes.ts'
import { NO_ID } from './objects.ts'
import type { Pathspec } from './pathspec.ts'
import type { Repository, TreeFile } from './repository.ts'
import { aheadBehind, findRef, peel, shortRef, upstreamOf } from './revision.ts'
import { relativeTo } from './session.ts'
import type { ColorName } from './session.ts'
import { untracked, worktreeChanges } from './worktree.ts'

export interface Status {
  staged: Change[]
  unstaged: Change[]
  /** Paths of merges that aren't settled, with the stages that are there as bits: 1 base, 2 ours, 4 theirs. */
  unmerged: { path: string; stages: number }[]
  untracked: string[]
  ignored: string[]
}

export interface StatusOptions {
  untracked: 'no' | 'normal' | 'all'
  ignored: boolean
  wanted?: Pathspec
  /** What is staged is compared with this commit; HEAD unless told otherwise. */
  against?: string | undefined
  renames?: boolean
}

/** Index entries that are settled, as a state of files. */
export function stagedFiles(repo: Repository): Map<string, TreeFile> {
  return new Map(repo.index.entries().filter((entry) => entry.stage === 0 && !entry.intent).map(({ path, mode, id }) => [path, { mode, id }]))
}

/** What is staged against a commit. */
export function stagedChanges(repo: Repository, commit: string | undefined, wanted: (path: string) => boolean = () => true): Change[] {
  return compareFiles(repo.filesOf(commit), stagedFiles(repo), (id) => repo.objects.blob(id), (path) => wanted(path) && !repo.index.isUnmerged(path))
}

export async function collectStatus(repo: Repository, clock: Clock, options: StatusOptions): Promise<Status> {
  const wanted = (path: string) => options.wanted?.matches(path) ?? true
  const staged = stagedChanges(repo, 'against' in options ? options.against : repo.head, wanted)
  const unmerged = new Map<string, number>()
  for (const { path, stage } of repo.index.entries()) if (stage > 0 && wanted(path)) unmerged.set(path, (unmerged.get(path) ?? 0) | (1 << (stage - 1)))
  const unstaged = (await worktreeChanges(repo, clock, wanted)).filter((change) => change.status !== 'U')
  const renames = options.renames ?? repo.config.get('status.renames') !== 'false'
  return {
    staged: renames ? await detectRenames(staged, clock) : staged,
    unstaged: renames ? await detectRenames(unstaged, clock) : unstaged,
    unmerged: [...unmerged].map(([path, stages]) => ({ path, stages })),
    untracked: options.untracked === 'no' ? [] : await untracked(repo, clock, { all: options.untracked === 'all', ...(options.wanted ? { wanted: options.wanted } : {}) }),
    ignored: options.ignored ? await untracked(repo, clock, { ignored: true, ...(options.wanted ? { wanted: options.wanted } : {}) }) : [],
  }
}

/** What is under way: a merge, a rebase and their kin. */
export function operationOf(repo: Repository): 'merge' | 'cherry-pick' | 'revert' | 'rebase' | undefined {
  if (repo.note('rebase-merge/head-name') !== undefined) return 'rebase'
  if (repo.note('MERGE_HEAD') !== undefined) return 'merge'
  if (repo.note('CHERRY_PICK_HEAD') !== undefined) return 'cherry-pick'
  if (repo.note('REVERT_HEAD') !== undefined) return 'revert'
  return undefined
}

/** Where HEAD was put when it left its branch: what the user called it, and whether it is still there. */
export function detachedAt(repo: Repository): { name: string; still: boolean } | undefined {
  for (const { message, to } of repo.refs.reflog('HEAD')) {
    const name = /^checkout: moving from \S+ to (\S+)/.exec(message)?.[1]
    if (name === undefined) continue
    const ref = findRef(repo, name)
    const named = ref !== undefined && !ref.startsWith('refs/heads/') && peel(repo, repo.refs.id(ref)!) === to ? shortRef(repo, ref) : repo.abbreviate(to)
    return { name: named, still: repo.head === to }
  }
  return undefined
}

/** What a branch and the one it follows have to say about each other. As remote.c format_tracking_info words it. */
export function trackingText(repo: Repository, branch: string, hints = true): string {
  const upstream = upstreamOf(repo, branch)
  const own = repo.refs.id(`refs/heads/${branch}`)
  if (!upstream || own === undefined) return ''
  const name = shortRef(repo, upstream.ref)
  const other = upstream.ref === '' ? undefined : repo.refs.id(upstream.ref)
  if (upstream.ref === '') return ''
  if (other === undefined) return `Your branch is based on '${name}', but the upstream is gone.\n${hints ? '  (use "git branch --unset-upstream" to fixup)\n' : ''}`
  const { ahead, behind } = aheadBehind(repo, own, other)
  const commits = (n: number) => `${n} commit${n === 1 ? '' : 's'}`
  if (ahead === 0 && behind === 0) return `Your branch is up to date with '${name}'.\n`
  if (behind === 0) return `Your branch is ahead of '${name}' by ${commits(ahead)}.\n${hints ? '  (use "git push" to publish your local commits)\n' : ''}`
  if (ahead === 0) return `Your branch is behind '${name}' by ${commits(behind)}, and can be fast-forwarded.\n${hints ? '  (use "git pull" to update your local branch)\n' : ''}`
  return `Your branch and '${name}' have diverged,\nand have ${ahead} and ${behind} different commits each, respectively.\n${hints ? '  (use "git pull" to merge the remote branch into yours)\n' : ''}`
}

const LABELS: Readonly<Record<string, string>> = { A: 'new file:', M: 'modified:', D: 'deleted:', R: 'renamed:', C: 'copied:', T: 'typechange:' }
const UNMERGED: readonly (readonly [label: string, letters: string])[] = [['', ''], ['both deleted:', 'DD'], ['added by us:', 'AU'], ['deleted by them:', 'UD'], ['added by them:', 'UA'], ['deleted by us:', 'DU'], ['both added:', 'AA'], ['both modified:', 'UU']]

export interface LongStatusOptions {
  hints: boolean
  /** For the text below a commit's message: each line with `#` in front. */
  comment?: string
  untrackedShown: boolean
  amend?: boolean
  /** Without the closing line. */
  inEditor?: boolean
  paint(color: ColorName, text: string): string
  showBranch?: boolean
}

/** `git status` in words. As wt-status.c words it. */
export function longStatus(repo: Repository, status: Status, { hints, comment, untrackedShown, amend, inEditor, paint, showBranch = true }: LongStatusOptions): string {
  const lines: string[] = []
  const hint = (text: string) => { if (hints) lines.push(text) }
  const quoteHigh = repo.config.flag('core.quotePath', true)
  const shown = (path: string) => quotePath(relativeTo(repo.config.flag('status.relativePaths', true) ? repo.prefix : '', path), quoteHigh)
  const operation = operationOf(repo)
  const head = repo.head
  const initial = head === undefined
  if (showBranch) {
    if (repo.branch !== undefined) lines.push(`On branch ${repo.branch}`)
    else if (operation === 'rebase') lines.push(`${paint('red', 'interactive rebase in progress; onto ')}${repo.abbreviate(repo.note('rebase-merge/onto')!.trim())}`)
    else {
      const at = detachedAt(repo)
      lines.push(at ? `${paint('red', at.still ? 'HEAD detached at ' : 'HEAD detached from ')}${at.name}` : paint('red', 'Not currently on any branch.'))
    }
    const tracking = repo.branch === undefined ? '' : trackingText(repo, repo.branch, hints)
    if (tracking) lines.push(...tracking.split('\n'))
  }
  operationLines(repo, operation, status, hints, lines)
  if (initial) lines.push('', inEditor ? 'Initial commit' : 'No commits yet', '')
  const plain = operation === undefined || operation === 'revert' || operation === 'rebase'
  const unstage = initial ? '  (use "git rm --cached <file>..." to unstage)' : '  (use "git restore --staged <file>..." to unstage)'
  const entry = (color: ColorName, label: string, width: number, path: string) => `\t${paint(color, `${label.padEnd(width)}${path}`)}`
  const named = (change: Change) => change.score === undefined ? shown(pathOf(change)) : `${shown(change.old!.path)} -> ${shown(change.new!.path)}`
  if (status.staged.length > 0) {
    lines.push('Changes to be committed:')
    if (plain) hint(unstage)
    for (const change of status.staged) lines.push(entry('green', LABELS[change.status]!, 12, named(change)))
    lines.push('')
  }
  if (status.unmerged.length > 0) {
    const stages = status.unmerged.map((each) => each.stages)
    const bothDeleted = stages.includes(1)
    const oneDeleted = stages.some((each) => each === 3 || each === 5)
    lines.push('Unmerged paths:')
    if (plain) hint(unstage)
    if (!bothDeleted) hint(oneDeleted ? '  (use "git add/rm <file>..." as appropriate to mark resolution)' : '  (use "git add <file>..." to mark resolution)')
    else hint(!oneDeleted && stages.every((each) => each === 1) ? '  (use "git rm <file>..." to mark resolution)' : '  (use "git add/rm <file>..." as appropriate to mark resolution)')
    for (const { path, stages: bits } of status.unmerged) lines.push(entry('red', UNMERGED[bits]![0], 17, shown(path)))
    lines.push('')
  }
  if (status.unstaged.length > 0) {
    lines.push('Changes not staged for commit:')
    hint(status.unstaged.some((change) => change.status === 'D') ? '  (use "git add/rm <file>..." to update what will be committed)' : '  (use "git add <file>..." to update what will be committed)')
    hint('  (use "git restore <file>..." to discard changes in working directory)')
    for (const change of status.unstaged) lines.push(entry('red', LABELS[change.status]!, 12, named(change)))
    lines.push('')
  }
  const list = (title: string, option: string, paths: readonly string[]) => {
    if (paths.length === 0) return
    lines.push(title)
    hint(`  (use "git ${option} <file>..." to include in what will be committed)`)
    for (const path of paths) lines.push(`\t${paint('red', shown(path))}`)
    lines.push('')
  }
  if (untrackedShown) list('Untracked files:', 'add', status.untracked)
  list('Ignored files:', 'add -f', status.ignored)
  if (!untrackedShown && status.staged.length > 0 && !inEditor) lines.push(`Untracked files not listed${hints ? ' (use -u option to show untracked files)' : ''}`)
  if (inEditor && amend && status.staged.length === 0) lines.push('No changes')
  if (!inEditor && status.staged.length === 0 && !(operation === 'merge' && status.unmerged.length === 0)) {
    const say = (text: string, advice: string) => { lines.push(hints ? `${text} (${advice})` : text) }
    if (amend) lines.push('No changes')
    else if (status.unstaged.length > 0 || status.unmerged.length > 0) say('no changes added to commit', 'use "git add" and/or "git commit -a"')
    else if (status.untracked.length > 0) say('nothing added to commit but untracked files present', 'use "git add" to track')
    else if (initial) say('nothing to commit', 'create/copy files and use "git add" to track')
    else if (!untrackedShown) say('nothing to commit', 'use -u to show untracked files')
    else lines.push('nothing to commit, working tree clean')
  }
  if (comment !== undefined) return lines.map((line) => line === '' ? `${comment}\n` : line.startsWith('\t') ? `${comment}${line}\n` : `${comment} ${line}\n`).join('')
  return lines.map((line) => `${line}\n`).join('')
}

function operationLines(repo: Repository, operation: ReturnType<typeof operationOf>, status: Status, hints: boolean, lines: string[]): void {
  const conflicts = status.unmerged.length > 0
  const say = (...texts: string[]) => { for (const text of texts) if (hints || !text.startsWith('  (')) lines.push(text) }
  const short = (note: string) => repo.abbreviate(repo.note(note)!.trim())
  switch (operation) {
    case 'merge':
      if (conflicts) say('You have unmerged paths.', '  (fix conflicts and run "git commit")', '  (use "git merge --abort" to abort the merge)', '')
      else say('All conflicts fixed but you are still merging.', '  (use "git commit" to conclude merge)', '')
      break
    case 'cherry-pick': case 'revert': {
      const [word, note] = operation === 'revert' ? ['reverting', 'REVERT_HEAD'] : ['cherry-picking', 'CHERRY_PICK_HEAD']
      say(`You are currently ${word} commit ${short(note)}.`, conflicts ? `  (fix conflicts and run "git ${operation} --continue")` : `  (all conflicts fixed: run "git ${operation} --continue")`,
        `  (use "git ${operation} --skip" to skip this patch)`, `  (use "git ${operation} --abort" to cancel the ${operation === 'revert' ? 'revert' : 'cherry-pick'} operation)`, '')
      break
    }
    case 'rebase': {
      const todoLines = (note: string) => (repo.note(note) ?? '').split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.replace(/^(\w+) ([0-9a-f]{40})/, (_, word: string, id: string) => `${word} ${repo.abbreviate(id)}`))
      const done = todoLines('rebase-merge/done')
      const todo = todoLines('rebase-merge/git-rebase-todo')
      if (done.length > 0) {
        say(done.length === 1 ? 'Last command done (1 command done):' : `Last commands done (${done.length} commands done):`, ...done.slice(-2).map((line) => `   ${line}`))
        if (done.length > 2) say(`  (see more in file .git/rebase-merge/done)`)
      } else say('No commands done.')
      if (todo.length === 0) say('No commands remaining.')
      else {
        say(todo.length === 1 ? 'Next command to do (1 remaining command):' : `Next commands to do (${todo.length} remaining commands):`, ...todo.slice(0, 2).map((line) => `   ${line}`))
        say('  (use "git rebase --edit-todo" to view and edit)')
      }
      const head = repo.note('rebase-merge/head-name')!.trim()
      const onto = short('rebase-merge/onto')
      const doing = (word: string) => head === 'detached HEAD' ? `You are currently ${word}.` : `You are currently ${word} branch '${head.replace('refs/heads/', '')}' on '${onto}'.`
      if (conflicts) say(doing('rebasing'), '  (fix conflicts and then run "git rebase --continue")', '  (use "git rebase --skip" to skip this patch)', '  (use "git rebase --abort" to check out the original branch)')
      else if (repo.note('rebase-merge/amend') !== undefined) say(doing(status.staged.length + status.unstaged.length > 0 ? 'splitting a commit while rebasing' : 'editing a commit while rebasing'), '  (use "git commit --amend" to amend the current commit)', '  (use "git rebase --continue" once you are satisfied with your changes)')
      else say(doing('rebasing'), '  (all conflicts fixed: run "git rebase --continue")')
      say('')
      break
    }
    default:
  }
}

/** `## branch...upstream [ahead 1]`. */
export function branchLine(repo: Repository, paint: (color: ColorName, text: string) => string): string {
  const { branch } = repo
  if (branch === undefined) return `## ${paint('red', 'HEAD (no branch)')}\n`
  const upstream = upstreamOf(repo, branch)
  const ref = upstream && upstream.ref !== '' ? upstream.ref : undefined
  let text = `## ${repo.head === undefined ? 'No commits yet on ' : ''}${paint('green', branch)}`
  if (ref !== undefined) {
    text += `...${paint('red', shortRef(repo, ref))}`
    const other = repo.refs.id(ref)
    if (other === undefined) text += ' [gone]'
    else if (repo.head !== undefined) {
      const { ahead, behind } = aheadBehind(repo, repo.head, other)
      const parts = [...ahead ? [`ahead ${paint('green', String(ahead))}`] : [], ...behind ? [`behind ${paint('red', String(behind))}`] : []]
      if (parts.length > 0) text += ` [${parts.join(', ')}]`
    }
  }
  return `${text}\n`
}

/** `git status --short`. `relative`: paths as seen from where the user is. */
export function shortStatus(repo: Repository, status: Status, options: { relative: boolean; nulls: boolean; paint(color: ColorName, text: string): string }): string {
  interface Row { path: string; staged: string; unstaged: string; from?: string }
  const rows = new Map<string, Row>()
  const row = (path: string) => {
    let found = rows.get(path)
    if (!found) rows.set(path, found = { path, staged: ' ', unstaged: ' ' })
    return found
  }
  for (const change of status.staged) {
    const each = row(pathOf(change))
    each.staged = change.status
    if (change.score !== undefined) each.from = change.old!.path
  }
  for (const change of status.unstaged) {
    const each = row(pathOf(change))
    each.unstaged = change.status
    if (change.score !== undefined) each.from = change.old!.path
  }
  for (const { path, stages } of status.unmerged) {
    const each = row(path)
    each.staged = UNMERGED[stages]![1][0]!
    each.unstaged = UNMERGED[stages]![1][1]!
  }
  const quoteHigh = repo.config.flag('core.quotePath', true)
  const name = (path: string) => {
    const seen = options.relative ? relativeTo(repo.prefix, path) : path
    if (options.nulls) return seen
    const quoted = quotePath(seen, quoteHigh)
    return quoted.includes(' ') && !quoted.startsWith('"') ? `"${quoted}"` : quoted
  }
  const end = options.nulls ? '\0' : '\n'
  const order = [...rows.values()].sort((a, b) => a.path < b.path ? -1 : 1)
  const unmerged = new Set(status.unmerged.map(({ path }) => path))
  let text = ''
  for (const { path, staged, unstaged, from } of order) {
    const letter = (color: ColorName, value: string) => value === ' ' ? value : options.paint(color, value)
    text += `${letter(unmerged.has(path) ? 'red' : 'green', staged)}${letter('red', unstaged)} ${from === undefined ? name(path) : options.nulls ? `${name(path)}\0${name(from)}` : `${name(from)} -> ${name(path)}`}${end}`
  }
  for (const path of status.untracked) text += `${options.paint('red', '??')} ${name(path)}${end}`
  for (const path of status.ignored) text += `${options.paint('red', '!!')} ${name(path)}${end}`
  return text
}

/** `git status --porcelain=v2`. */
export function porcelainV2(repo: Repository, status: Status, options: { branch: boolean; nulls: boolean }): string {
  const end = options.nulls ? '\0' : '\n'
  const name = (path: string) => options.nulls ? path : quotePath(path, repo.config.flag('core.quotePath', true))
  const mode = (value: number | undefined) => (value ?? 0).toString(8).padStart(6, '0')
  let text = ''
  if (options.branch) {
    const { branch } = repo
    text += `# branch.oid ${repo.head ?? '(initial)'}${end}# branch.head ${branch ?? '(detached)'}${end}`
    const upstream = branch === undefined ? undefined : upstreamOf(repo, branch)
    if (upstream && upstream.ref !== '') {
      text += `# branch.upstream ${shortRef(repo, upstream.ref)}${end}`
      const other = repo.refs.id(upstream.ref)
      if (other !== undefined && repo.head !== undefined) {
        const { ahead, behind } = aheadBehind(repo, repo.head, other)
        text += `# branch.ab +${ahead} -${behind}${end}`
      }
    }
  }
  const paths = new Map<string, { staged?: Change; unstaged?: Change }>()
  for (const change of status.staged) paths.set(pathOf(change), { ...paths.get(pathOf(change)), staged: change })
  for (const change of status.unstaged) paths.set(pathOf(change), { ...paths.get(pathOf(change)), unstaged: change })
  for (const [path, { staged, unstaged }] of [...paths].sort(([a], [b]) => a < b ? -1 : 1)) {
    const index = repo.index.get(path)
    const old = staged ? staged.old : index
    const work = unstaged ? unstaged.new?.mode : index?.mode
    const renamed = staged?.score !== undefined
    text += `${renamed ? '2' : '1'} ${staged?.status ?? '.'}${unstaged?.status ?? '.'} N... ${mode(old?.mode)} ${mode(index?.mode)} ${mode(work)} ${old?.id ?? NO_ID} ${index?.id ?? NO_ID}`
    text += renamed ? ` ${staged.status}${Math.floor(staged.score! / 600)} ${name(path)}${options.nulls ? '\0' : '\t'}${name(staged.old!.path)}${end}` : ` ${name(path)}${end}`
  }
  for (const { path, stages } of status.unmerged) {
    const sides = ([1, 2, 3] as const).map((stage) => repo.index.get(path, stage))
    const there = repo.fs.exists(`${repo.top}/${path}`) ? sides[1]?.mode ?? sides[2]?.mode : 0
    text += `u ${UNMERGED[stages]![1]} N... ${sides.map((side) => mode(side?.mode)).join(' ')} ${mode(there)} ${sides.map((side) => side?.id ?? NO_ID).join(' ')} ${name(path)}${end}`
  }
  for (const path of status.untracked) text += `? ${name(path)}${end}`
  for (const path of status.ignored) text += `! ${name(path)}${end}`
  return text
}
