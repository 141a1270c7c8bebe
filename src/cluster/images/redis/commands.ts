/** The commands of Redis on the data: what they take, what they answer. Those about connections and the server are in server-commands.ts. */
import { NULL_ARRAY, OK } from './resp.ts'
import type { Reply } from './resp.ts'
import { CommandError } from './store.ts'
import type { Database, Store, ValueOf, ValueType } from './store.ts'

/** What data commands work on. */
export interface CommandContext {
  readonly store: Store
  /** The database the client selected. */
  readonly db: Database
  nowMs(): number
  random(below: number): number
  /** Waits until one of the keys is pushed to; false once `timeoutMs` (0: never) have passed. Undefined inside a transaction: nothing waits. */
  waitForPush?: (keys: readonly string[], timeoutMs: number) => Promise<boolean>
}

export interface Command<C = CommandContext> {
  /** Number of arguments with the name; negative: at least so many. */
  arity: number
  /** Changes data: counts for saving, and goes to the append-only file. */
  write?: true
  run(context: C, args: readonly string[]): Reply | Promise<Reply>
}

export const fail = (message: string): never => { throw new CommandError(message) }
const SYNTAX = 'ERR syntax error'
const NOT_AN_INTEGER = 'ERR value is not an integer or out of range'
const MAX = 2n ** 63n - 1n
const MIN = -(2n ** 63n)

export function integer(text: string, message = NOT_AN_INTEGER): bigint {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) return fail(message)
  const value = BigInt(text)
  return value > MAX || value < MIN ? fail(message) : value
}

const int = (text: string, message?: string) => Number(integer(text, message))

function float(text: string, message = 'ERR value is not a valid float'): number {
  const infinite = /^([+-]?)inf(inity)?$/i.exec(text)
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity
  return text.trim() !== text || text === '' || Number.isNaN(Number(text)) ? fail(message) : Number(text)
}

/** A score as Redis prints it. */
function formatScore(score: number): string {
  return score === Infinity ? 'inf' : score === -Infinity ? '-inf' : String(score).replace(/e\+?/, (e) => e === 'e' ? 'e' : 'e+')
}

/** A pattern of KEYS, SCAN and PSUBSCRIBE. */
export function globPattern(pattern: string): (text: string) => boolean {
  const source = pattern.replace(/\\([\s\S])|\[(\^?)((?:\\[\s\S]|[^\]\\])*)\]|[\s\S]/g, (part, escaped?: string, not?: string, set?: string) => {
    if (escaped !== undefined) return escaped.replace(/[^\w]/, '\\$&')
    if (set !== undefined) return set === '' ? '(?!)' : `[${not}${set.replace(/\\([\s\S])/g, '$1').replace(/[[\]\\^]/g, '\\$&')}]`
    return part === '*' ? '[\\s\\S]*' : part === '?' ? '[\\s\\S]' : part.replace(/[^\w]/, '\\$&')
  })
  const expression = new RegExp(`^${source}$`)
  return (text) => expression.test(text)
}

const EMPTY: { [T in ValueType]: () => ValueOf<T> } = { string: () => '', list: () => [], hash: () => new Map(), set: () => new Set(), zset: () => new Map() }

/** The collection of a key, made when there is none. */
function ensure<T extends ValueType>(db: Database, key: string, type: T): ValueOf<T> {
  const old = db.get(key, type)
  if (old !== undefined) return old
  const value = EMPTY[type]()
  db.put(key, { type, value } as Parameters<Database['put']>[1])
  return value
}

/** Start and end (inclusive) of a range with negative indexes, or undefined when it is empty. */
function range(start: number, stop: number, length: number): [number, number] | undefined {
  const from = Math.max(0, start < 0 ? length + start : start)
  const to = Math.min(length - 1, stop < 0 ? length + stop : stop)
  return from > to ? undefined : [from, to]
}

const setString = (db: Database, key: string, value: string, expiresMs?: number) => db.put(key, { type: 'string', value }, { expiresMs })

function increment({ db }: CommandContext, key: string, by: bigint): bigint {
  const next = integer(db.get(key, 'string') ?? '0') + by
  if (next > MAX || next < MIN) fail('ERR increment or decrement would overflow')
  db.put(key, { type: 'string', value: String(next) }, { keepExpiry: true })
  return next
}

