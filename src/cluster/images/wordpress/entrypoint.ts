import { UnixError } from '../../../unix/types.ts'
import type { FileSystem, Proc } from '../../../unix/types.ts'
import { errorText } from '../../../unix/errno.ts'
import { joinPath } from '../../../unix/path.ts'
import { accountId } from '../../../unix/utilities/listing.ts'
import { SwitchError, giveFiles } from '../switch-user.ts'
import { ClientError } from '../mysql/client-connection.ts'
import { MysqlSession } from '../mysql/mysql-session.ts'
import { phpConnectError, splitHost } from './database.ts'
import { environmentValue } from './configuration.ts'
import { configText, readsEnvironment } from './files.ts'
import type { WordpressRelease } from './wordpress.ts'

const SOURCE = '/usr/src/wordpress'
const DATABASE_TRIES = 10
const TRY_MS = 3000

/** docker-entrypoint.sh of the official image: copies WordPress to the working directory, makes wp-config.php, and becomes the web server. */
export async function entrypoint(proc: Proc, release: WordpressRelease): Promise<number> {
  const command = proc.argv.slice(1)
  if (command[0]?.startsWith('apache2')) {
    await copyWordpress(proc)
    const code = readsEnvironment(release) ? await configureByEnvironment(proc) : await configureByFile(proc)
    if (code !== 0) return code
  }
  try { return await proc.exec!(command) } catch (error) {
    if (!(error instanceof UnixError)) throw error
    await proc.stderr.write(`/usr/local/bin/docker-entrypoint.sh: line 81: exec: ${command[0] ?? ''}: ${error.code === 'ENOENT' ? 'not found' : errorText(error)}\n`)
    return error.code === 'ENOENT' ? 127 : 126
  }
}

const say = (proc: Proc, line: string) => proc.stderr.write(`${line}\n`)

function owner(proc: Proc): { uid: number; gid: number } | undefined {
  return proc.user.uid === 0 ? { uid: accountId(proc, 'user', 'www-data') ?? 33, gid: accountId(proc, 'group', 'www-data') ?? 33 } : undefined
}

async function copyWordpress(proc: Proc): Promise<void> {
  const { fs, cwd } = proc
  if (fs.exists(joinPath(cwd, 'index.php')) || fs.exists(joinPath(cwd, 'wp-includes/version.php'))) return
  const own = owner(proc)
  const here = fs.stat(cwd)
  if (own && here.uid === 0 && here.gid === 0) fs.chown(cwd, own.uid, own.gid)
  await say(proc, `WordPress not found in ${cwd} - copying now...`)
  if (fs.readdir(cwd).some((name) => name !== 'wp-content')) await say(proc, `WARNING: ${cwd} is not empty! (copying anyhow)`)
  await copyTree(fs, SOURCE, cwd, async (from, to) => {
    if (from !== `${SOURCE}/.htaccess` || !fs.exists(to)) return false
    await say(proc, `WARNING: '${to}' exists! (not copying the WordPress version)`)
    return true
  })
  try {
    if (own) for (const name of fs.readdir(cwd)) giveFiles(proc, joinPath(cwd, name), own.uid, own.gid)
  } catch (error) {
    if (!(error instanceof SwitchError)) throw error
    // tar can't give away what it unpacks.
    await proc.stderr.write(error.message)
    proc.exit(2)
  }
  await say(proc, `Complete! WordPress has been successfully copied to ${cwd}`)
}

async function copyTree(fs: FileSystem, from: string, to: string, skips: (from: string, to: string) => Promise<boolean>): Promise<void> {
  if (await skips(from, to)) return
  if (fs.stat(from).type !== 'directory') { fs.writeFile(to, fs.readFile(from), { mode: 0o644 }); return }
  if (!fs.exists(to)) fs.mkdir(to)
  for (const name of fs.readdir(from)) await copyTree(fs, joinPath(from, name), joinPath(to, name), skips)
}

/** 40 hexadecimal digits, as sha1sum of random bytes has them. */
const unique = (proc: Proc) => Array.from({ length: 40 }, () => proc.random.int(16).toString(16)).join('')

