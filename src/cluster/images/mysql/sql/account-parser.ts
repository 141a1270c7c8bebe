import type { Account, Statement } from './ast.ts'
import { unsupported } from './errors.ts'
import { QueryParser } from './query-parser.ts'

/** Reads accounts, and statements about them: users and their privileges. */
export class AccountParser extends QueryParser {
  protected account(): Account {
    if (this.eat('current_user')) { if (this.eat('(')) this.expect(')'); return { name: '', host: '' } }
    const name = this.nameOrString()
    const token = this.token
    if (token.kind !== 'variable') return { name, host: '%' }
    this.at += 1
    return { name, host: token.text === '@' ? this.nameOrString() : token.text.slice(1) }
  }

  protected identified(): { password?: string } {
    if (!this.eat('identified')) return {}
    if (this.eat('with')) { this.nameOrString(); if (!this.oneOf('by', 'as')) return {} } else this.expect('by')
    this.eat('password')
    return { password: this.string() }
  }

  protected users(alter: boolean): Statement {
    const ifNotExists = alter ? this.ifExists() : this.ifNotExists()
    const users = this.list(() => ({ account: this.account(), ...this.identified() }))
    // Limits, expiry, TLS: accepted, and of no consequence.
    while (this.token.kind === 'word' || this.token.kind === 'number') this.at += 1
    return { kind: 'create user', users, ifNotExists, alter }
  }

  protected grant(revoke: boolean): Statement {
    const privileges = this.list(() => {
      let text = ''
      while (this.token.kind === 'word' && !this.is('on') && !this.is('to') && !this.is('from')) text += ` ${this.tokens[this.at++]!.text.toUpperCase()}`
      if (this.is('(')) unsupported(`${revoke ? 'REVOKE' : 'GRANT'} of privileges on columns`)
      return text.trim() || this.fail()
    })
    const on = { database: '*', table: '*' }
    if (this.eat('on')) {
      this.eat('table')
      const part = () => this.eat('*') ? '*' : this.name()
      const first = part()
      if (this.eat('.')) Object.assign(on, { database: first, table: part() })
      else Object.assign(on, first === '*' ? { database: '', table: '*' } : { database: '', table: first })
    }
    this.expect(revoke ? 'from' : 'to')
    const accounts = this.list(() => ({ account: this.account(), ...this.identified() }))
    const withGrant = this.eat('with', 'grant', 'option')
    return { kind: 'grant', revoke, privileges, on, accounts, withGrant }
  }
}
