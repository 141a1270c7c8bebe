import { parse, tokenizer } from 'acorn'
import type { AnyNode, Options } from 'acorn'

/** How a text is run: as a CommonJS module, as an ECMAScript module, or as a script whose names are global. */
export type SourceKind = 'commonjs' | 'module' | 'script'

/** A text that V8 refuses, in V8's words. */
export interface SyntaxProblem {
  message: string
  /** What Node shows above the error: where, the line, and a mark below it. */
  place: [where: string, line: string, mark: string]
}

/** A text made ready for the engine. */
export interface PreparedSource {
  kind: SourceKind
  text: string
  /** What the engine runs: the text with a wrapper and with eyes on promises that nobody waits for. */
  code: string
  /** What was put in: line, column (from 1) and length. Negative lengths were left out. */
  insertions: [line: number, column: number, length: number][]
  /** How far the first line was moved to the right. */
  offset: number
  problem?: SyntaxProblem
  tree?: AnyNode
}

const WRAPPER = '(function moduleTopLevel(exports, require, module, __filename, __dirname) { '

/** Texts that were prepared last: replicas run the same. */
const prepared = new Map<string, PreparedSource>()
const MAX_PREPARED = 64

/** Prepares a text for the engine. */
export function prepareSource(text: string, kind: SourceKind, path: string): PreparedSource {
  const key = `${kind}\0${path}\0${text}`
  const known = prepared.get(key) ?? prepareAnew(text, kind, path)
  prepared.delete(key)
  prepared.set(key, known)
  if (prepared.size > MAX_PREPARED) prepared.delete(prepared.keys().next().value!)
  return known
}

function prepareAnew(text: string, kind: SourceKind, path: string): PreparedSource {
  // A line for the shell is none for the engine.
  const plain = text.startsWith('#!') ? `//${text.slice(2)}` : text
  const source: PreparedSource = { kind, text, code: '', insertions: [], offset: 0 }
  let tree: AnyNode
  try {
    tree = parse(plain, optionsFor(kind))
  } catch (error) {
    return { ...source, problem: syntaxProblem(error as AcornError, plain, kind === 'module' ? `file://${path}` : path) }
  }
  source.tree = tree
  const edits = [...floatingPromises(tree, plain), ...thrownValues(tree, plain, path), ...(kind === 'module' ? importMetas(tree, path) : [])].sort((a, b) => a.at - b.at)
  let code = ''
  let at = 0
  for (const edit of edits) {
    code += plain.slice(at, edit.at) + edit.text
    at = edit.at + edit.leaves
    const line = plain.slice(0, edit.at).split('\n')
    source.insertions.push([line.length, line.at(-1)!.length + 1, edit.text.length - edit.leaves])
  }
  code += plain.slice(at)
  return { ...source, code: kind === 'commonjs' ? `${WRAPPER}${code}\n})` : code, offset: kind === 'commonjs' ? WRAPPER.length - 1 : 0 }
}

/** Whether a text that is no CommonJS is an ECMAScript module: it imports, exports, or awaits at top level. */
export function isModuleText(text: string): boolean {
  if (!/\b(?:import|export|await)\b/.test(text)) return false
  try {
    parse(text, optionsFor('commonjs'))
    return false
  } catch (error) {
    if (/^'import' and 'export' may/.test((error as Error).message)) return true
    try {
      parse(text, optionsFor('module'))
      return true
    } catch {
      return false
    }
  }
}

function optionsFor(kind: SourceKind): Options {
  return { ecmaVersion: 'latest', sourceType: kind === 'module' ? 'module' : 'script', allowReturnOutsideFunction: kind === 'commonjs', allowAwaitOutsideFunction: kind === 'module', allowHashBang: true }
}

interface Edit {
  at: number
  text: string
  /** Characters that it takes the place of. */
  leaves: number
}

