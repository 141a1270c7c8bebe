/** The escapes of `$'...'`. */
export function unescapeAnsi(text: string): string {
  return text.replace(/\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|c(.)|(.))/gs, (_, hex?: string, u?: string, U?: string, octal?: string, control?: string, char?: string) => {
    const code = hex ?? u ?? U
    if (code !== undefined) return String.fromCodePoint(parseInt(code, 16))
    if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8) & 255)
    if (control !== undefined) return String.fromCharCode(control.charCodeAt(0) & 31)
    return SIMPLE[char!] ?? (char === "'" || char === '"' || char === '\\' || char === '?' ? char : `\\${char}`)
  })
}

const SIMPLE: Readonly<Record<string, string>> = { a: '\x07', b: '\b', e: '\x1b', E: '\x1b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** The escapes of `echo -e` and `printf %b`; `stopped` when a `\c` ended the output. */
export function unescapeEcho(text: string): { text: string; stopped: boolean } {
  let stopped = false
  let out = ''
  for (let i = 0; i < text.length && !stopped; i++) {
    if (text[i] !== '\\') { out += text[i]; continue }
    const rest = text.slice(i + 1)
    const match = /^(?:0([0-7]{0,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|([1-7][0-7]{0,2}))/.exec(rest)
    if (match) {
      out += String.fromCodePoint(match[1] !== undefined ? parseInt(match[1] || '0', 8) & 255 : match[4] !== undefined ? parseInt(match[4], 8) & 255 : parseInt((match[2] ?? match[3])!, 16))
      i += match[0].length
      continue
    }
    const char = rest[0]
    if (char === 'c') stopped = true
    else if (char === '\\') out += '\\'
    else if (char !== undefined && SIMPLE[char] !== undefined) out += SIMPLE[char]
    else out += `\\${char ?? ''}`
    i += 1
  }
  return { text: out, stopped }
}
