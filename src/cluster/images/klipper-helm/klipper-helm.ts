import { lazyProgram } from '../../../unix/lazy-program.ts'
import { bash } from '../../../unix/shell/sh.ts'
import type { Program } from '../../../unix/types.ts'
import { alpine } from '../alpine.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'

const REPOSITORY = 'rancher/klipper-helm'
const TAG = 'v0.9.18-build20260428'

/** What jobs of k3s' Helm controller run. */
export const HELM_IMAGE = `${REPOSITORY}:${TAG}`

const entry = lazyProgram(async () => (await import('./entry.ts')).entry)

/** Helm, and a script that decides what it has to do for a chart. @param helm the package manager itself */
export function klipperHelmImage(helm: Program): ImageDefinition {
  return defineImage({
    repository: `docker.io/${REPOSITORY}`, tags: [TAG], sizeBytes: 70_500_000, base: alpine, entrypoint: ['entry'], user: '1000', workingDir: '/home/klipper-helm',
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', STABLE_REPO_URL: 'https://charts.helm.sh/stable/', TIMEOUT: '', HOME: '/home/klipper-helm' },
    files: { '/home/klipper-helm': { directory: true, mode: 0o755, uid: 1000, gid: 1000 } }, programs: { '/usr/bin/entry': entry, '/usr/bin/helm': helm, '/bin/bash': bash },
  })
}
