const BEST_WIDTH = 80

/**
 * YAML as kubectl prints it: sorted keys, two blanks, lists flush with their key, long texts folded at 80 columns.
 * k8s: sigs.k8s.io/yaml over go.yaml.in/yaml/v2
 */
export function printYaml(value: unknown, options: { sortKeys?: boolean } = {}): string {
  const emitter = new Emitter(options.sortKeys ?? true)
  emitter.node(value, 0, 'root')
  return emitter.text
}

class Emitter {
  readonly #sort: boolean
  readonly #parts: string[] = []
  /** Characters since the last line break. */
  #column = 0

  constructor(sort: boolean) { this.#sort = sort }

  get text(): string {
    return this.#parts.join('')
  }

  #put(text: string): void {
    this.#parts.push(text)
    const at = text.lastIndexOf('\n')
    this.#column = at < 0 ? this.#column + text.length : text.length - at - 1
  }

  node(value: unknown, indent: number, context: 'root' | 'value' | 'item'): void {
    if (Array.isArray(value)) {
      if (value.length === 0) { this.#lead(context); this.#put('[]\n'); return }
      if (context === 'value') this.#put('\n')
      value.forEach((item, i) => {
        if (!(context === 'item' && i === 0)) this.#put(' '.repeat(indent))
        else this.#put(' ')
        this.#put('-')
        this.node(item, indent + 2, 'item')
      })
      return
    }
    if (value !== null && typeof value === 'object') {
      const keys = Object.keys(value).filter((k) => (value as Record<string, unknown>)[k] !== undefined)
      if (keys.length === 0) { this.#lead(context); this.#put('{}\n'); return }
      if (this.#sort) keys.sort(compareYamlKeys)
      if (context === 'value') this.#put('\n')
      keys.forEach((key, i) => {
        if (context === 'item' && i === 0) this.#put(' ')
        else this.#put(' '.repeat(indent))
        const child = (value as Record<string, unknown>)[key]
        const keyText = scalarText(key, 0, indent, true)
        const simple = key.length <= 128 && !key.includes('\n')
        if (simple) this.#put(`${keyText}:`)
        else this.#put(`? ${keyText}\n${' '.repeat(indent)}:`)
        // A list below a key stays flush with it; a map goes deeper.
        if (Array.isArray(child) && child.length > 0) this.node(child, indent, 'value')
        else this.node(child, indent + 2, 'value')
      })
      return
    }
    this.#lead(context)
    this.#put(typeof value === 'string' ? scalarText(value, this.#column, context === 'root' ? 2 : indent, false) : plainText(value))
    if (this.#column > 0 || typeof value !== 'string' || !isBlock(value)) this.#put('\n')
  }

  #lead(context: 'root' | 'value' | 'item'): void {
    if (context !== 'root') this.#put(' ')
  }
}

function plainText(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'number') return goNumber(value)
  return String(value)
}

/** A JSON number as Go prints it after YAML conversion. */
function goNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return String(value)
  // Fractions have an exponent from a million on. Go strconv.FormatFloat 'g'
  const text = Math.abs(value) >= 1e6 && Math.abs(value) < 1e21 ? value.toExponential() : String(value)
  return text.replace(/e([+-])(\d)$/, 'e$10$2')
}

interface Analysis { multiline: boolean; plain: boolean; single: boolean; block: boolean }

const isBreak = (c: string) => c === '\n' || c === '\r' || c === '\u0085' || c === '\u2028' || c === '\u2029'
function isPrintable(code: number): boolean {
  return code === 0x0a || (code >= 0x20 && code <= 0x7e) || (code >= 0xa0 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0xfffd && code !== 0xfeff) || code >= 0x10000
}

/** libyaml: yaml_emitter_analyze_scalar */
function analyse(text: string): Analysis {
  if (text === '') return { multiline: false, plain: true, single: true, block: false }
  let blockIndicators = text.startsWith('---') || text.startsWith('...')
  let lineBreaks = false, special = false, leadingSpace = false, leadingBreak = false, trailingSpace = false, trailingBreak = false
  let breakSpace = false, spaceBreak = false, previousSpace = false, previousBreak = false, precededByBlank = true
  const chars = [...text]
  chars.forEach((c, i) => {
    const next = chars[i + 1]
    const followedByBlank = next === undefined || next === ' ' || next === '\t'
    if (i === 0) {
      if ('#,[]{}&*!|>\'"%@`'.includes(c)) blockIndicators = true
      else if ((c === '?' || c === ':' || c === '-') && followedByBlank) blockIndicators = true
    } else if (c === ':' && followedByBlank) blockIndicators = true
    else if (c === '#' && precededByBlank) blockIndicators = true
    if (!isPrintable(c.codePointAt(0)!)) special = true
    if (c === ' ') {
      if (i === 0) leadingSpace = true
      if (i === chars.length - 1) trailingSpace = true
      if (previousBreak) breakSpace = true
      previousSpace = true
      previousBreak = false
    } else if (isBreak(c)) {
      lineBreaks = true
      if (i === 0) leadingBreak = true
      if (i === chars.length - 1) trailingBreak = true
      if (previousSpace) spaceBreak = true
      previousSpace = false
      previousBreak = true
    } else previousSpace = previousBreak = false
    precededByBlank = c === ' ' || c === '\t' || isBreak(c)
  })
  return {
    multiline: lineBreaks,
    plain: !(leadingSpace || leadingBreak || trailingSpace || trailingBreak || breakSpace || spaceBreak || special || lineBreaks || blockIndicators),
    single: !(breakSpace || spaceBreak || special),
    block: !(trailingSpace || spaceBreak || special),
  }
}

const isBlock = (text: string) => text.includes('\n') && analyse(text).block

/** What needs no second look, as most names do. */
const SIMPLE = /^[A-Za-z][A-Za-z0-9_./-]*$/

function scalarText(text: string, column: number, indent: number, isKey: boolean): string {
  if (SIMPLE.test(text) && !WORDS.has(text)) return text
  const a = analyse(text)
  if (text.includes('\n') && !isKey) return a.block ? literal(text, indent) : doubleQuoted(text, column, indent, true)
  if (isKey && a.multiline) return doubleQuoted(text, column, indent, false)
  if (resolvesToOther(text)) return doubleQuoted(text, column, indent, !isKey)
  if (text === '' && isKey) return "''"
  if (a.plain && text !== '') return fold(text, column, indent, !isKey, false)
  if (a.single) return `'${fold(text.replaceAll("'", "''"), column + 1, indent, !isKey, true)}'`
  return doubleQuoted(text, column, indent, !isKey)
}

function literal(text: string, indent: number): string {
  const hint = text[0] === ' ' || isBreak(text[0]!) ? '2' : ''
  const chomp = !isBreak(text[text.length - 1]!) ? '-' : text.length === 1 || isBreak(text[text.length - 2]!) ? '+' : ''
  const pad = ' '.repeat(indent)
  const body = text.endsWith('\n') ? text.slice(0, -1) : text
  return `|${hint}${chomp}\n${body.split('\n').map((l) => l === '' ? '' : pad + l).join('\n')}\n`
}

/** Breaks at single blanks beyond the best width. */
function fold(text: string, column: number, indent: number, allowed: boolean, quoted: boolean): string {
  if (!allowed || column + text.length <= BEST_WIDTH) return text
  let out = ''
  let at = column
  let spaces = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (c === ' ') {
      if (!spaces && at > BEST_WIDTH && text[i + 1] !== ' ' && (!quoted || (i > 0 && i < text.length - 1))) {
        out += '\n' + ' '.repeat(indent)
        at = indent
      } else { out += c; at++ }
      spaces = true
    } else {
      out += c
      if (c < '\udc00' || c > '\udfff') at++
      spaces = false
    }
  }
  return out
}

