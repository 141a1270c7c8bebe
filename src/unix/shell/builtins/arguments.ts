import { ShellError } from '../shell-errors.ts'
import type { Shell } from '../shell.ts'
import { TestError, evaluateTest } from '../test-expression.ts'
import type { Builtin } from './builtin.ts'

/** `shift [N]`: the first N positional parameters go. */
export const shift: Builtin = async (shell, argv) => {
  const count = argv[1] === undefined ? 1 : Number(argv[1])
  if (!Number.isInteger(count) || count < 0 || count > shell.state.positional.length) {
    if (shell.isBash) return 1
    throw new ShellError("shift: can't shift that many", 2)
  }
  shell.state.positional.splice(0, count)
  return 0
}

/** `getopts SPEC NAME [ARGUMENT...]` (POSIX), one option at each call. */
export const getopts: Builtin = async (shell, argv) => {
  const [, spec, name] = argv
  if (spec === undefined || name === undefined) { await shell.complain('getopts: Usage: getopts optstring var [arg]'); return 2 }
  const args = argv.length > 3 ? argv.slice(3) : shell.state.positional
  const { variables } = shell
  let index = Number(variables.get('OPTIND') ?? '1')
  let offset = getoptsOffset.get(shell)?.index === index ? getoptsOffset.get(shell)!.offset : 1
  const silent = spec.startsWith(':')
  const arg = args[index - 1]
  const end = () => { variables.set('OPTIND', String(index)); variables.set(name, '?'); getoptsOffset.delete(shell); return 1 }
  if (arg === undefined || !/^-./.test(arg)) return end()
  if (arg === '--') { index += 1; return end() }
  const letter = arg[offset]!
  offset += 1
  const at = letter === ':' ? -1 : spec.indexOf(letter, silent ? 1 : 0)
  variables.unset('OPTARG')
  let found = letter
  if (at < 0) {
    found = '?'
    if (silent) variables.set('OPTARG', letter)
    else await shell.err(shell.isBash ? `${shell.state.name}: illegal option -- ${letter}\n` : `Illegal option -${letter}\n`)
  } else if (spec[at + 1] === ':') {
    const rest = arg.slice(offset)
    offset = arg.length
    if (rest !== '') variables.set('OPTARG', rest)
    else if (args[index] !== undefined) { variables.set('OPTARG', args[index]!); index += 1 }
    else if (silent) { found = ':'; variables.set('OPTARG', letter) }
    else { found = '?'; await shell.err(shell.isBash ? `${shell.state.name}: option requires an argument -- ${letter}\n` : `No arg for -${letter} option\n`) }
  }
  if (offset >= arg.length) { index += 1; offset = 1 }
  variables.set(name, found)
  variables.set('OPTIND', String(index))
  getoptsOffset.set(shell, { index, offset })
  return 0
}

const getoptsOffset = new WeakMap<Shell, { index: number; offset: number }>()

/** `test` and `[`. */
export const testBuiltin: Builtin = async (shell, argv) => {
  let args = argv.slice(1)
  if (argv[0] === '[') {
    if (args.at(-1) !== ']') { await shell.complain(shell.isBash ? "[: missing `]'" : '[: missing ]'); return 2 }
    args = args.slice(0, -1)
  }
  try {
    return evaluateTest(shell.proc, args) ? 0 : 1
  } catch (error) {
    if (!(error instanceof TestError)) throw error
    const number = /^Illegal number: (.*)$/.exec(error.message)
    await shell.complain(`${argv[0]}: ${number ? shell.isBash ? `${number[1]}: integer expression expected` : shell.flavour === 'ash' ? `bad number` : error.message : shell.isBash ? error.message.replace(/^(.*): unexpected operator$/, 'too many arguments').replace(/^(.*): unknown operand$/, '$1: unary operator expected') : error.message}`)
    return 2
  }
}
