import { readerOf } from '../../../base/streams.ts'
import { errorText } from '../../../unix/errno.ts'
import { isCapable } from '../../../unix/capabilities.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc, Process, User } from '../../../unix/types.ts'
import { joinPath } from '../../../unix/path.ts'
import { accountId } from '../../../unix/utilities/listing.ts'
import { SwitchError, giveFiles, gosu } from '../switch-user.ts'
import { readConfiguration } from './mysqld.ts'

const SCRIPTS = '/docker-entrypoint-initdb.d'
const START_TRIES = 30

/** docker-entrypoint.sh of the official image: makes the data directory on the first start, then becomes the server. */
export async function entrypoint(proc: Proc, version: string): Promise<number> {
  return new Entrypoint(proc, version).run()
}

class Entrypoint {
  readonly #proc: Proc
  readonly #version: string

  constructor(proc: Proc, version: string) {
    this.#proc = proc
    this.#version = version
  }

  async #say(type: 'Note' | 'Warn' | 'ERROR', text: string): Promise<void> {
    const now = new Date(Math.floor(this.#proc.clock.nowMs())).toISOString()
    await (type === 'ERROR' ? this.#proc.stderr : this.#proc.stdout).write(`${now.slice(0, 10)} ${now.slice(11, 19)}+00:00 [${type}] [Entrypoint]: ${text}\n`)
  }

  /** A setting from the environment or the file that NAME_FILE names. @throws ProcessExit when both are set */
  async #setting(name: string): Promise<string> {
    const { env, fs } = this.#proc
    const file = env[`${name}_FILE`]
    if (!file) return env[name] ?? ''
    if (env[name]) { await this.#say('ERROR', `Both ${name} and ${name}_FILE are set (but are exclusive)`); this.#proc.exit(1) }
    try { return fs.readText(file).replace(/\n+$/, '') } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await this.#proc.stderr.write(`/usr/local/bin/docker-entrypoint.sh: line 31: ${file}: ${errorText(error)}\n`)
      return this.#proc.exit(1)
    }
  }

  async run(): Promise<number> {
    const proc = this.#proc
    let command = proc.argv.slice(1)
    if (command[0]?.startsWith('-')) command = ['mysqld', ...command]
    const wantsHelp = command.some((arg) => ['-?', '--help', '--print-defaults', '-V', '--version'].includes(arg))
    if (command[0] !== 'mysqld' || wantsHelp) return this.#exec(command)
    await this.#say('Note', `Entrypoint script for MySQL Server ${this.#version}-1.el9 started.`)
    const directory = this.#dataDirectory(command)
    const uid = accountId(proc, 'user', 'mysql') ?? 999
    const gid = accountId(proc, 'group', 'mysql') ?? 999
    let user: User = proc.user
    if (proc.user.uid === 0) {
      try {
        for (const path of [directory, '/var/run/mysqld']) { proc.fs.mkdir(path, { recursive: true }); giveFiles(proc, path, uid, gid) }
      } catch (error) {
        if (!(error instanceof SwitchError)) throw error
        await proc.stderr.write(error.message)
        return 1
      }
      await this.#say('Note', "Switching to dedicated user 'mysql'")
      if (!isCapable(proc, 'SETUID') || !isCapable(proc, 'SETGID')) return gosu(proc, command, { uid, gid, groups: [gid], name: 'mysql', home: '/var/lib/mysql' })
      await this.#say('Note', `Entrypoint script for MySQL Server ${this.#version}-1.el9 started.`)
      user = { uid, gid, groups: [gid], name: 'mysql', home: '/var/lib/mysql' }
    }
    if (!proc.fs.exists(`${directory}/mysql`)) {
      const code = await this.#initialize(command, user)
      if (code !== 0) return code
    }
    return this.#exec(command, user)
  }

  #dataDirectory(command: readonly string[]): string {
    const option = command.map((arg) => /^--datadir=(.*)/.exec(arg)?.[1]).find((each) => each !== undefined)
    return (option ?? readConfiguration(this.#proc, ['mysqld', 'server']).filter(([name]) => name === 'datadir').pop()?.[1] ?? '/var/lib/mysql').replace(/\/$/, '')
  }

  async #exec(command: readonly string[], user?: User): Promise<number> {
    try { return await this.#proc.exec!(command.length > 0 ? command : ['mysqld'], user ? { user } : {}) } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await this.#proc.stderr.write(`/usr/local/bin/docker-entrypoint.sh: line 428: exec: ${command[0] ?? ''}: ${error.code === 'ENOENT' ? 'not found' : errorText(error)}\n`)
      return error.code === 'ENOENT' ? 127 : 126
    }
  }

  #spawn(argv: string[], user: User, options: { stdin?: string; out?: boolean } = {}): Process {
    const { stdout, stderr } = this.#proc
    const silent = { write: async () => {}, close() {} }
    return this.#proc.spawn(argv, { user, stdout: options.out === false ? silent : stdout, stderr: options.out === false ? silent : stderr, ...(options.stdin === undefined ? {} : { stdin: readerOf(options.stdin) }) })
  }

