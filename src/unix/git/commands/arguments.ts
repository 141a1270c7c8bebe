import { fatal } from '../failure.ts'
import type { GitFailure } from '../failure.ts'
import type { Options } from '../options.ts'
import { fromTop } from '../pathspec.ts'
import type { Repository } from '../repository.ts'
import { ambiguous, resolve, resolveCommit } from '../revision.ts'

/** How a command reads operands that may be revisions or paths. */
export interface OperandKinds {
  /** Whether an operand may be a revision in a way of its own: a range. */
  isRevision(repo: Repository, text: string): boolean
}

const isRange = (repo: Repository, text: string) => {
  const range = /^(.*?)(\.\.\.?)(.*)$/.exec(text)
  return range !== null && text !== '..' && [range[1] || 'HEAD', range[3] || 'HEAD'].every((name) => resolveCommit(repo, name) !== undefined)
}

export const REVISION_OR_PATH: OperandKinds = {
  isRevision(repo, text) {
    const id = resolve(repo, text.replace(/^\^/, ''))
    return (id !== undefined && repo.objects.has(id)) || isRange(repo, text) || (/\^[@!]$/.test(text) && resolveCommit(repo, text.slice(0, -2)) !== undefined)
  },
}

const badRevision = (text: string): GitFailure => fatal(`bad revision '${text}'`)

/** Tells revisions from paths: what stands before `--`, else as long as operands are revisions. @throws GitFailure for what is neither, or both */
export function splitOperands(repo: Repository, options: Options, kinds: OperandKinds = REVISION_OR_PATH): { revisions: string[]; paths: string[] } {
  if (options.separator !== undefined) {
    for (const text of options.beforeSeparator) if (!kinds.isRevision(repo, text)) throw badRevision(text)
    return { revisions: options.beforeSeparator, paths: options.afterSeparator }
  }
  const revisions: string[] = []
  const paths: string[] = []
  for (const text of options.operands) {
    const there = exists(repo, text)
    if (paths.length === 0 && kinds.isRevision(repo, text)) {
      if (there && /^[^:^~@]+$/.test(text)) throw fatal(`ambiguous argument '${text}': both revision and filename\nUse '--' to separate paths from revisions, like this:\n'git <command> [<revision>...] -- [<file>...]'`)
      revisions.push(text)
    } else if (there || /[*?[]/.test(text) || (text.startsWith(':') && text.length > 1 && /^:[(!^/]/.test(text))) paths.push(text)
    else throw paths.length > 0 ? fatal(`${text}: no such path in the working tree.\nUse 'git <command> -- <path>...' to specify paths that do not exist locally.`) : missingPath(repo, text)
  }
  return { revisions, paths }
}

/** What is wrong with `HEAD:nofile` and its like. */
function missingPath(repo: Repository, text: string): GitFailure {
  const colon = text.indexOf(':')
  if (colon > 0) {
    const [revision, path] = [text.slice(0, colon), text.slice(colon + 1)]
    if (resolve(repo, revision) === undefined) return fatal(`invalid object name '${revision}'.`)
    const there = exists(repo, path)
    return fatal(there ? `path '${path}' exists on disk, but not in '${revision}'` : `path '${path}' does not exist in '${revision}'`)
  }
  return ambiguous(text)
}

export function exists(repo: Repository, text: string): boolean {
  if (repo.workTree === undefined) return false
  try {
    const path = fromTop(repo.prefix, text, repo.workTree)
    repo.fs.lstat(path === '' ? repo.workTree : `${repo.workTree}/${path}`)
    return true
  } catch {
    return false
  }
}
