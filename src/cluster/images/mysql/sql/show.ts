import { findAccount, showGrants } from './accounts.ts'
import type { Statement } from './ast.ts'
import { createTableText, engineName } from './ddl.ts'
import { SqlError, unsupported } from './errors.ts'
import { Scope, compile, likePattern } from './evaluate.ts'
import { defaultAndExtra, keyOf, processRows, visibleDatabases } from './information-schema.ts'
import { SYSTEM_DATABASES } from './instance.ts'
import { syntaxError } from './lexer.ts'
import type { ResultSet } from './select.ts'
import type { Session } from './session.ts'
import { collate, dateTimeText, toText, truth, typeText } from './values.ts'
import type { Value } from './values.ts'

type Show = Extract<Statement, { kind: 'show' }>

const INTEGER = { name: 'bigint' }

/** A result from headings (a number's with a #) and rows. */
function made(names: readonly string[], rows: Value[][]): ResultSet {
  return { columns: names.map((name) => name.startsWith('#') ? { name: name.slice(1), type: INTEGER } : { name }), rows }
}

/** What SHOW answers, after LIKE and WHERE. @throws SqlError */
export function show(session: Session, statement: Show): ResultSet {
  const set = answer(session, statement)
  let { rows } = set
  if (statement.like !== undefined) {
    const pattern = likePattern(statement.like)
    rows = rows.filter((row) => pattern.test(collate(toText(row[0] ?? ''))))
    if (['databases', 'tables'].includes(statement.what)) set.columns[0] = { ...set.columns[0]!, name: `${set.columns[0]!.name} (${statement.like})` }
  }
  if (statement.where) {
    const scope = new Scope(set.columns.map(({ name }) => ({ table: '', name })))
    const test = compile(statement.where, { context: session.context, scope, clause: 'where clause' })
    rows = rows.filter((row) => { scope.row = row; return truth(test()) === true })
  }
  return { columns: set.columns, rows }
}

/** Words that went with 8.4. */
const GONE = new Set(['master status', 'slave status', 'slave hosts', 'master logs'])

