import { cleanMessage, writeCommit, writeIndexTree } from '../commit-object.ts'
import { GitFailure, fatal } from '../failure.ts'
import { formatIdentity, parseIdentity } from '../identity.ts'
import { stagedPaths } from '../merging.ts'
import { Options } from '../options.ts'
import { subjectOf } from '../pretty.ts'
import type { Repository } from '../repository.ts'
import { history, isAncestor, mergeBases, resolveCommit, upstreamOf } from '../revision.ts'
import type { Session } from '../session.ts'
import { forceFiles, obstacleMessage, switchFiles, worktreeChanges } from '../worktree.ts'
import { sha1 } from '../sha1.ts'
import { encodeText } from '../bytes.ts'
import { patchOf } from '../diff-output.ts'
import { commitReport } from './commit.ts'
import { commitChanges } from './log.ts'
import { DIFF_OPTIONS, diffRequest } from './diff-options.ts'
import { pickCommit } from './sequencer.ts'
import { popStash, saveStash } from './stash.ts'

type Verb = 'pick' | 'reword' | 'edit' | 'squash' | 'fixup' | 'drop' | 'exec' | 'break'
const VERBS: Readonly<Record<string, Verb>> = { p: 'pick', pick: 'pick', r: 'reword', reword: 'reword', e: 'edit', edit: 'edit', s: 'squash', squash: 'squash', f: 'fixup', fixup: 'fixup', d: 'drop', drop: 'drop', x: 'exec', exec: 'exec', b: 'break', break: 'break' }

interface Step { verb: Verb; id: string; text: string }

const FOLDER = 'rebase-merge'

const HELP = (range: string, count: number) => `
# Rebase ${range} (${count} command${count === 1 ? '' : 's'})
#
# Commands:
# p, pick <commit> = use commit
# r, reword <commit> = use commit, but edit the commit message
# e, edit <commit> = use commit, but stop for amending
# s, squash <commit> = use commit, but meld into previous commit
# f, fixup [-C | -c] <commit> = like "squash" but keep only the previous
#                    commit's log message, unless -C is used, in which case
#                    keep only this commit's message; -c is same as -C but
#                    opens the editor
# x, exec <command> = run command (the rest of the line) using shell
# b, break = stop here (continue rebase later with 'git rebase --continue')
# d, drop <commit> = remove commit
#
# These lines can be re-ordered; they are executed from top to bottom.
#
# If you remove a line here THAT COMMIT WILL BE LOST.
#
# However, if you remove everything, the rebase will be aborted.
#
`

function parseSteps(repo: Repository, text: string): Step[] {
  return text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#')).map((line) => {
    const [word = '', rest = ''] = [line.trim().split(/\s+/)[0]!, line.trim().replace(/^\S+\s*/, '')]
    const verb = VERBS[word]
    if (!verb) throw new GitFailure(`error: invalid line: ${line}\nYou can fix this with 'git rebase --edit-todo' and then run 'git rebase --continue'.\nOr you can abort the rebase with 'git rebase --abort'.`, 1)
    if (verb === 'exec' || verb === 'break') return { verb, id: '', text: rest }
    const id = resolveCommit(repo, rest.replace(/^-[cC]\s+/, '').split(/\s+/)[0]!)
    if (id === undefined) throw new GitFailure(`error: could not parse '${rest.split(' ')[0]}'\nerror: invalid line: ${line}`, 1)
    return { verb, id, text: subjectOf(repo.objects.commit(id).message) }
  })
}

const stepText = (step: Step, short: (id: string) => string) => step.verb === 'exec' ? `exec ${step.text}\n` : step.verb === 'break' ? 'break\n' : `${step.verb} ${short(step.id)} ${step.text}\n`

/** What a commit changes, to tell whether another one does the same. */
function patchId(session: Session, repo: Repository, id: string): string {
  const { style } = diffRequest(session, repo, new Options('diff', [], DIFF_OPTIONS), ['patch'])
  return sha1(encodeText(commitChanges(repo, repo.objects.commit(id)).map((change) => patchOf(change, { ...style, paint: (_, text) => text }).replace(/^(index|@@).*$/gm, '').replace(/\s+/g, '')).join('')))
}

