import type { FileSystem } from '../../unix/types.ts'

/** Where a piece of a log file is kept: the node's tree, the file, and the byte that it begins with. */
export type PieceKey = [tree: string, path: string, start: number]

/** Pieces that are written in one go, at most. */
const MAX_PIECE_BYTES = 256 * 1024
/** All logs together; beyond it the oldest are no longer kept. */
const MAX_TOTAL_BYTES = 64 * 1024 * 1024

/** Puts and deletes in one transaction. */
export interface PieceWrites {
  put(key: PieceKey, data: Uint8Array): Promise<unknown>
  delete(key: PieceKey): Promise<unknown>
}

/** What is kept of one file. */
interface KeptFile {
  /** Tells a file from the one that took its name when it was rotated; unknown of files that were loaded. */
  inode: number | undefined
  modifiedMs: number
  /** Where pieces begin, in order; they join up. */
  starts: readonly number[]
  sizeBytes: number
  /** Keys without use: what comes after a gap. */
  stale: readonly number[]
  /** Given up for the sake of newer ones. */
  isDropped: boolean
}

/**
 * Container logs on disk. A log only grows until it is rotated, so that only what is new is written, as one more piece of the file; small pieces are
 * joined as they come, so that a file of n writes has about log n of them, and each byte is written about log n times.
 */
export class LogPieces {
  readonly #maxTotalBytes: number
  /** By tree and path. */
  readonly #kept = new Map<string, Map<string, KeptFile>>()
  #dirty = new Map<string, { files: FileSystem; paths: Set<string> }>()

  constructor(maxTotalBytes = MAX_TOTAL_BYTES) {
    this.#maxTotalBytes = maxTotalBytes
  }

  get isDirty(): boolean {
    return this.#dirty.size > 0
  }

  /** Something at this path, or below it, may have changed. */
  changed(tree: string, path: string, files: FileSystem): void {
    let dirty = this.#dirty.get(tree)
    if (!dirty) this.#dirty.set(tree, dirty = { files, paths: new Set() })
    dirty.paths.add(path)
  }

