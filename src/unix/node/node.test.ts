import { expect, it } from 'vitest'
import { createPipe } from '../../base/streams.ts'
import { dash } from '../shell/sh.ts'
import { testMachine } from '../test-machine.ts'
import type { InitialFile } from '../file-system.ts'
import { nodePrograms } from './node.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import './process-host.ts'
import './npm.ts'
import './yarn.ts'

const programs = { ...nodePrograms(24), '/bin/sh': dash }
const machine = (files: Record<string, InitialFile> = {}) => testMachine({ programs, files, limits: { cpuMillis: 500 } })
const env = { PATH: '/usr/local/bin:/bin', NAME: 'sea' }
const node = (files: Record<string, string>, ...args: string[]) => machine(files).run(['node', ...args], { env })

it('a text on the command line runs, and node says what it is', async () => {
  expect(await node({}, '-v')).toMatchObject({ stdout: 'v24.21.0\n' })
  expect(await node({}, '-e', 'console.log("hello", 1 + 2, { a: [1, { b: null }] }, process.env.NAME)')).toMatchObject({ stdout: "hello 3 { a: [ 1, { b: null } ] } sea\n", stderr: '' })
  expect(await node({}, '-p', 'Array.from({ length: 10 }, (_, n) => n ** 3)')).toMatchObject({ stdout: '[\n    0,   1,   8,  27,  64,\n  125, 216, 343, 512, 729\n]\n', stderr: '' })
  expect(await node({}, '--nonsense')).toMatchObject({ stderr: 'node: bad option: --nonsense\n', status: { code: 9 } })
})

it('CommonJS modules, JSON and packages are found as Node finds them', async () => {
  const files = {
    '/app/main.js': 'const { twice } = require("./lib")\nconst data = require("./data.json")\nconsole.log(twice(data.n), require("pkg"), require("pkg/sub"), __filename, require.main === module)',
    '/app/lib/index.js': 'exports.twice = (n) => n * 2', '/app/data.json': '{"n": 21}',
    '/app/node_modules/pkg/package.json': '{"exports": {".": {"require": "./a.cjs"}, "./sub": "./b.cjs"}}', '/app/node_modules/pkg/a.cjs': 'module.exports = "a"', '/app/node_modules/pkg/b.cjs': 'module.exports = "b"',
  }
  expect(await node(files, '/app/main.js')).toMatchObject({ stdout: '42 a b /app/main.js true\n', stderr: '', status: { code: 0 } })
})

it('ECMAScript modules import builtins, CommonJS and each other, and await at top level', async () => {
  const files = {
    '/app/main.mjs': 'import fs, { readFileSync } from "node:fs"\nimport cjs, { one } from "./old.cjs"\nimport { late } from "./late.mjs"\nconsole.log(fs.readFileSync === readFileSync, cjs, one, await late, import.meta.filename)\ntry { await import("./none.mjs") } catch (error) { console.log(error.code) }',
    '/app/old.cjs': 'exports.one = 1', '/app/late.mjs': 'export const late = new Promise((resolve) => setTimeout(resolve, 1000, "late"))',
  }
  expect(await node(files, '/app/main.mjs')).toMatchObject({ stdout: 'true { one: 1 } 1 late /app/main.mjs\nERR_MODULE_NOT_FOUND\n', stderr: '' })
})

it('what nobody catches ends the process with the place, the stack and code 1', async () => {
  const { stderr, status } = await node({ '/a.js': 'function f() {\n  throw new Error("boom")\n}\nf()\n' }, '/a.js')
  expect(status.code).toBe(1)
  expect(stderr).toMatch(/^\/a\.js:2\n {2}throw new Error\("boom"\)\n {2}\^\n\nError: boom\n {4}at f \(\/a\.js:2:9\)\n {4}at Object\.<anonymous> \(\/a\.js:4:1\)\n {4}at Module\._compile /)
  expect(stderr).toMatch(/\n\nNode\.js v24\.21\.0\n$/)
  expect((await node({ '/a.js': 'async function main() {\n  null.x\n}\nmain()\n' }, '/a.js')).stderr).toContain("TypeError: Cannot read properties of null (reading 'x')\n    at main (/a.js:2:8)")
  expect((await node({ '/a.js': 'const app = {}\napp.listen(80)' }, '/a.js')).stderr).toContain('TypeError: app.listen is not a function\n    at Object.<anonymous> (/a.js:2:5)')
  expect((await node({ '/a.js': 'let x = ;' }, '/a.js')).stderr).toMatch(/^\/a\.js:1\nlet x = ;\n {8}\^\n\nSyntaxError: Unexpected token ';'\n/)
  expect((await node({ '/a.js': 'require("express")' }, '/a.js')).stderr).toMatch(/Error: Cannot find module 'express'\nRequire stack:\n- \/a\.js\n[^]*code: 'MODULE_NOT_FOUND',\n {2}requireStack: \[ '\/a\.js' \]\n\}/)
  expect((await node({}, 'none.js')).stderr).toMatch(/^node:internal\/modules\/cjs\/loader:\d+\n {2}throw err;\n {2}\^\n\nError: Cannot find module '\/none\.js'\n/)
  expect((await node({ '/a.js': 'process.on("uncaughtException", (error, origin) => { console.log(origin, error.message) })\nPromise.reject(new Error("no")).then(() => {})\nnull.f()' }, '/a.js')).stdout).toContain("uncaughtException Cannot read properties of null (reading 'f')")
})

