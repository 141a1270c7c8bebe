import { errorText } from '../../../unix/errno.ts'
import { imageProgram } from '../../../unix/lazy-program.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Program } from '../../../unix/types.ts'
import { accountId } from '../../../unix/utilities/listing.ts'
import { accountFiles } from '../accounts.ts'
import { alpine } from '../alpine.ts'
import { debian } from '../debian.ts'
import { isCapable } from '../../../unix/capabilities.ts'
import { SwitchError, giveFiles, gosu } from '../switch-user.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'
import { patchRange, releasesByTag, releasesSince } from '../releases.ts'
import type { ReleaseLines } from '../releases.ts'

/** docker-entrypoint.sh: options and configuration files are redis-server's, which root starts as the user redis; anything else is run as it is. */
const entrypoint: Program = async (proc) => {
  const args = proc.argv.slice(1)
  const command = args[0] !== undefined && (args[0].startsWith('-') || args[0].endsWith('.conf')) ? ['redis-server', ...args] : args
  try {
    if (command[0] !== 'redis-server' || proc.user.uid !== 0) return await proc.exec!(command)
    const uid = accountId(proc, 'user', 'redis') ?? 0
    const gid = accountId(proc, 'group', 'redis') ?? 0
    // From Redis 8 on, whoever can't stop being root goes on as root.
    if (Number(proc.env.REDIS_VERSION?.split('.')[0]) >= 8 && !(isCapable(proc, 'SETUID') && isCapable(proc, 'SETGID'))) return await proc.exec!(command)
    giveFiles(proc, proc.cwd, uid, gid)
    return await gosu(proc, command, { uid, gid, groups: [gid], name: 'redis', home: '/home/redis' })
  } catch (error) {
    if (error instanceof SwitchError) { await proc.stderr.write(error.message); return 1 }
    if (!(error instanceof UnixError)) throw error
    await proc.stderr.write(`/usr/local/bin/docker-entrypoint.sh: exec: ${command[0] ?? ''}: ${error.code === 'ENOENT' ? 'not found' : errorText(error)}\n`)
    return error.code === 'ENOENT' ? 127 : 126
  }
}

const LINES: ReleaseLines = { '3.2': 12, '4.0': [...patchRange(0, 2), ...patchRange(4, 14)], '5.0': 14, '6.0': 20, '6.2': [...patchRange(0, 8), ...patchRange(10, 14), ...patchRange(16, 20)], '7.0': 15, '7.2': 11, '7.4': 6, '8.0': 4, '8.2': 2 }
const RECENT = { '6': '6.2.20', '7': '7.4.6', '8': '8.2.2', latest: '8.2.2' }
/** Versions behind the tags. */
const VERSIONS: Readonly<Record<string, string>> = { ...releasesByTag(LINES), '3': '3.2.12', '4': '4.0.14', '5': '5.0.14', ...RECENT }
/** Those of the tags that name Debian 12. */
const BOOKWORM_VERSIONS: Readonly<Record<string, string>> = { ...releasesByTag(releasesSince(LINES, '6.0.19', '6.2.12', '7.0.11')), ...RECENT }
const LATEST = '8.2.2'

const programsByVersion = new Map<string, Record<string, Program>>()
function programsOf(version: string): Record<string, Program> {
  let programs = programsByVersion.get(version)
  if (!programs) {
    const server = imageProgram(async () => (await import('./redis-server.ts')).redisServer(version))
    const client = imageProgram(async () => (await import('./redis-cli.ts')).redisCli(version))
    programsByVersion.set(version, programs = { '/usr/local/bin/redis-server': server, '/usr/local/bin/redis-sentinel': server, '/usr/local/bin/redis-cli': client })
  }
  return programs
}

const withSuffix = (tag: string, suffix: string) => suffix === '' ? tag : tag === 'latest' ? suffix : `${tag}-${suffix}`

/** Versions of the tags with a suffix. */
type Suffixes = Readonly<Record<string, Readonly<Record<string, string>>>>

function variants(suffixes: Suffixes): NonNullable<ImageDefinition['variants']> {
  return Object.fromEntries(Object.entries(suffixes).flatMap(([suffix, versions]) => Object.entries(versions).map(([tag, version]) => [withSuffix(tag, suffix), { env: { REDIS_VERSION: version }, programs: programsOf(version) }])))
}

const common = {
  repository: 'docker.io/library/redis', entrypoint: ['docker-entrypoint.sh'], cmd: ['redis-server'], exposedPorts: [6379], workingDir: '/data', volumes: ['/data'],
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', REDIS_VERSION: LATEST },
}
const programs = { '/usr/local/bin/docker-entrypoint.sh': entrypoint, ...programsOf(LATEST) }
const account = { passwd: 'redis:x:999:1000::/home/redis:/bin/sh\n', group: 'redis:x:1000:\n' }
const debianVariants = variants({ '': VERSIONS, bookworm: BOOKWORM_VERSIONS })
const alpineVariants = variants({ alpine: VERSIONS })

export const redis = defineImage({
  ...common, tags: Object.keys(debianVariants), sizeBytes: 52_000_000, base: debian, programs, variants: debianVariants,
  files: { ...accountFiles('/bin/bash', account), '/data': { directory: true, uid: 999, gid: 1000 } },
})

export const redisAlpine = defineImage({
  ...common, tags: Object.keys(alpineVariants), sizeBytes: 17_500_000, base: alpine, programs, variants: alpineVariants,
  files: { ...accountFiles('/bin/sh', account), '/data': { directory: true, uid: 999, gid: 1000 } },
})

/** The Redis of the guestbook, which its manifest names by digest. */
export const kubernetesRedis = defineImage({
  ...common, repository: 'registry.k8s.io/redis', tags: ['e2e', 'v1'], sizeBytes: 151_000_000, base: debian, programs: { ...programs, ...programsOf('2.8.19') },
  digests: { e2e: 'sha256:cb111d1bd870a6a471385a4a69ad17469d326e9dd91e0e455350cacf36e1b3ee' },
  files: { ...accountFiles('/bin/bash', account), '/data': { directory: true, uid: 999, gid: 1000 } },
})
