import { diffLines } from './line-diff.ts'

export interface MergeLabels {
  ours: string
  base: string
  theirs: string
}

export interface MergeLinesOptions {
  labels: MergeLabels
  /** `merge.conflictStyle`. */
  style: 'merge' | 'diff3'
  /** Whose lines win where both sides changed some (`-X ours`); both sides' one after the other for a union. */
  favor?: 'ours' | 'theirs' | 'union'
}

export interface MergedLines {
  lines: string[]
  conflicts: number
}

type From = 'ours' | 'theirs' | 'both' | 'conflict'

/** A place where a side differs from the base, as ranges [at, at + count) of all three. */
interface Region { from: From; base: number; baseCount: number; ours: number; oursCount: number; theirs: number; theirsCount: number }

/** Lines that are closer together than this count as one conflict. */
const NEAR = 3

/** Joins two changes of a text, with markers where they meet. As xdiff's zealous merge does it. */
export function mergeLines(base: readonly string[], ours: readonly string[], theirs: readonly string[], { labels, style, favor }: MergeLinesOptions): MergedLines {
  let regions = regionsOf(base, ours, theirs)
  if (style === 'merge') regions = joined(refined(regions, ours, theirs))
  const lines: string[] = []
  let conflicts = 0
  let at = 0
  // The last line of a side may lack its end, which others would go on behind.
  const ended = (some: readonly string[]) => some.map((line) => line.endsWith('\n') ? line : `${line}\n`)
  for (const region of regions) {
    if (region.from === 'both') continue
    const own = ours.slice(region.ours, region.ours + region.oursCount)
    const other = theirs.slice(region.theirs, region.theirs + region.theirsCount)
    lines.push(...ours.slice(at, region.ours))
    at = region.ours + region.oursCount
    const from = region.from === 'conflict' && favor && favor !== 'union' ? favor : region.from
    if (from === 'ours') lines.push(...own)
    else if (from === 'theirs') lines.push(...other)
    else if (favor === 'union') lines.push(...ended(own), ...other)
    else {
      conflicts++
      const original = style === 'diff3' ? [`|||||||${labels.base ? ` ${labels.base}` : ''}\n`, ...ended(base.slice(region.base, region.base + region.baseCount))] : []
      lines.push(`<<<<<<< ${labels.ours}\n`, ...ended(own), ...original, '=======\n', ...ended(other), `>>>>>>> ${labels.theirs}\n`)
    }
  }
  lines.push(...ours.slice(at))
  return { lines, conflicts }
}

const same = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((line, i) => line === b[i])

function regionsOf(base: readonly string[], ours: readonly string[], theirs: readonly string[]): Region[] {
  const own = diffLines(base, ours)
  const other = diffLines(base, theirs)
  const out: Region[] = []
  const add = (region: Region) => {
    const last = out.at(-1)
    if (!last || (region.ours > last.ours + last.oursCount && region.theirs > last.theirs + last.theirsCount)) { out.push(region); return }
    if (last.from !== region.from) last.from = 'conflict'
    last.baseCount = region.base + region.baseCount - last.base
    last.oursCount = region.ours + region.oursCount - last.ours
    last.theirsCount = region.theirs + region.theirsCount - last.theirs
  }
  let [i, j] = [0, 0]
  while (i < own.length || j < other.length) {
    const mine = own[i]
    const their = other[j]
    if (mine && (!their || mine.a[1] < their.a[0])) {
      const last = other[j - 1]
      const shift = their ? their.b[0] - their.a[0] : last ? last.b[1] - last.a[1] : 0
      add({ from: 'ours', base: mine.a[0], baseCount: mine.a[1] - mine.a[0], ours: mine.b[0], oursCount: mine.b[1] - mine.b[0], theirs: mine.a[0] + shift, theirsCount: mine.a[1] - mine.a[0] })
      i++
      continue
    }
    if (their && (!mine || their.a[1] < mine.a[0])) {
      const last = own[i - 1]
      const shift = mine ? mine.b[0] - mine.a[0] : last ? last.b[1] - last.a[1] : 0
      add({ from: 'theirs', base: their.a[0], baseCount: their.a[1] - their.a[0], ours: their.a[0] + shift, oursCount: their.a[1] - their.a[0], theirs: their.b[0], theirsCount: their.b[1] - their.b[0] })
      j++
      continue
    }
    if (!mine || !their) break
    const equal = mine.a[0] === their.a[0] && mine.a[1] === their.a[1] && same(ours.slice(...mine.b), theirs.slice(...their.b))
    if (!equal) {
      const start = Math.min(mine.a[0], their.a[0])
      const end = Math.max(mine.a[1], their.a[1])
      const oursAt = mine.b[0] - (mine.a[0] - start)
      const theirsAt = their.b[0] - (their.a[0] - start)
      add({ from: 'conflict', base: start, baseCount: end - start, ours: oursAt, oursCount: mine.b[1] + (end - mine.a[1]) - oursAt, theirs: theirsAt, theirsCount: their.b[1] + (end - their.a[1]) - theirsAt })
    }
    const [mineEnd, theirEnd] = [mine.a[1], their.a[1]]
    if (mineEnd >= theirEnd) j++
    if (theirEnd >= mineEnd) i++
  }
  return out
}

/** Conflicts without the lines on which both sides agree. */
function refined(regions: readonly Region[], ours: readonly string[], theirs: readonly string[]): Region[] {
  return regions.flatMap((region): Region[] => {
    if (region.from !== 'conflict' || region.oursCount === 0 || region.theirsCount === 0) return [region]
    const changes = diffLines(ours.slice(region.ours, region.ours + region.oursCount), theirs.slice(region.theirs, region.theirs + region.theirsCount))
    if (changes.length === 0) return [{ ...region, from: 'both' }]
    return changes.map(({ a, b }) => ({ ...region, ours: region.ours + a[0], oursCount: a[1] - a[0], theirs: region.theirs + b[0], theirsCount: b[1] - b[0] }))
  })
}

/** Conflicts with hardly anything between them as one. */
function joined(regions: readonly Region[]): Region[] {
  const out: Region[] = []
  for (const region of regions) {
    const last = out.at(-1)
    if (last?.from === 'conflict' && region.from === 'conflict' && region.ours - (last.ours + last.oursCount) <= NEAR) {
      last.oursCount = region.ours + region.oursCount - last.ours
      last.theirsCount = region.theirs + region.theirsCount - last.theirs
    } else out.push({ ...region })
  }
  return out
}