/** A sum without the noise of binary fractions. */
function addFloats(a: number, b: number): string {
  const sum = a + b
  if (!Number.isFinite(sum)) fail('ERR increment would produce NaN or Infinity')
  return String(Number(sum.toPrecision(15)))
}

/** The moment that EX, PX, EXAT or PXAT means. */
function expiryOf(context: CommandContext, unit: string, amount: string, command: string): number {
  const value = int(amount)
  const factor = unit.startsWith('EX') ? 1000 : 1
  if (value <= 0 || !Number.isSafeInteger(value * factor)) fail(`ERR invalid expire time in '${command}' command`)
  return unit.endsWith('AT') ? value * factor : context.nowMs() + value * factor
}

function set(context: CommandContext, args: readonly string[]): Reply {
  const { db } = context
  const [key, value] = args as [string, string]
  let expiresMs: number | undefined
  let keep = false
  let condition = ''
  let get = false
  for (let i = 2; i < args.length; i++) {
    const option = args[i]!.toUpperCase()
    if (option === 'NX' || option === 'XX') { if (condition && condition !== option) fail(SYNTAX); condition = option }
    else if (option === 'GET') get = true
    else if (option === 'KEEPTTL' && expiresMs === undefined) keep = true
    else if (['EX', 'PX', 'EXAT', 'PXAT'].includes(option) && !keep && expiresMs === undefined && i + 1 < args.length) expiresMs = expiryOf(context, option, args[++i]!, 'set')
    else fail(SYNTAX)
  }
  const old = get ? db.get(key, 'string') ?? null : null
  if (condition && db.has(key) !== (condition === 'XX')) return get ? old : null
  db.put(key, { type: 'string', value }, keep ? { keepExpiry: true } : { expiresMs })
  return get ? old : OK
}

function expire(context: CommandContext, command: string, toMoment: (amount: number) => number, [key, amount, ...options]: readonly string[]): Reply {
  const { db } = context
  const moment = toMoment(int(amount!))
  if (!Number.isSafeInteger(moment)) fail(`ERR invalid expire time in '${command}' command`)
  const flags = options.map((option) => option.toUpperCase())
  for (const flag of flags) if (!['NX', 'XX', 'GT', 'LT'].includes(flag)) fail(`ERR Unsupported option ${flag}`)
  if (flags.includes('NX') && flags.length > 1) fail('ERR NX and XX, GT or LT options at the same time are not compatible')
  if (!db.has(key!)) return 0
  const now = db.expiry(key!)
  if ((flags.includes('NX') && now !== undefined) || (flags.includes('XX') && now === undefined) || (flags.includes('GT') && moment <= (now ?? Infinity)) || (flags.includes('LT') && moment >= (now ?? Infinity))) return 0
  if (moment <= context.nowMs()) db.delete(key!)
  else db.setExpiry(key!, moment)
  return 1
}

function timeLeft({ db, nowMs }: CommandContext, key: string, unitMs: number): number {
  if (!db.has(key)) return -2
  const expiresMs = db.expiry(key)
  return expiresMs === undefined ? -1 : unitMs === 1 ? Math.floor(expiresMs - nowMs()) : Math.floor((expiresMs - nowMs() + 500) / unitMs)
}

function push(db: Database, left: boolean, [key, ...values]: readonly string[], onlyExisting = false): Reply {
  if (onlyExisting && db.get(key!, 'list') === undefined) return 0
  const list = ensure(db, key!, 'list')
  for (const value of values) if (left) list.unshift(value); else list.push(value)
  return list.length
}

function pop(db: Database, left: boolean, key: string): string | undefined {
  const list = db.get(key, 'list')
  const value = left ? list?.shift() : list?.pop()
  db.deleteIfEmpty(key)
  return value
}

function popMany({ db }: CommandContext, left: boolean, [key, count]: readonly string[]): Reply {
  if (count === undefined) return pop(db, left, key!) ?? null
  const most = int(count, 'ERR value is out of range, must be positive')
  if (most < 0) fail('ERR value is out of range, must be positive')
  const list = db.get(key!, 'list')
  if (!list) return NULL_ARRAY
  return Array.from({ length: Math.min(most, list.length) }, () => pop(db, left, key!)!)
}

