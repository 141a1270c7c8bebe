import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { ClientConnection, ConnectError, QueryError } from './client-connection.ts'
import { CONNECTION_OPTIONS, connectionOptions, parseConnectionString, readArguments } from './client-options.ts'
import type { ConnectionWords, OptionTable } from './client-options.ts'
import { releaseText } from './release.ts'
import { literal, quoted } from './sql-text.ts'

const DUMP_OPTIONS: OptionTable = {
  ...CONNECTION_OPTIONS, dbname: { letter: 'd', value: true }, file: { letter: 'f', value: true }, format: { letter: 'F', value: true }, 'data-only': { letter: 'a' }, 'schema-only': { letter: 's' }, clean: { letter: 'c' }, 'if-exists': {}, create: { letter: 'C' }, table: { letter: 't', value: true }, 'exclude-table': { letter: 'T', value: true }, schema: { letter: 'n', value: true },
  'no-owner': { letter: 'O' }, 'no-privileges': { letter: 'x' }, 'no-acl': {}, inserts: {}, 'column-inserts': {}, verbose: { letter: 'v' }, encoding: { letter: 'E', value: true }, 'globals-only': { letter: 'g' }, 'roles-only': { letter: 'r' }, database: { letter: 'l', value: true }, 'no-role-passwords': {}, 'no-comments': {},
}

/** A name as dumps write it: in quotes only where it needs them. */
const identifier = (name: string) => /^[a-z_][a-z0-9_]*$/.test(name) ? name : quoted(name)

interface Options { flags: ReadonlySet<string>; tables: readonly string[]; excluded: readonly string[]; schemas: readonly string[] }

/** Writes a database as statements that make it again, as pg_dump's plain format does. */
class Dump {
  readonly #client: ClientConnection
  readonly #options: Options
  readonly #parts: string[] = []

  constructor(client: ClientConnection, options: Options) {
    this.#client = client
    this.#options = options
  }

  #write(text: string): void { this.#parts.push(text) }

  #has(flag: string): boolean { return this.#options.flags.has(flag) }

