import type { UserRecord } from './accounts.ts'
import type { Account, Statement } from './ast.ts'
import { SqlError } from './errors.ts'
import { SYSTEM_DATABASES } from './instance.ts'
import type { Session } from './session.ts'

type AccountStatement = Extract<Statement, { kind: 'create user' | 'drop user' | 'rename user' | 'set password' | 'grant' }>

const quoted = ({ name, host }: Account) => `'${name}'@'${host}'`

/** CREATE USER, GRANT and their kin. @throws SqlError 1227, 1396, 1410, 1141 */
export function manageAccounts(session: Session, statement: AccountStatement): void {
  const { instance } = session
  const find = (account: Account): UserRecord | undefined => account.name === '' && account.host === '' ? session.user : instance.accounts.find(({ name, host }) => name === account.name && host === account.host)
  const failed = (operation: string, accounts: readonly Account[]) => new SqlError(1396, `Operation ${operation} failed for ${accounts.map(quoted).join(',')}`)
  switch (statement.kind) {
    case 'create user': {
      if (!(statement.alter && statement.users.every(({ account }) => find(account) === session.user))) session.requireGlobal('CREATE USER')
      const wrong = statement.users.filter(({ account }) => (find(account) !== undefined) !== statement.alter).map(({ account }) => account)
      if (wrong.length > 0) {
        if (!statement.ifNotExists) throw failed(statement.alter ? 'ALTER USER' : 'CREATE USER', wrong)
        for (const account of wrong) session.note('Note', statement.alter ? 3162 : 3163, `Authorization ID ${quoted(account)} ${statement.alter ? 'does not exist' : 'already exists'}.`)
      }
      for (const { account, password } of statement.users) {
        if (wrong.includes(account)) continue
        const user = find(account)
        if (user) { if (password !== undefined) user.password = instance.options.hashPassword(password) } else instance.accounts.push({ ...account, password: instance.options.hashPassword(password ?? ''), grants: [] })
      }
      break
    }
    case 'drop user': {
      session.requireGlobal('CREATE USER')
      const missing = statement.accounts.filter((account) => !find(account))
      if (missing.length > 0 && !statement.ifExists) throw failed('DROP USER', missing)
      for (const account of missing) session.note('Note', 3162, `Authorization ID ${quoted(account)} does not exist.`)
      const gone = statement.accounts.map(find)
      instance.accounts = instance.accounts.filter((user) => !gone.includes(user))
      break
    }
    case 'rename user': {
      session.requireGlobal('CREATE USER')
      const user = find(statement.from)
      if (!user || find(statement.to)) throw failed('RENAME USER', [statement.from])
      Object.assign(user, statement.to)
      break
    }
    case 'set password': {
      const user = statement.account ? find(statement.account) : session.user
      if (user !== session.user) session.requireGlobal('CREATE USER')
      if (!user) throw new SqlError(1133, "Can't find any matching row in the user table")
      user.password = instance.options.hashPassword(statement.password)
      break
    }
    case 'grant': {
      const database = statement.on.database || session.database
      if (database === undefined) throw new SqlError(1046, 'No database selected')
      const { table } = statement.on
      if (!session.user.grants.some((grant) => grant.withGrant && (grant.database === '*' || grant.database === database))) throw new SqlError(database === '*' ? 1045 : 1044, `Access denied for user ${quoted(session.user)} ${database === '*' ? '(using password: YES)' : `to database '${database}'`}`)
      const privileges = statement.privileges.map((privilege) => privilege === 'ALL' ? 'ALL PRIVILEGES' : privilege)
      for (const { account, password } of statement.accounts) {
        let user = find(account)
        if (!user) {
          // Up to 5.7 GRANT made accounts that it was given a password for.
          if (statement.revoke) throw new SqlError(1141, `There is no such grant defined for user '${account.name}' on host '${account.host}'`)
          if (!instance.old) throw new SqlError(1410, 'You are not allowed to create a user with GRANT')
          if (password === undefined) throw new SqlError(1133, "Can't find any matching row in the user table")
          instance.accounts.push(user = { ...account, password: instance.options.hashPassword(password), grants: [] })
        } else if (password !== undefined) user.password = instance.options.hashPassword(password)
        const isPart = (grant: UserRecord['grants'][number]) => grant.database === database && grant.table === table
        let grant = user.grants.find(isPart)
        if (statement.revoke) {
          if (!grant) { if (privileges[0] === 'ALL PRIVILEGES' && database === '*') { user.grants = []; continue } throw new SqlError(1141, `There is no such grant defined for user '${account.name}' on host '${account.host}'`) }
          if (privileges.includes('ALL PRIVILEGES')) grant.privileges.clear()
          else for (const privilege of privileges) grant.privileges.delete(privilege)
          if (privileges.includes('GRANT OPTION')) grant.withGrant = false
          user.grants = user.grants.filter((each) => each.privileges.size > 0)
          continue
        }
        if (table !== '*' && !SYSTEM_DATABASES.includes(database) && !instance.databases.get(database)?.tables.has(table) && !instance.databases.get(database)?.views.has(table)) throw new SqlError(1146, `Table '${database}.${table}' doesn't exist`)
        if (!grant) user.grants.push(grant = { database, table, privileges: new Set(), withGrant: false })
        if (privileges.includes('ALL PRIVILEGES')) grant.privileges = new Set(['ALL PRIVILEGES'])
        else for (const privilege of privileges) if (privilege !== 'USAGE' && !grant.privileges.has('ALL PRIVILEGES')) grant.privileges.add(privilege)
        if (statement.withGrant) grant.withGrant = true
        user.grants = user.grants.filter((each) => each.privileges.size > 0 || each.withGrant)
      }
    }
  }
  instance.saveAccounts()
}
