import { describe, expect, it } from 'vitest'
import { createPipe } from '../../../base/streams.ts'
import { testMachine } from '../../../unix/test-machine.ts'
import type { TestMachine } from '../../../unix/test-machine.ts'
import type { Process } from '../../../unix/types.ts'
import { debianPrograms } from '../debian.ts'
import { entrypoint } from './entrypoint.ts'
import { mysqlClient } from './mysql-client.ts'
import { mysqladmin } from './mysqladmin.ts'
import { mysqld } from './mysqld.ts'
import { mysqldump } from './mysqldump.ts'
import { mysqlImage } from './mysql.ts'

const ROOT = { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }

function box(version = '8.4.7', files: Record<string, string> = {}): TestMachine {
  const of = (run: (proc: Parameters<typeof mysqld>[0], version: string) => Promise<number>) => (proc: Parameters<typeof mysqld>[0]) => run(proc, version)
  return testMachine({
    programs: { '/bin/docker-entrypoint.sh': of(entrypoint), '/bin/mysqld': of(mysqld), '/bin/mysql': of(mysqlClient), '/bin/mysqladmin': of(mysqladmin), '/bin/mysqldump': of(mysqldump), '/bin/bash': debianPrograms['/bin/bash']! },
    files: { '/etc/my.cnf': mysqlImage.files!['/etc/my.cnf'] as string, ...files },
  })
}

async function startServer({ machine, clock }: TestMachine, env: Record<string, string> = { MYSQL_ROOT_PASSWORD: 'secret' }): Promise<{ process: Process; log: () => string }> {
  let log = ''
  const writer = { write: async (data: Uint8Array | string) => { log += typeof data === 'string' ? data : new TextDecoder().decode(data) }, close() {} }
  const process = machine.start(['docker-entrypoint.sh', 'mysqld'], { env: { PATH: '/bin', ...env }, cwd: '/', user: ROOT, stdin: createPipe().reader, stdout: writer, stderr: writer })
  await clock.until(() => /ready for connections.* port: 3306/s.test(log) || process.status !== undefined, { withinMs: 60_000 })
  return { process, log: () => log }
}

/** What the client says to these statements, with results as the monitor draws them. */
async function ask(on: TestMachine, sql: string, args: readonly string[] = ['-h', '127.0.0.1', '-psecret']): Promise<string> {
  const { stdout, stderr } = await on.run(['mysql', '-t', ...args], { stdin: sql })
  return stdout + stderr.replace(/^mysql: \[Warning\].*\n/, '')
}

