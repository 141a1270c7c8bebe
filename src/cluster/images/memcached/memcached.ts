import { lazyProgram } from '../../../unix/lazy-program.ts'
import type { Program } from '../../../unix/types.ts'
import { alpine } from '../alpine.ts'
import { debian } from '../debian.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'
import { patchRange, releasesByTag } from '../releases.ts'

const VERSIONS: Readonly<Record<string, string>> = { ...releasesByTag({ 1.5: [...patchRange(0, 12), ...patchRange(14, 17), ...patchRange(19, 22)], 1.6: [...patchRange(0, 3), ...patchRange(5, 10), ...patchRange(12, 39)] }), '1': '1.6.39', latest: '1.6.39' }
const programsOf = (version: string): Record<string, Program> => ({ '/usr/local/bin/memcached': lazyProgram(async () => (await import('./memcached-server.ts')).memcached(version)) })
/** What is no program is meant for memcached. */
const ENTRYPOINT = '#!/bin/sh\nset -e\n\nif [ "${1#-}" != "$1" ]; then\n\tset -- memcached "$@"\nfi\n\nexec "$@"\n'

function image(base: ImageDefinition, sizeBytes: number, tagOf: (tag: string) => string): ImageDefinition {
  return defineImage({
    repository: 'docker.io/library/memcached', base, sizeBytes, tags: Object.keys(VERSIONS).map(tagOf), entrypoint: ['docker-entrypoint.sh'], cmd: ['memcached'], user: '11211', exposedPorts: [11_211],
    files: { '/usr/local/bin/docker-entrypoint.sh': { content: ENTRYPOINT, mode: 0o755 } }, programs: programsOf(VERSIONS.latest!),
    variants: Object.fromEntries(Object.entries(VERSIONS).map(([tag, version]) => [tagOf(tag), { env: { MEMCACHED_VERSION: version }, programs: programsOf(version) }])),
  })
}

export const memcachedImages = [image(debian, 32_000_000, (tag) => tag), image(alpine, 9_000_000, (tag) => tag === 'latest' ? 'alpine' : `${tag}-alpine`)]
