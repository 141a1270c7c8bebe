import { joinPath, resolvePath } from '../path.ts'
import { builtins } from './builtins/table.ts'
import { ruledCompletions } from './programmable-completion.ts'
import type { Completer, Completion } from './completer.ts'
import type { Shell } from './shell.ts'

export interface LineCompletion {
  /** Where the word being completed starts in the line. */
  start: number
  completions: readonly Completion[]
  /** How a value has to be written at that place. */
  quote: (value: string) => string
}

/** Possible completions of the word before the cursor: the completer's, else commands, variables or files. */
export async function completeLine(shell: Shell, completer: Completer | undefined, line: string, cursor: number): Promise<LineCompletion> {
  const { words, start, quoteChar } = currentWords(line.slice(0, cursor))
  const quote = (value: string) => quoteChar ? quoteChar + value : value.replace(/[ \t\n'"\\|&;()<>*?[\]#!`]/g, '\\$&')
  const word = words.at(-1) ?? ''
  const variable = /\$(\{?)(\w*)$/.exec(word)
  if (variable && quoteChar !== "'") {
    const names = shell.variables.entries().map(([name]) => name).filter((name) => name.startsWith(variable[2]!))
    const head = word.slice(0, word.length - variable[2]!.length)
    return { start, completions: names.map((name) => ({ value: head + name + (variable[1] ? '}' : ''), label: name })), quote: (value) => value }
  }
  const sorted = (items: readonly Completion[]) => [...new Map(items.map((item) => [item.value, item])).values()].sort((a, b) => a.value < b.value ? -1 : 1)
  if (words.length > 1 || word.includes('/')) {
    // What the user's own rules say goes first; the completer knows what is no business of theirs.
    const given = words.length > 1 ? await ruledCompletions(shell, words, line, cursor) ?? await completer?.({ words, line, cursor, shell }) : undefined
    if (given) return { start, completions: sorted(given.filter((each) => each.value.startsWith(word))), quote }
    return { start, completions: sorted(fileCompletions(shell, word, words[0] === 'cd')), quote }
  }
  return { start, completions: sorted([...commandNames(shell)].filter((name) => name.startsWith(word)).map((value) => ({ value }))), quote }
}

/** The words of the last command in a line, and where the last word starts. */
function currentWords(text: string): { words: string[]; start: number; quoteChar: string } {
  let words: string[] = []
  let current = ''
  let inWord = false
  let start = text.length
  let quoteChar = ''
  const end = () => { if (inWord) words.push(current); current = ''; inWord = false }
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if (quoteChar) {
      if (char === quoteChar) quoteChar = ''
      else current += char
      continue
    }
    if (/[\s]/.test(char)) { end(); continue }
    if (/[|&;(]/.test(char)) { end(); words = []; continue }
    if (/[<>]/.test(char)) { end(); continue }
    if (!inWord) { inWord = true; start = i }
    if (char === '"' || char === "'") quoteChar = char
    else if (char === '\\' && i + 1 < text.length) current += text[++i]
    else current += char
  }
  if (inWord) words.push(current)
  else { words.push(''); start = text.length }
  // Assignments before the command don't count.
  while (words.length > 1 && /^[A-Za-z_]\w*=/.test(words[0]!)) words.shift()
  return { words, start, quoteChar }
}

/** Files and directories that a partial path may mean. */
export function fileCompletions(shell: Shell, word: string, directoriesOnly = false): Completion[] {
  const { fs, cwd } = shell.proc
  const slash = word.lastIndexOf('/')
  const typed = word.slice(0, slash + 1)
  const prefix = word.slice(slash + 1)
  const home = shell.variables.get('HOME') ?? '/'
  const directory = typed === '' ? cwd : resolvePath(cwd, typed.startsWith('~/') ? home + typed.slice(1) : typed)
  let names: string[] = []
  try { names = fs.readdir(directory) } catch { return [] }
  const out: Completion[] = []
  for (const name of names) {
    if (!name.startsWith(prefix) || (name.startsWith('.') && !prefix.startsWith('.'))) continue
    let isDirectory = false
    try { isDirectory = fs.stat(joinPath(directory, name)).type === 'directory' } catch { /* A dangling link is a name all the same. */ }
    if (directoriesOnly && !isDirectory) continue
    out.push({ value: typed + name + (isDirectory ? '/' : ''), label: name + (isDirectory ? '/' : ''), ...(isDirectory ? { partial: true } : {}) })
  }
  return out
}

/** Everything that may be typed as a command. */
export function commandNames(shell: Shell): Set<string> {
  const names = new Set<string>([...builtins.keys(), ...shell.state.functions.keys(), ...shell.state.aliases.keys()])
  for (const directory of (shell.variables.get('PATH') ?? '').split(':')) {
    try {
      for (const name of shell.proc.fs.readdir(resolvePath(shell.proc.cwd, directory || '.'))) names.add(name)
    } catch { /* PATH may name directories that don't exist. */ }
  }
  return names
}

/** The longest text that all begin with. */
export function commonPrefix(texts: readonly string[]): string {
  let prefix = texts[0] ?? ''
  for (const text of texts) while (!text.startsWith(prefix)) prefix = prefix.slice(0, -1)
  return prefix
}

/** Names in columns, down then across, as ls and shells list them. */
export function listColumns(names: readonly string[], width: number): string {
  if (names.length === 0) return ''
  const longest = Math.max(...names.map((name) => name.length)) + 2
  const columns = Math.max(1, Math.floor(width / longest))
  const rows = Math.ceil(names.length / columns)
  let out = ''
  for (let row = 0; row < rows; row++) {
    let line = ''
    for (let column = 0; column * rows + row < names.length; column++) line += names[column * rows + row]!.padEnd(longest)
    out += `${line.trimEnd()}\n`
  }
  return out
}

