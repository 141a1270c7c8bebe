import { pathPattern } from '../../path-pattern.ts'

interface Rule { matches(path: string): boolean; negated: boolean; directoriesOnly: boolean }

/**
 * What .helmignore says.
 * @returns whether a path (relative to the chart) is left out
 * @throws Error for patterns that Helm doesn't know
 */
export function ignoreRules(text: string): (path: string, directory: boolean) => boolean {
  const rules: Rule[] = []
  for (const line of [...text.split('\n'), 'templates/.?*']) {
    let pattern = line.trim()
    if (pattern === '' || pattern.startsWith('#')) continue
    if (pattern.includes('**')) throw new Error('double-star (**) syntax is not supported')
    if (!pathPattern(pattern)) throw new Error('syntax error in pattern')
    const negated = pattern.startsWith('!')
    if (negated) pattern = pattern.slice(1)
    const directoriesOnly = pattern.endsWith('/')
    if (directoriesOnly) pattern = pattern.slice(0, -1)
    const isWhole = pattern.includes('/')
    const regex = pathPattern(pattern.startsWith('/') ? pattern.slice(1) : pattern)
    rules.push({ negated, directoriesOnly, matches: (path) => regex?.test(isWhole ? path : path.slice(path.lastIndexOf('/') + 1)) ?? false })
  }
  return (path, directory) => {
    if (path === '' || path === '.') return false
    for (const rule of rules) {
      if (rule.negated) {
        if (rule.directoriesOnly && !directory) return true
        if (!rule.matches(path)) return true
        continue
      }
      if (rule.directoriesOnly && !directory) continue
      if (rule.matches(path)) return true
    }
    return false
  }
}
