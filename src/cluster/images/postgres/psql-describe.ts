import { ConnectionLost } from './client-connection.ts'
import type { ClientConnection } from './client-connection.ts'
import { literal } from './sql-text.ts'
import type { Table } from './psql-table.ts'

/** Who asks: psql with its connection. */
export interface Asker {
  client: ClientConnection
  /** psql's own release, whose words these are, and the server's. */
  major: number
  server: number
  print(table: Table | string): Promise<void>
  complain(text: string): Promise<void>
}

interface Condition { sql: string; isPattern: boolean }

/** What a pattern such as `public.*` or `"Name"` stands for, on a schema's and an object's name. */
function conditionOf(pattern: string | undefined, schema: string | undefined, name: string, visible?: string): Condition {
  if (pattern === undefined) return { sql: visible ?? 'true', isPattern: false }
  const parts: string[] = ['']
  let inQuotes = false
  for (const char of pattern) {
    if (char === '"') inQuotes = !inQuotes
    else if (char === '.' && !inQuotes) parts.push('')
    else if (char === '*' && !inQuotes) parts[parts.length - 1] += '.*'
    else if (char === '?' && !inQuotes) parts[parts.length - 1] += '.'
    else parts[parts.length - 1] += /[$()[\]{}|^+.\\*?]/.test(char) ? `\\${char}` : inQuotes ? char : char.toLowerCase()
  }
  const match = (column: string, text: string) => text === '.*' ? 'true' : `${column} operator(pg_catalog.~) ${literal(`^(${text})$`)} collate pg_catalog.default`
  if (parts.length > 1 && schema) return { sql: `${match(schema, parts.at(-2)!)} and ${match(name, parts.at(-1)!)}`, isPattern: true }
  return { sql: `${match(name, parts.at(-1)!)}${visible ? ` and ${visible}` : ''}`, isPattern: true }
}

async function ask(asker: Asker, sql: string): Promise<(string | null)[][]> { return asker.client.rows(sql) }

const table = (names: readonly string[], rows: (string | null)[][], title: string, footers?: string[], right: readonly number[] = []): Table => ({ columns: names.map((name, i) => ({ name, right: right.includes(i) })), rows, title, ...(footers ? { footers } : {}) })

/** Carries one of the \d commands and \l out. @returns undefined where it isn't one */
export async function describe(asker: Asker, command: string, plus: boolean, words: readonly string[]): Promise<true | 'failed' | undefined> {
  const system = /S/.test(command)
  const bare = command.replace(/S/g, '')
  const pattern = words[0]
  if (bare === 'l' || bare === 'list') return databases(asker, plus, pattern)
  if (bare === 'd' && pattern === undefined) return relations(asker, 'tvmsE', system, plus, undefined, true)
  if (bare === 'd') return describeTables(asker, pattern!, plus)
  if (/^d[tvmsiE]+$/.test(bare)) return relations(asker, bare.slice(1), system, plus, pattern, false)
  if (bare === 'du' || bare === 'dg') return roles(asker, plus, system, pattern)
  if (bare === 'dn') return schemas(asker, plus, system, pattern)
  if (bare === 'dx') return extensions(asker, pattern)
  if (/^df[antpw]*$/.test(bare)) return functions(asker, system, pattern)
  if (bare === 'dT') return types(asker, system, pattern)
  if (bare === 'dp' || bare === 'z') return privileges(asker, system, pattern)
  if (bare === 'dconfig') return configuration(asker, pattern)
  if (bare === 'drds') return roleSettings(asker)
  if (bare === 'db') return tablespaces(asker)
  if (bare === 'sv' || bare === 'sf') return source(asker, bare, pattern ?? '')
  return undefined
}

