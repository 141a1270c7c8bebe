import type { Proc } from '../../../unix/types.ts'
import { UnixError } from '../../../unix/types.ts'

/** Which files are followed, and what becomes of their lines. */
export interface TailOptions {
  /** Globs. */
  paths: readonly string[]
  excludes: readonly string[]
  /** New files are read from where they begin; files that were there before, only with this. */
  fromHead: boolean
  /** Where positions are kept; in memory only without. */
  positions?: PositionFile | undefined
  onFile?(path: string): void
  /** Complete lines, without their ends. */
  onLines(path: string, lines: readonly string[]): void | Promise<void>
}

/** How far files were read, kept in a file. */
export interface PositionFile {
  load(): Map<string, { inode: number; offset: number }>
  save(positions: ReadonlyMap<string, { inode: number; offset: number }>): void
}

const ROUND_MS = 1_000
const decoder = new TextDecoder()

/** Follows files whose names fit patterns, through links and rotation, line by line, until the process ends. */
export async function tailFiles(proc: Proc, options: TailOptions): Promise<never> {
  const positions = options.positions?.load() ?? new Map<string, { inode: number; offset: number }>()
  const seen = new Set<string>()
  let isFirst = true
  for (;;) {
    let moved = false
    for (const path of options.paths.flatMap((pattern) => glob(proc, pattern))) {
      if (options.excludes.some((pattern) => globPattern(pattern).test(path))) continue
      let stat: { inode: number; sizeBytes: number }
      try { stat = proc.fs.stat(path) } catch (error) { if (error instanceof UnixError) continue; throw error }
      if (!seen.has(path)) { seen.add(path); options.onFile?.(path) }
      let at = positions.get(path)
      if (!at) positions.set(path, at = { inode: stat.inode, offset: isFirst && !options.fromHead ? stat.sizeBytes : 0 })
      // Rotated or truncated: another file of the same name begins.
      if (at.inode !== stat.inode || stat.sizeBytes < at.offset) { at.inode = stat.inode; at.offset = 0 }
      if (stat.sizeBytes <= at.offset) continue
      const bytes = proc.fs.readFile(path)
      const end = bytes.lastIndexOf(10)
      if (end < at.offset) continue
      const lines = decoder.decode(bytes.subarray(at.offset, end)).split('\n')
      await options.onLines(path, lines)
      at.offset = end + 1
      moved = true
      await proc.clock.breathe()
    }
    isFirst = false
    if (moved) options.positions?.save(positions)
    await proc.sleep(ROUND_MS)
  }
}

/** fluentd's pos_file: path, position and inode in hexadecimal, apart by tabs. */
export function fluentdPositions(proc: Proc, path: string): PositionFile {
  return {
    load() {
      const lines = proc.fs.exists(path) ? proc.fs.readText(path).split('\n').filter(Boolean) : []
      return new Map(lines.map((line) => { const [file = '', offset = '0', inode = '0'] = line.split('\t'); return [file, { offset: parseInt(offset, 16), inode: parseInt(inode, 16) }] }))
    },
    save(positions) {
      const hex = (value: number) => value.toString(16).padStart(16, '0')
      proc.fs.mkdir(path.slice(0, path.lastIndexOf('/')) || '/', { recursive: true })
      proc.fs.writeFile(path, [...positions].map(([file, { offset, inode }]) => `${file}\t${hex(offset)}\t${hex(inode)}\n`).join(''))
    },
  }
}

function globPattern(pattern: string): RegExp {
  return new RegExp(`^${pattern.replace(/[.+^$()|[\]{}\\]/g, '\\$&').replaceAll('**', '\0').replaceAll('*', '[^/]*').replaceAll('?', '[^/]').replaceAll('\0', '.*')}$`)
}

/** Files that a glob means, sorted. */
function glob(proc: Proc, pattern: string): string[] {
  let found = ['']
  for (const part of pattern.split('/').slice(1)) {
    if (!/[*?]/.test(part)) { found = found.map((at) => `${at}/${part}`); continue }
    const expression = globPattern(part)
    found = found.flatMap((at) => {
      try { return proc.fs.readdir(at || '/').filter((name) => expression.test(name)).map((name) => `${at}/${name}`) } catch (error) { if (error instanceof UnixError) return []; throw error }
    })
  }
  return found.filter((path) => proc.fs.exists(path))
}