const ESCAPES: Record<string, string> = {
  '\0': '0', '\x07': 'a', '\b': 'b', '\t': 't', '\n': 'n', '\v': 'v', '\f': 'f', '\r': 'r', '\x1b': 'e', '"': '"', '\\': '\\', '\u0085': 'N', '\u00a0': '_', '\u2028': 'L', '\u2029': 'P',
}

function doubleQuoted(text: string, column: number, indent: number, allowBreaks: boolean): string {
  let out = '"'
  let at = column + 1
  let spaces = false
  const chars = [...text]
  const put = (s: string) => { out += s; at += s.length }
  chars.forEach((c, i) => {
    const code = c.codePointAt(0)!
    if (!isPrintable(code) || c === '\ufeff' || isBreak(c) || c === '"' || c === '\\') {
      const known = ESCAPES[c]
      const hex = code.toString(16).toUpperCase()
      put('\\' + (known ?? (code <= 0xff ? 'x' + hex.padStart(2, '0') : code <= 0xffff ? 'u' + hex.padStart(4, '0') : 'U' + hex.padStart(8, '0'))))
      spaces = false
    } else if (c === ' ') {
      if (allowBreaks && !spaces && at > BEST_WIDTH && i > 0 && i < chars.length - 1) {
        out += '\n' + ' '.repeat(indent)
        at = indent
        if (chars[i + 1] === ' ') put('\\')
      } else put(c)
      spaces = true
    } else { out += c; at++; spaces = false }
  })
  return out + '"'
}

