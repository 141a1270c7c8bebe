import { baseName } from '../path.ts'
import { expandString } from './expand.ts'
import type { Shell } from './shell.ts'
import { WordReader } from './words.ts'
import { Parser } from './parser.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/** The text of PS1 or PS2: backslash escapes of bash, then expansions. */
export async function expandPrompt(shell: Shell, template: string): Promise<string> {
  const now = new Date(shell.proc.clock.nowMs())
  const two = (n: number) => String(n).padStart(2, '0')
  const home = shell.variables.get('HOME') ?? ''
  const { cwd, user, machine } = shell.proc
  const shown = home && home !== '/' && (cwd === home || cwd.startsWith(`${home}/`)) ? `~${cwd.slice(home.length)}` : cwd
  const text = template.replace(/\\(\[|\]|[0-7]{3}|[\s\S])/g, (_, code: string) => {
    switch (code) {
      case 'u': return user.name
      case 'h': return machine.hostname.split('.')[0]!
      case 'H': return machine.hostname
      case 'w': return shown
      case 'W': return shown === '~' ? '~' : baseName(shown)
      case '$': return user.uid === 0 ? '#' : '\\$'
      case 'n': return '\n'
      case 'r': return '\r'
      case 'a': return '\x07'
      case 'e': return '\x1b'
      case 's': return baseName(shell.state.name).replace(/^-/, '')
      case 'v': case 'V': return '5.2'
      case 't': return `${two(now.getUTCHours())}:${two(now.getUTCMinutes())}:${two(now.getUTCSeconds())}`
      case 'A': return `${two(now.getUTCHours())}:${two(now.getUTCMinutes())}`
      case 'd': return `${DAYS[now.getUTCDay()]} ${MONTHS[now.getUTCMonth()]} ${two(now.getUTCDate())}`
      case 'j': return String(shell.jobs.all().length)
      case '!': case '#': return String(shell.history.length + 1)
      case '[': case ']': return ''
      case '\\': return '\\\\'
      default: return /^[0-7]{3}$/.test(code) ? String.fromCharCode(parseInt(code, 8)) : `\\${code}`
    }
  })
  try {
    const reader = new WordReader({ text, at: 0, line: 1 }, (cursor) => { const { list, length } = new Parser(cursor.text.slice(cursor.at)).nested(); cursor.at += length; return list }, (inner) => new Parser(inner).all())
    const status = shell.state.lastStatus
    const expanded = await expandString(shell, { parts: reader.quotedParts('', 1), text })
    shell.state.lastStatus = status
    return expanded
  } catch {
    return text
  }
}
