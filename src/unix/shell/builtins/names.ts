import { findInPath } from '../../exec.ts'
import type { Shell } from '../shell.ts'
import { specialBuiltins } from './builtin.ts'
import type { Builtin } from './builtin.ts'
import { singleQuoted } from './quoting.ts'

/** `alias [NAME[=TEXT]...]`. */
export const alias: Builtin = async (shell, argv) => {
  let status = 0
  const show = (name: string, text: string) => shell.out(`${shell.isBash ? 'alias ' : ''}${name}=${singleQuoted(text)}\n`)
  if (argv.length === 1) for (const [name, text] of [...shell.state.aliases].sort()) await show(name, text)
  for (const arg of argv.slice(1)) {
    const at = arg.indexOf('=')
    if (at > 0) { shell.state.aliases.set(arg.slice(0, at), arg.slice(at + 1)); continue }
    const text = shell.state.aliases.get(arg)
    if (text === undefined) { await shell.complain(`alias: ${arg}${shell.isBash ? ':' : ''} not found`); status = 1 } else await show(arg, text)
  }
  return status
}

/** `unalias [-a] NAME...`. */
export const unalias: Builtin = async (shell, argv) => {
  let status = 0
  for (const arg of argv.slice(1)) {
    if (arg === '-a') shell.state.aliases.clear()
    else if (!shell.state.aliases.delete(arg)) { await shell.complain(`unalias: ${arg}${shell.isBash ? ': not found' : ' not found'}`); status = 1 }
  }
  return status
}

/** What a name would run. */
function kindOf(shell: Shell, name: string): { kind: 'alias' | 'keyword' | 'function' | 'builtin' | 'file'; text: string } | undefined {
  const aliased = shell.state.aliases.get(name)
  if (aliased !== undefined) return { kind: 'alias', text: aliased }
  if (['if', 'then', 'else', 'elif', 'fi', 'do', 'done', 'case', 'esac', 'while', 'until', 'for', '{', '}', '!', 'in', ...(shell.isBash ? ['function', '[[', ']]', 'time'] : [])].includes(name)) return { kind: 'keyword', text: name }
  const defined = shell.state.functions.get(name)
  if (defined) return { kind: 'function', text: defined.text }
  if (shell.builtins.has(name)) return { kind: 'builtin', text: name }
  try {
    const path = findInPath(shell.proc.fs, name, shell.variables.get('PATH') ?? '', shell.proc.cwd)
    return { kind: 'file', text: path }
  } catch {
    return undefined
  }
}

/** `type [-t|-p|-P] NAME...`. */
export const type: Builtin = async (shell, argv) => {
  let status = 0
  const short = argv[1] === '-t'
  const pathOnly = argv[1] === '-p' || argv[1] === '-P'
  for (const name of argv.slice(1).filter((arg) => !/^-[tpPa]$/.test(arg))) {
    const found = kindOf(shell, name)
    if (!found) {
      status = 1
      if (short || pathOnly) continue
      if (shell.isBash) await shell.complain(`type: ${name}: not found`)
      else { await shell.out(`${name}: not found\n`); status = 127 }
      continue
    }
    if (short) await shell.out(`${found.kind}\n`)
    else if (pathOnly) { if (found.kind === 'file') await shell.out(`${found.text}\n`) }
    else await shell.out(`${describeKind(shell, name, found)}\n`)
  }
  return status
}

function describeKind(shell: Shell, name: string, found: NonNullable<ReturnType<typeof kindOf>>): string {
  switch (found.kind) {
    case 'alias': return shell.isBash ? `${name} is aliased to \`${found.text}'` : `${name} is an alias for ${found.text}`
    case 'keyword': return `${name} is a shell keyword`
    case 'function': return shell.isBash ? `${name} is a function\n${found.text}` : `${name} is a shell function`
    case 'builtin': return !shell.isBash && specialBuiltins.has(name) ? `${name} is a special shell builtin` : `${name} is a shell builtin`
    case 'file': return `${name} is ${found.text}`
  }
}

/** `command [-v|-V] NAME...`: tells what a name would run, or runs it past functions. */
export const command: Builtin = async (shell, argv) => {
  const args = argv.slice(1)
  if (args[0] === '-v' || args[0] === '-V') {
    let status = 0
    for (const name of args.slice(1)) {
      const found = kindOf(shell, name)
      if (!found) {
        status = shell.isBash ? 1 : 127
        if (args[0] === '-V') { if (shell.isBash) await shell.complain(`command: ${name}: not found`); else await shell.out(`${name}: not found\n`) }
      }
      else if (args[0] === '-V') await shell.out(`${describeKind(shell, name, found)}\n`)
      else await shell.out(found.kind === 'alias' ? `alias ${name}=${singleQuoted(found.text)}\n` : found.kind === 'file' ? `${found.text}\n` : `${name}\n`)
    }
    return status
  }
  if (args[0] === '-p' || args[0] === '--') args.shift()
  if (args.length === 0) return 0
  const builtin = shell.builtins.get(args[0]!)
  if (builtin) return builtin(shell, args)
  return shell.run({ kind: 'simple', assignments: [], words: args.map((text) => ({ parts: [{ kind: 'literal', text, quoted: true }], text })), redirects: [], line: shell.line })
}

/** `hash [-r]`: where commands were found. */
export const hash: Builtin = async (shell, argv) => {
  if (argv[1] === '-r') { shell.hashed.clear(); return 0 }
  if (argv.length === 1) for (const path of shell.hashed.values()) await shell.out(`${path}\n`)
  return 0
}

/** `history [-c] [COUNT]`. */
export const history: Builtin = async (shell, argv) => {
  if (argv[1] === '-c') { shell.history.length = 0; return 0 }
  const count = argv[1] === undefined ? shell.history.length : Number(argv[1])
  const start = Math.max(0, shell.history.length - count)
  for (const [i, line] of shell.history.slice(start).entries()) await shell.out(`${String(start + i + 1).padStart(5)}  ${line}\n`)
  return 0
}