async function databases(asker: Asker, plus: boolean, pattern: string | undefined): Promise<true> {
  const { major } = asker
  const names = ['Name', 'Owner', 'Encoding', ...(major >= 16 ? ['Locale Provider'] : []), 'Collate', 'Ctype', ...(major >= 17 ? ['Locale'] : major === 15 || major === 16 ? ['ICU Locale'] : []), ...(major === 15 ? ['Locale Provider'] : []), ...(major >= 16 ? ['ICU Rules'] : []), 'Access privileges', ...(plus ? ['Size', 'Tablespace', 'Description'] : [])]
  const provider = `case d.datlocprovider when 'b' then 'builtin' when 'c' then 'libc' when 'i' then 'icu' end`
  const columns = ['d.datname', 'pg_catalog.pg_get_userbyid(d.datdba)', 'pg_catalog.pg_encoding_to_char(d.encoding)', ...(major >= 16 ? [provider] : []), 'd.datcollate', 'd.datctype', ...(major >= 15 ? ['d.datlocale'] : []), ...(major === 15 ? [provider] : []), ...(major >= 16 ? ['d.daticurules'] : []), `pg_catalog.array_to_string(d.datacl, E'\\n')`, ...(plus ? [`pg_catalog.pg_size_pretty(pg_catalog.pg_database_size(d.datname))`, 't.spcname', `pg_catalog.shobj_description(d.oid, 'pg_database')`] : [])]
  const rows = await ask(asker, `select ${columns.join(', ')} from pg_catalog.pg_database d join pg_catalog.pg_tablespace t on t.oid = d.dattablespace where ${conditionOf(pattern, undefined, 'd.datname').sql} order by 1`)
  await asker.print(table(names, rows, 'List of databases'))
  return true
}

const KINDS: Readonly<Record<string, { kinds: string; plural: string }>> = { t: { kinds: "'r','p'", plural: 'tables' }, v: { kinds: "'v'", plural: 'views' }, m: { kinds: "'m'", plural: 'materialized views' }, s: { kinds: "'S'", plural: 'sequences' }, i: { kinds: "'i','I'", plural: 'indexes' }, E: { kinds: "'f'", plural: 'foreign tables' } }

async function relations(asker: Asker, letters: string, system: boolean, plus: boolean, pattern: string | undefined, all: boolean): Promise<true | 'failed'> {
  const wanted = [...letters].map((letter) => KINDS[letter]!)
  const withIndexes = letters.includes('i')
  const what = asker.major >= 18 && !all && wanted.length === 1 ? wanted[0]!.plural : 'relations'
  const hide = system || pattern !== undefined && system ? '' : ` and n.nspname <> 'pg_catalog' and n.nspname !~ '^pg_toast' and n.nspname <> 'information_schema'`
  const condition = conditionOf(pattern, 'n.nspname', 'c.relname', 'pg_catalog.pg_table_is_visible(c.oid)')
  const kind = `case c.relkind when 'r' then 'table' when 'v' then 'view' when 'm' then 'materialized view' when 'i' then 'index' when 'S' then 'sequence' when 't' then 'TOAST table' when 'f' then 'foreign table' when 'p' then 'partitioned table' when 'I' then 'partitioned index' end`
  const columns = ['n.nspname', 'c.relname', kind, 'pg_catalog.pg_get_userbyid(c.relowner)', ...(withIndexes ? ['c2.relname'] : []), ...(plus ? [`case c.relpersistence when 'p' then 'permanent' when 't' then 'temporary' when 'u' then 'unlogged' end`, ...(letters === 's' ? [] : ['am.amname']), 'pg_catalog.pg_size_pretty(pg_catalog.pg_table_size(c.oid))', `pg_catalog.obj_description(c.oid, 'pg_class')`] : [])]
  const names = ['Schema', 'Name', 'Type', 'Owner', ...(withIndexes ? ['Table'] : []), ...(plus ? ['Persistence', ...(letters === 's' ? [] : ['Access method']), 'Size', 'Description'] : [])]
  const rows = await ask(asker, `select ${columns.join(', ')} from pg_catalog.pg_class c left join pg_catalog.pg_namespace n on n.oid = c.relnamespace left join pg_catalog.pg_am am on am.oid = c.relam left join pg_catalog.pg_index i on i.indexrelid = c.oid left join pg_catalog.pg_class c2 on i.indrelid = c2.oid where c.relkind in (${wanted.map(({ kinds }) => kinds).join(',')})${hide} and ${condition.sql} order by 1, 2`)
  if (rows.length === 0) {
    await asker.complain(pattern === undefined ? `Did not find any ${what}.` : `Did not find any ${what === 'relations' ? 'relation' : what} named "${pattern}".`)
    return 'failed'
  }
  await asker.print(table(names, rows, `List of ${what}`))
  return true
}

