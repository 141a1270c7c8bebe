import { isGranted } from './accounts.ts'
import { defaultText, engineName } from './ddl.ts'
import { SYSTEM_DATABASES } from './instance.ts'
import type { ResultSet } from './select.ts'
import type { Session } from './session.ts'
import type { Database, Table } from './table.ts'
import { byName } from './table.ts'
import { dateTimeText, isNumericType, isTextType, typeText } from './values.ts'
import type { Value } from './values.ts'

/** Databases that a session may see. */
export function visibleDatabases(session: Session): string[] {
  const all = [...SYSTEM_DATABASES, ...session.instance.databases.keys()].sort(byName)
  return all.filter((name) => name === 'information_schema' || (name === 'performance_schema') || isGranted(session.user, 'SHOW DATABASES') || isGranted(session.user, undefined, name))
}

const visibleTables = (session: Session): { database: Database; table: Table }[] => visibleDatabases(session).flatMap((name) => [...session.instance.databases.get(name)?.tables.values() ?? []].sort((a, b) => a.name < b.name ? -1 : 1).filter((table) => isGranted(session.user, undefined, name, table.name)).map((table) => ({ database: session.instance.databases.get(name)!, table })))

const set = (names: string, rows: Value[][]): ResultSet => ({ columns: names.split(' ').map((name) => ({ name })), rows })

/** Whether a column is alone or first in an index: PRI, UNI or MUL. */
export function keyOf(table: Table, name: string): string {
  const { indexes } = table.definition
  const is = (column: string | undefined) => column?.toLowerCase() === name.toLowerCase()
  if (indexes.some(({ kind, columns }) => kind === 'primary' && columns.some(is))) return 'PRI'
  if (indexes.some(({ kind, columns }) => kind === 'unique' && columns.length === 1 && is(columns[0]))) return 'UNI'
  return indexes.some(({ columns }) => is(columns[0])) ? 'MUL' : ''
}

/** Default and extra as DESCRIBE shows them. */
export function defaultAndExtra(table: Table, name: string, old: boolean): { default: Value; extra: string } {
  const column = table.definition.columns[table.position(name)]!
  const generated = column.default?.kind === 'call'
  const extra = [column.autoIncrement ? 'auto_increment' : '', generated && !old ? 'DEFAULT_GENERATED' : '', column.onUpdateNow ? 'on update CURRENT_TIMESTAMP' : ''].filter(Boolean).join(' ')
  const text = column.default ? defaultText(column) : 'NULL'
  return { default: text === 'NULL' ? null : text.replace(/^'(.*)'$/s, '$1').replaceAll("''", "'"), extra }
}

/** The processes of SHOW PROCESSLIST. */
export function processRows(session: Session): Value[][] {
  const { instance, user } = session
  const all = isGranted(user, 'PROCESS')
  return [...instance.sessions.values()].filter((other) => all || other.user === user).map((other): Value[] => {
    const at = other.login.lastIndexOf('@')
    return [BigInt(other.id), other.login.slice(0, at), other.login.slice(at + 1), other.database ?? null, other === session ? 'Query' : other.command, BigInt(Math.max(0, Math.floor((instance.options.nowMs() - other.sinceMs) / 1000))), other === session ? instance.old ? 'starting' : 'init' : other.state, other === session ? session.info : other.info]
  })
}

