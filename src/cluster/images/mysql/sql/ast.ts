import type { Value } from './values.ts'

export type Expression =
  | { kind: 'literal'; value: Value }
  | { kind: 'column'; database?: string; table?: string; name: string }
  | { kind: 'star'; table?: string }
  | { kind: 'binary'; operator: string; left: Expression; right: Expression }
  | { kind: 'unary'; operator: '-' | '~' | 'not'; operand: Expression }
  | { kind: 'call'; name: string; args: Expression[]; distinct?: boolean; order?: OrderItem[]; separator?: string }
  | { kind: 'case'; subject?: Expression; whens: { when: Expression; then: Expression }[]; otherwise?: Expression }
  | { kind: 'in'; operand: Expression; list?: Expression[]; query?: Query; not: boolean }
  | { kind: 'between'; operand: Expression; low: Expression; high: Expression; not: boolean }
  | { kind: 'like'; operand: Expression; pattern: Expression; escape: string; not: boolean }
  | { kind: 'is'; operand: Expression; what: 'null' | 'true' | 'false' | 'unknown'; not: boolean }
  | { kind: 'exists'; query: Query }
  | { kind: 'subquery'; query: Query }
  | { kind: 'quantified'; operator: string; left: Expression; all: boolean; query: Query }
  | { kind: 'row'; items: Expression[] }
  | { kind: 'user variable'; name: string; assign?: Expression }
  | { kind: 'system variable'; name: string; global: boolean }
  | { kind: 'interval'; amount: Expression; unit: string }
  | { kind: 'cast'; operand: Expression; type: ColumnType }
  | { kind: 'binary string'; operand: Expression }
  | { kind: 'default'; column?: string }

/** A type as DDL names it, lower case: `int`, `varchar`, `decimal` ... */
export interface ColumnType {
  name: string
  /** Length or precision. */
  length?: number
  scale?: number
  unsigned?: boolean
  zerofill?: boolean
  /** Of enum and set. */
  values?: string[]
}

export interface OrderItem { expression: Expression; descending: boolean }

export interface SelectItem {
  expression: Expression
  /** The heading: the alias, or the text as written. */
  name: string
  aliased: boolean
}

export interface TableName { database?: string; name: string }

export type TableReference =
  | { kind: 'table'; table: TableName; alias?: string }
  | { kind: 'derived'; query: Query; alias: string; columns?: string[] }
  | { kind: 'join'; type: 'inner' | 'left' | 'right'; left: TableReference; right: TableReference; on?: Expression; using?: string[]; natural?: boolean }

export interface Select {
  kind: 'select'
  distinct: boolean
  items: SelectItem[]
  from?: TableReference
  where?: Expression
  groupBy?: Expression[]
  having?: Expression
}

/** One or several SELECTs with what holds for their whole. */
export interface Query {
  with?: { recursive: boolean; tables: { name: string; columns?: string[]; query: Query }[] }
  first: Select | Query
  more: { all: boolean; select: Select | Query }[]
  orderBy?: OrderItem[]
  limit?: { count: Expression; offset?: Expression }
}

export interface ColumnDefinition {
  name: string
  type: ColumnType
  notNull: boolean
  default?: Expression
  /** The default as SHOW CREATE TABLE writes it. */
  autoIncrement?: boolean
  onUpdateNow?: boolean
  comment?: string
  binary?: boolean
}

export interface IndexDefinition { name: string; columns: string[]; kind: 'primary' | 'unique' | 'plain' }

export interface ForeignKey {
  name: string
  columns: string[]
  table: TableName
  references: string[]
  onDelete?: string
  onUpdate?: string
}

export interface CheckConstraint { name: string; expression: Expression; text: string }

export interface TableDefinition {
  columns: ColumnDefinition[]
  indexes: IndexDefinition[]
  foreignKeys: ForeignKey[]
  checks: CheckConstraint[]
  engine?: string
  charset?: string
  collation?: string
  comment?: string
  autoIncrement?: number
}

