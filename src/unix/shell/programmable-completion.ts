import type { Builtin } from './builtins/builtin.ts'
import type { Completion } from './completer.ts'
import { commandNames, fileCompletions } from './completion.ts'
import { matchesPattern } from './pattern.ts'
import type { Shell } from './shell.ts'

/** How `complete` said that a command's words are to be completed. */
export interface CompletionRule {
  /** A function that leaves candidates in COMPREPLY. */
  readonly functionName?: string
  /** Words of `-W`, not yet expanded. */
  readonly words?: string
  /** Kinds of names, as `-A` calls them. */
  readonly actions: readonly string[]
  /** What `-o` asks for: `default`, `nospace` and others. */
  readonly options: readonly string[]
  readonly prefix?: string
  readonly suffix?: string
  /** Pattern of `-X`: candidates that match it are left out, or with `!` before it all others. */
  readonly filter?: string
}

const ACTION_LETTERS: Readonly<Record<string, string>> = { a: 'alias', b: 'builtin', c: 'command', d: 'directory', e: 'export', f: 'file', k: 'keyword', v: 'variable' }
const KNOWN_ACTIONS = new Set(['alias', 'builtin', 'command', 'directory', 'export', 'file', 'function', 'variable'])

interface Parsed {
  rule: CompletionRule
  flags: ReadonlySet<string>
  names: string[]
}

/** Options of complete and compgen; a text says what is wrong with them. */
function parse(args: readonly string[]): Parsed | string {
  const actions: string[] = []
  const options: string[] = []
  const flags = new Set<string>()
  const values: { functionName?: string; words?: string; prefix?: string; suffix?: string; filter?: string } = {}
  let i = 0
  for (; i < args.length && /^-./.test(args[i]!); i++) {
    if (args[i] === '--') { i++; break }
    for (let letters = args[i]!.slice(1); letters !== ''; letters = letters.slice(1)) {
      const letter = letters[0]!
      if ('prDEI'.includes(letter)) { flags.add(letter); continue }
      if (ACTION_LETTERS[letter]) { actions.push(ACTION_LETTERS[letter]); continue }
      if (!'oAWFPSCGX'.includes(letter)) return `-${letter}: invalid option`
      const value = letters.slice(1) || args[++i]
      if (value === undefined) return `-${letter}: option requires an argument`
      if (letter === 'o') options.push(value)
      else if (letter === 'A') {
        if (!KNOWN_ACTIONS.has(value)) return `${value}: invalid action name`
        actions.push(value)
      } else if (letter === 'W') values.words = value
      else if (letter === 'F') values.functionName = value
      else if (letter === 'P') values.prefix = value
      else if (letter === 'S') values.suffix = value
      else if (letter === 'X') values.filter = value
      else return `-${letter}: option is not supported`
      break
    }
  }
  return { rule: { ...values, actions, options }, flags, names: args.slice(i) }
}

/** A rule as the command that makes it. */
function shown(name: string, { options, actions, words, functionName, prefix, suffix, filter }: CompletionRule): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
  return ['complete', ...options.map((option) => `-o ${option}`), ...actions.map((action) => `-A ${action}`), ...words === undefined ? [] : [`-W ${quoted(words)}`], ...prefix === undefined ? [] : [`-P ${quoted(prefix)}`], ...suffix === undefined ? [] : [`-S ${quoted(suffix)}`], ...filter === undefined ? [] : [`-X ${quoted(filter)}`], ...functionName === undefined ? [] : [`-F ${functionName}`], name].join(' ')
}

