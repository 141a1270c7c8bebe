/** Patterns of file names: `*` within a folder, `**` across, `?`, `[a-z]`, `[!a]`, `{a,b}`. k8s: gobwas/glob with `/` between parts. */
export function globPattern(pattern: string): RegExp {
  let out = ''
  let braces = 0
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!
    if (c === '*') {
      if (pattern[i + 1] === '*') { out += '.*'; i++ } else out += '[^/]*'
    } else if (c === '?') out += '[^/]'
    else if (c === '\\') out += quoteMeta(pattern[++i] ?? '')
    else if (c === '[') {
      const end = pattern.indexOf(']', i + 1)
      if (end < 0) throw new Error('unexpected end of input')
      const inside = pattern.slice(i + 1, end)
      out += `[${inside.replace(/^!/, '^').replaceAll('\\', '\\\\')}]`
      i = end
    } else if (c === '{') { braces++; out += '(?:' }
    else if (c === '}' && braces > 0) { braces--; out += ')' }
    else if (c === ',' && braces > 0) out += '|'
    else out += quoteMeta(c)
  }
  if (braces > 0) throw new Error('unexpected end of input')
  return new RegExp(`^${out}$`, 's')
}

const quoteMeta = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
