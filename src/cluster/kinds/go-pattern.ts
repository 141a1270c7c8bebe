import { RE2JS } from 're2js'

/**
 * A regular expression as Go's regexp package reads it: the same syntax, the same errors, and time that grows with the text alone. Patterns come
 * from users (schemas, policies); the platform's own expressions could be made to run for years.
 */
export interface GoPattern {
  /** Whether the pattern matches anywhere in the text. */
  test(text: string): boolean
  /** The first match. */
  find(text: string): string | undefined
  /** All matches that don't overlap, at most `limit`. */
  findAll(text: string, limit?: number): string[]
}

/** As many compiled patterns as are kept. */
const MAX_KEPT = 2000
const cache = new Map<string, GoPattern | Error>()

/** Compiles a Go pattern. @throws Error in Go's words when it can't be read (`error parsing regexp: missing closing ]: ...`) */
export function goPattern(pattern: string): GoPattern {
  let known = cache.get(pattern)
  if (!known) {
    if (cache.size > MAX_KEPT) cache.clear()
    known = compile(pattern)
    cache.set(pattern, known)
  }
  if (known instanceof Error) throw known
  return known
}

function compile(pattern: string): GoPattern | Error {
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(pattern)
  } catch (error) {
    return new Error((error as Error).message)
  }
  return {
    test: (text) => compiled.test(text),
    find(text) {
      const matcher = compiled.matcher(text)
      return matcher.find() ? matcher.group() ?? undefined : undefined
    },
    findAll(text, limit = Infinity) {
      const out: string[] = []
      const matcher = compiled.matcher(text)
      while (out.length < limit && matcher.find()) out.push(matcher.group() ?? '')
      return out
    },
  }
}
