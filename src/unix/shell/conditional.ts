import type { Word } from './ast.ts'
import { elementOf, evaluate, expandPattern, expandString } from './expand.ts'
import { escapeRegExp, matchesPattern } from './pattern.ts'
import { binaryTest, isUnaryTest, unaryTest } from './test-expression.ts'
import type { Shell } from './shell.ts'
import { plainText } from './words.ts'

/** The value of `[[ ... ]]`. @throws SyntaxError */
export async function evaluateConditional(shell: Shell, words: readonly Word[]): Promise<boolean> {
  const parser = new ConditionalParser(shell, words)
  const value = await parser.or(true)
  if (!parser.atEnd) throw new SyntaxError('syntax error in conditional expression')
  return value
}

class ConditionalParser {
  readonly #shell: Shell
  readonly #words: readonly Word[]
  #at = 0

  constructor(shell: Shell, words: readonly Word[]) {
    this.#shell = shell
    this.#words = words
  }

  get atEnd(): boolean {
    return this.#at >= this.#words.length
  }

  #plain(offset = 0): string | undefined {
    const word = this.#words[this.#at + offset]
    return word && plainText(word)
  }

  /** Parts that aren't needed are read, but not expanded. */
  async or(live: boolean): Promise<boolean> {
    let value = await this.#and(live)
    while (this.#plain() === '||') { this.#at += 1; const right = await this.#and(live && !value); value = value || right }
    return value
  }

  async #and(live: boolean): Promise<boolean> {
    let value = await this.#not(live)
    while (this.#plain() === '&&') { this.#at += 1; const right = await this.#not(live && value); value = value && right }
    return value
  }

  async #not(live: boolean): Promise<boolean> {
    if (this.#plain() !== '!') return this.#primary(live)
    this.#at += 1
    return !await this.#not(live)
  }

  async #primary(live: boolean): Promise<boolean> {
    const shell = this.#shell
    if (this.#plain() === '(') {
      this.#at += 1
      const value = await this.or(live)
      if (this.#plain() !== ')') throw new SyntaxError("expected `)'")
      this.#at += 1
      return value
    }
    const first = this.#words[this.#at]
    if (!first) throw new SyntaxError('unexpected argument to conditional')
    const unary = this.#plain()
    const second = this.#words[this.#at + 1]
    if (unary !== undefined && (isUnaryTest(unary) || unary === '-v' || unary === '-o') && second && !isBinary(this.#plain(1))) {
      this.#at += 2
      if (!live) return false
      const operand = await expandString(shell, second)
      if (unary === '-v') {
        const element = elementOf(shell, operand)
        return element ? shell.variables.variable(element.name)?.elements?.has(element.at) ?? false : shell.variables.get(operand) !== undefined
      }
      if (unary === '-o') return shell.options.has(operand)
      return unaryTest(shell.proc, unary, operand)
    }
    const operator = this.#plain(1)
    if (!isBinary(operator)) {
      this.#at += 1
      return live && await expandString(shell, first) !== ''
    }
    const right = this.#words[this.#at + 2]
    if (!right) throw new SyntaxError('unexpected argument to conditional binary operator')
    this.#at += 3
    if (!live) return false
    const left = await expandString(shell, first)
    switch (operator) {
      case '=': case '==': return matchesPattern(left, await expandPattern(shell, right))
      case '!=': return !matchesPattern(left, await expandPattern(shell, right))
      case '=~': return this.#matchesRegex(left, right)
      case '-eq': case '-ne': case '-gt': case '-ge': case '-lt': case '-le':
        return binaryTest(shell.proc, evaluate(shell, left).toString(), operator, evaluate(shell, await expandString(shell, right)).toString())
      default: return binaryTest(shell.proc, left, operator!, await expandString(shell, right))
    }
  }

  async #matchesRegex(left: string, right: Word): Promise<boolean> {
    let source = ''
    for (const part of right.parts) {
      const text = await expandString(this.#shell, { parts: [part], text: '' })
      source += part.kind === 'double' || (part.kind === 'literal' && part.quoted) ? escapeRegExp(text) : text
    }
    const posix = source.replace(/\[:(\w+):\]/g, (_, name: string) => ({ alpha: 'A-Za-z', digit: '0-9', alnum: 'A-Za-z0-9', space: '\\s', upper: 'A-Z', lower: 'a-z', punct: '!-\\/:-@\\[-`{-~' })[name] ?? '')
    const match = new RegExp(posix).exec(left)
    this.#shell.variables.setElements('BASH_REMATCH', new Map((match ?? []).map((text, i) => [String(i), text ?? ''])))
    return match !== null
  }
}

function isBinary(text: string | undefined): boolean {
  return text !== undefined && ['=', '==', '!=', '=~', '<', '>', '-eq', '-ne', '-gt', '-ge', '-lt', '-le', '-nt', '-ot', '-ef'].includes(text)
}
