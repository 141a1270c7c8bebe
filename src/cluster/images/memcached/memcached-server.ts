import { BrokenPipeError } from '../../../base/streams.ts'
import { errorText } from '../../../unix/errno.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc, Program, TcpSocket } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'

interface Item {
  flags: string
  /** One character a byte. */
  data: string
  cas: bigint
  /** Milliseconds of the clock; undefined: never. */
  expiresMs: number | undefined
}

const MAX_KEY = 250
const MAX_ITEM_BYTES = 2 ** 20
/** Longer times are dates, as the protocol has it. */
const RELATIVE_SECONDS = 30 * 24 * 3600

/** memcached of one version: the text protocol over TCP; everything is forgotten when it ends. */
// @k8s part: memcached: the text protocol's older commands over TCP; the meta and binary protocols, SASL, TLS, UDP, and eviction when memory is full are missing; of the options -p is followed, -U, -m, -c, -t, -u, -v, -I and -o are accepted without effect
export const memcached = (version: string): Program => async (proc) => {
  const args = proc.argv.slice(1)
  let port = 11_211
  for (let i = 0; i < args.length; i++) {
    const [, name, joined] = /^-(-?[A-Za-z][\w-]*?)(?:=(.*)|(\d+\w*))?$/.exec(args[i]!) ?? []
    if (name === 'V' || name === '-version') { await proc.stdout.write(`memcached ${version}\n`); return 0 }
    if (name === undefined || !/^(?:p|-port|U|-udp-port|m|-memory-limit|c|-conn-limit|t|-threads|u|-user|v+|I|-max-item-size|o|-extended)$/.test(name)) {
      await proc.stderr.write(`memcached: option ${args[i]} is not supported here\n`)
      return 1
    }
    if (/^v+$/.test(name)) continue
    const value = joined ?? /\d+\w*$/.exec(args[i]!)?.[0] ?? args[++i]
    if (name === 'p' || name === '-port') port = Number(value)
  }
  const server = new Server(proc, version)
  try {
    proc.net.listenTcp(port, (socket) => { server.serve(socket).catch((error: unknown) => { if (!(error instanceof BrokenPipeError || error instanceof UnixError)) throw error }) })
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    await proc.stderr.write(`failed to listen on TCP port ${port}: ${errorText(error)}\n`)
    return 71
  }
  proc.useMemory(2 * 2 ** 20)
  const signal = await proc.signal('SIGTERM', 'SIGINT')
  await proc.stdout.write(`Signal handled: ${signal === 'SIGINT' ? 'Interrupt' : 'Terminated'}.\n`)
  return 0
}

class Server {
  readonly #proc: Proc
  readonly #version: string
  readonly #items = new Map<string, Item>()
  readonly #startedMs: number
  readonly #counts = { curr_connections: 0, total_connections: 0, cmd_get: 0, cmd_set: 0, cmd_flush: 0, cmd_touch: 0, get_hits: 0, get_misses: 0, get_expired: 0, delete_misses: 0, delete_hits: 0, incr_misses: 0, incr_hits: 0, decr_misses: 0, decr_hits: 0, total_items: 0 }
  #lastCas = 0n

  constructor(proc: Proc, version: string) {
    this.#proc = proc
    this.#version = version
    this.#startedMs = proc.clock.nowMs()
  }

  /** Answers a client until it leaves. */
  async serve(socket: TcpSocket): Promise<void> {
    this.#counts.curr_connections += 1
    this.#counts.total_connections += 1
    let pending = ''
    try {
      for (let chunk = await socket.reader.read(); chunk; chunk = await socket.reader.read()) {
        pending += Array.from(chunk, (byte) => String.fromCharCode(byte)).join('')
        for (;;) {
          const end = pending.indexOf('\n')
          if (end < 0) break
          const words = pending.slice(0, end).replace(/\r$/, '').split(' ').filter((word) => word !== '')
          let data: string | undefined
          let next = end + 1
          const bytes = dataBytes(words)
          if (bytes !== undefined) {
            if (pending.length < next + bytes + 2) break
            data = pending.slice(next, next + bytes)
            const isWhole = pending.startsWith('\r\n', next + bytes)
            next += bytes + 2
            if (!isWhole) { pending = pending.slice(next); await this.#say(socket, 'CLIENT_ERROR bad data chunk\r\n'); continue }
          }
          pending = pending.slice(next)
          if (words[0] === 'quit') return
          const answer = this.#answer(words, data)
          if (words.at(-1) !== 'noreply') await this.#say(socket, answer)
          await this.#proc.clock.breathe()
        }
      }
    } finally {
      this.#counts.curr_connections -= 1
      socket.writer.close()
    }
  }

  #say(socket: TcpSocket, text: string): Promise<void> {
    return socket.writer.write(Uint8Array.from(text, (sign) => sign.charCodeAt(0)))
  }

  #find(key: string): Item | undefined {
    const item = this.#items.get(key)
    if (item?.expiresMs === undefined || item.expiresMs > this.#proc.clock.nowMs()) return item
    this.#items.delete(key)
    this.#counts.get_expired += 1
    return undefined
  }