async function popWaiting(context: CommandContext, left: boolean, args: readonly string[]): Promise<Reply> {
  const keys = args.slice(0, -1)
  const timeout = float(args.at(-1)!, 'ERR timeout is not a float or out of range')
  if (timeout < 0) fail('ERR timeout is negative')
  const deadline = timeout === 0 ? Infinity : context.nowMs() + timeout * 1000
  for (;;) {
    for (const key of keys) {
      const value = pop(context.db, left, key)
      if (value !== undefined) return [key, value]
    }
    const restMs = timeout === 0 ? 0 : deadline - context.nowMs()
    if (!context.waitForPush || restMs < 0 || (timeout > 0 && restMs === 0) || !await context.waitForPush(keys, restMs)) return NULL_ARRAY
  }
}

function removeFromList({ db }: CommandContext, [key, count, value]: readonly string[]): Reply {
  const most = int(count!)
  const list = db.get(key!, 'list')
  if (!list) return 0
  let removed = 0
  const limit = most === 0 ? Infinity : Math.abs(most)
  for (let i = most < 0 ? list.length - 1 : 0; i >= 0 && i < list.length && removed < limit; i += most < 0 ? -1 : 1) {
    if (list[i] !== value) continue
    list.splice(i, 1)
    removed += 1
    if (most >= 0) i -= 1
  }
  db.deleteIfEmpty(key!)
  return removed
}

function hset({ db }: CommandContext, args: readonly string[], command: string): number {
  if (args.length % 2 === 0) fail(`ERR wrong number of arguments for '${command}' command`)
  const hash = ensure(db, args[0]!, 'hash')
  const before = hash.size
  for (let i = 1; i < args.length; i += 2) hash.set(args[i]!, args[i + 1]!)
  return hash.size - before
}

function setsOf(db: Database, keys: readonly string[]): ReadonlySet<string>[] {
  return keys.map((key) => db.get(key, 'set') ?? new Set<string>())
}

const intersection = (sets: readonly ReadonlySet<string>[]) => [...sets[0]!].filter((member) => sets.every((each) => each.has(member)))
const union = (sets: readonly ReadonlySet<string>[]) => [...new Set(sets.flatMap((each) => [...each]))]
const difference = (sets: readonly ReadonlySet<string>[]) => [...sets[0]!].filter((member) => !sets.slice(1).some((each) => each.has(member)))

function storeSet(db: Database, key: string, members: readonly string[]): number {
  if (members.length === 0) db.delete(key)
  else db.put(key, { type: 'set', value: new Set(members) })
  return members.length
}

/** Members by score, equal scores by bytes. */
function ranked(db: Database, key: string): [string, number][] {
  return [...db.get(key, 'zset') ?? []].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : a > b ? 1 : 0))
}

function zadd({ db }: CommandContext, args: readonly string[]): Reply {
  const key = args[0]!
  const flags = new Set<string>()
  let at = 1
  for (; at < args.length && ['NX', 'XX', 'GT', 'LT', 'CH', 'INCR'].includes(args[at]!.toUpperCase()); at++) flags.add(args[at]!.toUpperCase())
  const pairs = args.slice(at)
  if (pairs.length === 0 || pairs.length % 2 !== 0) fail(SYNTAX)
  if (flags.has('NX') && flags.has('XX')) fail('ERR XX and NX options at the same time are not compatible')
  if ((flags.has('GT') && flags.has('LT')) || (flags.has('NX') && (flags.has('GT') || flags.has('LT')))) fail('ERR GT, LT, and/or NX options at the same time are not compatible')
  if (flags.has('INCR') && pairs.length > 2) fail('ERR INCR option supports a single increment-element pair')
  const scores = pairs.filter((_, i) => i % 2 === 0).map((score) => float(score))
  const zset = ensure(db, key, 'zset')
  let added = 0
  let changed = 0
  let incremented: string | null = null
  for (const [i, given] of scores.entries()) {
    const member = pairs[2 * i + 1]!
    const old = zset.get(member)
    const score = flags.has('INCR') ? (old ?? 0) + given : given
    if (Number.isNaN(score)) fail('ERR resulting score is not a number (NaN)')
    if (old === undefined ? flags.has('XX') : flags.has('NX') || (flags.has('GT') && score <= old) || (flags.has('LT') && score >= old)) continue
    zset.set(member, score)
    incremented = formatScore(score)
    if (old === undefined) added += 1
    else if (old !== score) changed += 1
  }
  db.deleteIfEmpty(key)
  return flags.has('INCR') ? incremented : flags.has('CH') ? added + changed : added
}

