import type { Clock } from '../../base/clock.ts'
import { binaryBytes, binaryText, byteOrder, isBinary, splitLines } from './bytes.ts'
import { compareFiles, detectRenames } from './changes.ts'
import type { Change } from './changes.ts'
import { mergeLines } from './merge-lines.ts'
import type { MergeLabels } from './merge-lines.ts'
import { SUBMODULE, SYMLINK } from './objects.ts'
import type { Repository, TreeFile } from './repository.ts'

type Files = ReadonlyMap<string, TreeFile>

export interface MergeOptions {
  labels: MergeLabels
  favor?: 'ours' | 'theirs' | 'union'
  style: 'merge' | 'diff3'
}

/** What a merge of three states comes to. */
export interface MergedTrees {
  /** What the working tree gets: conflicts with their markers. */
  files: Map<string, TreeFile>
  /** Paths that people must settle, with the three sides. */
  conflicts: Map<string, { base?: TreeFile; ours?: TreeFile; theirs?: TreeFile }>
  /** In the order in which they are printed. */
  messages: string[]
}

const same = (a: TreeFile | undefined, b: TreeFile | undefined) => a === b || (a !== undefined && b !== undefined && a.id === b.id && a.mode === b.mode)

/** Joins what two sides made of a base, file by file, also where a side renamed files. As merge-ort decides and words it. */
export async function mergeTrees(repo: Repository, clock: Clock, givenBase: Files, givenOurs: Files, givenTheirs: Files, options: MergeOptions): Promise<MergedTrees> {
  const { labels } = options
  const read = (id: string) => repo.objects.blob(id)
  const [base, ours, theirs] = [new Map(givenBase), new Map(givenOurs), new Map(givenTheirs)]
  const messages = new Map<string, string[]>()
  const say = (path: string, text: string) => messages.set(path, [...messages.get(path) ?? [], text])
  const conflicts: MergedTrees['conflicts'] = new Map()
  const oldNames = new Map<string, { ours: string; theirs: string }>()
  const renamesOf = async (side: Files) => (await detectRenames(compareFiles(givenBase, side, read), clock, { empty: false })).filter((change): change is Change & { old: NonNullable<Change['old']>; new: NonNullable<Change['new']> } => change.status === 'R')
  const needed = [...givenBase.keys()].some((path) => !givenOurs.has(path) || !givenTheirs.has(path))
  const [ourRenames, theirRenames] = needed ? [await renamesOf(givenOurs), await renamesOf(givenTheirs)] : [[], []]
  const move = (files: Map<string, TreeFile>, from: string, to: string) => {
    const file = files.get(from)
    files.delete(from)
    if (file) files.set(to, file)
  }
  for (const [renames, own, other, ownLabel, otherLabel, isOurs] of [[ourRenames, ours, theirs, labels.ours, labels.theirs, true], [theirRenames, theirs, ours, labels.theirs, labels.ours, false]] as const) {
    for (const { old: { path: from }, new: { path: to } } of renames) {
      const file = givenBase.get(from)
      if (!file || !base.has(from)) continue
      const counterpart = (isOurs ? theirRenames : ourRenames).find((each) => each.old.path === from)
      if (counterpart) {
        if (counterpart.new.path === to) { base.delete(from); base.set(to, file); continue }
        base.delete(from)
        say(from, `CONFLICT (rename/rename): ${from} renamed to ${to} in ${ownLabel} and to ${counterpart.new.path} in ${otherLabel}.`)
        conflicts.set(from, { base: file })
        conflicts.set(to, isOurs ? { ours: own.get(to)! } : { theirs: own.get(to)! })
        conflicts.set(counterpart.new.path, isOurs ? { theirs: other.get(counterpart.new.path)! } : { ours: other.get(counterpart.new.path)! })
        continue
      }
      if (!other.has(from)) {
        say(from, `CONFLICT (rename/delete): ${from} renamed to ${to} in ${ownLabel}, but deleted in ${otherLabel}.`)
        base.delete(from)
        base.set(to, file)
        if (same(file, own.get(to))) conflicts.set(to, { base: file, ...(isOurs ? { ours: own.get(to)! } : { theirs: own.get(to)! }) })
        continue
      }
      if (other.has(to)) continue
      base.delete(from)
      base.set(to, file)
      move(other, from, to)
      oldNames.set(to, isOurs ? { ours: to, theirs: from } : { ours: from, theirs: to })
    }
  }
  const files = new Map<string, TreeFile>()
  const paths = [...new Set([...base.keys(), ...ours.keys(), ...theirs.keys()])].sort(byteOrder)
  for (const path of paths) {
    const [o, a, b] = [base.get(path), ours.get(path), theirs.get(path)]
    if (conflicts.has(path) && !(a && b)) {
      const kept = a ?? b
      if (kept) files.set(path, kept)
      continue
    }
    if (same(a, b) || same(o, b)) { if (a) files.set(path, a); continue }
    if (same(o, a)) { if (b) files.set(path, b); continue }
    await clock.breathe()
    if (!a || !b) {
      const [gone, kept, file] = a ? [labels.theirs, labels.ours, a] : [labels.ours, labels.theirs, b!]
      say(path, `CONFLICT (modify/delete): ${path} deleted in ${gone} and modified in ${kept}.  Version ${kept} of ${path} left in tree.`)
      conflicts.set(path, { ...(o ? { base: o } : {}), ...(a ? { ours: a } : {}), ...(b ? { theirs: b } : {}) })
      files.set(path, file)
      continue
    }
    const mode = o && o.mode === a.mode ? b.mode : a.mode
    if (a.id === b.id) { files.set(path, { mode, id: a.id }); continue }
    if (o && o.id === a.id) { files.set(path, { mode, id: b.id }); continue }
    if (o && o.id === b.id) { files.set(path, { mode, id: a.id }); continue }
    const sides = { ...(o ? { base: o } : {}), ours: a, theirs: b }
    say(path, `Auto-merging ${path}`)
    const [content, ownContent, otherContent] = [o ? read(o.id) : new Uint8Array(0), read(a.id), read(b.id)]
    const kind = o ? 'content' : 'add/add'
    if (a.mode === SYMLINK || b.mode === SYMLINK || a.mode === SUBMODULE || b.mode === SUBMODULE || [content, ownContent, otherContent].some(isBinary)) {
      const favored = options.favor === 'theirs' ? b : options.favor === 'ours' ? a : undefined
      files.set(path, favored ?? a)
      if (favored) continue
      if ([content, ownContent, otherContent].some(isBinary)) messages.set(path, [`warning: Cannot merge binary files: ${path} (${labels.ours} vs. ${labels.theirs})`, ...messages.get(path)!])
      say(path, `CONFLICT (${kind}): Merge conflict in ${path}`)
      conflicts.set(path, sides)
      continue
    }
    const names = oldNames.get(path)
    const fileLabels = names ? { ours: `${labels.ours}:${names.ours}`, theirs: `${labels.theirs}:${names.theirs}`, base: `${labels.base}:${path}` } : labels
    const merged = mergeLines(splitLines(binaryText(content)), splitLines(binaryText(ownContent)), splitLines(binaryText(otherContent)), { labels: fileLabels, style: options.style, ...(options.favor ? { favor: options.favor } : {}) })
    files.set(path, { mode, id: repo.objects.write('blob', binaryBytes(merged.lines.join(''))) })
    if (merged.conflicts === 0) continue
    say(path, `CONFLICT (${kind}): Merge conflict in ${path}`)
    conflicts.set(path, sides)
  }
  // A file where the other side has a folder goes aside.
  for (const path of [...files.keys()]) {
    if (![...files.keys()].some((other) => other.startsWith(`${path}/`))) continue
    const fromOurs = same(ours.get(path), files.get(path))
    const label = fromOurs ? labels.ours : labels.theirs
    const aside = `${path}~${label.replace(/\//g, '_')}`
    const file = files.get(path)!
    say(path, `CONFLICT (file/directory): directory in the way of ${path} from ${label}; moving it to ${aside} instead.`)
    files.delete(path)
    files.set(aside, file)
    conflicts.delete(path)
    conflicts.set(aside, { ...(base.get(path) ? { base: base.get(path)! } : {}), ...(fromOurs ? { ours: file } : { theirs: file }) })
  }
  return { files, conflicts, messages: [...messages].sort(([a], [b]) => byteOrder(a, b)).flatMap(([, texts]) => texts) }
}
