import type { FileSystem } from '../types.ts'
import { wildcard } from './wildcard.ts'

/** One line of a .gitignore. */
export interface IgnoreRule {
  /** Where it stands, for check-ignore. */
  source: string
  line: number
  pattern: string
  negated: boolean
  foldersOnly: boolean
  matches(relative: string): boolean
}

function parseRules(text: string, source: string): IgnoreRule[] {
  return text.split('\n').flatMap((raw, i) => {
    let pattern = raw.replace(/\r$/, '').replace(/(?<!\\)\s+$/, '').replace(/\\ /g, ' ')
    if (pattern === '' || pattern.startsWith('#')) return []
    const shown = pattern
    const negated = pattern.startsWith('!')
    if (negated) pattern = pattern.slice(1)
    const foldersOnly = pattern.endsWith('/')
    if (foldersOnly) pattern = pattern.slice(0, -1)
    const anchored = pattern.includes('/')
    const expression = wildcard(pattern.replace(/^\//, ''), { paths: true })
    return [{ source, line: i + 1, pattern: shown, negated, foldersOnly, matches: (relative: string) => expression.test(anchored ? relative : relative.slice(relative.lastIndexOf('/') + 1)) }]
  })
}

/** Which files of a working tree Git leaves alone: .gitignore of each folder, .git/info/exclude, and the user's own list. */
export class Ignore {
  readonly #fs: FileSystem
  readonly #root: string
  readonly #everywhere: IgnoreRule[]
  readonly #folders = new Map<string, IgnoreRule[]>()

  constructor(fs: FileSystem, root: string, lists: readonly { path: string; shown: string }[]) {
    this.#fs = fs
    this.#root = root
    this.#everywhere = lists.flatMap(({ path, shown }) => fs.exists(path) ? parseRules(fs.readText(path), shown) : [])
  }

  #rules(folder: string): IgnoreRule[] {
    let rules = this.#folders.get(folder)
    if (!rules) {
      const path = `${this.#root}/${folder}.gitignore`
      rules = this.#fs.exists(path) ? parseRules(this.#fs.readText(path), `${folder}.gitignore`) : []
      this.#folders.set(folder, rules)
    }
    return rules
  }

  /** The rule that decides about a path, not about its folders. */
  #ruleFor(path: string, isFolder: boolean): IgnoreRule | undefined {
    for (let slash = path.lastIndexOf('/'); ; slash = path.lastIndexOf('/', slash - 1)) {
      const folder = path.slice(0, slash + 1)
      const rule = last(this.#rules(folder), path.slice(folder.length), isFolder)
      if (rule) return rule
      if (slash < 0) break
    }
    return last(this.#everywhere, path, isFolder)
  }

  /** The rule by which a path or a folder above it is ignored or expressly not. */
  rule(path: string, isFolder: boolean): IgnoreRule | undefined {
    for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
      const rule = this.#ruleFor(path.slice(0, slash), true)
      if (rule && !rule.negated) return rule
    }
    return this.#ruleFor(path, isFolder)
  }

  /** For a path none of whose folders is ignored. */
  ignoresHere(path: string, isFolder: boolean): boolean {
    const rule = this.#ruleFor(path, isFolder)
    return rule !== undefined && !rule.negated
  }

  ignores(path: string, isFolder: boolean): boolean {
    const rule = this.rule(path, isFolder)
    return rule !== undefined && !rule.negated
  }
}

function last(rules: readonly IgnoreRule[], relative: string, isFolder: boolean): IgnoreRule | undefined {
  for (let i = rules.length - 1; i >= 0; i--) if ((isFolder || !rules[i]!.foldersOnly) && rules[i]!.matches(relative)) return rules[i]
  return undefined
}