it('timers wait in the time of the machine, and turns come in their order', async () => {
  const script = 'const started = Date.now()\nsetTimeout(() => console.log("late", Math.round((Date.now() - started) / 1000)), 60_000)\nsetImmediate(() => console.log("immediate"))\nprocess.nextTick(() => console.log("tick"))\nPromise.resolve().then(() => console.log("job"))\nprocess.on("exit", (code) => console.log("exit", code))\nlet n = 0\nconst timer = setInterval(() => { if (++n === 3) { clearInterval(timer); console.log("three") } }, 1000)\nsetTimeout(() => {}, 1e9).unref()\nprocess.exitCode = 4'
  expect(await node({ '/a.js': script }, '/a.js')).toMatchObject({ stdout: 'tick\njob\nimmediate\nthree\nlate 60\nexit 4\n', status: { code: 4 } })
})

it('a signal reaches its handler, and ends who has none', async () => {
  const { machine: box, clock } = machine({ '/a.js': 'process.on("SIGTERM", (name) => { console.log("got", name); process.exit(0) })\nsetInterval(() => {}, 1000)\nconsole.log("ready")', '/b.js': 'setInterval(() => {}, 1000)' })
  const out: string[] = []
  const output = { write: async (text: Uint8Array | string) => { out.push(typeof text === 'string' ? text : new TextDecoder().decode(text)) }, close() {} }
  const start = (script: string) => box.start(['node', script], { env, cwd: '/', user: { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }, stdout: output, stderr: output })
  const [handles, dies] = [start('/a.js'), start('/b.js')]
  await clock.advance(500)
  handles.kill('SIGTERM')
  dies.kill('SIGTERM')
  await clock.advance(100)
  expect([out.join(''), handles.status, dies.status]).toMatchObject(['ready\ngot SIGTERM\n', { code: 0 }, { code: 143, signal: 'SIGTERM' }])
})

it('a loop keeps nobody for long, waits for time, and is paid for', async () => {
  const { run, machine: box } = machine({ '/loop.js': 'for (;;);', '/wait.js': 'const end = Date.now() + 300\nwhile (Date.now() < end);\nconsole.log("waited", process.cpuUsage().user >= 300_000)' })
  expect(await run(['node', '/wait.js'], { env })).toMatchObject({ stdout: 'waited true\n' })
  expect(box.usage().cpuNanoseconds).toBeGreaterThan(3e8)
  expect(await run(['node', '/loop.js'], { env })).toMatchObject({ stderr: 'node: the script computed for more than 3 seconds without a pause; this Node lets no script do that\n', status: { code: 1 } })
})

it('files, digests, buffers and addresses are what they are in Node', async () => {
  const script = `const fs = require('fs'), { createHash, createHmac } = require('crypto')
fs.mkdirSync('/d/e', { recursive: true }); fs.writeFileSync('/d/e/f', 'wörld'); fs.appendFileSync('/d/e/f', '!')
console.log(fs.readFileSync('/d/e/f', 'utf8'), fs.statSync('/d/e/f').size, fs.readdirSync('/d', { withFileTypes: true })[0].isDirectory())
try { fs.readFileSync('/none') } catch (error) { console.log(error.message, error.errno, error.syscall) }
console.log(createHash('sha256').update('a').digest('hex').slice(0, 12), createHmac('sha1', 'key').update('data').digest('base64'), Buffer.from('aGk=', 'base64').toString(), Buffer.from('é'))
const url = new URL('/p?a=1#h', 'http://web:81/x'); url.searchParams.append('b', 'x y'); console.log(url.href, url.port, require('querystring').parse('a=1&a=2'))
fs.promises.readFile('/none').catch((error) => console.log(error.code)); fs.createReadStream('/d/e/f').on('data', (part) => console.log(part.length))`
  const { stdout, stderr } = await node({ '/a.js': script }, '/a.js')
  expect(stderr).toBe('')
  expect(stdout).toBe("wörld! 7 true\nENOENT: no such file or directory, open '/none' -2 open\nca978112ca1b EEFSxb/coHvGM+69RhmfAlXJ9J0= hi <Buffer c3 a9>\nhttp://web:81/p?a=1&b=x+y#h 81 [Object: null prototype] { a: [ '1', '2' ] }\nENOENT\n7\n")
})

