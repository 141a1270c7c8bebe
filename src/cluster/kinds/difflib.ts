/**
 * Line by line comparison the way Python's difflib (and the Go port that the API server uses) does it: the longest matching block first,
 * then what is left and right of it. Other algorithms find other, equally right differences. k8s: github.com/pmezard/go-difflib
 */

/** A run of lines that both have: `size` lines from `a` and `b`. */
interface Match { a: number; b: number; size: number }
type Opcode = readonly [tag: 'equal' | 'replace' | 'delete' | 'insert', a1: number, a2: number, b1: number, b2: number]

/** In a long text, lines that make up more than a hundredth of it don't begin a match. */
const LONG = 200

/** A unified diff with `context` lines around each change and no file names; empty without a difference. Lines are without their ends. */
export function unifiedDiff(a: readonly string[], b: readonly string[], context = 3): string {
  let text = ''
  for (const group of groupedOpcodes(opcodes(a, b), context)) {
    const first = group[0]!
    const last = group.at(-1)!
    text += `@@ -${range(first[1], last[2])} +${range(first[3], last[4])} @@\n`
    for (const [tag, a1, a2, b1, b2] of group) {
      if (tag === 'equal') { text += block(' ', a, a1, a2); continue }
      if (tag !== 'insert') text += block('-', a, a1, a2)
      if (tag !== 'delete') text += block('+', b, b1, b2)
    }
  }
  return text
}

const block = (sign: string, lines: readonly string[], from: number, to: number) => lines.slice(from, to).map((line) => `${sign}${line}\n`).join('')

function range(start: number, stop: number): string {
  const length = stop - start
  return length === 1 ? String(start + 1) : `${length === 0 ? start : start + 1},${length}`
}

function matchingBlocks(a: readonly string[], b: readonly string[]): Match[] {
  const places = new Map<string, number[]>()
  b.forEach((line, j) => { const list = places.get(line); if (list) list.push(j); else places.set(line, [j]) })
  if (b.length >= LONG) for (const [line, list] of places) if (list.length > Math.floor(b.length / 100) + 1) places.delete(line)

  const longest = (alo: number, ahi: number, blo: number, bhi: number): Match => {
    let best: Match = { a: alo, b: blo, size: 0 }
    let lengths = new Map<number, number>()
    for (let i = alo; i < ahi; i++) {
      const next = new Map<number, number>()
      for (const j of places.get(a[i]!) ?? []) {
        if (j < blo) continue
        if (j >= bhi) break
        const size = (lengths.get(j - 1) ?? 0) + 1
        next.set(j, size)
        if (size > best.size) best = { a: i - size + 1, b: j - size + 1, size }
      }
      lengths = next
    }
    while (best.a > alo && best.b > blo && a[best.a - 1] === b[best.b - 1]) best = { a: best.a - 1, b: best.b - 1, size: best.size + 1 }
    while (best.a + best.size < ahi && best.b + best.size < bhi && a[best.a + best.size] === b[best.b + best.size]) best.size++
    return best
  }

  const found: Match[] = []
  const search = (alo: number, ahi: number, blo: number, bhi: number) => {
    const match = longest(alo, ahi, blo, bhi)
    if (match.size === 0) return
    if (alo < match.a && blo < match.b) search(alo, match.a, blo, match.b)
    found.push(match)
    if (match.a + match.size < ahi && match.b + match.size < bhi) search(match.a + match.size, ahi, match.b + match.size, bhi)
  }
  search(0, a.length, 0, b.length)
  // Neighbours become one.
  const merged: Match[] = []
  for (const match of found) {
    const last = merged.at(-1)
    if (last && last.a + last.size === match.a && last.b + last.size === match.b) last.size += match.size
    else merged.push({ ...match })
  }
  return [...merged, { a: a.length, b: b.length, size: 0 }]
}

function opcodes(a: readonly string[], b: readonly string[]): Opcode[] {
  const out: Opcode[] = []
  let i = 0
  let j = 0
  for (const match of matchingBlocks(a, b)) {
    if (i < match.a && j < match.b) out.push(['replace', i, match.a, j, match.b])
    else if (i < match.a) out.push(['delete', i, match.a, j, match.b])
    else if (j < match.b) out.push(['insert', i, match.a, j, match.b])
    i = match.a + match.size
    j = match.b + match.size
    if (match.size > 0) out.push(['equal', match.a, i, match.b, j])
  }
  return out
}

/** Changes with their context; far apart ones in groups of their own. */
function groupedOpcodes(codes: Opcode[], n: number): Opcode[][] {
  if (codes.length === 0) codes = [['equal', 0, 1, 0, 1]]
  const first = codes[0]!
  if (first[0] === 'equal') codes[0] = ['equal', Math.max(first[1], first[2] - n), first[2], Math.max(first[3], first[4] - n), first[4]]
  const last = codes.at(-1)!
  if (last[0] === 'equal') codes[codes.length - 1] = ['equal', last[1], Math.min(last[2], last[1] + n), last[3], Math.min(last[4], last[3] + n)]
  const groups: Opcode[][] = []
  let group: Opcode[] = []
  for (const [tag, a1, a2, b1, b2] of codes) {
    if (tag === 'equal' && a2 - a1 > 2 * n) {
      group.push([tag, a1, Math.min(a2, a1 + n), b1, Math.min(b2, b1 + n)])
      groups.push(group)
      group = [[tag, Math.max(a1, a2 - n), a2, Math.max(b1, b2 - n), b2]]
    } else group.push([tag, a1, a2, b1, b2])
  }
  if (group.length > 0 && !(group.length === 1 && group[0]![0] === 'equal')) groups.push(group)
  return groups
}
