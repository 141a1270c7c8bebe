import type { Account } from './ast.ts'

/** What may be done where: `*.*`, `shop.*` or `shop.goods`. */
export interface Grant { database: string; table: string; privileges: Set<string>; withGrant: boolean }

/** An account with its grants. */
export interface UserRecord extends Account {
  /** Its hash; empty without a password. */
  password: string
  grants: Grant[]
}

/** Privileges that ALL means, as SHOW GRANTS lists them for root since 8.0. */
const ALL_PRIVILEGES = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE', 'DROP', 'RELOAD', 'SHUTDOWN', 'PROCESS', 'FILE', 'REFERENCES', 'INDEX', 'ALTER', 'SHOW DATABASES', 'SUPER', 'CREATE TEMPORARY TABLES', 'LOCK TABLES', 'EXECUTE', 'REPLICATION SLAVE', 'REPLICATION CLIENT', 'CREATE VIEW', 'SHOW VIEW', 'CREATE ROUTINE', 'ALTER ROUTINE', 'CREATE USER', 'EVENT', 'TRIGGER', 'CREATE TABLESPACE', 'CREATE ROLE', 'DROP ROLE']

const pattern = (text: string) => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('%', '.*').replaceAll('_', '.')}$`, 'i')

/** The account that somebody from this host logs in with: the most particular host first, then names before the anonymous one. */
export function findAccount(accounts: readonly UserRecord[], name: string, host: string): UserRecord | undefined {
  const weight = (account: Account) => (account.host.includes('%') ? account.host === '%' ? 2 : 1 : 0) * 2 + (account.name === '' ? 1 : 0)
  return accounts.filter((account) => (account.name === name || account.name === '') && pattern(account.host).test(host)).sort((a, b) => weight(a) - weight(b))[0]
}

/** Whether an account has a privilege there; any privilege where none is named. */
export function isGranted(user: UserRecord, privilege: string | undefined, database = '*', table = '*'): boolean {
  return user.grants.some((grant) => {
    if (grant.database !== '*' && (database === '*' || !pattern(grant.database).test(database))) return false
    if (grant.table !== '*' && table !== '*' && grant.table !== table) return false
    if (grant.table !== '*' && table === '*' && privilege !== undefined) return false
    return privilege === undefined ? [...grant.privileges].some((each) => each !== 'USAGE') : grant.privileges.has('ALL PRIVILEGES') || grant.privileges.has(privilege)
  })
}

/** Lines of SHOW GRANTS. */
export function showGrants(user: UserRecord, old: boolean): string[] {
  const name = old ? `'${user.name}'@'${user.host}'` : `\`${user.name}\`@\`${user.host}\``
  const global = user.grants.find(({ database }) => database === '*')
  const others = user.grants.filter((grant) => grant !== global)
  const list = ({ privileges }: Grant, everything: string) => privileges.has('ALL PRIVILEGES') ? everything : [...privileges].sort((a, b) => ALL_PRIVILEGES.indexOf(a) - ALL_PRIVILEGES.indexOf(b)).join(', ')
  const option = ({ withGrant }: Grant) => withGrant ? ' WITH GRANT OPTION' : ''
  const lines = [`GRANT ${global ? list(global, old ? 'ALL PRIVILEGES' : ALL_PRIVILEGES.join(', ')) : 'USAGE'} ON *.* TO ${name}${global ? option(global) : ''}`]
  for (const grant of others) lines.push(`GRANT ${list(grant, 'ALL PRIVILEGES')} ON \`${grant.database}\`.${grant.table === '*' ? '*' : `\`${grant.table}\``} TO ${name}${option(grant)}`)
  return lines
}
