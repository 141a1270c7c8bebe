import { describe, expect, it } from 'vitest'
import { createPipe } from '../../../base/streams.ts'
import { testMachine } from '../../../unix/test-machine.ts'
import type { TestMachine } from '../../../unix/test-machine.ts'
import type { Proc, Process } from '../../../unix/types.ts'
import { debianPrograms } from '../debian.ts'
import { awaitCalls } from './await-calls.ts'
import { entrypoint } from './entrypoint.ts'
import { mongod } from './mongod.ts'
import { mongoShell } from './mongosh.ts'

const ROOT = { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }

function box(version = '8.2.1', files: Record<string, string> = {}): TestMachine {
  const old = Number(version[0]) < 5
  return testMachine({
    programs: { '/bin/docker-entrypoint.sh': (proc: Proc) => entrypoint(proc, old ? 'mongo' : 'mongosh'), '/bin/mongod': (proc: Proc) => mongod(proc, version), [old ? '/bin/mongo' : '/bin/mongosh']: (proc: Proc) => mongoShell(proc, version, old), '/bin/bash': debianPrograms['/bin/bash']! },
    files: { '/data/db/.keep': '', '/data/configdb/.keep': '', ...files },
  })
}

async function startServer({ machine, clock }: TestMachine, args: readonly string[] = [], env: Record<string, string> = {}): Promise<{ process: Process; log: () => string }> {
  let log = ''
  const writer = { write: async (data: Uint8Array | string) => { log += typeof data === 'string' ? data : new TextDecoder().decode(data) }, close() {} }
  const process = machine.start(['docker-entrypoint.sh', 'mongod', ...args], { env: { PATH: '/bin', ...env }, cwd: '/', user: ROOT, stdin: createPipe().reader, stdout: writer, stderr: writer })
  const serving = () => /waiting for connections/i.test(env.MONGO_INITDB_ROOT_USERNAME ? log.split('init process complete')[1] ?? '' : log)
  await clock.until(() => serving() || process.status !== undefined, { withinMs: 60_000 })
  return { process, log: () => log }
}

/** What mongosh prints for these lines. */
async function talk(on: TestMachine, ...lines: string[]): Promise<string> {
  const { stdout, stderr } = await on.run(['mongosh', '--quiet'], { stdin: `${lines.join('\n')}\n` })
  return stdout + stderr
}

