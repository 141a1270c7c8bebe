import { goFloatText, GoInt, isGoMap, isGoObject, isNil, plainValue } from '../../../cluster/kinds/go-template/values.ts'
import type { GoMap } from '../../../cluster/kinds/go-template/values.ts'

const key = (name: string) => /^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name)
const isTable = (value: unknown): value is GoMap => isGoMap(value)
const isTables = (value: unknown): value is GoMap[] => Array.isArray(value) && value.length > 0 && value.every(isTable)

function inline(value: unknown): string {
  if (value instanceof GoInt) return String(value.value)
  if (typeof value === 'number') { const text = goFloatText(value); return /[.e]/.test(text) ? text : `${text}.0` }
  if (isGoObject(value)) return inline(plainValue(value))
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`
  if (isTable(value)) return `{${Object.keys(value).sort().map((k) => `${key(k)} = ${inline(value[k])}`).join(', ')}}`
  return JSON.stringify(value)
}

/** A map as TOML: plain keys first, tables behind them, each level deeper by two blanks. k8s: BurntSushi/toml Encoder */
export function tomlText(value: unknown): string {
  if (isNil(value)) throw new Error('reflect: call of reflect.Value.Type on zero Value')
  if (!isTable(value)) return inline(value)
  const out: string[] = []
  const write = (table: GoMap, path: string[]) => {
    const pad = '  '.repeat(path.length)
    const names = Object.keys(table).sort().filter((name) => !isNil(table[name]))
    for (const name of names) if (!isTable(table[name]) && !isTables(table[name])) out.push(`${pad}${key(name)} = ${inline(table[name])}\n`)
    for (const name of names) {
      const each = table[name]
      const inner = [...path, name]
      const title = inner.map(key).join('.')
      if (isTable(each)) {
        out.push(`${out.length > 0 && path.length === 0 ? '\n' : ''}${pad}[${title}]\n`)
        write(each, inner)
      } else if (isTables(each)) for (const item of each) {
        out.push(`${out.length > 0 ? '\n' : ''}${pad}[[${title}]]\n`)
        write(item, inner)
      }
    }
  }
  write(value, [])
  return out.join('')
}
