import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'

/** What wp-config.php says. */
export interface WordpressConfiguration {
  constants: ReadonlyMap<string, string>
  tablePrefix: string
}

/** Something in wp-config.php that isn't understood here. */
export class ConfigurationError extends Error {}

/** A setting of the environment, or of the file that NAME_FILE names. */
export function environmentValue(proc: Proc, name: string): string | undefined {
  const file = proc.env[`${name}_FILE`]
  if (file) {
    try { return proc.fs.readText(proc.resolve(file)).replace(/[\r\n]+$/, '') } catch (error) {
      if (!(error instanceof UnixError)) throw error
      return ''
    }
  }
  return proc.env[name]
}

const STRING = String.raw`'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"`
const TERM = new RegExp(String.raw`^\s*(?:(!!)?\s*getenv(?:_docker)?\(\s*(${STRING})\s*(?:,\s*(${STRING}))?\s*\)|(${STRING})|(true|false)\b|(\d+))\s*`, 'i')

function unquoted(literal: string): string {
  return literal.slice(1, -1).replace(literal.startsWith("'") ? /\\(['\\])/g : /\\(["\\$])/g, '$1')
}

/** What an expression of literals, settings of the environment and dots between them is. */
function valueOf(proc: Proc, expression: string): string {
  let rest = expression
  let value = ''
  for (;;) {
    const match = TERM.exec(rest)
    if (!match) throw new ConfigurationError(`wp-config.php: the expression ${expression.trim()} is not evaluated here: only strings, numbers, true, false and getenv are`)
    const [whole, asTruth, name, otherwise, literal, truth, number] = match
    if (name !== undefined) {
      const found = environmentValue(proc, unquoted(name)) ?? (otherwise === undefined ? '' : unquoted(otherwise))
      value += asTruth ? found === '' || found === '0' ? '' : '1' : found
    } else value += literal !== undefined ? unquoted(literal) : truth !== undefined ? truth.toLowerCase() === 'true' ? '1' : '' : number!
    rest = rest.slice(whole.length)
    if (!rest.startsWith('.')) break
    rest = rest.slice(1)
  }
  if (rest.trim() !== '') throw new ConfigurationError(`wp-config.php: the expression ${expression.trim()} is not evaluated here: only strings, numbers, true, false and getenv are`)
  return value
}

/** Constants that PHP's own words for paths stand in, of which nothing depends here. */
const PATHS = new Set(['ABSPATH', 'WP_CONTENT_DIR', 'WP_PLUGIN_DIR'])

function read(proc: Proc, text: string, constants: Map<string, string>): string | undefined {
  const code = text.replace(new RegExp(`(${STRING})|/\\*[\\s\\S]*?\\*/|(?:^|\\s)(?://|#)[^\\n]*`, 'g'), (whole, literal: string | undefined) => literal === undefined ? ' ' : whole)
  let prefix: string | undefined
  for (const [, name, expression, table] of code.matchAll(new RegExp(String.raw`\bdefine\(\s*['"](\w+)['"]\s*,\s*((?:${STRING}|[^;'"])*?)\)\s*;|\$table_prefix\s*=\s*((?:${STRING}|[^;'"])*);`, 'g'))) {
    if (table !== undefined) prefix = valueOf(proc, table)
    else if (!PATHS.has(name!) && !constants.has(name!)) constants.set(name!, valueOf(proc, expression!))
  }
  return prefix
}

/** Reads wp-config.php; undefined where there is none. @throws ConfigurationError for PHP that is more than constants */
export function readConfiguration(proc: Proc, path: string): WordpressConfiguration | undefined {
  if (!proc.fs.exists(path)) return undefined
  const text = proc.fs.readText(path)
  const constants = new Map<string, string>()
  const own = text.includes('WORDPRESS_CONFIG_EXTRA') ? environmentValue(proc, 'WORDPRESS_CONFIG_EXTRA') ?? '' : ''
  const prefix = read(proc, text, constants)
  read(proc, own, constants)
  return { constants, tablePrefix: prefix ?? 'wp_' }
}
