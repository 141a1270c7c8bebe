import type { FileStat, Proc } from '../types.ts'

/** What a test needs of the process that makes it. */
export type TestContext = Pick<Proc, 'fs' | 'resolve' | 'user' | 'isTty'>

/** An expression that `test` can't understand. */
export class TestError extends Error {}

const UNARY = new Set(['-b', '-c', '-d', '-e', '-f', '-g', '-h', '-k', '-L', '-n', '-N', '-O', '-G', '-p', '-r', '-s', '-S', '-t', '-u', '-w', '-x', '-z'])
const BINARY = new Set(['=', '==', '!=', '<', '>', '-eq', '-ne', '-gt', '-ge', '-lt', '-le', '-nt', '-ot', '-ef'])

export function isUnaryTest(operator: string): boolean {
  return UNARY.has(operator)
}

/** The value of `test`'s arguments (POSIX: the number of arguments decides). @throws TestError */
export function evaluateTest(context: TestContext, args: readonly string[]): boolean {
  if (args.length === 0) return false
  if (args.length === 1) return args[0] !== ''
  if (args.length === 2) {
    if (args[0] === '!') return args[1] === ''
    if (UNARY.has(args[0]!)) return unaryTest(context, args[0]!, args[1]!)
  }
  if (args.length === 3 && BINARY.has(args[1]!)) return binaryTest(context, args[0]!, args[1]!, args[2]!)
  if (args.length === 4 && args[0] === '!' && BINARY.has(args[2]!)) return !binaryTest(context, args[1]!, args[2]!, args[3]!)
  const parser = { at: 0 }
  const value = orExpression(context, args, parser)
  if (parser.at < args.length) throw new TestError(`${args[parser.at]}: unexpected operator`)
  return value
}

function orExpression(context: TestContext, args: readonly string[], parser: { at: number }): boolean {
  let value = andExpression(context, args, parser)
  while (args[parser.at] === '-o') { parser.at += 1; const right = andExpression(context, args, parser); value = value || right }
  return value
}

function andExpression(context: TestContext, args: readonly string[], parser: { at: number }): boolean {
  let value = primary(context, args, parser)
  while (args[parser.at] === '-a') { parser.at += 1; const right = primary(context, args, parser); value = value && right }
  return value
}

function primary(context: TestContext, args: readonly string[], parser: { at: number }): boolean {
  const arg = args[parser.at]
  if (arg === undefined) throw new TestError('argument expected')
  if (arg === '!') { parser.at += 1; return !primary(context, args, parser) }
  if (BINARY.has(args[parser.at + 1] ?? '') && args[parser.at + 2] !== undefined) {
    parser.at += 3
    return binaryTest(context, arg, args[parser.at - 2]!, args[parser.at - 1]!)
  }
  if (arg === '(') {
    parser.at += 1
    const value = orExpression(context, args, parser)
    if (args[parser.at] !== ')') throw new TestError('closing paren expected')
    parser.at += 1
    return value
  }
  if (UNARY.has(arg) && args[parser.at + 1] !== undefined) { parser.at += 2; return unaryTest(context, arg, args[parser.at - 1]!) }
  parser.at += 1
  return arg !== ''
}

/** `-f path` and its like. */
export function unaryTest(context: TestContext, operator: string, operand: string): boolean {
  const stat = (follow = true): FileStat | undefined => {
    try { return follow ? context.fs.stat(context.resolve(operand)) : context.fs.lstat(context.resolve(operand)) } catch { return undefined }
  }
  const access = (bit: 1 | 2 | 4) => operand !== '' && (context.fs.access ? context.fs.access(context.resolve(operand), bit) : stat() !== undefined)
  switch (operator) {
    case '-n': return operand !== ''
    case '-z': return operand === ''
    case '-e': return operand !== '' && stat() !== undefined
    case '-f': return stat()?.type === 'file'
    case '-d': return operand !== '' && stat()?.type === 'directory'
    case '-h': case '-L': return stat(false)?.type === 'symlink'
    case '-p': return stat()?.type === 'fifo'
    case '-c': return stat()?.type === 'character'
    case '-S': return stat()?.type === 'socket'
    case '-b': return stat()?.type === 'block'
    case '-s': return (stat()?.sizeBytes ?? 0) > 0
    case '-r': return access(4)
    case '-w': return access(2)
    case '-x': return access(1)
    case '-O': return stat()?.uid === context.user.uid
    case '-G': return stat()?.gid === context.user.gid
    case '-u': return ((stat()?.mode ?? 0) & 0o4000) !== 0
    case '-g': return ((stat()?.mode ?? 0) & 0o2000) !== 0
    case '-k': return ((stat()?.mode ?? 0) & 0o1000) !== 0
    case '-N': { const s = stat(); return s !== undefined && s.modifiedMs > s.accessedMs }
    case '-t': return /^[012]$/.test(operand) && context.isTty(Number(operand) as 0 | 1 | 2)
    default: throw new TestError(`${operator}: unknown operand`)
  }
}

/** `a = b`, `1 -lt 2` and their like. */
export function binaryTest(context: TestContext, left: string, operator: string, right: string): boolean {
  const number = (text: string): bigint => {
    if (!/^\s*[-+]?\d+\s*$/.test(text)) throw new TestError(`Illegal number: ${text}`)
    return BigInt(text.trim().replace(/^\+/, ''))
  }
  const modified = (path: string) => { try { return context.fs.stat(context.resolve(path)).modifiedMs } catch { return undefined } }
  switch (operator) {
    case '=': case '==': return left === right
    case '!=': return left !== right
    case '<': return left < right
    case '>': return left > right
    case '-eq': return number(left) === number(right)
    case '-ne': return number(left) !== number(right)
    case '-gt': return number(left) > number(right)
    case '-ge': return number(left) >= number(right)
    case '-lt': return number(left) < number(right)
    case '-le': return number(left) <= number(right)
    case '-nt': { const a = modified(left); const b = modified(right); return a !== undefined && (b === undefined || a > b) }
    case '-ot': { const a = modified(left); const b = modified(right); return b !== undefined && (a === undefined || a < b) }
    case '-ef': try { return context.fs.stat(context.resolve(left)).inode === context.fs.stat(context.resolve(right)).inode } catch { return false }
    default: throw new TestError(`${operator}: unknown operand`)
  }
}
