import { describe, expect, it } from 'vitest'
import { createPipe, readerOf } from '../../../base/streams.ts'
import { testMachine } from '../../../unix/test-machine.ts'
import type { TestMachine } from '../../../unix/test-machine.ts'
import type { Process } from '../../../unix/types.ts'
import { debianPrograms } from '../debian.ts'
import { createMemoryFileSystem } from '../../../unix/file-system.ts'
import { accessRule, isMapped, parseAccessRules } from './host-based-access.ts'
import { PageLog, differences, encodeGroup } from './page-log.ts'
import { postgresImages } from './postgres.ts'

const nowhere = { write: async () => {}, close() {} }
const ROOT = { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }
const image = postgresImages[0]!
const tag = image.variants!['16']!

function box(files: Record<string, string> = {}): TestMachine {
  const directories = Object.fromEntries(['/var/lib/postgresql/data', '/var/run/postgresql', '/docker-entrypoint-initdb.d'].map((path) => [path, image.files![path]!]))
  return testMachine({
    programs: { ...debianPrograms, ...tag.programs },
    files: { '/etc/passwd': 'root:x:0:0::/root:/bin/bash\npostgres:x:999:999::/var/lib/postgresql:/bin/bash\n', '/etc/group': 'root:x:0:\npostgres:x:999:\n', '/tmp': { directory: true, mode: 0o1777 }, ...directories, ...files } as unknown as Record<string, string>,
  })
}

async function startServer({ machine, clock }: TestMachine, env: Record<string, string> = { POSTGRES_PASSWORD: 'secret' }, args: readonly string[] = []): Promise<{ process: Process; log: () => string }> {
  let log = ''
  const writer = { write: async (data: Uint8Array | string) => { log += typeof data === 'string' ? data : new TextDecoder().decode(data) }, close() {} }
  const process = machine.start(['docker-entrypoint.sh', 'postgres', ...args], { env: { ...tag.env, ...env }, cwd: '/', user: ROOT, stdin: createPipe().reader, stdout: writer, stderr: writer })
  await clock.until(() => /(?:start up|Skipping)[\s\S]*ready to accept connections/.test(log) || process.status !== undefined, { withinMs: 60_000 }).catch((error: Error) => { throw new Error(`${error.message}: ${log}`) })
  return { process, log: () => log }
}

/** What psql says to these statements. */
async function ask(on: TestMachine, sql: string, args: readonly string[] = ['-U', 'postgres'], env: Record<string, string> = {}): Promise<string> {
  const { stdout, stderr } = await on.run(['psql', ...args], { stdin: sql, env: { ...tag.env, ...env } })
  return stdout + stderr
}