describe('the MySQL image', () => {
  it('refuses what would have no effect, and shows what it counted', async () => {
    const on = box()
    await startServer(on, { MYSQL_ROOT_PASSWORD: 'secret', MYSQL_DATABASE: 'shop' })
    const no = (what: string) => `ERROR 1235 (42000) at line 1: This version of MySQL doesn't yet support '${what}'\n`
    const args = ['-h127.0.0.1', '-psecret', 'shop']
    expect(await ask(on, 'create table t (a text, fulltext key (a))', args)).toBe(no('FULLTEXT indexes'))
    expect(await ask(on, 'create spatial index a on t (a)', args)).toBe(no('SPATIAL indexes'))
    expect(await ask(on, "select get_lock('a', 1)", args)).toBe(no('GET_LOCK'))
    expect(await ask(on, "grant select (a), insert on shop.t to root@'%'", args)).toBe(no('GRANT of privileges on columns'))
    expect(await ask(on, 'show engine innodb status', args)).toBe(no('SHOW ENGINE STATUS'))
    expect(await ask(on, "show status like 'Slow_queries'", args)).toBe('')
    expect(await ask(on, 'select @@transaction_isolation', args)).toContain('READ-COMMITTED')
    let output = ''
    const writer = { write: async (data: Uint8Array | string) => { output += typeof data === 'string' ? data : new TextDecoder().decode(data) }, close() {} }
    const client = on.machine.start(['mysql', ...args, '--force', '-e', 'select sleep(100); select 7'], { env: { PATH: '/bin' }, cwd: '/', user: ROOT, stdin: createPipe().reader, stdout: writer, stderr: writer })
    let id: string | undefined
    for (let tries = 0; id === undefined && tries < 5; tries++) id = /\| +(\d+) \|[^\n]*sleep\(100\)/.exec(await ask(on, 'show processlist', args))?.[1]
    expect(await ask(on, `kill query ${id}`, args)).toBe('')
    await on.clock.until(() => client.status !== undefined, { withinMs: 20_000 })
    expect(output).toMatch(/ERROR 1317 \(70100\) at line 1: Query execution was interrupted/)
    expect(output).toMatch(/^7$/m)
  })

  it('wants to know about a password before it makes its data directory', async () => {
    const on = box()
    const { process, log } = await startServer(on, {})
    expect(process.status!.code).toBe(1)
    expect(log()).toContain('[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified\n    You need to specify one of the following as an environment variable:\n    - MYSQL_ROOT_PASSWORD\n')
  })

  it('is set up by its environment and its scripts', async () => {
    const on = box('8.4.7', { '/docker-entrypoint-initdb.d/1.sql': "create table visits (n int);\ninsert into visits values (7);\n", '/docker-entrypoint-initdb.d/2.sh': 'mysql -uroot -psecret shop -e "update visits set n = n + 1"' })
    const { log } = await startServer(on, { MYSQL_ROOT_PASSWORD: 'secret', MYSQL_DATABASE: 'shop', MYSQL_USER: 'clerk', MYSQL_PASSWORD: 'pw' })
    expect(log()).toMatch(/Creating database shop[\s\S]*Giving user clerk access to schema shop[\s\S]*running \/docker-entrypoint-initdb.d\/1.sql[\s\S]*MySQL init process done. Ready for start up.[\s\S]*ready for connections. Version: '8.4.7'  socket: '\/var\/run\/mysqld\/mysqld.sock'  port: 3306/)
    expect(await ask(on, 'select * from visits', ['-h127.0.0.1', '-uclerk', '-ppw', 'shop'])).toBe('+------+\n| n    |\n+------+\n|    8 |\n+------+\n')
    expect(await ask(on, 'show databases', ['-h127.0.0.1', '-uclerk', '-ppw'])).toContain('| shop               |')
    expect(await ask(on, 'use mysql', ['-h127.0.0.1', '-uclerk', '-ppw'])).toBe("ERROR 1044 (42000) at line 1: Access denied for user 'clerk'@'%' to database 'mysql'\n")
    expect(await ask(on, '', ['-h127.0.0.1', '-uclerk', '-pwrong'])).toBe("ERROR 1045 (28000): Access denied for user 'clerk'@'127.0.0.1' (using password: YES)\n")
    expect(await ask(on, '', ['-h127.0.0.2', '-P3307', '-pwrong'])).toBe("ERROR 2003 (HY000): Can't connect to MySQL server on '127.0.0.2:3307' (111)\n")
    expect((await on.run(['mysqladmin', '-uroot', '-psecret', 'ping'])).stdout).toBe('mysqld is alive\n')
  })

  it('keeps data over restarts, also after a crash', async () => {
    const on = box()
    const first = await startServer(on)
    await ask(on, "create database shop; use shop; create table goods (id int auto_increment primary key, name varchar(20), price decimal(8,2), made datetime, note text);\ninsert into goods (name, price, made) values ('tea', 2.5, '2024-01-02 03:04:05'), ('rum', 19, null);\nbegin; delete from goods;")
    first.process.kill('SIGKILL')
    await on.clock.advance(1000)
    const second = await startServer(on)
    expect(second.log()).not.toContain('Initializing')
    expect(await ask(on, "insert into shop.goods (name) values ('gin'); select * from shop.goods")).toBe([
      '+----+------+-------+---------------------+------+', '| id | name | price | made                | note |', '+----+------+-------+---------------------+------+',
      '|  1 | tea  |  2.50 | 2024-01-02 03:04:05 | NULL |', '|  2 | rum  | 19.00 | NULL                | NULL |', '|  3 | gin  |  NULL | NULL                | NULL |', '+----+------+-------+---------------------+------+', '',
    ].join('\n'))
    const { stdout } = await on.run(['mysqldump', '-uroot', '-psecret', 'shop'])
    expect(stdout).toContain("INSERT INTO `goods` VALUES (1,'tea',2.50,'2024-01-02 03:04:05',NULL),(2,'rum',19.00,NULL,NULL),(3,'gin',NULL,NULL,NULL);")
    await ask(on, 'create database copy')
    expect(await ask(on, stdout, ['-h127.0.0.1', '-psecret', 'copy'])).toBe('')
    expect(await ask(on, 'select count(*), sum(price) from copy.goods')).toContain('|        3 |      21.50 |')
  })

  it('keeps what is being changed out of its files, whatever else happens meanwhile', async () => {
    const on = box()
    const { process } = await startServer(on)
    await ask(on, 'create database d; use d; create table x (n int); create table y (a int, b int); insert into x values (1); insert into y values (1, 2)')
    const open = ask(on, 'begin; update d.x set n = 99; select sleep(60)')
    await on.clock.advance(1000)
    await ask(on, 'use d; alter table y drop column a; insert into y values (3)')
    process.kill('SIGKILL')
    await open
    await startServer(on)
    expect(await ask(on, 'select n from d.x union all select b from d.y')).toBe('+------+\n| n    |\n+------+\n|    1 |\n|    2 |\n|    3 |\n+------+\n')
  })

  it('talks as a monitor to whoever types', async () => {
    const on = box()
    await startServer(on)
    const { stdout } = await on.run(['mysql', '-psecret', '-h127.0.0.1'], { stdin: 'select 1' })
    expect(stdout).toBe('1\n1\n')
  })
})