async function roles(asker: Asker, plus: boolean, system: boolean, pattern: string | undefined): Promise<true> {
  const { major } = asker
  const rows = await ask(asker, `select r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolconnlimit, r.rolvaliduntil, r.rolreplication, r.rolbypassrls, pg_catalog.array_to_string(array(select b.rolname from pg_catalog.pg_auth_members m join pg_catalog.pg_roles b on m.roleid = b.oid where m.member = r.oid order by 1), ','), pg_catalog.shobj_description(r.oid, 'pg_authid') from pg_catalog.pg_roles r where ${system || pattern ? 'true' : `r.rolname !~ '^pg_'`} and ${conditionOf(pattern, undefined, 'r.rolname').sql} order by 1`)
  const shown = rows.map(([name, superuser, inherit, createRole, createDb, login, limit, until, replication, bypass, groups, description]) => {
    const attributes = [superuser === 't' && 'Superuser', inherit === 'f' && 'No inheritance', createRole === 't' && 'Create role', createDb === 't' && 'Create DB', login === 'f' && 'Cannot login', replication === 't' && 'Replication', bypass === 't' && 'Bypass RLS'].filter(Boolean).join(', ')
    const lines = [attributes, Number(limit) === 0 ? 'No connections' : Number(limit) > 0 ? `${limit} connection${limit === '1' ? '' : 's'}` : '', until ? `Password valid until ${until}` : ''].filter(Boolean)
    return [name!, lines.join('\n'), ...(major < 16 ? [`{${groups ?? ''}}`] : []), ...(plus ? [description ?? null] : [])]
  })
  await asker.print(table(['Role name', 'Attributes', ...(major < 16 ? ['Member of'] : []), ...(plus ? ['Description'] : [])], shown, 'List of roles', []))
  return true
}

async function schemas(asker: Asker, plus: boolean, system: boolean, pattern: string | undefined): Promise<true> {
  const rows = await ask(asker, `select n.nspname, pg_catalog.pg_get_userbyid(n.nspowner)${plus ? `, pg_catalog.array_to_string(n.nspacl, E'\\n'), pg_catalog.obj_description(n.oid, 'pg_namespace')` : ''} from pg_catalog.pg_namespace n where ${system || pattern ? 'true' : `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`} and ${conditionOf(pattern, undefined, 'n.nspname').sql} order by 1`)
  await asker.print(table(['Name', 'Owner', ...(plus ? ['Access privileges', 'Description'] : [])], rows, 'List of schemas'))
  return true
}

async function extensions(asker: Asker, pattern: string | undefined): Promise<true> {
  const rows = await ask(asker, `select e.extname, e.extversion${asker.major >= 18 ? ', ae.default_version' : ''}, n.nspname, d.description from pg_catalog.pg_extension e left join pg_catalog.pg_namespace n on n.oid = e.extnamespace left join pg_catalog.pg_description d on d.objoid = e.oid and d.classoid = 'pg_catalog.pg_extension'::pg_catalog.regclass left join pg_catalog.pg_available_extensions() ae(name, default_version, comment) on ae.name = e.extname where ${conditionOf(pattern, undefined, 'e.extname').sql} order by 1`)
  await asker.print(table(['Name', 'Version', ...(asker.major >= 18 ? ['Default version'] : []), 'Schema', 'Description'], rows, 'List of installed extensions'))
  return true
}

async function functions(asker: Asker, system: boolean, pattern: string | undefined): Promise<true> {
  const rows = await ask(asker, `select n.nspname, p.proname, pg_catalog.pg_get_function_result(p.oid), pg_catalog.pg_get_function_arguments(p.oid), case p.prokind when 'a' then 'agg' when 'w' then 'window' when 'p' then 'proc' else 'func' end from pg_catalog.pg_proc p left join pg_catalog.pg_namespace n on n.oid = p.pronamespace where ${conditionOf(pattern, 'n.nspname', 'p.proname', 'pg_catalog.pg_function_is_visible(p.oid)').sql}${system || pattern ? '' : ` and n.nspname <> 'pg_catalog' and n.nspname <> 'information_schema'`} order by 1, 2, 4`)
  await asker.print(table(['Schema', 'Name', 'Result data type', 'Argument data types', 'Type'], rows, 'List of functions'))
  return true
}

