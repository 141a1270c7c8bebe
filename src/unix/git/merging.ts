import type { GitFailure } from './failure.ts'
import { mergeTrees } from './merge-trees.ts'
import type { MergeOptions, MergedTrees } from './merge-trees.ts'
import type { Repository, TreeFile } from './repository.ts'
import { mergeBases } from './revision.ts'
import type { Session } from './session.ts'
import { stagedFiles } from './status.ts'
import { obstacleMessage, switchFiles } from './worktree.ts'

/** `merge.conflictStyle`. */
export const conflictStyle = (repo: Repository): 'merge' | 'diff3' => repo.config.get('merge.conflictStyle') === undefined || repo.config.get('merge.conflictStyle') === 'merge' ? 'merge' : 'diff3'

/**
 * Merges three states into index and working tree, which must be as HEAD has them where that matters. The index isn't written.
 * @throws GitFailure when changes would be lost, with nothing done
 */
export async function mergeIntoWorktree(session: Session, base: ReadonlyMap<string, TreeFile>, ours: ReadonlyMap<string, TreeFile>, theirs: ReadonlyMap<string, TreeFile>, options: MergeOptions, failure: (error: GitFailure) => GitFailure = (error) => error): Promise<MergedTrees> {
  const repo = session.repository
  const { clock } = session.proc
  const merged = await mergeTrees(repo, clock, base, ours, theirs, options)
  const obstacles = await switchFiles(repo, clock, ours, merged.files)
  if (obstacles) throw failure(obstacleMessage(obstacles, 'merge'))
  for (const [path, sides] of merged.conflicts) {
    repo.index.remove(path)
    if (sides.base) repo.index.set({ path, ...sides.base, stage: 1 })
    if (sides.ours) repo.index.set({ path, ...sides.ours, stage: 2 })
    if (sides.theirs) repo.index.set({ path, ...sides.theirs, stage: 3 })
  }
  return merged
}

/** The files that two commits have in common, for a merge; of several equally good bases, what merging them gives. */
export async function baseFiles(session: Session, ours: string, theirs: string): Promise<{ files: Map<string, TreeFile>; ids: string[] }> {
  const repo = session.repository
  const ids = mergeBases(repo, ours, theirs)
  if (ids.length === 0) return { files: new Map(), ids }
  let files = repo.filesOf(ids.at(-1)!)
  let at = ids.at(-1)!
  for (const next of ids.slice(0, -1).reverse()) {
    const below = mergeBases(repo, at, next)[0]
    files = (await mergeTrees(repo, session.proc.clock, repo.filesOf(below), files, repo.filesOf(next), { labels: { ours: 'Temporary merge branch 1', base: 'merged common ancestors', theirs: 'Temporary merge branch 2' }, style: 'merge' })).files
    at = next
  }
  return { files, ids }
}

/** Whether the index holds anything that HEAD doesn't. */
export function stagedPaths(repo: Repository): string[] {
  const [head, staged] = [repo.filesOf(repo.head), stagedFiles(repo)]
  return [...new Set([...head.keys(), ...staged.keys()])].filter((path) => head.get(path)?.id !== staged.get(path)?.id || head.get(path)?.mode !== staged.get(path)?.mode).sort()
}
