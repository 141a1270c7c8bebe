import { Terminal } from '@xterm/headless'
import { expect, test } from 'vitest'
import { testMachine } from '../test-machine.ts'
import { createTty } from '../tty.ts'
import { nano } from './nano.ts'
import { vi } from './vi.ts'

/** An editor on a terminal of 60 by 10, with a file. */
async function editor(name: 'vi' | 'nano', text: string | undefined, file = '/root/f.txt', args: string[] = []) {
  const box = testMachine({ programs: { '/usr/bin/vi': vi, '/usr/bin/nano': nano }, ...(text === undefined ? {} : { files: { [file]: text } }) })
  const screen = new Terminal({ cols: 60, rows: 10, allowProposedApi: true })
  const tty = createTty({ columns: 60, rows: 10, output: { write: async (data) => screen.write(data), close() {} } })
  const process = box.machine.start([name, ...args, file], { env: { PATH: '/usr/bin:/bin', HOME: '/root' }, cwd: '/root', user: { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }, stdin: tty.stdin, stdout: tty.stdout, stderr: tty.stdout, tty })
  const settle = async () => {
    await box.clock.settle()
    await new Promise<void>((resolve) => screen.write('', resolve))
  }
  await settle()
  return {
    process, screen,
    async type(keys: string): Promise<void> {
      tty.type(keys)
      await settle()
    },
    file: () => box.machine.fs.readText(file),
    rows: () => Array.from({ length: 10 }, (_, i) => screen.buffer.active.getLine(i)!.translateToString(true)),
  }
}

/** What keys make of a text. */
async function edited(text: string, keys: string, file = '/root/f.txt'): Promise<string> {
  const e = await editor('vi', text, file)
  await e.type(`${keys}\x1b:wq\r`)
  expect(e.process.status).toEqual({ code: 0 })
  return e.file()
}

test.each([
  ['one two three\n', 'dw', 'two three\n'],
  ['one two three\n', 'wcwTWO\x1b', 'one TWO three\n'],
  ['one two three\n', '$x0x', 'ne two thre\n'],
  ['one two three\n', 'wD', 'one \n'],
  ['one two three\n', '2dw', 'three\n'],
  ['one two three\n', 'fwrW', 'one tWo three\n'],
  ['a\nb\nc\n', 'ddp', 'b\na\nc\n'],
  ['a\nb\nc\n', 'yyGp', 'a\nb\nc\na\n'],
  ['a\nb\nc\n', '2yyP', 'a\nb\na\nb\nc\n'],
  ['a\nb\nc\nd\n', 'jdG', 'a\n'],
  ['a\nb\nc\n', 'dju', 'a\nb\nc\n'],
  ['a\nb\nc\n', 'dduu\x12', 'b\nc\n'],
  ['a\nb\nc\n', 'jVjd', 'a\n'],
  ['a\nb\nc\n', 'J', 'a b\nc\n'],
  ['x: 1\n', 'A2\x1bo  y: 3\x1b', 'x: 12\n  y: 3\n'],
  ['x: 1\n', 'Ohead\x1b', 'head\nx: 1\n'],
  ['replicas: 9\n', '$\x01', 'replicas: 10\n'],
  ['say "hello there" now\n', 'fhci"bye\x1b', 'say "bye" now\n'],
  ['f(a, b)\n', 'fbdi(', 'f()\n'],
  ['one two one\n', ':s/one/1/g\r', '1 two 1\n'],
  ['one\ntwo\none\n', ':%s/o\\(n\\)e/<\\1>/\r', '<n>\ntwo\n<n>\n'],
  ['a b a\n', ':s/a/c/gc\rny', 'a b c\n'],
  ['a\nb\nc\nd\n', ':2,3d\r', 'a\nd\n'],
  ['a\nb\nab\n', ':g/b/d\r', 'a\n'],
  ['a\nb\nc\n', ':1m$\r', 'b\nc\na\n'],
  ['c\na\nb\n', ':sort\r', 'a\nb\nc\n'],
  ['a\nb\nc\n', '/c\rx', 'a\nb\n\n'],
  ['foo bar foo\n', '*x', 'foo bar oo\n'],
  ['a\nb\nc\n', '\x16jjI# \x1b', '# a\n# b\n# c\n'],
  ['a\nb\n', '>>', '\ta\nb\n'],
  ['one two\n', 'vey$p', 'one twoone\n'],
  ['one two three four\n', 'dw.', 'three four\n'],
  ['a\nb\n', 'Ax\x1bj.', 'ax\nbx\n'],
  ['abc\n', '~l~', 'AbC\n'],
  ['abc def\n', 'gUiw', 'ABC def\n'],
  ['ab\n', '3ix\x1b', 'xxxab\n'],
  ['(a\n b)\n', 'd%', '\n'],
  ['a\nb\nc\n', 'majjd\'a', ''],
  ['a b c\n', '"aylw"ap', 'a ba c\n'],
  ['a\n\nb\n', 'd}', '\nb\n'],
  ['a\nb\nc\n', 'qqA!\x1bjq2@q', 'a!\nb!\nc!\n'],
  ['a\nb\n', ':%norm A;\r', 'a;\nb;\n'],
  ['abc\n', 'lRxy\x1b', 'axy\n'],
  ['abc abd\n', 'ct x\x1b', 'x abd\n'],
])('vi makes of %j with %j: %j', async (text, keys, expected) => {
  expect(await edited(text, keys)).toBe(expected)
})

