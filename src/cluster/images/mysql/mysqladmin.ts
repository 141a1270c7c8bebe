import { machineName } from '../../../unix/architecture.ts'
import type { Proc } from '../../../unix/types.ts'
import { ClientConnection, ClientError } from './client-connection.ts'
import { readArguments } from './client-options.ts'
import { drawTable } from './mysql-client.ts'

/** mysqladmin: ping, status and what else is asked of a server as a whole. */
export async function mysqladmin(proc: Proc, version: string): Promise<number> {
  const old = version.startsWith('5.')
  const args = await readArguments(proc, 'mysqladmin', old)
  if (typeof args === 'string') { await proc.stderr.write(args); return 2 }
  const { connection, rest, options } = args
  if (options.has('version') && rest.length === 0) { await proc.stdout.write(`mysqladmin  Ver ${version} for Linux on ${machineName(proc.machine.hardware.architecture)} (MySQL Community Server - GPL)\n`); return 0 }
  if (rest.length === 0) { await proc.stdout.write(`mysqladmin  Ver ${version} for Linux on ${machineName(proc.machine.hardware.architecture)} (MySQL Community Server - GPL)\nAdministration program for the mysqld daemon.\nUsage: mysqladmin [OPTIONS] command command....\n`); return 1 }
  let client: ClientConnection
  const tries = options.has('wait') ? Infinity : 1
  for (let i = 1; ; i++) {
    try { client = await ClientConnection.open(proc, connection); break } catch (error) {
      if (!(error instanceof ClientError)) throw error
      if (i < tries) { await proc.sleep(1000); continue }
      // Somebody is there, even though it lets nobody in.
      if (rest[0] === 'ping' && error.code === 1045) { await proc.stdout.write(`mysqladmin: connect to server at '${connection.host ?? 'localhost'}' failed\nerror: '${error.message}'\n`); return 0 }
      const help = error.code >= 2000 ? connection.host === undefined ? `Check that mysqld is running and that the socket: '${connection.socket}' exists!\n` : `Check that mysqld is running on ${connection.host} and that the port is ${connection.port}.\nYou can check this by doing 'telnet ${connection.host} ${connection.port}'\n` : ''
      await proc.stderr.write(`mysqladmin: connect to server at '${connection.host ?? 'localhost'}' failed\nerror: '${error.message}'\n${help}`)
      return 1
    }
  }
  try {
    for (let i = 0; i < rest.length; i++) {
      const command = rest[i]!
      const table = async (sql: string) => { const answer = await client.ask(sql); if (answer.kind === 'rows') await proc.stdout.write(drawTable(answer.fields, answer.rows)) }
      if (command === 'ping') { await client.ping(); await proc.stdout.write('mysqld is alive\n') } else if (command === 'status') await proc.stdout.write(`${await client.statistics()}\n`)
      else if (command === 'version') await proc.stdout.write(`mysqladmin  Ver ${version} for Linux on ${machineName(proc.machine.hardware.architecture)} (MySQL Community Server - GPL)\nCopyright (c) 2000, 2025, Oracle and/or its affiliates.\n\nServer version\t\t${client.serverVersion}\nProtocol version\t10\nConnection\t\t${connection.host === undefined ? 'Localhost via UNIX socket' : `${connection.host} via TCP/IP`}\n\n${await client.statistics()}\n`)
      else if (command === 'variables') await table('show variables')
      else if (command === 'extended-status') await table('show status')
      else if (command === 'processlist') await table('show processlist')
      else if (command === 'create') await client.ask(`create database \`${rest[++i] ?? ''}\``)
      else if (command === 'drop') { const name = rest[++i] ?? ''; await client.ask(`drop database \`${name}\``); await proc.stdout.write(`Database "${name}" dropped\n`) } else if (command === 'password') await client.ask(`set password = '${(rest[++i] ?? '').replaceAll("'", "''")}'`)
      else if (command === 'shutdown') await client.ask('shutdown')
      else if (/^(?:flush-\w+|reload|refresh)$/.test(command)) await client.ask('flush privileges')
      else { await proc.stderr.write(`mysqladmin: Unknown command: '${command}'\n`); return 1 }
    }
    await client.close()
    return 0
  } catch (error) {
    if (!(error instanceof ClientError)) throw error
    await proc.stderr.write(`mysqladmin: ${rest[0]} failed; error: '${error.message}'\n`)
    return 1
  }
}
