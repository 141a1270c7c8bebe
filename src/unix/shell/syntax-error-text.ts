import type { ShellSyntaxError } from './ast.ts'
import type { Shell } from './shell.ts'

/** What is wrong with a text, in the words of the shell's family. The shell is taken to the line of the error. */
export function syntaxErrorText(shell: Shell, error: ShellSyntaxError, text = ''): string {
  shell.line = error.line
  if (shell.flavour === 'bash') {
    if (error.message === 'Bad substitution') return `${shell.prefix()}${error.token}: bad substitution\n`
    const ended = error.token === 'end of file'
    if (ended && !error.quote) shell.line = text.replace(/\n$/, '').split('\n').length + 1
    const before = shell.interactive || shell.script ? shell.prefix() : `${shell.state.name}: -c: line ${shell.line}: `
    if (error.quote) return `${before}unexpected EOF while looking for matching \`${error.quote}'\n`
    if (ended) return `${before}syntax error: unexpected end of file\n`
    const source = shell.interactive ? '' : `${before}\`${text.split('\n')[error.line - 1] ?? ''}'\n`
    return `${before}syntax error near unexpected token \`${error.token}'\n${source}`
  }
  if (error.message === 'Bad substitution') return `${shell.prefix()}Bad substitution\n`
  const token = error.token === 'end of file' || error.token === 'newline' ? error.token : `"${error.token}"`
  const message = error.message.endsWith('unexpected') ? shell.flavour === 'ash' ? `unexpected ${token}` : `${token} unexpected` : error.message
  const expecting = error.expecting ? ` (expecting "${error.expecting}")` : ''
  return `${shell.prefix()}${shell.flavour === 'ash' ? 'syntax' : 'Syntax'} error: ${message}${expecting}\n`
}