const WORDS = new Set(['', '~', 'null', 'Null', 'NULL', 'true', 'True', 'TRUE', 'false', 'False', 'FALSE', 'y', 'Y', 'yes', 'Yes', 'YES', 'n', 'N', 'no', 'No', 'NO', 'on', 'On', 'ON', 'off', 'Off', 'OFF',
  '.nan', '.NaN', '.NAN', '.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF', '-.inf', '-.Inf', '-.INF', '<<'])

/** Whether the text, written plainly, would be read as something else than a text. go-yaml v2: resolve, isBase60Float */
function resolvesToOther(text: string): boolean {
  if (WORDS.has(text)) return true
  if (!/^[-+.0-9]/.test(text)) return false
  if (/^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/.test(text)) return true
  if (text[0] === '.') return /^\.\d+([eE][-+]?\d+)?$/.test(text)
  if (/^\d{4}-\d{1,2}-\d{1,2}([Tt]\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?(Z|[-+]\d\d:\d\d)| \d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?)?$/.test(text)) return true
  const plain = text.replaceAll('_', '')
  return /^[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]*|[1-9]\d*)$/.test(plain) || /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(plain)
}

const isLetter = (c: string) => c < '\x80' ? (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') : /\p{L}/u.test(c)
const isDigit = (c: string | undefined) => c !== undefined && c >= '0' && c <= '9'

/** Letters after other characters, numbers by value. go-yaml v2: keyList.Less */
export function compareYamlKeys(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const x = a[i]!, y = b[i]!
    if (x === y) continue
    const xl = isLetter(x), yl = isLetter(y)
    if (xl && yl) return x < y ? -1 : 1
    if (xl || yl) return yl ? -1 : 1
    let start = 0
    if (x === '0' || y === '0')
      for (let j = i - 1; j >= 0 && isDigit(a[j]); j--) if (a[j] !== '0') { start = 1; break }
    let an = start, bn = start, ai = i, bi = i
    for (; isDigit(a[ai]); ai++) an = an * 10 + Number(a[ai])
    for (; isDigit(b[bi]); bi++) bn = bn * 10 + Number(b[bi])
    if (an !== bn) return an - bn
    if (ai !== bi) return ai - bi
    return x < y ? -1 : 1
  }
  return a.length - b.length
}
