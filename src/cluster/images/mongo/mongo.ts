import { lazyProgram } from '../../../unix/lazy-program.ts'
import type { Program } from '../../../unix/types.ts'
import { utilityPrograms } from '../../../unix/utilities/list.ts'
import { accountFiles } from '../accounts.ts'
import { debian } from '../debian.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'
import { patchRange, releasesByTag, releasesSince } from '../releases.ts'
import type { ReleaseLines } from '../releases.ts'

// @k8s part: MongoDB: queries, updates, aggregation, unique indexes, users and replica sets with elections and replication between pods; indexes speed nothing up, integers of 64 bits are kept as numbers, each document is read as it was last written (readConcern and most settings of mongod have no effect), no transactions, views, validators, capped collections, collations, execution statistics, change streams, sharding, TTL, TLS and mongodump

const LINES: ReleaseLines = { 3.4: 24, 3.6: 23, '4.0': 28, 4.2: 24, 4.4: 29, '5.0': patchRange(2, 31), '6.0': patchRange(1, 26), '7.0': [...patchRange(0, 9), 11, 12, ...patchRange(14, 25)], '8.0': [0, 1, ...patchRange(3, 6), ...patchRange(8, 15)], 8.2: [1] }
const JAMMY = releasesSince({ '6.0': LINES['6.0']!, '7.0': LINES['7.0']! }, '6.0.4')
const LATEST = '8.2.1'
/** Versions behind the tags, by the end of the tags' names, which are releases of Ubuntu. */
const VERSIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '': { ...releasesByTag(LINES), '4': '4.4.29', '5': '5.0.31', '6': '6.0.26', '7': '7.0.25', '8': '8.0.15', latest: LATEST },
  '-jammy': { ...releasesByTag(JAMMY), '6': '6.0.26', '7': '7.0.25', latest: '7.0.25' },
  '-noble': { ...releasesByTag(releasesSince(LINES, '8.0.0')), '8': '8.0.15', latest: LATEST },
}

const number = (version: string) => Number(version.split('.').slice(0, 2).join('.'))

const programsByVersion = new Map<string, Record<string, Program>>()
function programsOf(version: string): Record<string, Program> {
  let programs = programsByVersion.get(version)
  if (programs) return programs
  // mongo went with 6.0, mongosh came with 4.4's later images.
  const shells: Record<string, Program> = {}
  if (number(version) < 6) shells['/usr/bin/mongo'] = lazyProgram(async () => { const { mongoShell } = await import('./mongosh.ts'); return (proc) => mongoShell(proc, version, true) })
  if (number(version) >= 5) shells['/usr/bin/mongosh'] = lazyProgram(async () => { const { mongoShell } = await import('./mongosh.ts'); return (proc) => mongoShell(proc, version, false) })
  programs = {
    ...shells, '/usr/bin/mongod': lazyProgram(async () => { const { mongod } = await import('./mongod.ts'); return (proc) => mongod(proc, version) }),
    '/usr/local/bin/docker-entrypoint.sh': lazyProgram(async () => { const { entrypoint } = await import('./entrypoint.ts'); return (proc) => entrypoint(proc, number(version) < 6 ? 'mongo' : 'mongosh') }),
    // Debian's image brought ping then.
    ...(number(version) < 3.6 ? utilityPrograms('gnu', { names: ['ping'] }) : {}),
  }
  programsByVersion.set(version, programs)
  return programs
}

const environment = (version: string) => ({ PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', GOSU_VERSION: '1.19', MONGO_PACKAGE: 'mongodb-org', MONGO_REPO: 'repo.mongodb.org', MONGO_MAJOR: version.split('.').slice(0, 2).join('.'), MONGO_VERSION: version, HOME: '/data/db' })

const variants: NonNullable<ImageDefinition['variants']> = Object.fromEntries(Object.entries(VERSIONS).flatMap(([suffix, versions]) => Object.entries(versions).map(([tag, version]) => [suffix !== '' && tag === 'latest' ? suffix.slice(1) : `${tag}${suffix}`, { env: environment(version), programs: programsOf(version), ...(number(version) < 4 ? { sizeBytes: 140_000_000 } : {}) }])))

/** The official image: data in /data/db. */
export const mongoImage = defineImage({
  repository: 'docker.io/library/mongo', tags: Object.keys(variants), sizeBytes: 290_000_000, base: debian, entrypoint: ['docker-entrypoint.sh'], cmd: ['mongod'], exposedPorts: [27017], volumes: ['/data/db', '/data/configdb'], env: environment(LATEST), variants,
  files: { ...accountFiles('/bin/bash', { passwd: 'mongodb:x:999:999::/data/db:/bin/sh\n', group: 'mongodb:x:999:\n' }), '/data/db': { directory: true, uid: 999, gid: 999 }, '/data/configdb': { directory: true, uid: 999, gid: 999 }, '/docker-entrypoint-initdb.d': { directory: true } },
})