  #entry(name: string, type: string, schema: string, owner: string, text: string, options: { ownerOf?: string; kind?: string } = {}): void {
    const shown = this.#has('no-owner') ? '-' : owner
    this.#write(`--\n-- ${options.kind ?? 'Name'}: ${name}; Type: ${type}; Schema: ${schema}; Owner: ${shown}\n--\n\n${text}\n\n${options.ownerOf && !this.#has('no-owner') ? `\nALTER ${options.ownerOf} OWNER TO ${identifier(owner)};\n\n` : '\n'}`)
  }

  /** @returns the dump as a whole: whoever reads it may itself wait for the server, which works for nobody else while the transaction is open. @throws QueryError */
  async run(version: string): Promise<string> {
    const client = this.#client
    const server = client.parameters.get('server_version') ?? version
    await client.rows('begin; set transaction isolation level repeatable read, read only')
    await client.rows("select pg_catalog.set_config('search_path', '', false)")
    this.#write(`--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version ${server}\n-- Dumped by pg_dump version ${version}\n\nSET statement_timeout = 0;\nSET lock_timeout = 0;\nSET idle_in_transaction_session_timeout = 0;\n${Number.parseInt(version) >= 17 ? 'SET transaction_timeout = 0;\n' : ''}SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\nSELECT pg_catalog.set_config('search_path', '', false);\nSET check_function_bodies = false;\nSET xmloption = content;\nSET client_min_messages = warning;\nSET row_security = off;\n\n`)
    if (this.#has('create')) await this.#database()
    const { tables, excluded, schemas } = this.#options
    const pattern = (patterns: readonly string[]) => patterns.map((each) => each.includes('.') ? `n.nspname || '.' || c.relname like ${literal(each.replaceAll('*', '%'))}` : `c.relname like ${literal(each.replaceAll('*', '%'))}`).join(' or ')
    const where = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'${tables.length > 0 ? ` and (${pattern(tables)})` : ''}${excluded.length > 0 ? ` and not (${pattern(excluded)})` : ''}${schemas.length > 0 ? ` and n.nspname in (${schemas.map(literal).join(', ')})` : ''}`
    const found = await client.rows(`select c.oid, n.nspname, c.relname, c.relkind, pg_get_userbyid(c.relowner), c.relpersistence, c.relispartition from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${where} and c.relkind in ('r', 'p', 'v', 'm', 'S') order by n.nspname, c.relname`) as [string, string, string, string, string, string, string][]
    const structure = !this.#has('data-only')
    if (structure) {
      if (this.#has('clean')) for (const [, schema, name, kind] of [...found].reverse()) this.#write(`DROP ${kind === 'v' ? 'VIEW' : kind === 'm' ? 'MATERIALIZED VIEW' : kind === 'S' ? 'SEQUENCE' : 'TABLE'} ${this.#has('if-exists') ? 'IF EXISTS ' : ''}${identifier(schema)}.${identifier(name)};\n`)
      if (tables.length === 0) await this.#schemasAndTypes(schemas)
      this.#write("SET default_tablespace = '';\n\nSET default_table_access_method = heap;\n\n")
      for (const table of found) if (table[3] === 'r' || table[3] === 'p') await this.#table(table)
      for (const sequence of found) if (sequence[3] === 'S') await this.#sequence(sequence)
      for (const table of found) if (table[3] === 'r' || table[3] === 'p') await this.#defaults(table)
      for (const view of found) if (view[3] === 'v' || view[3] === 'm') await this.#view(view)
    }
    if (!this.#has('schema-only')) {
      for (const table of found) if (table[3] === 'r') await this.#data(table)
      for (const sequence of found) if (sequence[3] === 'S') await this.#sequenceValue(sequence)
    }
    if (structure) for (const part of ['constraints', 'indexes', 'triggers', 'references'] as const) for (const table of found) if ('rpm'.includes(table[3])) await this.#later(table, part)
    this.#write('--\n-- PostgreSQL database dump complete\n--\n\n')
    await client.rows('rollback')
    return this.#parts.join('')
  }

  async #database(): Promise<void> {
    const [[name, owner, collate] = []] = await this.#client.rows('select datname, pg_get_userbyid(datdba), datcollate from pg_database where datname = current_database()')
    this.#entry(name!, 'DATABASE', '-', owner!, `CREATE DATABASE ${identifier(name!)} WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = ${literal(collate!)};`, { ownerOf: `DATABASE ${identifier(name!)}` })
    this.#write(`\\connect ${identifier(name!)}\n\n`)
  }

  async #schemasAndTypes(only: readonly string[]): Promise<void> {
    const rows = (sql: string) => this.#client.rows(sql)
    const mine = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'${only.length > 0 ? ` and n.nspname in (${only.map(literal).join(', ')})` : ''}`
    for (const [name, owner] of await rows(`select n.nspname, pg_get_userbyid(n.nspowner) from pg_namespace n where ${mine} and n.nspname <> 'public' order by 1`)) this.#entry(name!, 'SCHEMA', '-', owner!, `CREATE SCHEMA ${identifier(name!)};`, { ownerOf: `SCHEMA ${identifier(name!)}` })
    for (const [schema, name, owner, labels] of await rows(`select n.nspname, t.typname, pg_get_userbyid(t.typowner), (select string_agg('    ' || quote_literal(e.enumlabel), E',\\n' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid) from pg_type t join pg_namespace n on n.oid = t.typnamespace where t.typtype = 'e' and ${mine} order by 1, 2`)) this.#entry(name!, 'TYPE', schema!, owner!, `CREATE TYPE ${identifier(schema!)}.${identifier(name!)} AS ENUM (\n${labels}\n);`, { ownerOf: `TYPE ${identifier(schema!)}.${identifier(name!)}` })
    for (const [schema, name, owner, args, text, kind] of await rows(`select n.nspname, p.proname, pg_get_userbyid(p.proowner), pg_get_function_identity_arguments(p.oid), pg_get_functiondef(p.oid), p.prokind from pg_proc p join pg_namespace n on n.oid = p.pronamespace where p.prokind in ('f', 'p') and ${mine} and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e') order by 1, 2`)) {
      const type = kind === 'p' ? 'PROCEDURE' : 'FUNCTION'
      this.#entry(`${name}(${args})`, type, schema!, owner!, `${text!.replace(/^CREATE OR REPLACE/, 'CREATE').trimEnd()};`, { ownerOf: `${type} ${identifier(schema!)}.${identifier(name!)}(${args})` })
    }
  }

  async #table([oid, schema, name, kind, owner, persistence, partition]: [string, string, string, string, string, string, string]): Promise<void> {
    const full = `${identifier(schema)}.${identifier(name)}`
    const columns = await this.#client.rows(`select a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attgenerated, exists (select from pg_depend x where x.classid = 'pg_attrdef'::regclass and x.objid = d.oid and x.refclassid = 'pg_class'::regclass and x.refobjid <> a.attrelid), (select c.collname from pg_collation c join pg_type t on t.oid = a.atttypid where c.oid = a.attcollation and a.attcollation <> t.typcollation) from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum where a.attrelid = ${oid} and a.attnum > 0 and not a.attisdropped order by a.attnum`)
    const checks = await this.#client.rows(`select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = ${oid} and contype = 'c' and conislocal order by conname`)
    const lines = [
      // What a sequence gives comes once there is one.
      ...columns.map(([column, type, notNull, value, generated, later, collation]) => `    ${identifier(column!)} ${type}${collation ? ` COLLATE pg_catalog.${quoted(collation)}` : ''}${value !== null && generated === 's' ? ` GENERATED ALWAYS AS (${value}) STORED` : value !== null && later !== 't' ? ` DEFAULT ${value}` : ''}${notNull === 't' ? ' NOT NULL' : ''}`),
      ...checks.map(([check, definition]) => `    CONSTRAINT ${identifier(check!)} ${definition}`),
    ]
    const [[key] = []] = kind === 'p' ? await this.#client.rows(`select pg_get_partkeydef(${oid}::oid)`) : []
    this.#entry(name, 'TABLE', schema, owner, `CREATE ${persistence === 'u' ? 'UNLOGGED ' : ''}TABLE ${full} (${lines.length > 0 ? `\n${lines.join(',\n')}\n` : '\n'})${key ? `\nPARTITION BY ${key}` : ''};`, { ownerOf: `TABLE ${full}` })
    if (partition === 't') {
      const [[parent, bound] = []] = await this.#client.rows(`select i.inhparent::regclass, pg_get_expr(c.relpartbound, c.oid) from pg_class c join pg_inherits i on i.inhrelid = c.oid where c.oid = ${oid}`)
      this.#entry(name, 'TABLE ATTACH', schema, owner, `ALTER TABLE ONLY ${parent} ATTACH PARTITION ${full} ${bound};`)
    }
  }

  async #sequence([oid, schema, name, , owner]: [string, string, string, string, string, string, string]): Promise<void> {
    const full = `${identifier(schema)}.${identifier(name)}`
    const [[type, start, step, min, max, cache, cycle] = []] = await this.#client.rows(`select format_type(seqtypid, null), seqstart, seqincrement, seqmin, seqmax, seqcache, seqcycle from pg_sequence where seqrelid = ${oid}`)
    const [[kind, table, column] = []] = await this.#client.rows(`select d.deptype, d.refobjid::regclass, quote_ident(a.attname) from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid where d.classid = 'pg_class'::regclass and d.objid = ${oid} and d.deptype in ('a', 'i') and d.refobjsubid > 0`)
    const most = { smallint: '32767', integer: '2147483647', bigint: '9223372036854775807' }[type as 'bigint']
    const body = `    START WITH ${start}\n    INCREMENT BY ${step}\n    ${min === '1' ? 'NO MINVALUE' : `MINVALUE ${min}`}\n    ${max === most ? 'NO MAXVALUE' : `MAXVALUE ${max}`}\n    CACHE ${cache}${cycle === 't' ? '\n    CYCLE' : ''}`
    if (kind === 'i') {
      const [[identity] = []] = await this.#client.rows(`select attidentity from pg_attribute where attrelid = ${literal(table!)}::regclass and quote_ident(attname) = ${literal(column!)}`)
      this.#entry(name, 'SEQUENCE', schema, owner, `ALTER TABLE ${table} ALTER COLUMN ${column} ADD GENERATED ${identity === 'a' ? 'ALWAYS' : 'BY DEFAULT'} AS IDENTITY (\n    SEQUENCE NAME ${full}\n${body}\n);`)
      return
    }
    this.#entry(name, 'SEQUENCE', schema, owner, `CREATE SEQUENCE ${full}${type === 'bigint' ? '' : `\n    AS ${type}`}\n${body};`, { ownerOf: `SEQUENCE ${full}` })
    if (kind === 'a') this.#entry(name, 'SEQUENCE OWNED BY', schema, owner, `ALTER SEQUENCE ${full} OWNED BY ${table}.${column};`)
  }

  async #defaults([oid, schema, name, , owner]: [string, string, string, string, string, string, string]): Promise<void> {
    const rows = await this.#client.rows(`select a.attname, pg_get_expr(d.adbin, d.adrelid) from pg_attribute a join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum where a.attrelid = ${oid} and a.attgenerated = '' and not a.attisdropped and exists (select from pg_depend x where x.classid = 'pg_attrdef'::regclass and x.objid = d.oid and x.refclassid = 'pg_class'::regclass and x.refobjid <> a.attrelid) order by a.attnum`)
    for (const [column, value] of rows) this.#entry(`${name} ${column}`, 'DEFAULT', schema, owner, `ALTER TABLE ONLY ${identifier(schema)}.${identifier(name)} ALTER COLUMN ${identifier(column!)} SET DEFAULT ${value};`)
  }

  async #view([oid, schema, name, kind, owner]: [string, string, string, string, string, string, string]): Promise<void> {
    const word = kind === 'm' ? 'MATERIALIZED VIEW' : 'VIEW'
    const [[text] = []] = await this.#client.rows(`select pg_get_viewdef(${oid}::oid)`)
    this.#entry(name, word, schema, owner, `CREATE ${word} ${identifier(schema)}.${identifier(name)} AS\n${text!.replace(/;$/, '')}${kind === 'm' ? '\n  WITH NO DATA' : ''};`, { ownerOf: `${kind === 'm' ? 'MATERIALIZED VIEW' : 'TABLE'} ${identifier(schema)}.${identifier(name)}` })
  }

  async #data([oid, schema, name, , owner]: [string, string, string, string, string, string, string]): Promise<void> {
    const full = `${identifier(schema)}.${identifier(name)}`
    const columns = (await this.#client.rows(`select quote_ident(attname) from pg_attribute where attrelid = ${oid} and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`)).map(([column]) => column!)
    const list = columns.length > 0 ? ` (${columns.join(', ')})` : ''
    if (this.#has('inserts') || this.#has('column-inserts')) {
      const rows = await this.#client.rows(`select ${columns.map((column) => `quote_nullable(${column})`).join(', ') || '1'} from only ${full}`)
      this.#entry(name, 'TABLE DATA', schema, owner, rows.map((row) => `INSERT INTO ${full}${this.#has('column-inserts') ? list : ''} VALUES (${row.map((value) => value && /^'-?\d+(?:\.\d+)?'$/.test(value) ? value.slice(1, -1) : value).join(', ')});`).join('\n'), { kind: 'Data for Name' })
      return
    }
    let text = `COPY ${full}${list} FROM stdin;\n`
    for await (const answer of this.#client.query(`copy ${full}${list} to stdout`)) {
      if (answer.kind === 'copy-out') text += new TextDecoder().decode(answer.data)
      if (answer.kind === 'error') throw new QueryError(answer.report)
    }
    this.#entry(name, 'TABLE DATA', schema, owner, `${text}\\.`, { kind: 'Data for Name' })
  }

  async #sequenceValue([, schema, name, , owner]: [string, string, string, string, string, string, string]): Promise<void> {
    const full = `${identifier(schema)}.${identifier(name)}`
    const [[value, called] = []] = await this.#client.rows(`select last_value, is_called from ${full}`)
    this.#entry(name, 'SEQUENCE SET', schema, owner, `SELECT pg_catalog.setval(${literal(full)}, ${value}, ${called === 't'});`)
  }

  async #later([oid, schema, name, , owner]: [string, string, string, string, string, string, string], part: 'constraints' | 'indexes' | 'triggers' | 'references'): Promise<void> {
    const full = `${identifier(schema)}.${identifier(name)}`
    if (part === 'indexes') {
      for (const [index, text] of await this.#client.rows(`select c.relname, pg_get_indexdef(i.indexrelid) from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = ${oid} and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x')) and not c.relispartition order by 1`)) this.#entry(index!, 'INDEX', schema, owner, `${text};`)
    } else if (part === 'triggers') {
      for (const [trigger, text] of await this.#client.rows(`select tgname, pg_get_triggerdef(oid) from pg_trigger where tgrelid = ${oid} and not tgisinternal and tgparentid = 0 order by 1`)) this.#entry(`${name} ${trigger}`, 'TRIGGER', schema, owner, `${text};`)
    } else {
      const wanted = part === 'references' ? "'f'" : "'p', 'u', 'x'"
      for (const [constraint, text] of await this.#client.rows(`select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = ${oid} and contype in (${wanted}) and conparentid = 0 order by conname`)) this.#entry(`${name} ${constraint}`, part === 'references' ? 'FK CONSTRAINT' : 'CONSTRAINT', schema, owner, `ALTER TABLE ONLY ${full}\n    ADD CONSTRAINT ${identifier(constraint!)} ${text};`)
    }
  }
}

async function run(proc: Proc, version: string, program: 'pg_dump' | 'pg_dumpall'): Promise<number> {
  const args = readArguments(program, proc.argv.slice(1), DUMP_OPTIONS)
  if (typeof args === 'string') { await proc.stderr.write(args); return 1 }
  const words: ConnectionWords = {}
  const flags = new Set<string>()
  const lists = { table: [] as string[], 'exclude-table': [] as string[], schema: [] as string[] }
  let file: string | undefined
  for (const [name, value] of args.options) {
    if (name === 'version') { await proc.stdout.write(`${program} (PostgreSQL) ${releaseText(proc, version)}\n`); return 0 }
    if (name === 'host') words.host = value
    else if (name === 'port') words.port = value
    else if (name === 'username') words.user = value
    else if (name === 'dbname' || name === 'database') Object.assign(words, parseConnectionString(value) ?? { dbname: value })
    else if (name === 'file') file = proc.resolve(value)
    else if (name in lists) lists[name as 'table'].push(value)
    else if (name === 'format' && !/^p/.test(value)) { await proc.stderr.write(`${program}: error: output format "${value}" isn't supported here, only plain is\n`); return 1 } else flags.add(name)
  }
  if (program === 'pg_dump' && args.rest[0] !== undefined) Object.assign(words, parseConnectionString(args.rest[0]) ?? { dbname: args.rest[0] })
  if (program === 'pg_dumpall') words.dbname ??= 'postgres'
  if (flags.has('data-only') && flags.has('schema-only')) { await proc.stderr.write(`${program}: error: options -s/--schema-only and -a/--data-only cannot be used together\n`); return 1 }
  const write = async (text: string) => { if (file === undefined) await proc.stdout.write(text); else proc.fs.writeFile(file, text, { append: true }) }
  let client: ClientConnection | undefined
  try {
    if (file !== undefined) proc.fs.writeFile(file, '')
    client = await ClientConnection.open(proc, connectionOptions(proc, words, program))
    const text = releaseText(proc, version)
    const options: Options = { flags, tables: lists.table, excluded: lists['exclude-table'], schemas: lists.schema }
    if (program === 'pg_dump') await write(await new Dump(client, options).run(text))
    else await dumpAll(proc, client, words, flags, write, text)
    return 0
  } catch (error) {
    if (error instanceof ConnectError) await proc.stderr.write(`${program}: error: ${error.message}\n`)
    else if (error instanceof QueryError) await proc.stderr.write(`${program}: error: query failed: ERROR:  ${error.report.message}\n`)
    else if (error instanceof UnixError) await proc.stderr.write(`${program}: error: could not open output file "${file}": ${error.message}\n`)
    else throw error
    return 1
  } finally { await client?.close() }
}

/** Roles, then each database by its own connection. */
async function dumpAll(proc: Proc, client: ClientConnection, words: ConnectionWords, flags: ReadonlySet<string>, write: (text: string) => Promise<void>, version: string): Promise<void> {
  await write(`--\n-- PostgreSQL database cluster dump\n--\n\nSET default_transaction_read_only = off;\n\nSET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n\n--\n-- Roles\n--\n\n`)
  const roles = await client.rows("select rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolpassword from pg_authid where rolname !~ '^pg_' order by 1")
  for (const [name, ...rest] of roles) {
    const attributes = ['SUPERUSER', 'INHERIT', 'CREATEROLE', 'CREATEDB', 'LOGIN', 'REPLICATION', 'BYPASSRLS'].map((word, i) => rest[i] === 't' ? word : `NO${word}`)
    await write(`CREATE ROLE ${identifier(name!)};\nALTER ROLE ${identifier(name!)} WITH ${attributes.join(' ')}${rest[7] && !flags.has('no-role-passwords') ? ` PASSWORD ${literal(rest[7])}` : ''};\n`)
  }
  await write('\n\n')
  if (!flags.has('globals-only') && !flags.has('roles-only')) {
    const databases = (await client.rows("select datname from pg_database where datallowconn order by datname <> 'template1', datname")).map(([name]) => name!)
    for (const name of databases) {
      const isOwn = name !== 'template1' && name !== 'postgres'
      await write(`--\n-- Database "${name}" dump\n--\n\n${isOwn ? '' : `\\connect ${identifier(name)}\n\n`}`)
      const each = await ClientConnection.open(proc, connectionOptions(proc, { ...words, dbname: name }, 'pg_dump'))
      try { await write(await new Dump(each, { flags: new Set([...flags, ...(isOwn ? ['create'] : [])]), tables: [], excluded: [], schemas: [] }).run(version)) } finally { await each.close() }
    }
  }
  await write('--\n-- PostgreSQL database cluster dump complete\n--\n\n')
}

/** `pg_dump`, in plain format. */
export const pgDump = (proc: Proc, version: string) => run(proc, version, 'pg_dump')

/** `pg_dumpall`. */
export const pgDumpall = (proc: Proc, version: string) => run(proc, version, 'pg_dumpall')
