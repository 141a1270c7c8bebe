import type { AlterAction, ColumnDefinition, IndexDefinition, Statement, TableDefinition, TableName } from './ast.ts'
import { SqlError, unsupported } from './errors.ts'
import { SYSTEM_DATABASES } from './instance.ts'
import { prepare } from './select.ts'
import type { Result, Session } from './session.ts'
import { RowLocked, Table } from './table.ts'
import type { Database } from './table.ts'
import { coerce, implicitDefault, typeText } from './values.ts'
import type { Value } from './values.ts'

type Definition = Extract<Statement, { kind: 'create database' | 'alter database' | 'drop database' | 'create table' | 'drop table' | 'alter table' | 'rename table' | 'truncate' | 'create view' }>

/** Statements that make, change and remove databases, tables and views. @throws SqlError, RowLocked while a transaction uses the table */
export function defineTables(session: Session, statement: Statement): Result {
  const definition = statement as Definition
  const { instance } = session
  switch (definition.kind) {
    case 'create database': {
      session.requireDatabase(definition.name, 'CREATE')
      if (instance.databases.has(definition.name) || SYSTEM_DATABASES.includes(definition.name)) {
        const message = `Can't create database '${definition.name}'; database exists`
        if (!definition.ifNotExists) throw new SqlError(1007, message)
        session.note('Note', 1007, message)
        return session.ok(1)
      }
      const { charset, collation } = characterSet(session, definition)
      const database: Database = { name: definition.name, charset, collation, tables: new Map(), views: new Map() }
      instance.databases.set(definition.name, database)
      instance.saveDatabase(database)
      return session.ok(1)
    }
    case 'alter database': {
      session.requireDatabase(definition.name, 'ALTER')
      const database = instance.database(definition.name)
      Object.assign(database, characterSet(session, definition))
      instance.saveDatabase(database)
      return session.ok(1)
    }
    case 'drop database': {
      session.requireDatabase(definition.name, 'DROP')
      if (SYSTEM_DATABASES.includes(definition.name)) throw new SqlError(definition.name === 'mysql' || definition.name === 'sys' ? 3552 : 1044, definition.name === 'information_schema' ? `Access denied for user '${session.user.name}'@'${session.user.host}' to database 'information_schema'` : `Access to system schema '${definition.name}' is rejected.`)
      const database = instance.databases.get(definition.name)
      if (!database) {
        if (!definition.ifExists) throw new SqlError(1008, `Can't drop database '${definition.name}'; database doesn't exist`)
        session.note('Note', 1008, `Can't drop database '${definition.name}'; database doesn't exist`)
        return session.ok()
      }
      const count = database.tables.size + database.views.size
      for (const table of database.tables.values()) exclusive(table)
      instance.removeDatabase(definition.name)
      if (session.database === definition.name) session.database = undefined
      return session.ok(count)
    }
    case 'create table': return createTable(session, definition)
    case 'drop table': return dropTables(session, definition)
    case 'truncate': {
      const table = session.table(definition.table)
      session.require('DROP', definition.table)
      exclusive(table)
      instance.checkpoint()
      table.clear()
      table.autoIncrement = 1n
      instance.saveTable(table)
      return session.ok()
    }
    case 'rename table':
      for (const { from, to } of definition.renames) renameTable(session, session.table(from), to)
      return session.ok()
    case 'alter table': {
      const table = session.table(definition.table)
      session.require('ALTER', definition.table)
      exclusive(table)
      instance.checkpoint()
      for (const action of definition.actions) alter(session, table, action)
      if (!definition.actions.some(({ kind }) => kind === 'rename')) instance.saveTable(table)
      return session.ok(0, 'Records: 0  Duplicates: 0  Warnings: 0')
    }
    case 'create view': {
      session.require('CREATE VIEW', definition.view)
      const database = instance.database(session.databaseOf(definition.view))
      prepare(definition.query, session.tables)
      const { name } = definition.view
      if (database.tables.has(name) || (database.views.has(name) && !definition.replace)) throw new SqlError(1050, `Table '${name}' already exists`)
      database.views.set(name, { text: definition.text, ...(definition.columns ? { columns: definition.columns } : {}) })
      instance.saveDatabase(database)
      return session.ok()
    }
  }
}

