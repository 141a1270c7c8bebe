import type { FileSystem } from '../types.ts'
import { hasWildcards, patternSource, unquotePattern } from './pattern.ts'

/** Names of files that match a pattern, sorted; relative patterns are looked for below `cwd`. */
export function expandGlob(fs: FileSystem, cwd: string, pattern: string): string[] {
  const absolute = pattern.startsWith('/')
  const segments = pattern.split('/').filter((segment, i, all) => segment !== '' || i === all.length - 1)
  let found: string[] = [absolute ? '/' : '']
  segments.forEach((segment, i) => {
    const isLast = i === segments.length - 1
    if (segment === '') { found = found.filter((base) => isDirectory(fs, cwd, base)).map((base) => base.endsWith('/') ? base : `${base}/`); return }
    const next: string[] = []
    for (const base of found) {
      if (!hasWildcards(segment)) {
        const path = joined(base, unquotePattern(segment))
        if (existsAt(fs, cwd, path)) next.push(path)
        continue
      }
      const matcher = new RegExp(`^${patternSource(segment, { forPaths: true, extended: true })}$`, 'u')
      for (const name of listAt(fs, cwd, base)) {
        if (name.startsWith('.') && !segment.startsWith('.') && !segment.startsWith('\\.')) continue
        if (!matcher.test(name)) continue
        const path = joined(base, name)
        if (isLast || isDirectory(fs, cwd, path)) next.push(path)
      }
      if (segment.startsWith('.')) for (const dots of ['.', '..']) if (matcher.test(dots)) next.push(joined(base, dots))
    }
    found = next
  })
  return found.filter((path) => path !== '').sort((a, b) => a < b ? -1 : a > b ? 1 : 0)
}

function joined(base: string, name: string): string {
  return base === '' || base.endsWith('/') ? base + name : `${base}/${name}`
}

function at(cwd: string, path: string): string {
  return path.startsWith('/') ? path : path === '' ? cwd : `${cwd}/${path}`
}

function existsAt(fs: FileSystem, cwd: string, path: string): boolean {
  try { fs.lstat(at(cwd, path)); return true } catch { return false }
}

function isDirectory(fs: FileSystem, cwd: string, path: string): boolean {
  try { return fs.stat(at(cwd, path)).type === 'directory' } catch { return false }
}

function listAt(fs: FileSystem, cwd: string, path: string): string[] {
  try { return fs.readdir(at(cwd, path)) } catch { return [] }
}