function scoreBound(text: string): { value: number; open: boolean } {
  const open = text.startsWith('(')
  return { value: float(open ? text.slice(1) : text, 'ERR min or max is not a float'), open }
}

const within = (score: number, min: ReturnType<typeof scoreBound>, max: ReturnType<typeof scoreBound>) =>
  (min.open ? score > min.value : score >= min.value) && (max.open ? score < max.value : score <= max.value)

function zrange({ db }: CommandContext, [key, first, last, ...options]: readonly string[], preset: readonly string[] = []): Reply {
  const flags = new Set(preset)
  let offset = 0
  let count = -1
  for (let i = 0; i < options.length; i++) {
    const option = options[i]!.toUpperCase()
    if (option === 'LIMIT' && i + 2 < options.length) { offset = int(options[++i]!); count = int(options[++i]!); flags.add(option) }
    else if (option === 'WITHSCORES' || (!preset.length && ['REV', 'BYSCORE'].includes(option))) flags.add(option)
    else fail(SYNTAX)
  }
  if (flags.has('LIMIT') && !flags.has('BYSCORE')) fail('ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX')
  let members = ranked(db, key!)
  if (flags.has('REV')) members.reverse()
  if (flags.has('BYSCORE')) {
    const [min, max] = (flags.has('REV') ? [last!, first!] : [first!, last!]).map(scoreBound)
    members = members.filter(([, score]) => within(score, min!, max!)).slice(offset, count < 0 ? undefined : offset + count)
  } else {
    const part = range(int(first!), int(last!), members.length)
    members = part ? members.slice(part[0], part[1] + 1) : []
  }
  return members.flatMap(([member, score]) => flags.has('WITHSCORES') ? [member, formatScore(score)] : [member])
}

function rank({ db }: CommandContext, key: string, member: string, reverse: boolean): Reply {
  const members = ranked(db, key)
  if (reverse) members.reverse()
  const at = members.findIndex(([each]) => each === member)
  return at < 0 ? null : at
}

/** Options of the SCAN family. */
function scanOptions(options: readonly string[]): { match: (text: string) => boolean; count: number; type: string | undefined } {
  const out = { match: (_: string) => true, count: 10, type: undefined as string | undefined }
  for (let i = 0; i < options.length; i += 2) {
    const value = options[i + 1] ?? fail(SYNTAX)
    switch (options[i]!.toUpperCase()) {
      case 'MATCH': out.match = globPattern(value); break
      case 'COUNT': out.count = int(value); if (out.count < 1) fail(SYNTAX); break
      case 'TYPE': out.type = value.toLowerCase(); break
      default: fail(SYNTAX)
    }
  }
  return out
}

function cursorOf(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : fail('ERR invalid cursor')
}

function scan({ db }: CommandContext, [cursor, ...options]: readonly string[]): Reply {
  const { match, count, type } = scanOptions(options)
  const found = db.scan(cursorOf(cursor!), count)
  return [String(found.cursor), found.keys.filter((key) => match(key) && (type === undefined || db.type(key) === type))]
}

/** HSCAN, SSCAN and ZSCAN answer small collections at once, as Redis does with compact ones. */
function scanCollection(items: Iterable<readonly string[]>, [, cursor, ...options]: readonly string[]): Reply {
  cursorOf(cursor!)
  const { match } = scanOptions(options)
  return ['0', [...items].filter(([name]) => match(name!)).flat()]
}

function randomOf<T>(context: CommandContext, items: readonly T[]): T | undefined {
  return items[context.random(Math.max(1, items.length))]
}

const count = (keys: readonly string[], test: (key: string) => boolean) => keys.reduce((sum, key) => sum + (test(key) ? 1 : 0), 0)