async function types(asker: Asker, system: boolean, pattern: string | undefined): Promise<true> {
  const rows = await ask(asker, `select n.nspname, pg_catalog.format_type(t.oid, null), pg_catalog.obj_description(t.oid, 'pg_type') from pg_catalog.pg_type t left join pg_catalog.pg_namespace n on n.oid = t.typnamespace where (t.typrelid = 0 or (select c.relkind = 'c' from pg_catalog.pg_class c where c.oid = t.typrelid)) and not exists (select 1 from pg_catalog.pg_type el where el.oid = t.typelem and el.typarray = t.oid) and ${conditionOf(pattern, 'n.nspname', 't.typname', 'pg_catalog.pg_type_is_visible(t.oid)').sql}${system || pattern ? '' : ` and n.nspname <> 'pg_catalog' and n.nspname <> 'information_schema'`} order by 1, 2`)
  await asker.print(table(['Schema', 'Name', 'Description'], rows, 'List of data types'))
  return true
}

async function privileges(asker: Asker, system: boolean, pattern: string | undefined): Promise<true> {
  const rows = await ask(asker, `select n.nspname, c.relname, case c.relkind when 'r' then 'table' when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' when 'f' then 'foreign table' when 'p' then 'partitioned table' end, case when pg_catalog.array_length(c.relacl, 1) = 0 then '(none)' else pg_catalog.array_to_string(c.relacl, E'\\n') end, pg_catalog.array_to_string(array(select attname || E':\\n  ' || pg_catalog.array_to_string(attacl, E'\\n  ') from pg_catalog.pg_attribute a where attrelid = c.oid and not attisdropped and attacl is not null), E'\\n'), pg_catalog.array_to_string(array(select polname from pg_catalog.pg_policy where polrelid = c.oid), E'\\n') from pg_catalog.pg_class c left join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r','v','m','S','f','p') and ${conditionOf(pattern, 'n.nspname', 'c.relname', 'pg_catalog.pg_table_is_visible(c.oid)').sql}${system || pattern ? '' : ` and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`} order by 1, 2`)
  await asker.print(table(['Schema', 'Name', 'Type', 'Access privileges', 'Column privileges', 'Policies'], rows, 'Access privileges'))
  return true
}

async function configuration(asker: Asker, pattern: string | undefined): Promise<true> {
  const rows = await ask(asker, `select s.name, pg_catalog.current_setting(s.name) from pg_catalog.pg_settings s where ${pattern === undefined ? `s.source <> 'default' and s.setting is distinct from s.boot_val` : conditionOf(pattern, undefined, 'pg_catalog.lower(s.name)').sql} order by 1`)
  await asker.print(table(['Parameter', 'Value'], rows, pattern === undefined ? 'List of non-default configuration parameters' : 'List of configuration parameters'))
  return true
}

async function roleSettings(asker: Asker): Promise<true | 'failed'> {
  const rows = await ask(asker, `select rolname, datname, pg_catalog.array_to_string(setconfig, E'\\n') from pg_catalog.pg_db_role_setting s left join pg_catalog.pg_database d on d.oid = setdatabase left join pg_catalog.pg_roles r on r.oid = setrole order by 1, 2`)
  if (rows.length === 0) { await asker.complain('Did not find any settings.'); return 'failed' }
  await asker.print(table(['Role', 'Database', 'Settings'], rows, 'List of settings'))
  return true
}

async function tablespaces(asker: Asker): Promise<true> {
  await asker.print(table(['Name', 'Owner', 'Location'], await ask(asker, 'select spcname, pg_catalog.pg_get_userbyid(spcowner), pg_catalog.pg_tablespace_location(oid) from pg_catalog.pg_tablespace order by 1'), 'List of tablespaces'))
  return true
}