function answer(session: Session, statement: Show): ResultSet {
  const { instance } = session
  const { old } = instance
  if (GONE.has(statement.what) && Number(instance.version.split('.').slice(0, 2).join('.')) >= 8.4) throw syntaxError(statement.what, 0)
  switch (statement.what) {
    case 'databases': return made(['Database'], visibleDatabases(session).map((name) => [name]))
    case 'tables': {
      const name = statement.database ?? session.database
      if (name === undefined) throw new SqlError(1046, 'No database selected')
      session.requireDatabase(name)
      const system: Readonly<Record<string, readonly string[]>> = { mysql: ['db', 'user'], information_schema: ['COLUMNS', 'ENGINES', 'PROCESSLIST', 'SCHEMATA', 'STATISTICS', 'TABLES', 'VIEWS'] }
      const database = SYSTEM_DATABASES.includes(name) ? undefined : instance.database(name)
      const names = database ? [...database.tables.keys(), ...database.views.keys()].sort((a, b) => a < b ? -1 : 1) : system[name] ?? []
      return statement.full ? made([`Tables_in_${name}`, 'Table_type'], names.map((each) => [each, database ? database.views.has(each) ? 'VIEW' : 'BASE TABLE' : name === 'mysql' ? 'BASE TABLE' : 'SYSTEM VIEW'])) : made([`Tables_in_${name}`], names.map((each) => [each]))
    }
    case 'columns': {
      const view = instance.databases.get(session.databaseOf(statement.table!))?.views.get(statement.table!.name)
      if (view || SYSTEM_DATABASES.includes(session.databaseOf(statement.table!))) {
        const source = session.tables.open(statement.table!, statement.table!.name, undefined)
        return made(['Field', 'Type', 'Null', 'Key', 'Default', 'Extra'], source.columns.map(({ name, definition }) => [name, definition ? typeText(definition.type, old) : 'varchar(255)', definition?.notNull ? 'NO' : 'YES', '', null, '']))
      }
      const table = session.table(statement.table!)
      session.require('SELECT', statement.table!)
      const rows = table.definition.columns.map((column): Value[] => {
        const { default: value, extra } = defaultAndExtra(table, column.name, old)
        const row = [column.name, typeText(column.type, old), column.notNull ? 'NO' : 'YES', keyOf(table, column.name), value, extra]
        return statement.full ? [row[0]!, row[1]!, /char|text|enum|set/.test(column.type.name) ? instance.databases.get(table.database)!.collation : null, ...row.slice(2), 'select,insert,update,references', column.comment ?? ''] : row
      })
      return made(statement.full ? ['Field', 'Type', 'Collation', 'Null', 'Key', 'Default', 'Extra', 'Privileges', 'Comment'] : ['Field', 'Type', 'Null', 'Key', 'Default', 'Extra'], rows)
    }
    case 'create table': {
      const database = session.databaseOf(statement.table!)
      const view = instance.databases.get(database)?.views.get(statement.table!.name)
      if (view) return createView(session, statement.table!.name, view.text)
      const table = session.table(statement.table!)
      session.require('SELECT', statement.table!)
      return made(['Table', 'Create Table'], [[table.name, createTableText(table, old, instance.database(table.database))]])
    }
    case 'create view': {
      const database = session.databaseOf(statement.table!)
      const view = instance.databases.get(database)?.views.get(statement.table!.name)
      if (!view) { session.table(statement.table!); throw new SqlError(1347, `'${database}.${statement.table!.name}' is not VIEW`) }
      return createView(session, statement.table!.name, view.text)
    }
    case 'create database': {
      session.requireDatabase(statement.database!)
      const { name, charset, collation } = instance.database(statement.database!)
      return made(['Database', 'Create Database'], [[name, `CREATE DATABASE \`${name}\` /*!40100 DEFAULT CHARACTER SET ${charset}${old && /_(?:swedish|general)_ci$/.test(collation) ? '' : ` COLLATE ${collation}`} */${old ? '' : " /*!80016 DEFAULT ENCRYPTION='N' */"}`]])
    }
    case 'create user': {
      const { name, host } = statement.account!
      const user = instance.accounts.find((each) => each.name === name && each.host === host)
      if (!user) throw new SqlError(1396, `Operation SHOW CREATE USER failed for '${name}'@'${host}'`)
      return made([`CREATE USER for ${name}@${host}`], [[`CREATE USER \`${name}\`@\`${host}\` IDENTIFIED WITH '${old ? 'mysql_native_password' : 'caching_sha2_password'}'${user.password === '' ? '' : ` AS '${old ? `*${user.password.toUpperCase()}` : `$A$005$${user.password}`}'`} REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK`]])
    }
    case 'grants': {
      const user = statement.account && statement.account.name !== '' ? findAccount(instance.accounts.filter(({ host }) => host === statement.account!.host), statement.account.name, statement.account.host) : session.user
      if (!user) throw new SqlError(1141, `There is no such grant defined for user '${statement.account!.name}' on host '${statement.account!.host}'`)
      return made([`Grants for ${user.name}@${user.host}`], showGrants(user, old).map((line) => [line]))
    }
    case 'index': {
      const table = session.table(statement.table!)
      return made(['Table', '#Non_unique', 'Key_name', '#Seq_in_index', 'Column_name', 'Collation', '#Cardinality', '#Sub_part', 'Packed', 'Null', 'Index_type', 'Comment', 'Index_comment', ...(old ? [] : ['Visible', 'Expression'])],
        table.definition.indexes.flatMap(({ name, kind, columns }) => columns.map((column, i): Value[] => [table.name, kind === 'plain' ? 1n : 0n, name, BigInt(i + 1), column, 'A', BigInt(table.size), null, null, table.definition.columns[table.position(column)]!.notNull ? '' : 'YES', 'BTREE', '', '', ...(old ? [] : ['YES', null])])))
    }
    case 'table status': {
      const database = instance.database(statement.database ?? session.database ?? (() => { throw new SqlError(1046, 'No database selected') })())
      return made(['Name', 'Engine', '#Version', 'Row_format', '#Rows', '#Avg_row_length', '#Data_length', '#Max_data_length', '#Index_length', '#Data_free', '#Auto_increment', 'Create_time', 'Update_time', 'Check_time', 'Collation', 'Checksum', 'Create_options', 'Comment'],
        [...database.tables.values()].map((table): Value[] => [table.name, engineName(table.definition), 10n, 'Dynamic', BigInt(table.size), table.size === 0 ? 0n : BigInt(Math.floor(table.usedBytes() / table.size)), BigInt(table.usedBytes()), 0n, 0n, 0n, table.definition.columns.some(({ autoIncrement }) => autoIncrement) ? table.autoIncrement : null, dateTimeText(table.createdMs), null, null, table.definition.collation ?? database.collation, null, '', table.definition.comment ?? '']))
    }
    case 'processlist': return made(['#Id', 'User', 'Host', 'db', 'Command', '#Time', 'State', 'Info'], processRows(session))
    case 'variables': {
      const all = new Map([...instance.variables, ...session.variables])
      return made(['Variable_name', 'Value'], [...all].sort(([a], [b]) => a < b ? -1 : 1))
    }
    case 'status': return made(['Variable_name', 'Value'], statusRows(session))
    case 'engines': case 'storage engines': return made(['Engine', 'Support', 'Comment', 'Transactions', 'XA', 'Savepoints'], [['InnoDB', 'DEFAULT', 'Supports transactions, row-level locking, and foreign keys', 'YES', 'YES', 'YES']])
    case 'warnings': return made(['Level', '#Code', 'Message'], session.warnings.map(({ level, code, message }) => [level, BigInt(code), message]))
    case 'errors': return made(['Level', '#Code', 'Message'], session.warnings.filter(({ level }) => level === 'Error').map(({ level, code, message }) => [level, BigInt(code), message]))
    case 'count warnings': return made(['#@@session.warning_count'], [[BigInt(session.warnings.length)]])
    case 'count errors': return made(['#@@session.error_count'], [[BigInt(session.warnings.filter(({ level }) => level === 'Error').length)]])
    case 'character set': case 'charset': return made(['Charset', 'Description', 'Default collation', '#Maxlen'], [['ascii', 'US ASCII', 'ascii_general_ci', 1n], ['binary', 'Binary pseudo charset', 'binary', 1n], ['latin1', 'cp1252 West European', 'latin1_swedish_ci', 1n], [old ? 'utf8' : 'utf8mb3', 'UTF-8 Unicode', old ? 'utf8_general_ci' : 'utf8mb3_general_ci', 3n], ['utf8mb4', 'UTF-8 Unicode', old ? 'utf8mb4_general_ci' : 'utf8mb4_0900_ai_ci', 4n]])
    case 'collation': return made(['Collation', 'Charset', '#Id', 'Default', 'Compiled', '#Sortlen'], [['latin1_swedish_ci', 'latin1', 8n, 'Yes', 'Yes', 1n], ...(old ? [] : [['utf8mb4_0900_ai_ci', 'utf8mb4', 255n, 'Yes', 'Yes', 0n]] as Value[][]), ['utf8mb4_bin', 'utf8mb4', 46n, '', 'Yes', 1n], ['utf8mb4_general_ci', 'utf8mb4', 45n, old ? 'Yes' : '', 'Yes', 1n]])
    case 'privileges': case 'plugins': return made(['Name'], [])
    case 'triggers': return made(['Trigger', 'Event', 'Table', 'Statement', 'Timing', 'Created'], [])
    case 'events': return made(['Db', 'Name', 'Definer'], [])
    case 'procedure status': case 'function status': return made(['Db', 'Name', 'Type'], [])
    case 'open tables': return made(['Database', 'Table', '#In_use', '#Name_locked'], [])
    case 'slave hosts': case 'replicas': return made(['#Server_Id', 'Host', '#Port', '#Source_Id', 'Replica_UUID'], [])
    case 'slave status': case 'replica status': return made(['Slave_IO_State'], [])
    // There is no binary log: replication is not here.
    case 'master status': case 'binary log status': return made(['File', '#Position', 'Binlog_Do_DB', 'Binlog_Ignore_DB', 'Executed_Gtid_Set'], [])
    case 'binary logs': case 'master logs': throw new SqlError(1381, 'You are not using binary logging')
    case 'engine status': return unsupported('SHOW ENGINE STATUS')
    default: return made([statement.what], [])
  }
}