  #expiry(text: string): number | undefined {
    const seconds = Number(text)
    if (seconds === 0) return undefined
    const nowMs = this.#proc.clock.nowMs()
    return seconds < 0 ? nowMs : seconds > RELATIVE_SECONDS ? seconds * 1000 : nowMs + seconds * 1000
  }

  #answer(words: readonly string[], data: string | undefined): string {
    const [command, key, ...rest] = words
    const counts = this.#counts
    if (key !== undefined && key.length > MAX_KEY) return 'CLIENT_ERROR bad command line format\r\n'
    switch (command) {
      case 'get': case 'gets': case 'gat': case 'gats': {
        const touches = command.startsWith('gat')
        const keys = touches ? rest : [key, ...rest].filter((each) => each !== undefined)
        if (key === undefined || keys.length === 0) return 'ERROR\r\n'
        let out = ''
        for (const each of keys) {
          counts.cmd_get += 1
          const item = this.#find(each)
          if (!item) { counts.get_misses += 1; continue }
          counts.get_hits += 1
          if (touches) item.expiresMs = this.#expiry(key)
          out += `VALUE ${each} ${item.flags} ${item.data.length}${command.endsWith('s') ? ` ${item.cas}` : ''}\r\n${item.data}\r\n`
        }
        return `${out}END\r\n`
      }
      case 'set': case 'add': case 'replace': case 'append': case 'prepend': case 'cas': {
        if (data === undefined) return key === undefined || rest.length < 3 ? 'ERROR\r\n' : 'CLIENT_ERROR bad command line format\r\n'
        if (data.length > MAX_ITEM_BYTES) return 'SERVER_ERROR object too large for cache\r\n'
        counts.cmd_set += 1
        const before = this.#find(key!)
        if (command === 'cas' && !before) return 'NOT_FOUND\r\n'
        if (command === 'cas' && before!.cas !== BigInt(/^\d+$/.test(rest[3] ?? '') ? rest[3]! : -1)) return 'EXISTS\r\n'
        if (command === 'add' ? before !== undefined : ['replace', 'append', 'prepend'].includes(command) && !before) return 'NOT_STORED\r\n'
        const isJoin = command === 'append' || command === 'prepend'
        this.#items.set(key!, { flags: isJoin ? before!.flags : rest[0]!, data: command === 'append' ? before!.data + data : command === 'prepend' ? data + before!.data : data, cas: ++this.#lastCas, expiresMs: isJoin ? before!.expiresMs : this.#expiry(rest[1]!) })
        counts.total_items += 1
        return 'STORED\r\n'
      }
      case 'delete': {
        if (key === undefined) return 'ERROR\r\n'
        const isThere = this.#find(key) !== undefined && this.#items.delete(key)
        counts[isThere ? 'delete_hits' : 'delete_misses'] += 1
        return isThere ? 'DELETED\r\n' : 'NOT_FOUND\r\n'
      }
      case 'incr': case 'decr': {
        if (key === undefined || rest[0] === undefined) return 'ERROR\r\n'
        if (!/^\d+$/.test(rest[0])) return 'CLIENT_ERROR invalid numeric delta argument\r\n'
        const item = this.#find(key)
        counts[`${command}_${item ? 'hits' : 'misses'}`] += 1
        if (!item) return 'NOT_FOUND\r\n'
        if (!/^\d+ *$/.test(item.data)) return 'CLIENT_ERROR cannot increment or decrement non-numeric value\r\n'
        const value = BigInt(item.data.trim())
        const by = BigInt(rest[0])
        item.data = String(command === 'incr' ? BigInt.asUintN(64, value + by) : value > by ? value - by : 0n)
        item.cas = ++this.#lastCas
        return `${item.data}\r\n`
      }
      case 'touch': {
        if (key === undefined || rest[0] === undefined) return 'ERROR\r\n'
        counts.cmd_touch += 1
        const item = this.#find(key)
        if (!item) return 'NOT_FOUND\r\n'
        item.expiresMs = this.#expiry(rest[0])
        return 'TOUCHED\r\n'
      }
      case 'flush_all': counts.cmd_flush += 1; this.#items.clear(); return 'OK\r\n'
      case 'verbosity': return 'OK\r\n'
      case 'version': return `VERSION ${this.#version}\r\n`
      case 'stats': return key === undefined ? this.#stats() : 'END\r\n'
      default: return 'ERROR\r\n'
    }
  }

  #stats(): string {
    const nowMs = this.#proc.clock.nowMs()
    const bytes = [...this.#items].reduce((sum, [key, { data }]) => sum + key.length + data.length, 0)
    const shown = { pid: this.#proc.pid, uptime: Math.floor((nowMs - this.#startedMs) / 1000), time: formatDate('%s', nowMs), version: this.#version, pointer_size: 64, ...this.#counts, bytes, curr_items: this.#items.size }
    return `${Object.entries(shown).map(([name, value]) => `STAT ${name} ${value}\r\n`).join('')}END\r\n`
  }
}

/** How many bytes follow a command's line; undefined for commands without data. */
function dataBytes([command, , , , bytes]: readonly string[]): number | undefined {
  return ['set', 'add', 'replace', 'append', 'prepend', 'cas'].includes(command ?? '') && /^\d+$/.test(bytes ?? '') ? Number(bytes) : undefined
}
