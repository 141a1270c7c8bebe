/** What is said of expressions whose types fit: literals that mean nothing, mixed lists, format strings. k8s: cel-go/cel/validator.go, ext/formatting.go */
import { goPattern } from '../go-pattern.ts'
import { celTypeText, type CelType, type CheckedCel } from './cel-checker.ts'
import { compileNode } from './cel-evaluator.ts'
import { CelFailure } from './cel-failure.ts'
import { clauseProblem, formatParts } from './cel-format.ts'
import { callFunction } from './cel-runtime-functions.ts'
import { literalValue } from './cel-literals.ts'
import type { CelIssue, CelNode } from './cel-syntax.ts'
import { parseDuration, parseTimestamp } from './cel-time.ts'

/** The parts of a node, in the order they are written. */
function partsOf(node: CelNode): CelNode[] {
  switch (node.kind) {
    case 'literal': case 'ident': return []
    case 'select': return [node.of]
    case 'index': return [node.of, node.by]
    case 'call': return [...(node.target ? [node.target] : []), ...node.args]
    case 'list': return node.items
    case 'map': return node.entries.flat()
    case 'message': return node.fields.map(([, value]) => value)
  }
}

const textOf = (node: CelNode | undefined): string | undefined => node?.kind === 'literal' && node.type === 'string' ? literalValue('string', node.value ?? '') as string : undefined

/** Issues, in the order of their places. */
export function literalIssues(root: CelNode, checked: CheckedCel): CelIssue[] {
  const issues: CelIssue[] = []
  const visit = (node: CelNode, inFormat: boolean): void => {
    const isFormat = node.kind === 'call' && node.name === 'format' && node.target !== undefined
    if (node.kind === 'call') {
      const { name, target, args, at } = node
      const text = textOf(args[0])
      if (text !== undefined && args.length === (name === 'matches' && !target ? 2 : 1) && isBadLiteral(name, text)) issues.push({ at: args[0]!.at, text: `invalid ${name} argument` })
      const only = args[0]
      if (name === 'timestamp' && only?.kind === 'literal' && only.type === 'int' && !works(() => callFunction('timestamp', [literalValue('int', only.value ?? '')], () => {}))) issues.push({ at: only.at, text: 'invalid timestamp argument' })
      const template = isFormat ? textOf(target) : undefined
      if (template !== undefined && args[0]?.kind === 'list') issues.push(...formatIssue(template, args[0].items, at, checked))
    } else if (!inFormat && node.kind === 'list') issues.push(...mixed(node.items, checked, node.optionals))
    else if (!inFormat && node.kind === 'map') issues.push(...mixed(node.entries.map(([key]) => key), checked), ...mixed(node.entries.map(([, value]) => value), checked, node.optionals))
    for (const part of partsOf(node)) visit(part, inFormat || isFormat)
  }
  visit(root, false)
  return issues
}

function mixed(nodes: readonly CelNode[], { types }: CheckedCel, optionals?: ReadonlySet<number>): CelIssue[] {
  let first: CelType | undefined
  return nodes.flatMap((node, i) => {
    const given = types.get(node)
    const type = optionals?.has(i) && given?.name === 'optional_type' ? given.params![0]! : given
    if (!type || (optionals?.has(i) && type.name === 'dyn')) return []
    first ??= type
    return sameType(first, type) ? [] : [{ at: node.at, text: `expected type '${celTypeText(first)}' but found '${celTypeText(type)}'` }]
  })
}

/** What may be missing is of any type, like `optional.none()`. */
function sameType(a: CelType, b: CelType): boolean {
  const isOpen = (type: CelType) => type.name === 'optional_type' && type.params?.[0]?.name === 'dyn'
  return celTypeText(a) === celTypeText(b) || (a.name === b.name && (isOpen(a) || isOpen(b)))
}

function isBadLiteral(name: string, text: string): boolean {
  switch (name) {
    case 'duration': {
      const parsed = parseDuration(text)
      // As much as protobuf holds.
      return parsed === undefined || parsed.nanos > 315_576_000_000n * 1_000_000_000n
    }
    case 'timestamp': return parseTimestamp(text) === undefined
    case 'matches': return patternProblem(text) !== undefined
    default: return false
  }
}

function works(attempt: () => unknown): boolean {
  try {
    attempt()
    return true
  } catch (error) {
    if (error instanceof CelFailure) return false
    throw error
  }
}

function patternProblem(pattern: string): string | undefined {
  try {
    goPattern(pattern)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

function formatIssue(template: string, args: readonly CelNode[], at: number, { types }: CheckedCel): CelIssue[] {
  let parts: ReturnType<typeof formatParts>
  try {
    parts = formatParts(template)
  } catch (error) {
    return [{ at, text: (error as Error).message }]
  }
  const verbs = parts.filter((part) => typeof part !== 'string')
  for (const [i, { verb }] of verbs.entries()) {
    const arg = args[i]
    if (!arg) return [{ at, text: `index ${i} out of range` }]
    const type = types.get(arg)
    // Texts may say NaN or Infinity.
    const mayFit = !type || type.name === 'dyn' || type.name === 'error' || (type.name === 'string' && (verb === 'f' || verb === 'e'))
    const problem = mayFit ? undefined : clauseProblem(verb, type.name)
    if (problem !== undefined) return [{ at: arg.at, text: `error during formatting: ${problem}` }]
  }
  return args.length > verbs.length ? [{ at, text: `too many arguments supplied to string.format (expected ${verbs.length}, got ${args.length})` }] : []
}

const CONVERSIONS = new Set(['bool', 'bytes', 'double', 'duration', 'dyn', 'int', 'string', 'timestamp', 'type', 'uint'])

/** Conversions of constants and constant patterns are worked out when a program is made; the first that fails. k8s: cel-go/interpreter decOptimize, decRegexOptimizer */
export function programProblem(root: CelNode, checked: CheckedCel): string | undefined {
  const constants = new Set<CelNode>()
  const visit = (node: CelNode): string | undefined => {
    for (const part of partsOf(node)) {
      const problem = visit(part)
      if (problem !== undefined) return problem
    }
    if (node.kind === 'literal') constants.add(node)
    else if ((node.kind === 'list' || node.kind === 'map') && !node.optionals && partsOf(node).every((part) => constants.has(part))) constants.add(node)
    else if (node.kind === 'call') {
      const pattern = textOf(node.name === 'matches' || node.name === 'find' || node.name === 'findAll' ? (node.target ? node.args[0] : node.args[1]) : undefined)
      if (pattern !== undefined && checked.calls.has(node)) return patternProblem(pattern)
      if (!node.target && CONVERSIONS.has(node.name) && node.args.length === 1 && constants.has(node.args[0]!)) {
        try {
          compileNode(node)({ variables: {}, charge: () => {} })
          constants.add(node)
        } catch (error) {
          if (error instanceof CelFailure) return error.message
          throw error
        }
      }
    }
    return undefined
  }
  return visit(root)
}
