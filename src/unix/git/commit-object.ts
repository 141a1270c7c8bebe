import { encodeText } from './bytes.ts'
import { formatIdentity } from './identity.ts'
import type { Identity } from './identity.ts'
import type { Repository } from './repository.ts'
import { stagedFiles } from './status.ts'

/** Writes a commit. @returns its name */
export function writeCommit(repo: Repository, commit: { tree: string; parents: readonly string[]; author: Identity; committer: Identity; message: string }): string {
  const { tree, parents, author, committer, message } = commit
  return repo.objects.write('commit', encodeText(`tree ${tree}\n${parents.map((parent) => `parent ${parent}\n`).join('')}author ${formatIdentity(author)}\ncommitter ${formatIdentity(committer)}\n\n${message}`))
}

/** The tree of what is staged. */
export const writeIndexTree = (repo: Repository): string => repo.writeTree(stagedFiles(repo))

/** A message as it is kept: without spaces at lines' ends, blank lines around it, and (where it came from an editor) comments. */
export function cleanMessage(text: string, comments: boolean): string {
  let lines = text.split('\n').map((line) => line.trimEnd())
  if (comments) {
    const scissors = lines.findIndex((line) => line === '# ------------------------ >8 ------------------------')
    if (scissors >= 0) lines = lines.slice(0, scissors)
    lines = lines.filter((line) => !line.startsWith('#'))
  }
  const out: string[] = []
  for (const line of lines) if (line !== '' || (out.length > 0 && out.at(-1) !== '')) out.push(line)
  while (out.at(-1) === '') out.pop()
  return out.length === 0 ? '' : `${out.join('\n')}\n`
}