  async #initialize(command: readonly string[], user: User): Promise<number> {
    const proc = this.#proc
    const settings = Object.fromEntries(await (async () => { const out: [string, string][] = []; for (const name of ['MYSQL_ROOT_PASSWORD', 'MYSQL_ROOT_HOST', 'MYSQL_DATABASE', 'MYSQL_USER', 'MYSQL_PASSWORD']) out.push([name, await this.#setting(name)]); return out })()) as Record<'MYSQL_ROOT_PASSWORD' | 'MYSQL_ROOT_HOST' | 'MYSQL_DATABASE' | 'MYSQL_USER' | 'MYSQL_PASSWORD', string>
    let rootPassword = settings.MYSQL_ROOT_PASSWORD
    const { MYSQL_DATABASE: database, MYSQL_USER: name, MYSQL_PASSWORD: password } = settings
    if (rootPassword === '' && !proc.env.MYSQL_ALLOW_EMPTY_PASSWORD && !proc.env.MYSQL_RANDOM_ROOT_PASSWORD) {
      await this.#say('ERROR', 'Database is uninitialized and password option is not specified\n    You need to specify one of the following as an environment variable:\n    - MYSQL_ROOT_PASSWORD\n    - MYSQL_ALLOW_EMPTY_PASSWORD\n    - MYSQL_RANDOM_ROOT_PASSWORD')
      return 1
    }
    if (name === 'root') {
      await this.#say('ERROR', 'MYSQL_USER="root", MYSQL_USER and MYSQL_PASSWORD are for configuring a regular user and cannot be used for the root user\n    Remove MYSQL_USER="root" and use one of the following to control the root user password:\n    - MYSQL_ROOT_PASSWORD\n    - MYSQL_ALLOW_EMPTY_PASSWORD\n    - MYSQL_RANDOM_ROOT_PASSWORD')
      return 1
    }
    if (name !== '' && password === '') await this.#say('Warn', 'MYSQL_USER specified, but missing MYSQL_PASSWORD; MYSQL_USER will not be created')
    else if (name === '' && password !== '') await this.#say('Warn', 'MYSQL_PASSWORD specified, but missing MYSQL_USER; MYSQL_PASSWORD will be ignored')
    await this.#say('Note', 'Initializing database files')
    const options = command.slice(1)
    const initialized = await this.#spawn(['mysqld', ...options, '--initialize-insecure'], user).wait()
    if (initialized.code !== 0) return initialized.code
    await this.#say('Note', 'Database files initialized')
    await this.#say('Note', 'Starting temporary server')
    const server = this.#spawn(['mysqld', ...options, '--skip-networking', '--socket=/var/run/mysqld/mysqld.sock'], user)
    let up = false
    for (let i = 0; i < START_TRIES && !up && !server.status; i++) {
      up = (await this.#spawn(['mysqladmin', '-uroot', 'ping'], user, { out: false, stdin: '' }).wait()).code === 0
      if (!up) await proc.sleep(1000)
    }
    if (!up) { await this.#say('ERROR', 'Unable to start server.'); return 1 }
    await this.#say('Note', 'Temporary server started.')
    let credentials = ['-uroot']
    const run = async (sql: string, args: readonly string[] = []) => (await this.#spawn(['mysql', ...credentials, '--comments', ...args], user, { stdin: sql }).wait()).code
    if (proc.env.MYSQL_RANDOM_ROOT_PASSWORD) {
      rootPassword = Array.from({ length: 32 }, () => 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/'[proc.random.int(64)]).join('')
      await this.#say('Note', `GENERATED ROOT PASSWORD: ${rootPassword}`)
    }
    const literal = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`
    const host = settings.MYSQL_ROOT_HOST || '%'
    let sql = `SET @@SESSION.SQL_LOG_BIN=0;\nALTER USER 'root'@'localhost' IDENTIFIED BY ${literal(rootPassword)};\n`
    if (host !== 'localhost') sql += `CREATE USER 'root'@${literal(host)} IDENTIFIED BY ${literal(rootPassword)};\nGRANT ALL ON *.* TO 'root'@${literal(host)} WITH GRANT OPTION;\n`
    if (await run(`${sql}FLUSH PRIVILEGES;\n`, ['--database=mysql']) !== 0) return 1
    if (rootPassword !== '') {
      // The password goes by a file, as it would be seen by others on a command line.
      const file = '/tmp/.docker-entrypoint-client.cnf'
      proc.fs.writeFile(file, `[client]\npassword="${rootPassword}"\n`, { mode: 0o600 })
      try { proc.fs.chown(file, user.uid, user.gid) } catch (error) { if (!(error instanceof UnixError)) throw error }
      credentials = [`--defaults-extra-file=${file}`, '-uroot']
    }
    if (database !== '') {
      await this.#say('Note', `Creating database ${database}`)
      if (await run(`CREATE DATABASE IF NOT EXISTS \`${database}\`;\n`, ['--database=mysql']) !== 0) return 1
    }
    if (name !== '' && password !== '') {
      await this.#say('Note', `Creating user ${name}`)
      if (await run(`CREATE USER ${literal(name)}@'%' IDENTIFIED BY ${literal(password)};\n`, ['--database=mysql']) !== 0) return 1
      if (database !== '') {
        await this.#say('Note', `Giving user ${name} access to schema ${database}`)
        if (await run(`GRANT ALL ON \`${database.replaceAll('_', '\\_')}\`.* TO ${literal(name)}@'%';\n`, ['--database=mysql']) !== 0) return 1
      }
    }
    await proc.stdout.write('\n')
    const into = database === '' ? [] : [`--database=${database}`]
    let names: string[] = []
    try { names = proc.fs.readdir(SCRIPTS).filter((each) => !each.startsWith('.')) } catch (error) { if (!(error instanceof UnixError)) throw error }
    for (const each of names) {
      const path = joinPath(SCRIPTS, each)
      const about = (verb: string) => this.#say('Note', `/usr/local/bin/docker-entrypoint.sh: ${verb} ${path}`)
      let code = 0
      if (each.endsWith('.sh')) {
        const executable = (proc.fs.stat(path).mode & 0o111) !== 0
        await about(executable ? 'running' : 'sourcing')
        code = (await this.#spawn(executable ? [path] : ['bash', path], user).wait()).code
      } else if (each.endsWith('.sql')) {
        await about('running')
        code = await run(proc.fs.readText(path), into)
        if (code === 0) await proc.stdout.write('\n')
      } else if (each.endsWith('.sql.gz')) {
        await about('running')
        code = (await this.#spawn(['bash', '-c', `gunzip -c '${path}' | mysql ${[...credentials, ...into].join(' ')}`], user).wait()).code
        if (code === 0) await proc.stdout.write('\n')
      } else await this.#say('Warn', `/usr/local/bin/docker-entrypoint.sh: ignoring ${path}`)
      // The script runs with `set -e`: the container ends, and the half-made directory stays.
      if (code !== 0) { server.kill('SIGKILL'); return code }
    }
    await proc.stdout.write('\n')
    await this.#say('Note', 'Stopping temporary server')
    server.kill('SIGTERM')
    await server.wait()
    await this.#say('Note', 'Temporary server stopped')
    await proc.stdout.write('\n')
    await this.#say('Note', 'MySQL init process done. Ready for start up.')
    await proc.stdout.write('\n')
    proc.fs.remove('/tmp/.docker-entrypoint-client.cnf', { force: true })
    return 0
  }
}
