/** node:buffer. */
export function buffer(module, exports, require, host) {
  const ENCODINGS = { utf8: 'utf8', 'utf-8': 'utf8', hex: 'hex', base64: 'base64', base64url: 'base64url', ascii: 'latin1', latin1: 'latin1', binary: 'latin1', ucs2: 'utf16le', 'ucs-2': 'utf16le', utf16le: 'utf16le', 'utf-16le': 'utf16le', buffer: 'utf8' }
  const encodingOf = (name) => {
    const encoding = ENCODINGS[String(name ?? 'utf8').toLowerCase()]
    if (!encoding) throw host.nodeError(TypeError, 'ERR_UNKNOWN_ENCODING', `Unknown encoding: ${name}`)
    return encoding
  }
  const view = (array) => Object.setPrototypeOf(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), Buffer.prototype)
  function Buffer(value, encodingOrOffset, length) {
    if (typeof value === 'number') return Buffer.alloc(value)
    return Buffer.from(value, encodingOrOffset, length)
  }
  Object.setPrototypeOf(Buffer, Uint8Array)
  Buffer.prototype = Object.create(Uint8Array.prototype, { constructor: { value: Buffer, writable: true, configurable: true } })
  Object.defineProperty(Buffer, 'name', { value: 'Buffer' })
  Object.defineProperty(Buffer, Symbol.species, { get: () => Buffer })
  const numbers = {}
  for (const [suffix, method, size] of [['Int8', 'Int8', 1], ['UInt8', 'Uint8', 1], ['Int16', 'Int16', 2], ['UInt16', 'Uint16', 2], ['Int32', 'Int32', 4], ['UInt32', 'Uint32', 4], ['BigInt64', 'BigInt64', 8], ['BigUInt64', 'BigUint64', 8], ['Float', 'Float32', 4], ['Double', 'Float64', 8]]) {
    for (const [order, little] of size === 1 ? [['', true]] : [['LE', true], ['BE', false]]) {
      const at = (self, offset) => { if (offset < 0 || offset + size > self.length) throw host.nodeError(RangeError, 'ERR_OUT_OF_RANGE', `The value of "offset" is out of range. It must be >= 0 and <= ${self.length - size}. Received ${offset}`); return new DataView(self.buffer, self.byteOffset, self.byteLength) }
      for (const name of new Set([suffix, suffix.replace('UInt', 'Uint')])) {
        numbers[`read${name}${order}`] = function (offset = 0) { return at(this, offset)[`get${method}`](offset, little) }
        numbers[`write${name}${order}`] = function (value, offset = 0) { at(this, offset)[`set${method}`](offset, value, little); return offset + size }
      }
    }
  }
  const methods = {
    toString(encoding, start = 0, end = this.length) {
      const from = Math.max(0, start)
      const to = Math.min(end, this.length)
      return to <= from ? '' : host.call('toText', new Uint8Array(this.buffer, this.byteOffset + from, to - from), encodingOf(encoding))
    },
    toLocaleString(...args) { return this.toString(...args) },
    toJSON() { return { type: 'Buffer', data: [...this] } },
    equals(other) { return Buffer.compare(this, other) === 0 },
    compare(other) { return Buffer.compare(this, other) },
    write(text, offset = 0, length, encoding) {
      if (typeof offset === 'string') [offset, encoding] = [0, offset]
      if (typeof length === 'string') [length, encoding] = [undefined, length]
      const bytes = Buffer.from(text, encoding).subarray(0, Math.min(length ?? Infinity, this.length - offset))
      this.set(bytes, offset)
      return bytes.length
    },
    slice(start, end) { return this.subarray(start, end) },
    subarray(start, end) { return view(Uint8Array.prototype.subarray.call(new Uint8Array(this.buffer, this.byteOffset, this.byteLength), start, end)) },
    copy(target, targetStart = 0, start = 0, end = this.length) {
      const part = this.subarray(start, Math.min(end, start + target.length - targetStart))
      target.set(part, targetStart)
      return part.length
    },
    fill(value, start = 0, end = this.length, encoding) {
      if (typeof start === 'string') [start, encoding, end] = [0, start, this.length]
      const bytes = typeof value === 'number' ? [value & 255] : typeof value === 'string' ? Buffer.from(value, encoding) : value
      for (let i = start; i < end; i++) this[i] = bytes.length > 0 ? bytes[(i - start) % bytes.length] : 0
      return this
    },
    indexOf(value, from = 0, encoding) {
      if (typeof value === 'number') return Uint8Array.prototype.indexOf.call(this, value, from)
      const bytes = typeof value === 'string' ? Buffer.from(value, encoding) : value
      outer: for (let i = from < 0 ? Math.max(0, this.length + from) : from; i <= this.length - bytes.length; i++) {
        for (let j = 0; j < bytes.length; j++) if (this[i + j] !== bytes[j]) continue outer
        return i
      }
      return -1
    },
    includes(value, from, encoding) { return this.indexOf(value, from, encoding) >= 0 },
    swap16() { for (let i = 0; i + 1 < this.length; i += 2) [this[i], this[i + 1]] = [this[i + 1], this[i]]; return this },
    readUIntBE(offset, length) { let value = 0; for (let i = 0; i < length; i++) value = value * 256 + this[offset + i]; return value },
    readUIntLE(offset, length) { let value = 0; for (let i = length - 1; i >= 0; i--) value = value * 256 + this[offset + i]; return value },
    ...numbers,
    [Symbol.for('nodejs.util.inspect.custom')]() {
      const shown = [...Uint8Array.prototype.subarray.call(new Uint8Array(this.buffer, this.byteOffset, this.length), 0, 50)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
      return `<Buffer${shown ? ` ${shown}` : ''}${this.length > 50 ? ` ... ${this.length - 50} more byte${this.length > 51 ? 's' : ''}` : ''}>`
    },
  }
  for (const key of Reflect.ownKeys(methods)) Object.defineProperty(Buffer.prototype, key, { value: methods[key], writable: true, configurable: true, enumerable: false })
  Object.defineProperty(Buffer.prototype, 'parent', { get() { return this.buffer }, enumerable: false })
  Object.assign(Buffer, {
    poolSize: 8192,
    from(value, encodingOrOffset, length) {
      if (typeof value === 'string') return view(host.call('toBytes', value, encodingOf(encodingOrOffset)))
      if (value instanceof ArrayBuffer) return view(new Uint8Array(value, encodingOrOffset, length))
      if (value?.type === 'Buffer' && Array.isArray(value.data)) return view(Uint8Array.from(value.data))
      if (ArrayBuffer.isView(value) || Array.isArray(value) || (value !== null && typeof value === 'object' && typeof value.length === 'number')) return view(Uint8Array.from(value, (byte) => byte & 255))
      const plain = value?.valueOf?.()
      if (plain !== undefined && plain !== null && plain !== value) return Buffer.from(plain, encodingOrOffset, length)
      throw host.nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', `The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object. Received ${require('util').received(value)}`)
    },
    alloc(size, fill, encoding) { const made = view(new Uint8Array(size)); return fill === undefined ? made : made.fill(fill, 0, size, encoding) },
    allocUnsafe: (size) => view(new Uint8Array(size)),
    allocUnsafeSlow: (size) => view(new Uint8Array(size)),
    isBuffer: (value) => value instanceof Buffer,
    isEncoding: (name) => typeof name === 'string' && name.toLowerCase() in ENCODINGS,
    byteLength: (value, encoding) => typeof value === 'string' ? Buffer.from(value, encoding).length : value.byteLength,
    concat(list, length = list.reduce((sum, each) => sum + each.length, 0)) {
      const all = Buffer.alloc(length)
      let at = 0
      for (const each of list) { if (at >= length) break; all.set(each.length > length - at ? each.subarray(0, length - at) : each, at); at += each.length }
      return all
    },
    compare(a, b) {
      for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1
      return Math.sign(a.length - b.length)
    },
  })
  class Blob {
    constructor(parts = [], { type = '' } = {}) { Object.defineProperty(this, 'bytes', { value: Buffer.concat(parts.map((part) => part instanceof Blob ? part.bytes : Buffer.from(part))) }); this.type = type; this.size = this.bytes.length }
    async text() { return this.bytes.toString() }
    async arrayBuffer() { return this.bytes.buffer.slice(this.bytes.byteOffset, this.bytes.byteOffset + this.bytes.length) }
  }
  module.exports = { Buffer, Blob, constants: { MAX_LENGTH: 2 ** 33 }, kMaxLength: 2 ** 33, atob: (text) => Buffer.from(String(text), 'base64').toString('latin1'), btoa: (text) => Buffer.from(String(text), 'latin1').toString('base64') }
}
