/** Go's regular expressions (RE2) in terms of the platform's. */

const CLASSES: Record<string, string> = {
  alnum: '0-9A-Za-z', alpha: 'A-Za-z', ascii: '\\x00-\\x7F', blank: '\\t ', cntrl: '\\x00-\\x1F\\x7F', digit: '0-9', graph: '!-~', lower: 'a-z', print: ' -~',
  punct: '!-\\/:-@\\[-`{-~', space: '\\t\\n\\v\\f\\r ', upper: 'A-Z', word: '0-9A-Za-z_', xdigit: '0-9A-Fa-f',
}

const cache = new Map<string, RegExp | Error>()

/** Compiles a Go pattern. @throws Error when it can't be read */
export function goPattern(pattern: string): RegExp {
  let known = cache.get(pattern)
  if (!known) {
    if (cache.size > 2000) cache.clear()
    known = compile(pattern)
    cache.set(pattern, known)
  }
  if (known instanceof Error) throw known
  return known
}

function compile(pattern: string): RegExp | Error {
  let source = pattern
  let flags = 'u'
  const lead = /^\(\?([ims]+)\)/.exec(source)
  if (lead) {
    flags += [...new Set(lead[1])].join('')
    source = source.slice(lead[0].length)
  }
  // RE2's own spellings. What `u` refuses but RE2 takes (needless escapes) is written without the backslash.
  source = source
    .replace(/\[\[:(\^?)(\w+):\]\]/g, (all, not: string, name: string) => CLASSES[name] ? `[${not}${CLASSES[name]}]` : all)
    .replace(/\[:(\w+):\]/g, (all, name: string) => CLASSES[name] ?? all)
    .replace(/\(\?P<(\w+)>/g, '(?<$1>')
    .replace(/\\([Az])/g, (_, which: string) => which === 'A' ? '^' : '$')
    .replace(/\\([^\w\s^$\\.*+?()[\]{}|/-])/gu, '$1')
  for (const attempt of [source, escapedOutsideClasses(source)]) {
    try {
      return new RegExp(attempt, flags)
    } catch { /* another spelling may do */ }
  }
  try {
    return new RegExp(source, flags.replace('u', ''))
  } catch (error) {
    return new Error(`error parsing regexp: ${(error as Error).message}`)
  }
}

/** `\-` and `\_` outside of classes, which only RE2 takes, and a lone brace. */
function escapedOutsideClasses(source: string): string {
  let out = ''
  let inClass = false
  for (let i = 0; i < source.length; i++) {
    const c = source[i]!
    if (c === '\\') {
      const next = source[++i] ?? ''
      out += (next === '-' && !inClass) || next === '_' ? next : c + next
      continue
    }
    if (c === '[') inClass = true
    else if (c === ']') inClass = false
    else if (c === '{' && !inClass && !/^\{\d+(,\d*)?\}/.test(source.slice(i))) { out += '\\{'; continue }
    else if (c === '}' && !inClass && !/\{\d+(,\d*)?$/.test(source.slice(0, i))) { out += '\\}'; continue }
    out += c
  }
  return out
}
