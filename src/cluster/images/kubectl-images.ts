import { bash } from '../../unix/shell/sh.ts'
import type { Program } from '../../unix/types.ts'
import { utilityPrograms } from '../../unix/utilities/list.ts'
import { accountFiles } from './accounts.ts'
import { alpine } from './alpine.ts'
import { debian } from './debian.ts'
import { defineImage } from './image.ts'
import type { ImageDefinition } from './image.ts'

/** Minor versions of Kubernetes 1 whose kubectl registries have; all of them are the one there is here. */
// @k8s part: kubectl images: whatever their tag, kubectl is that of v1.36
const MINORS = Array.from({ length: 13 }, (_, i) => 24 + i)
const PATCHES = [0, 1, 2, 3, 4, 5]
const versions = MINORS.flatMap((minor) => [`1.${minor}`, ...PATCHES.map((patch) => `1.${minor}.${patch}`)])

/** kubectl for pods: what Jobs run that change the cluster they are in. The program belongs to what is above the cluster. */
export function kubectlImages(kubectl: Program): readonly ImageDefinition[] {
  return [
    defineImage({ repository: 'registry.k8s.io/kubectl', tags: versions.map((version) => `v${version}`), sizeBytes: 20_000_000, entrypoint: ['/bin/kubectl'], user: '65532', files: accountFiles('/sbin/nologin'), programs: { '/bin/kubectl': kubectl } }),
    defineImage({ repository: 'docker.io/bitnami/kubectl', tags: ['latest', ...versions], sizeBytes: 90_000_000, entrypoint: ['kubectl'], cmd: ['--help'], user: '1001', base: debian, programs: { '/opt/bitnami/kubectl/bin/kubectl': kubectl, ...utilityPrograms('gnu', { names: ['curl', 'jq'] }) }, env: { PATH: '/opt/bitnami/kubectl/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' } }),
    defineImage({ repository: 'docker.io/rancher/kubectl', tags: versions.map((version) => `v${version}`), sizeBytes: 20_000_000, entrypoint: ['/bin/kubectl'], cmd: ['help'], user: '65534', files: accountFiles('/sbin/nologin'), programs: { '/bin/kubectl': kubectl } }),
    defineImage({ repository: 'docker.io/alpine/kubectl', tags: ['latest', ...versions], sizeBytes: 22_000_000, entrypoint: ['kubectl'], cmd: ['help'], base: alpine, programs: { '/usr/local/bin/kubectl': kubectl } }),
    defineImage({ repository: 'docker.io/alpine/k8s', tags: versions, sizeBytes: 300_000_000, cmd: ['bash'], workingDir: '/apps', base: alpine, programs: { '/usr/bin/kubectl': kubectl, '/bin/bash': bash, ...utilityPrograms('gnu', { names: ['curl', 'jq'] }) } }),
    defineImage({ repository: 'docker.io/lachlanevenson/k8s-kubectl', tags: ['latest', ...versions.map((version) => `v${version}`)], sizeBytes: 25_000_000, entrypoint: ['kubectl'], cmd: ['--help'], base: alpine, programs: { '/usr/local/bin/kubectl': kubectl } }),
  ]
}