it('a server answers on the network, as a client in the same script sees it', async () => {
  const script = `const http = require('http')
const server = http.createServer((request, response) => {
  let body = ''
  request.on('data', (part) => { body += part })
  request.on('end', () => { response.writeHead(201, { 'X-Seen': request.method }); response.end(request.url + ' ' + body) })
}).listen(8080, async () => {
  const answer = await fetch('http://localhost:8080/a?b=1', { method: 'POST', body: 'text' })
  console.log(answer.status, answer.headers.get('x-seen'), await answer.text())
  http.get('http://localhost:8080/c', (response) => { response.on('data', (part) => console.log(String(part))); response.on('end', () => server.close(() => console.log('closed'))) })
})
http.createServer().on('error', (error) => console.log(error.message)).listen(8080)
fetch('http://localhost:9/').catch((error) => console.log(error.message, error.cause.code))`
  expect(await node({ '/a.js': script }, '/a.js')).toMatchObject({ stderr: '', stdout: 'listen EADDRINUSE: address already in use :::8080\nfetch failed ECONNREFUSED\n201 POST /a?b=1 text\n/c \nclosed\n' })
})

it('npm installs express, writes what it did, and runs scripts', async () => {
  const { run, machine: box } = machine({
    '/app/package.json': '{"name": "web", "version": "1.0.0", "scripts": {"start": "node server.js", "prestart": "echo before"}}',
    '/app/server.js': `const express = require('express')
const app = express()
app.use(express.json())
app.get('/', (req, res) => { res.send('Hello World!') })
app.get('/users/:id', (req, res) => { res.json({ id: req.params.id, q: req.query.q }) })
app.post('/echo', (req, res) => { res.status(201).json(req.body) })
app.get('/fail', async () => { throw new Error('broken') })
const server = app.listen(3000, async () => {
  console.log('Listening on port 3000!')
  for (const [path, init] of [['/'], ['/users/7?q=x'], ['/echo', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' }], ['/none'], ['/fail']]) {
    const answer = await fetch('http://localhost:3000' + path, init)
    console.log(answer.status, answer.headers.get('content-type'), (await answer.text()).replace(/\\s+/g, ' ').slice(-70))
  }
  server.close()
})`,
  })
  const install = await run(['npm', 'install', 'express'], { env, cwd: '/app' })
  expect(install.stdout).toMatch(/^\nadded 1 package in \S+\n$/)
  expect(JSON.parse(box.fs.readText('/app/package.json'))).toMatchObject({ dependencies: { express: expect.stringMatching(/^\^5\./) } })
  const { stdout, stderr } = await run(['npm', 'start'], { env, cwd: '/app' })
  expect(stdout).toContain('200 text/html; charset=utf-8 Hello World!\n200 application/json; charset=utf-8 {"id":"7","q":"x"}\n201 application/json; charset=utf-8 {"a":1}\n404 text/html; charset=utf-8')
  expect(stdout).toContain('<pre>Cannot GET /none</pre>')
  expect(stderr).toMatch(/^Error: broken\n {4}at /)
  expect((await run(['npm', 'run', 'nope'], { env, cwd: '/app' })).stderr).toMatch(/^npm error Missing script: "nope"\nnpm error\nnpm error To see a list of scripts, run:\nnpm error {3}npm run\n/)
  expect(await run(['npm', 'install', 'left-pad-of-nobody'], { env, cwd: '/app' })).toMatchObject({ stderr: expect.stringContaining('npm error 404 Not Found - GET https://registry.npmjs.org/left-pad-of-nobody - Not found\n'), status: { code: 1 } })
})

