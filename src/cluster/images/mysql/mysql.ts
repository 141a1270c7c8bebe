import { lazyProgram } from '../../../unix/lazy-program.ts'
import type { Program } from '../../../unix/types.ts'
import { accountFiles } from '../accounts.ts'
import { fedora } from '../fedora.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'
import { patchRange, releasesByTag, releasesSince } from '../releases.ts'
import type { ReleaseLines } from '../releases.ts'

// @k8s part: MySQL: databases, tables, users, joins, aggregates, subqueries, views, keys and transactions over the real protocol; transactions read what is committed whatever isolation they ask for (READ COMMITTED), FOR UPDATE and FOR SHARE lock no rows, LOCK TABLES is accepted for mysqldump's output and locks nothing, most settings of my.cnf and SET have no effect; no replication (binary log, CHANGE MASTER, xtrabackup), procedures, triggers, window functions, FULLTEXT and SPATIAL indexes, GET_LOCK, privileges on columns and TLS

const LINES: ReleaseLines = { 5.6: [17, ...patchRange(20, 51)], 5.7: patchRange(5, 44), '8.0': patchRange(11, 44), 8.4: 7, '9.0': 1, 9.1: 0, 9.2: 0, 9.3: 0, 9.4: 0, 9.5: 0 }
const RECENT = { '8': '8.4.7', lts: '8.4.7', '9': '9.5.0', innovation: '9.5.0', latest: '9.5.0' }
/** Versions behind the tags, by the end of the tags' names: those of before are of Debian or of another Oracle Linux. */
const VERSIONS = {
  '': { ...releasesByTag(LINES), '5': '5.7.44', ...RECENT } as Readonly<Record<string, string>>,
  '-oracle': { ...releasesByTag(releasesSince(LINES, '5.7.37', '8.0.28')), '5': '5.7.44', ...RECENT },
  '-oraclelinux9': { ...releasesByTag(releasesSince(LINES, '8.0.37')), ...RECENT },
}
const LATEST = RECENT.latest

const programsByVersion = new Map<string, Record<string, Program>>()
function programsOf(version: string): Record<string, Program> {
  let programs = programsByVersion.get(version)
  if (!programs) {
    const client = (load: () => Promise<(proc: Parameters<Program>[0], version: string) => Promise<number>>): Program => lazyProgram(async () => { const run = await load(); return (proc) => run(proc, version) })
    programs = {
      '/usr/local/bin/docker-entrypoint.sh': client(async () => (await import('./entrypoint.ts')).entrypoint), '/usr/sbin/mysqld': client(async () => (await import('./mysqld.ts')).mysqld),
      '/usr/bin/mysql': client(async () => (await import('./mysql-client.ts')).mysqlClient), '/usr/bin/mysqladmin': client(async () => (await import('./mysqladmin.ts')).mysqladmin), '/usr/bin/mysqldump': client(async () => (await import('./mysqldump.ts')).mysqldump),
    }
    programsByVersion.set(version, programs)
  }
  return programs
}

const environment = (version: string) => ({ PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', GOSU_VERSION: '1.19', MYSQL_MAJOR: version.startsWith('9') ? 'innovation' : version.split('.').slice(0, 2).join('.'), MYSQL_VERSION: `${version}-1.el9`, MYSQL_SHELL_VERSION: `${version}-1.el9` })

const variants: NonNullable<ImageDefinition['variants']> = Object.fromEntries(Object.entries(VERSIONS).flatMap(([suffix, versions]) => Object.entries(versions).map(([tag, version]) => [suffix !== '' && tag === 'latest' ? suffix.slice(1) : `${tag}${suffix}`, { env: environment(version), programs: programsOf(version), ...(version.startsWith('5.') ? { sizeBytes: 145_000_000, architectures: ['amd64'] as const } : {}) }])))

/** The official image: data in /var/lib/mysql, first start by docker-entrypoint.sh. */
export const mysqlImage = defineImage({
  repository: 'docker.io/library/mysql', tags: Object.keys(variants), sizeBytes: 245_000_000, base: fedora, entrypoint: ['docker-entrypoint.sh'], cmd: ['mysqld'], exposedPorts: [3306, 33060], volumes: ['/var/lib/mysql'],
  env: environment(LATEST), programs: programsOf(LATEST), variants,
  files: {
    ...accountFiles('/bin/bash', { passwd: 'mysql:x:999:999::/var/lib/mysql:/bin/bash\n', group: 'mysql:x:999:\n' }), '/var/lib/mysql': { directory: true, uid: 999, gid: 999 }, '/var/run/mysqld': { directory: true, uid: 999, gid: 999, mode: 0o1777 }, '/docker-entrypoint-initdb.d': { directory: true },
    '/etc/my.cnf': '# For advice on how to change settings please see\n# http://dev.mysql.com/doc/refman/8.4/en/server-configuration-defaults.html\n\n[mysqld]\nskip-name-resolve\ndatadir=/var/lib/mysql\nsocket=/var/run/mysqld/mysqld.sock\nsecure-file-priv=/var/lib/mysql-files\nuser=mysql\n\npid-file=/var/run/mysqld/mysqld.pid\n[client]\nsocket=/var/run/mysqld/mysqld.sock\n\n!includedir /etc/mysql/conf.d/\n', '/etc/mysql/conf.d': { directory: true },
    '/etc/os-release': 'NAME="Oracle Linux Server"\nVERSION="9.6"\nID="ol"\nID_LIKE="fedora"\nVERSION_ID="9.6"\nPRETTY_NAME="Oracle Linux Server 9.6"\n',
  },
})
