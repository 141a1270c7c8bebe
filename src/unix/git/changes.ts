import type { Clock } from '../../base/clock.ts'
import { baseName } from '../path.ts'
import { binaryText, byteOrder, isBinary } from './bytes.ts'
import { hashObject } from './objects.ts'
import type { TreeFile } from './repository.ts'

/** One side of a change. */
export interface FileSide {
  path: string
  mode: number
  /** Undefined for a file of the working tree whose content hasn't been hashed. */
  id: string | undefined
  read(): Uint8Array
}

export type ChangeStatus = 'A' | 'C' | 'D' | 'M' | 'R' | 'T' | 'U'

/** What became of a file between two states. */
export interface Change {
  status: ChangeStatus
  old?: FileSide
  new?: FileSide
  /** How alike the sides of a renamed or copied file are, in 60000ths. */
  score?: number
}

export const pathOf = (change: Change): string => (change.new ?? change.old)!.path

export const idOf = (side: FileSide): string => side.id ??= hashObject('blob', side.read())

/** The differences of two states, by path. */
export function compareFiles(before: ReadonlyMap<string, TreeFile>, after: ReadonlyMap<string, TreeFile>, read: (id: string) => Uint8Array, wanted: (path: string) => boolean = () => true): Change[] {
  const changes: Change[] = []
  const side = (path: string, { mode, id }: TreeFile): FileSide => ({ path, mode, id, read: () => read(id) })
  for (const [path, file] of before) {
    const other = after.get(path)
    if (other && other.id === file.id && other.mode === file.mode) continue
    if (!wanted(path)) continue
    if (!other) changes.push({ status: 'D', old: side(path, file) })
    else changes.push({ status: statusOf(file.mode, other.mode), old: side(path, file), new: side(path, other) })
  }
  for (const [path, file] of after) if (!before.has(path) && wanted(path)) changes.push({ status: 'A', new: side(path, file) })
  return sorted(changes)
}

export const statusOf = (from: number, to: number): ChangeStatus => (from & 0o170000) === (to & 0o170000) ? 'M' : 'T'

export const sorted = (changes: Change[]): Change[] => changes.sort((a, b) => byteOrder(pathOf(a), pathOf(b)))

export const MAX_SCORE = 60_000

export interface RenameOptions {
  /** The least likeness, in 60000ths. */
  threshold?: number
  /** Files that were changed, too, may be what others are copies of. */
  copies?: boolean
  /** Empty files may be renamed. */
  empty?: boolean
}

