import { errorText } from '../../../unix/errno.ts'
import { joinPath } from '../../../unix/path.ts'
import { isCapable } from '../../../unix/capabilities.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc, Process, User } from '../../../unix/types.ts'
import { accountId } from '../../../unix/utilities/listing.ts'
import { SwitchError, giveFiles, gosu } from '../switch-user.ts'

const SCRIPTS = '/docker-entrypoint-initdb.d'

/** docker-entrypoint.sh of the official image: what the environment asks for is made on the first start, then the command becomes the server. */
export async function entrypoint(proc: Proc, shell: 'mongo' | 'mongosh'): Promise<number> {
  let command = proc.argv.slice(1)
  if (command[0]?.startsWith('-')) command = ['mongod', ...command]
  let user: User | undefined = undefined
  if (command[0] === 'mongod') {
    if (proc.user.uid === 0) {
      const uid = accountId(proc, 'user', 'mongodb') ?? 999
      const gid = accountId(proc, 'group', 'mongodb') ?? 999
      try {
        for (const path of ['/data/configdb', '/data/db']) giveFiles(proc, path, uid, gid)
      } catch (error) {
        if (!(error instanceof SwitchError)) throw error
        await proc.stderr.write(error.message)
        return 1
      }
      user = { uid, gid, groups: [gid], name: 'mongodb', home: '/data/db' }
      if (!isCapable(proc, 'SETUID') || !isCapable(proc, 'SETGID')) return gosu(proc, command, user)
    }
    const code = await initialize(proc, command, user ?? proc.user, shell)
    if (typeof code === 'number') return code
    command = code
    if (!command.some((arg) => /^--bind_ip/.test(arg)) && shell === 'mongosh') command = [...command, '--bind_ip_all']
  }
  try { return await proc.exec!(command.length > 0 ? command : ['mongod'], user ? { user } : {}) } catch (error) {
    if (!(error instanceof UnixError)) throw error
    await proc.stderr.write(`/usr/local/bin/docker-entrypoint.sh: line 420: exec: ${command[0] ?? ''}: ${error.code === 'ENOENT' ? 'not found' : errorText(error)}\n`)
    return error.code === 'ENOENT' ? 127 : 126
  }
}

function setting(proc: Proc, name: string): string {
  const file = proc.env[`${name}_FILE`]
  return file ? proc.fs.readText(file).replace(/\n+$/, '') : proc.env[name] ?? ''
}

/** The command that is to run, or an exit code. */
async function initialize(proc: Proc, command: string[], user: User, shell: 'mongo' | 'mongosh'): Promise<string[] | number> {
  const name = setting(proc, 'MONGO_INITDB_ROOT_USERNAME')
  const password = setting(proc, 'MONGO_INITDB_ROOT_PASSWORD')
  const option = command.map((arg, i) => arg === '--dbpath' ? command[i + 1] : /^--dbpath=(.*)/.exec(arg)?.[1]).find((each) => each !== undefined)
  const directory = option ?? '/data/db'
  if ((name === '') !== (password === '')) {
    await proc.stderr.write('error: missing \'MONGO_INITDB_ROOT_USERNAME\' or \'MONGO_INITDB_ROOT_PASSWORD\'\n       both must be specified for a user to be created\n')
    return 1
  }
  const withAuth = name === '' || command.includes('--auth') ? command : [...command, '--auth']
  if (proc.fs.exists(`${directory}/WiredTiger`)) return withAuth
  let scripts: string[] = []
  try { scripts = proc.fs.readdir(SCRIPTS).filter((each) => /\.(?:js|sh)$/.test(each)) } catch (error) { if (!(error instanceof UnixError)) throw error }
  if (name === '' && scripts.length === 0) return command
  const kept = command.filter((arg, i) => !/^--(?:auth|keyFile|replSet|bind_ip)/.test(arg) && !['--keyFile', '--replSet', '--bind_ip'].includes(command[i - 1] ?? ''))
  const { stdout, stderr } = proc
  const spawn = (argv: string[], quiet = false): Process => { const silent = { write: async () => {}, close() {} }; return proc.spawn(argv, { user, stdout: quiet ? silent : stdout, stderr: quiet ? silent : stderr }) }
  await stdout.write('about to fork child process, waiting until server is ready for connections.\n')
  const server = spawn([...kept, '--bind_ip', '127.0.0.1', '--port', '27017'])
  let up = false
  for (let i = 0; i < 30 && !up && !server.status; i++) {
    await proc.sleep(1000)
    up = (await spawn([shell, '--quiet', '--eval', 'quit(0)', 'admin'], true).wait()).code === 0
  }
  if (!up) { await stderr.write(`error: mongod does not appear to have stayed running\n`); return 1 }
  await stdout.write('child process started successfully, parent exiting\n')
  const database = proc.env.MONGO_INITDB_DATABASE || 'test'
  if (name !== '') {
    const code = (await spawn([shell, '--quiet', '--eval', `db.getSiblingDB('admin').createUser({ user: ${JSON.stringify(name)}, pwd: ${JSON.stringify(password)}, roles: [{ role: 'root', db: 'admin' }] })`, 'admin']).wait()).code
    if (code !== 0) { server.kill('SIGKILL'); return code }
  }
  await stdout.write('\n')
  for (const each of scripts) {
    const path = joinPath(SCRIPTS, each)
    await stdout.write(`/usr/local/bin/docker-entrypoint.sh: running ${path}\n`)
    const code = (await spawn(each.endsWith('.js') ? [shell, '--quiet', database, path] : ['bash', path]).wait()).code
    if (code !== 0) { server.kill('SIGKILL'); return code }
    await stdout.write('\n')
  }
  server.kill('SIGTERM')
  await server.wait()
  await stdout.write('\nMongoDB init process complete; ready for start up.\n\n')
  return withAuth
}
