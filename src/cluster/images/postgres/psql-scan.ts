/** What psql's scanner finds next in its input. */
export type Scanned =
  /** A statement up to its semicolon, with what variables stand for. */
  | { kind: 'statement'; sql: string; rest: string }
  /** A backslash; what was gathered before it stays in the buffer. */
  | { kind: 'backslash'; before: string; rest: string }
  /** The input ends within a statement; `inside` tells in what: `=` at its begin. */
  | { kind: 'incomplete'; inside: Prompt }

/** What stands before the prompt's end: nothing begun, a statement, a quote, a parenthesis, a comment. */
export type Prompt = '=' | '-' | "'" | '"' | '$' | '(' | '*'

export const isBlank = (sql: string) => /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*$/.test(sql)

/** Finds the end of the first statement. `variable` gives what `:name` stands for, undefined where there is no such variable; `single`: statements end with their lines. */
export function scan(text: string, variable: (name: string) => string | undefined): Scanned {
  let out = ''
  let depth = 0
  for (let i = 0; i < text.length;) {
    const char = text[i]!
    const two = text.slice(i, i + 2)
    if (two === '--') { const end = text.indexOf('\n', i); const stop = end < 0 ? text.length : end; out += text.slice(i, stop); i = stop; continue }
    if (two === '/*') {
      let nested = 0
      let at = i
      for (; at < text.length; at++) {
        if (text.startsWith('/*', at)) { nested++; at++ } else if (text.startsWith('*/', at)) { nested--; at++; if (nested === 0) break }
      }
      if (nested > 0) return { kind: 'incomplete', inside: '*' }
      out += text.slice(i, at + 1)
      i = at + 1
      continue
    }
    if (char === "'" || char === '"') {
      const escapes = char === "'" && /(?:^|[^\w$])[eE]$/.test(text.slice(Math.max(0, i - 2), i))
      let at = i + 1
      for (; at < text.length; at++) {
        if (escapes && text[at] === '\\') at++
        else if (text[at] === char) { if (text[at + 1] === char) at++; else break }
      }
      if (at >= text.length) return { kind: 'incomplete', inside: char }
      out += text.slice(i, at + 1)
      i = at + 1
      continue
    }
    if (char === '$') {
      const tag = /^\$(?:[A-Za-z_\x80-\uffff][\w\x80-\uffff]*)?\$/.exec(text.slice(i, i + 64))?.[0]
      if (tag && !/[\w$]$/.test(text.slice(Math.max(0, i - 1), i))) {
        const end = text.indexOf(tag, i + tag.length)
        if (end < 0) return { kind: 'incomplete', inside: '$' }
        out += text.slice(i, end + tag.length)
        i = end + tag.length
        continue
      }
    }
    if (char === ':' && text[i + 1] !== ':' && text[i - 1] !== ':') {
      const [all, plain, asText, asName] = /^:(?:(\w+)|'(\w+)'|"(\w+)")/.exec(text.slice(i)) ?? []
      const value = all ? variable((plain ?? asText ?? asName)!) : undefined
      if (value !== undefined) {
        out += plain ? value : asText ? `'${value.replaceAll("'", "''")}'` : `"${value.replaceAll('"', '""')}"`
        i += all!.length
        continue
      }
    }
    if (char === '(') depth++
    if (char === ')') depth = Math.max(0, depth - 1)
    if (char === ';' && depth === 0 && !isInsideBody(out)) return { kind: 'statement', sql: `${out};`, rest: text.slice(i + 1) }
    if (char === '\\') return text[i + 1] === ';' ? { kind: 'statement', sql: `${out};`, rest: text.slice(i + 2) } : { kind: 'backslash', before: out, rest: text.slice(i) }
    out += char
    i++
  }
  return { kind: 'incomplete', inside: depth > 0 ? '(' : isBlank(out) ? '=' : '-' }
}

/** Whether a function's body of SQL (BEGIN ATOMIC ... END) is open. */
function isInsideBody(sql: string): boolean {
  if (!/^\s*create\s+(?:or\s+replace\s+)?(?:function|procedure)\b/i.test(sql)) return false
  if (!/\bbegin\s+atomic\b/i.test(sql)) return false
  const words = sql.match(/\b(?:begin|case|end)\b/gi) ?? []
  return words.reduce((open, word) => open + (word.toLowerCase() === 'end' ? -1 : 1), 0) > 0
}
