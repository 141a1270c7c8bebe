/** The hunks of a unified diff with three lines of context; empty when the texts are equal. */
export function unifiedDiff(before: string, after: string): string {
  if (before === after) return ''
  const a = before === '' ? [] : before.replace(/\n$/, '').split('\n')
  const b = after === '' ? [] : after.replace(/\n$/, '').split('\n')
  const edits = editScript(a, b)
  const CONTEXT = 3
  let text = ''
  for (let i = 0; i < edits.length; ) {
    if (edits[i]!.sign === ' ') { i++; continue }
    // A hunk reaches until more unchanged lines follow than two contexts hold.
    const start = Math.max(0, i - CONTEXT)
    let end = i
    for (let j = i, quiet = 0; j < edits.length && quiet <= CONTEXT * 2; j++) {
      if (edits[j]!.sign === ' ') quiet++
      else { quiet = 0; end = j }
    }
    const stop = Math.min(edits.length, end + CONTEXT + 1)
    const hunk = edits.slice(start, stop)
    const oldLines = hunk.filter((e) => e.sign !== '+').length
    const newLines = hunk.filter((e) => e.sign !== '-').length
    const oldStart = edits.slice(0, start).filter((e) => e.sign !== '+').length + (oldLines > 0 ? 1 : 0)
    const newStart = edits.slice(0, start).filter((e) => e.sign !== '-').length + (newLines > 0 ? 1 : 0)
    const range = (at: number, n: number) => n === 1 ? String(at) : `${at},${n}`
    text += `@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@\n${hunk.map((e) => `${e.sign}${e.line}\n`).join('')}`
    i = stop
  }
  return text
}

/** The shortest way from one list of lines to the other. */
function editScript(a: readonly string[], b: readonly string[]): { sign: ' ' | '-' | '+'; line: string }[] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1))
  for (let i = a.length - 1; i >= 0; i--) for (let j = b.length - 1; j >= 0; j--)
    lengths[i]![j] = a[i] === b[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!)
  const out: { sign: ' ' | '-' | '+'; line: string }[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { out.push({ sign: ' ', line: a[i]! }); i++; j++ }
    else if (i < a.length && (j >= b.length || lengths[i + 1]![j]! >= lengths[i]![j + 1]!)) out.push({ sign: '-', line: a[i++]! })
    else out.push({ sign: '+', line: b[j++]! })
  }
  return out
}
