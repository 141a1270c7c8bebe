import { lazyProgram } from '../../../unix/lazy-program.ts'
import { nodePrograms } from '../../../unix/node/node.ts'
import type { Program } from '../../../unix/types.ts'
import { accountFiles } from '../accounts.ts'
import { debian } from '../debian.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition, ImageFile } from '../image.ts'

// @k8s part: Ghost: the blog, its set-up, signing in, writing, tags, integrations and the Admin and Content APIs' posts, pages, tags, settings, site and users (of their parameters filter by single names, limit, page and formats), in MySQL or in a file of SQLite; it is a program of ours behind Ghost's own files, which aren't there: no themes, members, newsletters, mail, uploads, imports and the editor's cards, and only the tables of what there is; a config.js of Ghost 0.x is read by every release, which real ones since 1.0 pass over; passwords are turned fewer times by bcrypt

/** A release of Ghost and what its image has it do by itself. */
export interface GhostRelease {
  version: string
  major: number
  node: 10 | 12 | 14 | 18 | 22
  /** Whether a start without settings wants MySQL. */
  wantsMysql: boolean
}

const RELEASES: readonly (GhostRelease & { tags: readonly string[] })[] = [
  { version: '1.26.2', major: 1, node: 10, wantsMysql: false, tags: ['1', '1.26', '1.26.2', '1.25', '1.24', '1.22', '1.21'] },
  { version: '2.38.3', major: 2, node: 10, wantsMysql: false, tags: ['2', '2.38', '2.38.3'] },
  { version: '3.42.9', major: 3, node: 12, wantsMysql: false, tags: ['3', '3.42', '3.42.9'] },
  { version: '4.48.9', major: 4, node: 14, wantsMysql: false, tags: ['4', '4.48', '4.48.9'] },
  { version: '5.130.6', major: 5, node: 18, wantsMysql: true, tags: ['5', '5.130', '5.130.6'] },
  { version: '6.71.0', major: 6, node: 22, wantsMysql: true, tags: ['6', '6.71', '6.71.0'] },
]

const INSTALL = '/var/lib/ghost'

function filesOf(release: GhostRelease): Record<string, ImageFile> {
  const own = (content: string): ImageFile => ({ content, uid: 1000, gid: 1000 })
  const directory: ImageFile = { directory: true, uid: 1000, gid: 1000 }
  const configuration = {
    url: 'http://localhost:2368', server: { port: 2368, host: release.major >= 5 ? '::' : '0.0.0.0' }, ...release.wantsMysql ? {} : { database: { client: 'sqlite3', connection: { filename: `${INSTALL}/content/data/ghost.db` } } },
    mail: { transport: 'Direct' }, logging: { transports: ['file', 'stdout'] }, process: 'systemd', paths: { contentPath: `${INSTALL}/content` },
  }
  return {
    ...accountFiles('/bin/bash', { passwd: 'node:x:1000:1000:Linux User,,,:/home/node:/bin/bash\n', group: 'node:x:1000:node\n' }), '/home/node': directory,
    [INSTALL]: directory, [`${INSTALL}/current`]: { link: `${INSTALL}/versions/${release.version}` }, [`${INSTALL}/config.production.json`]: own(`${JSON.stringify(configuration, undefined, 2)}\n`), [`${INSTALL}/config.development.json`]: { link: 'config.production.json' },
    [`${INSTALL}/versions/${release.version}/index.js`]: own('// node starts the program of this image for this file; there is no more of it.\n'), [`${INSTALL}/versions/${release.version}/package.json`]: own(`${JSON.stringify({ name: 'ghost', version: release.version, main: './index' }, undefined, 2)}\n`),
    ...Object.fromEntries(['data', 'images', 'logs', 'settings', 'themes', ...release.major >= 4 ? ['files', 'media', 'public'] : []].map((name) => [`${INSTALL}/content.orig/${name}`, directory])), [`${INSTALL}/content.orig/themes/${release.major >= 6 ? 'source' : 'casper'}`]: directory,
    [`${INSTALL}/content`]: { directory: true, uid: 1000, gid: 1000, mode: 0o1777 }, [`${INSTALL}/.ghost-cli`]: own(`${JSON.stringify({ 'cli-version': '1.27.0', 'active-version': release.version, name: 'ghost-local', channel: 'stable' }, undefined, 2)}\n`),
  }
}

function programsOf(release: GhostRelease): Record<string, Program> {
  const node = nodePrograms(release.node)
  const server = lazyProgram(async () => { const { ghostServer } = await import('./server.ts'); return (proc) => ghostServer(proc, release) })
  return {
    ...node,
    // Ghost's own file is a program of ours; every other script is Node's.
    '/usr/local/bin/node': (proc) => isGhost(proc, release) ? server(proc) : node['/usr/local/bin/node']!(proc),
    '/usr/local/bin/docker-entrypoint.sh': lazyProgram(async () => (await import('./entrypoint.ts')).entrypoint),
  }
}

function isGhost(proc: Parameters<Program>[0], { version }: GhostRelease): boolean {
  const script = proc.argv[1]
  if (script === undefined || script.startsWith('-')) return false
  const path = proc.resolve(script)
  return proc.fs.exists(path) && [`${INSTALL}/versions/${version}/index.js`, `${INSTALL}/versions/${version}`].includes(proc.fs.realpath(path))
}

const environment = ({ version, node }: GhostRelease) => ({ NODE_VERSION: { 10: '10.24.1', 12: '12.22.12', 14: '14.21.3', 18: '18.20.8', 22: '22.21.1' }[node], GOSU_VERSION: '1.17', NODE_ENV: 'production', GHOST_CLI_VERSION: '1.27.0', GHOST_INSTALL: INSTALL, GHOST_CONTENT: `${INSTALL}/content`, GHOST_VERSION: version })

const variants: NonNullable<ImageDefinition['variants']> = Object.fromEntries(RELEASES.flatMap((release) => {
  const variant = { env: environment(release), programs: programsOf(release), files: filesOf(release) }
  return [...release.tags.flatMap((tag) => [tag, `${tag}-alpine`, ...release.major === 6 ? [`${tag}-bookworm`] : []]), ...release.major === 6 ? ['latest', 'alpine', 'bookworm'] : []].map((tag) => [tag, variant])
}))

/** The official image. */
export const ghostImage = defineImage({
  repository: 'docker.io/library/ghost', tags: Object.keys(variants), sizeBytes: 194_000_000, base: debian, entrypoint: ['docker-entrypoint.sh'], cmd: ['node', 'current/index.js'], workingDir: INSTALL, exposedPorts: [2368], volumes: [`${INSTALL}/content`], variants,
})
