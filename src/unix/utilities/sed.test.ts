import { expect, test } from 'vitest'
import { createPipe } from '../../base/streams.ts'
import { bash } from '../shell/sh.ts'
import { testMachine } from '../test-machine.ts'
import { utilityPrograms } from './list.ts'

const box = () => testMachine({ programs: { ...utilityPrograms('gnu'), '/bin/sh': bash } })
const LINES = 'one\ntwo\nthree\nfour\n'

test.each([
  ["sed 's/o/0/'", '0ne\ntw0\nthree\nf0ur\n'],
  ["sed 's/e/E/2;s/t/T/g'", 'one\nTwo\nThreE\nfour\n'],
  ["sed -n '2,3p'", 'two\nthree\n'],
  ["sed -n '$p'", 'four\n'],
  ["sed '/t/d'", 'one\nfour\n'],
  ["sed '/two/,/three/s/^/> /'", 'one\n> two\n> three\nfour\n'],
  ["sed '2q'", 'one\ntwo\n'],
  ["sed -E 's/(.)(.*)/\\2\\1/'", 'neo\nwot\nhreet\nourf\n'],
  ["sed 's/\\(o\\)\\(n\\)/\\2\\1/'", 'noe\ntwo\nthree\nfour\n'],
  ["sed '1!d'", 'one\n'],
  ["sed '2a after'", 'one\ntwo\nafter\nthree\nfour\n'],
  ["sed '2i\\  before'", 'one\n  before\ntwo\nthree\nfour\n'],
  ["sed '2,3c changed'", 'one\nchanged\nfour\n'],
  ["sed 'y/abcdefghijklmnopqrstuvwxyz/ABCDEFGHIJKLMNOPQRSTUVWXYZ/'", 'ONE\nTWO\nTHREE\nFOUR\n'],
  ["sed -n '/t/{s/t/T/;p}'", 'Two\nThree\n'],
  ["sed 'N;s/\\n/ /'", 'one two\nthree four\n'],
  ["sed -n '1!G;h;$p'", 'four\nthree\ntwo\none\n'],
  ["sed ':a;N;$!ba;s/\\n/,/g'", 'one,two,three,four\n'],
  ["sed 's#o#/#; s|t|T|'", '/ne\nTw/\nThree\nf/ur\n'],
  ["sed 's/.*/[&]/'", '[one]\n[two]\n[three]\n[four]\n'],
  ["sed 's/^./\\U&/'", 'One\nTwo\nThree\nFour\n'],
  ["sed -n '1~2p'", 'one\nthree\n'],
  ["sed -n '2,+1p'", 'two\nthree\n'],
  ["sed '=' | sed -n '1,2p'", '1\none\n'],
  ["sed -e '1d' -e '2d'", 'three\nfour\n'],
  ["sed 's/O/x/I'", 'xne\ntwx\nthree\nfxur\n'],
  ["sed 's/[[:alpha:]]*$/\\t&/' | sed -n 1l", '\\tone$\n'],
  ["sed '/^$/d;/three/r /dev/null'", LINES],
  ["sed -z 's/\\n/;/g'", 'one;two;three;four;'],
])('%s', async (command, expected) => {
  expect(await box().run(['sh', '-c', command], { stdin: LINES })).toMatchObject({ stdout: expected, stderr: '', status: { code: 0 } })
})

test('files are edited in place, with a copy if asked for', async () => {
  const { run, machine } = box()
  await run(['sh', '-c', "printf 'image: a:1\\n' > /tmp/f; sed -i.bak 's/:1/:2/' /tmp/f"])
  expect([machine.fs.readText('/tmp/f'), machine.fs.readText('/tmp/f.bak')]).toEqual(['image: a:2\n', 'image: a:1\n'])
})

test('what is wrong is said', async () => {
  const { run } = box()
  expect(await run(['sed', 's/a'])).toMatchObject({ stderr: "sed: -e expression #1, char 3: unterminated `s' command\n", status: { code: 1 } })
  expect(await run(['sed', 'k'])).toMatchObject({ stderr: "sed: -e expression #1, char 1: unknown command: `k'\n", status: { code: 1 } })
  expect(await run(['sed', 'p', '/nope'])).toMatchObject({ stderr: "sed: can't read /nope: No such file or directory\n", status: { code: 2 } })
})

test('a line is answered before the next one comes', async () => {
  const { machine, clock } = box()
  const input = createPipe()
  let out = ''
  machine.start(['sed', 's/a/b/'], { env: { PATH: '/usr/bin:/bin' }, cwd: '/', user: { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }, stdin: input.reader, stdout: { write: async (data) => { out += typeof data === 'string' ? data : new TextDecoder().decode(data) }, close() {} }, stderr: { write: async () => {}, close() {} } })
  await input.writer.write('aaa\n')
  await clock.settle()
  expect(out).toBe('baa\n')
})
