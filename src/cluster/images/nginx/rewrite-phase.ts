import { resolvePath } from '../../../unix/path.ts'
import { matches, substitute } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import type { Directive } from './nginx-config.ts'

/** What the rewriting directives of a server or a location come to. */
export interface RewriteOutcome {
  path: string
  /** `rewrite ... break`: the location stays what it is. */
  isFinal: boolean
  /** The `return`, or the `rewrite` to another address, that answers the request. */
  answer?: Directive
  /** Blocks of `if` that hold: what is in them counts as further in than the location. */
  blocks: readonly (readonly Directive[])[]
}

/** set, if, rewrite, return and break, one after another as they stand there. */
export function rewritePhase(exchange: Exchange, directives: readonly Directive[], start: string): RewriteOutcome {
  let path = start
  let isFinal = false
  const blocks: (readonly Directive[])[] = []
  /** Whether the phase is over. */
  const run = (list: readonly Directive[]): Directive | boolean => {
    for (const directive of list) {
      const { name, args } = directive
      switch (name) {
        case 'set': exchange.variables.set(args[0]!.slice(1), substitute(exchange, args[1] ?? '', path)); break
        case 'return': return directive
        case 'break': isFinal = true; return true
        case 'if': {
          if (!holds(exchange, args, path)) break
          blocks.push(directive.block ?? [])
          const inner = run(directive.block ?? [])
          if (inner !== false) return inner
          break
        }
        case 'rewrite': {
          if (!args[0] || args[1] === undefined || !matches(exchange, args[0], path)) break
          const flag = args[2]
          if (/^https?:\/\/|^\$scheme/.test(args[1]) || flag === 'redirect' || flag === 'permanent') return directive
          const [fresh, query] = substitute(exchange, args[1], path).split(/\?(.*)/s)
          path = fresh!.startsWith('/') ? resolvePath('/', fresh!) + (fresh!.length > 1 && fresh!.endsWith('/') ? '/' : '') : fresh!
          if (query !== undefined) exchange.args = query.endsWith('?') || query === '' ? query.slice(0, -1) : [query, exchange.args].filter(Boolean).join('&')
          if (flag === 'break') { isFinal = true; return true }
          if (flag === 'last') return true
        }
      }
    }
    return false
  }
  const ended = run(directives)
  return { path, isFinal, blocks, ...(typeof ended === 'boolean' ? {} : { answer: ended }) }
}

/** Whether the condition of an `if` holds: its parenthesis has been split into words. */
function holds(exchange: Exchange, words: readonly string[], path: string): boolean {
  const args = [...words]
  args[0] = (args[0] ?? '').replace(/^\(/, '')
  args[args.length - 1] = args.at(-1)!.replace(/\)$/, '')
  const [left = '', operator, right = ''] = args.filter((word, i) => word !== '' || i > 1 && i < args.length - 1)
  const file = /^(!?)-([fdex])$/.exec(left)
  if (file) return isThere(exchange, file[2]!, substitute(exchange, operator ?? '', path)) === (file[1] === '')
  const value = substitute(exchange, left, path)
  switch (operator) {
    case undefined: return value !== '' && value !== '0'
    case '=': return value === substitute(exchange, right, path)
    case '!=': return value !== substitute(exchange, right, path)
    case '~': case '~*': return matches(exchange, right, value, operator === '~*') !== undefined
    default: return matches(exchange, right, value, operator === '!~*') === undefined
  }
}

function isThere({ proc }: Exchange, test: string, file: string): boolean {
  if (!proc.fs.exists(file)) return false
  const { type, mode } = proc.fs.stat(file)
  return test === 'e' || (test === 'f' ? type === 'file' : test === 'd' ? type === 'directory' : (mode & 0o111) !== 0)
}
