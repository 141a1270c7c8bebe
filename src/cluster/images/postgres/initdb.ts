import { errorText } from '../../../unix/errno.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { freshCluster, writeCluster } from './cluster-files.ts'
import { literal, quoted } from './sql-text.ts'
import { majorOf } from './release.ts'

/** What needs the engine is left to the server's first start. */
export const FIRST_START = 'base/initdb.sql'

/** `initdb`: makes a directory a database cluster. */
export async function initdb(proc: Proc, version: string): Promise<number> {
  const { fs, stdout, stderr } = proc
  const options = { username: proc.user.name, auth: '', authLocal: '', authHost: '', pwfile: '', encoding: 'UTF8', locale: 'en_US.utf8' }
  let directory = proc.env.PGDATA ?? ''
  let checksums = Number(majorOf(version)) >= 18
  const names: Record<string, keyof typeof options> = { '-U': 'username', '--username': 'username', '-A': 'auth', '--auth': 'auth', '--auth-local': 'authLocal', '--auth-host': 'authHost', '--pwfile': 'pwfile', '-E': 'encoding', '--encoding': 'encoding', '--locale': 'locale' }
  const args = proc.argv.slice(1)
  for (let i = 0; i < args.length; i++) {
    const [, long, value] = /^(--[\w-]+)(?:=([\s\S]*))?$/.exec(args[i]!) ?? []
    const option = long ?? args[i]!.slice(0, 2)
    const given = () => long ? value ?? args[++i] ?? '' : args[i]!.slice(2) || (args[++i] ?? '')
    const name = names[option]
    if (name) options[name] = given()
    else if (option === '-D' || option === '--pgdata') directory = given()
    else if (option === '-k' || option === '--data-checksums') checksums = true
    else if (option === '--no-data-checksums') checksums = false
    else if (/^(?:--lc-\w+|--locale-provider|--icu-locale|--icu-rules|--builtin-locale|-X|--waldir|--wal-segsize|-T|--text-search-config|-c|--set)$/.test(option)) given()
    else if (/^(?:-N|--no-sync|-n|--no-clean|-g|--allow-group-access|--no-locale|--no-instructions|-S|--sync-only)$/.test(option)) continue
    else if (!option.startsWith('-')) directory = args[i]!
    else { await stderr.write(`initdb: unrecognized option '${args[i]}'\ninitdb: hint: Try "initdb --help" for more information.\n`); return 1 }
  }
  if (directory === '') { await stderr.write('initdb: error: no data directory specified\ninitdb: hint: You must identify the directory where the data for this database system will reside.  Do this with either the invocation option -D or the environment variable PGDATA.\n'); return 1 }
  if (proc.user.uid === 0) { await stderr.write('initdb: error: cannot be run as root\ninitdb: hint: Please log in (using, e.g., "su") as the (unprivileged) user that will own the server process.\n'); return 1 }
  if (options.username.startsWith('pg_')) { await stderr.write(`initdb: error: superuser name "${options.username}" is disallowed; role names cannot begin with "pg_"\n`); return 1 }
  if (!/^(?:utf-?8|unicode)$/i.test(options.encoding)) { await stderr.write(`initdb: error: encoding "${options.encoding}" is not supported here: only UTF8 is\n`); return 1 }
  directory = proc.resolve(directory)
  await stdout.write(`The files belonging to this database system will be owned by user "${proc.user.name}".\nThis user must also own the server process.\n\nThe database cluster will be initialized with locale "${options.locale}".\nThe default database encoding has accordingly been set to "UTF8".\nThe default text search configuration will be set to "english".\n\nData page checksums are ${checksums ? 'enabled' : 'disabled'}.\n\n`)
  try {
    const existed = fs.exists(directory)
    const content = existed ? fs.readdir(directory) : []
    if (content.length > 0) {
      await stderr.write(`initdb: error: directory "${directory}" exists but is not empty\n`)
      if (content.every((name) => name === 'lost+found' || name.startsWith('.'))) await stderr.write(content.includes('lost+found') ? 'initdb: detail: It contains a lost+found directory, perhaps due to it being a mount point.\ninitdb: hint: Using a mount point directly as the data directory is not recommended.\nCreate a subdirectory under the mount point.\n' : 'initdb: detail: It contains a dot-prefixed/invisible file, perhaps due to it being a mount point.\ninitdb: hint: Using a mount point directly as the data directory is not recommended.\nCreate a subdirectory under the mount point.\n')
      else await stderr.write(`initdb: hint: If you want to create a new database system, either remove or empty the directory "${directory}" or run initdb with an argument other than "${directory}".\n`)
      return 1
    }
    await stdout.write(existed ? `fixing permissions on existing directory ${directory} ... ` : `creating directory ${directory} ... `)
    fs.mkdir(directory, { recursive: true, mode: 0o700 })
    fs.chmod(directory, 0o700)
    await stdout.write('ok\ncreating subdirectories ... ')
    const fresh = await proc.clock.outside(freshCluster())
    await stdout.write('ok\nselecting dynamic shared memory implementation ... posix\nselecting default "max_connections" ... 100\nselecting default "shared_buffers" ... 128MB\nselecting default time zone ... Etc/UTC\ncreating configuration files ... ')
    const { settings } = fresh
    settings['postgresql.conf'] = settings['postgresql.conf'].replaceAll("'Etc/GMT0'", "'Etc/UTC'").replaceAll('Etc/GMT0', 'Etc/UTC')
    const local = options.authLocal || options.auth || 'trust'
    const host = options.authHost || options.auth || 'trust'
    settings['pg_hba.conf'] = settings['pg_hba.conf'].replace(/^(local\s.*?)trust$/gm, `$1${local}`).replace(/^(host\s.*?)trust$/gm, `$1${host}`)
    writeCluster(fs, directory, majorOf(version), fresh)
    await stdout.write('ok\nrunning bootstrap script ... ')
    proc.useCpu(400_000_000)
    await proc.sleep(300)
    let sql = ''
    if (options.username !== 'postgres') sql += `update pg_authid set rolname = ${literal(options.username)} where oid = 10;\n`
    if (options.pwfile !== '') sql += `alter role ${quoted(options.username)} password ${literal(fs.readText(options.pwfile).split('\n')[0]!)};\n`
    fs.writeFile(`${directory}/${FIRST_START}`, sql, { mode: 0o600 })
    await stdout.write('ok\nperforming post-bootstrap initialization ... ')
    proc.useCpu(600_000_000)
    await proc.sleep(500)
    await stdout.write('ok\nsyncing data to disk ... ok\n\n')
    if (local === 'trust' || host === 'trust') await stderr.write(`initdb: warning: enabling "trust" authentication for local connections\n${Number(majorOf(version)) >= 15 ? 'initdb: hint: ' : ''}You can change this by editing pg_hba.conf or using the option -A, or --auth-local and --auth-host, the next time you run initdb.\n`)
    await stdout.write(`\nSuccess. You can now start the database server using:\n\n    pg_ctl -D ${directory} -l logfile start\n\n`)
    return 0
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    await stderr.write(`initdb: error: could not ${error.code === 'EACCES' || error.code === 'EPERM' ? `change permissions of directory "${directory}"` : `create directory "${directory}"`}: ${errorText(error)}\n`)
    return 1
  }
}
