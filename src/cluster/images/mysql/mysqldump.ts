import { machineName } from '../../../unix/architecture.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { ClientConnection, ClientError } from './client-connection.ts'
import type { Answer } from './client-connection.ts'
import { readArguments } from './client-options.ts'

const rowsOf = (answer: Answer) => answer.kind === 'rows' ? answer.rows : []
const quoted = (name: string) => `\`${name}\``
const literal = (value: string | null, numeric: boolean) => value === null ? 'NULL' : numeric ? value : `'${value.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\0', '\\0')}'`

/** mysqldump: databases as statements that make them again. */
export async function mysqldump(proc: Proc, version: string): Promise<number> {
  const args = await readArguments(proc, 'mysqldump', version.startsWith('5.'), ['all-databases', 'databases', 'A'])
  if (typeof args === 'string') { await proc.stderr.write(args); return 2 }
  const { connection, options } = args
  const everything = options.has('all-databases') || options.has('A')
  const several = everything || options.has('databases') || options.has('B') || options.has('batch')
  let { rest } = args
  if (rest.length === 0 && !everything) {
    await proc.stdout.write('Usage: mysqldump [OPTIONS] database [tables]\nOR     mysqldump [OPTIONS] --databases [OPTIONS] DB1 [DB2 DB3...]\nOR     mysqldump [OPTIONS] --all-databases [OPTIONS]\nFor more options, use mysqldump --help\n')
    return 1
  }
  const output: string[] = []
  const file = options.get('result-file')
  const write = async (text: string) => { if (file === undefined) await proc.stdout.write(text); else output.push(text) }
  let what = 'connect'
  try {
    const client = await ClientConnection.open(proc, connection)
    if (everything) rest = rowsOf(await client.ask('show databases')).map(([name]) => name!).filter((name) => !['information_schema', 'performance_schema', 'sys', 'mysql'].includes(name))
    const databases = several ? rest : rest.slice(0, 1)
    const wanted = several ? [] : rest.slice(1)
    await write(`-- MySQL dump 10.13  Distrib ${version}, for Linux (${machineName(proc.machine.hardware.architecture)})\n--\n-- Host: ${connection.host ?? 'localhost'}    Database: ${several ? '' : databases[0]}\n-- ------------------------------------------------------\n-- Server version\t${client.serverVersion}\n\n/*!40101 SET NAMES utf8mb4 */;\n/*!40014 SET FOREIGN_KEY_CHECKS=0 */;\n\n`)
    for (const database of databases) {
      what = `selecting the database`
      await client.use(database)
      if (several) await write(`--\n-- Current Database: ${quoted(database)}\n--\n\n${rowsOf(await client.ask(`show create database ${quoted(database)}`))[0]![1]!.replace('CREATE DATABASE', 'CREATE DATABASE /*!32312 IF NOT EXISTS*/')};\n\nUSE ${quoted(database)};\n\n`)
      const tables = rowsOf(await client.ask('show full tables')).filter(([name]) => wanted.length === 0 || wanted.includes(name!))
      const missing = wanted.find((name) => !tables.some(([each]) => each === name))
      if (missing !== undefined) { await proc.stderr.write(`mysqldump: Couldn't find table: "${missing}"\n`); return 6 }
      for (const [name, type] of tables) {
        what = `dumping table ${quoted(name!)}`
        const [, create] = rowsOf(await client.ask(`show create table ${quoted(name!)}`))[0]!
        if (type === 'VIEW') { await write(`--\n-- Final view structure for view ${quoted(name!)}\n--\n\nDROP VIEW IF EXISTS ${quoted(name!)};\n${create};\n\n`); continue }
        if (!options.has('no-create-info')) await write(`--\n-- Table structure for table ${quoted(name!)}\n--\n\nDROP TABLE IF EXISTS ${quoted(name!)};\n${create};\n\n`)
        if (options.has('no-data')) continue
        await write(`--\n-- Dumping data for table ${quoted(name!)}\n--\n\nLOCK TABLES ${quoted(name!)} WRITE;\n`)
        const answer = await client.ask(`select * from ${quoted(name!)}`)
        if (answer.kind === 'rows') for (let i = 0; i < answer.rows.length; i += 500) await write(`INSERT INTO ${quoted(name!)} VALUES ${answer.rows.slice(i, i + 500).map((row) => `(${row.map((value, at) => literal(value, answer.fields[at]!.numeric)).join(',')})`).join(',')};\n`)
        await write('UNLOCK TABLES;\n\n')
      }
    }
    await write(`/*!40014 SET FOREIGN_KEY_CHECKS=1 */;\n\n-- Dump completed on ${new Date(Math.floor(proc.clock.nowMs())).toISOString().slice(0, 19).replace('T', ' ').replace(/ 0/, '  ')}\n`)
    await client.close()
    if (file !== undefined) proc.fs.writeFile(proc.resolve(file), output.join(''))
    return 0
  } catch (error) {
    if (error instanceof UnixError) { await proc.stderr.write(`mysqldump: Can't create/write to file '${file ?? ''}' (OS errno 2 - No such file or directory)\n`); return 1 }
    if (!(error instanceof ClientError)) throw error
    await proc.stderr.write(`mysqldump: Got error: ${error.code}: ${error.message} when ${what === 'connect' ? 'trying to connect' : what}\n`)
    return 2
  }
}