/** Waits for transactions that wrote to a table. */
function exclusive(table: Table): void {
  const holder = table.busy
  if (holder) throw new RowLocked(holder)
}

const COLLATIONS: Readonly<Record<string, string>> = { utf8mb4: 'utf8mb4_0900_ai_ci', utf8: 'utf8mb3_general_ci', utf8mb3: 'utf8mb3_general_ci', latin1: 'latin1_swedish_ci', ascii: 'ascii_general_ci', binary: 'binary' }

/** @throws SqlError 1115 */
function characterSet(session: Session, { charset, collation }: { charset?: string; collation?: string }): { charset: string; collation: string } {
  const name = (charset ?? collation?.split('_')[0])?.toLowerCase()
  if (name === undefined) return { charset: session.instance.variables.get('character_set_server')!, collation: session.instance.variables.get('collation_server')! }
  if (!(name in COLLATIONS)) throw new SqlError(1115, `Unknown character set: '${name}'`)
  const standard = name === 'utf8' && !session.instance.old ? 'utf8mb3' : name
  return { charset: standard, collation: collation?.toLowerCase() ?? (session.instance.old && name.startsWith('utf8') ? `${name}_general_ci` : COLLATIONS[name]!) }
}

function createTable(session: Session, statement: Extract<Statement, { kind: 'create table' }>): Result {
  const { instance } = session
  const databaseName = session.databaseOf(statement.table)
  session.require('CREATE', statement.table)
  if (SYSTEM_DATABASES.includes(databaseName)) throw new SqlError(3554, `Access to system table '${databaseName}.${statement.table.name}' is rejected.`)
  const database = instance.database(databaseName)
  const { name } = statement.table
  if (database.tables.has(name) || database.views.has(name)) {
    if (!statement.ifNotExists) throw new SqlError(1050, `Table '${name}' already exists`)
    session.note('Note', 1050, `Table '${name}' already exists`)
    return session.ok()
  }
  let definition: TableDefinition = statement.like ? structuredClone({ ...session.table(statement.like).definition, foreignKeys: [] }) : statement.definition
  const engine = definition.engine?.toLowerCase()
  if (engine && !['innodb', 'myisam', 'memory', 'heap', 'csv', 'archive', 'blackhole'].includes(engine)) throw new SqlError(1286, `Unknown storage engine '${definition.engine}'`)
  let rows: Value[][] = []
  if (statement.query) {
    const set = session.select(statement.query)
    const made = set.columns.filter((column) => !definition.columns.some((each) => each.name.toLowerCase() === column.name.toLowerCase())).map((column): ColumnDefinition => {
      const i = set.columns.indexOf(column)
      const values = set.rows.map((row) => row[i]!).filter((value) => value !== null)
      const length = Math.max(1, ...values.map((value) => String(value).length))
      return { name: column.name, type: column.type ?? (values.length > 0 && values.every((value) => typeof value === 'bigint') ? { name: 'bigint' } : values.some((value) => typeof value === 'string') || values.length === 0 ? { name: 'varchar', length } : values.some((value) => typeof value === 'number') ? { name: 'double' } : { name: 'decimal', length: 38, scale: 4 }), notNull: false }
    })
    definition = { ...definition, columns: [...definition.columns, ...made] }
    rows = set.rows.map((row) => definition.columns.map((column) => row[set.columns.findIndex((each) => each.name.toLowerCase() === column.name.toLowerCase())] ?? null))
  }
  if (definition.charset !== undefined || definition.collation !== undefined) Object.assign(definition, characterSet(session, definition))
  completeDefinition(session, name, definition)
  const table = new Table(databaseName, name, definition, instance.options.nowMs(), { bareKeys: instance.old })
  if (definition.autoIncrement) { table.autoIncrement = BigInt(definition.autoIncrement); delete definition.autoIncrement }
  for (const column of definition.columns) if (column.default) session.default(column)
  instance.checkpoint()
  database.tables.set(name, table)
  rows.forEach((row, i) => { table.insert(row.map((value, at) => value === null ? null : coerce(value, definition.columns[at]!.type, { column: definition.columns[at]!.name, row: i + 1, zeroDates: session.zeroDates })), session.transaction) })
  instance.saveTable(table)
  return session.ok(rows.length, statement.query ? `Records: ${rows.length}  Duplicates: 0  Warnings: 0` : '')
}