/** Finds out which of the files that came are those that went under another name. */
export async function detectRenames(changes: readonly Change[], clock: Clock, { threshold = MAX_SCORE / 2, copies = false, empty = true }: RenameOptions = {}): Promise<Change[]> {
  const gone = changes.filter((change) => change.status === 'D' || (copies && change.status === 'M'))
  const came = changes.filter((change) => change.status === 'A' && (empty || change.new!.read().length > 0))
  if (gone.length === 0 || came.length === 0) return [...changes]
  const from = new Map<Change, { source: Change; score: number }>()
  const used = new Set<Change>()
  const sameType = (a: FileSide, b: FileSide) => (a.mode & 0o170000) === (b.mode & 0o170000)
  const byId = new Map<string, Change[]>()
  for (const change of gone) byId.set(idOf(change.old!), [...byId.get(idOf(change.old!)) ?? [], change])
  for (const target of came) {
    const candidates = (byId.get(idOf(target.new!)) ?? []).filter((source) => sameType(source.old!, target.new!))
    if (candidates.length === 0) continue
    const rank = (source: Change) => (used.has(source) || source.status === 'M' ? 0 : 2) + (baseName(source.old!.path) === baseName(target.new!.path) ? 1 : 0)
    const best = candidates.reduce((a, b) => rank(b) > rank(a) ? b : a)
    if (rank(best) < 2 && !copies) continue
    from.set(target, { source: best, score: MAX_SCORE })
    used.add(best)
  }
  const leftGone = gone.filter((change) => copies || !used.has(change))
  const leftCame = came.filter((change) => !from.has(change))
  if (leftGone.length * leftCame.length > 1_000_000) return renamed(changes, from)
  const spans = new Map<FileSide, Map<string, number>>()
  const spansOf = (side: FileSide) => {
    let found = spans.get(side)
    if (!found) spans.set(side, found = spansOfContent(side.read()))
    return found
  }
  // Files whose names stayed are looked at first.
  const unique = (list: readonly Change[], path: (change: Change) => string) => {
    const out = new Map<string, Change | undefined>()
    for (const change of list) out.set(baseName(path(change)), out.has(baseName(path(change))) ? undefined : change)
    return out
  }
  if (!copies) {
    const [goneNames, cameNames] = [unique(leftGone, (change) => change.old!.path), unique(leftCame, (change) => change.new!.path)]
    const likely = Math.max(threshold, threshold + Math.floor((MAX_SCORE - threshold) / 2))
    for (const [name, source] of goneNames) {
      const target = cameNames.get(name)
      if (!source || !target || !sameType(source.old!, target.new!)) continue
      const score = similarity(source.old!, target.new!, threshold, spansOf)
      if (score < likely) continue
      from.set(target, { source, score })
      used.add(source)
    }
  }
  const candidates: { source: Change; target: Change; score: number; named: boolean }[] = []
  for (const target of leftCame) {
    if (from.has(target)) continue
    for (const source of leftGone) {
      if ((!copies && used.has(source)) || !sameType(source.old!, target.new!)) continue
      const score = similarity(source.old!, target.new!, threshold, spansOf)
      if (score >= threshold && score > 0) candidates.push({ source, target, score, named: baseName(source.old!.path) === baseName(target.new!.path) })
      await clock.breathe()
    }
  }
  candidates.sort((a, b) => b.score - a.score || Number(b.named) - Number(a.named))
  for (const pass of copies ? [false, true] : [false]) {
    for (const { source, target, score } of candidates) {
      if (from.has(target) || (!pass && (used.has(source) || source.status === 'M'))) continue
      from.set(target, { source, score })
      used.add(source)
    }
  }
  return renamed(changes, from)
}

function renamed(changes: readonly Change[], from: ReadonlyMap<Change, { source: Change; score: number }>): Change[] {
  const taken = new Set<Change>()
  const out = changes.map((change): Change => {
    const found = from.get(change)
    if (!found) return change
    const isRename = found.source.status === 'D' && !taken.has(found.source)
    taken.add(found.source)
    return { status: isRename ? 'R' : 'C', old: found.source.old!, new: change.new!, score: found.score }
  })
  return out.filter((change) => change.status !== 'D' || !taken.has(change))
}

/** Pieces of a content (lines, or 64 bytes of longer ones) with how many bytes each makes up. */
function spansOfContent(bytes: Uint8Array): Map<string, number> {
  const text = binaryText(bytes)
  const binary = isBinary(bytes)
  const out = new Map<string, number>()
  let span = ''
  const end = () => {
    if (span) out.set(span, (out.get(span) ?? 0) + span.length)
    span = ''
  }
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if (!binary && char === '\r' && text[i + 1] === '\n') continue
    span += char
    if (span.length === 64 || char === '\n') end()
  }
  end()
  return out
}

function similarity(old: FileSide, next: FileSide, threshold: number, spansOf: (side: FileSide) => Map<string, number>): number {
  const [from, to] = [old.read().length, next.read().length]
  const largest = Math.max(from, to)
  const difference = largest - Math.min(from, to)
  if (largest * (MAX_SCORE - threshold) < difference * MAX_SCORE || from === 0 || to === 0) return 0
  const [a, b] = [spansOf(old), spansOf(next)]
  let copied = 0
  for (const [span, bytes] of a) copied += Math.min(bytes, b.get(span) ?? 0)
  return Math.floor(copied * MAX_SCORE / largest)
}

/** How much of a file's lines is still there, in percent, for `similarity index`. */
export const percent = (score: number): number => Math.floor(score * 100 / MAX_SCORE)