/** Every node of a tree, parents first. */
function* nodes(tree: AnyNode): Generator<AnyNode> {
  yield tree
  for (const value of Object.values(tree) as unknown[]) {
    for (const each of Array.isArray(value) ? value as unknown[] : [value]) if (each !== null && typeof each === 'object' && typeof (each as AnyNode).type === 'string') yield* nodes(each as AnyNode)
  }
}

/** Statements that only call something may leave a promise behind: its failure must end the process, and the engine doesn't tell. */
function floatingPromises(tree: AnyNode, text: string): Edit[] {
  if (!/\basync\b|[Pp]romise|\bfetch\b|\.then\(|\bimport\s*\(/.test(text)) return []
  const edits: Edit[] = []
  for (const node of nodes(tree)) {
    if (node.type === 'ImportExpression') edits.push({ at: node.start, text: '__importing(', leaves: 0 }, { at: node.end, text: ')', leaves: 0 })
    if (node.type !== 'ExpressionStatement' || node.expression.type !== 'CallExpression' || node.expression.callee.type === 'Super') continue
    const { start, end } = node.expression
    edits.push({ at: start, text: '__float(', leaves: 0 }, { at: end, text: ')', leaves: 0 })
  }
  return edits
}

/** Errors whose stack begins where they are thrown, if they are made there. */
const BUILT_IN_ERRORS = new Set(['Error', 'TypeError', 'RangeError', 'SyntaxError', 'ReferenceError'])

/** Where values are thrown that don't know where they were made, or were made elsewhere. */
function thrownValues(tree: AnyNode, text: string, path: string): Edit[] {
  const edits: Edit[] = []
  if (!/\bthrow\b/.test(text)) return edits
  for (const node of nodes(tree)) {
    if (node.type !== 'ThrowStatement' || (node.argument.type === 'NewExpression' && BUILT_IN_ERRORS.has(calleeName(node.argument.callee, text)))) continue
    const before = text.slice(0, node.start).split('\n')
    edits.push({ at: node.argument.start, text: '__thrown(', leaves: 0 }, { at: node.argument.end, text: `, ${JSON.stringify(path)}, ${before.length}, ${before.at(-1)!.length + 1})`, leaves: 0 })
  }
  return edits
}

function importMetas(tree: AnyNode, path: string): Edit[] {
  return [...nodes(tree)].filter((node) => node.type === 'MetaProperty' && node.meta.name === 'import').map(({ start, end }) => ({ at: start, text: `__meta(${JSON.stringify(path)})`, leaves: end - start }))
}

/** A place of a text as V8 tells it. */
export interface TextPlace {
  line: number
  column: number
  /** What is called or made there, as V8 names it in `x is not a function`. */
  callee?: string
  /** What is gone through there, as V8 names it in `x is not iterable`. */
  iterated?: string
  /** The class whose method has the place, as in `K.run`; `new K` in its constructor. */
  owner?: { type: string; isConstructor: boolean }
}

/** The engine points at the beginning of what it does, V8 at the property that is called or at the word `new`. `property` is one that was looked up there. */
export function placeAt({ tree, text }: PreparedSource, line: number, column: number, property?: string): TextPlace {
  const place: TextPlace = { line, column }
  if (!tree) return place
  const lines = text.split('\n')
  const offset = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1
  const at = (position: number) => {
    const before = text.slice(0, position).split('\n')
    return { line: before.length, column: before.at(-1)!.length + 1 }
  }
  let best: { size: number; node: AnyNode } | undefined
  let innermost: AnyNode | undefined
  const methods = new Map<AnyNode, NonNullable<TextPlace['owner']>>()
  for (const node of nodes(tree)) {
    if (/Function/.test(node.type) && offset >= node.start && offset <= node.end) innermost = node
    if (node.type === 'ClassDeclaration' || node.type === 'ClassExpression') {
      for (const method of node.body.body) if (method.type === 'MethodDefinition' && node.id) methods.set(method.value, { type: node.id.name, isConstructor: method.kind === 'constructor' })
    } else if (node.type === 'Property' && node.value.type === 'FunctionExpression') methods.set(node.value, { type: 'Object', isConstructor: false })
    if (offset < node.start - 1 || offset > node.end) continue
    if (node.type === 'ForOfStatement' && place.iterated === undefined) place.iterated = calleeName(node.right, text)
    const isWanted = property === undefined ? node.type === 'CallExpression' || node.type === 'NewExpression' : node.type === 'MemberExpression' && !node.computed && text.slice(node.property.start, node.property.end) === property
    if (!isWanted) continue
    const named = node.type === 'MemberExpression' ? node : (node as { callee: AnyNode }).callee
    const distance = Math.min(Math.abs(offset - node.start), Math.abs(offset - named.end), offset >= named.start && offset <= named.end ? 1 : Infinity)
    const size = distance * 1000 + (node.end - node.start)
    if (!best || size < best.size) best = { size, node }
  }
  const owner = innermost && methods.get(innermost)
  if (owner) place.owner = owner
  if (!best) return place
  const { node } = best
  if (node.type === 'MemberExpression') return { ...place, ...at(node.property.start) }
  if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return place
  const target = node.type === 'NewExpression' ? node.start : node.callee.type === 'MemberExpression' ? node.callee.property.start : node.start
  return { ...place, ...at(target), callee: calleeName(node.callee, text) }
}

function calleeName(node: AnyNode, text: string): string {
  switch (node.type) {
    case 'Identifier': case 'ThisExpression': return text.slice(node.start, node.end)
    case 'Super': return 'super'
    case 'MemberExpression': {
      const object = calleeName(node.object, text)
      return node.computed ? `${object}[${node.property.type === 'Literal' ? text.slice(node.property.start, node.property.end) : '...'}]`.replace('[...]', `[${text.slice(node.property.start, node.property.end)}]`) : `${object}.${text.slice(node.property.start, node.property.end)}`
    }
    case 'CallExpression': return `${calleeName(node.callee, text)}(...)`
    case 'UnaryExpression': case 'Literal': return text[node.start - 1] === '(' ? `(${text.slice(node.start, node.end)})`.replace(/^\((\d+|".*"|'.*')\)$/, '$1') : text.slice(node.start, node.end)
    default: return '(intermediate value)'
  }
}

interface AcornError extends SyntaxError {
  pos: number
  loc: { line: number; column: number }
}

const REWORDED: readonly [pattern: RegExp, message: string][] = [
  [/^'import' and 'export' may (?:only )?appear/, 'Cannot use import statement outside a module'],
  [/^'super' keyword outside a method|^super\(\) call outside constructor/, "'super' keyword unexpected here"],
  [/^Unterminated regular expression/, 'Invalid regular expression: missing /'],
  [/^Unterminated string constant|^Unexpected character|^Invalid number|^Identifier directly after number|^Unterminated comment/, 'Invalid or unexpected token'],
  [/^'return' outside of function/, 'Illegal return statement'],
  [/^Assigning to rvalue/, 'Invalid left-hand side in assignment'],
  [/^Unsyntactic (break|continue)/, 'Illegal $1 statement'],
  [/^Cannot use keyword 'await' outside an async function|^Cannot use 'await' as identifier/, 'await is only valid in async functions and the top level bodies of modules'],
]

/** The token before a place where a call's arguments should have gone on or ended. */
function openCall(text: string, position: number): { start: number; end: number } | undefined {
  const open: ('call' | 'other')[] = []
  let last: { start: number; end: number; label: string } | undefined
  try {
    for (const { type, start, end } of tokenizer(text, { ecmaVersion: 'latest', allowHashBang: true })) {
      if (start >= position) break
      if (/^[({[]|^\$\{/.test(type.label)) open.push(type.label === '(' && last && /^(?:name|\)|\])$/.test(last.label) ? 'call' : 'other')
      else if (/^[)}\]]/.test(type.label)) open.pop()
      last = { start, end, label: type.label }
    }
  } catch {
    return undefined
  }
  return open.at(-1) === 'call' && last && /^(?:name|num|string|\)|\]|\}|`|template|true|false|null|this|regexp)$/.test(last.label) ? last : undefined
}

/** acorn's errors in V8's words. */
function syntaxProblem(error: AcornError, text: string, shown: string): SyntaxProblem {
  const lines = text.split('\n')
  const bare = error.message.replace(/ \(\d+:\d+\)$/, '')
  let { line, column } = error.loc
  let length = 1
  const reworded = REWORDED.find(([pattern]) => pattern.test(bare))
  const rest = text.slice(error.pos)
  const word = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/u.exec(rest)?.[0]
  let told = reworded ? reworded[1].replace('$1', reworded[0].exec(bare)![1] ?? '') : bare
  if (told === 'Cannot use import statement outside a module' && rest.startsWith('export')) told = "Unexpected token 'export'"
  if (/^await$/.test(word ?? '') && bare.startsWith('Unexpected token')) told = 'await is only valid in async functions and the top level bodies of modules'
  // `await x` in a script: acorn takes await for a name and stumbles over what follows.
  const before = /\bawait\s+$/.exec(text.slice(0, error.pos))
  if (bare.startsWith('Unexpected token') && before) {
    told = 'await is only valid in async functions and the top level bodies of modules'
    column = Math.max(0, column - before[0].length)
    length = 5
  } else if (bare.startsWith('Unexpected token')) {
    if (rest.trim() === '') { told = 'Unexpected end of input'; length = 0; [line, column] = [lines.length, 0] } else if (word !== undefined) {
      told = /^(?:break|case|catch|class|const|continue|debugger|default|delete|do|else|export|extends|finally|for|function|if|import|in|instanceof|new|return|super|switch|this|throw|try|typeof|var|void|while|with|null|true|false|enum)$/.test(word) ? `Unexpected token '${word}'` : `Unexpected identifier '${word}'`
      length = word.length
    } else if (/^[\d]/.test(rest)) told = 'Unexpected number'
    else if (/^["']/.test(rest)) { told = 'Unexpected string'; length = (/^(["']).*?\1/.exec(rest)?.[0] ?? ' ').length } else {
      const token = /^(?:=>|\.\.\.|===|!==|==|!=|>=|<=|&&|\|\||\?\?|\+\+|--|\*\*|[^\s])/.exec(rest)?.[0] ?? rest[0]!
      told = `Unexpected token '${token}'`
      length = token.length
    }
    const head = text.slice(0, error.pos)
    const [, constant] = /\bconst\s+([\w$]+)\s*$/.exec(head) ?? []
    const [, unnamed] = /(?:^|[;{}\n])\s*((?:async\s+)?function)\s*$/.exec(head) ?? []
    const last = openCall(text, error.pos)
    const markAt = (start: number, size: number) => {
      const before = text.slice(0, start).split('\n')
      ;[line, column, length] = [before.length, before.at(-1)!.length, size]
    }
    if (constant !== undefined) {
      told = 'Missing initializer in const declaration'
      markAt(head.lastIndexOf(constant), constant.length)
    } else if (unnamed !== undefined && rest.startsWith('(')) {
      told = 'Function statements require a function name'
      markAt(head.lastIndexOf(unnamed), unnamed.length)
    } else if (last) {
      told = 'missing ) after argument list'
      markAt(last.start, last.end - last.start)
    }
  } else if (bare.startsWith('Unterminated template')) {
    told = 'Unexpected end of input'
    ;[line, column, length] = [lines.length, 0, 0]
  } else if (bare.startsWith('Unterminated string')) length = rest.split('\n')[0]!.length
  else if (word !== undefined) length = word.length
  return { message: told, place: [`${shown}:${line}`, lines[line - 1] ?? '', length === 0 ? '' : ' '.repeat(column) + '^'.repeat(length)] }
}