async function source(asker: Asker, command: string, name: string): Promise<true> {
  const [[text] = []] = await ask(asker, command === 'sf' ? `select pg_catalog.pg_get_functiondef(${literal(name)}::pg_catalog.${name.includes('(') ? 'regprocedure' : 'regproc'}::pg_catalog.oid)` : `select 'CREATE OR REPLACE VIEW ' || ${literal(name)}::pg_catalog.regclass || E' AS\\n' || pg_catalog.pg_get_viewdef(${literal(name)}::pg_catalog.regclass::pg_catalog.oid, true)`)
  await asker.print(`${text ?? ''}\n`.replace(/\n\n$/, '\n'))
  return true
}

async function describeTables(asker: Asker, pattern: string, plus: boolean): Promise<true | 'failed'> {
  const found = await ask(asker, `select c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, am.amname, c.relreplident, c.relispartition from pg_catalog.pg_class c left join pg_catalog.pg_namespace n on n.oid = c.relnamespace left join pg_catalog.pg_am am on am.oid = c.relam where ${conditionOf(pattern, 'n.nspname', 'c.relname', 'pg_catalog.pg_table_is_visible(c.oid)').sql} order by 2, 3`)
  if (found.length === 0) { await asker.complain(`Did not find any relation named "${pattern}".`); return 'failed' }
  for (const row of found) {
    if (asker.client.status === 'X') throw new ConnectionLost()
    await describeOne(asker, row as string[], plus)
  }
  return true
}

const HEADS: Readonly<Record<string, string>> = { r: 'Table', v: 'View', m: 'Materialized view', S: 'Sequence', i: 'Index', I: 'Partitioned index', t: 'TOAST table', c: 'Composite type', f: 'Foreign table', p: 'Partitioned table' }

