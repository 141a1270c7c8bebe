import { expect, it } from 'vitest'
import { GuestPromise, JavaScriptError, JavaScriptInterrupted, createRealm } from './engine.ts'
import type { GuestFunction } from './engine.ts'

it('values cross the border as copies: data, bytes, functions, big integers', async () => {
  const realm = await createRealm()
  realm.define('echo', (...args) => args)
  expect(realm.evaluate('echo(1.5, "naïve ☃", true, null, undefined, { a: [1, { b: 2 }] })')).toEqual([1.5, 'naïve ☃', true, null, null, { a: [1, { b: 2 }] }])
  expect(realm.evaluate('new Uint8Array([1, 2, 3]).subarray(1)')).toEqual(new Uint8Array([2, 3]))
  expect(realm.evaluate('2n ** 80n')).toBe(2n ** 80n)
  realm.set('bytes', new Uint8Array([7, 8]))
  expect(realm.evaluate('bytes instanceof Uint8Array && bytes[1]')).toBe(8)
  const add = realm.evaluate('(a, b) => a + b') as GuestFunction
  expect([add(1, 2), add('x', 3)]).toEqual([3, 'x3'])
  realm.dispose()
})

it('errors cross it in both directions', async () => {
  const realm = await createRealm()
  realm.define('open', () => { throw Object.assign(new Error('no such file'), { code: 'ENOENT' }) })
  expect(realm.evaluate('try { open() } catch (error) { `${error.code}: ${error.message}` }')).toBe('ENOENT: no such file')
  let thrown: unknown
  try { realm.evaluate('function f() { throw Object.assign(new TypeError("bad"), { code: 7 }) }\nf()', { filename: '/app.js' }) } catch (error) { thrown = error }
  expect(thrown).toBeInstanceOf(JavaScriptError)
  expect(thrown).toMatchObject({ name: 'TypeError', message: 'bad', details: { code: 7 }, isError: true, guestStack: expect.stringContaining('/app.js:1') })
  expect(() => realm.evaluate('throw "just text"')).toThrow('just text')
  expect(() => realm.evaluate('let x = ;')).toThrow(/unexpected token/)
})

it('promises settle across it, and jobs run before the turn ends', async () => {
  const realm = await createRealm()
  const said: unknown[] = []
  realm.define('say', (text) => { said.push(text) })
  let answer!: (value: unknown) => void
  realm.define('ask', () => new Promise((resolve) => { answer = resolve }))
  realm.evaluate('Promise.resolve("job").then(say); say("first")')
  expect(said).toEqual(['first', 'job'])
  const value = realm.evaluate('(async () => (await ask()).n + 1)()')
  expect(value).toBeInstanceOf(GuestPromise)
  answer({ n: 41 })
  expect(await realm.settle(value)).toBe(42)
  await expect(realm.settle(realm.evaluate('Promise.reject(new RangeError("far"))'))).rejects.toMatchObject({ name: 'RangeError', message: 'far' })
})

it('modules come from the loader', async () => {
  const realm = await createRealm({ modules: { resolve: (specifier, referrer) => { if (specifier === 'none') throw new Error(`Cannot find ${specifier} from ${referrer}`); return `/${specifier}` }, load: (id) => `export const name = ${JSON.stringify(id)}` } })
  expect(await realm.settle(realm.evaluate('import { name } from "lib"; export const seen = name', { module: true, filename: '/main.mjs' }))).toMatchObject({ seen: '/lib' })
  await expect((async () => realm.settle(realm.evaluate('import "none"', { module: true, filename: '/other.mjs' })))()).rejects.toThrow('Cannot find none from /other.mjs')
})

it('an endless loop ends, also one of promises, and the realm goes on', async () => {
  const worked: number[] = []
  const realm = await createRealm({ maxMs: 20, onTurn: (ms) => { worked.push(ms) } })
  expect(() => realm.evaluate('try { for (;;); } catch {} finally { 1 }')).toThrow(JavaScriptInterrupted)
  expect(worked.at(-1)).toBeGreaterThan(19)
  expect(realm.evaluate('1 + 1')).toBe(2)
  expect(() => realm.evaluate('const deep = () => deep() + 1; deep()')).toThrow(/call stack/)
  expect(() => realm.evaluate('const again = () => Promise.resolve().then(again); again()')).toThrow(JavaScriptInterrupted)
})

it('memory has a bound', async () => {
  const realm = await createRealm({ memoryLimitBytes: 8 * 2 ** 20 })
  expect(() => realm.evaluate('const all = []; for (;;) all.push(new Uint8Array(100000))')).toThrow(/memory/)
  expect(realm.memoryBytes()).toBeGreaterThan(100_000)
})
