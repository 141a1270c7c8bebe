import type { Word, WordPart } from './ast.ts'

/** Brace expansion of bash: `a{b,c}` and `{1..3}` as several words. Words without unquoted braces come back alone. */
export function expandBraces(word: Word): Word[] {
  if (!word.parts.some((part) => part.kind === 'literal' && !part.quoted && part.text.includes('{'))) return [word]
  return expandItems(itemsOf(word)).map((items) => ({ parts: partsOf(items), text: word.text }))
}

/** A character that may be special, or a part that is not looked into. */
type Item = string | WordPart

function itemsOf(word: Word): Item[] {
  return word.parts.flatMap((part): Item[] => part.kind === 'literal' && !part.quoted ? [...part.text] : [part])
}

function partsOf(items: Item[]): WordPart[] {
  const parts: WordPart[] = []
  let text = ''
  for (const item of items) {
    if (typeof item === 'string') { text += item; continue }
    if (text) parts.push({ kind: 'literal', text, quoted: false })
    text = ''
    parts.push(item)
  }
  if (text) parts.push({ kind: 'literal', text, quoted: false })
  return parts
}

function expandItems(items: Item[]): Item[][] {
  for (let open = 0; open < items.length; open++) {
    if (items[open] !== '{') continue
    let depth = 0
    let close = -1
    const commas: number[] = []
    for (let i = open + 1; i < items.length; i++) {
      if (items[i] === '{') depth += 1
      else if (items[i] === '}') { if (depth === 0) { close = i; break } depth -= 1 }
      else if (items[i] === ',' && depth === 0) commas.push(i)
    }
    if (close < 0) continue
    const inner = items.slice(open + 1, close)
    const choices = commas.length > 0
      ? [open, ...commas].map((from, i) => items.slice(from + 1, commas[i] ?? close))
      : inner.every((item) => typeof item === 'string') ? sequence(inner.join(''))?.map((text): Item[] => [...text]) : undefined
    if (!choices) continue
    const before = items.slice(0, open)
    const rests = expandItems(items.slice(close + 1))
    return choices.flatMap((choice) => expandItems(choice)).flatMap((choice) => rests.map((rest) => [...before, ...choice, ...rest]))
  }
  return [items]
}

function sequence(text: string): string[] | undefined {
  const numbers = /^(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?$/.exec(text)
  if (numbers) {
    const [from, to] = [Number(numbers[1]), Number(numbers[2])]
    const step = Math.max(1, Math.abs(Number(numbers[3] ?? 1)))
    const width = /^-?0\d/.test(numbers[1]!) || /^-?0\d/.test(numbers[2]!) ? Math.max(numbers[1]!.length, numbers[2]!.length) : 0
    const out: string[] = []
    for (let n = from; from <= to ? n <= to : n >= to; n += from <= to ? step : -step) out.push(n < 0 ? `-${String(-n).padStart(width - 1, '0')}` : String(n).padStart(width, '0'))
    return out
  }
  const letters = /^([A-Za-z])\.\.([A-Za-z])(?:\.\.(-?\d+))?$/.exec(text)
  if (!letters) return undefined
  const [from, to] = [letters[1]!.charCodeAt(0), letters[2]!.charCodeAt(0)]
  const step = Math.max(1, Math.abs(Number(letters[3] ?? 1)))
  const out: string[] = []
  for (let n = from; from <= to ? n <= to : n >= to; n += from <= to ? step : -step) out.push(String.fromCharCode(n))
  return out
}
