import { expect, it } from 'vitest'
import { envFileValue } from './env-file.ts'

it('values stand in single quotes, over several lines if they must', () => {
  const text = "# settings\nA='one' # first\n\n  B='two\nlines'\nC= 'not this'\n"
  expect(['A', 'B', 'C', 'D'].map((key) => envFileValue(text, key))).toEqual(['one', 'two\nlines', '', ''])
})

it('anything else is refused with its line', () => {
  const problem = (text: string) => { try { return envFileValue(text, 'Z') } catch (error) { return (error as Error).message } }
  expect(problem("A='x'\nB=y")).toBe('invalid environment variable format at line 2: value must be enclosed in single quotes')
  expect(problem("A ='x'")).toBe("invalid environment variable format at line 1: whitespace before '=' is not allowed")
  expect(problem("A='x' y")).toBe('invalid environment variable format at line 1: unexpected content after closing quote')
  expect(problem("A='x\ny")).toBe('invalid environment variable format starting at line 1: unclosed single quote')
})