async function configureByEnvironment(proc: Proc): Promise<number> {
  const { fs, cwd } = proc
  const file = joinPath(cwd, 'wp-config.php')
  const names = Object.keys(proc.env).filter((name) => name.startsWith('WORDPRESS_')).sort()
  if ((fs.exists(file) && fs.stat(file).sizeBytes > 0) || names.length === 0) return 0
  const template = [joinPath(cwd, 'wp-config-docker.php'), `${SOURCE}/wp-config-docker.php`].find((path) => fs.exists(path) && fs.stat(path).sizeBytes > 0)
  if (template === undefined) return 0
  await say(proc, `No 'wp-config.php' found in ${cwd}, but 'WORDPRESS_...' variables supplied; copying '${template.startsWith(cwd) ? 'wp-config-docker.php' : template}' (${names.join(' ')})`)
  fs.writeFile(file, fs.readText(template).replace(/put your unique phrase here/g, () => unique(proc)))
  const own = owner(proc)
  if (own) fs.chown(file, own.uid, own.gid)
  return 0
}

/** Images of old: settings are written into wp-config.php, and the database is made if it isn't there. */
async function configureByFile(proc: Proc): Promise<number> {
  const { fs, cwd } = proc
  const file = joinPath(cwd, 'wp-config.php')
  const named = ['DB_HOST', 'DB_USER', 'DB_PASSWORD', 'DB_NAME', 'DB_CHARSET', 'DB_COLLATE', 'TABLE_PREFIX', 'DEBUG']
  for (const name of named) if (proc.env[`WORDPRESS_${name}`] && proc.env[`WORDPRESS_${name}_FILE`]) { await say(proc, `error: both WORDPRESS_${name} and WORDPRESS_${name}_FILE are set (but are exclusive)`); return 1 }
  const given = new Map(named.map((name) => [name, environmentValue(proc, `WORDPRESS_${name}`) ?? '']))
  if ([...given.values()].every((value) => value === '')) return 0
  const otherwise: Readonly<Record<string, string>> = { DB_HOST: 'mysql', DB_USER: 'root', DB_NAME: 'wordpress', DB_CHARSET: 'utf8', TABLE_PREFIX: 'wp_' }
  const setting = (name: string) => given.get(name) || otherwise[name] || ''
  if (!fs.exists(file)) fs.writeFile(file, configText((name, standard) => name === 'DEBUG' ? 'false' : `'${named.includes(name) ? setting(name) : standard}'`))
  let text = fs.readText(file)
  const literal = (value: string) => `'${value.replace(/[\\']/g, '\\$&')}'`
  for (const name of ['DB_HOST', 'DB_USER', 'DB_PASSWORD', 'DB_NAME']) text = text.replace(new RegExp(`((['"])${name}\\2\\s*,\\s*)(['"]).*?\\3`), (_, before: string) => `${before}${literal(setting(name))}`)
  if (given.get('TABLE_PREFIX')) text = text.replace(/^\$table_prefix = .*$/m, () => `$table_prefix = ${literal(setting('TABLE_PREFIX'))};`)
  if (given.get('DEBUG')) text = text.replace(/('WP_DEBUG', )\w+/, '$1true')
  fs.writeFile(file, text.replace(/put your unique phrase here/g, () => unique(proc)))
  const own = owner(proc)
  if (own) fs.chown(file, own.uid, own.gid)
  const { host, port } = splitHost(setting('DB_HOST'))
  for (let left = DATABASE_TRIES; ;) {
    try {
      const session = await MysqlSession.open(proc, { host, port, user: setting('DB_USER'), password: setting('DB_PASSWORD') })
      try { await session.run(`CREATE DATABASE IF NOT EXISTS \`${setting('DB_NAME').replaceAll('`', '``')}\``) } finally { await session.close() }
      return 0
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
      const { code, text: words } = phpConnectError(error)
      await proc.stderr.write(`\nWarning: mysqli::__construct(): (HY000/${code}): ${words} in Standard input code on line 22\n\nMySQL Connection Error: (${code}) ${words}\n`)
      if (--left > 0) { await proc.sleep(TRY_MS); continue }
      await proc.stderr.write(`\nWARNING: unable to establish a database connection to '${setting('DB_HOST')}'\n  continuing anyways (which might have unexpected results)\n\n`)
      return 0
    }
  }
}