  /** Takes up what is on disk, in the order of the keys. A damaged log is cut off where the damage begins; it never costs more than itself. */
  load(rows: Iterable<[key: unknown, data: unknown]>): { tree: string; path: string; data: Uint8Array }[] {
    const found = new Map<string, Map<string, { starts: number[]; parts: Uint8Array[]; sizeBytes: number; stale: number[] }>>()
    for (const [key, data] of rows) {
      if (!isPieceKey(key)) continue
      const [tree, path, start] = key
      const file = inner(inner(found, tree, () => new Map()), path, () => ({ starts: [], parts: [], sizeBytes: 0, stale: [] }))
      if (start === file.sizeBytes && data instanceof Uint8Array && data.length > 0 && file.stale.length === 0) {
        file.starts.push(start)
        file.parts.push(data)
        file.sizeBytes += data.length
      } else file.stale.push(start)
    }
    const out: { tree: string; path: string; data: Uint8Array }[] = []
    for (const [tree, files] of found) {
      for (const [path, { starts, parts, sizeBytes, stale }] of files) {
        inner(this.#kept, tree, () => new Map()).set(path, { inode: undefined, modifiedMs: 0, starts, sizeBytes, stale, isDropped: false })
        const data = new Uint8Array(sizeBytes)
        for (let i = 0; i < parts.length; i++) data.set(parts[i]!, starts[i]!)
        if (sizeBytes > 0) out.push({ tree, path, data })
      }
    }
    return out
  }

  /** Writes what changed. Until the transaction is through it must not be called again; `commit` of the answer tells that it is. */
  async write(writes: PieceWrites): Promise<{ commit(): void }> {
    const dirty = this.#dirty
    this.#dirty = new Map()
    const next: [tree: string, path: string, file: KeptFile | undefined][] = []
    let pieces = 0
    for (const [tree, { files, paths }] of dirty) {
      const kept = this.#kept.get(tree)
      for (const path of filesAt(files, paths, kept)) {
        const old = kept?.get(path)
        const stat = statOf(files, path)
        if (!stat) {
          if (!old) continue
          await deleteAll(writes, tree, path, [...old.starts, ...old.stale])
          next.push([tree, path, undefined])
          continue
        }
        const { inode, sizeBytes, modifiedMs } = stat
        const isSame = old !== undefined && (old.inode ?? inode) === inode && sizeBytes >= old.sizeBytes
        if (isSame && (old.isDropped || (sizeBytes === old.sizeBytes && old.stale.length === 0))) continue
        const starts = isSame ? [...old.starts] : []
        const unused = old ? [...isSame ? [] : old.starts, ...old.stale] : []
        let from = isSame ? old.sizeBytes : 0
        for (let last = starts.at(-1); last !== undefined && from - last <= sizeBytes - from && sizeBytes - last <= MAX_PIECE_BYTES; last = starts.at(-1)) {
          unused.push(last)
          starts.pop()
          from = last
        }
        const fresh: number[] = []
        for (let at = from; at < sizeBytes; at += MAX_PIECE_BYTES) fresh.push(at)
        await deleteAll(writes, tree, path, unused.filter((start) => !fresh.includes(start)))
        for (const start of fresh) {
          const done = writes.put([tree, path, start], files.readFile(path).slice(start, Math.min(start + MAX_PIECE_BYTES, sizeBytes)))
          // The database copies what it is given at once, so others get a turn now and then.
          if (++pieces % 16 === 0 || fresh.length > 1) await done
        }
        next.push([tree, path, { inode, modifiedMs, starts: [...starts, ...fresh], sizeBytes, stale: [], isDropped: false }])
      }
    }
    await this.#dropOldest(writes, next)
    return { commit: () => { for (const [tree, path, file] of next) if (file) inner(this.#kept, tree, () => new Map()).set(path, file); else this.#kept.get(tree)?.delete(path) } }
  }

  async #dropOldest(writes: PieceWrites, next: [tree: string, path: string, file: KeptFile | undefined][]): Promise<void> {
    const after = new Map<string, [tree: string, path: string, file: KeptFile]>()
    for (const [tree, files] of this.#kept) for (const [path, file] of files) after.set(`${tree} ${path}`, [tree, path, file])
    for (const [tree, path, file] of next) if (file) after.set(`${tree} ${path}`, [tree, path, file]); else after.delete(`${tree} ${path}`)
    let total = 0
    for (const [, , { sizeBytes, isDropped }] of after.values()) if (!isDropped) total += sizeBytes
    if (total <= this.#maxTotalBytes) return
    const oldestFirst = [...after.values()].filter(([, , { isDropped }]) => !isDropped).sort(([, a, x], [, b, y]) => Number(isRotated(b)) - Number(isRotated(a)) || x.modifiedMs - y.modifiedMs)
    for (const [tree, path, file] of oldestFirst) {
      if (total <= this.#maxTotalBytes) return
      total -= file.sizeBytes
      await deleteAll(writes, tree, path, [...file.starts, ...file.stale])
      next.push([tree, path, { ...file, starts: [], stale: [], isDropped: true }])
    }
  }
}

const isRotated = (path: string) => /\.log\./.test(path)

function isPieceKey(key: unknown): key is PieceKey {
  return Array.isArray(key) && key.length === 3 && typeof key[0] === 'string' && typeof key[1] === 'string' && typeof key[2] === 'number'
}

/** The files among, and below, the paths: those that are there and those that are kept. */
function filesAt(files: FileSystem, paths: Iterable<string>, kept: ReadonlyMap<string, KeptFile> | undefined): Set<string> {
  const out = new Set<string>()
  const visit = (path: string) => {
    const stat = files.exists(path) ? files.lstat(path) : undefined
    if (stat?.type === 'directory') for (const name of files.readdir(path)) visit(`${path}/${name}`)
    else if (stat || kept?.has(path)) out.add(path)
    else for (const each of kept?.keys() ?? []) if (each.startsWith(`${path}/`)) out.add(each)
  }
  for (const path of paths) visit(path)
  return out
}

function statOf(files: FileSystem, path: string): { inode: number; sizeBytes: number; modifiedMs: number } | undefined {
  if (!files.exists(path)) return undefined
  const stat = files.lstat(path)
  return stat.type === 'file' ? stat : undefined
}

async function deleteAll(writes: PieceWrites, tree: string, path: string, starts: readonly number[]): Promise<void> {
  let done: Promise<unknown> | undefined
  for (const start of starts) done = writes.delete([tree, path, start])
  if (starts.length > 16) await done
}

function inner<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known) return known
  const made = make()
  map.set(key, made)
  return made
}
