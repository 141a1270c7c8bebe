import { Terminal } from '@xterm/headless'
import { expect, test } from 'vitest'
import { bash } from '../shell/sh.ts'
import { testMachine } from '../test-machine.ts'
import { createTty } from '../tty.ts'
import { utilityPrograms } from '../utilities/list.ts'
import { less } from './less.ts'

/** A command line on a terminal of 30 by 6. */
async function pager(script: string, files: Record<string, string> = {}) {
  const box = testMachine({ programs: { ...utilityPrograms('gnu'), '/usr/bin/less': less, '/usr/bin/more': less, '/bin/bash': bash }, files })
  const screen = new Terminal({ cols: 30, rows: 6, allowProposedApi: true })
  const tty = createTty({ columns: 30, rows: 6, output: { write: async (data) => screen.write(data), close() {} } })
  const process = box.machine.start(['bash', '-c', script], { env: { PATH: '/usr/bin:/bin', HOME: '/root' }, cwd: '/', user: { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }, stdin: tty.stdin, stdout: tty.stdout, stderr: tty.stdout, tty })
  const settle = async () => {
    await box.clock.settle()
    await new Promise<void>((resolve) => screen.write('', resolve))
  }
  await settle()
  return {
    process, settle, clock: box.clock,
    /** What the screen shows after keys. */
    async rows(keys = ''): Promise<string[]> {
      if (keys !== '') tty.type(keys)
      await settle()
      return Array.from({ length: 6 }, (_, i) => screen.buffer.active.getLine(screen.buffer.active.baseY + i)!.translateToString(true))
    },
  }
}

test('the output of a command is shown page by page, with keys from the terminal', async () => {
  const p = await pager('seq 1 12 | less; echo left $?')
  expect(await p.rows()).toEqual(['1', '2', '3', '4', '5', ':'])
  expect(await p.rows(' ')).toEqual(['6', '7', '8', '9', '10', ':'])
  expect(await p.rows('j')).toEqual(['7', '8', '9', '10', '11', ':'])
  expect(await p.rows('G')).toEqual(['8', '9', '10', '11', '12', '(END)'])
  expect(await p.rows('3g')).toEqual(['3', '4', '5', '6', '7', ':'])
  expect(await p.rows('k')).toEqual(['2', '3', '4', '5', '6', ':'])
  expect((await p.rows('q'))[0]).toBe('left 0')
  expect(p.process.status).toEqual({ code: 0 })
})

test('searches go forward and back, and lines can be picked out', async () => {
  const p = await pager('less /f', { '/f': 'kind: Pod\na: 1\nb: 2\nc: 3\nd: 4\nkind: Service\ne: 5\nf: 6\ng: 7\nh: 8\ni: 9\n' })
  expect((await p.rows()).at(-1)).toBe('/f')
  expect((await p.rows('/kind: S\r'))[0]).toBe('kind: Service')
  expect((await p.rows('?kind\r'))[0]).toBe('kind: Pod')
  expect((await p.rows('n')).at(-1)).toBe('Pattern not found')
  expect((await p.rows('/nothing\r')).at(-1)).toBe('Pattern not found')
  expect((await p.rows('&kind\r')).slice(0, 3)).toEqual(['kind: Pod', 'kind: Service', '~'])
  expect((await p.rows('&\r'))[1]).toBe('a: 1')
})

test('long lines are folded, or cut and moved sideways', async () => {
  const line = Array.from({ length: 40 }, (_, i) => String.fromCharCode(65 + i % 26)).join('')
  const p = await pager('less -N /f', { '/f': `${line}\nshort\n` })
  expect((await p.rows()).slice(0, 3)).toEqual([`      1 ${line.slice(0, 22)}`, `        ${line.slice(22)}`, '      2 short'])
  await p.rows('-N')
  expect((await p.rows('-S')).slice(0, 2)).toEqual([line.slice(0, 30), 'short'])
  expect((await p.rows('\x1b[C'))[0]).toBe(line.slice(15))
})

test('what is still coming is shown as it comes, and following goes on until ^C', async () => {
  const p = await pager('for i in 1 2 3 4 5 6 7; do echo $i; sleep 1; done | less')
  await p.clock.advance(4_500)
  expect((await p.rows()).slice(0, 5)).toEqual(['1', '2', '3', '4', '5'])
  await p.rows('F')
  await p.clock.advance(2_000)
  expect(await p.rows()).toEqual(['3', '4', '5', '6', '7', 'Waiting for data... (interrupt'])
  await p.rows('\x03')
  await p.rows('q')
  await p.clock.advance(1_000)
  expect(p.process.status).toEqual({ code: 0 })
})

test('what fits is written where it is with -F and by more, and goes on where nobody looks', async () => {
  expect((await (await pager('seq 3 | less -FX')).rows()).slice(0, 3)).toEqual(['1', '2', '3'])
  expect((await (await pager('seq 2 | more; seq 9 | less | wc -l; less /n')).rows()).slice(0, 4)).toEqual(['1', '2', '9', '/n: No such file or directory'])
  const p = await pager('seq 12 | more')
  expect((await p.rows()).at(-1)).toBe('--More--')
  await p.rows('  ')
  expect(p.process.status).toEqual({ code: 0 })
})

test('/dev/tty is the terminal, whatever standard input is', async () => {
  const p = await pager('echo piped | { read answer < /dev/tty; read line; echo "$answer $line"; }')
  expect((await p.rows('typed\r')).slice(0, 2)).toEqual(['typed', 'typed piped'])
})