export type AlterAction =
  | { kind: 'add column'; column: ColumnDefinition; indexes: IndexDefinition[]; position?: ColumnPosition }
  | { kind: 'change column'; old: string; column: ColumnDefinition; indexes: IndexDefinition[]; position?: ColumnPosition }
  | { kind: 'drop column'; name: string }
  | { kind: 'rename column'; old: string; name: string }
  | { kind: 'set default'; name: string; default?: Expression }
  | { kind: 'add index'; index: IndexDefinition }
  | { kind: 'add foreign key'; key: ForeignKey }
  | { kind: 'add check'; check: CheckConstraint }
  | { kind: 'drop index' | 'drop foreign key' | 'drop check'; name: string }
  | { kind: 'rename index'; old: string; name: string }
  | { kind: 'rename'; to: TableName }
  | { kind: 'options'; options: Partial<TableDefinition> }

export type ColumnPosition = { first: true } | { after: string }

/** `'name'@'host'`. */
export interface Account { name: string; host: string }

export type Statement =
  | { kind: 'query'; query: Query }
  | { kind: 'insert'; table: TableName; columns?: string[]; rows?: Expression[][]; query?: Query; ignore: boolean; replace: boolean; onDuplicate?: Assignment[] }
  | { kind: 'update'; tables: TableReference; assignments: Assignment[]; where?: Expression; orderBy?: OrderItem[]; limit?: Expression; ignore: boolean }
  | { kind: 'delete'; targets?: string[]; tables: TableReference; where?: Expression; orderBy?: OrderItem[]; limit?: Expression }
  | { kind: 'create database'; name: string; ifNotExists: boolean; charset?: string; collation?: string }
  | { kind: 'alter database'; name: string; charset?: string; collation?: string }
  | { kind: 'drop database'; name: string; ifExists: boolean }
  | { kind: 'use'; name: string }
  | { kind: 'create table'; table: TableName; ifNotExists: boolean; definition: TableDefinition; like?: TableName; query?: Query }
  | { kind: 'drop table'; tables: TableName[]; ifExists: boolean; view: boolean }
  | { kind: 'alter table'; table: TableName; actions: AlterAction[] }
  | { kind: 'rename table'; renames: { from: TableName; to: TableName }[] }
  | { kind: 'truncate'; table: TableName }
  | { kind: 'create view'; view: TableName; replace: boolean; columns?: string[]; query: Query; text: string }
  | { kind: 'describe'; table: TableName; like?: string }
  | { kind: 'explain'; query: Query }
  | { kind: 'show'; what: string; table?: TableName; database?: string; full: boolean; like?: string; where?: Expression; account?: Account }
  | { kind: 'set'; assignments: { variable: Extract<Expression, { kind: 'user variable' | 'system variable' }>; value: Expression }[] }
  | { kind: 'transaction'; action: 'begin' | 'commit' | 'rollback' }
  | { kind: 'savepoint'; action: 'set' | 'rollback' | 'release'; name: string }
  | { kind: 'create user'; users: { account: Account; password?: string }[]; ifNotExists: boolean; alter: boolean }
  | { kind: 'drop user'; accounts: Account[]; ifExists: boolean }
  | { kind: 'rename user'; from: Account; to: Account }
  | { kind: 'set password'; account?: Account; password: string }
  | { kind: 'grant'; revoke: boolean; privileges: string[]; on: { database: string; table: string }; accounts: { account: Account; password?: string }[]; withGrant: boolean }
  | { kind: 'maintenance'; command: string; tables: TableName[] }
  | { kind: 'kill'; id: number; query: boolean }
  | { kind: 'lock'; tables: TableName[] }
  | { kind: 'nothing' }
  | { kind: 'shutdown' }

export interface Assignment { table?: string; column: string; value: Expression }
