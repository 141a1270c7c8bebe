/**
 * The value of a variable in a file of `NAME='value'` lines; empty when it isn't there. Values stand in single quotes and may go over several
 * lines. @throws Error for lines of another form. k8s: pkg/kubelet/util/env ParseEnv
 */
export function envFileValue(text: string, key: string): string {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!.replace(/^[ \t]+/, '')
    if (line === '' || line.startsWith('#')) continue
    const fail = (why: string) => new Error(`invalid environment variable format at line ${at + 1}: ${why}`)
    const equals = line.indexOf('=')
    if (equals < 0) throw fail("missing '='")
    const name = line.slice(0, equals)
    if (name.trim() === '') throw fail('empty variable name')
    if (/[ \t]$/.test(name)) throw fail("whitespace before '=' is not allowed")
    let rest = line.slice(equals + 1)
    if (/^[ \t]/.test(rest)) {
      if (name === key) return ''
      continue
    }
    if (!rest.startsWith("'")) throw fail('value must be enclosed in single quotes')
    rest = rest.slice(1)
    let value = ''
    const startedAt = at
    while (!rest.includes("'")) {
      value += `${rest}\n`
      if (++at >= lines.length) throw new Error(`invalid environment variable format starting at line ${startedAt + 1}: unclosed single quote`)
      rest = lines[at]!
    }
    const closing = rest.indexOf("'")
    if (!/^[ \t]*(?:#.*)?$/.test(rest.slice(closing + 1))) throw fail('unexpected content after closing quote')
    if (name === key) return value + rest.slice(0, closing)
  }
  return ''
}
