/** Variables of an arithmetic expression; elements of arrays are named as they are written: `a[i]`. */
export interface ArithmeticScope {
  get(name: string): string
  set(name: string, value: string): void
}

/** The expression isn't one. */
export class ArithmeticError extends Error {}

const BINARY: Readonly<Record<string, number>> = {
  '||': 1, '&&': 2, '|': 3, '^': 4, '&': 5, '==': 6, '!=': 6, '<': 7, '<=': 7, '>': 7, '>=': 7, '<<': 8, '>>': 8, '+': 9, '-': 9, '*': 10, '/': 10, '%': 10, '**': 11,
}
const ASSIGN = new Set(['=', '+=', '-=', '*=', '/=', '%=', '<<=', '>>=', '&=', '^=', '|='])
const TOKEN = /\s*(?:(0[xX][0-9a-fA-F]+|\d+#[0-9a-zA-Z@_]+|\d+)|([A-Za-z_]\w*(?:\[[^\]]+\])?)|(<<=|>>=|\*\*|\+\+|--|&&|\|\||[=!<>+\-*/%&^|]=|<<|>>|[-+*/%<>=!~&|^?:(),]))/y

/** The value of an expression in 64-bit arithmetic. @throws ArithmeticError */
export function evaluateArithmetic(text: string, scope: ArithmeticScope): bigint {
  return new Evaluator(text, scope).whole()
}

interface Value {
  value: bigint
  name?: string
}

class Evaluator {
  readonly #tokens: { kind: 'number' | 'name' | 'operator'; text: string }[] = []
  #at = 0
  readonly #scope: ArithmeticScope
  readonly #text: string
  /** Greater than 0 while skipping a branch that isn't taken. */
  #skipping = 0

  constructor(text: string, scope: ArithmeticScope) {
    this.#scope = scope
    this.#text = text
    TOKEN.lastIndex = 0
    let end = 0
    for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
      end = TOKEN.lastIndex
      this.#tokens.push(match[1] !== undefined ? { kind: 'number', text: match[1] } : match[2] !== undefined ? { kind: 'name', text: match[2] } : { kind: 'operator', text: match[3]! })
    }
    if (text.slice(end).trim() !== '') this.#fail()
  }

  #fail(): never {
    throw new ArithmeticError(`arithmetic expression: expecting primary: "${this.#text}"`)
  }

  whole(): bigint {
    if (this.#tokens.length === 0) return 0n
    const value = this.#comma()
    if (this.#at < this.#tokens.length) throw new ArithmeticError(`arithmetic expression: expecting EOF: "${this.#text}"`)
    return value
  }

  #peek(): string | undefined {
    const token = this.#tokens[this.#at]
    return token?.kind === 'operator' ? token.text : undefined
  }

  #comma(): bigint {
    let value = this.#assignment().value
    while (this.#peek() === ',') { this.#at += 1; value = this.#assignment().value }
    return value
  }

  #assignment(): Value {
    const token = this.#tokens[this.#at]
    const operator = this.#tokens[this.#at + 1]
    if (token?.kind === 'name' && operator?.kind === 'operator' && ASSIGN.has(operator.text)) {
      this.#at += 2
      const right = this.#assignment().value
      const value = operator.text === '=' ? right : this.#apply(operator.text.slice(0, -1), this.#variable(token.text), right)
      this.#store(token.text, value)
      return { value }
    }
    return this.#ternary()
  }

  #ternary(): Value {
    const condition = this.#binary(1)
    if (this.#peek() !== '?') return condition
    this.#at += 1
    const taken = condition.value !== 0n
    const yes = this.#branch(taken, () => this.#assignment().value)
    if (this.#peek() !== ':') this.#fail()
    this.#at += 1
    const no = this.#branch(!taken, () => this.#assignment().value)
    return { value: taken ? yes : no }
  }

  #branch(taken: boolean, run: () => bigint): bigint {
    if (!taken) this.#skipping += 1
    try { return run() } finally { if (!taken) this.#skipping -= 1 }
  }

  #binary(minimum: number): Value {
    let left = this.#unary()
    for (;;) {
      const operator = this.#peek()
      const level = operator === undefined ? undefined : BINARY[operator]
      if (operator === undefined || level === undefined || level < minimum) return left
      this.#at += 1
      const lazy = operator === '&&' ? left.value !== 0n : operator === '||' ? left.value === 0n : true
      const right = this.#branch(lazy, () => this.#binary(operator === '**' ? level : level + 1).value)
      left = { value: this.#skipping > 0 ? 0n : this.#apply(operator, left.value, right) }
    }
  }

  #apply(operator: string, a: bigint, b: bigint): bigint {
    const truth = (value: boolean) => value ? 1n : 0n
    switch (operator) {
      case '+': return BigInt.asIntN(64, a + b)
      case '-': return BigInt.asIntN(64, a - b)
      case '*': return BigInt.asIntN(64, a * b)
      case '/': case '%':
        if (b === 0n) { if (this.#skipping > 0) return 0n; throw new ArithmeticError(`division by zero`) }
        return operator === '/' ? a / b : a % b
      case '**': return BigInt.asIntN(64, a ** b)
      case '<<': return BigInt.asIntN(64, a << (b & 63n))
      case '>>': return a >> (b & 63n)
      case '&': return a & b
      case '|': return a | b
      case '^': return a ^ b
      case '&&': return truth(a !== 0n && b !== 0n)
      case '||': return truth(a !== 0n || b !== 0n)
      case '==': return truth(a === b)
      case '!=': return truth(a !== b)
      case '<': return truth(a < b)
      case '<=': return truth(a <= b)
      case '>': return truth(a > b)
      case '>=': return truth(a >= b)
      default: return this.#fail()
    }
  }

  #unary(): Value {
    const operator = this.#peek()
    switch (operator) {
      case '!': this.#at += 1; return { value: this.#unary().value === 0n ? 1n : 0n }
      case '~': this.#at += 1; return { value: ~this.#unary().value }
      case '-': this.#at += 1; return { value: BigInt.asIntN(64, -this.#unary().value) }
      case '+': this.#at += 1; return { value: this.#unary().value }
      case '++': case '--': {
        this.#at += 1
        const token = this.#tokens[this.#at]
        if (token?.kind !== 'name') return this.#fail()
        this.#at += 1
        const value = this.#variable(token.text) + (operator === '++' ? 1n : -1n)
        this.#store(token.text, value)
        return { value }
      }
      default: return this.#primary()
    }
  }

  #primary(): Value {
    const token = this.#tokens[this.#at]
    if (!token) return this.#fail()
    this.#at += 1
    if (token.kind === 'number') return { value: parseNumber(token.text) }
    if (token.kind === 'name') {
      const value = this.#variable(token.text)
      const after = this.#peek()
      if (after === '++' || after === '--') {
        this.#at += 1
        this.#store(token.text, value + (after === '++' ? 1n : -1n))
      }
      return { value, name: token.text }
    }
    if (token.text !== '(') return this.#fail()
    const value = this.#comma()
    if (this.#peek() !== ')') return this.#fail()
    this.#at += 1
    return { value }
  }

  #variable(name: string): bigint {
    const text = this.#scope.get(name).trim()
    if (text === '') return 0n
    if (/^[-+]?(0[xX][0-9a-fA-F]+|\d+)$/.test(text)) return text[0] === '-' ? -parseNumber(text.slice(1)) : parseNumber(text.replace(/^\+/, ''))
    if (text === name) return 0n
    return evaluateArithmetic(text, this.#scope)
  }

  #store(name: string, value: bigint): void {
    if (this.#skipping === 0) this.#scope.set(name, value.toString())
  }
}

function parseNumber(text: string): bigint {
  const based = /^(\d+)#(.+)$/.exec(text)
  if (based) {
    let value = 0n
    for (const char of based[2]!.toLowerCase()) value = value * BigInt(based[1]!) + BigInt(parseInt(char, 36))
    return value
  }
  if (/^0[xX]/.test(text)) return BigInt(text)
  if (/^0\d+$/.test(text)) {
    if (/[89]/.test(text)) throw new ArithmeticError(`Illegal number: ${text}`)
    return BigInt(`0o${text.slice(1)}`)
  }
  return BigInt(text)
}