export async function rebase(session: Session, args: readonly string[]): Promise<number> {
  const options = new Options('rebase', args, ['onto=', 'keep-base', 'no-verify', 'q|quiet', 'v|verbose', 'n|no-stat', 'signoff', 'committer-date-is-author-date', 'reset-author-date', 'f|force-rebase', 'no-ff', 'continue', 'skip', 'abort', 'quit', 'edit-todo', 'show-current-patch', 'apply', 'm|merge', 'i|interactive', 'autosquash', 'k|keep-empty', 'autostash', 'x|exec=', 'r|rebase-merges?', 'fork-point', 's|strategy=', 'X|strategy-option=', 'root', 'empty=', 'reapply-cherry-picks', 'stat', 'update-refs', 'S|gpg-sign?'])
  const repo = session.repository
  repo.top
  const under = repo.note(`${FOLDER}/head-name`) !== undefined
  const which = (['continue', 'skip', 'abort', 'quit', 'edit-todo', 'show-current-patch'] as const).find((name) => options.has(name))
  if (which) {
    if (!under) throw fatal('No rebase in progress?')
    if (which === 'abort') return abort(session, repo)
    if (which === 'quit') { repo.removeNotes(FOLDER, 'REBASE_HEAD'); return 0 }
    if (which === 'edit-todo') {
      const path = `${repo.gitDir}/${FOLDER}/git-rebase-todo`
      const steps = parseSteps(repo, repo.note(`${FOLDER}/git-rebase-todo`)!)
      repo.writeNote(`${FOLDER}/git-rebase-todo`, steps.map((step) => stepText(step, (id) => repo.abbreviate(id))).join('') + HELP('', steps.length))
      repo.writeNote(`${FOLDER}/git-rebase-todo`, parseSteps(repo, await session.edit(path)).map((step) => stepText(step, (id) => id)).join(''))
      return 0
    }
    if (which === 'show-current-patch') throw fatal("use 'git show REBASE_HEAD'")
    if (which === 'skip') {
      await forceFiles(repo, session.proc.clock, repo.filesOf(repo.head))
      repo.index.write()
      repo.removeNotes('CHERRY_PICK_HEAD', 'MERGE_MSG', `${FOLDER}/message`, `${FOLDER}/author-script`)
    } else {
      if (repo.index.unmerged().length > 0) { session.out(repo.index.unmerged().map((path) => `${path}: needs merge\n`).join('')); throw new GitFailure('You must edit all merge conflicts and then\nmark them as resolved using git add', 1) }
      if ((await worktreeChanges(repo, session.proc.clock)).length > 0) throw new GitFailure('error: cannot rebase: You have unstaged changes.', 1)
      const code = await concludeStep(session, repo)
      if (code !== 0) return code
    }
    return run(session, repo)
  }
  if (under) throw fatal(`It seems that there is already a ${FOLDER} directory, and\nI wonder if you are in the middle of another rebase.  If that is the\ncase, please try\n\tgit rebase (--continue | --abort | --skip)\nIf that is not the case, please\n\trm -fr ".git/${FOLDER}"\nand run me again.  I am stopping in case you still have something\nvaluable there.\n`)
  if (options.has('rebase-merges')) throw fatal('rebasing merges as merges is not supported here; leave out --rebase-merges')
  return start(session, repo, options)
}