async function describeOne(asker: Asker, [oid, schema, name, kind, persistence, method]: string[], plus: boolean): Promise<void> {
  const title = `${persistence === 'u' && kind === 'r' ? 'Unlogged table' : HEADS[kind!] ?? 'Relation'} "${schema}.${name}"`
  if (kind === 'S') {
    const rows = await ask(asker, `select pg_catalog.format_type(seqtypid, null), seqstart, seqmin, seqmax, seqincrement, case when seqcycle then 'yes' else 'no' end, seqcache from pg_catalog.pg_sequence where seqrelid = ${oid}`)
    const owners = await ask(asker, `select pg_catalog.quote_ident(nspname) || '.' || pg_catalog.quote_ident(relname) || '.' || pg_catalog.quote_ident(attname), d.deptype from pg_catalog.pg_class c join pg_catalog.pg_depend d on c.oid = d.refobjid join pg_catalog.pg_namespace n on n.oid = c.relnamespace join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = ${oid} and d.deptype in ('a', 'i')`)
    await asker.print(table(['Type', 'Start', 'Minimum', 'Maximum', 'Increment', 'Cycles?', 'Cache'], rows, title, owners.map(([owner, type]) => type === 'a' ? `Owned by: ${owner}` : `Sequence for identity column: ${owner}`), [1, 2, 3, 4, 6]))
    return
  }
  const isIndex = kind === 'i' || kind === 'I'
  const shows = ['r', 'v', 'm', 'f', 'c', 'p'].includes(kind!)
  const columns = ['a.attname', 'pg_catalog.format_type(a.atttypid, a.atttypmod)', ...(shows ? [`(select c.collname from pg_catalog.pg_collation c, pg_catalog.pg_type t where c.oid = a.attcollation and t.oid = a.atttypid and a.attcollation <> t.typcollation)`, `case when a.attnotnull then 'not null' else '' end`, `case when a.attidentity = 'a' then 'generated always as identity' when a.attidentity = 'd' then 'generated by default as identity' when a.attgenerated = 's' then 'generated always as (' || (select pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) from pg_catalog.pg_attrdef d where d.adrelid = a.attrelid and d.adnum = a.attnum) || ') stored' else coalesce((select pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) from pg_catalog.pg_attrdef d where d.adrelid = a.attrelid and d.adnum = a.attnum and a.atthasdef), '') end`] : []), ...(isIndex ? [`case when a.attnum <= (select i.indnkeyatts from pg_catalog.pg_index i where i.indexrelid = ${oid}) then 'yes' else 'no' end`, `pg_catalog.pg_get_indexdef(a.attrelid, a.attnum, true)`] : []), ...(plus ? [`case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' when 'x' then 'extended' end`, ...(kind === 'r' || kind === 'm' || kind === 'p' ? [`case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' else '' end`] : []), ...(isIndex ? [] : [`case when a.attstattarget = -1 then null else a.attstattarget end`, 'pg_catalog.col_description(a.attrelid, a.attnum)'])] : [])]
  const names = ['Column', 'Type', ...(shows ? ['Collation', 'Nullable', 'Default'] : []), ...(isIndex ? ['Key?', 'Definition'] : []), ...(plus ? ['Storage', ...(kind === 'r' || kind === 'm' || kind === 'p' ? ['Compression'] : []), ...(isIndex ? [] : ['Stats target', 'Description'])] : [])]
  const rows = await ask(asker, `select ${columns.join(', ')} from pg_catalog.pg_attribute a where a.attrelid = ${oid} and a.attnum > 0 and not a.attisdropped order by a.attnum`)
  const footers: string[] = []
  const section = (head: string, lines: readonly string[]) => { if (lines.length > 0) footers.push(head, ...lines.map((line) => `    ${line}`)) }
  if (isIndex) {
    const [[unique, primary, am, of, where, valid] = []] = await ask(asker, `select i.indisunique, i.indisprimary, am.amname, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c2.relname), pg_catalog.pg_get_expr(i.indpred, i.indrelid, true), i.indisvalid from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid join pg_catalog.pg_class c2 on c2.oid = i.indrelid join pg_catalog.pg_namespace n on n.oid = c2.relnamespace join pg_catalog.pg_am am on am.oid = c.relam where i.indexrelid = ${oid}`)
    footers.push(`${primary === 't' ? 'primary key, ' : unique === 't' ? 'unique, ' : ''}${am}, for table ${(of ?? '').split('.').map((part) => part.startsWith('"') ? part : `"${part}"`).join('.').replace(/"\."/, '.')}${where ? `, predicate (${where})` : ''}${valid === 'f' ? ', invalid' : ''}`)
  }
  if (kind === 'v' || kind === 'm') if (plus) footers.push('View definition:', ...(await ask(asker, `select pg_catalog.pg_get_viewdef(${oid}::pg_catalog.oid, true)`))[0]![0]!.split('\n'))
  if (kind === 'p') footers.push(`Partition key: ${(await ask(asker, `select pg_catalog.pg_get_partkeydef(${oid}::pg_catalog.oid)`))[0]![0]}`)
  if (['r', 'p', 'f', 'm'].includes(kind!)) {
    const parents = await ask(asker, `select inhparent::pg_catalog.regclass, pg_catalog.pg_get_expr(c.relpartbound, c.oid) from pg_catalog.pg_class c join pg_catalog.pg_inherits i on c.oid = inhrelid where c.oid = ${oid} and c.relispartition`)
    for (const [parent, bound] of parents) footers.push(`Partition of: ${parent} ${bound}`)
    const indexes = await ask(asker, `select c2.relname, i.indisprimary, i.indisunique, i.indisclustered, i.indisvalid, pg_catalog.pg_get_indexdef(i.indexrelid, 0, true), pg_catalog.pg_get_constraintdef(con.oid, true), con.contype, con.condeferrable, con.condeferred from pg_catalog.pg_class c join pg_catalog.pg_index i on c.oid = i.indrelid join pg_catalog.pg_class c2 on i.indexrelid = c2.oid left join pg_catalog.pg_constraint con on con.conrelid = i.indrelid and con.conindid = i.indexrelid and con.contype in ('p', 'u', 'x') where c.oid = ${oid} order by i.indisprimary desc, c2.relname`)
    section('Indexes:', indexes.map(([index, primary, unique, clustered, valid, definition, constraint, type, deferrable, deferred]) => {
      if (type === 'x') return `"${index}" ${constraint}`
      const using = definition!.slice(definition!.indexOf(' USING ') + 7)
      return `"${index}" ${primary === 't' ? 'PRIMARY KEY, ' : unique === 't' ? type === 'u' ? 'UNIQUE CONSTRAINT, ' : 'UNIQUE, ' : ''}${using}${clustered === 't' ? ' CLUSTER' : ''}${valid === 'f' ? ' INVALID' : ''}${deferrable === 't' ? ' DEFERRABLE' : ''}${deferred === 't' ? ' INITIALLY DEFERRED' : ''}`
    }))
    section('Check constraints:', (await ask(asker, `select conname, pg_catalog.pg_get_constraintdef(oid, true) from pg_catalog.pg_constraint where conrelid = ${oid} and contype = 'c' order by 1`)).map(([constraint, definition]) => `"${constraint}" ${definition}`))
    section('Foreign-key constraints:', (await ask(asker, `select conname, pg_catalog.pg_get_constraintdef(oid, true) from pg_catalog.pg_constraint where conrelid = ${oid} and contype = 'f' and conparentid = 0 order by 1`)).map(([constraint, definition]) => `"${constraint}" ${definition}`))
    section('Referenced by:', (await ask(asker, `select conname, conrelid::pg_catalog.regclass, pg_catalog.pg_get_constraintdef(oid, true) from pg_catalog.pg_constraint where confrelid = ${oid} and contype = 'f' and conparentid = 0 order by conname`)).map(([constraint, from, definition]) => `TABLE "${from}" CONSTRAINT "${constraint}" ${definition}`))
    const policies = await ask(asker, `select polname, polpermissive, polcmd, pg_catalog.array_to_string(array(select rolname from pg_catalog.pg_roles where oid = any(polroles) order by 1), ','), pg_catalog.pg_get_expr(polqual, polrelid), pg_catalog.pg_get_expr(polwithcheck, polrelid) from pg_catalog.pg_policy where polrelid = ${oid} order by 1`)
    section('Policies:', policies.flatMap(([policy, permissive, verb, to, using, check]) => [`POLICY "${policy}"${permissive === 't' ? '' : ' AS RESTRICTIVE'}${verb === '*' ? '' : ` FOR ${{ r: 'SELECT', a: 'INSERT', w: 'UPDATE', d: 'DELETE' }[verb as 'r']}`}`, ...(to ? [`  TO ${to}`] : []), ...(using ? [`  USING (${using})`] : []), ...(check ? [`  WITH CHECK (${check})`] : [])]))
    if (asker.major >= 18 && plus) section('Not-null constraints:', (await ask(asker, `select conname, a.attname from pg_catalog.pg_constraint c join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1] where c.contype = 'n' and c.conrelid = ${oid} order by a.attnum`)).map(([constraint, column]) => `"${constraint}" NOT NULL "${column}"`))
  }
  if (['r', 'p', 'v', 'f'].includes(kind!)) section('Triggers:', (await ask(asker, `select pg_catalog.pg_get_triggerdef(oid, true) from pg_catalog.pg_trigger where tgrelid = ${oid} and not tgisinternal order by tgname`)).map(([definition]) => definition!.replace(/^CREATE (?:CONSTRAINT )?TRIGGER /, '')))
  if (kind === 'p') {
    const parts = await ask(asker, `select c.oid::pg_catalog.regclass, pg_catalog.pg_get_expr(c.relpartbound, c.oid) from pg_catalog.pg_class c join pg_catalog.pg_inherits i on c.oid = i.inhrelid where i.inhparent = ${oid} order by 2 = 'DEFAULT', 1`)
    if (!plus) footers.push(parts.length === 0 ? 'Number of partitions: 0' : `Number of partitions: ${parts.length} (Use \\d+ to list them.)`)
    else footers.push(...parts.map(([part, bound], i) => `${i === 0 ? 'Partitions: ' : '            '}${part} ${bound}${i < parts.length - 1 ? ',' : ''}`))
  }
  if (plus && ['r', 'm', 'p'].includes(kind!) && method) footers.push(`Access method: ${method}`)
  await asker.print(table(names, rows, title, footers))
}

