import { lazyProgram } from '../../../unix/lazy-program.ts'
import { alpine } from '../alpine.ts'
import { defineImage } from '../image.ts'

// @k8s part: Adminer: signing in to MySQL, databases, tables with their columns and rows, and SQL commands; no editing of rows by forms, exports, users, and other databases than MySQL

/** The database manager in one file of PHP, as the official image has it. */
export const adminerImage = defineImage({
  repository: 'docker.io/library/adminer', tags: ['4', '4.8.1', '4.17.1', '5', '5.4.1', 'standalone', 'latest', '4-standalone', '5-standalone'], sizeBytes: 45_000_000, base: alpine, entrypoint: ['entrypoint.sh', 'docker-php-entrypoint'], cmd: ['php', '-S', '[::]:8080', '-t', '/var/www/html'], workingDir: '/var/www/html', user: 'adminer', exposedPorts: [8080],
  files: { '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nadminer:x:100:101:Linux User,,,:/home/adminer:/sbin/nologin\n', '/etc/group': 'root:x:0:\nadminer:x:101:\n', '/var/www/html/index.php': '<?php\n// Requests are answered by the web server itself; this image runs no PHP.\n' },
  programs: { '/usr/local/bin/entrypoint.sh': (proc) => proc.exec!(proc.argv.slice(1)), '/usr/local/bin/docker-php-entrypoint': (proc) => proc.exec!(proc.argv.slice(1)), '/usr/local/bin/php': lazyProgram(async () => (await import('./server.ts')).adminer) },
})
