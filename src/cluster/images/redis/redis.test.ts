import { describe, expect, it } from 'vitest'
import { createPipe } from '../../../base/streams.ts'
import { testMachine } from '../../../unix/test-machine.ts'
import type { TestMachine } from '../../../unix/test-machine.ts'
import type { Process } from '../../../unix/types.ts'
import { redisCli } from './redis-cli.ts'
import { redisServer } from './redis-server.ts'

const ROOT = { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }

function box(version = '7.2.5'): TestMachine {
  return testMachine({ programs: { '/bin/redis-server': redisServer(version), '/bin/redis-sentinel': redisServer(version), '/bin/redis-cli': redisCli(version) }, files: { '/data': { directory: true } } })
}

async function startServer({ machine, clock }: TestMachine, ...args: string[]): Promise<{ process: Process; log: () => string }> {
  let log = ''
  const writer = { write: async (data: Uint8Array | string) => { log += typeof data === 'string' ? data : new TextDecoder().decode(data) }, close() {} }
  const process = machine.start(['redis-server', ...args], { env: { PATH: '/bin' }, cwd: '/data', user: ROOT, stdin: createPipe().reader, stdout: writer, stderr: writer })
  await clock.until(() => /ready to accept/i.test(log) || process.status !== undefined, { withinMs: 10_000 })
  return { process, log: () => log }
}

async function stop({ clock }: TestMachine, process: Process): Promise<number> {
  process.kill('SIGTERM')
  await clock.until(() => process.status !== undefined, { withinMs: 10_000 })
  return process.status!.code
}

/** What an interactive client prints for these lines. */
async function talk(on: TestMachine, ...lines: string[]): Promise<string> {
  return (await on.run(['redis-cli', '--no-raw'], { stdin: lines.join('\n') })).stdout
}