describe('mongod and mongosh', () => {
  it('makes a document with the identifier that an upsert asked for', async () => {
    const on = box()
    await startServer(on)
    expect(await talk(on, 'db.a.updateOne({ _id: "x", n: { $gt: 1 } }, { $set: { m: 2 } }, { upsert: true }).upsertedId', 'db.a.find()')).toContain("[ { _id: 'x', m: 2 } ]")
  })

  it('say what they do not do, and count what they show', async () => {
    const on = box()
    await startServer(on)
    const said = await talk(on, 'db.goods.insertOne({ _id: 1 })', 'db.goods.findOne()', 'const status = db.serverStatus()', 'status.opcounters.query', 'status.opcounters.insert', 'status.mem', 'db.currentOp()', 'db.adminCommand({ getParameter: 1, logLevel: 1 })', 'db.goods.validate()',
      "db.createCollection('events', { capped: true, size: 4096 })", "db.goods.insertOne({ _id: 2 }, { writeConcern: { w: 3 } })", "db.goods.find().explain('executionStats')", 'db.goods.countDocuments()')
    expect(said).toContain("{ _id: 1 }\n")
    for (const text of ["no such command: 'currentOp'", 'no option found to get', "no such command: 'validate'", "create with 'capped' is not supported by this server", "cannot use 'w' > 1 when a host is not replicated", "explain with verbosity 'executionStats' is not supported by this server"]) expect(said).toContain(`]: ${text}\n`)
    expect(said).toMatch(/\n1\n$/)
  })

  it('keep documents and find them again', async () => {
    const on = box()
    const { log } = await startServer(on)
    expect(log()).toMatch(/^\{"t":\{"\$date":"[^"]+\+00:00"\},"s":"I", {2}"c":"NETWORK", {2}"id":23016, {3}"ctx":"listener","msg":"Waiting for connections","attr":\{"port":27017,"ssl":"off"\}\}$/m)
    expect(await talk(on, "db.goods.insertMany([{ _id: 1, name: 'tea', price: 2.5, tags: ['hot'] }, { _id: 2, name: 'rum', price: 19 }])", "db.goods.insertOne({ _id: 3, name: 'gin', price: 21, from: { country: 'NL' } })", 'db.goods.find({ price: { $gt: 5 } }).sort({ price: -1 })', 'db.goods.countDocuments()')).toBe([
      "{ acknowledged: true, insertedIds: { '0': 1, '1': 2 } }", '{ acknowledged: true, insertedId: 3 }',
      "[", "  { _id: 3, name: 'gin', price: 21, from: { country: 'NL' } },", "  { _id: 2, name: 'rum', price: 19 }", ']', '3', '',
    ].join('\n'))
    expect(await talk(on, "db.goods.updateOne({ name: 'tea' }, { $set: { price: 3 }, $push: { tags: 'green' } })", "db.goods.findOne({ name: 'tea' })", "db.goods.deleteMany({ price: { $gte: 19 } })", "db.goods.aggregate([{ $group: { _id: null, total: { $sum: '$price' } } }])", "db.goods.createIndex({ name: 1 }, { unique: true })", "db.goods.insertOne({ name: 'tea' })", 'show collections')).toBe([
      '{', '  acknowledged: true,', '  insertedId: null,', '  matchedCount: 1,', '  modifiedCount: 1,', '  upsertedCount: 0', '}', "{ _id: 1, name: 'tea', price: 3, tags: [ 'hot', 'green' ] }", '{ acknowledged: true, deletedCount: 2 }', '[ { _id: null, total: 3 } ]', 'name_1',
      'MongoServerError: E11000 duplicate key error collection: test.goods index: name_1 dup key: { name: "tea" }', 'goods', '',
    ].join('\n'))
  })

  it('run scripts as if nothing took time', async () => {
    const on = box()
    await startServer(on)
    expect(await talk(on, 'for (let i = 0; i < 30; i++) db.n.insertOne({ _id: i })', "const all = db.n.find({}, { _id: 1 }).toArray()", 'all.map(d => d._id).filter(x => x > 27)', 'function total() {', '  let sum = 0', '  db.n.find().forEach(d => { sum += d._id })', '  return sum', '}', 'total()', "[1, 2].map(i => db.n.findOne({ _id: i })._id)", 'nothing', 'db.n.find({}, { _id: 1 }).limit(1).next()', 'x = 5', 'x + 1')).toBe(
      '[ 28, 29 ]\n[Function: total]\n435\n[ 1, 2 ]\nReferenceError: nothing is not defined\n{ _id: 0 }\n5\n6\n')
    const { stdout } = await on.run(['mongosh', '--quiet', '--eval', 'db.n.countDocuments()'])
    expect(stdout).toBe('30\n')
  })

  it('show a mistake where it is, and names of databases and collections', async () => {
    const on = box()
    await startServer(on)
    expect(await talk(on, 'f(1 2)', 'db', 'db.a.b', "db.p.insertOne({ name: 'x', age: 3 }).acknowledged", 'db.p.find({}, { age: 1, name: 1, _id: 0 })')).toBe("Uncaught:\nSyntaxError: Unexpected token (1:4)\n\n> 1 | f(1 2)\n    |     ^\n\ntest\ntest.a.b\ntrue\n[ { name: 'x', age: 3 } ]\n")
  })

  it('keep data over a crash', async () => {
    const on = box()
    const { process } = await startServer(on)
    await talk(on, 'use shop', "db.a.insertOne({ _id: ObjectId('65a000000000000000000001'), at: ISODate('2024-01-02T03:04:05Z'), n: NumberDecimal('1.50') })")
    process.kill('SIGKILL')
    await on.clock.advance(100)
    await startServer(on)
    expect(await talk(on, 'use shop', 'db.a.findOne()')).toBe("switched to db shop\n{\n  _id: ObjectId('65a000000000000000000001'),\n  at: ISODate('2024-01-02T03:04:05.000Z'),\n  n: Decimal128('1.50')\n}\n")
  })

  it('leave a data directory to the server that has it', async () => {
    const on = box()
    const first = await startServer(on)
    const second = await startServer(on, ['--port', '27018'])
    expect([second.process.status!.code, second.log()]).toEqual([100, expect.stringContaining('DBPathInUse: Unable to lock the lock file: /data/db/mongod.lock (Resource temporarily unavailable).')])
    first.process.kill('SIGTERM')
    await on.clock.until(() => first.process.status !== undefined, { withinMs: 10_000 })
    expect((await startServer(on)).process.status).toBe(undefined)
  })

  it('ask for a password where a root user was asked for', async () => {
    const on = box()
    await startServer(on, [], { MONGO_INITDB_ROOT_USERNAME: 'root', MONGO_INITDB_ROOT_PASSWORD: 'secret' })
    expect((await on.run(['mongosh', '--quiet', '--eval', 'db.a.find()'])).stderr).toBe('MongoServerError[Unauthorized]: Command find requires authentication\n')
    expect((await on.run(['mongosh', '--quiet', '-u', 'root', '-p', 'wrong', '--eval', '1'])).stderr).toBe('MongoServerError: Authentication failed.\n')
    expect((await on.run(['mongosh', '--quiet', 'mongodb://root:secret@127.0.0.1:27017/?authSource=admin', '--eval', 'db.a.insertOne({ _id: 1 })'])).stdout).toBe('{ acknowledged: true, insertedId: 1 }\n')
  })

  it('say why they can\'t connect', async () => {
    const { stderr, status } = await box().run(['mongosh'])
    expect([stderr, status.code]).toEqual(['MongoNetworkError: connect ECONNREFUSED 127.0.0.1:27017\n', 1])
  })

  it('are a replica set of one at once', async () => {
    const on = box()
    await startServer(on, ['--replSet', 'rs0'])
    expect(await talk(on, 'rs.status()')).toBe('MongoServerError[NotYetInitialized]: no replset config has been received\n')
    expect(await talk(on, 'db.a.insertOne({})')).toBe('MongoServerError[NotWritablePrimary]: not primary\n')
    expect(await talk(on, "rs.initiate({ _id: 'rs0', members: [{ _id: 0, host: 'box:27017' }] }).ok", 'rs.status().members[0].stateStr', 'rs.conf().members.length', 'db.a.insertOne({ _id: 1 })', 'rs.initiate()')).toBe('1\nPRIMARY\n1\n{ acknowledged: true, insertedId: 1 }\nMongoServerError[AlreadyInitialized]: already initialized\n')
  })
})

describe('the old mongo shell', () => {
  it('speaks its own language', async () => {
    const on = box('3.4.1')
    await startServer(on)
    const { stdout } = await on.run(['mongo', '--eval', 'printjson(db.runCommand({ ping: 1 }))'])
    expect(stdout).toBe('MongoDB shell version v3.4.1\nconnecting to: mongodb://127.0.0.1:27017\nMongoDB server version: 3.4.1\n{ "ok" : 1 }\n')
    const lines = await on.run(['mongo', '--quiet'], { stdin: "db.a.insert({ _id: 1, b: [1, 2] })\ndb.a.find()\nrs.status()\n" })
    expect(lines.stdout).toBe('WriteResult({ "nInserted" : 1 })\n{ "_id" : 1, "b" : [ 1, 2 ] }\n{\n\t"ok" : 0,\n\t"errmsg" : "not running with --replSet",\n\t"code" : 76,\n\t"codeName" : "NoReplicationEnabled"\n}\n')
    expect((await on.run(['mongo', '--port', '1', '--eval', '1'])).status.code).toBe(1)
    const member = box('3.4.1')
    await startServer(member, ['--replSet', 'rs0'])
    const refused = await member.run(['mongo', '--quiet'], { stdin: 'db.a.insert({ _id: 1 })\ndb.a.find()\n' })
    expect(refused.stdout).toMatch(/^WriteResult\(\{ "writeError" : \{ "code" : 10107, "errmsg" : "not master" \} \}\)\n.* E QUERY {4}\[thread1\] Error: error: \{\n\t"ok" : 0,\n\t"errmsg" : "not master and slaveOk=false",\n\t"code" : 13435,\n\t"codeName" : "NotMasterNoSlaveOk"\n\} :\n/)
  })
})

describe('the mongo shell of 4.4', () => {
  it('says more when it connects, and less when something goes wrong', async () => {
    const on = box('4.4.29')
    expect((await on.run(['mongo'])).stdout).toContain("Error: couldn't connect to server 127.0.0.1:27017, connection attempt failed: SocketException: Error connecting to 127.0.0.1:27017 :: caused by :: Connection refused :\n")
    await startServer(on)
    expect((await on.run(['mongo', '--eval', 'nothing'])).stdout).toMatch(/^MongoDB shell version v4\.4\.29\nconnecting to: mongodb:\/\/127\.0\.0\.1:27017\/\?compressors=disabled&gssapiServiceName=mongodb\nImplicit session: session \{ "id" : UUID\("[0-9a-f-]{36}"\) \}\nMongoDB server version: 4\.4\.29\nuncaught exception: ReferenceError: nothing is not defined :\n@\(shell eval\):1:1\n$/)
  })
})

describe('awaitCalls', () => {
  it('ends statements that only a line ended', () => {
    expect(awaitCalls('let a = 5\nprint(a)\nif (a) print(1)\nelse print(2)')).toBe('(async () => { let __value;\nvoid (a = 5);\n(await print(a));\nif (a) (await print(1));\nelse (await print(2));\nreturn __value; })()')
  })

  it('tells a beginning from a mistake', () => {
    expect(() => awaitCalls('f(1,')).toThrow(expect.objectContaining({ incomplete: true }) as Error)
    expect(() => awaitCalls('f(1 2)')).toThrow(expect.objectContaining({ incomplete: false }) as Error)
  })
})
