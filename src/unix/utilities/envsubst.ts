import { readAll } from '../../base/streams.ts'
import { parseOptions } from './utility.ts'
import type { Utility } from './utility.ts'

const VARIABLE = /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g

/** The variables that a text refers to, in order. */
function variablesOf(text: string): string[] {
  return [...text.matchAll(VARIABLE)].map(([, braced, plain]) => (braced ?? plain)!)
}

/** envsubst: standard input with `$NAME` and `${NAME}` replaced by the environment's values; only those that the argument names, if there is one. */
export const envsubst: Utility = async (context) => {
  const { proc } = context
  const { operands, has } = parseOptions(context.args, 'vVh', { variables: 'v', version: 'V', help: 'h' })
  if (has('V')) { await context.out('envsubst (GNU gettext-runtime) 0.21\n'); return 0 }
  if (has('h')) { await context.out('Usage: envsubst [OPTION] [SHELL-FORMAT]\n\nSubstitutes the values of environment variables.\n\nOperation mode:\n  -v, --variables             output the variables occurring in SHELL-FORMAT\n'); return 0 }
  if (operands.length > 1) { await context.err(`${context.name}: too many arguments\n`); return 1 }
  if (has('v')) {
    if (operands[0] === undefined) { await context.err(`${context.name}: missing arguments\n`); return 1 }
    await context.out(variablesOf(operands[0]).map((name) => `${name}\n`).join(''))
    return 0
  }
  const wanted = operands[0] === undefined ? undefined : new Set(variablesOf(operands[0]))
  const text = new TextDecoder().decode(await readAll(proc.stdin))
  await context.out(text.replace(VARIABLE, (match, braced?: string, plain?: string) => wanted?.has((braced ?? plain)!) ?? true ? proc.env[(braced ?? plain)!] ?? '' : match))
  return 0
}
