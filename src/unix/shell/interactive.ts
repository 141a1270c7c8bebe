import { ShellSyntaxError } from './ast.ts'
import { jobLine } from './jobs.ts'
import { LineEditor } from './line-editor.ts'
import { Parser } from './parser.ts'
import { expandPrompt } from './prompt.ts'
import { Jump } from './shell-errors.ts'
import type { Shell } from './shell.ts'
import type { ShellProgramOptions } from './sh.ts'
import { ProcessExit } from '../types.ts'
import { joinPath } from '../path.ts'

const HISTORY_LIMIT = 1000

/** Reads commands from the terminal, with line editing, until the user ends the shell. */
export async function runInteractive(shell: Shell, { completer, hints, beforePrompt }: Pick<ShellProgramOptions, 'completer' | 'hints' | 'beforePrompt'>): Promise<number> {
  const { proc } = shell
  const { tty } = proc
  // What would end other programs only ends the line.
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGTSTP'] as const) proc.onSignal(signal, () => {})
  if (tty) tty.foregroundGroup = shell.ownGroup
  shell.history = readHistory(shell)
  const editor = new LineEditor(shell, shell, completer, hints)
  let line = 1
  const work = async (): Promise<number> => {
    for (;;) {
      await runPromptCommand(shell)
      await beforePrompt?.()
      await shell.reportJobs((job) => shell.err(jobLine(job, '+', shell.isBash ? 'bash' : 'dash')))
      const command = await readCommand(shell, editor, line)
      if (command === undefined) {
        if (tty) await shell.err(shell.isBash ? 'exit\n' : '\n')
        return shell.state.lastStatus
      }
      const count = command.split('\n').length
      if (command.trim() !== '') remember(shell, command.trimEnd())
      try {
        await shell.runText(command, { line })
        await shell.traps.run()
      } catch (error) {
        if (error instanceof ProcessExit) throw error
        if (!(error instanceof Jump)) shell.state.lastStatus = await shell.statusOf(error)
      }
      line += count
    }
  }
  return shell.runToEnd(work)
}

/** PS1, or what a shell of the family shows without. */
function firstPrompt(shell: Shell): Promise<string> {
  return expandPrompt(shell, shell.variables.get('PS1') ?? { bash: '\\s-\\v\\$ ', ash: '\\w \\$ ', dash: shell.proc.user.uid === 0 ? '# ' : '$ ' }[shell.flavour])
}

/** A whole command, over several lines if its quotes or blocks go on; undefined at the end of input. */
async function readCommand(shell: Shell, editor: LineEditor, line: number): Promise<string | undefined> {
  let text = ''
  let prompt = await firstPrompt(shell)
  for (;;) {
    const typed = await editor.readLine(prompt)
    if (typed === 'interrupted') { text = ''; shell.state.lastStatus = 130; prompt = await firstPrompt(shell); continue }
    if (typed === undefined) return text === '' ? undefined : text
    text += `${typed}\n`
    if (text.trim() === '') return text
    try {
      const parser = new Parser(text, { aliases: () => shell.aliases, line })
      parser.all()
      if (!parser.endedInHereDocument && !/(^|[^\\])(\\\\)*\\\n$/.test(text)) return text
    } catch (error) {
      if (!(error instanceof ShellSyntaxError) || !error.incomplete) return text
    }
    prompt = await expandPrompt(shell, shell.variables.get('PS2') ?? '> ')
  }
}

/** What bash runs before each prompt. It leaves `$?` alone, and what goes wrong in it is said and forgotten. */
async function runPromptCommand(shell: Shell): Promise<void> {
  const text = shell.isBash ? shell.variables.get('PROMPT_COMMAND') : undefined
  if (!text) return
  const { lastStatus } = shell.state
  try {
    await shell.runText(text)
  } catch (error) {
    if (error instanceof ProcessExit) throw error
    if (!(error instanceof Jump)) await shell.statusOf(error)
  }
  shell.state.lastStatus = lastStatus
}

function historyFile(shell: Shell): string | undefined {
  const home = shell.variables.get('HOME')
  return shell.variables.get('HISTFILE') ?? (home ? joinPath(home, shell.isBash ? '.bash_history' : '.ash_history') : undefined)
}

function readHistory(shell: Shell): string[] {
  const file = historyFile(shell)
  try {
    return file ? shell.proc.fs.readText(file).split('\n').filter(Boolean).slice(-HISTORY_LIMIT) : []
  } catch {
    return []
  }
}

function remember(shell: Shell, command: string): void {
  const control = shell.variables.get('HISTCONTROL') ?? ''
  if (/ignore(space|both)/.test(control) && command.startsWith(' ')) return
  if (shell.history.at(-1) === command) return
  shell.history.push(command)
  const file = historyFile(shell)
  if (!file) return
  // Written at once: a tab may be closed at any moment.
  try { shell.proc.fs.writeFile(file, `${command.replaceAll('\n', '; ')}\n`, { append: true, mode: 0o600 }) } catch { /* A home that can't be written keeps no history. */ }
}
