import type { Session } from '../session.ts'
import { branch } from './branch.ts'
import { checkout, restore, switchBranch } from './checkout.ts'
import { commit, commitTree } from './commit.ts'
import { config } from './config.ts'
import { daemon } from '../daemon.ts'
import { diff } from './diff.ts'
import { help, missing, version } from './help.ts'
import { init } from './init.ts'
import { log, reflog, revList, shortlog, show, whatchanged } from './log.ts'
import { merge } from './merge.ts'
import * as plumbing from './plumbing.ts'
import { rebase } from './rebase.ts'
import { remote } from './remote.ts'
import { reset } from './reset.ts'
import { blame, describe, grep } from './search.ts'
import { cherryPick, revert } from './sequencer.ts'
import { add, clean, mv, rm } from './stage.ts'
import { stash } from './stash.ts'
import { status } from './status.ts'
import { tag } from './tag.ts'
import { clone, fetch, lsRemote, pull, push } from './transfer.ts'

export type Command = (session: Session, args: readonly string[]) => Promise<number>

/** Git's commands by name. */
export const commands: Readonly<Record<string, Command | undefined>> = {
  __proto__: null as never,
  add, stage: add, blame, annotate: blame, branch, checkout, 'cherry-pick': cherryPick, clean, clone, commit, config, daemon, describe, diff, fetch, grep, help, init, log, merge, mv, pull, push, rebase, reflog, remote, reset, restore, revert, rm, shortlog, show, stash, status, switch: switchBranch, tag, version, whatchanged,
  'cat-file': plumbing.catFile, 'check-ignore': plumbing.checkIgnore, 'check-ref-format': plumbing.checkRefFormat, 'commit-tree': commitTree, 'count-objects': plumbing.countObjects, 'for-each-ref': plumbing.forEachRef, fsck: plumbing.fsck, gc: plumbing.gc, 'hash-object': plumbing.hashObjectCommand, 'ls-files': plumbing.lsFiles, 'ls-remote': lsRemote,
  'ls-tree': plumbing.lsTree, 'merge-base': plumbing.mergeBase, prune: plumbing.gc, 'read-tree': plumbing.readTree, 'rev-list': revList, 'rev-parse': plumbing.revParse, 'show-ref': plumbing.showRef, 'symbolic-ref': plumbing.symbolicRef, 'update-index': plumbing.updateIndex, 'update-ref': plumbing.updateRef, 'update-server-info': plumbing.updateServerInfo,
  var: plumbing.variable, 'write-tree': plumbing.writeTree,
  submodule: missing('submodule', 'submodules are left as empty folders'), worktree: missing('worktree', 'clone the repository into another folder instead'), bisect: missing('bisect', "find the commit by hand with 'git checkout' and 'git log'"), notes: missing('notes', 'write it into a commit message or a tag'),
  am: missing('am', 'fetch from the other repository instead'), apply: missing('apply', 'fetch from the other repository and cherry-pick'), 'format-patch': missing('format-patch', "'git show' and 'git log -p' print patches"), archive: missing('archive', "'git clone' and tar pack a tree"), bundle: missing('bundle', 'clone from a folder or a server'), 'filter-branch': missing('filter-branch', "'git rebase -i' rewrites history"), hook: missing('hook', 'run the file in .git/hooks yourself'),
  difftool: missing('difftool', "'git diff' shows differences"), mergetool: missing('mergetool', 'edit the files with conflicts, then git add them'), 'sparse-checkout': missing('sparse-checkout', 'all files are checked out'),
}
