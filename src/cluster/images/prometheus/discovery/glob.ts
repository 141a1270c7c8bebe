import type { FileSystem } from '../../../../unix/types.ts'

/** Files that a pattern names, whose last part may hold `*` and `?`; sorted. */
export function matchesGlob(fs: FileSystem, pattern: string): string[] {
  if (!/[*?[]/.test(pattern)) return fs.exists(pattern) ? [pattern] : []
  const slash = pattern.lastIndexOf('/')
  const folder = pattern.slice(0, slash) || '/'
  if (!fs.exists(folder)) return []
  const form = new RegExp(`^${pattern.slice(slash + 1).replace(/[.+^${}()|\\]/g, '\\$&').replaceAll('*', '[^/]*').replaceAll('?', '[^/]')}$`)
  return fs.readdir(folder).filter((name) => form.test(name)).map((name) => `${folder === '/' ? '' : folder}/${name}`)
}