/** Names indexes and constraints, and refuses what fits not together. @throws SqlError */
function completeDefinition(session: Session, tableName: string, definition: TableDefinition): void {
  const names = new Set<string>()
  for (const column of definition.columns) {
    const key = column.name.toLowerCase()
    if (names.has(key)) throw new SqlError(1060, `Duplicate column name '${column.name}'`)
    names.add(key)
    checkColumn(session, column)
  }
  if (definition.indexes.filter(({ kind }) => kind === 'primary').length > 1) throw new SqlError(1068, 'Multiple primary key defined')
  const indexNames = new Set<string>()
  for (const index of definition.indexes) {
    for (const column of index.columns) if (!names.has(column.toLowerCase())) throw new SqlError(1072, `Key column '${column}' doesn't exist in table`)
    nameIndex(index, indexNames)
    if (index.kind === 'primary') for (const column of definition.columns) if (index.columns.some((each) => each.toLowerCase() === column.name.toLowerCase())) column.notNull = true
  }
  definition.foreignKeys.forEach((key, i) => {
    const named = key.name !== ''
    key.name ||= `${tableName}_ibfk_${i + 1}`
    addForeignKey(session, definition, key, named)
  })
  definition.checks.forEach((check, i) => { check.name ||= `${tableName}_chk_${i + 1}` })
  const automatic = definition.columns.filter(({ autoIncrement }) => autoIncrement)
  if (automatic.length > 1 || (automatic[0] && !definition.indexes.some(({ columns }) => columns[0]!.toLowerCase() === automatic[0]!.name.toLowerCase()))) throw new SqlError(1075, 'Incorrect table definition; there can be only one auto column and it must be defined as a key')
  definition.indexes.sort((a, b) => RANK[a.kind] - RANK[b.kind])
}

const RANK = { primary: 0, unique: 1, plain: 2 }

function checkColumn(session: Session, { name, type }: ColumnDefinition): void {
  if (!session.instance.old && type.length !== undefined && /int$/.test(type.name) && !(type.name === 'tinyint' && type.length === 1)) session.note('Warning', 1681, 'Integer display width is deprecated and will be removed in a future release.')
  if (type.name === 'varchar' && type.length! > 16_383 && !session.instance.old) throw new SqlError(1074, `Column length too big for column '${name}' (max = 16383); use BLOB or TEXT instead`)
  if (type.name === 'decimal' && (type.length ?? 10) > 65) throw new SqlError(1426, `Too-big precision ${type.length} specified for '${name}'. Maximum is 65.`)
  if (type.name === 'char' && (type.length ?? 1) > 255) throw new SqlError(1074, `Column length too big for column '${name}' (max = 255); use BLOB or TEXT instead`)
}

function nameIndex(index: IndexDefinition, taken: Set<string>): void {
  if (taken.has(index.name.toLowerCase())) {
    if (index.name !== index.columns[0]) throw new SqlError(1061, `Duplicate key name '${index.name}'`)
    let n = 2
    while (taken.has(`${index.name}_${n}`.toLowerCase())) n += 1
    index.name = `${index.name}_${n}`
  }
  taken.add(index.name.toLowerCase())
}

function addForeignKey(session: Session, definition: TableDefinition, key: TableDefinition['foreignKeys'][number], named: boolean): void {
  const parent = session.instance.databases.get(key.table.database ?? session.database ?? '')?.tables.get(key.table.name)
  if (!parent && session.systemVariable('foreign_key_checks', false) === 1n) throw new SqlError(1824, `Failed to open the referenced table '${key.table.name}'`)
  for (const column of key.references) if (parent && parent.find(column) < 0) throw new SqlError(3734, `Failed to add the foreign key constraint. Missing column '${column}' for constraint '${key.name}' in the referenced table '${key.table.name}'`)
  if (!definition.indexes.some(({ columns }) => key.columns.every((column, i) => columns[i] === column))) definition.indexes.push({ name: named ? key.name : key.columns[0]!, columns: [...key.columns], kind: 'plain' })
}