describe("MySQL's statements", () => {
  const on = box()
  const started = startServer(on)
  const sql = async (text: string) => { await started; return ask(on, text) }

  it('join, group and sort', async () => {
    expect(await sql(`create database a; use a;
      create table people (id int primary key, name varchar(20) not null, boss int);
      insert into people values (3,'Cid',1),(1,'Ann',null),(2,'Bob',1);
      select p.name, b.name as boss from people p left join people b on p.boss = b.id order by p.name desc;
      select boss, count(*) c, group_concat(name order by name separator '/') names from people group by boss having c >= 1 order by c desc, 1;
      select name from people where id in (select boss from people) or name like 'c%';`)).toBe([
      '+------+------+', '| name | boss |', '+------+------+', '| Cid  | Ann  |', '| Bob  | Ann  |', '| Ann  | NULL |', '+------+------+',
      '+------+---+---------+', '| boss | c | names   |', '+------+---+---------+', '|    1 | 2 | Bob/Cid |', '| NULL | 1 | Ann     |', '+------+---+---------+',
      '+------+', '| name |', '+------+', '| Ann  |', '| Cid  |', '+------+', '',
    ].join('\n'))
  })

  it('compute as MySQL does', async () => {
    expect(await sql("select 7/2, 7 div 2, 7 % 4, 1.50 + 1, 'a' = 'A', 0.1 + 0.2, concat('x', null), 1e3, -5, true, 'abc' like 'A_c'")).toBe([
      '+--------+---------+-------+----------+-----------+-----------+-------------------+------+----+------+------------------+',
      "| 7/2    | 7 div 2 | 7 % 4 | 1.50 + 1 | 'a' = 'A' | 0.1 + 0.2 | concat('x', null) | 1e3  | -5 | true | 'abc' like 'A_c' |",
      '+--------+---------+-------+----------+-----------+-----------+-------------------+------+----+------+------------------+',
      '| 3.5000 |       3 |     3 |     2.50 |         1 |       0.3 | NULL              | 1000 | -5 |    1 |                1 |',
      '+--------+---------+-------+----------+-----------+-----------+-------------------+------+----+------+------------------+', '',
    ].join('\n'))
  })

  it.each([
    ['select 1 form t', "ERROR 1064 (42000) at line 1: You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near 't' at line 1"],
    ['selec 1', "ERROR 1064 (42000) at line 1: You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near 'selec 1' at line 1"],
    ['select * from t', 'ERROR 1046 (3D000) at line 1: No database selected'],
    ['select * from a.nothing', "ERROR 1146 (42S02) at line 1: Table 'a.nothing' doesn't exist"],
    ['use nowhere', "ERROR 1049 (42000) at line 1: Unknown database 'nowhere'"],
    ["insert into a.people values (1, 'x', null)", "ERROR 1062 (23000) at line 1: Duplicate entry '1' for key 'people.PRIMARY'"],
    ["insert into a.people (id) values (9)", "ERROR 1364 (HY000) at line 1: Field 'name' doesn't have a default value"],
    ["insert into a.people values (9, null, 1)", "ERROR 1048 (23000) at line 1: Column 'name' cannot be null"],
    ["insert into a.people values (9, 'this name is far too long', 1)", "ERROR 1406 (22001) at line 1: Data too long for column 'name' at row 1"],
    ["insert into a.people values ('x', 'y', 1)", "ERROR 1366 (HY000) at line 1: Incorrect integer value: 'x' for column 'id' at row 1"],
    ['select nope from a.people', "ERROR 1054 (42S22) at line 1: Unknown column 'nope' in 'field list'"],
    ['select name, count(*) from a.people', "ERROR 1140 (42000) at line 1: In aggregated query without GROUP BY, expression #1 of SELECT list contains nonaggregated column 'a.people.name'; this is incompatible with sql_mode=only_full_group_by"],
    ["create procedure p() select 1", "ERROR 1235 (42000) at line 1: This version of MySQL doesn't yet support 'CREATE PROCEDURE'"],
    ['create database a', "ERROR 1007 (HY000) at line 1: Can't create database 'a'; database exists"],
    ['drop table a.nothing', "ERROR 1051 (42S02) at line 1: Unknown table 'a.nothing'"],
  ])('refuse %s', async (text, error) => {
    expect(await sql(text)).toBe(`${error}\n`)
  })

  it('describe tables', async () => {
    expect(await sql("use a; create table t (id int unsigned not null auto_increment, code char(3) unique, at timestamp default current_timestamp, kind enum('x','y') default 'x', primary key (id)); describe t")).toBe([
      '+-------+---------------+------+-----+-------------------+-------------------+', '| Field | Type          | Null | Key | Default           | Extra             |', '+-------+---------------+------+-----+-------------------+-------------------+',
      '| id    | int unsigned  | NO   | PRI | NULL              | auto_increment    |', '| code  | char(3)       | YES  | UNI | NULL              |                   |', '| at    | timestamp     | YES  |     | CURRENT_TIMESTAMP | DEFAULT_GENERATED |', "| kind  | enum('x','y') | YES  |     | x                 |                   |",
      '+-------+---------------+------+-----+-------------------+-------------------+', '',
    ].join('\n'))
    expect(await sql('use a; show create table t')).toContain("CREATE TABLE `t` (\n  `id` int unsigned NOT NULL AUTO_INCREMENT,\n  `code` char(3) DEFAULT NULL,\n  `at` timestamp NULL DEFAULT CURRENT_TIMESTAMP,\n  `kind` enum('x','y') DEFAULT 'x',\n  PRIMARY KEY (`id`),\n  UNIQUE KEY `code` (`code`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci")
  })

  it('hide what a transaction did until it ends, and take it back', async () => {
    await sql('use a; create table accounts (id int primary key, balance int); insert into accounts values (1, 100), (2, 0)')
    const first = sql('use a; start transaction; update accounts set balance = balance - 30 where id = 1; select sleep(5); update accounts set balance = balance + 30 where id = 2; commit')
    await on.clock.advance(1000)
    expect(await sql('select balance from a.accounts')).toContain('|     100 |\n|       0 |')
    await first
    expect(await sql('select balance from a.accounts')).toContain('|      70 |\n|      30 |')
    expect(await sql('use a; begin; delete from accounts; rollback; select count(*) from accounts')).toContain('|        2 |')
  })

  it('change several tables at once, and through views and common tables', async () => {
    expect(await sql(`use a; create table l (id int primary key, n varchar(5)); create table r (id int primary key, n varchar(5)); insert into l values (1,'a'),(2,'b'); insert into r values (2,'B');
      update l join r using (id) set l.n = r.n; create view both_of as select l.id, r.n from l left join r on r.id = l.id; select * from both_of;
      with recursive t(i) as (select 1 union all select i + 1 from t where i < 4) select sum(i) from t; select coalesce(sum(1.50), 0) s from l where id > 9`)).toBe([
      '+----+------+', '| id | n    |', '+----+------+', '|  1 | NULL |', '|  2 | B    |', '+----+------+', '+--------+', '| sum(i) |', '+--------+', '|     10 |', '+--------+', '+------+', '| s    |', '+------+', '| 0.00 |', '+------+', '',
    ].join('\n'))
  })

  it('join by looking rows up', async () => {
    const numbers = Array.from({ length: 1000 }, (_, i) => `(${i})`).join(',')
    await sql(`use a; create table big1 (n int, t varchar(9)); create table big2 (n decimal(9,2)); insert into big1 (n) values ${numbers}; insert into big2 values ${numbers}`)
    expect(await sql('select count(*) from a.big1 x join a.big2 y on x.n = y.n and y.n > 990 left join a.people p on p.name = x.t')).toContain('|        9 |')
  })

  it('hold foreign keys', async () => {
    expect(await sql('use a; create table orders (id int primary key, person int, foreign key (person) references people(id)); insert into orders values (1, 99)')).toBe('ERROR 1452 (23000) at line 1: Cannot add or update a child row: a foreign key constraint fails (`a`.`orders`, CONSTRAINT `orders_ibfk_1` FOREIGN KEY (`person`) REFERENCES `people` (`id`))\n')
  })
})