/** Tables of the server's own databases, as far as they are here; undefined for others. */
export function informationSchema(session: Session, database: string, name: string): ResultSet | undefined {
  const { instance } = session
  const { old } = instance
  if (database === 'mysql') {
    if (name === 'user') return set('Host User authentication_string plugin account_locked', instance.accounts.map(({ host, name: user, password }): Value[] => [host, user, password === '' ? '' : old ? `*${password.toUpperCase()}` : `$A$005$${password}`, old ? 'mysql_native_password' : 'caching_sha2_password', 'N']))
    if (name === 'db') return set('Host Db User', instance.accounts.flatMap(({ host, name: user, grants }) => grants.filter((grant) => grant.database !== '*' && grant.table === '*').map((grant): Value[] => [host, grant.database, user])))
    return undefined
  }
  if (database !== 'information_schema') return undefined
  switch (name.toLowerCase()) {
    case 'schemata': return set('CATALOG_NAME SCHEMA_NAME DEFAULT_CHARACTER_SET_NAME DEFAULT_COLLATION_NAME SQL_PATH', visibleDatabases(session).map((each): Value[] => { const found = instance.databases.get(each); return ['def', each, found?.charset ?? (old ? 'utf8' : 'utf8mb4'), found?.collation ?? (old ? 'utf8_general_ci' : 'utf8mb4_0900_ai_ci'), null] }))
    case 'tables': return set('TABLE_CATALOG TABLE_SCHEMA TABLE_NAME TABLE_TYPE ENGINE VERSION ROW_FORMAT TABLE_ROWS AVG_ROW_LENGTH DATA_LENGTH INDEX_LENGTH AUTO_INCREMENT CREATE_TIME TABLE_COLLATION TABLE_COMMENT', [
      ...visibleTables(session).map(({ database: { name: schema, collation }, table }): Value[] => ['def', schema, table.name, 'BASE TABLE', engineName(table.definition), 10n, 'Dynamic', BigInt(table.size), table.size === 0 ? 0n : BigInt(Math.floor(table.usedBytes() / table.size)), BigInt(table.usedBytes()), 0n, table.definition.columns.some(({ autoIncrement }) => autoIncrement) ? table.autoIncrement : null, dateTimeText(table.createdMs), table.definition.collation ?? collation, table.definition.comment ?? '']),
      ...visibleDatabases(session).flatMap((schema) => [...instance.databases.get(schema)?.views.keys() ?? []].map((view): Value[] => ['def', schema, view, 'VIEW', null, null, null, null, null, null, null, null, null, null, 'VIEW'])),
    ])
    case 'columns': return set('TABLE_CATALOG TABLE_SCHEMA TABLE_NAME COLUMN_NAME ORDINAL_POSITION COLUMN_DEFAULT IS_NULLABLE DATA_TYPE CHARACTER_MAXIMUM_LENGTH NUMERIC_PRECISION NUMERIC_SCALE COLUMN_TYPE COLUMN_KEY EXTRA COLUMN_COMMENT', visibleTables(session).flatMap(({ table }) => table.definition.columns.map((column, i): Value[] => {
      const { default: value, extra } = defaultAndExtra(table, column.name, old)
      return ['def', table.database, table.name, column.name, BigInt(i + 1), value, column.notNull ? 'NO' : 'YES', column.type.name, isTextType(column.type) && column.type.length !== undefined ? BigInt(column.type.length) : null, isNumericType(column.type) ? BigInt(column.type.length ?? 10) : null, isNumericType(column.type) ? BigInt(column.type.scale ?? 0) : null, typeText(column.type, old), keyOf(table, column.name), extra, column.comment ?? '']
    })))
    case 'statistics': return set('TABLE_SCHEMA TABLE_NAME NON_UNIQUE INDEX_NAME SEQ_IN_INDEX COLUMN_NAME', visibleTables(session).flatMap(({ table }) => table.definition.indexes.flatMap(({ name: index, kind, columns }) => columns.map((column, i): Value[] => [table.database, table.name, kind === 'plain' ? 1n : 0n, index, BigInt(i + 1), column]))))
    case 'views': return set('TABLE_SCHEMA TABLE_NAME VIEW_DEFINITION', visibleDatabases(session).flatMap((schema) => [...instance.databases.get(schema)?.views ?? []].map(([view, { text }]): Value[] => [schema, view, text])))
    case 'processlist': return set('ID USER HOST DB COMMAND TIME STATE INFO', processRows(session))
    case 'engines': return set('ENGINE SUPPORT COMMENT', [['InnoDB', 'DEFAULT', 'Supports transactions, row-level locking, and foreign keys']])
    default: return undefined
  }
}