function dropTables(session: Session, { tables, ifExists, view }: Extract<Statement, { kind: 'drop table' }>): Result {
  const { instance } = session
  const missing: string[] = []
  const found: { database: Database; name: string }[] = []
  for (const each of tables) {
    const name = session.databaseOf(each)
    session.require('DROP', each)
    const database = instance.databases.get(name)
    if (!(view ? database?.views : database?.tables)?.has(each.name)) missing.push(`${name}.${each.name}`)
    else found.push({ database: database!, name: each.name })
  }
  if (missing.length > 0 && !ifExists) throw new SqlError(1051, `Unknown table '${missing.join(',')}'`)
  for (const name of missing) session.note('Note', 1051, `Unknown table '${name}'`)
  for (const { database, name } of found) {
    if (view) { database.views.delete(name); instance.saveDatabase(database); continue }
    const table = database.tables.get(name)!
    exclusive(table)
    for (const other of database.tables.values()) for (const key of other.definition.foreignKeys) {
      if (other !== table && key.table.name === name && !found.some((each) => each.name === other.name) && session.systemVariable('foreign_key_checks', false) === 1n) throw new SqlError(3730, `Cannot drop table '${name}' referenced by a foreign key constraint '${key.name}' on table '${other.name}'.`)
    }
    instance.checkpoint()
    database.tables.delete(name)
    instance.removeTable(table)
  }
  return session.ok()
}

function renameTable(session: Session, table: Table, to: TableName): void {
  const { instance } = session
  const database = instance.database(to.database ?? table.database)
  if (database.name !== table.database) unsupported('moving a table to another database')
  if (database.tables.has(to.name)) throw new SqlError(1050, `Table '${to.name}' already exists`)
  exclusive(table)
  instance.checkpoint()
  instance.removeTable(table)
  database.tables.delete(table.name)
  table.name = to.name
  database.tables.set(to.name, table)
  instance.saveTable(table)
}

