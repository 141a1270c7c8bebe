import type { TableName } from './ast.ts'
import { syntaxError, tokenize } from './lexer.ts'
import type { Token } from './lexer.ts'

/** Words that can't be names without quotes. */
export const RESERVED = new Set('add all alter and as asc between by case change check column constraint create cross delete desc describe distinct div drop else exists explain false for foreign from fulltext grant group having if in index inner insert interval into is join key keys left like limit lock mod natural not null on or order outer primary references regexp rename replace revoke right rlike select set show table then to true union unique unlock update use using values when where with xor'.split(' '))

/** A statement's tokens as they are taken: words, names, lists. */
export class TokenReader {
  protected readonly sql: string
  protected readonly tokens: Token[]
  /** Index of the token that comes next. */
  protected at = 0

  constructor(sql: string) {
    this.sql = sql
    this.tokens = tokenize(sql)
  }

  protected get token(): Token { return this.tokens[this.at]! }

  protected peek(offset = 1): Token { return this.tokens[Math.min(this.at + offset, this.tokens.length - 1)]! }

  protected fail(): never { throw syntaxError(this.sql, this.token.start) }

  /** Whether these words (in lower case) or operators come next. */
  protected is(...words: string[]): boolean {
    return words.every((word, i) => {
      const token = this.peek(i)
      return (token.kind === 'word' && token.text.toLowerCase() === word) || (token.kind === 'operator' && token.text === word)
    })
  }

  /** Takes them if they come next. */
  protected eat(...words: string[]): boolean {
    if (!this.is(...words)) return false
    this.at += words.length
    return true
  }

  /** The first of these that comes next, taken. */
  protected oneOf(...words: string[]): string | undefined {
    return words.find((word) => this.eat(word))
  }

  protected expect(...words: string[]): void {
    for (const word of words) if (!this.eat(word)) this.fail()
  }

  protected isName(token = this.token): boolean {
    return token.kind === 'quoted' || (token.kind === 'word' && !RESERVED.has(token.text.toLowerCase()))
  }

  protected name(): string {
    const token = this.token
    const afterDot = this.at > 0 && this.tokens[this.at - 1]!.text === '.'
    if (!this.isName(token) && !(afterDot && token.kind === 'word')) this.fail()
    this.at += 1
    return token.text
  }

  protected string(): string {
    if (this.token.kind !== 'string') this.fail()
    return this.tokens[this.at++]!.text
  }

  protected nameOrString(): string { return this.token.kind === 'string' ? this.string() : this.name() }

  protected integer(): number {
    if (this.token.kind !== 'number') this.fail()
    return Number(this.tokens[this.at++]!.text)
  }

  protected list<T>(read: () => T): T[] {
    const out = [read()]
    while (this.eat(',')) out.push(read())
    return out
  }

  protected inParentheses<T>(read: () => T): T {
    this.expect('(')
    const out = read()
    this.expect(')')
    return out
  }

  protected names(): string[] { return this.inParentheses(() => this.list(() => this.name())) }

  protected tableName(): TableName {
    const name = this.name()
    return this.eat('.') ? { database: name, name: this.name() } : { name }
  }

  protected ifNotExists(): boolean { return this.eat('if', 'not', 'exists') }

  protected ifExists(): boolean { return this.eat('if', 'exists') }
}