it('npm refuses what it can not know, and names the log that it wrote', async () => {
  const { run, machine: box } = machine({ '/app/package.json': '{"name": "web", "version": "1.0.0"}', '/app/ids.js': `const { v1, v7, version } = require('uuid')
const ids = Array.from({ length: 50 }, () => v7())
console.log(version(v1()), version(ids[0]), ids.join() === [...ids].sort().join(), new Set(ids).size, Math.abs(parseInt(ids[0].replace('-', '').slice(0, 12), 16) - Date.now()) < 1000)
const { heap_size_limit } = require('v8').getHeapStatistics()
console.log(heap_size_limit, process.cpuUsage().system, require('os').freemem() < require('os').totalmem(), process.availableMemory() > 0)` })
  const npm = (...args: string[]) => run(['npm', ...args], { env, cwd: '/app' })
  for (const command of ['audit', 'outdated', 'ping']) {
    const { stdout, stderr, status } = await npm(command)
    expect([stdout, status?.code]).toEqual(['', 1])
    const log = new RegExp(`^npm error npm ${command} is not supported here\nnpm error A complete log of this run can be found in: (\\S+)\n$`).exec(stderr)![1]!
    expect(box.fs.readText(log)).toContain(`error npm ${command} is not supported here\n`)
  }
  expect(await npm('install', 'uuid@13.99.0')).toMatchObject({ stderr: expect.stringContaining('npm error code ETARGET\nnpm error notarget No matching version found for uuid@13.99.0.\n'), status: { code: 1 } })
  await npm('install', 'uuid')
  expect((await npm('prune')).stdout).toMatch(/^\nup to date in \S+\n$/)
  box.fs.writeFile('/app/package.json', '{}')
  expect(await npm('prune')).toMatchObject({ stderr: expect.stringContaining('npm error extraneous: uuid@13.0.0\n'), status: { code: 1 } })
  expect((await npm('view', 'body-parser')).stdout).toContain('| deps: 1 |')
  expect((await run(['node', 'ids.js'], { env, cwd: '/app' }))).toMatchObject({ stdout: '1 7 true 50 true\n268435456 0 true true\n', stderr: '' })
})

it('a transaction of ioredis is one for the server', async () => {
  const { run } = machine({ '/app/package.json': '{}', '/app/multi.js': `const Redis = require('ioredis')
const answers = { MULTI: '+OK', EXEC: '*2\\r\\n+OK\\r\\n-ERR not an integer', INCR: '+QUEUED', SET: '+QUEUED' }
const heard = []
const server = require('net').createServer((socket) => socket.on('data', (part) => {
  for (const [, name] of String(part).matchAll(/\\*\\d+\\r\\n\\$\\d+\\r\\n(\\w+)/g)) { heard.push(name); socket.write(answers[name] + '\\r\\n') }
})).listen(6379, async () => {
  const redis = new Redis()
  const [[error, set], [refused]] = await redis.multi().set('a', 'b').incr('a').exec()
  console.log(heard.join(), error, set, refused.message)
  redis.disconnect()
  server.close()
})` })
  await run(['npm', 'install', 'ioredis'], { env, cwd: '/app' })
  expect(await run(['node', 'multi.js'], { env, cwd: '/app' })).toMatchObject({ stdout: 'MULTI,SET,INCR,EXEC null OK ERR not an integer\n', stderr: '' })
})

it('yarn does the same in its own words', async () => {
  const { run, machine: box } = machine({ '/app/package.json': '{"scripts": {"start": "node -p 1+1", "bad": "exit 3"}, "dependencies": {"uuid": "^9.0.0"}}' })
  const yarn = (...args: string[]) => run(['yarn', ...args], { env, cwd: '/app' })
  expect((await yarn()).stdout).toMatch(/^yarn install v1\.22\.22\ninfo No lockfile found\.\n\[1\/4\] Resolving packages\.\.\.\n[^]*success Saved lockfile\.\nDone in \d+\.\d\ds\.\n$/)
  expect(box.fs.readText('/app/yarn.lock')).toContain('uuid@^9.0.0:\n  version "9.0.1"\n')
  expect((await yarn('start')).stdout).toMatch(/^yarn run v1\.22\.22\n\$ node -p 1\+1\n2\nDone in /)
  expect(await yarn('bad')).toMatchObject({ stderr: expect.stringContaining('error Command failed with exit code 3.'), status: { code: 1 } })
})

it('on a terminal node answers line by line', async () => {
  const { reader, writer } = createPipe()
  void writer.write('1 + 1\n({ a: 1 })\n{ a: 2 }\nfunction f() {\n return 5\n}\nf()\nnope\nawait 7\nconst x = await Promise.resolve(8)\n.exit\n')
  const { stdout } = await machine().run(['node', '-i'], { env, stdin: reader })
  expect(stdout.replace(/^.*\n.*\n/, '')).toBe('> 2\n> { a: 1 }\n> { a: 2 }\n> | | undefined\n> 5\n> Uncaught ReferenceError: nope is not defined\n> 7\n> 8\n> ')
})