async function start(session: Session, repo: Repository, options: Options): Promise<number> {
  const [first, second] = options.operands
  let upstreamName = options.has('root') ? undefined : first
  const branchArgument = options.has('root') ? first : second
  if (upstreamName === undefined && !options.has('root')) {
    const upstream = repo.branch === undefined ? undefined : upstreamOf(repo, repo.branch)
    if (!upstream) { session.out(repo.branch === undefined ? "You are not currently on a branch.\nPlease specify which branch you want to rebase against.\nSee git-rebase(1) for details.\n\n    git rebase '<branch>'\n\n" : `There is no tracking information for the current branch.\nPlease specify which branch you want to rebase against.\nSee git-rebase(1) for details.\n\n    git rebase '<branch>'\n\nIf you wish to set tracking information for this branch you can do so with:\n\n    git branch --set-upstream-to=${repo.config.subsections('remote')[0] ?? '<remote>'}/<branch> ${repo.branch}\n\n`); return 1 }
    upstreamName = upstream.ref
  }
  const shownUpstream = upstreamName?.replace(/^refs\/(heads|remotes)\//, '')
  const upstream = upstreamName === undefined ? undefined : resolveCommit(repo, upstreamName === '-' ? '@{-1}' : upstreamName)
  if (upstreamName !== undefined && upstream === undefined) throw fatal(`invalid upstream '${upstreamName}'`)
  const ontoName = options.value('onto') ?? shownUpstream
  let onto = options.value('onto') === undefined ? upstream : resolveCommit(repo, options.value('onto')!)
  if (onto === undefined && options.value('onto') !== undefined) throw fatal(`Does not point to a valid commit '${options.value('onto')}'`)
  const branchName = branchArgument ?? repo.branch
  const isBranch = branchName !== undefined && repo.refs.id(`refs/heads/${branchName}`) !== undefined
  const tip = branchArgument === undefined ? repo.head : resolveCommit(repo, branchArgument)
  if (tip === undefined) throw branchArgument === undefined ? fatal(`Could not resolve HEAD to a revision`) : fatal(`no such branch/commit '${branchArgument}'`)
  if (options.has('keep-base') && upstream) onto = mergeBases(repo, upstream, tip)[0]
  // Nothing may be lost.
  let stashed: string | undefined
  const dirty = (await worktreeChanges(repo, session.proc.clock)).length > 0
  const staged = stagedPaths(repo).length > 0
  if (dirty || staged) {
    if (options.has('autostash') || (repo.config.flag('rebase.autoStash', false) && !options.isOff('autostash'))) {
      stashed = await saveStash(session, { message: undefined, title: 'autostash', store: false })
      if (stashed !== undefined) session.out(`Created autostash: ${repo.abbreviate(stashed)}\n`)
    } else throw new GitFailure(dirty ? `error: cannot rebase: You have unstaged changes.\n${staged ? 'error: additionally, your index contains uncommitted changes.\n' : ''}error: Please commit or stash them.` : 'error: cannot rebase: Your index contains uncommitted changes.\nerror: Please commit or stash them.', 1)
  }
  const root = onto === undefined
  const excluded = upstream === undefined ? [] : [upstream]
  const all = [...history(repo, { include: [tip], exclude: excluded })].reverse()
  const interactive = options.has('interactive')
  const merges = all.some((id) => repo.objects.commit(id).parents.length > 1)
  const base = upstream === undefined ? undefined : mergeBases(repo, upstream, tip)[0]
  const headName = isBranch ? `refs/heads/${branchName}` : 'detached HEAD'
  const shownBranch = isBranch ? branchName : 'HEAD'
  const quiet = options.has('quiet')
  const moveToBranch = async (): Promise<void> => {
    if (branchArgument === undefined || repo.branch === branchArgument) return
    const obstacles = await switchFiles(repo, session.proc.clock, repo.filesOf(repo.head), repo.filesOf(tip))
    if (obstacles) throw obstacleMessage(obstacles, 'checkout')
    repo.index.write()
    if (isBranch) repo.refs.attach(headName, `rebase (start): checkout ${branchArgument}`)
    else repo.refs.detach(tip, `rebase (start): checkout ${branchArgument}`)
  }
  const upToDate = onto !== undefined && base === onto && !merges && isAncestor(repo, onto, tip) && options.value('onto') === undefined
  if (upToDate && !interactive && options.value('exec') === undefined && !options.has('force-rebase', 'no-ff')) {
    await moveToBranch()
    if (!quiet) session.out(`Current branch ${shownBranch} is up to date.\n`)
    if (stashed !== undefined) await applyAutostash(session, stashed)
    return 0
  }
  if (upToDate && options.has('force-rebase', 'no-ff') && !quiet) session.out(`Current branch ${shownBranch} is up to date, rebase forced.\n`)
  // What is there already in another form isn't done again.
  const theirs = new Set<string>()
  if (upstream !== undefined && base !== upstream) for (const id of history(repo, { include: [upstream], exclude: [tip] })) if (repo.objects.commit(id).parents.length < 2) theirs.add(patchId(session, repo, id))
  const skipped: string[] = []
  let steps: Step[] = []
  for (const id of all) {
    const commit = repo.objects.commit(id)
    if (commit.parents.length > 1) continue
    if (theirs.size > 0 && !options.has('reapply-cherry-picks') && theirs.has(patchId(session, repo, id))) { skipped.push(id); continue }
    steps.push({ verb: 'pick', id, text: subjectOf(commit.message) })
    await session.breathe()
  }
  if (skipped.length > 0 && !quiet) {
    for (const id of skipped) await session.complain(`warning: skipped previously applied commit ${repo.abbreviate(id)}\n`)
    await session.complain('hint: use --reapply-cherry-picks to include skipped commits\nhint: Disable this message with "git config advice.skippedCherryPicks false"\n')
  }
  if (options.has('autosquash') || (interactive && repo.config.flag('rebase.autoSquash', false) && !options.isOff('autosquash'))) steps = autosquashed(steps, repo)
  for (const command of options.all('exec')) steps = steps.flatMap((step) => [step, { verb: 'exec' as const, id: '', text: command }])
  const ontoShort = onto === undefined ? '' : repo.abbreviate(onto)
  if (interactive) {
    const short = (id: string) => repo.abbreviate(id)
    const path = `${repo.gitDir}/${FOLDER}/git-rebase-todo`
    const range = upstream === undefined ? `${short(tip)} onto ${ontoShort}` : `${short(upstream)}..${short(tip)} onto ${ontoShort}`
    repo.writeNote(`${FOLDER}/git-rebase-todo`, (steps.length === 0 ? 'noop\n' : steps.map((step) => stepText(step, short)).join('')) + HELP(range, steps.length))
    let text: string
    try {
      const editor = session.proc.env['GIT_SEQUENCE_EDITOR'] ?? repo.config.get('sequence.editor')
      text = await session.edit(path, editor)
    } catch (error) {
      repo.removeNotes(FOLDER)
      throw error
    }
    try {
      steps = parseSteps(repo, text.replace(/^noop$/m, ''))
    } catch (error) {
      repo.removeNotes(FOLDER)
      throw error
    }
    if (steps.length === 0 && !/^noop$/m.test(text)) { repo.removeNotes(FOLDER); throw new GitFailure('error: nothing to do', 1) }
    const bad = steps.find((step) => step.verb !== 'drop')
    if (bad && (bad.verb === 'squash' || bad.verb === 'fixup')) { repo.removeNotes(FOLDER); throw new GitFailure(`error: cannot '${bad.verb}' without a previous commit\nYou can fix this with 'git rebase --edit-todo' and then run 'git rebase --continue'.\nOr you can abort the rebase with 'git rebase --abort'.`, 1) }
  }
  await moveToBranch()
  repo.writeNote('ORIG_HEAD', `${tip}\n`)
  repo.writeNote(`${FOLDER}/head-name`, `${headName}\n`)
  repo.writeNote(`${FOLDER}/orig-head`, `${tip}\n`)
  if (onto !== undefined) repo.writeNote(`${FOLDER}/onto`, `${onto}\n`)
  repo.writeNote(`${FOLDER}/interactive`, '')
  if (quiet) repo.writeNote(`${FOLDER}/quiet`, '')
  if (options.has('committer-date-is-author-date')) repo.writeNote(`${FOLDER}/cdate_is_adate`, '')
  if (stashed !== undefined) repo.writeNote(`${FOLDER}/autostash`, `${stashed}\n`)
  repo.writeNote(`${FOLDER}/end`, `${steps.length}\n`)
  repo.writeNote(`${FOLDER}/git-rebase-todo`, steps.map((step) => stepText(step, (id) => id)).join(''))
  if (root) {
    const firstStep = steps[0]
    if (!firstStep) return 0
    onto = firstStep.id
    repo.writeNote(`${FOLDER}/onto`, `${onto}\n`)
  }
  if (onto !== undefined) {
    // Commits that are in place already are left where they are.
    let at = onto
    const forced = options.has('force-rebase', 'no-ff')
    const done: Step[] = []
    while (!forced && steps[0]?.verb === 'pick' && (repo.objects.commit(steps[0].id).parents[0] === at || (root && steps[0].id === at))) { at = steps[0].id; done.push(steps.shift()!) }
    repo.writeNote(`${FOLDER}/git-rebase-todo`, steps.map((step) => stepText(step, (id) => id)).join(''))
    if (done.length > 0) repo.writeNote(`${FOLDER}/done`, done.map((step) => stepText(step, (id) => id)).join(''))
    const obstacles = await switchFiles(repo, session.proc.clock, repo.filesOf(repo.head), repo.filesOf(at))
    if (obstacles) { repo.removeNotes(FOLDER); throw new GitFailure(`${obstacleMessage(obstacles, 'checkout').message}\nerror: could not detach HEAD`, 1) }
    repo.index.write()
    repo.refs.detach(at, `rebase (start): checkout ${ontoName ?? onto}`)
  }
  return run(session, repo)
}

/** `fixup!` and `squash!` commits go behind those that they mean. */
function autosquashed(steps: readonly Step[], repo: Repository): Step[] {
  const out: Step[] = []
  for (const step of steps) {
    const match = /^(fixup|squash)! (.*)$/.exec(step.text)
    const at = match ? out.findLastIndex((each) => each.text.replace(/^((fixup|squash)! )+/, '').startsWith(match[2]!.replace(/^((fixup|squash)! )+/, '')) || repo.abbreviate(each.id).startsWith(match[2]!)) : -1
    if (at < 0) out.push(step)
    else out.splice(at + 1, 0, { ...step, verb: match![1] as Verb })
  }
  return out
}

const PICK = { mainline: undefined, noCommit: false, edit: false, signoff: false, reference: false, allowEmpty: true, keepRedundant: false }

/** Does what is left to do, until it is done or somebody is needed. */
async function run(session: Session, repo: Repository): Promise<number> {
  const total = Number(repo.note(`${FOLDER}/end`)!.trim())
  for (;;) {
    const steps = parseSteps(repo, repo.note(`${FOLDER}/git-rebase-todo`) ?? '')
    const step = steps.shift()
    if (!step) return finish(session, repo)
    repo.writeNote(`${FOLDER}/git-rebase-todo`, steps.map((each) => stepText(each, (id) => id)).join(''))
    repo.writeNote(`${FOLDER}/done`, (repo.note(`${FOLDER}/done`) ?? '') + stepText(step, (id) => id))
    const number = total - steps.length

    if (repo.note(`${FOLDER}/quiet`) === undefined) await session.complain(`Rebasing (${number}/${total})\r`)
    if (step.verb === 'drop') continue
    if (step.verb === 'break') return 0
    if (step.verb === 'exec') {
      await session.complain(`${clearLine(session)}Executing: ${step.text}\n`)
      await session.flush()
      const { code } = await session.proc.spawn(['sh', '-c', step.text], { stdin: session.proc.stdin, stdout: session.proc.stdout, stderr: session.proc.stderr, cwd: repo.top }).wait()
      if (code !== 0) throw new GitFailure(`warning: execution failed: ${step.text}\nYou can fix the problem, and then run\n\n  git rebase --continue\n\n`, 1)
      continue
    }
    const code = await runStep(session, repo, step)
    if (code !== undefined) return code
    await session.breathe()
  }
}

async function runStep(session: Session, repo: Repository, step: Step): Promise<number | undefined> {
  const commit = repo.objects.commit(step.id)
  const melds = step.verb === 'squash' || step.verb === 'fixup'
  if (!melds && commit.parents[0] === repo.head && repo.head !== undefined) {
    const obstacles = await switchFiles(repo, session.proc.clock, repo.filesOf(repo.head), repo.filesOf(step.id))
    if (obstacles) throw obstacleMessage(obstacles, 'merge')
    repo.index.write()
    repo.refs.update('HEAD', step.id, `rebase (${step.verb}): ${step.text}`)
    return afterPick(session, repo, step)
  }
  const result = await pickCommit(session, step.id, 'pick', PICK)
  session.out(result.messages.map((text) => `${text}\n`).join(''))
  if (result.kind === 'conflict') {
    repo.removeNotes('CHERRY_PICK_HEAD')
    repo.writeNote('REBASE_HEAD', `${step.id}\n`)
    repo.writeNote(`${FOLDER}/stopped-sha`, `${step.id}\n`)
    repo.writeNote(`${FOLDER}/message`, melds ? meldMessage(repo, step) : repo.note('MERGE_MSG')!)
    repo.writeNote(`${FOLDER}/author`, formatIdentity(commit.author))
    repo.writeNote(`${FOLDER}/step`, step.verb)
    await session.complain(`error: could not apply ${repo.abbreviate(step.id)}... ${step.text}\nhint: Resolve all conflicts manually, mark them as resolved with\nhint: "git add/rm <conflicted_files>", then run "git rebase --continue".\nhint: You can instead skip this commit: run "git rebase --skip".\nhint: To abort and get back to the state before "git rebase", run "git rebase --abort".\nCould not apply ${repo.abbreviate(step.id)}... ${step.text}\n`)
    return 1
  }
  repo.removeNotes('CHERRY_PICK_HEAD', 'MERGE_MSG')
  if (result.kind === 'empty') {
    await session.complain(`dropping ${step.id} ${step.text} -- patch contents already upstream\n`)
    return undefined
  }
  if (melds) {
    const before = repo.objects.commit(repo.head!)
    let message = meldMessage(repo, step)
    if (step.verb === 'squash') {
      repo.writeNote('COMMIT_EDITMSG', message)
      message = cleanMessage(await session.edit(`${repo.gitDir}/COMMIT_EDITMSG`), true)
    }
    const id = writeCommit(repo, { tree: writeIndexTree(repo), parents: before.parents, author: before.author, committer: session.committer(), message: cleanMessage(message, true) })
    repo.refs.update('HEAD', id, `rebase (${step.verb}): ${subjectOf(repo.objects.commit(id).message)}`)
    if (step.verb === 'squash') session.out(await commitReport(session, repo, id, { root: before.parents.length === 0, date: true }))
    return undefined
  }
  repo.refs.update('HEAD', result.id!, `rebase (${step.verb}): ${step.text}`)
  return afterPick(session, repo, step)
}

function meldMessage(repo: Repository, step: Step): string {
  const before = repo.objects.commit(repo.head!).message
  if (step.verb === 'fixup') return before
  return `# This is a combination of 2 commits.\n# This is the 1st commit message:\n\n${before}\n# This is the commit message #2:\n\n${repo.objects.commit(step.id).message}`
}

async function afterPick(session: Session, repo: Repository, step: Step): Promise<number | undefined> {
  if (step.verb === 'reword') {
    const commit = repo.objects.commit(repo.head!)
    repo.writeNote('COMMIT_EDITMSG', `${commit.message}\n# Please enter the commit message for your changes. Lines starting\n# with '#' will be ignored, and an empty message aborts the commit.\n#\n`)
    const message = cleanMessage(await session.edit(`${repo.gitDir}/COMMIT_EDITMSG`), true)
    const id = writeCommit(repo, { ...commit, committer: session.committer(), message })
    repo.refs.update('HEAD', id, `rebase (reword): ${subjectOf(message)}`)
    session.out(await commitReport(session, repo, id, { root: commit.parents.length === 0, date: true }))
  }
  if (step.verb === 'edit') {
    repo.writeNote(`${FOLDER}/amend`, `${repo.head}\n`)
    repo.writeNote('REBASE_HEAD', `${step.id}\n`)
    await session.complain(`${clearLine(session)}Stopped at ${repo.abbreviate(step.id)}...  ${step.text}\nYou can amend the commit now, with\n\n  git commit --amend \n\nOnce you are satisfied with your changes, run\n\n  git rebase --continue\n`)
    return 0
  }
  return undefined
}

/** Commits what conflicts were settled to. */
async function concludeStep(session: Session, repo: Repository): Promise<number> {
  const staged = stagedPaths(repo).length > 0
  const message = repo.note(`${FOLDER}/message`)
  if (repo.note(`${FOLDER}/amend`) !== undefined) {
    repo.removeNotes(`${FOLDER}/amend`)
    if (staged) {
      const commit = repo.objects.commit(repo.head!)
      const id = writeCommit(repo, { ...commit, tree: writeIndexTree(repo), committer: session.committer() })
      repo.refs.update('HEAD', id, `rebase (continue): ${subjectOf(commit.message)}`)
    }
    return 0
  }
  if (message === undefined) return 0
  const author = repo.note(`${FOLDER}/author`)
  const melds = ['squash', 'fixup'].includes(repo.note(`${FOLDER}/step`) ?? '')
  repo.removeNotes(`${FOLDER}/message`, `${FOLDER}/author`, `${FOLDER}/stopped-sha`, `${FOLDER}/step`, 'MERGE_MSG', 'CHERRY_PICK_HEAD', 'REBASE_HEAD')
  if (!staged) return 0
  let text = message
  repo.writeNote('COMMIT_EDITMSG', text)
  text = cleanMessage(await session.edit(`${repo.gitDir}/COMMIT_EDITMSG`), true)
  if (text === '') throw new GitFailure('Aborting commit due to empty commit message.', 1)
  const head = repo.objects.commit(repo.head!)
  const id = writeCommit(repo, { tree: writeIndexTree(repo), parents: melds ? head.parents : [repo.head!], author: melds ? head.author : parseIdentity(author ?? ''), committer: session.committer(), message: text })
  repo.refs.update('HEAD', id, `rebase (continue): ${subjectOf(text)}`)
  session.out(await commitReport(session, repo, id, { root: false, date: false }))
  return 0
}

async function finish(session: Session, repo: Repository): Promise<number> {
  const headName = repo.note(`${FOLDER}/head-name`)!.trim()
  const onto = repo.note(`${FOLDER}/onto`)!.trim()
  const quiet = repo.note(`${FOLDER}/quiet`) !== undefined
  const autostash = repo.note(`${FOLDER}/autostash`)?.trim()
  const head = repo.head!
  if (headName !== 'detached HEAD') {
    repo.refs.update(headName, head, `rebase (finish): ${headName} onto ${onto}`)
    repo.refs.attach(headName, `rebase (finish): returning to ${headName}`)
  }
  repo.removeNotes(FOLDER, 'REBASE_HEAD', 'CHERRY_PICK_HEAD', 'MERGE_MSG')
  if (autostash !== undefined) await applyAutostash(session, autostash)
  if (!quiet) await session.complain(clearLine(session) + (headName === 'detached HEAD' ? 'Successfully rebased and updated detached HEAD.\n' : `Successfully rebased and updated ${headName}.\n`))
  return 0
}

const repoIsQuiet = (session: Session) => session.repository.note(`${FOLDER}/quiet`) !== undefined

/** Takes the line about how far it got away. */
const clearLine = (session: Session) => repoIsQuiet(session) ? '' : (session.proc.env['TERM'] ?? 'dumb') === 'dumb' ? `\r${' '.repeat(Number(session.proc.env['COLUMNS'] ?? 80) || 80)}\r` : '\r\x1b[K'

async function applyAutostash(session: Session, id: string): Promise<void> {
  if (await popStash(session, id)) await session.complain('Applied autostash.\n')
  else await session.complain('Applying autostash resulted in conflicts.\nYour changes are safe in the stash.\nYou can run "git stash pop" or "git stash drop" at any time.\n')
}

async function abort(session: Session, repo: Repository): Promise<number> {
  const headName = repo.note(`${FOLDER}/head-name`)!.trim()
  const original = repo.note(`${FOLDER}/orig-head`)!.trim()
  const autostash = repo.note(`${FOLDER}/autostash`)?.trim()
  await forceFiles(repo, session.proc.clock, repo.filesOf(original))
  repo.index.write()
  if (headName !== 'detached HEAD') repo.refs.attach(headName, `rebase (abort): returning to ${headName}`)
  else repo.refs.detach(original, `rebase (abort): returning to ${original}`)
  repo.removeNotes(FOLDER, 'REBASE_HEAD', 'CHERRY_PICK_HEAD', 'MERGE_MSG')
  if (autostash !== undefined) await applyAutostash(session, autostash)
  return 0
}