function createView(session: Session, name: string, text: string): ResultSet {
  return made(['View', 'Create View', 'character_set_client', 'collation_connection'], [[name, `CREATE ALGORITHM=UNDEFINED DEFINER=\`${session.user.name}\`@\`${session.user.host}\` SQL SECURITY DEFINER VIEW \`${name}\` AS ${text}`, 'utf8mb4', 'utf8mb4_0900_ai_ci']])
}

/** SHOW STATUS. */
export function statusRows({ instance }: Session): [string, string][] {
  const counter = (name: string) => String(instance.counters.get(name) ?? 0)
  const uptime = String(Math.floor((instance.options.nowMs() - instance.startedMs) / 1000))
  const rows: Record<string, string> = {
    Aborted_connects: counter('Aborted_connects'), Com_create_db: counter('Com_create_db'), Com_create_table: counter('Com_create_table'), Com_delete: counter('Com_delete'), Com_insert: counter('Com_insert'), Com_select: counter('Com_select'), Com_update: counter('Com_update'), Connections: counter('Connections'),
    Open_tables: String([...instance.databases.values()].reduce((sum, { tables }) => sum + tables.size, 0)), Queries: counter('Questions'), Questions: counter('Questions'), Threads_connected: String(instance.sessions.size), Threads_created: counter('Connections'), Threads_running: String(1 + [...instance.sessions.values()].filter(({ command }) => command === 'Query').length), Uptime: uptime, Uptime_since_flush_status: uptime,
  }
  return Object.entries(rows)
}
