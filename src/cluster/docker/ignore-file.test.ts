import { expect, test } from 'vitest'
import { IgnoreFile } from './ignore-file.ts'

test('patterns are those of Go with **, below directories too, and the last one decides', () => {
  const file = new IgnoreFile('# comment\nnode_modules\n*.log\n**/tmp\n/build/\ndocs/*\n!docs/README.md\nsecret?.txt\n')
  const ignored = ['node_modules', 'node_modules/express/index.js', 'a.log', 'tmp', 'a/b/tmp/c', 'build', 'docs/x.md', 'secret1.txt']
  const kept = ['src/node_modules', 'logs/a.log', 'docs/README.md', 'docs', 'secret.txt', 'buildings']
  expect(ignored.filter((path) => !file.ignores(path))).toEqual([])
  expect(kept.filter((path) => file.ignores(path))).toEqual([])
  expect(file.hasExceptions).toBe(true)
})