describe('the PostgreSQL image', () => {
  it('makes a cluster, answers psql as the real one, and keeps what was committed', async () => {
    const on = box({ '/docker-entrypoint-initdb.d/a.sql': 'create table seen (n int);\ninsert into seen values (1);\n' })
    const { process, log } = await startServer(on, { POSTGRES_PASSWORD: 'secret', POSTGRES_USER: 'app', POSTGRES_DB: 'shop', POSTGRES_INITDB_ARGS: '--auth-host=scram-sha-256' })
    expect(log()).toContain('running /docker-entrypoint-initdb.d/a.sql\nCREATE TABLE\nINSERT 0 1\n')
    expect(log()).toContain('LOG:  starting PostgreSQL 16.11 (Debian 16.11-1.pgdg13+1) on x86_64-pc-linux-gnu')
    const args = ['-U', 'app', 'shop']
    expect(await ask(on, "create table t (id serial primary key, name text);\ninsert into t (name) values ('Ada'), (null), ('a\nb') returning *;\nselect * from nope;\nselect version();", args)).toBe(`CREATE TABLE
 id | name 
----+------
  1 | Ada
  2 | 
  3 | a   +
    | b
(3 rows)

INSERT 0 3
                                                       version                                                        
----------------------------------------------------------------------------------------------------------------------
 PostgreSQL 16.11 (Debian 16.11-1.pgdg13+1) on x86_64-pc-linux-gnu, compiled by gcc (Debian 14.2.0-19) 14.2.0, 64-bit
(1 row)

ERROR:  relation "nope" does not exist
LINE 1: select * from nope;
                      ^
`)
    expect(await ask(on, '\\d t\n\\dt\n\\x\nselect id, name from t where id < 3;\n\\conninfo\n', args)).toBe(`                            Table "public.t"
 Column |  Type   | Collation | Nullable |            Default            
--------+---------+-----------+----------+-------------------------------
 id     | integer |           | not null | nextval('t_id_seq'::regclass)
 name   | text    |           |          | 
Indexes:
    "t_pkey" PRIMARY KEY, btree (id)

       List of relations
 Schema | Name | Type  | Owner 
--------+------+-------+-------
 public | seen | table | app
 public | t    | table | app
(2 rows)

Expanded display is on.
-[ RECORD 1 ]
id   | 1
name | Ada
-[ RECORD 2 ]
id   | 2
name | 

You are connected to database "shop" as user "app" via socket in "/var/run/postgresql" at port "5432".
`)
    // Killed without a word: what was acknowledged is there.
    process.kill('SIGKILL')
    await process.wait()
    const again = await startServer(on, { POSTGRES_PASSWORD: 'other', POSTGRES_USER: 'app', POSTGRES_DB: 'shop' })
    expect(again.log()).toContain('database system was not properly shut down; automatic recovery in progress')
    expect(await ask(on, 'select count(*) from t', [...args, '-At'])).toBe('3\n')
    const overTcp = ['-h', '127.0.0.1', ...args, '-At']
    expect(await ask(on, 'select current_user', overTcp, { PGPASSWORD: 'secret' })).toBe('app\n')
    expect(await ask(on, '', overTcp, { PGPASSWORD: 'wrong' })).toBe('psql: error: connection to server at "127.0.0.1", port 5432 failed: FATAL:  password authentication failed for user "app"\n')
    expect(await ask(on, '', overTcp)).toBe('psql: error: connection to server at "127.0.0.1", port 5432 failed: fe_sendauth: no password supplied\n')
    await ask(on, "create table o (t_id int references t(id), price numeric(8,2) default 1.5 check (price > 0)); insert into o values (1, 2); create view v as select name from t; create index on o (price)", args)
    const dump = await on.run(['pg_dump', ...args], { env: tag.env! })
    expect(dump.stdout).toContain(`COPY public.t (id, name) FROM stdin;\n1\tAda\n2\t\\N\n3\ta\\nb\n\\.\n`)
    // A transaction of one session keeps the other waiting until it ends; each has its own settings.
    const first = on.machine.start(['psql', ...args, '-q'], { env: { ...tag.env! }, cwd: '/', user: ROOT, stdin: readerOf("set timezone = 'Asia/Tokyo';\nbegin;\nupdate t set name = 'Eva' where id = 1;\nselect pg_sleep(5);\ncommit;\n"), stdout: nowhere, stderr: nowhere })
    const startMs = on.clock.nowMs()
    const second = ask(on, 'select name from t where id = 1;\nshow timezone;', [...args, '-At'])
    await on.clock.until(() => first.status !== undefined, { withinMs: 20_000 })
    expect(on.clock.nowMs() - startMs).toBeGreaterThanOrEqual(5_000)
    expect(await second).toMatch(/^(?:Ada|Eva)\nEtc\/UTC\n$/)
    // Clients of two databases in one pipe, each of which needs the engine before the other one can go on.
    const pipe = await on.run(['bash', '-c', 'createdb -U app copy && pg_dump -U app shop | psql -q -U app copy >/dev/null && psql -U app shop -c "copy seen to stdout" | psql -U app copy -At -c "copy seen from stdin" -c "select count(*) from seen" -c "select count(*) from v"'], { env: tag.env! })
    expect(pipe.stdout + pipe.stderr).toBe('COPY 1\n2\n3\n')
    // Who is killed in the middle of a COPY has copied nothing, and others go on.
    await on.run(['bash', '-c', '{ echo 5; sleep 30; } | timeout -s KILL 2 psql -U app shop -c "copy seen from stdin"'], { env: tag.env! })
    expect(await ask(on, 'select count(*) from seen', [...args, '-At'])).toBe('1\n')
    expect(await ask(on, "copy t (name) from stdin;\nBob\n\\.\nselect name from t where name = 'Bob';", [...args, '-At'])).toBe('COPY 1\nBob\n')
  }, 300_000)
})

