import { lazyProgram } from '../../../unix/lazy-program.ts'
import type { Program } from '../../../unix/types.ts'
import { debian } from '../debian.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'
import { wordpressFiles } from './files.ts'

// @k8s part: WordPress: the installer, the blog with posts, pages and comments, logging in, writing, settings and the REST API's posts, pages, comments, categories, tags and users (of their lists' parameters page, per_page, search and slug), in the tables of MySQL that the real one makes; a program of ours serves it, so PHP in files (themes, plugins, what else of wp-config.php than constants) isn't run; what authors write is not filtered; no media library, menus, widgets, updates, XML-RPC, mail, block editor and sessions table; the images of php-fpm and wp-cli aren't there

/** A release of WordPress with the PHP and the Apache of its image. */
export interface WordpressRelease {
  version: string
  php: string
  apache: string
  /** The number in the option `db_version`. */
  database: string
}

const RELEASES: readonly (WordpressRelease & { tags: readonly string[] })[] = [
  { version: '4.8.3', php: '5.6.32', apache: '2.4.10', database: '38590', tags: ['4.8', '4.8.3'] },
  { version: '4.9.8', php: '7.2.12', apache: '2.4.25', database: '38590', tags: ['4', '4.9', '4.9.8'] },
  { version: '5.4.2', php: '7.4.9', apache: '2.4.38', database: '47018', tags: ['5.4', '5.4.2'] },
  { version: '5.9.3', php: '7.4.29', apache: '2.4.53', database: '51917', tags: ['5', '5.9', '5.9.3'] },
  { version: '6.2.1', php: '8.0.28', apache: '2.4.56', database: '53496', tags: ['6.2', '6.2.1'] },
  { version: '6.4.3', php: '8.2.16', apache: '2.4.57', database: '56657', tags: ['6.4', '6.4.2', '6.4.3'] },
  { version: '6.8.3', php: '8.3.26', apache: '2.4.65', database: '60421', tags: ['6.5', '6.6', '6.7', '6.8', '6.8.3'] },
  { version: '6.9', php: '8.3.29', apache: '2.4.65', database: '60717', tags: ['6', '6.9', '6.9.0'] },
  { version: '7.1.1', php: '8.3.33', apache: '2.4.66', database: '62157', tags: ['7', '7.1', '7.1.1'] },
]

function programsOf(release: WordpressRelease): Record<string, Program> {
  return {
    '/usr/local/bin/docker-entrypoint.sh': lazyProgram(async () => { const { entrypoint } = await import('./entrypoint.ts'); return (proc) => entrypoint(proc, release) }),
    '/usr/local/bin/apache2-foreground': lazyProgram(async () => { const { wordpressServer } = await import('./server.ts'); return (proc) => wordpressServer(proc, release) }),
    '/usr/local/bin/docker-php-entrypoint': (proc) => proc.exec!(proc.argv.slice(1)),
  }
}

const environment = ({ php }: WordpressRelease) => ({ PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', PHP_INI_DIR: '/usr/local/etc/php', APACHE_CONFDIR: '/etc/apache2', APACHE_ENVVARS: '/etc/apache2/envvars', PHP_VERSION: php })

const variants: NonNullable<ImageDefinition['variants']> = Object.fromEntries(RELEASES.flatMap((release) => {
  const variant = { env: environment(release), programs: programsOf(release), files: wordpressFiles(release) }
  const php = `php${release.php.split('.').slice(0, 2).join('.')}`
  const newest = release === RELEASES.at(-1)
  return [...release.tags.flatMap((tag) => [tag, `${tag}-apache`, `${tag}-${php}`, `${tag}-${php}-apache`]), ...newest ? ['latest', 'apache', php, `${php}-apache`] : []].map((tag) => [tag, variant])
}))

/** The official image with Apache: WordPress in /usr/src/wordpress, copied to /var/www/html at the first start. */
export const wordpressImage = defineImage({
  repository: 'docker.io/library/wordpress', tags: Object.keys(variants), sizeBytes: 258_000_000, base: debian, entrypoint: ['docker-entrypoint.sh'], cmd: ['apache2-foreground'], workingDir: '/var/www/html', exposedPorts: [80], stopSignal: 'SIGWINCH', volumes: ['/var/www/html'],
  files: { '/var/www/html': { directory: true, uid: 33, gid: 33, mode: 0o1777 } }, variants,
})