/** Data commands by lower-case name. `args` are those after the name. */
export const dataCommands: Readonly<Record<string, Command>> = {
  // Strings
  get: { arity: 2, run: ({ db }, [key]) => db.get(key!, 'string') ?? null },
  set: { arity: -3, write: true, run: set },
  setnx: { arity: 3, write: true, run: ({ db }, [key, value]) => db.has(key!) ? 0 : (setString(db, key!, value!), 1) },
  setex: { arity: 4, write: true, run: (context, [key, time, value]) => { setString(context.db, key!, value!, expiryOf(context, 'EX', time!, 'setex')); return OK } },
  psetex: { arity: 4, write: true, run: (context, [key, time, value]) => { setString(context.db, key!, value!, expiryOf(context, 'PX', time!, 'psetex')); return OK } },
  getset: { arity: 3, write: true, run: ({ db }, [key, value]) => { const old = db.get(key!, 'string') ?? null; setString(db, key!, value!); return old } },
  getdel: { arity: 2, write: true, run: ({ db }, [key]) => { const old = db.get(key!, 'string') ?? null; db.delete(key!); return old } },
  mget: { arity: -2, run: ({ db }, keys) => keys.map((key) => db.type(key) === 'string' ? db.get(key, 'string')! : null) },
  mset: { arity: -3, write: true, run({ db }, args) {
    if (args.length % 2 !== 0) fail("ERR wrong number of arguments for 'mset' command")
    for (let i = 0; i < args.length; i += 2) setString(db, args[i]!, args[i + 1]!)
    return OK
  } },
  incr: { arity: 2, write: true, run: (context, [key]) => increment(context, key!, 1n) },
  decr: { arity: 2, write: true, run: (context, [key]) => increment(context, key!, -1n) },
  incrby: { arity: 3, write: true, run: (context, [key, by]) => increment(context, key!, integer(by!)) },
  decrby: { arity: 3, write: true, run: (context, [key, by]) => increment(context, key!, -integer(by!)) },
  incrbyfloat: { arity: 3, write: true, run({ db }, [key, by]) {
    const value = addFloats(float(db.get(key!, 'string') ?? '0'), float(by!))
    db.put(key!, { type: 'string', value }, { keepExpiry: true })
    return value
  } },
  append: { arity: 3, write: true, run({ db }, [key, more]) {
    const value = (db.get(key!, 'string') ?? '') + more!
    db.put(key!, { type: 'string', value }, { keepExpiry: true })
    return value.length
  } },
  strlen: { arity: 2, run: ({ db }, [key]) => db.get(key!, 'string')?.length ?? 0 },
  getrange: { arity: 4, run({ db }, [key, start, stop]) {
    const value = db.get(key!, 'string') ?? ''
    const part = range(int(start!), int(stop!), value.length)
    return part ? value.slice(part[0], part[1] + 1) : ''
  } },
  // Keys
  del: { arity: -2, write: true, run: ({ db }, keys) => count(keys, (key) => db.delete(key)) },
  unlink: { arity: -2, write: true, run: ({ db }, keys) => count(keys, (key) => db.delete(key)) },
  exists: { arity: -2, run: ({ db }, keys) => count(keys, (key) => db.has(key)) },
  touch: { arity: -2, run: ({ db }, keys) => count(keys, (key) => db.has(key)) },
  type: { arity: 2, run: ({ db }, [key]) => ({ status: db.type(key!) ?? 'none' }) },
  keys: { arity: 2, run: ({ db }, [pattern]) => db.keys().filter(globPattern(pattern!)) },
  randomkey: { arity: 1, run: (context) => randomOf(context, context.db.keys()) ?? null },
  scan: { arity: -2, run: scan },
  expire: { arity: -3, write: true, run: (context, args) => expire(context, 'expire', (amount) => context.nowMs() + amount * 1000, args) },
  pexpire: { arity: -3, write: true, run: (context, args) => expire(context, 'pexpire', (amount) => context.nowMs() + amount, args) },
  expireat: { arity: -3, write: true, run: (context, args) => expire(context, 'expireat', (amount) => amount * 1000, args) },
  pexpireat: { arity: -3, write: true, run: (context, args) => expire(context, 'pexpireat', (amount) => amount, args) },
  ttl: { arity: 2, run: (context, [key]) => timeLeft(context, key!, 1000) },
  pttl: { arity: 2, run: (context, [key]) => timeLeft(context, key!, 1) },
  persist: { arity: 2, write: true, run: ({ db }, [key]) => db.expiry(key!) === undefined ? 0 : (db.setExpiry(key!, undefined), 1) },
  rename: { arity: 3, write: true, run({ db }, [from, to]) { if (!db.has(from!)) fail('ERR no such key'); db.rename(from!, to!); return OK } },
  renamenx: { arity: 3, write: true, run({ db }, [from, to]) { if (!db.has(from!)) fail('ERR no such key'); if (db.has(to!)) return 0; db.rename(from!, to!); return 1 } },
  dbsize: { arity: 1, run: ({ db }) => db.size },
  flushdb: { arity: -1, write: true, run: ({ db }) => { db.clear(); return OK } },
  flushall: { arity: -1, write: true, run: ({ store }) => { store.clear(); return OK } },
  // Lists
  lpush: { arity: -3, write: true, run: ({ db }, args) => push(db, true, args) },
  rpush: { arity: -3, write: true, run: ({ db }, args) => push(db, false, args) },
  lpushx: { arity: -3, write: true, run: ({ db }, args) => push(db, true, args, true) },
  rpushx: { arity: -3, write: true, run: ({ db }, args) => push(db, false, args, true) },
  lpop: { arity: -2, write: true, run: (context, args) => popMany(context, true, args) },
  rpop: { arity: -2, write: true, run: (context, args) => popMany(context, false, args) },
  blpop: { arity: -3, write: true, run: (context, args) => popWaiting(context, true, args) },
  brpop: { arity: -3, write: true, run: (context, args) => popWaiting(context, false, args) },
  rpoplpush: { arity: 3, write: true, run({ db }, [from, to]) {
    db.get(to!, 'list')
    const value = pop(db, false, from!)
    if (value === undefined) return null
    push(db, true, [to!, value])
    return value
  } },
  llen: { arity: 2, run: ({ db }, [key]) => db.get(key!, 'list')?.length ?? 0 },
  lrange: { arity: 4, run({ db }, [key, start, stop]) {
    const list = db.get(key!, 'list') ?? []
    const part = range(int(start!), int(stop!), list.length)
    return part ? list.slice(part[0], part[1] + 1) : []
  } },
  ltrim: { arity: 4, write: true, run({ db }, [key, start, stop]) {
    const list = db.get(key!, 'list')
    const part = list && range(int(start!), int(stop!), list.length)
    if (part) list.splice(0, list.length, ...list.slice(part[0], part[1] + 1))
    else if (list) db.delete(key!)
    return OK
  } },
  lindex: { arity: 3, run: ({ db }, [key, index]) => db.get(key!, 'list')?.at(int(index!)) ?? null },
  lset: { arity: 4, write: true, run({ db }, [key, index, value]) {
    const list = db.get(key!, 'list') ?? fail('ERR no such key')
    const at = int(index!)
    const from = at < 0 ? list.length + at : at
    if (from < 0 || from >= list.length) fail('ERR index out of range')
    list[from] = value!
    return OK
  } },
  lrem: { arity: 4, write: true, run: removeFromList },
  // Hashes
  hset: { arity: -4, write: true, run: (context, args) => hset(context, args, 'hset') },
  hmset: { arity: -4, write: true, run: (context, args) => { hset(context, args, 'hmset'); return OK } },
  hsetnx: { arity: 4, write: true, run: (context, args) => context.db.get(args[0]!, 'hash')?.has(args[1]!) ? 0 : hset(context, args, 'hsetnx') },
  hget: { arity: 3, run: ({ db }, [key, field]) => db.get(key!, 'hash')?.get(field!) ?? null },
  hmget: { arity: -3, run: ({ db }, [key, ...fields]) => { const hash = db.get(key!, 'hash'); return fields.map((field) => hash?.get(field) ?? null) } },
  hgetall: { arity: 2, run: ({ db }, [key]) => [...db.get(key!, 'hash') ?? []].flat() },
  hdel: { arity: -3, write: true, run({ db }, [key, ...fields]) { const removed = count(fields, (field) => db.get(key!, 'hash')?.delete(field) ?? false); db.deleteIfEmpty(key!); return removed } },
  hexists: { arity: 3, run: ({ db }, [key, field]) => db.get(key!, 'hash')?.has(field!) ? 1 : 0 },
  hlen: { arity: 2, run: ({ db }, [key]) => db.get(key!, 'hash')?.size ?? 0 },
  hkeys: { arity: 2, run: ({ db }, [key]) => [...db.get(key!, 'hash')?.keys() ?? []] },
  hvals: { arity: 2, run: ({ db }, [key]) => [...db.get(key!, 'hash')?.values() ?? []] },
  hscan: { arity: -3, run: ({ db }, args) => scanCollection(db.get(args[0]!, 'hash') ?? [], args) },
  hincrby: { arity: 4, write: true, run({ db }, [key, field, by]) {
    const add = integer(by!)
    const next = integer(db.get(key!, 'hash')?.get(field!) ?? '0', 'ERR hash value is not an integer') + add
    if (next > MAX || next < MIN) fail('ERR increment or decrement would overflow')
    ensure(db, key!, 'hash').set(field!, String(next))
    return next
  } },
  // Sets
  sadd: { arity: -3, write: true, run({ db }, [key, ...members]) { const all = ensure(db, key!, 'set'); const before = all.size; for (const member of members) all.add(member); return all.size - before } },
  srem: { arity: -3, write: true, run({ db }, [key, ...members]) { const removed = count(members, (member) => db.get(key!, 'set')?.delete(member) ?? false); db.deleteIfEmpty(key!); return removed } },
  smembers: { arity: 2, run: ({ db }, [key]) => [...db.get(key!, 'set') ?? []] },
  sismember: { arity: 3, run: ({ db }, [key, member]) => db.get(key!, 'set')?.has(member!) ? 1 : 0 },
  smismember: { arity: -3, run: ({ db }, [key, ...members]) => { const all = db.get(key!, 'set'); return members.map((member) => all?.has(member) ? 1 : 0) } },
  scard: { arity: 2, run: ({ db }, [key]) => db.get(key!, 'set')?.size ?? 0 },
  sscan: { arity: -3, run: ({ db }, args) => scanCollection([...db.get(args[0]!, 'set') ?? []].map((member) => [member]), args) },
  srandmember: { arity: 2, run: (context, [key]) => randomOf(context, [...context.db.get(key!, 'set') ?? []]) ?? null },
  sinter: { arity: -2, run: ({ db }, keys) => intersection(setsOf(db, keys)) },
  sunion: { arity: -2, run: ({ db }, keys) => union(setsOf(db, keys)) },
  sdiff: { arity: -2, run: ({ db }, keys) => difference(setsOf(db, keys)) },
  sinterstore: { arity: -3, write: true, run: ({ db }, [to, ...keys]) => storeSet(db, to!, intersection(setsOf(db, keys))) },
  sunionstore: { arity: -3, write: true, run: ({ db }, [to, ...keys]) => storeSet(db, to!, union(setsOf(db, keys))) },
  sdiffstore: { arity: -3, write: true, run: ({ db }, [to, ...keys]) => storeSet(db, to!, difference(setsOf(db, keys))) },
  // Sorted sets
  zadd: { arity: -4, write: true, run: zadd },
  zincrby: { arity: 4, write: true, run: (context, [key, by, member]) => zadd(context, [key!, 'INCR', by!, member!]) },
  zrem: { arity: -3, write: true, run({ db }, [key, ...members]) { const removed = count(members, (member) => db.get(key!, 'zset')?.delete(member) ?? false); db.deleteIfEmpty(key!); return removed } },
  zscore: { arity: 3, run({ db }, [key, member]) { const score = db.get(key!, 'zset')?.get(member!); return score === undefined ? null : formatScore(score) } },
  zcard: { arity: 2, run: ({ db }, [key]) => db.get(key!, 'zset')?.size ?? 0 },
  zcount: { arity: 4, run({ db }, [key, min, max]) { const bounds = [scoreBound(min!), scoreBound(max!)] as const; return ranked(db, key!).filter(([, score]) => within(score, ...bounds)).length } },
  zrank: { arity: 3, run: (context, [key, member]) => rank(context, key!, member!, false) },
  zrevrank: { arity: 3, run: (context, [key, member]) => rank(context, key!, member!, true) },
  zrange: { arity: -4, run: (context, args) => zrange(context, args) },
  zrevrange: { arity: -4, run: (context, args) => zrange(context, args, ['REV']) },
  zrangebyscore: { arity: -4, run: (context, args) => zrange(context, args, ['BYSCORE']) },
  zrevrangebyscore: { arity: -4, run: (context, args) => zrange(context, args, ['BYSCORE', 'REV']) },
}
