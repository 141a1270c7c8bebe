import { GoInt, isGoMap, setOwn } from '../../../cluster/kinds/go-template/values.ts'
import type { GoMap } from '../../../cluster/kinds/go-template/values.ts'

const MAX_INDEX = 65_536
const MAX_LEVEL = 30

/** The end of the text was reached. */
class Ended extends Error {}

/** Makes a value of what stands behind `=`. */
export type ReadValue = (text: string) => unknown

/** `--set`: truth values, null and whole numbers are told from texts. k8s: strvals typedVal */
export const typedValue: ReadValue = (text) => {
  const lower = text.toLowerCase()
  if (lower === 'true') return true
  if (lower === 'false') return false
  if (lower === 'null') return null
  if (text === '0') return new GoInt(0, 'int64')
  if (/^[+-]?[1-9]\d*$/.test(text) && BigInt(text.replace(/^\+/, '')) <= 0x7fff_ffff_ffff_ffffn && BigInt(text.replace(/^\+/, '')) >= -0x8000_0000_0000_0000n) return new GoInt(Number(text), 'int64')
  if (/^[+-]0\d*$/.test(text)) return new GoInt(Number(text), 'int64')
  return text
}

/** `--set-string` */
export const textValue: ReadValue = (text) => text

/**
 * Puts `name1=value1,name2.inner=value2,list[0]=x` into values. k8s: strvals.ParseInto
 * @param read makes the values; undefined: they are JSON
 * @throws Error in Helm's words
 */
export function setValues(text: string, into: GoMap, read: ReadValue | undefined): void {
  const parser = new SetParser(text, read)
  try {
    for (;;) parser.key(into, 0)
  } catch (error) {
    if (!(error instanceof Ended)) throw error
  }
}

class SetParser {
  readonly #chars: readonly string[]
  readonly #read: ReadValue | undefined
  #at = 0

  constructor(text: string, read: ReadValue | undefined) {
    this.#chars = [...text]
    this.#read = read
  }

  /** Up to one of the characters, which is taken too; a backslash keeps the next one. */
  #until(stop: string): { text: string; last: string | undefined } {
    let text = ''
    while (this.#at < this.#chars.length) {
      const c = this.#chars[this.#at++]!
      if (stop.includes(c)) return { text, last: c }
      if (c !== '\\') text += c
      else if (this.#at < this.#chars.length) text += this.#chars[this.#at++]!
    }
    return { text, last: undefined }
  }

