import { MAX_SCORE, detectRenames } from '../changes.ts'
import type { Change } from '../changes.ts'
import type { DiffFormat, DiffStyle } from '../diff-output.ts'
import { fatal } from '../failure.ts'
import type { Options } from '../options.ts'
import type { Repository } from '../repository.ts'
import type { Session } from '../session.ts'

/** Options that diff, log and show share. */
export const DIFF_OPTIONS: readonly string[] = [
  'p|u|patch', 's|no-patch', 'U|unified=', 'raw', 'stat?', 'numstat', 'shortstat', 'summary', 'patch-with-stat', 'compact-summary', 'name-only', 'name-status', 'color?', 'M|find-renames?', 'C|find-copies?', 'no-renames', 'find-copies-harder', 'w|ignore-all-space', 'b|ignore-space-change', 'ignore-space-at-eol',
  'ignore-cr-at-eol', 'ignore-blank-lines', 'full-index', 'abbrev?', 'R', 'a|text', 'z', 'diff-filter=', 'S=', 'G=', 'word-diff?', 'color-words?', 'src-prefix=', 'dst-prefix=', 'no-prefix', 'binary', 'minimal', 'patience', 'histogram', 'indent-heuristic', 'exit-code', 'quiet', 'check', 'relative?', 'ext-diff', 'textconv', 'O=', 'D|irreversible-delete', 'diff-algorithm=', 'no-indent-heuristic', 'W|function-context', 'submodule?', 'ita-invisible-in-index',
]

export interface DiffRequest {
  style: DiffStyle
  /** Whether the user chose a format. */
  chosen: boolean
  renames: boolean
  copies: boolean
  threshold: number
  /** `--diff-filter`. */
  keeps(change: Change): boolean
}

const percentOf = (text: string | undefined): number => {
  if (text === undefined || text === '') return MAX_SCORE / 2
  const number = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(`0.${text}`)
  if (!Number.isFinite(number)) throw fatal(`invalid argument to find-renames`)
  return Math.floor(number * MAX_SCORE)
}

export function diffRequest(session: Session, repo: Repository | undefined, options: Options, otherwise: readonly DiffFormat[]): DiffRequest {
  const formats: DiffFormat[] = []
  for (const name of ['raw', 'numstat', 'stat', 'shortstat', 'summary', 'name-only', 'name-status'] as const) if (options.has(name)) formats.push(name)
  if (options.has('patch-with-stat')) formats.push('stat', 'patch')
  if (options.has('compact-summary') && !formats.includes('stat')) formats.push('stat')
  if (options.has('patch') || options.value('unified') !== undefined || options.has('word-diff', 'color-words')) formats.push('patch')
  let chosen = formats.length > 0
  if (options.has('no-patch')) { formats.splice(0, formats.length, 'none'); chosen = true }
  if (!chosen) formats.push(...otherwise)
  const color = options.value('color') ?? (options.isOff('color') ? 'never' : options.has('color') ? 'always' : undefined)
  if (color !== undefined && color !== 'auto') session.colors = color === 'always'
  if (options.has('color-words') && color === undefined) session.colors = true
  const context = options.value('unified') ?? (repo?.config ?? session.looseConfig).get('diff.context') ?? '3'
  if (!/^\d+$/.test(context)) throw fatal(`--unified expects a numerical value`)
  const fold = options.has('ignore-all-space') ? (line: string) => line.replace(/\s+/g, '')
    : options.has('ignore-space-change') ? (line: string) => line.replace(/\s+$/, '').replace(/\s+/g, ' ')
      : options.has('ignore-space-at-eol', 'ignore-cr-at-eol') ? (line: string) => line.replace(/\s+$/, '') : undefined
  const config = repo?.config ?? session.looseConfig
  const setting = config.get('diff.renames') ?? 'true'
  const renames = options.has('find-renames', 'find-copies') || (!options.has('no-renames') && setting !== 'false')
  const columns = Number(session.proc.env['COLUMNS'] ?? 0) || (session.proc.isTty(1) ? session.proc.tty?.columns : undefined) || 80
  const digits = options.value('abbrev') === undefined ? repo?.abbreviation ?? 7 : Math.max(4, Number(options.value('abbrev')))
  const filter = options.value('diff-filter') ?? ''
  const noPrefix = options.has('no-prefix') || config.flag('diff.noprefix', false)
  const words = options.value('word-diff')
  return {
    chosen, renames, copies: options.has('find-copies') || /^cop/.test(setting), threshold: percentOf(options.value('find-renames') ?? options.value('find-copies')),
    keeps(change) {
      if (filter === '') return true
      const wanted = filter.toUpperCase() === filter ? filter.includes(change.status) : !filter.includes(change.status.toLowerCase())
      return wanted
    },
    style: {
      formats, context: Number(context), fold, fullIndex: options.has('full-index'), digits,
      abbreviate: (id) => repo?.abbreviate(id, digits) ?? id.slice(0, digits),
      oldPrefix: options.value('src-prefix') ?? (noPrefix ? '' : 'a/'), newPrefix: options.value('dst-prefix') ?? (noPrefix ? '' : 'b/'), nulls: options.has('z'), reverse: options.has('R'), text: options.has('text'),
      statWidth: Number(options.value('stat')?.split(',')[0] ?? columns) || columns, quoteHigh: config.flag('core.quotePath', true), indentHeuristic: !options.isOff('indent-heuristic') && !options.has('no-indent-heuristic') && config.flag('diff.indentHeuristic', true),
      words: options.has('color-words') || words === 'color' ? 'color' : options.has('word-diff') && words !== 'none' ? 'plain' : false,
      paint: (name, text) => session.paint(name, text), exists: (id) => repo?.objects.has(id) ?? false,
    },
  }
}

/** Changes as the request wants to see them. */
export async function refineChanges(session: Session, request: DiffRequest, changes: readonly Change[]): Promise<Change[]> {
  const found = request.renames ? await detectRenames(changes, session.proc.clock, { threshold: request.threshold, copies: request.copies }) : [...changes]
  return found.filter(request.keeps)
}

/** Whether what `-S` or `-G` looks for came or went in a change. */
export function pickaxe(options: Options): ((change: Change) => boolean) | undefined {
  const [text, pattern] = [options.value('S'), options.value('G')]
  const decode = (change: Change) => [change.old, change.new].map((side) => side ? new TextDecoder().decode(side.read()) : '') as [string, string]
  if (text !== undefined) return (change) => { const [a, b] = decode(change); return a.split(text).length !== b.split(text).length }
  if (pattern === undefined) return undefined
  const expression = new RegExp(pattern)
  return (change) => {
    const [a, b] = decode(change)
    const lines = (each: string) => each.split('\n').filter((line) => expression.test(line)).sort().join('\n')
    return lines(a) !== lines(b)
  }
}
