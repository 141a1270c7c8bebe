/**
 * A pattern of files as a regular expression, as wildmatch.c matches: `*` and `?` stop at slashes where `paths` says so, `**` as a whole part matches any
 * number of folders.
 */
export function wildcard(pattern: string, options: { paths: boolean; ignoreCase?: boolean }): RegExp {
  const notSlash = options.paths ? '[^/]' : '[^]'
  let source = ''
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!
    if (char === '*') {
      let end = i
      while (pattern[end + 1] === '*') end++
      const alone = (i === 0 || pattern[i - 1] === '/') && (end + 1 === pattern.length || pattern[end + 1] === '/')
      if (options.paths && end > i && alone) {
        if (pattern[end + 1] === '/') { source += '(?:[^]*/)?'; end++ } else source += '[^]*'
      } else source += `${notSlash}*`
      i = end
    } else if (char === '?') source += notSlash
    else if (char === '[') {
      const end = pattern.indexOf(']', i + (/^[!^]?\]/.test(pattern.slice(i + 1)) ? 3 : 1))
      if (end < 0) { source += '\\['; continue }
      const inside = pattern.slice(i + 1, end).replace(/^[!^]/, '^').replace(/\[:(\w+):\]/g, (_, name: string) => ({ alpha: 'a-zA-Z', digit: '0-9', alnum: 'a-zA-Z0-9', upper: 'A-Z', lower: 'a-z', space: '\\s' })[name] ?? '').replace(/\\(?=[^\w])/g, '\\\\').replace(/\[/g, '\\[')
      source += `(?!/)[${inside}]`
      i = end
    } else if (char === '\\' && i + 1 < pattern.length) source += pattern[++i]!.replace(/[^\w]/g, '\\$&')
    else source += char.replace(/[\\^$.|+(){}\]/-]/g, '\\$&')
  }
  return new RegExp(`^${source}$`, options.ignoreCase ? 'i' : '')
}
