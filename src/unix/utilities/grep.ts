import { readLines } from '../../base/streams.ts'
import { errorText } from '../errno.ts'
import { joinPath } from '../path.ts'
import { UnixError } from '../types.ts'
import { UsageError, openInput, parseOptions } from './utility.ts'
import type { Utility } from './utility.ts'
import { posixRegex } from './posix-regex.ts'

/** grep, egrep and fgrep: writes each line as soon as it was read. */
export const grep: Utility = async (context) => {
  const { proc } = context
  const { operands, has, value, all } = parseOptions(context.args, 'EFGPe:f:iyvwxclLqsonHhrRA:B:C:m:abIzZU', {
    'extended-regexp': 'E', 'fixed-strings': 'F', 'perl-regexp': 'P', 'regexp=': 'e', 'file=': 'f', 'ignore-case': 'i', 'invert-match': 'v', 'word-regexp': 'w', 'line-regexp': 'x', count: 'c', 'files-with-matches': 'l', 'files-without-match': 'L', quiet: 'q', silent: 'q', 'no-messages': 's', 'only-matching': 'o', 'line-number': 'n', 'with-filename': 'H', 'no-filename': 'h', recursive: 'r', 'after-context=': 'A', 'before-context=': 'B', 'context=': 'C', 'max-count=': 'm', color: '_', colour: '_', 'color=': '_', 'line-buffered': '_', 'include=': 'N', 'exclude=': 'M', text: 'a',
  })
  const patterns = all.filter(([name]) => name === 'e').flatMap(([, text]) => String(text).split('\n'))
  for (const [, path] of all.filter(([name]) => name === 'f')) patterns.push(...proc.fs.readText(proc.resolve(String(path))).replace(/\n$/, '').split('\n'))
  const paths = [...operands]
  if (!all.some(([name]) => name === 'e' || name === 'f')) {
    const first = paths.shift()
    if (first === undefined) { await context.err(context.busybox ? 'BusyBox v1.37.0 multi-call binary.\n\nUsage: grep [-HhnlLoqvsrRiwFE] [-m N] [-A|B|C N] { PATTERN | -e PATTERN... | -f FILE... } [FILE]...\n' : "Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.\n"); return context.busybox ? 1 : 2 }
    patterns.push(...first.split('\n'))
  }
  const kind = has('F') || context.name === 'fgrep' ? 'fixed' : has('P') ? 'perl' : has('E') || context.name === 'egrep' ? 'extended' : 'basic'
  let expression: RegExp
  try {
    const sources = patterns.map((pattern) => kind === 'fixed' ? pattern.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&') : kind === 'perl' ? pattern : posixRegex(pattern, kind === 'extended'))
    const joined = sources.map((source) => `(?:${source})`).join('|')
    expression = new RegExp(has('x') ? `^(?:${joined})$` : has('w') ? `(?<!\\w)(?:${joined})(?!\\w)` : joined, has('i', 'y') ? 'giu' : 'gu')
  } catch {
    throw new UsageError('Invalid regular expression', 'bad regex', 2)
  }
  const after = Number(value('A') ?? value('C') ?? 0)
  const before = Number(value('B') ?? value('C') ?? 0)
  const most = value('m') === undefined ? Infinity : Number(value('m'))
  let status = 0
  let matchedAny = false
  const recursive = has('r', 'R')
  if (recursive && paths.length === 0) paths.push('.')
  const files: string[] = []
  const walk = (path: string, top: boolean) => {
    const stat = proc.fs.stat(proc.resolve(path))
    if (stat.type !== 'directory') {
      const name = path.slice(path.lastIndexOf('/') + 1)
      const include = all.filter(([n]) => n === 'N').map(([, g]) => String(g))
      const globMatches = (glob: string) => new RegExp(`^${glob.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')}$`).test(name)
      if (top || ((include.length === 0 || include.some(globMatches)) && !all.some(([n, g]) => n === 'M' && globMatches(String(g))))) files.push(path)
      return
    }
    for (const name of proc.fs.readdir(proc.resolve(path))) walk(path === '.' && !operands.includes('.') ? name : joinPath(path, name), false)
  }
  for (const path of paths.length > 0 ? paths : ['-']) {
    try {
      if (path === '-' || !recursive) files.push(path)
      else walk(path, true)
    } catch (error) {
      status = 2
      if (!has('s')) await context.complain(`${path}: ${errorText(error)}`)
    }
  }
  const named = has('H') || (!has('h') && (files.length > 1 || paths.length > 1 || recursive))
  for (const path of files) {
    let input: ReturnType<typeof openInput>
    try {
      input = openInput(proc, path)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      status = 2
      if (!has('s')) await context.complain(`${path}: ${errorText(error)}`)
      continue
    }
    const label = path === '-' ? '(standard input)' : path
    const head = (number: number, mark: string) => `${named ? label + mark : ''}${has('n') ? number + mark : ''}`
    let count = 0
    let number = 0
    let held: [number, string][] = []
    let trailing = 0
    let lastShown = 0
    for await (const line of readLines(input)) {
      number += 1
      expression.lastIndex = 0
      const matches = expression.test(line) !== has('v')
      if (!matches) {
        if (trailing > 0 && !has('q', 'c', 'l', 'L')) { trailing -= 1; lastShown = number; await context.out(`${head(number, '-')}${line}\n`) }
        else if (before > 0) { held.push([number, line]); if (held.length > before) held.shift() }
        continue
      }
      count += 1
      matchedAny = true
      if (has('q')) return 0
      if (has('l', 'L')) break
      if (!has('c')) {
        if ((before > 0 || after > 0) && lastShown > 0 && (held[0]?.[0] ?? number) > lastShown + 1) await context.out('--\n')
        for (const [at, text] of held) await context.out(`${head(at, '-')}${text}\n`)
        held = []
        // The test before has moved on to the end of the first match.
        expression.lastIndex = 0
        if (has('o')) { if (!has('v')) for (const [match] of line.matchAll(expression)) if (match !== '') await context.out(`${head(number, ':')}${match}\n`) }
        else await context.out(`${head(number, ':')}${line}\n`)
        lastShown = number
        trailing = after
      }
      if (count >= most) break
    }
    input.close()
    if (has('c') && !has('l', 'L')) await context.out(`${named ? `${label}:` : ''}${count}\n`)
    if (has('l') && count > 0) await context.out(`${label}\n`)
    if (has('L') && count === 0) await context.out(`${label}\n`)
  }
  return status !== 0 ? status : matchedAny ? 0 : 1
}
