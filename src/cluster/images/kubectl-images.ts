import { bash } from '../../unix/shell/sh.ts'
import type { Program } from '../../unix/types.ts'
import { utilityPrograms } from '../../unix/utilities/list.ts'
import { accountFiles } from './accounts.ts'
import { alpine } from './alpine.ts'
import { debian } from './debian.ts'
import { defineImage } from './image.ts'
import type { ImageDefinition } from './image.ts'
import { patchRange } from './releases.ts'

/** Releases of Kubernetes 1 up to the one there is here, from a minor version on: the first patches of each. */
// @k8s part: kubectl images: whatever their tag, kubectl is that of v1.36; of each minor version registries have six patches here
function releasesFrom(minor: number): string[] {
  return Array.from({ length: 37 - minor }, (_, i) => minor + i).flatMap((each) => patchRange(0, each === 36 ? 3 : 5).map((patch) => `1.${each}.${patch}`))
}
const withV = (versions: readonly string[]) => versions.map((version) => `v${version}`)

/** kubectl for pods: what Jobs run that change the cluster they are in. The program belongs to what is above the cluster. */
export function kubectlImages(kubectl: Program): readonly ImageDefinition[] {
  const bitnami = { sizeBytes: 90_000_000, entrypoint: ['kubectl'], cmd: ['--help'], user: '1001', base: debian, programs: { '/opt/bitnami/kubectl/bin/kubectl': kubectl, ...utilityPrograms('gnu', { names: ['curl', 'jq'] }) }, env: { PATH: '/opt/bitnami/kubectl/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' } }
  return [
    defineImage({ repository: 'registry.k8s.io/kubectl', tags: withV(releasesFrom(28)), sizeBytes: 20_000_000, entrypoint: ['/bin/kubectl'], user: '65532', files: accountFiles('/sbin/nologin'), programs: { '/bin/kubectl': kubectl } }),
    // Its versions moved to another repository, which gets no newer ones.
    defineImage({ ...bitnami, repository: 'docker.io/bitnami/kubectl', tags: ['latest'] }),
    defineImage({ ...bitnami, repository: 'docker.io/bitnamilegacy/kubectl', tags: ['latest', ...patchRange(24, 33).map((minor) => `1.${minor}`), '1.25.15', '1.32.3', '1.33.4'] }),
    defineImage({ repository: 'docker.io/rancher/kubectl', tags: withV(releasesFrom(24)), sizeBytes: 20_000_000, entrypoint: ['/bin/kubectl'], cmd: ['help'], user: '65534', files: accountFiles('/sbin/nologin'), programs: { '/bin/kubectl': kubectl } }),
    defineImage({ repository: 'docker.io/alpine/kubectl', tags: ['latest', '1.33.4', '1.34.0', '1.34.1', '1.35.0', '1.36.3'], sizeBytes: 22_000_000, entrypoint: ['kubectl'], cmd: ['help'], base: alpine, programs: { '/usr/local/bin/kubectl': kubectl } }),
    defineImage({ repository: 'docker.io/alpine/k8s', tags: releasesFrom(24), sizeBytes: 300_000_000, cmd: ['bash'], workingDir: '/apps', base: alpine, programs: { '/usr/bin/kubectl': kubectl, '/bin/bash': bash, ...utilityPrograms('gnu', { names: ['curl', 'jq'] }) } }),
    defineImage({ repository: 'docker.io/lachlanevenson/k8s-kubectl', tags: ['latest', 'v1.21.0', 'v1.21.2', 'v1.23.0', 'v1.23.3', 'v1.24.3', 'v1.24.8', 'v1.25.0', 'v1.25.4'], sizeBytes: 25_000_000, entrypoint: ['kubectl'], cmd: ['--help'], base: alpine, programs: { '/usr/local/bin/kubectl': kubectl } }),
  ]
}
