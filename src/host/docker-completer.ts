import type { Completer } from '../unix/shell/completer.ts'
import { linesOf, plain } from './completion-words.ts'

/** Completes docker's commands, flags, containers and images, by asking docker itself, as its own scripts for shells do. */
export const dockerCompleter: Completer = async ({ words, shell }) => {
  if ((shell.state.aliases.get(words[0]!)?.trim() ?? words[0]) !== 'docker') return undefined
  const lines = await linesOf(shell, ['docker', '__complete', ...words.slice(1)])
  // Where docker knows nothing, a file may be meant.
  return lines.some(Boolean) ? plain(lines) : undefined
}
