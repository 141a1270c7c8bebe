import { bash } from '../../unix/shell/sh.ts'
import { UnixError } from '../../unix/types.ts'
import type { Program } from '../../unix/types.ts'
import { utilityPrograms } from '../../unix/utilities/list.ts'
import { accountFiles } from './accounts.ts'
import { apk } from './apk.ts'
import { busyboxFiles, busyboxPrograms } from './busybox/busybox.ts'
import { defineImage } from './image.ts'
import { patchRange, releasesByTag } from './releases.ts'
import type { ImageDefinition } from './image.ts'

const LATEST = '3.23.0'
/** Releases by tag. Of the oldest, which images and courses still name, registries have hardly more than the last. */
const VERSIONS: Readonly<Record<string, string>> = {
  '3.4': '3.4.6', '3.5': '3.5.3', ...releasesByTag({ 3.6: [5], 3.7: [3], 3.8: [5], 3.9: [6], '3.10': [9], 3.11: [13] }),
  ...releasesByTag({ 3.12: 12, 3.13: 12, 3.14: 10, 3.15: 11, 3.16: 9, 3.17: 10, 3.18: [0, ...patchRange(2, 12)], 3.19: 9, '3.20': 8, 3.21: 5, 3.22: 2, 3.23: 0 }),
}

function releaseFiles(version: string) {
  return { '/etc/alpine-release': `${version}\n`, '/etc/os-release': `NAME="Alpine Linux"\nID=alpine\nVERSION_ID=${version}\nPRETTY_NAME="Alpine Linux v${version.split('.').slice(0, 2).join('.')}"\nHOME_URL="https://alpinelinux.org/"\nBUG_REPORT_URL="https://gitlab.alpinelinux.org/alpine/aports/-/issues"\n` }
}

export const alpine: ImageDefinition = defineImage({
  repository: 'docker.io/library/alpine', tags: ['latest', 'edge', '3', ...Object.keys(VERSIONS)], sizeBytes: 3_800_000, cmd: ['/bin/sh'],
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  files: {
    ...busyboxFiles, ...accountFiles('/bin/sh', { passwd: 'guest:x:405:100:guest:/dev/null:/sbin/nologin\n' }), ...releaseFiles(LATEST),
    '/etc/issue': `Welcome to Alpine Linux ${LATEST}\nKernel \\r on an \\m (\\l)\n`,
    '/etc/profile': "export PATH='/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'\nexport PAGER=less\numask 022\n",
    '/etc/shells': '/bin/sh\n/bin/ash\n', '/var/cache/apk': { directory: true }, '/media': { directory: true }, '/mnt': { directory: true }, '/opt': { directory: true }, '/srv': { directory: true },
  },
  programs: { ...busyboxPrograms('1.37.0 (2025-08-05 16:40:33 UTC)'), ...utilityPrograms('gnu', { names: ['getent'] }), '/sbin/apk': apk },
  variants: Object.fromEntries(Object.entries(VERSIONS).map(([tag, version]) => [tag, { files: releaseFiles(version) }])),
})

/** The entrypoint of the bash image: options and scripts are bash's, anything else is run as it is. */
const bashEntrypoint: Program = async (proc) => {
  const args = proc.argv.slice(1)
  if (args[0] === undefined || args[0].startsWith('-')) return proc.exec!(['bash', ...args])
  try {
    return await proc.exec!(args)
  } catch (error) {
    if (!(error instanceof UnixError) || error.code !== 'ENOENT') throw error
    return proc.exec!(['bash', ...args])
  }
}

/** Bash and little else. */
export const bashImage = defineImage({
  repository: 'docker.io/library/bash', tags: ['latest', '5', '5.1', '5.2', '5.2.37', '5.3', '4', '4.4', '5-alpine3.22'], sizeBytes: 6_300_000, entrypoint: ['docker-entrypoint.sh'], cmd: ['bash'], base: alpine,
  env: { _BASH_VERSION: '5.3' }, programs: { '/usr/local/bin/bash': bash, '/usr/local/bin/docker-entrypoint.sh': bashEntrypoint },
})
