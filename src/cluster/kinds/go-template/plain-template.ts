import { GoTemplate } from './go-template.ts'
import type { MissingKey } from './go-template.ts'
import { goFunction, plainValue, withIntegers } from './values.ts'

/**
 * A template over plain data, for programs whose data and functions know nothing of Go's types.
 * @throws Error in Go's words when it is malformed
 */
export function plainTemplate(source: string, options: { name: string; functions: Readonly<Record<string, (...args: any[]) => unknown>>; missingKey: MissingKey }): (data: unknown) => string {
  const functions = Object.fromEntries(Object.entries(options.functions).map(([name, call]) => [name, goFunction('...any', (...args) => withIntegers(call(...args.map(plainValue))))]))
  const template = new GoTemplate(source, { ...options, functions })
  return (data) => template.execute(withIntegers(data))
}
