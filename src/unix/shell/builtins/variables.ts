import { ProcessExit } from '../../types.ts'
import { elementOf, evaluate } from '../expand.ts'
import { ShellError } from '../shell-errors.ts'
import type { Shell } from '../shell.ts'
import type { Builtin } from './builtin.ts'
import { doubleQuoted, singleQuoted } from './quoting.ts'

/** `export [-n] [NAME[=VALUE]...]`; without names, what is exported. */
export const exportBuiltin: Builtin = async (shell, argv) => {
  const { variables } = shell
  const args = argv.slice(1)
  let exported = true
  while (/^-[npf]$/.test(args[0] ?? '')) if (args.shift() === '-n') exported = false
  if (args.length === 0) {
    for (const [name, { value, exported: isExported }] of variables.entries())
      if (isExported) await shell.out(`${shell.isBash ? 'declare -x' : 'export'} ${name}${value === undefined ? '' : `=${shell.isBash ? doubleQuoted(value) : singleQuoted(value)}`}\n`)
    return 0
  }
  return eachAssignment(shell, argv[0]!, args, (name) => variables.export(name, exported))
}

async function eachAssignment(shell: Shell, command: string, args: readonly string[], mark: (name: string) => void): Promise<number> {
  let status = 0
  for (const arg of args) {
    const match = /^([A-Za-z_]\w*)(?:(\+?)=([\s\S]*))?$/.exec(arg)
    if (!match) {
      await shell.complain(shell.isBash ? `${command}: \`${arg}': not a valid identifier` : `${command}: ${arg.split('=')[0]}: bad variable name`)
      if (!shell.isBash && !shell.interactive) throw new ProcessExit(2)
      status = 1
      continue
    }
    if (match[3] !== undefined) shell.variables.set(match[1]!, match[2] === '+' ? (shell.variables.get(match[1]!) ?? '') + match[3] : match[3])
    mark(match[1]!)
  }
  return status
}

/** `readonly [NAME[=VALUE]...]`. */
export const readonlyBuiltin: Builtin = async (shell, argv) => {
  const args = argv.slice(1).filter((arg) => arg !== '-p')
  if (args.length > 0) return eachAssignment(shell, 'readonly', args, (name) => shell.variables.makeReadonly(name))
  for (const [name, { value, readonly }] of shell.variables.entries()) if (readonly) await shell.out(`readonly ${name}${value === undefined ? '' : `=${singleQuoted(value)}`}\n`)
  return 0
}

/** Takes an element away. Indices of arrays below zero count back from behind the last element; the keys of a map are what they are. */
function unsetElement(shell: Shell, name: string, at: string): void {
  const { elements, isMap } = shell.variables.variable(name) ?? {}
  elements?.delete(!isMap && at.startsWith('-') ? String(Math.max(-1, ...[...elements.keys()].map(Number)) + 1 + Number(at)) : at)
}

/** `unset [-f|-v] NAME...`, and elements of arrays. */
export const unset: Builtin = async (shell, argv) => {
  let args = argv.slice(1)
  let functions = false
  if (/^-[fv]$/.test(args[0] ?? '')) { functions = args[0] === '-f'; args = args.slice(1) }
  for (const name of args) {
    const whole = /^([A-Za-z_]\w*)\[[@*]\]$/.exec(name)
    if (whole) { shell.variables.variable(whole[1]!)?.elements?.clear(); continue }
    const element = elementOf(shell, name)
    if (element) unsetElement(shell, element.name, element.at)
    else if (functions) shell.state.functions.delete(name)
    else if (shell.isBash && shell.variables.variable(name) === undefined) shell.state.functions.delete(name)
    else shell.variables.unset(name)
  }
  return 0
}

/** `local NAME[=VALUE]...` inside a function. */
export const local: Builtin = async (shell, argv) => {
  if (!shell.variables.inFunction) {
    if (shell.isBash) { await shell.complain('local: can only be used in a function'); return 1 }
    throw new ShellError('local: not in a function')
  }
  return declareLocals(shell, argv.slice(1))
}

async function declareLocals(shell: Shell, args: readonly string[]): Promise<number> {
  const flags = args.filter((arg) => /^-/.test(arg)).join('')
  for (const arg of args) {
    if (/^-/.test(arg)) continue
    const [, name, , value] = /^([A-Za-z_]\w*)((?:\+?=)([\s\S]*))?$/.exec(arg) ?? []
    if (!name) throw new ShellError(`local: ${arg}: bad variable name`)
    shell.variables.makeLocal(name, !shell.isBash)
    if (shell.isBash && /[aA]/.test(flags)) shell.variables.setElements(name, new Map(), flags.includes('A'))
    if (value !== undefined) shell.variables.set(name, value)
  }
  return 0
}

/** bash's `declare` and `typeset`: attributes, arrays and listings. */
export const declare: Builtin = async (shell, argv) => {
  const flags = argv.slice(1).filter((arg) => /^[-+]/.test(arg)).join('')
  const args = argv.slice(1).filter((arg) => !/^[-+]/.test(arg))
  if (flags.includes('f') || flags.includes('F')) {
    for (const [name, { text }] of shell.state.functions) if (args.length === 0 || args.includes(name)) await shell.out(flags.includes('F') ? `declare -f ${name}\n` : `${text}\n`)
    return 0
  }
  if (flags.includes('p') || args.length === 0) {
    for (const [name, { value, exported, readonly, elements, isMap }] of shell.variables.entries()) {
      if (args.length > 0 && !args.includes(name)) continue
      const marks = `${isMap ? 'A' : elements ? 'a' : ''}${readonly ? 'r' : ''}${exported ? 'x' : ''}`
      const list = elements && [...elements].map(([at, each]) => `[${at}]=${doubleQuoted(each)}`).join(' ')
      await shell.out(`declare -${marks || '-'} ${name}${elements ? `=(${list}${isMap && list ? ' ' : ''})` : value === undefined ? '' : `=${doubleQuoted(value)}`}\n`)
    }
    return 0
  }
  if (shell.variables.inFunction && !flags.includes('g')) await declareLocals(shell, args.map((arg) => arg.split('=')[0]!))
  for (const arg of args) {
    const [, name, value] = /^([A-Za-z_]\w*)(?:=([\s\S]*))?$/.exec(arg) ?? []
    if (!name) { await shell.complain(`declare: \`${arg}': not a valid identifier`); return 1 }
    if (flags.includes('A')) shell.variables.setElements(name, shell.variables.variable(name)?.elements ?? new Map(), true)
    else if (flags.includes('a')) shell.variables.setElements(name, shell.variables.variable(name)?.elements ?? new Map())
    if (value !== undefined) shell.variables.set(name, flags.includes('i') ? evaluate(shell, value).toString() : value)
    if (flags.includes('x')) shell.variables.export(name)
    if (flags.includes('r')) shell.variables.makeReadonly(name)
  }
  return 0
}

/** `let EXPRESSION...`: status 1 when the last one is 0. */
export const letBuiltin: Builtin = async (shell, argv) => {
  let value = 0n
  for (const arg of argv.slice(1)) value = evaluate(shell, arg)
  return value === 0n ? 1 : 0
}
