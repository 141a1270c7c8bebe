import { lazyProgram } from '../../../unix/lazy-program.ts'
import { git } from '../../../unix/lazy-programs.ts'
import { alpine } from '../alpine.ts'
import { debian } from '../debian.ts'
import { defineImage } from '../image.ts'

const gitSync = lazyProgram(async () => (await import('./git-sync.ts')).gitSync)

/** Git and what it needs. */
export const gitImage = defineImage({
  repository: 'docker.io/alpine/git', tags: ['latest', 'v2.52.0', '2.52.0', 'v2.49.1', '2.49.1', 'v2.47.2', '2.47.2', 'v2.45.2', '2.45.2', '2.43.0', '2.40.1', '2.36.3', 'user'], sizeBytes: 33_500_000, base: alpine,
  entrypoint: ['git'], cmd: ['--help'], workingDir: '/git', volumes: ['/git'], files: { '/git': { directory: true } }, programs: { '/usr/bin/git': git },
})

/** git-sync: keeps a directory up to date with a repository, for those that serve its files. */
export const gitSyncImage = defineImage({
  repository: 'registry.k8s.io/git-sync/git-sync', tags: ['v4.6.0', 'v4.5.1', 'v4.5.0', 'v4.4.2', 'v4.4.1', 'v4.4.0', 'v4.3.0', 'v4.2.4', 'v4.2.3', 'v4.2.1', 'v4.1.0', 'v4.0.0'], sizeBytes: 37_800_000, base: debian,
  entrypoint: ['/git-sync'], workingDir: '/tmp', user: '65533:65533', env: { HOME: '/tmp', GITSYNC_ROOT: '/git' },
  files: { '/git': { directory: true, mode: 0o777, uid: 65_533, gid: 65_533 } }, programs: { '/git-sync': gitSync, '/usr/bin/git': git },
})
