import { GitFailure } from './failure.ts'

export interface ParseSettings {
  /** Options end at the first operand. */
  stopAtOperand?: boolean
  /** Options that nobody knows are kept as operands. */
  lenient?: boolean
}

/**
 * What a command was given. Options are described by their names: `a|all` for a switch, `m|message=` for one with a value, `S|gpg-sign?` for one with a
 * value that may be left out (and then must stand in the same word), `merged*` for one that takes the next word if there is one, `#` for numbers such as `-3`. The last name is what it is asked for by.
 * As parse-options.c: long names may be abbreviated, `--no-` takes a switch back.
 */
export class Options {
  readonly operands: string[] = []
  /** How many operands stand before `--`; undefined without it. */
  separator: number | undefined
  /** Options in the order given. */
  readonly given: [name: string, value: string | boolean][] = []
  readonly command: string

  constructor(command: string, args: readonly string[], specs: readonly string[], { stopAtOperand = false, lenient = false }: ParseSettings = {}) {
    this.command = command
    const known = specs.map((spec) => {
      const kind = /[=?*]$/.exec(spec)?.[0] ?? ''
      const names = spec.replace(/[=?*]$/, '').split('|')
      return { kind, names, name: names.at(-1)! }
    })
    const byLetter = (letter: string) => known.find(({ names }) => names.includes(letter) && letter.length === 1)
    for (let i = 0; i < args.length; i++) {
      const arg = args[i]!
      if (arg === '--') {
        this.separator = this.operands.length
        this.operands.push(...args.slice(i + 1))
        break
      }
      if (arg.startsWith('--')) {
        const at = arg.indexOf('=')
        const word = at < 0 ? arg.slice(2) : arg.slice(2, at)
        const longs = known.flatMap((option) => option.names.filter((name) => name.length > 1).flatMap((name) => [{ option, word: name, on: true }, { option, word: name.startsWith('no-') ? name.slice(3) : `no-${name}`, on: false }]))
        const exact = longs.find((each) => each.word === word && each.on) ?? longs.find((each) => each.word === word)
        const matches = exact ? [exact] : longs.filter((each) => each.word.startsWith(word))
        const options = new Set(matches.map((each) => `${each.option.name}${each.on}`))
        if (matches.length === 0) {
          if (lenient) { this.operands.push(arg); continue }
          throw usageError(command, `unknown option \`${arg.slice(2)}'`)
        }
        if (options.size > 1) {
          const positive = matches.filter((each) => each.on)
          if (new Set(positive.map((each) => each.option.name)).size !== 1) throw usageError(command, `ambiguous option: ${word} (could be --${matches[0]!.word} or --${matches[1]!.word})`)
          matches.splice(0, matches.length, positive[0]!)
        }
        const { option, on } = matches[0]!
        if (!on) { this.given.push([option.name, false]); continue }
        if (option.kind === '' && at >= 0) throw usageError(command, `option \`${option.name}' takes no value`, false)
        if (option.kind === '=') {
          const value = at < 0 ? args[++i] : arg.slice(at + 1)
          if (value === undefined) throw usageError(command, `option \`${word}' requires a value`, false)
          this.given.push([option.name, value])
        } else if (option.kind === '*' && at < 0 && i + 1 < args.length) this.given.push([option.name, args[++i]!])
        else this.given.push([option.name, at < 0 ? true : arg.slice(at + 1)])
        continue
      }
      if (!arg.startsWith('-') || arg === '-') {
        this.operands.push(arg)
        if (stopAtOperand) { this.operands.push(...args.slice(i + 1)); break }
        continue
      }
      if (/^-\d+$/.test(arg) && known.some(({ name }) => name === '#')) { this.given.push(['#', arg.slice(1)]); continue }
      if (lenient && !byLetter(arg[1]!)) { this.operands.push(arg); continue }
      for (let j = 1; j < arg.length; j++) {
        const option = byLetter(arg[j]!)
        if (!option) throw usageError(command, `unknown switch \`${arg[j]}'`)
        if (option.kind === '') { this.given.push([option.name, true]); continue }
        const rest = arg.slice(j + 1)
        if (option.kind === '?') this.given.push([option.name, rest === '' ? true : rest])
        else {
          const value = rest === '' ? args[++i] : rest
          if (value === undefined) throw usageError(command, `switch \`${arg[j]}' requires a value`, false)
          this.given.push([option.name, value])
        }
        break
      }
    }
  }

