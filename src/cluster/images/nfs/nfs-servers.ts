import { bash } from '../../../unix/shell/sh.ts'
import { lazyProgram } from '../../../unix/lazy-program.ts'
import type { Program } from '../../../unix/types.ts'
import { alpine } from '../alpine.ts'
import { centos } from '../fedora.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'

const NFS_UTILS = ['/usr/sbin/exportfs', '/usr/sbin/rpc.nfsd', '/usr/sbin/rpc.mountd', '/usr/sbin/rpc.statd', '/usr/sbin/rpcbind', '/sbin/rpcbind', '/usr/sbin/showmount']

/** Loaded when a server is first started. */
const nfsUtils: Record<string, Program> = Object.fromEntries(NFS_UTILS.map((path) => [path, lazyProgram(async () => (await import('./nfs-programs.ts')).nfsServerPrograms[path]!)]))

const runNfs = (withPage: boolean) => lazyProgram(async () => (await import('./run-nfs.ts')).runNfs({ withPage }))

const kubernetesServer = (image: Pick<ImageDefinition, 'repository' | 'tags' | 'sizeBytes'>, withPage: boolean) => defineImage({
  ...image, base: centos, entrypoint: ['/usr/local/bin/run_nfs.sh'], cmd: ['/exports', '/'], exposedPorts: [2049, 20048], volumes: ['/exports'],
  files: { '/exports': { directory: true, mode: 0o755 }, '/tmp/index.html': 'Hello from NFS!\n', '/etc/exports': '' }, programs: { ...nfsUtils, '/usr/local/bin/run_nfs.sh': runNfs(withPage) },
})

/** Servers of NFS that the public examples use. They need to be privileged. */
export const nfsServerImages: readonly ImageDefinition[] = [
  kubernetesServer({ repository: 'registry.k8s.io/volume-nfs', tags: ['0.6', '0.8'], sizeBytes: 110_000_000 }, true),
  kubernetesServer({ repository: 'registry.k8s.io/e2e-test-images/volume/nfs', tags: ['1.3', '1.4', '1.5.0', '1.6.0'], sizeBytes: 95_000_000 }, true),
  defineImage({
    repository: 'docker.io/itsthenetwork/nfs-server-alpine', tags: ['latest', '9', '10', '11', '12'], sizeBytes: 20_000_000, base: alpine, entrypoint: ['/usr/bin/nfsd.sh'], exposedPorts: [2049],
    files: { '/etc/exports': '' }, programs: { ...nfsUtils, '/bin/bash': bash, '/usr/bin/nfsd.sh': lazyProgram(async () => (await import('./nfs-server-alpine.ts')).nfsd) },
  }),
]