function alter(session: Session, table: Table, action: AlterAction): void {
  const { definition } = table
  const cannotDrop = (name: string) => new SqlError(1091, `Can't DROP '${name}'; check that column/key exists`)
  switch (action.kind) {
    case 'add column': {
      if (table.find(action.column.name) >= 0) throw new SqlError(1060, `Duplicate column name '${action.column.name}'`)
      checkColumn(session, action.column)
      const at = positionOf(table, action, definition.columns.length)
      const value = action.column.default || !action.column.notNull ? session.default(action.column) : implicitDefault(action.column)
      definition.columns.splice(at, 0, action.column)
      table.rewrite((row) => [...row.slice(0, at), action.column.autoIncrement ? table.autoIncrement++ : value, ...row.slice(at)])
      for (const index of action.indexes) addIndex(table, index)
      table.reindex()
      return
    }
    case 'change column': {
      const from = table.position(action.old, table.name)
      if (action.column.name.toLowerCase() !== action.old.toLowerCase() && table.find(action.column.name) >= 0) throw new SqlError(1060, `Duplicate column name '${action.column.name}'`)
      checkColumn(session, action.column)
      const column = { ...action.column }
      if (definition.indexes.some((index) => index.kind === 'primary' && index.columns.includes(action.old))) column.notNull = true
      let number = 0
      const changed = table.scan().map(({ row }) => { number += 1; const value = row[from]!; if (value === null && column.notNull) throw new SqlError(1138, 'Invalid use of NULL value'); return value === null ? null : coerce(value, column.type, { column: column.name, row: number, zeroDates: session.zeroDates }) })
      void changed
      table.rewrite((row) => row.map((value, i) => i !== from || value === null ? value : coerce(value, column.type, { column: column.name, row: 1, zeroDates: session.zeroDates })))
      definition.columns[from] = column
      renameInIndexes(definition, action.old, column.name)
      if (action.position) {
        definition.columns.splice(from, 1)
        const at = positionOf(table, action, definition.columns.length)
        definition.columns.splice(at, 0, column)
        table.rewrite((row) => { const rest = row.filter((_, i) => i !== from); return [...rest.slice(0, at), row[from]!, ...rest.slice(at)] })
      }
      for (const index of action.indexes) addIndex(table, index)
      table.reindex()
      return
    }
    case 'rename column': {
      const column = definition.columns[table.position(action.old, table.name)]!
      if (table.find(action.name) >= 0) throw new SqlError(1060, `Duplicate column name '${action.name}'`)
      renameInIndexes(definition, column.name, action.name)
      column.name = action.name
      return
    }
    case 'drop column': {
      const at = table.find(action.name)
      if (at < 0) throw cannotDrop(action.name)
      if (definition.columns.length === 1) throw new SqlError(1090, "You can't delete all columns with ALTER TABLE; use DROP TABLE instead")
      definition.columns.splice(at, 1)
      for (const index of definition.indexes) index.columns = index.columns.filter((column) => column.toLowerCase() !== action.name.toLowerCase())
      definition.indexes = definition.indexes.filter(({ columns }) => columns.length > 0)
      table.rewrite((row) => row.filter((_, i) => i !== at))
      table.reindex()
      return
    }
    case 'set default': {
      const column = definition.columns[table.position(action.name, table.name)]!
      if (action.default) column.default = action.default
      else delete column.default
      return
    }
    case 'add index': addIndex(table, action.index); try { table.reindex() } catch (error) { definition.indexes.splice(definition.indexes.indexOf(action.index), 1); table.reindex(); throw error } return
    case 'drop index': {
      const at = definition.indexes.findIndex(({ name }) => name.toLowerCase() === action.name.toLowerCase())
      if (at < 0) throw cannotDrop(action.name)
      definition.indexes.splice(at, 1)
      table.reindex()
      return
    }
    case 'rename index': {
      const index = definition.indexes.find(({ name }) => name.toLowerCase() === action.old.toLowerCase())
      if (!index) throw new SqlError(1176, `Key '${action.old}' doesn't exist in table '${table.name}'`)
      index.name = action.name
      return
    }
    case 'add foreign key':
      addForeignKey(session, definition, action.key, action.key.name !== '')
      action.key.name ||= `${table.name}_ibfk_${definition.foreignKeys.length + 1}`
      definition.foreignKeys.push(action.key)
      return
    case 'drop foreign key': {
      const at = definition.foreignKeys.findIndex(({ name }) => name === action.name)
      if (at < 0) throw cannotDrop(action.name)
      definition.foreignKeys.splice(at, 1)
      return
    }
    case 'add check': action.check.name ||= `${table.name}_chk_${definition.checks.length + 1}`; definition.checks.push(action.check); return
    case 'drop check': {
      const at = definition.checks.findIndex(({ name }) => name === action.name)
      if (at < 0) throw cannotDrop(action.name)
      definition.checks.splice(at, 1)
      return
    }
    case 'rename': renameTable(session, table, action.to); return
    case 'options': {
      const { autoIncrement, ...rest } = action.options
      if (autoIncrement !== undefined) table.autoIncrement = BigInt(autoIncrement)
      Object.assign(definition, rest)
    }
  }
}

function addIndex(table: Table, index: IndexDefinition): void {
  const { definition } = table
  for (const column of index.columns) if (table.find(column) < 0) throw new SqlError(1072, `Key column '${column}' doesn't exist in table`)
  if (index.kind === 'primary') {
    if (definition.indexes.some(({ kind }) => kind === 'primary')) throw new SqlError(1068, 'Multiple primary key defined')
    for (const column of index.columns) definition.columns[table.position(column)]!.notNull = true
  }
  nameIndex(index, new Set(definition.indexes.map(({ name }) => name.toLowerCase())))
  definition.indexes.push(index)
  definition.indexes.sort((a, b) => RANK[a.kind] - RANK[b.kind])
}

function renameInIndexes(definition: TableDefinition, old: string, name: string): void {
  for (const list of [...definition.indexes, ...definition.foreignKeys]) list.columns = list.columns.map((column) => column.toLowerCase() === old.toLowerCase() ? name : column)
}

