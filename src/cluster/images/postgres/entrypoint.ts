import { createPipe, readerOf } from '../../../base/streams.ts'
import { isCapable } from '../../../unix/capabilities.ts'
import { errorText } from '../../../unix/errno.ts'
import { joinPath } from '../../../unix/path.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc, User } from '../../../unix/types.ts'
import { accountId } from '../../../unix/utilities/listing.ts'
import { SwitchError, giveFiles, gosu } from '../switch-user.ts'
import { quoted } from './sql-text.ts'
import { majorOf } from './release.ts'

const SCRIPTS = '/docker-entrypoint-initdb.d'
const SCRIPT = '/usr/local/bin/docker-entrypoint.sh'
const START_TRIES = 600

/** docker-entrypoint.sh of the official image: makes the cluster on the first start, then becomes the server. */
export async function entrypoint(proc: Proc, version: string): Promise<number> {
  return new Entrypoint(proc, version).run()
}

class Entrypoint {
  readonly #proc: Proc
  readonly #version: string
  readonly #data: string
  #user: User

  constructor(proc: Proc, version: string) {
    this.#proc = proc
    this.#version = version
    this.#data = proc.env.PGDATA || '/var/lib/postgresql/data'
    this.#user = proc.user
  }

  /** A setting from the environment or the file that NAME_FILE names; it is the environment's from then on. @throws ProcessExit when both are set */
  async #setting(name: string, otherwise = ''): Promise<string> {
    const { env, fs, stderr } = this.#proc
    const file = env[`${name}_FILE`]
    if (file && env[name]) { await stderr.write(`error: both ${name} and ${name}_FILE are set (but are exclusive)\n`); this.#proc.exit(1) }
    let value = env[name] || otherwise
    if (file && !env[name]) {
      try { value = fs.readText(file).replace(/\n+$/, '') } catch (error) {
        if (!(error instanceof UnixError)) throw error
        await stderr.write(`${SCRIPT}: line 24: ${file}: ${errorText(error)}\n`)
        return this.#proc.exit(1)
      }
    }
    if (value !== '') env[name] = value
    delete env[`${name}_FILE`]
    return value
  }