describe('redis-server and redis-cli', () => {
  it('print values as a terminal shows them', async () => {
    const on = box()
    await startServer(on)
    expect(await talk(on, 'set k "a b"', 'get k', 'incr n', 'get none', 'rpush l x y', 'lrange l 0 -1', 'keys none*', 'incr k', 'lpush k 1', 'nope a')).toBe([
      'OK', '"a b"', '(integer) 1', '(nil)', '(integer) 2', '1) "x"', '2) "y"', '(empty array)', '(error) ERR value is not an integer or out of range',
      '(error) WRONGTYPE Operation against a key holding the wrong kind of value', "(error) ERR unknown command 'nope', with args beginning with: 'a' ", '',
    ].join('\n'))
    expect((await on.run(['redis-cli', 'get', 'k'])).stdout).toBe('a b\n')
  })

  it('keep hashes, sets and sorted sets', async () => {
    const on = box()
    await startServer(on)
    expect(await talk(on, 'hset h a 1 b 2', 'hincrby h a 5', 'hgetall h', 'sadd s 1 2', 'sadd t 2 3', 'sinter s t', 'zadd z 2 two 1 one', 'zincrby z 2.5 one', 'zrange z 0 -1 withscores', 'zrank z two', 'srem s 1 2', 'exists s', 'type z')).toBe([
      '(integer) 2', '(integer) 6', '1) "a"', '2) "6"', '3) "b"', '4) "2"', '(integer) 2', '(integer) 2', '1) "2"', '(integer) 2', '"3.5"', '1) "two"', '2) "2"', '3) "one"', '4) "3.5"', '(integer) 0', '(integer) 2', '(integer) 0', 'zset', '',
    ].join('\n'))
  })

  it('forget keys when their time is over', async () => {
    const on = box()
    await startServer(on)
    expect(await talk(on, 'set k v ex 10', 'ttl k', 'set k w keepttl', 'set k x nx')).toBe('OK\n(integer) 10\nOK\n(nil)\n')
    await on.clock.advance(10_001)
    expect(await talk(on, 'get k', 'ttl k', 'dbsize')).toBe('(nil)\n(integer) -2\n(integer) 0\n')
  })

  it('run transactions as a whole or not at all', async () => {
    const on = box()
    await startServer(on)
    expect(await talk(on, 'multi', 'incr n', 'incr n', 'exec', 'multi', 'get', 'exec')).toBe("OK\nQUEUED\nQUEUED\n1) (integer) 1\n2) (integer) 2\nOK\n(error) ERR wrong number of arguments for 'get' command\n(error) EXECABORT Transaction discarded because of previous errors.\n")
  })

  it('let a client wait for a push, and give up in time', async () => {
    const on = box()
    await startServer(on)
    const waiting = on.machine.start(['redis-cli', 'blpop', 'q', '0'], { env: { PATH: '/bin' }, cwd: '/', user: ROOT, stdout: { write: async () => {}, close() {} }, stderr: { write: async () => {}, close() {} } })
    await on.clock.advance(5_000)
    expect(waiting.status).toBeUndefined()
    await talk(on, 'rpush q job')
    await on.clock.until(() => waiting.status !== undefined, { withinMs: 1_000 })
    expect(await talk(on, 'llen q', 'blpop q 1')).toBe('(integer) 0\n(nil)\n')
  })

  it('keep the data over a restart', async () => {
    const on = box()
    const { process, log } = await startServer(on)
    await talk(on, 'set k v', 'zadd z inf m', 'hset h f "\\xff"')
    expect(await stop(on, process)).toBe(0)
    expect(log()).toMatch(/1?\d+:signal-handler \(\d+\) Received SIGTERM scheduling shutdown\.\.\.\n.* \* User requested shutdown\.\.\.\n.* Saving the final RDB snapshot before exiting\.\n.* DB saved on disk\n.* # Redis is now ready to exit, bye bye\.\.\.\n$/)
    const again = await startServer(on)
    expect(again.log()).toContain('Done loading RDB, keys loaded: 3, keys expired: 0.')
    expect(await talk(on, 'get k', 'zscore z m', 'hget h f')).toBe('"v"\n"inf"\n"\\xff"\n')
  })

  it('lose nothing with an append-only file, even when killed', async () => {
    const on = box()
    const { process } = await startServer(on, '--appendonly', 'yes')
    await talk(on, 'select 2', 'set k v ex 100', 'rpush l a b', 'lpop l')
    process.kill('SIGKILL')
    await on.clock.until(() => process.status !== undefined, { withinMs: 1_000 })
    await on.clock.advance(60_000)
    await startServer(on, '--appendonly', 'yes')
    expect(await talk(on, 'select 2', 'ttl k', 'lrange l 0 -1')).toBe('OK\n(integer) 40\n1) "b"\n')
  })

  it('ask for the password', async () => {
    const on = box()
    await startServer(on, '--requirepass', 's3cret', '--port', '7000')
    const refused = await on.run(['redis-cli', '-p', '7000', 'get', 'k'])
    expect([refused.stdout, refused.status.code]).toEqual(['NOAUTH Authentication required.\n\n', 0])
    const wrong = await on.run(['redis-cli', '-p', '7000', '-a', 'no', 'ping'])
    expect(wrong.stderr).toContain('AUTH failed: WRONGPASS invalid username-password pair or user is disabled.\n')
    expect((await on.run(['redis-cli', '-p', '7000', 'ping'], { env: { REDISCLI_AUTH: 's3cret' } })).stdout).toBe('PONG\n')
  })

  it('say so when nobody listens', async () => {
    const { stderr, status } = await box().run(['redis-cli', 'ping'])
    expect([stderr, status.code]).toEqual(['Could not connect to Redis at 127.0.0.1:6379: Connection refused\n', 1])
  })

  it('end with SHUTDOWN, after which nobody answers', async () => {
    const on = box()
    const { process } = await startServer(on)
    const { stdout, stderr, status } = await on.run(['redis-cli', '--no-raw'], { stdin: 'set a 1\nshutdown\nget a\n' })
    expect([stdout, status.code, process.status?.code]).toEqual(['OK\n', 0, 0])
    expect(stderr).toBe('Could not connect to Redis at 127.0.0.1:6379: Connection refused\n')
  })

  it('refuse writes once background saves fail', async () => {
    const on = box()
    const { process } = await startServer(on, '--dbfilename', 'in-the-way')
    on.machine.fs.mkdir('/data/in-the-way')
    expect(await talk(on, 'set a 1')).toBe('OK\n')
    await on.clock.advance(3_600_000)
    expect(await talk(on, 'set b 1', 'get a')).toMatch(/^\(error\) MISCONF .*\n"1"\n$/)
    process.kill('SIGTERM')
    await on.clock.advance(1_000)
    expect(process.status).toBeUndefined()
  })

  it('deliver what is published to those who subscribed', async () => {
    const on = box()
    await startServer(on)
    let heard = ''
    on.machine.start(['redis-cli', 'psubscribe', 'news.*'], { env: { PATH: '/bin' }, cwd: '/', user: ROOT, stdout: { write: async (data) => { heard += typeof data === 'string' ? data : new TextDecoder().decode(data) }, close() {} }, stderr: { write: async () => {}, close() {} } })
    await on.clock.settle()
    expect(await talk(on, 'publish news.it hello', 'publish other hello')).toBe('(integer) 1\n(integer) 0\n')
    await on.clock.settle()
    expect(heard).toBe('psubscribe\nnews.*\n1\npmessage\nnews.*\nnews.it\nhello\n')
  })

  it('copy the data to replicas, which only read', async () => {
    const on = box('3.2.7')
    await startServer(on)
    await talk(on, 'set before 1')
    const replica = await startServer(on, '--port', '6380', '--slaveof', '127.0.0.1', '6379')
    await on.clock.until(() => replica.log().includes('Finished with success'), { withinMs: 5_000 })
    await talk(on, 'select 3', 'set after 2 ex 100', 'publish news x')
    await on.clock.advance(1_100)
    const there = async (...lines: string[]) => (await on.run(['redis-cli', '--no-raw', '-p', '6380'], { stdin: lines.join('\n') })).stdout
    expect(await there('get before', 'select 3', 'ttl after', 'set x 1', 'multi', 'incr n', 'exec')).toBe('"1"\nOK\n(integer) 99\n(error) READONLY You can\'t write against a read only slave.\nOK\n(error) READONLY You can\'t write against a read only slave.\n(error) EXECABORT Transaction discarded because of previous errors.\n')
    expect(await talk(on, 'wait 1 1000', 'info replication')).toMatch(/^\(integer\) 1\n# Replication\r\nrole:master\r\nconnected_slaves:1\r\nslave0:ip=127\.0\.0\.1,port=6380,state=online,offset=\d+,lag=[01]\r\n/)
    expect(await there('slaveof no one', 'incr n', 'role')).toMatch(/^OK\n\(integer\) 1\n1\) "master"\n/)
    expect(await talk(on, 'exists n', 'replicaof no one')).toBe("(integer) 0\n(error) ERR unknown command 'replicaof'\n")
  })

  it('are put in the place of a master that is gone, once sentinels agree', async () => {
    const on = box('6.2.20')
    const master = await startServer(on)
    for (const port of ['6380', '6381']) await startServer(on, '--port', port, '--replicaof', '127.0.0.1', '6379')
    await talk(on, 'set k v')
    const sentinels = ['26379', '26380', '26381'].map((port) => {
      on.machine.fs.writeFile(`/data/${port}.conf`, `port ${port}\nsentinel monitor mymaster 127.0.0.1 6379 2\nsentinel down-after-milliseconds mymaster 5000\n`)
      let log = ''
      const writer = { write: async (data: Uint8Array | string) => { log += typeof data === 'string' ? data : new TextDecoder().decode(data) }, close() {} }
      on.machine.start(['redis-sentinel', `${port}.conf`], { env: { PATH: '/bin' }, cwd: '/data', user: ROOT, stdin: createPipe().reader, stdout: writer, stderr: writer })
      return () => log
    })
    const ask = async (port: string, ...words: string[]) => (await on.run(['redis-cli', '-p', port, ...words])).stdout
    await on.clock.advance(15_000)
    expect(await ask('26380', 'sentinel', 'get-master-addr-by-name', 'mymaster')).toBe('127.0.0.1\n6379\n')
    expect(await ask('26380', 'sentinel', 'ckquorum', 'mymaster')).toBe('OK 3 usable Sentinels. Quorum and failover authorization can be reached\n')
    expect(await ask('26380', 'info', 'sentinel')).toContain('master0:name=mymaster,status=ok,address=127.0.0.1:6379,slaves=2,sentinels=3')
    master.process.kill('SIGKILL')
    await on.clock.advance(4_000)
    expect(await ask('26379', 'sentinel', 'get-master-addr-by-name', 'mymaster')).toBe('127.0.0.1\n6379\n')
    await on.clock.advance(15_000)
    const addresses = await Promise.all(['26379', '26380', '26381'].map((port) => ask(port, 'sentinel', 'get-master-addr-by-name', 'mymaster')))
    const port = addresses[0]!.split('\n')[1]!
    expect(['6380', '6381']).toContain(port)
    expect(new Set(addresses).size).toBe(1)
    expect(sentinels.map((log) => log()).join('')).toMatch(/ \+odown master mymaster 127\.0\.0\.1 6379 #quorum [23]\/2\n[^]* \+elected-leader [^]* \+promoted-slave [^]* \+switch-master mymaster 127\.0\.0\.1 6379 127\.0\.0\.1 638[01]\n/)
    expect(await ask(port, 'get', 'k')).toBe('v\n')
    expect(await ask(port, 'set', 'k', 'w')).toBe('OK\n')
    const other = port === '6380' ? '6381' : '6380'
    expect(await ask(other, 'get', 'k')).toBe('w\n')
    // The old one comes back, and has to follow.
    await startServer(on)
    await on.clock.advance(15_000)
    expect(await ask('6379', 'info', 'replication')).toMatch(new RegExp(`^# Replication\r\nrole:slave\r\nmaster_host:127\\.0\\.0\\.1\r\nmaster_port:${port}\r\nmaster_link_status:up`))
    expect(await ask('26381', 'get', 'k')).toBe('ERR unknown command `get`, with args beginning with: `k`, \n\n')
  })

  it('are watched only by a sentinel that can keep what it learns', async () => {
    const on = box('3.2.7')
    on.machine.fs.writeFile('/data/s.conf', 'sentinel monitor redis nowhere 6379 2\n')
    const { stderr, status } = await on.run(['redis-sentinel', '/data/s.conf'])
    expect([status.code, stderr]).toEqual([1, expect.stringContaining("at line 1\n>>> 'sentinel monitor redis nowhere 6379 2'\nCan't resolve instance hostname.\n")])
    expect((await on.run(['redis-sentinel'])).stdout).toContain("Sentinel needs config file on disk, can't save state.  Exiting...\n")
  })
})
