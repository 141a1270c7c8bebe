import type { Completer } from '../unix/shell/completer.ts'
import { linesOf, plain } from './completion-words.ts'

/** Those that can be asked. */
const PROGRAMS = ['docker', 'kind', 'minikube']

/** Completes what programs know themselves (docker's commands, flags, containers and images) by asking them, as their own scripts for shells do. */
export const programCompleter: Completer = async ({ words, shell }) => {
  const program = shell.state.aliases.get(words[0]!)?.trim() ?? words[0]!
  if (!PROGRAMS.includes(program)) return undefined
  // A directive for shells stands last.
  const lines = (await linesOf(shell, [program, '__complete', ...words.slice(1)])).filter((line) => !/^:\d+$/.test(line))
  // Where it knows nothing, a file may be meant.
  return lines.some(Boolean) ? plain(lines) : undefined
}