describe('the log of changed pages', () => {
  const packed = () => new Map<string, Uint8Array | null>([['/base', null], ['/base/1', null], ['/base/1/10', new Uint8Array(16_384).fill(7)]])
  const files = () => { const fs = createMemoryFileSystem({ clock: { nowMs: () => 0 } }); fs.mkdir('/pg_wal'); return fs }

  it('gives back what was written, and forgets a group that was written by half', () => {
    const fs = files()
    const log = new PageLog(fs, '/pg_wal')
    log.load(packed())
    log.append(encodeGroup([{ kind: 'write', path: '/base/1/10', size: 16_384, whole: false, chunks: [{ at: 8_000, data: new Uint8Array(300) }] }, { kind: 'mkdir', path: '/base/2' }]))
    log.append(encodeGroup([{ kind: 'write', path: '/base/2/x', size: 3, whole: true, chunks: [{ at: 0, data: Uint8Array.of(1, 2, 3) }] }]))
    const [name] = fs.readdir('/pg_wal')
    const whole = fs.readFile(`/pg_wal/${name}`)
    const again = new PageLog(fs, '/pg_wal').load(packed())
    expect([...again.get('/base/1/10')!.subarray(7_999, 8_001), again.get('/base/1/10')![8_300]]).toEqual([7, 0, 7])
    expect(again.get('/base/2/x')).toEqual(Uint8Array.of(1, 2, 3))
    fs.writeFile(`/pg_wal/${name}`, whole.slice(0, whole.length - 2))
    const torn = new PageLog(fs, '/pg_wal')
    expect(torn.load(packed()).has('/base/2/x')).toBe(false)
    torn.append(encodeGroup([{ kind: 'remove', path: '/base/2' }]))
    expect(new PageLog(fs, '/pg_wal').load(packed()).has('/base/2')).toBe(false)
  })

  it('tells a state in few words, with databases as copies of the first one', () => {
    const fs = files()
    const log = new PageLog(fs, '/pg_wal')
    const now = log.load(packed())
    const copy = new Uint8Array(16_384).fill(7)
    copy[9_000] = 1
    now.set('/base/5', null).set('/base/5/10', copy).delete('/base/1/10')
    log.append(encodeGroup([{ kind: 'write', path: '/y', size: 1, whole: true, chunks: [{ at: 0, data: Uint8Array.of(1) }] }]))
    log.replace(encodeGroup(differences(packed(), now), { reset: true }))
    expect(log.bytes).toBeLessThan(8_500)
    expect(new PageLog(fs, '/pg_wal').load(packed())).toEqual(now)
    expect(log.hasGrown(1_000)).toBe(false)
    const again = new PageLog(fs, '/pg_wal')
    again.load(packed())
    // A big state isn't told anew for every little thing that follows it.
    again.append(encodeGroup([{ kind: 'write', path: '/y', size: 2_000, whole: true, chunks: [{ at: 0, data: new Uint8Array(2_000).fill(1) }] }]))
    expect([again.hasGrown(1_000), log.bytes > 2_000]).toEqual([false, true])
    again.append(encodeGroup([{ kind: 'write', path: '/y', size: 9_000, whole: true, chunks: [{ at: 0, data: new Uint8Array(9_000).fill(2) }] }]))
    expect(again.hasGrown(1_000)).toBe(true)
  })
})

describe('pg_hba.conf', () => {
  it('takes the first rule that fits', () => {
    const rules = parseAccessRules('# comment\nlocal all all trust\nhost shop "A b",bob 10.0.0.0/8 md5\nhost all all all scram-sha-256\n')
    const method = (ip: string | undefined, database: string, user: string) => accessRule(rules, { ip, database, user, groups: [] })?.method
    expect([method(undefined, 'x', 'y'), method('10.1.2.3', 'shop', 'bob'), method('11.1.2.3', 'shop', 'bob'), method('10.1.2.3', 'shop', 'A b')]).toEqual(['trust', 'md5', 'scram-sha-256', 'md5'])
  })
  it('lets users of the system be the roles that pg_ident.conf says', () => {
    const text = '# MAP SYSTEM ROLE\nadmins root postgres\nmail "/^(.*)@example\\.com$" \\1\n'
    expect([isMapped(text, 'admins', 'root', 'postgres'), isMapped(text, 'admins', 'bob', 'postgres'), isMapped(text, 'mail', 'bob@example.com', 'bob'), isMapped(text, 'mail', 'bob@example.org', 'bob'), isMapped(text, 'none', 'root', 'postgres')]).toEqual([true, false, true, false, false])
    expect([isMapped('m /^(.*)@x$ \\1', 'm', '$&@x', '$&'), isMapped('m /^a$ \\1', 'm', 'a', ''), isMapped('m /^a$ b', 'm', 'a', 'b')]).toEqual([true, false, true])
  })
  it('peer: who connects over the socket is whom the system knows as', async () => {
    const on = box()
    const { log } = await startServer(on, { POSTGRES_PASSWORD: 'secret', POSTGRES_INITDB_ARGS: '--auth-local=peer' })
    const psql = async (user: typeof ROOT) => { const { stdout, stderr } = await on.run(['psql', '-U', 'postgres', '-Atc', 'select 1'], { env: tag.env!, user }); return stdout + stderr }
    expect(await psql({ uid: 999, gid: 999, groups: [], name: 'postgres', home: '/var/lib/postgresql' })).toBe('1\n')
    expect(await psql(ROOT)).toBe('psql: error: connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: FATAL:  Peer authentication failed for user "postgres"\n')
    expect(log()).toContain('LOG:  provided user name (postgres) and authenticated user name (root) do not match\n')
  }, 60_000)
})