  async run(): Promise<number> {
    const proc = this.#proc
    let command = proc.argv.slice(1)
    if (command[0]?.startsWith('-')) command = ['postgres', ...command]
    const wantsHelp = command.some((arg) => ['-?', '--help', '--describe-config', '-V', '--version'].includes(arg))
    if (command[0] !== 'postgres' || wantsHelp) return this.#exec(command)
    try {
      proc.fs.mkdir(this.#data, { recursive: true })
      try { proc.fs.chmod(this.#data, 0o700) } catch (error) { if (!(error instanceof UnixError)) throw error }
      if (proc.user.uid === 0) {
        const uid = accountId(proc, 'user', 'postgres') ?? 999
        const gid = accountId(proc, 'group', 'postgres') ?? 999
        const run = '/var/run/postgresql'
        proc.fs.mkdir(run, { recursive: true })
        try { proc.fs.chmod(run, 0o3777) } catch (error) { if (!(error instanceof UnixError)) throw error }
        for (const path of [this.#data, run]) giveFiles(proc, path, uid, gid)
        this.#user = { uid, gid, groups: [gid], name: 'postgres', home: '/var/lib/postgresql' }
        if (!isCapable(proc, 'SETUID') || !isCapable(proc, 'SETGID')) return await gosu(proc, [SCRIPT, ...command], this.#user)
      }
    } catch (error) {
      if (error instanceof SwitchError) await proc.stderr.write(error.message)
      else if (error instanceof UnixError) await proc.stderr.write(`mkdir: cannot create directory '${this.#data}': ${errorText(error)}\n`)
      else throw error
      return 1
    }
    const user = await this.#setting('POSTGRES_USER', 'postgres')
    const database = await this.#setting('POSTGRES_DB', user)
    const password = await this.#setting('POSTGRES_PASSWORD')
    await this.#setting('POSTGRES_INITDB_ARGS')
    if (this.#size(`${this.#data}/PG_VERSION`) > 0) {
      await proc.stdout.write('\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n')
      return this.#exec(command)
    }
    const code = await this.#oldDatabases() || await this.#initialize(command, { user, database, password })
    if (code !== 0) return code
    await proc.stdout.write('\nPostgreSQL init process complete; ready for start up.\n\n')
    return this.#exec(command)
  }

  /** What pg_ctl looks at. */
  #isReady(): boolean { try { return this.#proc.fs.readText(`${this.#data}/postmaster.pid`).split('\n')[7]?.trim() === 'ready' } catch { return false } }

  #size(path: string): number { try { return this.#proc.fs.stat(path).sizeBytes } catch { return 0 } }

  /** From 18 on a volume is mounted one directory higher; data of before is not passed over. */
  async #oldDatabases(): Promise<number> {
    const { fs, stderr } = this.#proc
    const major = majorOf(this.#version)
    if (Number(major) < 18 || this.#data !== `/var/lib/postgresql/${major}/docker`) return 0
    const names = fs.exists('/var/lib/postgresql') ? fs.readdir('/var/lib/postgresql') : []
    const old = ['/var/lib/postgresql', '/var/lib/postgresql/data', ...names.map((name) => `/var/lib/postgresql/${name}/docker`)].filter((path) => this.#size(`${path}/PG_VERSION`) > 0)
    if (old.length === 0 && fs.exists('/proc/mounts') && fs.readText('/proc/mounts').split('\n').some((line) => line.split(' ')[1] === '/var/lib/postgresql/data')) old.push('/var/lib/postgresql/data (unused mount/volume)')
    if (old.length === 0) return 0
    await stderr.write(`Error: in 18+, these Docker images are configured to store database data in a\n       format which is compatible with "pg_ctlcluster" (specifically, using\n       major-version-specific directory names).  This better reflects how\n       PostgreSQL itself works, and how upgrades are to be performed.\n\n       See also https://github.com/docker-library/postgres/pull/1259\n\n       Counter to that, there appears to be PostgreSQL data in:\n         ${old.join(' ')}\n\n       This is usually the result of upgrading the Docker image without\n       upgrading the underlying database using "pg_upgrade" (which requires both\n       versions).\n\n       The suggested container configuration for 18+ is to place a single mount\n       at /var/lib/postgresql which will then place PostgreSQL data in a\n       subdirectory, allowing usage of "pg_upgrade --link" without mount point\n       boundary issues.\n\n       See https://github.com/docker-library/postgres/issues/37 for a (long)\n       discussion around this process, and suggestions for how to do so.\n`)
    return 1
  }

  async #exec(command: readonly string[]): Promise<number> {
    const { env } = this.#proc
    try { return await this.#proc.exec!(command, command[0] === 'postgres' ? { user: this.#user, env } : {}) } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await this.#proc.stderr.write(`${SCRIPT}: line 371: exec: ${command[0] ?? ''}: ${error.code === 'ENOENT' ? 'not found' : errorText(error)}\n`)
      return error.code === 'ENOENT' ? 127 : 126
    }
  }

  async #run(argv: readonly string[], options: { stdin?: string; env?: Record<string, string>; silent?: boolean } = {}): Promise<number> {
    const { stdout, stderr, env } = this.#proc
    const silent = { write: async () => {}, close() {} }
    return (await this.#proc.spawn(argv, { user: this.#user, env: { ...env, ...options.env }, stdin: readerOf(options.stdin ?? ''), stdout: options.silent ? silent : stdout, stderr: options.silent ? silent : stderr }).wait()).code
  }

  async #initialize(command: readonly string[], { user, database, password }: { user: string; database: string; password: string }): Promise<number> {
    const proc = this.#proc
    const { env, fs, stdout, stderr } = proc
    const method = env.POSTGRES_HOST_AUTH_METHOD ?? ''
    if (password === '' && method !== 'trust') {
      await stderr.write('Error: Database is uninitialized and superuser password is not specified.\n       You must specify POSTGRES_PASSWORD to a non-empty value for the\n       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".\n\n       You may also use "POSTGRES_HOST_AUTH_METHOD=trust" to allow all\n       connections without a password. This is *not* recommended.\n\n       See PostgreSQL documentation about "trust":\n       https://www.postgresql.org/docs/current/auth-trust.html\n')
      return 1
    }
    if (method === 'trust') await stderr.write('********************************************************************************\nWARNING: POSTGRES_HOST_AUTH_METHOD has been set to "trust". This will allow\n         anyone with access to the Postgres port to access your database without\n         a password, even if POSTGRES_PASSWORD is set. See PostgreSQL\n         documentation about "trust":\n         https://www.postgresql.org/docs/current/auth-trust.html\n         In Docker\'s default configuration, this is effectively any other\n         container on the same system.\n\n         It is not recommended to use POSTGRES_HOST_AUTH_METHOD=trust. Replace\n         it with "-e POSTGRES_PASSWORD=password" instead to set a password in\n         "docker run".\n********************************************************************************\n')
    try { fs.readdir(SCRIPTS) } catch (error) {
      if (error instanceof UnixError && error.code === 'EACCES') { await stderr.write(`ls: cannot open directory '${SCRIPTS}/': Permission denied\n`); return 2 }
    }
    const secret = '/tmp/.initdb-password'
    if (password !== '') {
      fs.writeFile(secret, `${password}\n`, { mode: 0o600 })
      try { fs.chown(secret, this.#user.uid, this.#user.gid) } catch (error) { if (!(error instanceof UnixError)) throw error }
    }
    const more = (env.POSTGRES_INITDB_ARGS ?? '').split(/\s+/).filter(Boolean)
    const made = await this.#run(['initdb', `--username=${user}`, ...(password === '' ? [] : [`--pwfile=${secret}`]), ...more], { env: { PGDATA: this.#data } })
    fs.remove(secret, { force: true })
    if (made !== 0) return made
    // The server says what it does for a host that nothing is said of.
    const auth = method || (Number(majorOf(this.#version)) >= 14 ? 'scram-sha-256' : 'md5')
    fs.writeFile(`${this.#data}/pg_hba.conf`, `\n${auth === 'trust' ? '# warning trust is enabled for all connections\n# see https://www.postgresql.org/docs/17/auth-trust.html\n' : ''}host all all all ${auth}\n`, { append: true })
    const conf = `${this.#data}/postgresql.conf`
    fs.writeFile(conf, fs.readText(conf).replace(/^#?listen_addresses = 'localhost'/m, "listen_addresses = '*'"))
    await stdout.write('waiting for server to start...')
    const silence = createPipe()
    silence.writer.close()
    const server = proc.spawn(['postgres', ...command.slice(1), '-c', 'listen_addresses=', '-p', env.PGPORT || '5432'], { user: this.#user, env: { ...env, PGDATA: this.#data }, stdin: silence.reader, stdout, stderr })
    const connection = { PGHOST: '', PGHOSTADDR: '' }
    let up = false
    for (let i = 0; i < START_TRIES && !up && !server.status; i++) {
      await proc.sleep(100)
      up = this.#isReady()
      if (!up && i % 10 === 9) await stdout.write('.')
    }
    if (!up) { await stdout.write(' stopped waiting\n'); await stderr.write('pg_ctl: could not start server\nExamine the log output.\n'); return 1 }
    await stdout.write(' done\nserver started\n')
    const psql = (args: readonly string[], stdin = '') => this.#run(['psql', '-v', 'ON_ERROR_STOP=1', '--username', user, '--no-password', '--no-psqlrc', ...args], { stdin, env: { ...connection, PGPASSWORD: password } })
    if (database !== 'postgres') {
      if (await psql(['--dbname', 'postgres'], `CREATE DATABASE ${quoted(database)} ;\n`) !== 0) return 1
      await stdout.write('\n')
    }
    const code = await this.#scripts(psql, database, { ...connection, PGPASSWORD: password, PGDATA: this.#data })
    if (code !== 0) { server.kill('SIGINT'); await server.wait(); return code }
    await stdout.write('waiting for server to shut down...')
    server.kill('SIGINT')
    await server.wait()
    await stdout.write('. done\nserver stopped\n')
    return 0
  }

  async #scripts(psql: (args: readonly string[]) => Promise<number>, database: string, env: Record<string, string>): Promise<number> {
    const { fs, stdout } = this.#proc
    await stdout.write('\n')
    const names = fs.exists(SCRIPTS) ? fs.readdir(SCRIPTS).filter((name) => !name.startsWith('.')) : []
    if (names.length === 0) await stdout.write(`${SCRIPT}: ignoring ${SCRIPTS}/*\n`)
    for (const name of names) {
      const path = joinPath(SCRIPTS, name)
      if (name.endsWith('.sh')) {
        const runs = (fs.stat(path).mode & 0o111) !== 0
        await stdout.write(`${SCRIPT}: ${runs ? 'running' : 'sourcing'} ${path}\n`)
        const code = await this.#run(runs ? [path] : ['bash', path], { env })
        if (code !== 0) return code
      } else if (name.endsWith('.sql')) {
        await stdout.write(`${SCRIPT}: running ${path}\n`)
        const code = await psql(['--dbname', database, '-f', path])
        if (code !== 0) return code
        await stdout.write('\n')
      } else if (/\.sql\.(?:gz|xz|zst)$/.test(name)) {
        await stdout.write(`${SCRIPT}: running ${path}\n`)
        const unpack = { gz: 'gunzip', xz: 'xz -d', zst: 'zstd -d' }[name.slice(name.lastIndexOf('.') + 1) as 'gz']
        const code = await this.#run(['bash', '-c', `${unpack} -c '${path}' | psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --no-password --no-psqlrc --dbname '${database}'`], { env })
        if (code !== 0) return code
        await stdout.write('\n')
      } else await stdout.write(`${SCRIPT}: ignoring ${path}\n`)
      await stdout.write('\n')
    }
    if (names.length === 0) await stdout.write('\n')
    return 0
  }
}
