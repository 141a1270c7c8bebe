import { fatal } from './failure.ts'
import { wildcard } from './wildcard.ts'

interface Spec {
  /** As typed. */
  text: string
  excludes: boolean
  matches(path: string): boolean
  /** The path it names if it has no wildcards, from the top. */
  literal: string | undefined
}

/** A path as seen from a folder of the repository (`prefix`, with its slash at the end), from the top. @throws GitFailure outside of it */
export function fromTop(prefix: string, typed: string, workTree: string): string {
  const absolute = typed.startsWith('/') ? typed : `${workTree}/${prefix}${typed}`
  const parts: string[] = []
  for (const part of absolute.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') parts.pop()
    else parts.push(part)
  }
  const full = `/${parts.join('/')}`
  if (full === workTree || workTree === '/') return full === workTree ? '' : full.slice(1)
  if (!full.startsWith(`${workTree}/`)) throw fatal(`${typed}: '${typed}' is outside repository at '${workTree}'`)
  return full.slice(workTree.length + 1)
}

/** Which paths a command is about. */
export class Pathspec {
  readonly specs: readonly Spec[]
  readonly #used = new Set<Spec>()

  constructor(typed: readonly string[], prefix: string, workTree: string) {
    this.specs = typed.map((text) => {
      if (text === '') throw fatal('empty string is not a valid pathspec. please use . instead if you meant to match all paths')
      const magic = /^:(?:\(([a-z,]*)\)|([!^/]+):?)/.exec(text)
      const words = magic?.[1]?.split(',') ?? []
      const signs = magic?.[2] ?? ''
      const rest = magic ? text.slice(magic[0].length) : text.startsWith(':') ? text.slice(1) : text
      const top = words.includes('top') || signs.includes('/')
      const path = fromTop(top ? '' : prefix, rest, workTree)
      const excludes = words.includes('exclude') || /[!^]/.test(signs)
      const wild = /[*?[]/.test(path) && !words.includes('literal')
      const expression = wild ? wildcard(path, { paths: words.includes('glob'), ignoreCase: words.includes('icase') }) : undefined
      return {
        text, excludes, literal: wild ? undefined : path,
        matches: (candidate: string) => path === '' || candidate === path || candidate.startsWith(`${path}/`) || (expression?.test(candidate) ?? false),
      }
    })
  }

  get isEmpty(): boolean {
    return this.specs.length === 0
  }

  /** Whether a path is meant; every path is where nothing was said. */
  matches(path: string): boolean {
    let found = this.specs.every((spec) => spec.excludes)
    for (const spec of this.specs) {
      if (spec.excludes || !spec.matches(path)) continue
      this.#used.add(spec)
      found = true
    }
    return found && !this.specs.some((spec) => spec.excludes && spec.matches(path))
  }

  /** Whether anything below a folder could be meant. */
  mayMatchBelow(folder: string): boolean {
    return this.isEmpty || this.specs.some((spec) => spec.excludes || spec.literal === undefined || spec.matches(folder) || `${spec.literal}/`.startsWith(`${folder}/`) || spec.literal === '')
  }

  /** What was typed and matched nothing that was asked about. */
  unused(): string[] {
    return this.specs.filter((spec) => !spec.excludes && !this.#used.has(spec)).map((spec) => spec.text)
  }
}
