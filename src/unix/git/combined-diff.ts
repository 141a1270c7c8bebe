import { binaryText, decodeText, isBinary, quotePath, splitLines } from './bytes.ts'
import type { DiffStyle } from './diff-output.ts'
import { diffLines } from './line-diff.ts'
import { NO_ID } from './objects.ts'
import type { Repository, TreeFile } from './repository.ts'
import { contentOf, lookAt, modeOf } from './worktree.ts'

/** A line of the result, and what parents had before it. */
interface ResultLine {
  text: string
  /** Bits of parents that lack it. */
  missingIn: number
  /** Lines that were there, with bits of the parents that had them. */
  lost: { text: string; parents: number }[]
}

/** A conflict in the working tree against both sides, as `git diff` shows it. */
export function combinedPatch(repo: Repository, path: string, style: DiffStyle): string {
  const sides = ([2, 3] as const).map((stage) => repo.index.get(path, stage))
  const stat = lookAt(repo, path)
  if (sides.some((side) => !side) || !stat) return style.paint('bold', `* Unmerged path ${path}`) + '\n'
  return combinedText(path, sides.map((side) => ({ mode: side!.mode, id: side!.id, content: repo.objects.blob(side!.id) })), { mode: modeOf(repo, stat, sides[0]!.mode), id: NO_ID, content: contentOf(repo, path, stat) }, style)
}

/** A merge's file against all its parents; empty where nothing is worth showing. */
export function combinedFile(repo: Repository, path: string, parents: readonly (TreeFile | undefined)[], result: TreeFile | undefined, style: DiffStyle): string {
  const side = (file: TreeFile | undefined) => file ? { ...file, content: repo.objects.blob(file.id) } : { mode: 0, id: NO_ID, content: new Uint8Array(0) }
  return combinedText(path, parents.map(side), side(result), style)
}

interface Side { mode: number; id: string; content: Uint8Array }

function combinedText(path: string, parents: readonly Side[], result: Side, style: DiffStyle): string {
  const short = (id: string) => id === NO_ID ? id.slice(0, style.digits) : style.abbreviate(id)
  const mode = (value: number) => value.toString(8).padStart(6, '0')
  const name = (prefix: string) => quotePath(prefix + path, style.quoteHigh)
  const head = [`diff --cc ${quotePath(path, style.quoteHigh)}`, `index ${parents.map(({ id }) => short(id)).join(',')}..${short(result.id)}`]
  const gone = result.mode === 0
  const fresh = parents.every((parent) => parent.mode === 0)
  if (gone) head.push(`deleted file mode ${parents.map((parent) => mode(parent.mode)).join(',')}`)
  else if (fresh) head.push(`new file mode ${mode(result.mode)}`)
  else if (parents.some((parent) => parent.mode !== result.mode)) head.push(`mode ${parents.map((parent) => mode(parent.mode)).join(',')}..${mode(result.mode)}`)
  const shownHead = head.map((line) => `${style.paint('bold', line)}\n`).join('')
  if ([...parents, result].some(({ content }) => isBinary(content))) return `${shownHead}Binary files differ\n`
  const lines = linesOf(parents.map(({ content }) => content), result.content)
  const hunks = gone ? '' : hunksOf(lines, parents, style)
  if (hunks === '' && !gone) return ''
  return `${shownHead}${style.paint('bold', `--- ${fresh ? '/dev/null' : name(style.oldPrefix)}`)}\n${style.paint('bold', `+++ ${gone ? '/dev/null' : name(style.newPrefix)}`)}\n${hunks}`
}

