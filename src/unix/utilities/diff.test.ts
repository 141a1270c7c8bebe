import { expect, test } from 'vitest'
import { testMachine } from '../test-machine.ts'
import { utilityPrograms } from './list.ts'

const files = { '/w/a': 'a\nb\nc\n', '/w/b': 'a\nx\nc\nd', '/w/one/f': '1\n', '/w/two/f': '2\n', '/w/one/only': '3\n', '/w/one/s/x': 'q\n', '/w/two/s/y': 'r\n' }
const run = (...argv: string[]) => testMachine({ programs: utilityPrograms('gnu'), files }).run(['diff', ...argv], { cwd: '/w' })

test('says what to do to one file to get the other', async () => {
  expect(await run('a', 'b')).toMatchObject({ stdout: '2c2\n< b\n---\n> x\n3a4\n> d\n\\ No newline at end of file\n', status: { code: 1 } })
  expect(await run('a', 'a')).toMatchObject({ stdout: '', status: { code: 0 } })
  expect(await run('-q', 'a', 'b')).toMatchObject({ stdout: 'Files a and b differ\n', status: { code: 1 } })
  expect(await run('a', 'nope')).toMatchObject({ stderr: 'diff: nope: No such file or directory\n', status: { code: 2 } })
  expect(await run('a')).toMatchObject({ stderr: "diff: missing operand after 'a'\nTry 'diff --help' for more information.\n", status: { code: 2 } })
})

test('shows changes with their surroundings', async () => {
  const { stdout } = await run('-u', 'a', 'b')
  expect(stdout.replace(/\t.*/g, '')).toBe('--- a\n+++ b\n@@ -1,3 +1,4 @@\n a\n-b\n+x\n c\n+d\n\\ No newline at end of file\n')
  expect((await run('-U0', '--label', 'L', '--label', 'R', 'a', 'b')).stdout).toBe('--- L\n+++ R\n@@ -2 +2 @@\n-b\n+x\n@@ -3,0 +4 @@\n+d\n\\ No newline at end of file\n')
})

test('a repeated line is added where people would say it was', async () => {
  const box = testMachine({ programs: utilityPrograms('gnu'), files: { '/w/a': 'x:\n- a\n- b\nz\n', '/w/b': 'x:\n- a\n- b\n- b\nz\n' } })
  expect((await box.run(['diff', 'a', 'b'], { cwd: '/w' })).stdout).toBe('3a4\n> - b\n')
})

test('compares folders, with the options in the heading of each pair', async () => {
  expect((await run('one', 'two')).stdout).toBe('diff one/f two/f\n1c1\n< 1\n---\n> 2\nOnly in one: only\nCommon subdirectories: one/s and two/s\n')
  const { stdout } = await run('-u', '-N', 'one', 'two')
  expect(stdout.replace(/\t.*/g, '')).toBe('diff -u -N one/f two/f\n--- one/f\n+++ two/f\n@@ -1 +1 @@\n-1\n+2\ndiff -u -N one/only two/only\n--- one/only\n+++ two/only\n@@ -1 +0,0 @@\n-3\nCommon subdirectories: one/s and two/s\n')
  expect((await run('-r', 'one', 'two')).stdout).toContain('Only in one/s: x\nOnly in two/s: y\n')
})
