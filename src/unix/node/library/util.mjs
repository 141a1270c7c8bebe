/** node:util: above all inspect, which is what console.log shows of objects. */
export function util(module, exports, require, host) {
  const custom = Symbol.for('nodejs.util.inspect.custom')
  const COLORS = { number: [33, 39], bigint: [33, 39], boolean: [33, 39], string: [32, 39], symbol: [32, 39], undefined: [90, 39], null: [1, 22], date: [35, 39], regexp: [31, 39], special: [36, 39], module: [4, 24] }
  const paint = (context, kind, text) => context.colors ? `\x1b[${COLORS[kind][0]}m${text}\x1b[${COLORS[kind][1]}m` : text
  const quote = (text) => {
    const mark = !text.includes("'") ? "'" : !text.includes('"') ? '"' : !text.includes('`') && !text.includes('${') ? '`' : "'"
    const escaped = text.replace(/[\x00-\x1f\x7f\\]/g, (character) => ({ '\n': '\\n', '\t': '\\t', '\r': '\\r', '\b': '\\b', '\f': '\\f', '\v': '\\v', '\\': '\\\\' }[character] ?? `\\x${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`))
    return `${mark}${mark === "'" ? escaped.replaceAll("'", "\\'") : escaped}${mark}`
  }
  const isRecent = Number(/\d+/.exec(host.config.version)[0]) >= 24
  const keyText = (key) => typeof key === 'symbol' ? (isRecent ? key.toString() : `[${key.toString()}]`) : /^[a-zA-Z_][a-zA-Z_0-9]*$/.test(key) ? key : quote(key)
  const numberText = (number, context) => Object.is(number, -0) ? '-0' : context.numericSeparator ? String(number).replace(/\B(?=(\d{3})+$)/g, '_') : String(number)
  const primitive = (value, context) => {
    switch (typeof value) {
      case 'string': {
        if (value.length > context.maxStringLength) return `${paint(context, 'string', quote(value.slice(0, context.maxStringLength)))}... ${value.length - context.maxStringLength} more character${value.length - context.maxStringLength > 1 ? 's' : ''}`
        // Long texts with lines are shown line by line.
        if (!context.compactStrings && value.length > 16 && value.length > context.breakLength - context.indentation - 4 && value.includes('\n')) return value.split(/(?<=\n)/).map((line) => paint(context, 'string', quote(line))).join(` +\n${' '.repeat(context.indentation + 2)}`)
        return paint(context, 'string', quote(value))
      }
      case 'number': return paint(context, 'number', numberText(value, context))
      case 'bigint': return paint(context, 'bigint', `${value}n`)
      case 'boolean': return paint(context, 'boolean', String(value))
      case 'undefined': return paint(context, 'undefined', 'undefined')
      case 'symbol': return paint(context, 'symbol', value.toString())
      default: return paint(context, 'null', 'null')
    }
  }
  const constructorName = (value) => {
    for (let each = value; each !== null; each = Object.getPrototypeOf(each)) {
      const own = Object.getOwnPropertyDescriptor(each, 'constructor')
      if (own && typeof own.value === 'function' && own.value.name !== '') return own.value.name
    }
    return null
  }
  const keysOf = (value, context) => {
    const keys = context.showHidden ? Object.getOwnPropertyNames(value) : Object.keys(value)
    for (const symbol of Object.getOwnPropertySymbols(value)) if (context.showHidden || Object.prototype.propertyIsEnumerable.call(value, symbol)) keys.push(symbol)
    return keys
  }
  const prefixed = (value, name, fallback, size = '') => {
    const tag = value[Symbol.toStringTag]
    const shown = name === null ? `[${fallback}${size}: null prototype]` : `${name}${size}`
    return `${shown} ${typeof tag === 'string' && tag !== '' && tag !== name ? `[${tag}] ` : ''}`
  }
  const property = (value, key, context, depth, isList) => {
    const descriptor = Object.getOwnPropertyDescriptor(value, key) ?? { value: value[key], enumerable: true }
    let text
    if (descriptor.get) text = paint(context, 'special', descriptor.set ? '[Getter/Setter]' : '[Getter]')
    else if (descriptor.set) text = paint(context, 'special', '[Setter]')
    else {
      context.indentation += 2
      text = format(descriptor.value, context, depth + 1)
      context.indentation -= 2
    }
    if (isList) return text
    const name = descriptor.enumerable === false ? `[${String(key)}]` : typeof key === 'symbol' ? paint(context, 'symbol', keyText(key)) : /^[a-zA-Z_][a-zA-Z_0-9]*$/.test(key) ? key : paint(context, 'string', keyText(key))
    return `${name}: ${text}`
  }
  const functionBase = (value, name) => {
    const source = Function.prototype.toString.call(value)
    if (/^class\b/.test(source)) {
      const parent = Object.getPrototypeOf(value)?.name
      return `[class ${value.name === '' ? '(anonymous)' : value.name}${parent ? ` extends ${parent}` : ''}]`
    }
    const kind = { AsyncFunction: 'AsyncFunction', GeneratorFunction: 'GeneratorFunction', AsyncGeneratorFunction: 'AsyncGeneratorFunction' }[name] ?? 'Function'
    return `[${kind}${value.name === '' ? ' (anonymous)' : `: ${value.name}`}]`
  }
  const errorText = (error, context) => {
    let text = typeof error.stack === 'string' && error.stack !== '' ? error.stack : `[${Error.prototype.toString.call(error)}]`
    if (!/\n {4}at /.test(text) && !text.startsWith('[')) text = `[${text}]`
    const name = constructorName(error)
    // Classes that extend Error without a name of their own are shown by the class.
    if (name && name !== 'Error' && error.name === 'Error' && text.startsWith('Error') && !text.startsWith('Error [')) text = text.replace(/^Error/, name)
    return context.indentation > 0 ? text.replaceAll('\n', `\n${' '.repeat(context.indentation)}`) : text
  }
  const format = (value, context, depth = 0) => {
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return primitive(value, context)
    if (context.customInspect && typeof value[custom] === 'function' && value[custom] !== inspect) {
      const shown = value[custom](context.depth === null ? null : context.depth - depth, { ...context.options, stylize: (text) => text }, inspect)
      if (shown !== value) return typeof shown === 'string' ? shown.replaceAll('\n', `\n${' '.repeat(context.indentation)}`) : format(shown, context, depth)
    }
    if (context.seen.includes(value)) {
      if (!context.circular.has(value)) context.circular.set(value, context.circular.size + 1)
      return paint(context, 'special', `[Circular *${context.circular.get(value)}]`)
    }
    return formatObject(value, context, depth)
  }
  const formatObject = (value, context, depth) => {
    const name = constructorName(value)
    let keys = keysOf(value, context)
    let braces = ['{', '}']
    let base = ''
    let entries = () => []
    let isList = false
    if (Array.isArray(value)) {
      isList = true
      const prefix = name !== 'Array' ? prefixed(value, name, 'Array', `(${value.length})`) : ''
      braces = [`${prefix}[`, ']']
      keys = keys.filter((key) => typeof key === 'symbol' || !/^(?:0|[1-9]\d*)$/.test(key))
      if (value.length === 0 && keys.length === 0) return `${braces[0]}]`
      entries = () => listEntries(value, context, depth)
    } else if (value instanceof Set || value instanceof Map) {
      const isSet = value instanceof Set
      braces[0] = `${prefixed(value, name, isSet ? 'Set' : 'Map', `(${value.size})`)}{`
      if (value.size === 0 && keys.length === 0) return `${braces[0]}}`
      entries = () => {
        context.indentation += 2
        const all = isSet ? [...value].map((each) => format(each, context, depth + 1)) : [...value].map(([key, each]) => `${format(key, context, depth + 1)} => ${format(each, context, depth + 1)}`)
        context.indentation -= 2
        return cut(all, context, value.size)
      }
    } else if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
      isList = true
      keys = keys.filter((key) => typeof key === 'symbol' || !/^\d+$/.test(key))
      braces = [`${prefixed(value, name, 'TypedArray', `(${value.length})`)}[`, ']']
      if (value.length === 0 && keys.length === 0) return `${braces[0]}]`
      entries = () => cut([...value.slice(0, context.maxArrayLength)].map((each) => primitive(each, context)), context, value.length)
    } else if (typeof value === 'function') {
      base = functionBase(value, name)
      if (keys.length === 0) return paint(context, 'special', base)
    } else if (value instanceof RegExp) {
      base = paint(context, 'regexp', RegExp.prototype.toString.call(value))
      if (keys.length === 0) return base
    } else if (value instanceof Date) {
      base = paint(context, 'date', isNaN(value) ? 'Invalid Date' : value.toISOString())
      if (keys.length === 0) return base
    } else if (value instanceof Error) {
      base = errorText(value, context)
      keys = keys.filter((key) => key !== 'stack' && key !== 'message' && !(key === 'name' && base.includes(String(value.name))))
      if (Object.hasOwn(value, 'cause') && !keys.includes('cause')) keys.push('cause')
      if (Array.isArray(value.errors) && !keys.includes('errors')) keys.push('errors')
      if (keys.length === 0) return base
    } else if (value instanceof Promise) {
      braces[0] = `${prefixed(value, name, 'Promise')}{`
      const [state, result] = host.promiseState(value)
      entries = () => { if (state === 'pending') return [paint(context, 'special', '<pending>')]; context.indentation += 2; const shown = format(result, context, depth + 1); context.indentation -= 2; return [state === 'rejected' ? `${paint(context, 'special', '<rejected>')} ${shown}` : shown] }
    } else if (value instanceof WeakSet || value instanceof WeakMap) {
      braces[0] = `${prefixed(value, name, 'WeakSet')}{`
      entries = () => [paint(context, 'special', '<items unknown>')]
    } else if (value instanceof ArrayBuffer) {
      braces[0] = `${prefixed(value, name, 'ArrayBuffer')}{`
      entries = () => [`[Uint8Contents]: <${[...new Uint8Array(value)].slice(0, 50).map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}>`, `${isRecent ? '[byteLength]' : 'byteLength'}: ${paint(context, 'number', String(value.byteLength))}`]
    } else if (value instanceof Number || value instanceof String || value instanceof Boolean) {
      const plain = value.valueOf()
      base = paint(context, typeof plain, `[${name}: ${typeof plain === 'string' ? quote(plain) : String(plain)}]`)
      if (value instanceof String) keys = keys.filter((key) => !/^\d+$/.test(String(key)))
      if (keys.length === 0) return base
    } else if (Object.prototype.toString.call(value) === '[object Arguments]') {
      isList = true
      braces = ['[Arguments] [', ']']
      keys = keys.filter((key) => typeof key === 'symbol' || !/^\d+$/.test(key))
      if (value.length === 0) return '[Arguments] []'
      entries = () => listEntries([...value], context, depth)
    } else if (typeof value[Symbol.iterator] === 'function' && typeof value.next === 'function') {
      braces[0] = /^(?:Map|Set) /.test(value[Symbol.toStringTag]) ? `[${value[Symbol.toStringTag]}] {` : `Object [${value[Symbol.toStringTag] ?? 'Iterator'}] {`
      if (keys.length === 0) return `${braces[0]}}`
    } else {
      const tag = value[Symbol.toStringTag]
      if (name === 'Object' && (typeof tag !== 'string' || tag === '')) { if (keys.length === 0) return '{}' } else {
        braces[0] = `${prefixed(value, name, 'Object')}{`
        if (keys.length === 0) return `${braces[0]}}`
      }
    }
    if (context.depth !== null && depth > context.depth) {
      const shown = prefixed(value, name, Array.isArray(value) ? 'Array' : 'Object').trimEnd()
      return paint(context, 'special', Array.isArray(value) ? '[Array]' : `[${shown}]`)
    }
    context.seen.push(value)
    // The level of what was shown last: three levels of objects may share a line.
    context.currentDepth = depth
    const output = [...entries(), ...keys.map((key) => property(value, key, context, depth))]
    context.seen.pop()
    if (context.sorted) output.sort()
    if (context.circular.has(value)) {
      const reference = paint(context, 'special', `<ref *${context.circular.get(value)}>`)
      if (base === '') braces[0] = `${reference} ${braces[0]}`
      else base = `${reference} ${base}`
    }
    return reduced(output, base, braces, isList, context, depth, value)
  }
  const listEntries = (list, context, depth) => {
    const output = []
    const most = Math.min(context.maxArrayLength, list.length)
    for (let i = 0; i < list.length && output.length < most; i++) {
      if (Object.hasOwn(list, i)) { output.push(property(list, String(i), context, depth, true)); continue }
      let holes = 1
      while (i + 1 < list.length && !Object.hasOwn(list, i + 1)) { holes++; i++ }
      output.push(paint(context, 'undefined', `<${holes} empty item${holes > 1 ? 's' : ''}>`))
    }
    if (list.length > most) output.push(`... ${list.length - most} more item${list.length - most > 1 ? 's' : ''}`)
    return output
  }
  const cut = (all, context, length) => length > context.maxArrayLength ? [...all.slice(0, context.maxArrayLength), `... ${length - context.maxArrayLength} more item${length - context.maxArrayLength > 1 ? 's' : ''}`] : all
  const plainLength = (text, context) => context.colors ? text.replace(/\x1b\[\d+m/g, '').length : text.length
  /** Arrays of more than six short entries stand in columns. */
  const grouped = (output, context, value) => {
    let totalLength = 0
    let maxLength = 0
    let count = output.length
    if (value !== undefined && output.length > context.maxArrayLength) count--
    const lengths = []
    for (let i = 0; i < count; i++) {
      lengths[i] = plainLength(output[i], context)
      totalLength += lengths[i] + 2
      if (maxLength < lengths[i]) maxLength = lengths[i]
    }
    const actualMax = maxLength + 2
    if (!(actualMax * 3 + context.indentation < context.breakLength && (totalLength / actualMax > 5 || maxLength <= 6))) return output
    const bias = Math.max(actualMax - 3 - Math.sqrt(actualMax - totalLength / output.length), 1)
    const columns = Math.min(Math.round(Math.sqrt(2.5 * bias * count) / bias), Math.floor((context.breakLength - context.indentation) / actualMax), context.compact * 4, 15)
    if (columns <= 1) return output
    const widths = []
    for (let i = 0; i < columns; i++) {
      let width = 0
      for (let j = i; j < count; j += columns) if (lengths[j] > width) width = lengths[j]
      widths.push(width + 2)
    }
    const isNumeric = value !== undefined && [...value].slice(0, count).every((each) => typeof each === 'number' || typeof each === 'bigint')
    const rows = []
    for (let i = 0; i < count; i += columns) {
      const last = Math.min(i + columns, count)
      let row = ''
      let j = i
      for (; j < last - 1; j++) row += isNumeric ? `${' '.repeat(widths[j - i] - 2 - lengths[j])}${output[j]}, ` : `${output[j]}, ${' '.repeat(widths[j - i] - 2 - lengths[j])}`
      row += isNumeric ? `${' '.repeat(widths[j - i] - 2 - lengths[j])}${output[j]}` : output[j]
      rows.push(row)
    }
    return [...rows, ...output.slice(count)]
  }
  const reduced = (output, base, braces, isList, context, depth, value) => {
    const entryCount = output.length
    if (context.compact !== true) {
      if (isList && entryCount > 6) output = grouped(output, context, value)
      if (context.compact !== false && context.currentDepth - depth < context.compact && entryCount === output.length) {
        const start = output.length + context.indentation + braces[0].length + base.length + 10
        const total = output.reduce((sum, each) => sum + plainLength(each, context), output.length + start)
        if (total <= context.breakLength && !output.some((each) => each.includes('\n')) && !base.includes('\n')) return `${base ? `${base} ` : ''}${braces[0]} ${output.join(', ')} ${braces[1]}`
      }
    }
    const indentation = `\n${' '.repeat(context.indentation)}`
    return `${base ? `${base} ` : ''}${braces[0]}${indentation}  ${output.join(`,${indentation}  `)}${indentation}${braces[1]}`
  }
  const inspect = (value, options, ...legacy) => {
    if (typeof options === 'boolean' || options === undefined && legacy.length > 0) options = { showHidden: options, ...(legacy[0] !== undefined ? { depth: legacy[0] } : {}), ...(legacy[1] !== undefined ? { colors: legacy[1] } : {}) }
    const given = { ...inspect.defaultOptions, ...options }
    const context = { ...given, depth: given.depth === Infinity ? null : given.depth, maxArrayLength: given.maxArrayLength ?? Infinity, maxStringLength: given.maxStringLength ?? Infinity, options: given, indentation: 0, currentDepth: 0, seen: [], circular: new Map() }
    return format(value, context)
  }
  inspect.custom = custom
  inspect.defaultOptions = { showHidden: false, depth: 2, colors: false, customInspect: true, maxArrayLength: 100, maxStringLength: 10000, breakLength: 80, compact: 3, sorted: false, getters: false, numericSeparator: false }
  inspect.colors = { reset: [0, 0], bold: [1, 22], dim: [2, 22], italic: [3, 23], underline: [4, 24], inverse: [7, 27], black: [30, 39], red: [31, 39], green: [32, 39], yellow: [33, 39], blue: [34, 39], magenta: [35, 39], cyan: [36, 39], white: [37, 39], gray: [90, 39], grey: [90, 39], bgRed: [41, 49], bgGreen: [42, 49], bgYellow: [43, 49], bgBlue: [44, 49] }
  inspect.styles = {}

  const formatWithOptions = (options, ...args) => {
    const [first, ...rest] = args
    let text = ''
    let shown = 0
    if (typeof first === 'string') {
      shown = 1
      text = rest.length === 0 ? first : first.replace(/%[sdifjoOc%]/g, (sign) => {
        if (sign === '%%') return '%'
        if (shown >= args.length) return sign
        const value = args[shown++]
        switch (sign) {
          case '%s': return typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null || typeof value === 'string' || typeof value === 'symbol' ? Object.is(value, -0) ? '-0' : String(value) : typeof value === 'bigint' ? `${value}n` : (typeof value === 'object' || typeof value === 'function') && !hasOwnToString(value) ? inspect(value, { ...options, depth: 0, colors: false, compact: 3 }) : String(value)
          case '%d': return typeof value === 'bigint' ? `${value}n` : typeof value === 'symbol' || typeof value === 'object' ? 'NaN' : numberText(Number(value), {})
          case '%i': return typeof value === 'bigint' ? `${value}n` : typeof value === 'symbol' || typeof value === 'object' ? 'NaN' : String(parseInt(value, 10))
          case '%f': return typeof value === 'symbol' ? 'NaN' : String(parseFloat(value))
          case '%j': try { return JSON.stringify(value) } catch { return '[Circular]' }
          case '%o': return inspect(value, { ...options, showHidden: true, depth: 4 })
          case '%O': return inspect(value, options)
          default: return ''
        }
      })
    }
    for (let i = shown; i < args.length; i++) text += `${i > 0 ? ' ' : ''}${typeof args[i] === 'string' ? args[i] : inspect(args[i], options)}`
    return text
  }
  const hasOwnToString = (value) => {
    if (value instanceof Error || value instanceof Date) return true
    for (let each = value; each && each !== Object.prototype && each !== Function.prototype && each !== Array.prototype; each = Object.getPrototypeOf(each)) if (Object.hasOwn(each, 'toString')) return true
    return false
  }

  const promisified = Symbol.for('nodejs.util.promisify.custom')
  const promisify = (original) => {
    if (typeof original !== 'function') throw host.nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', `The "original" argument must be of type function. Received ${received(original)}`)
    if (original[promisified]) return original[promisified]
    if (original === setTimeout) return (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value))
    if (original === setImmediate) return (value) => new Promise((resolve) => setImmediate(resolve, value))
    return function (...args) { return new Promise((resolve, reject) => original.call(this, ...args, (error, ...values) => error ? reject(error) : resolve(values[0]))) }
  }
  promisify.custom = promisified
  /** What Node says that it got instead. */
  const received = (value) => {
    if (value === undefined || value === null) return String(value)
    if (typeof value === 'function') return `function ${value.name}`
    if (typeof value === 'object') return value.constructor?.name ? `an instance of ${value.constructor.name}` : inspect(value, { depth: -1 })
    const shown = inspect(value)
    return `type ${typeof value} (${shown.length > 28 ? `${shown.slice(0, 25)}...` : shown})`
  }
  const isDeepEqual = (a, b, strict = true) => {
    if (strict ? Object.is(a, b) : a == b || (a !== a && b !== b)) return true
    if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false
    if (strict && Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false
    if (Array.isArray(a) !== Array.isArray(b)) return false
    if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime()
    if (a instanceof RegExp && b instanceof RegExp) return String(a) === String(b)
    if (a instanceof Error && (a.message !== b.message || a.name !== b.name)) return false
    if (a instanceof Map && b instanceof Map) return a.size === b.size && [...a].every(([key, value]) => b.has(key) && isDeepEqual(value, b.get(key), strict))
    if (a instanceof Set && b instanceof Set) return a.size === b.size && [...a].every((value) => b.has(value) || [...b].some((other) => isDeepEqual(value, other, strict)))
    const keys = Object.keys(a)
    return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isDeepEqual(a[key], b[key], strict))
  }
  class TextEncoder {
    get encoding() { return 'utf-8' }
    encode(text = '') { return new Uint8Array(Buffer.from(String(text))) }
    encodeInto(text, target) { const bytes = Buffer.from(text).subarray(0, target.length); target.set(bytes); return { read: text.length, written: bytes.length } }
  }
  class TextDecoder {
    constructor(encoding = 'utf-8') { this.encoding = encoding; Object.defineProperty(this, 'inner', { value: new (require('string_decoder').StringDecoder)(/^utf-?16/i.test(encoding) ? 'utf16le' : /latin|8859|ascii/i.test(encoding) ? 'latin1' : 'utf8') }) }
    decode(bytes, { stream = false } = {}) {
      const text = bytes === undefined ? '' : this.inner.write(Buffer.from(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength))
      return (stream ? text : text + this.inner.end()).replace(/^\uFEFF/, '')
    }
  }
  const types = { isPromise: (value) => value instanceof Promise, isDate: (value) => value instanceof Date, isRegExp: (value) => value instanceof RegExp, isNativeError: (value) => value instanceof Error, isMap: (value) => value instanceof Map, isSet: (value) => value instanceof Set, isTypedArray: (value) => ArrayBuffer.isView(value) && !(value instanceof DataView), isUint8Array: (value) => value instanceof Uint8Array, isArrayBuffer: (value) => value instanceof ArrayBuffer, isAsyncFunction: (value) => typeof value === 'function' && value.constructor.name === 'AsyncFunction', isGeneratorFunction: (value) => typeof value === 'function' && value.constructor.name === 'GeneratorFunction', isProxy: () => false, isBoxedPrimitive: (value) => value instanceof Number || value instanceof String || value instanceof Boolean }
  const warned = new Set()
  module.exports = {
    inspect, formatWithOptions, promisify, types, TextEncoder, TextDecoder, received,
    format: (...args) => formatWithOptions({}, ...args),
    callbackify: (fn) => (...args) => { const callback = args.pop(); fn(...args).then((value) => process.nextTick(callback, null, value), (error) => process.nextTick(callback, error)) },
    inherits(child, parent) { Object.defineProperty(child, 'super_', { value: parent, writable: true, configurable: true }); Object.setPrototypeOf(child.prototype, parent.prototype) },
    deprecate: (fn, message, code) => function (...args) { if (!warned.has(code ?? message)) { warned.add(code ?? message); process.emitWarning(message, 'DeprecationWarning', code) } return fn.apply(this, args) },
    isDeepStrictEqual: (a, b) => isDeepEqual(a, b), isDeepEqual,
    debuglog: (section) => { const on = new RegExp(`\\b${section}\\b`, 'i').test(process.env.NODE_DEBUG ?? ''); return Object.assign((...args) => { if (on) process.stderr.write(`${section.toUpperCase()} ${process.pid}: ${formatWithOptions({}, ...args)}\n`) }, { enabled: on }) },
    stripVTControlCharacters: (text) => text.replace(/\x1b\[[0-9;]*[A-Za-z]/g, ''),
    styleText: (styles, text) => [styles].flat().reduceRight((shown, style) => `\x1b[${inspect.colors[style][0]}m${shown}\x1b[${inspect.colors[style][1]}m`, text),
    toUSVString: (text) => text.toWellFormed(), isArray: Array.isArray,
    parseEnv: (text) => Object.fromEntries([...text.matchAll(/^\s*(?:export\s+)?([\w.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^#\n]*))/gm)].map(([, key, double, single, plain]) => [key, double?.replaceAll('\\n', '\n') ?? single ?? plain.trim()])),
    parseArgs({ args = process.argv.slice(2), options = {}, allowPositionals = false, strict = true } = {}) {
      const values = Object.create(null)
      const positionals = []
      for (const [name, option] of Object.entries(options)) if (option.default !== undefined) values[name] = option.default
      for (let i = 0; i < args.length; i++) {
        const [, dashes, name, value] = /^(--?)([^=]+)(?:=(.*))?$/s.exec(args[i]) ?? []
        if (name === undefined) {
          if (!allowPositionals && strict) throw host.nodeError(TypeError, 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL', `Unexpected argument '${args[i]}'. This command does not take positional arguments`)
          positionals.push(args[i])
          continue
        }
        const [long, option] = dashes === '--' ? [name, options[name]] : Object.entries(options).find(([, each]) => each.short === name) ?? [name, undefined]
        if (!option && strict) throw host.nodeError(TypeError, 'ERR_PARSE_ARGS_UNKNOWN_OPTION', `Unknown option '${dashes}${name}'`)
        const given = option?.type === 'string' ? value ?? args[++i] : true
        values[long] = option?.multiple ? [...values[long] ?? [], given] : given
      }
      return { values, positionals }
    },
    aborted: () => new Promise(() => {}), getSystemErrorName: (number) => String(number),
  }
}

/** node:string_decoder. */
export function string_decoder(module) {
  class StringDecoder {
    constructor(encoding = 'utf8') {
      this.encoding = encoding
      Object.defineProperty(this, 'held', { value: Buffer.alloc(0), writable: true })
    }
    write(chunk) {
      if (typeof chunk === 'string') return chunk
      const all = this.held.length > 0 ? Buffer.concat([this.held, chunk]) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
      let whole = all.length
      if (/^utf-?8$/i.test(this.encoding)) {
        // A character may be cut between two chunks.
        for (let back = 1; back <= Math.min(3, all.length); back++) {
          const byte = all[all.length - back]
          if ((byte & 0xc0) === 0x80) continue
          const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
          if (length > back) whole = all.length - back
          break
        }
      } else if (/^base64/.test(this.encoding)) whole -= whole % 3
      else if (/16|ucs/.test(this.encoding)) whole -= whole % 2
      this.held = all.subarray(whole)
      return all.toString(this.encoding, 0, whole)
    }
    end(chunk) {
      const text = (chunk ? this.write(chunk) : '') + this.held.toString(this.encoding)
      this.held = Buffer.alloc(0)
      return text
    }
  }
  module.exports = { StringDecoder }
}
