import { imageProgram } from '../../../unix/lazy-program.ts'
import type { Program } from '../../../unix/types.ts'
import { accountFiles } from '../accounts.ts'
import { alpine } from '../alpine.ts'
import { debian } from '../debian.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'
import { releasesByTag, releasesSince } from '../releases.ts'
import type { ReleaseLines } from '../releases.ts'
import { majorOf } from './release.ts'

// @k8s part: PostgreSQL: the real engine (PGlite: PostgreSQL 18 as WebAssembly, behind every tag, so that clients which choose their questions about the catalog by the version ask older tags in vain) with databases, roles, SCRAM and pg_hba.conf, transactions that survive SIGKILL, COPY, LISTEN and NOTIFY; one session works at a time, so that others wait while a transaction is open, and sessions of several databases take turns (temporary tables, SQL's PREPARE, cursors and advisory locks of one database end then, and sessions of one database share them); long queries can't be interrupted, pg_stat_activity shows the one process, text sorts as in locale C; no replication, autovacuum, tablespaces, extensions but plpgsql, COPY over the extended protocol, TLS, pg_reload_conf for postgresql.conf, pg_restore, pg_dump's archive formats and privileges and comments in dumps

/** Patch releases by line. */
const LINES: ReleaseLines = { 9.6: 24, 10: 23, 11: 22, 12: 22, 13: 23, 14: 20, 15: 15, 16: 11, 17: 7, 18: 1 }
const LATEST = '18.1'
const before18: ReleaseLines = Object.fromEntries(Object.entries(LINES).filter(([line]) => line !== '18'))
const only18: ReleaseLines = { 18: LINES['18']! }
/** What each kind of image came with. */
const TRIXIE = releasesSince(LINES, '13.22', '14.19', '15.14', '16.10', '17.6', '18.0')
const BOOKWORM = releasesSince(LINES, '11.20', '12.15', '13.11', '14.8', '15.3')
const BULLSEYE = releasesSince(before18, '9.6.23', '10.18', '11.13', '12.8', '13.4')

const from = (lines: ReleaseLines, wanted: ReleaseLines): ReleaseLines => Object.fromEntries(Object.entries(lines).filter(([line]) => line in wanted))

const programsByVersion = new Map<string, Record<string, Program>>()
function programsOf(version: string, isAlpine: boolean): Record<string, Program> {
  const key = `${version} ${isAlpine}`
  let programs = programsByVersion.get(key)
  if (programs) return programs
  const program = (load: () => Promise<(proc: Parameters<Program>[0], version: string) => Promise<number>>): Program => imageProgram(async () => { const run = await load(); return (proc) => run(proc, version) })
  const directory = isAlpine ? '/usr/local/bin' : `/usr/lib/postgresql/${majorOf(version)}/bin`
  const own: Record<string, Program> = {
    postgres: program(async () => (await Promise.all([import('./postgres-server.ts'), import('./engine-files.ts').then(({ engineFiles }) => engineFiles())]))[0].postgresServer), initdb: program(async () => (await import('./initdb.ts')).initdb), psql: program(async () => (await import('./psql.ts')).psql), pg_isready: program(async () => (await import('./small-tools.ts')).pgIsready),
    pg_dump: program(async () => (await import('./pg-dump.ts')).pgDump), pg_dumpall: program(async () => (await import('./pg-dump.ts')).pgDumpall),
    createdb: program(async () => (await import('./small-tools.ts')).createdb), dropdb: program(async () => (await import('./small-tools.ts')).dropdb), createuser: program(async () => (await import('./small-tools.ts')).createuser), dropuser: program(async () => (await import('./small-tools.ts')).dropuser),
  }
  const commands = Object.entries(own)
  programs = {
    '/usr/local/bin/docker-entrypoint.sh': program(async () => (await import('./entrypoint.ts')).entrypoint),
    ...Object.fromEntries(commands.map(([name, each]) => [`${directory}/${name}`, each])),
    ...(isAlpine ? {} : Object.fromEntries(commands.filter(([name]) => name !== 'postgres' && name !== 'initdb').map(([name, each]) => [`/usr/bin/${name}`, each]))),
  }
  programsByVersion.set(key, programs)
  return programs
}

function environment(version: string, isAlpine: boolean): Record<string, string> {
  const major = majorOf(version)
  return {
    PATH: `/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin${isAlpine ? '' : `:/usr/lib/postgresql/${major}/bin`}`, ...(isAlpine ? {} : { GOSU_VERSION: '1.19' }), LANG: 'en_US.utf8', PG_MAJOR: major, PG_VERSION: isAlpine ? version : `${version}-1.pgdg13+1`,
    PGDATA: Number(major) >= 18 ? `/var/lib/postgresql/${major}/docker` : '/var/lib/postgresql/data',
  }
}

function postgresImage(lines: ReleaseLines, isAlpine: boolean): ImageDefinition {
  const kinds = isAlpine ? { '-alpine': lines } : { '': lines, '-trixie': from(TRIXIE, lines), '-bookworm': from(BOOKWORM, lines), '-bullseye': from(BULLSEYE, lines) }
  const variants: Record<string, NonNullable<ImageDefinition['variants']>[string]> = {}
  const recent = Object.keys(lines).includes('18')
  for (const [suffix, versions] of Object.entries(kinds)) {
    const tags: Record<string, string> = { ...releasesByTag(versions), ...('9.6' in versions ? { 9: '9.6.24' } : {}), ...(recent && Object.keys(versions).length > 0 ? { latest: LATEST } : {}) }
    for (const [tag, version] of Object.entries(tags)) variants[suffix !== '' && tag === 'latest' ? suffix.slice(1) : `${tag}${suffix}`] = { env: environment(version, isAlpine), programs: programsOf(version, isAlpine) }
  }
  const newest = recent ? LATEST : '17.7'
  const uid = isAlpine ? 70 : 999
  const data = recent ? '/var/lib/postgresql' : '/var/lib/postgresql/data'
  return defineImage({
    repository: 'docker.io/library/postgres', tags: Object.keys(variants), sizeBytes: isAlpine ? 105_000_000 : 155_000_000, base: isAlpine ? alpine : debian, entrypoint: ['docker-entrypoint.sh'], cmd: ['postgres'], exposedPorts: [5432], stopSignal: 'SIGINT', volumes: [data],
    env: environment(newest, isAlpine), variants,
    files: {
      ...accountFiles(isAlpine ? '/bin/sh' : '/bin/bash', { passwd: `postgres:x:${uid}:${uid}::/var/lib/postgresql:${isAlpine ? '/bin/sh' : '/bin/bash'}\n`, group: `postgres:x:${uid}:\n` }),
      '/var/lib/postgresql': { directory: true, uid, gid: uid, mode: 0o1777 }, ...(recent ? {} : { '/var/lib/postgresql/data': { directory: true as const, uid, gid: uid, mode: 0o1777 } }), '/var/run/postgresql': { directory: true, uid, gid: uid, mode: 0o3777 }, '/docker-entrypoint-initdb.d': { directory: true },
    },
  })
}

/** The official images; from 18 on data lies one directory deeper, and the volume one higher. */
export const postgresImages: readonly ImageDefinition[] = [postgresImage(before18, false), postgresImage(only18, false), postgresImage(before18, true), postgresImage(only18, true)]