  key(data: GoMap, level: number): void {
    const { text: key, last } = this.#until('=[,.')
    switch (last) {
      case undefined:
        if (key === '') throw new Ended()
        throw new Error(`key ${JSON.stringify(key)} has no value`)
      case '[': {
        const index = this.#index()
        const there = data[key]
        if (there !== undefined && !Array.isArray(there)) throw new Error(`unable to parse key: interface conversion: interface {} is ${goName(there)}, not []interface {}`)
        let list: unknown[] = there ?? []
        try {
          list = this.#item(list, index, level)
        } finally {
          put(data, key, list)
        }
        return
      }
      case '=':
        if (!this.#read) { put(data, key, this.#json()); return }
        this.#value((value) => put(data, key, value))
        return
      case ',':
        put(data, key, '')
        throw new Error(`key ${JSON.stringify(key)} has no value (cannot end with ,)`)
      default: {
        if (++level > MAX_LEVEL) throw new Error(`value name nested level is greater than maximum supported nested level of ${MAX_LEVEL}`)
        const there = data[key]
        if (Object.hasOwn(data, key) && !isGoMap(there)) throw new Error(`unable to parse key: interface conversion: interface {} is ${goName(there)}, not map[string]interface {}`)
        const inner = (there ?? {}) as GoMap
        try {
          this.key(inner, level)
        } finally {
          if (Object.keys(inner).length > 0) put(data, key, inner)
        }
        if (Object.keys(inner).length === 0) throw new Error(`key map ${JSON.stringify(key)} has no value`)
      }
    }
  }

  /** @throws Ended where the text ends behind it, once the value is kept */
  #value(keep: (value: unknown) => void): void {
    if (this.#at >= this.#chars.length) { keep(''); throw new Ended() }
    if (this.#chars[this.#at] === '{') {
      this.#at++
      keep(this.#braces())
      return
    }
    const { text, last } = this.#until(',')
    keep(this.#read!(text))
    if (last === undefined) return
  }

  #braces(): unknown[] {
    const list: unknown[] = []
    for (;;) {
      const { text, last } = this.#until(',}')
      if (last === undefined) throw new Error("list must terminate with '}'")
      list.push(this.#read!(text))
      if (last === '}') {
        if (this.#chars[this.#at] === ',') this.#at++
        return list
      }
    }
  }

  #index(): number {
    const { text, last } = this.#until(']')
    if (last === undefined) throw new Error('error parsing index: EOF')
    if (!/^[+-]?\d+$/.test(text)) throw new Error(`error parsing index: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
    return Number(text)
  }

  #item(list: unknown[], index: number, level: number): unknown[] {
    if (index < 0) throw new Error(`negative ${index} index not allowed`)
    const { text, last } = this.#until('[.=')
    if (text !== '') throw new Error(`unexpected data at end of array index: ${JSON.stringify(text)}`)
    switch (last) {
      case undefined: throw new Ended()
      case '=':
        if (!this.#read) return atIndex(list, index, this.#json())
        if (this.#at >= this.#chars.length) return atIndex(list, index, '')
        {
          let out = list
          this.#value((value) => { out = atIndex(list, index, value) })
          return out
        }
      case '[': {
        const next = this.#index()
        const there = list[index]
        return atIndex(list, index, this.#item(Array.isArray(there) ? there : [], next, level))
      }
      default: {
        const there = list[index]
        const inner: GoMap = isGoMap(there) ? there : {}
        this.key(inner, level)
        return atIndex(list, index, inner)
      }
    }
  }

  /** One JSON value and the comma behind it. */
  #json(): unknown {
    const blank = () => {
      while (this.#at < this.#chars.length && /\s/.test(this.#chars[this.#at]!)) this.#at++
      if (this.#at >= this.#chars.length) return true
      if (this.#chars[this.#at] !== ',') return false
      this.#at++
      return true
    }
    if (blank()) return null
    const rest = this.#chars.slice(this.#at).join('')
    const length = jsonLength(rest)
    let value: unknown
    try {
      value = JSON.parse(rest.slice(0, length))
    } catch {
      const found = /[^\s]/.exec(rest)?.[0] ?? ''
      throw new Error(/^[{[]/.test(found) || rest.slice(0, length) === '' ? 'unexpected EOF' : `invalid character '${found}' looking for beginning of value`)
    }
    this.#at += [...rest.slice(0, length)].length
    blank()
    return value
  }
}

/** How much of a text is its first JSON value. */
function jsonLength(text: string): number {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (c === '"') {
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++
      if (depth === 0) return i + 1
    } else if (c === '{' || c === '[') depth++
    else if (c === '}' || c === ']') { if (--depth <= 0) return i + 1 }
    else if (depth === 0 && /[\s,]/.test(c) && text.slice(0, i).trim() !== '') return i
  }
  return text.length
}

function put(data: GoMap, key: string, value: unknown): void {
  if (key !== '') setOwn(data, key, value)
}

function atIndex(list: unknown[], index: number, value: unknown): unknown[] {
  if (index > MAX_INDEX) throw new Error(`index of ${index} is greater than maximum supported index of ${MAX_INDEX}`)
  const out = [...list]
  while (out.length <= index) out.push(null)
  out[index] = value
  return out
}

const goName = (value: unknown) => value === null ? 'nil' : typeof value === 'string' ? 'string' : typeof value === 'boolean' ? 'bool' : value instanceof GoInt ? 'int64' : Array.isArray(value) ? '[]interface {}' : typeof value === 'number' ? 'float64' : 'map[string]interface {}'