  #last(name: string): string | boolean | undefined {
    for (let i = this.given.length - 1; i >= 0; i--) if (this.given[i]![0] === name) return this.given[i]![1]
    return undefined
  }

  has(...names: string[]): boolean {
    return names.some((name) => { const value = this.#last(name); return value !== undefined && value !== false })
  }

  /** Expressly switched off. */
  isOff(name: string): boolean {
    return this.#last(name) === false
  }

  value(name: string): string | undefined {
    const value = this.#last(name)
    return typeof value === 'string' ? value : undefined
  }

  all(name: string): string[] {
    return this.given.filter(([each, value]) => each === name && typeof value === 'string').map(([, value]) => String(value))
  }

  /** How often a switch was given since it was last taken back. */
  count(name: string): number {
    let count = 0
    for (const [each, value] of this.given) if (each === name) count = value === false ? 0 : count + 1
    return count
  }

  /** The first operands that are revisions, and those behind `--`. */
  get beforeSeparator(): string[] {
    return this.operands.slice(0, this.separator)
  }

  get afterSeparator(): string[] {
    return this.separator === undefined ? [] : this.operands.slice(this.separator)
  }
}

/** What `git COMMAND -h` begins with. */
const SYNOPSES: Readonly<Record<string, string>> = {
  add: 'git add [<options>] [--] <pathspec>...', branch: 'git branch [<options>] [-r | -a] [--merged] [--no-merged]', checkout: 'git checkout [<options>] <branch>', 'cherry-pick': 'git cherry-pick [--edit] [-n] [-m <parent-number>] [-s] [-x] [--ff]',
  clean: 'git clean [-d] [-f] [-i] [-n] [-q] [-e <pattern>] [-x | -X] [--] [<pathspec>...]', clone: 'git clone [<options>] [--] <repo> [<dir>]', commit: 'git commit [-a | --interactive | --patch] [-s] [-v] [-u<mode>] [--amend]', config: 'git config [<options>]',
  fetch: 'git fetch [<options>] [<repository> [<refspec>...]]', init: 'git init [-q | --quiet] [--bare] [--template=<template-directory>]', log: 'git log [<options>] [<revision-range>] [[--] <path>...]', merge: 'git merge [<options>] [<commit>...]',
  mv: 'git mv [<options>] <source>... <destination>', pull: 'git pull [<options>] [<repository> [<refspec>...]]', push: 'git push [<options>] [<repository> [<refspec>...]]', rebase: 'git rebase [-i] [options] [--exec <cmd>] [--onto <newbase> | --keep-base] [<upstream> [<branch>]]',
  remote: 'git remote [-v | --verbose]', reset: 'git reset [--mixed | --soft | --hard | --merge | --keep] [-q] [<commit>]', restore: 'git restore [<options>] [--source=<branch>] <file>...', revert: 'git revert [--[no-]edit] [-n] [-m <parent-number>] [-s] [-S[<keyid>]] <commit>...',
  rm: 'git rm [-f | --force] [-n] [-r] [--cached] [--ignore-unmatch]', show: 'git show [<options>] <object>...', status: 'git status [<options>] [--] [<pathspec>...]', switch: 'git switch [<options>] [<branch>]',
  tag: 'git tag [-a | -s | -u <key-id>] [-f] [-m <msg> | -F <file>] [-e]',
}

/** A command that was called wrongly; exit code 129. */
export function usageError(command: string, text: string, withUsage = true): GitFailure {
  return new GitFailure(`error: ${text}${withUsage ? `\nusage: ${SYNOPSES[command] ?? `git ${command} [<options>]`}\n` : ''}`, 129)
}

export const synopsisOf = (command: string): string => `usage: ${SYNOPSES[command] ?? `git ${command} [<options>]`}\n`