/** `complete`: how the words of commands are completed. */
// @k8s part: bash's complete: -C, -G, and rules for commands that have none (-D, -E, -I) are missing
export const complete: Builtin = async (shell, argv) => {
  const parsed = parse(argv.slice(1))
  if (typeof parsed === 'string') { await shell.complain(`complete: ${parsed}`); return 2 }
  const { rule, flags, names } = parsed
  const { completions } = shell.state
  if (flags.has('r')) {
    if (names.length === 0) completions.clear()
    for (const name of names) completions.delete(name)
    return 0
  }
  if (flags.has('p') || names.length === 0 && flags.size === 0) {
    let status = 0
    for (const name of names.length > 0 ? names : [...completions.keys()]) {
      const held = completions.get(name)
      if (held) await shell.out(`${shown(name, held)}\n`)
      else { await shell.complain(`complete: ${name}: no completion specification`); status = 1 }
    }
    return status
  }
  if (names.length === 0) { await shell.complain('complete: -D, -E and -I are not supported'); return 1 }
  for (const name of names) completions.set(name, rule)
  return 0
}

/** `compgen`: the candidates that a rule gives for a word. */
export const compgen: Builtin = async (shell, argv) => {
  const parsed = parse(argv.slice(1))
  if (typeof parsed === 'string') { await shell.complain(`compgen: ${parsed}`); return 2 }
  const found = await candidates(shell, parsed.rule, parsed.names[0] ?? '')
  for (const each of found) await shell.out(`${each}\n`)
  return found.length > 0 ? 0 : 1
}

function isKept(candidate: string, filter: string | undefined): boolean {
  if (filter === undefined) return true
  return filter.startsWith('!') ? matchesPattern(candidate, filter.slice(1)) : !matchesPattern(candidate, filter)
}

async function candidates(shell: Shell, rule: CompletionRule, word: string): Promise<string[]> {
  const { state, variables } = shell
  const namesOf = (action: string): Iterable<string> => {
    switch (action) {
      case 'alias': return state.aliases.keys()
      case 'builtin': case 'command': return commandNames(shell)
      case 'function': return state.functions.keys()
      case 'variable': return variables.entries().map(([name]) => name)
      case 'export': return variables.entries().filter(([, { exported }]) => exported).map(([name]) => name)
      default: return fileCompletions(shell, word, action === 'directory').map(({ value }) => value.replace(/\/$/, ''))
    }
  }
  const words = rule.words === undefined ? [] : await shell.splitWords(rule.words)
  return [...rule.actions.flatMap((action) => [...namesOf(action)]), ...words].filter((each) => each.startsWith(word) && isKept(each, rule.filter)).map((each) => `${rule.prefix ?? ''}${each}${rule.suffix ?? ''}`)
}

/** What the rule of a command proposes for the last of `words`; undefined without a rule, or where its `default` is files and it knows nothing. */
export async function ruledCompletions(shell: Shell, words: readonly string[], line: string, cursor: number): Promise<Completion[] | undefined> {
  const rule = shell.state.completions.get(words[0]!)
  if (!rule) return undefined
  const word = words.at(-1)!
  const found = await candidates(shell, rule, word)
  if (rule.functionName !== undefined && shell.state.functions.has(rule.functionName)) {
    const { variables } = shell
    variables.setElements('COMP_WORDS', new Map(words.map((each, i) => [String(i), each])))
    variables.set('COMP_CWORD', String(words.length - 1))
    variables.set('COMP_LINE', line)
    variables.set('COMP_POINT', String(cursor))
    variables.unset('COMPREPLY')
    await shell.runQuietly([rule.functionName, words[0]!, word, words.at(-2) ?? ''])
    const reply = variables.variable('COMPREPLY')
    found.push(...reply?.elements?.values() ?? (reply?.value ? [reply.value] : []))
    for (const name of ['COMP_WORDS', 'COMP_CWORD', 'COMP_LINE', 'COMP_POINT', 'COMPREPLY']) variables.unset(name)
  }
  const fitting = found.filter((each) => each !== '')
  if (fitting.length === 0 && rule.options.some((option) => ['default', 'bashdefault', 'filenames', 'dirnames'].includes(option))) return undefined
  const isPartial = (value: string) => rule.options.includes('nospace') || /[=/]$/.test(value)
  return fitting.map((value) => ({ value, ...(isPartial(value) ? { partial: true } : {}) }))
}
