/**
 * Lets scripts of mongosh be written as if nothing took time: every call is awaited, and functions that call something are asynchronous.
 * Declarations at the top become globals, so that they are there for the next input.
 */
import { parse } from 'acorn'
import type { Node } from 'acorn'

type AnyNode = Node & Record<string, unknown>

/** An input that isn't one. `incomplete`: more lines could make it one. */
export class ScriptSyntaxError extends Error {
  readonly incomplete: boolean
  readonly line: number
  readonly column: number
  constructor(message: string, incomplete: boolean, line: number, column: number) {
    super(message)
    this.incomplete = incomplete
    this.line = line
    this.column = column
  }
}

const isNode = (value: unknown): value is AnyNode => value !== null && typeof value === 'object' && typeof (value as { type?: unknown }).type === 'string' && typeof (value as { start?: unknown }).start === 'number'

function childrenOf(node: AnyNode): AnyNode[] {
  // `{ a }` has the same text as key and as value.
  if (node.type === 'Property' && node.shorthand) return [node.value as AnyNode]
  const out: AnyNode[] = []
  for (const [name, value] of Object.entries(node)) {
    if (name === 'parent') continue
    if (isNode(value)) out.push(value)
    else if (Array.isArray(value)) out.push(...value.filter(isNode))
  }
  return out.sort((a, b) => a.start - b.start)
}

const isFunction = ({ type }: AnyNode) => type === 'FunctionDeclaration' || type === 'FunctionExpression' || type === 'ArrowFunctionExpression'
const STATEMENTS = new Set(['ExpressionStatement', 'VariableDeclaration', 'ReturnStatement', 'ThrowStatement', 'BreakStatement', 'ContinueStatement', 'DoWhileStatement'])

/** Whether a function calls anything itself. */
function calls(node: AnyNode): boolean {
  return childrenOf(node).some((child) => child.type === 'CallExpression' || (!isFunction(child) && calls(child)))
}

/**
 * The text of an asynchronous function that runs a script; it resolves with the last statement's value.
 * @throws ScriptSyntaxError
 */
export function awaitCalls(source: string): string {
  let program: AnyNode
  try { program = parse(source, { ecmaVersion: 'latest', sourceType: 'script', allowAwaitOutsideFunction: true, allowReturnOutsideFunction: true, allowHashBang: true }) as unknown as AnyNode } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const { pos, loc } = error as SyntaxError & { pos: number; loc: { line: number; column: number } }
    const incomplete = pos >= source.trimEnd().length || /^Unterminated (?:template|comment)/.test(error.message)
    throw new ScriptSyntaxError(error.message, incomplete, loc.line, loc.column)
  }

  /** The node's text with its calls awaited; `waits`: it stands in a function that may wait. */
  function text(node: AnyNode, waits: boolean): string {
    const inner = isFunction(node) ? waits && !node.generator && node.sync !== true : waits
    for (const child of childrenOf(node)) {
      if (/^For/.test(node.type) && child.type === 'VariableDeclaration') child.head = true
      // Accessors and constructors can't wait.
      if ((node.type === 'Property' && node.kind !== 'init') || (node.type === 'MethodDefinition' && node.kind !== 'method')) child.sync = true
      if ((node.type === 'Property' && node.method) || node.type === 'MethodDefinition') child.method = true
    }
    let out = ''
    let at = node.start
    const parts = childrenOf(node)
    for (const [i, child] of parts.entries()) {
      let gap = source.slice(at, child.start)
      // The first part of a method is its name.
      if (i === 0 && ((node.type === 'Property' && node.method) || (node.type === 'MethodDefinition' && node.kind === 'method')) && parts[1] && becomesAsync(parts[1], waits)) gap += 'async '
      out += gap + text(child, inner)
      at = child.end
    }
    out += source.slice(at, node.end)
    if (isFunction(node) && becomesAsync(node, waits) && node.method !== true) out = `async ${out}`
    if (node.type === 'CallExpression' && waits && (node.callee as AnyNode).type !== 'Super') out = `(await ${out})`
    if (STATEMENTS.has(node.type) && node.head !== true && !out.endsWith(';')) out += ';'
    return out
  }

  function becomesAsync(node: AnyNode, waits: boolean): boolean {
    return isFunction(node) && waits && !node.async && !node.generator && node.sync !== true && calls(node)
  }

  const body = program.body as AnyNode[]
  const statements = body.map((node, i): string => {
    if (node.type === 'VariableDeclaration') {
      const declarations = (node.declarations as AnyNode[]).map((each) => each.init ? text(each, true) : `${text(each.id as AnyNode, true)} = undefined`)
      return `void (${declarations.join(', ')});`
    }
    if (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') return `${i === body.length - 1 ? '__value = ' : ''}globalThis.${(node.id as AnyNode & { name: string }).name} = ${text(node, true)};`
    if (node.type === 'ExpressionStatement' && i === body.length - 1) return `__value = (${text(node.expression as AnyNode, true)});`
    return text(node, true)
  })
  return `(async () => { let __value;\n${statements.join('\n')}\nreturn __value; })()`
}