function positionOf(table: Table, { position }: { position?: { first: true } | { after: string } }, last: number): number {
  return !position ? last : 'first' in position ? 0 : table.position(position.after, table.name) + 1
}

/** SHOW CREATE TABLE's text. */
export function createTableText(table: Table, old: boolean, defaults: { charset: string; collation: string }): string {
  const { definition } = table
  const lines = definition.columns.map((column) => {
    const { type } = column
    let text = `  \`${column.name}\` ${typeText(type, old)}`
    if (column.binary && /char|text/.test(type.name)) text += ` CHARACTER SET ${defaults.charset} COLLATE ${defaults.charset}_bin`
    if (column.notNull) text += ' NOT NULL'
    else if (type.name === 'timestamp') text += ' NULL'
    if (column.autoIncrement) text += ' AUTO_INCREMENT'
    else if (column.default) text += ` DEFAULT ${defaultText(column)}`
    else if (!column.notNull && !/text|blob|json/.test(type.name)) text += ' DEFAULT NULL'
    if (column.onUpdateNow) text += ' ON UPDATE CURRENT_TIMESTAMP'
    return column.comment === undefined ? text : `${text} COMMENT '${column.comment.replaceAll("'", "''")}'`
  })
  const names = (columns: readonly string[]) => columns.map((column) => `\`${column}\``).join(',')
  for (const index of definition.indexes) lines.push(index.kind === 'primary' ? `  PRIMARY KEY (${names(index.columns)})` : `  ${index.kind === 'unique' ? 'UNIQUE ' : ''}KEY \`${index.name}\` (${names(index.columns)})`)
  for (const key of definition.foreignKeys) lines.push(`  CONSTRAINT \`${key.name}\` FOREIGN KEY (${names(key.columns).replaceAll(',', ', ')}) REFERENCES \`${key.table.name}\` (${names(key.references).replaceAll(',', ', ')})${key.onDelete && key.onDelete !== 'NO ACTION' ? ` ON DELETE ${key.onDelete}` : ''}${key.onUpdate && key.onUpdate !== 'NO ACTION' ? ` ON UPDATE ${key.onUpdate}` : ''}`)
  for (const check of definition.checks) lines.push(`  CONSTRAINT \`${check.name}\` CHECK ((${check.text}))`)
  const charset = definition.charset ?? defaults.charset
  const collation = definition.collation ?? defaults.collation
  const increment = definition.columns.some(({ autoIncrement }) => autoIncrement) && table.autoIncrement > 1n ? ` AUTO_INCREMENT=${table.autoIncrement}` : ''
  return `CREATE TABLE \`${table.name}\` (\n${lines.join(',\n')}\n) ENGINE=${engineName(definition)}${increment} DEFAULT CHARSET=${charset}${old && !definition.collation ? '' : ` COLLATE=${collation}`}${definition.comment === undefined ? '' : ` COMMENT='${definition.comment.replaceAll("'", "''")}'`}`
}

const ENGINES: Readonly<Record<string, string>> = { innodb: 'InnoDB', myisam: 'MyISAM', memory: 'MEMORY', heap: 'MEMORY', csv: 'CSV', archive: 'ARCHIVE', blackhole: 'BLACKHOLE' }

export function engineName({ engine }: TableDefinition): string { return ENGINES[engine?.toLowerCase() ?? 'innodb'] ?? 'InnoDB' }

/** A default as SHOW CREATE TABLE writes it. */
export function defaultText(column: ColumnDefinition): string {
  const value = column.default!
  if (value.kind === 'call') return ['now', 'current_timestamp', 'localtimestamp', 'localtime'].includes(value.name) ? `CURRENT_TIMESTAMP${value.args[0]?.kind === 'literal' ? `(${value.args[0].value})` : ''}` : `(${value.name}())`
  if (value.kind !== 'literal') return value.kind === 'unary' && value.operand.kind === 'literal' ? `'-${String(value.operand.value)}'` : '(...)'
  return value.value === null ? 'NULL' : `'${String(coerce(value.value, column.type, { column: column.name, row: 1, zeroDates: true })).replaceAll("'", "''")}'`
}
