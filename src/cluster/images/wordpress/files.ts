import type { ImageFile } from '../image.ts'
import type { WordpressRelease } from './wordpress.ts'

const UNIQUE = ['AUTH_KEY', 'SECURE_AUTH_KEY', 'LOGGED_IN_KEY', 'NONCE_KEY', 'AUTH_SALT', 'SECURE_AUTH_SALT', 'LOGGED_IN_SALT', 'NONCE_SALT']

/** Whether the release's image keeps its settings in the environment (wp-config-docker.php) instead of writing them into wp-config.php. */
export function readsEnvironment({ version }: WordpressRelease): boolean {
  return Number(version.split('.')[0]) > 5 || Number(version.split('.').slice(0, 2).join('.')) >= 5.6
}

/** What wp-config.php is made of: of constants with values, or with values of the environment. */
export function configText(value: (name: string, otherwise: string) => string): string {
  return `<?php
/** The base configuration of WordPress: database, keys, table prefix. */

define( 'DB_NAME', ${value('DB_NAME', 'wordpress')} );
define( 'DB_USER', ${value('DB_USER', 'example username')} );
define( 'DB_PASSWORD', ${value('DB_PASSWORD', 'example password')} );
define( 'DB_HOST', ${value('DB_HOST', 'mysql')} );
define( 'DB_CHARSET', ${value('DB_CHARSET', 'utf8')} );
define( 'DB_COLLATE', ${value('DB_COLLATE', '')} );

${UNIQUE.map((name) => `define( '${name}', ${value(name, 'put your unique phrase here')} );\n`).join('')}
$table_prefix = ${value('TABLE_PREFIX', 'wp_')};

define( 'WP_DEBUG', ${value('DEBUG', '')} );

/* Add any custom values between this line and the "stop editing" line. */

/* That's all, stop editing! Happy publishing. */

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}

require_once ABSPATH . 'wp-settings.php';
`
}

/** What stands in for a file of PHP: requests for it are answered by the program behind this Apache. */
const STUB = '<?php\n// Requests for this file are answered by the web server itself; this image runs no PHP.\n'

const PHP_FILES = ['index.php', 'wp-activate.php', 'wp-blog-header.php', 'wp-comments-post.php', 'wp-cron.php', 'wp-links-opml.php', 'wp-load.php', 'wp-login.php', 'wp-mail.php', 'wp-settings.php', 'wp-signup.php', 'wp-trackback.php', 'xmlrpc.php', 'wp-admin/index.php', 'wp-admin/install.php', 'wp-admin/setup-config.php', 'wp-admin/edit.php', 'wp-admin/post.php', 'wp-admin/post-new.php', 'wp-admin/edit-comments.php', 'wp-admin/users.php', 'wp-admin/user-new.php', 'wp-admin/profile.php', 'wp-admin/options-general.php', 'wp-admin/themes.php', 'wp-admin/plugins.php', 'wp-admin/upload.php', 'wp-admin/tools.php', 'wp-admin/update-core.php', 'wp-admin/admin-ajax.php', 'wp-content/index.php', 'wp-content/plugins/index.php', 'wp-content/themes/index.php']

/** The files of /usr/src/wordpress. */
export function wordpressFiles(release: WordpressRelease): Record<string, ImageFile> {
  const source = '/usr/src/wordpress'
  const own = (content: string): ImageFile => ({ content, uid: 33, gid: 33 })
  return {
    [source]: { directory: true, uid: 33, gid: 33 }, [`${source}/wp-content`]: { directory: true, uid: 33, gid: 33 }, [`${source}/wp-admin`]: { directory: true, uid: 33, gid: 33 }, [`${source}/wp-includes`]: { directory: true, uid: 33, gid: 33 },
    ...Object.fromEntries(PHP_FILES.map((name) => [`${source}/${name}`, own(STUB)])),
    [`${source}/wp-includes/version.php`]: own(`<?php\n$wp_version = '${release.version}';\n$wp_db_version = ${release.database};\n`),
    [`${source}/wp-config-sample.php`]: own(configText((name, otherwise) => name === 'DEBUG' ? 'false' : `'${name === 'DB_NAME' ? 'database_name_here' : name === 'DB_USER' ? 'username_here' : name === 'DB_PASSWORD' ? 'password_here' : name === 'DB_HOST' ? 'localhost' : otherwise}'`)),
    ...readsEnvironment(release) ? { [`${source}/wp-config-docker.php`]: own(configText((name, otherwise) => name === 'DEBUG' ? "!!getenv_docker('WORDPRESS_DEBUG', '')" : `getenv_docker('WORDPRESS_${name}', '${otherwise}')`).replace('/* That\'s all', "if ($configExtra = getenv_docker('WORDPRESS_CONFIG_EXTRA', '')) {\n\teval($configExtra);\n}\n\n/* That's all")) } : {},
    [`${source}/.htaccess`]: own('# BEGIN WordPress\n\nRewriteEngine On\nRewriteRule .* - [E=HTTP_AUTHORIZATION:%{HTTP:Authorization}]\nRewriteBase /\nRewriteRule ^index\\.php$ - [L]\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteCond %{REQUEST_FILENAME} !-d\nRewriteRule . /index.php [L]\n\n# END WordPress\n'),
    [`${source}/wp-content/themes/drydock/style.css`]: own('/*\nTheme Name: Plain\nDescription: The look that this WordPress has; themes in PHP are not run.\n*/\n'),
  }
}
