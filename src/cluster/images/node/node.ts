import { nodePrograms } from '../../../unix/node/node.ts'
import { NODE_RELEASES } from '../../../unix/node/releases.ts'
import { utilityPrograms } from '../../../unix/utilities/list.ts'
import { accountFiles } from '../accounts.ts'
import { alpine } from '../alpine.ts'
import { debian } from '../debian.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition, ImageFile } from '../image.ts'

/** What is no program is given to node, as the official image's entrypoint does. */
const ENTRYPOINT = `#!/bin/sh
set -e

# Options, names that are no command, and files that can't be executed are meant for node.
if [ "\${1#-}" != "\${1}" ] || [ -z "$(command -v "\${1}")" ] || { [ -f "\${1}" ] && ! [ -x "\${1}" ]; }; then
  set -- node "$@"
fi

exec "$@"
`

/** Majors that registries have, the newest last, and the one that `lts` means. */
const MAJORS = [8, 10, 12, 14, 16, 18, 20, 22, 24, 26] as const
const NEWEST = 26
const LTS = 24

/** Exact releases of old that tutorials name. */
const OLDER: Readonly<Record<number, readonly string[]>> = {
  10: ['10.15.0', '10.16.0'], 12: ['12.18.3', '12.22.1'], 14: ['14.15.0', '14.17.0', '14.18.1'], 16: ['16.13.0', '16.14.0', '16.17.0', '16.20.0'], 18: ['18.12.1', '18.16.0', '18.17.0', '18.17.1', '18.18.0', '18.19.0', '18.20.0'],
  20: ['20.9.0', '20.10.0', '20.11.0', '20.11.1', '20.12.0', '20.18.0', '20.19.0'], 22: ['22.11.0', '22.12.0', '22.14.0', '22.20.0', '22.21.1'], 24: ['24.1.0', '24.11.0', '24.11.1'],
}

type Flavour = 'full' | 'slim' | 'alpine'

/** Suffixes of a flavour's tags. */
const SUFFIXES: Readonly<Record<Flavour, readonly string[]>> = { full: ['', '-bookworm', '-bullseye'], slim: ['-slim', '-bookworm-slim', '-bullseye-slim'], alpine: ['-alpine', '-alpine3.22', '-alpine3.21', '-alpine3.20'] }
const SIZES: Readonly<Record<Flavour, number>> = { full: 397_000_000, slim: 79_000_000, alpine: 57_000_000 }

function nodeImage(major: typeof MAJORS[number], flavour: Flavour): ImageDefinition {
  const release = NODE_RELEASES[major]!
  const version = release.version.slice(1)
  const names = [String(major), version, version.split('.').slice(0, 2).join('.'), ...OLDER[major] ?? [], ...release.lts ? [release.lts.toLowerCase()] : [], ...major === LTS ? ['lts'] : [], ...major === NEWEST ? ['current'] : []]
  const shell = flavour === 'alpine' ? '/bin/sh' : '/bin/bash'
  const files: Record<string, ImageFile> = {
    ...accountFiles(shell, { passwd: `node:x:1000:1000:Linux User,,,:/home/node:${shell}\n`, group: 'node:x:1000:node\n' }),
    '/home/node': { directory: true, uid: 1000, gid: 1000 }, '/usr/local/bin/docker-entrypoint.sh': { content: ENTRYPOINT, mode: 0o755 }, '/usr/local/bin/nodejs': { link: 'node' },
    '/usr/local/lib/node_modules/npm/package.json': `${JSON.stringify({ name: 'npm', version: release.npm }, undefined, 2)}\n`,
  }
  return defineImage({
    repository: 'docker.io/library/node', sizeBytes: SIZES[flavour], base: flavour === 'alpine' ? alpine : debian, entrypoint: ['docker-entrypoint.sh'], cmd: ['node'],
    tags: [...names.flatMap((name) => SUFFIXES[flavour].map((suffix) => `${name}${suffix}`)), ...major === NEWEST ? [{ full: 'latest', slim: 'slim', alpine: 'alpine' }[flavour]] : []],
    env: { NODE_VERSION: version, YARN_VERSION: release.yarn }, files,
    programs: { ...nodePrograms(major), ...flavour === 'full' ? utilityPrograms('gnu', { names: ['curl', 'wget'] }) : {} },
  })
}

/** The official images of Node, by version, each on Debian, on Debian with little, and on Alpine. */
export const nodeImages: readonly ImageDefinition[] = MAJORS.flatMap((major) => (['full', 'slim', 'alpine'] as const).map((flavour) => nodeImage(major, flavour)))