function linesOf(parents: readonly Uint8Array[], result: Uint8Array): ResultLine[] {
  const texts = splitLines(decodeText(result))
  const keys = splitLines(binaryText(result))
  // The entry behind the last line takes what was lost at the end.
  const lines: ResultLine[] = [...texts, ''].map((text) => ({ text, missingIn: 0, lost: [] }))
  parents.forEach((content, n) => {
    const old = splitLines(decodeText(content))
    for (const { a, b } of diffLines(splitLines(binaryText(content)), keys)) {
      for (let i = b[0]; i < b[1]; i++) lines[i]!.missingIn |= 1 << n
      const lost = lines[b[0]]!.lost
      const own = old.slice(a[0], a[1])
      // Lines that several parents lost at one place are shown once.
      const merged: ResultLine['lost'] = []
      let at = 0
      for (const { a: x, b: y } of diffLines(lost.map(({ text }) => text), own, { indentHeuristic: false })) {
        while (at < x[0]) { lost[at]!.parents |= 1 << n; merged.push(lost[at++]!) }
        while (at < x[1]) merged.push(lost[at++]!)
        for (let i = y[0]; i < y[1]; i++) merged.push({ text: own[i]!, parents: 1 << n })
      }
      while (at < lost.length) { lost[at]!.parents |= 1 << n; merged.push(lost[at++]!) }
      lost.splice(0, lost.length, ...merged)
    }
  })
  return lines
}

const isInteresting = (line: ResultLine) => line.missingIn !== 0 || line.lost.length > 0

function hunksOf(lines: readonly ResultLine[], parents: readonly Side[], style: DiffStyle): string {
  const all = (1 << parents.length) - 1
  const marked = lines.map(isInteresting)
  const context = style.context
  // Runs of changes that are all the same side's are that side's own, and not shown.
  for (let i = 0; i < lines.length;) {
    if (!marked[i]) { i++; continue }
    let end = i + 1
    for (let gap = 0; end < lines.length; end++) {
      if (marked[end]) gap = 0
      else if (++gap > context) { end -= gap - 1; break }
    }
    if (end > lines.length) end = lines.length
    const masks = new Set<number>()
    for (let j = i; j < end; j++) {
      if (lines[j]!.missingIn) masks.add(lines[j]!.missingIn)
      for (const { parents: bits } of lines[j]!.lost) masks.add(bits)
    }
    if (masks.size === 1 && !masks.has(all)) for (let j = i; j < end; j++) marked[j] = false
    i = end
  }
  const at = parents.map(() => 0)
  let text = ''
  const count = lines.length - 1
  const starts: number[][] = []
  for (const line of lines) {
    starts.push([...at])
    line.lost.forEach(({ parents: bits }) => parents.forEach((_, n) => { if (bits & (1 << n)) at[n]!++ }))
    parents.forEach((_, n) => { if (!(line.missingIn & (1 << n))) at[n]!++ })
  }
  for (let i = 0; i < lines.length;) {
    if (!marked[i]) { i++; continue }
    let last = i
    for (let j = i + 1; j < lines.length && j - last <= 2 * context + 1; j++) if (marked[j]) last = j
    const from = Math.max(0, i - context)
    const end = Math.min(count, last + 1 + context)
    const lostAtEnd = last === count
    let body = ''
    const lengths = parents.map(() => 0)
    const sign = (bits: number, char: string) => parents.map((_, n) => bits & (1 << n) ? char : ' ').join('')
    const put = (signs: string, line: string, color?: 'red' | 'green') => {
      const shown = signs + (line.endsWith('\n') ? line.slice(0, -1) : line)
      body += `${color ? style.paint(color, shown) : shown}\n${line.endsWith('\n') ? '' : '\\ No newline at end of file\n'}`
    }
    for (let j = from; j < end || (lostAtEnd && j === count); j++) {
      const line = lines[j]!
      for (const { text: lost, parents: bits } of line.lost) {
        put(sign(bits, '-'), lost, 'red')
        parents.forEach((_, n) => { if (bits & (1 << n)) lengths[n]!++ })
      }
      if (j === count) break
      put(sign(line.missingIn, '+'), line.text, line.missingIn ? 'green' : undefined)
      parents.forEach((_, n) => { if (!(line.missingIn & (1 << n))) lengths[n]!++ })
    }
    const shownEnd = Math.min(end, count)
    const marks = '@'.repeat(parents.length + 1)
    const ranges = parents.map((_, n) => `-${starts[from]![n]! + (lengths[n]! > 0 ? 1 : 0)},${lengths[n]}`).join(' ')
    text += `${style.paint('cyan', `${marks} ${ranges} +${shownEnd - from > 0 ? from + 1 : from},${shownEnd - from} ${marks}`)}\n${body}`
    i = last + 1 + context
  }
  return text
}
