import { expect, test } from 'vitest'
import { DockerfileError, expandVariables, parseDockerfile, splitPairs, splitWords } from './dockerfile.ts'

test('lines are continued over comments, and heredocs belong to their instruction', () => {
  const { instructions } = parseDockerfile('# syntax=docker/dockerfile:1\nFROM alpine AS build\n\nRUN one \\\n  # not part of it\n  && two\nRUN <<EOF sh\necho $A\nEOF\nCOPY <<"X" <<-Y /to/\na\nX\n\tb\n\tY\ncmd ["a", "b"]\n')
  expect(instructions.map(({ name, rest, line, endLine }) => ({ name, rest: rest.replace(/\s+/g, ' '), line, endLine }))).toEqual([
    { name: 'FROM', rest: 'alpine AS build', line: 2, endLine: 2 }, { name: 'RUN', rest: 'one && two', line: 4, endLine: 6 }, { name: 'RUN', rest: '<<EOF sh', line: 7, endLine: 9 }, { name: 'COPY', rest: '<<"X" <<-Y /to/', line: 10, endLine: 14 }, { name: 'CMD', rest: '["a", "b"]', line: 15, endLine: 15 },
  ])
  expect(instructions[2]!.heredocs).toEqual([{ name: 'EOF', content: 'echo $A\n', expands: true }])
  expect(instructions[3]!.heredocs).toEqual([{ name: 'X', content: 'a\n', expands: false }, { name: 'Y', content: 'b\n', expands: true }])
  expect(instructions[4]!.json).toEqual(['a', 'b'])
})

test('flags come before the arguments, and another escape character may be chosen', () => {
  const { instructions, escape } = parseDockerfile('# escape=`\nFROM scratch\nCOPY --from=build --chown=a:b x `\n  y\n')
  expect(escape).toBe('`')
  expect(instructions[1]).toMatchObject({ flags: [['from', 'build'], ['chown', 'a:b']], rest: expect.stringMatching(/^x\s+y$/) })
})

test('what is no instruction is refused with its line', () => {
  const wrong = (source: string) => { try { parseDockerfile(source) } catch (error) { return error instanceof DockerfileError ? error.message : error } return undefined }
  expect(wrong('FROM a\nRUM b\n')).toBe('dockerfile parse error on line 2: unknown instruction: RUM (did you mean RUN?)')
  expect(wrong('FROM a\nRUN\n')).toBe('dockerfile parse error on line 2: RUN requires at least one argument')
  expect(wrong('FROM a\nRUN <<EOF\nb\n')).toBe('dockerfile parse error on line 2: unterminated heredoc')
})

test('variables are replaced as in a shell, but for those behind a backslash or in single quotes', () => {
  const variables = { A: '1', EMPTY: '' }
  const cases: [string, string][] = [['$A-${A}', '1-1'], ['${B:-x} ${EMPTY:-y} ${EMPTY-z}', 'x y '], ['${A:+set}${B:+set}', 'set'], ['\\$A', '$A'], ["'$A'", "'$A'"], ['"$A"', '"1"'], ['$B|', '|'], ['${B:-${A}}', '1']]
  for (const [text, expanded] of cases) expect(expandVariables(text, variables)).toBe(expanded)
})

test('words and pairs are split at blanks that are not quoted', () => {
  expect(splitWords('a "b c" \'d e\' f\\ g')).toEqual(['a', 'b c', 'd e', 'f g'])
  expect(splitPairs('A=1 B="two words" C=')).toEqual([['A', '1'], ['B', 'two words'], ['C', '']])
  expect(splitPairs('A some words')).toEqual([['A', 'some words']])
})