test('vi indents YAML by two blanks, keeps the indentation and takes pastes as they are', async () => {
  expect(await edited('spec:\n  containers:\n', 'jo- name: a\rimage: b\x1b', '/root/p.yaml')).toBe('spec:\n  containers:\n  - name: a\n  image: b\n')
  expect(await edited('spec:\n  a:\n', 'jo\x1b[200~  - x\r    y: 1\x1b[201~\x1b', '/root/p.yaml')).toBe('spec:\n  a:\n    - x\n    y: 1\n')
  expect(await edited('a:\n', '>>', '/root/p.yaml')).toBe('  a:\n')
})

test('vi shows its file, the mode, and what went wrong, on a screen of its own', async () => {
  const e = await editor('vi', 'one\ntwo\n')
  expect(e.screen.buffer.active.type).toBe('alternate')
  expect(e.rows().slice(0, 3)).toEqual(['one', 'two', '~'])
  expect(e.rows()[9]).toBe('"/root/f.txt" 2L, 8B                      1,1           All')
  await e.type('ix')
  expect(e.rows()[9]).toMatch(/^-- INSERT -- +1,2 +All$/)
  await e.type('\x1b:q\r')
  expect(e.rows()[9]).toMatch(/^E37: No write since last change/)
  await e.type(':q!\r')
  expect(e.process.status).toEqual({ code: 0 })
  expect(e.screen.buffer.active.type).toBe('normal')
  expect(e.file()).toBe('one\ntwo\n')
})

test('vi goes to a line, wraps long lines and makes new files', async () => {
  const e = await editor('vi', `${'x'.repeat(100)}\n${Array.from({ length: 30 }, (_, i) => `line ${i}`).join('\n')}\n`, '/root/f.txt', ['+20'])
  expect(e.rows()[9]).toMatch(/20,1 +\d+%$/)
  await e.type('gg')
  expect(e.rows().slice(0, 3)).toEqual(['x'.repeat(60), 'x'.repeat(40), 'line 0'])
  const fresh = await editor('vi', undefined)
  expect(fresh.rows()[9]).toMatch(/^"\/root\/f.txt" \[New\]/)
  await fresh.type('ihello\x1bZZ')
  expect(fresh.file()).toBe('hello\n')
})

test('nano writes what was typed, cuts, pastes, replaces and asks before it loses anything', async () => {
  const e = await editor('nano', 'one\ntwo\nthree\n')
  expect(e.rows()[0]).toMatch(/GNU nano 8.4 +\/root\/f.txt/)
  expect(e.rows()[7]).toMatch(/\[ Read 3 lines \]/)
  await e.type('\x0b\x1b[B\x15')
  await e.type('X')
  expect(e.rows().slice(1, 4)).toEqual(['two', 'one', 'Xthree'])
  await e.type('\x1cone\r1\ry')
  await e.type('\x18')
  expect(e.rows()[7]).toMatch(/^Save modified buffer\?/)
  await e.type('y')
  expect(e.rows()[7]).toMatch(/^File Name to Write: \/root\/f.txt +$/)
  await e.type('\r')
  expect(e.process.status).toEqual({ code: 0 })
  expect(e.file()).toBe('two\n1\nXthree\n')
})

test('nano undoes, searches and leaves without saving', async () => {
  const e = await editor('nano', 'alpha\nbeta\n')
  await e.type('zzz')
  await e.type('\x1bu')
  expect(e.rows()[1]).toBe('alpha')
  await e.type('\x17beta\r')
  await e.type('\x03')
  expect(e.rows()[7]).toMatch(/line 2\/2/)
  await e.type('q\x18n')
  expect(e.process.status).toEqual({ code: 0 })
  expect(e.file()).toBe('alpha\nbeta\n')
})
