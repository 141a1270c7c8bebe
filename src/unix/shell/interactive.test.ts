import { expect, test } from 'vitest'
import { testMachine } from '../test-machine.ts'
import { createTty } from '../tty.ts'
import { utilityPrograms } from '../utilities/list.ts'
import { ash, bash, shellProgram } from './sh.ts'
import type { Program } from '../types.ts'

/** bash on a terminal: `type` sends keys, `screen` is what the terminal was sent, without colours and redrawing of the prompt. */
async function terminal(shell: Program = bash, files: Record<string, string> = {}) {
  const box = testMachine({ programs: { ...utilityPrograms('gnu'), '/bin/bash': shell, '/bin/sh': bash }, files: { '/root/.bashrc': "PS1='$ '\n", ...files } })
  let output = ''
  const decoder = new TextDecoder()
  const tty = createTty({ columns: 80, rows: 24, output: { write: async (data) => { output += typeof data === 'string' ? data : decoder.decode(data) }, close() {} } })
  const process = box.machine.start(['bash'], { env: { PATH: '/usr/bin:/bin', HOME: '/root' }, cwd: '/root', user: { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }, stdin: tty.stdin, stdout: tty.stdout, stderr: tty.stdout, tty })
  await box.clock.settle()
  return {
    ...box, tty, process,
    /** Keys, and the output that they caused. */
    async type(keys: string): Promise<string> {
      output = ''
      tty.type(keys)
      await box.clock.settle()
      return output
    },
  }
}

test('a typed command runs and the prompt comes back', async () => {
  const t = await terminal()
  const out = await t.type('echo hello $((1+1))\r')
  expect(out).toContain('hello 2\r\n')
  expect(out.endsWith('$ \r\x1b[2C')).toBe(true)
})

test("without PS1 BusyBox' shell shows its directory, also after ^C", async () => {
  const t = await terminal(ash)
  expect((await t.type('cd /tmp\r')).endsWith('/tmp # \r\x1b[7C')).toBe(true)
  expect((await t.type('x\x03')).endsWith('/tmp # \r\x1b[7C')).toBe(true)
})

test('no prompt before what a command wrote is kept', async () => {
  let keep = () => {}
  const t = await terminal(shellProgram({ flavour: 'bash', beforePrompt: () => new Promise<void>((resolve) => { keep = resolve }) }))
  keep()
  await t.clock.settle()
  const out = await t.type('echo done > note\r')
  expect(out).not.toContain('$ \r')
  expect(t.machine.fs.readText('/root/note')).toBe('done\n')
  expect(await t.type('')).not.toContain('$ \r')
  keep()
  expect(await t.type('')).toContain('$ \r')
})

test('PROMPT_COMMAND runs before each prompt and leaves the status alone', async () => {
  const t = await terminal(bash, { '/root/.bashrc': "PS1='$ '\nPROMPT_COMMAND='printf \"<%s>\" \"$PWD\"'\n" })
  expect(await t.type('cd /usr; false\r')).toContain('</usr>')
  expect(await t.type('echo $?\r')).toContain('1\r\n</usr>')
  expect(await t.type("PROMPT_COMMAND='nope('; echo on\r")).toContain('syntax error')
  expect(await t.type('echo still $?\r')).toContain('still 0\r\n')
})

test('^C ends the command in the foreground, not the shell', async () => {
  const t = await terminal()
  await t.type('sleep 100\r')
  expect(t.machine.processes().some((p) => p.argv[0] === 'sleep')).toBe(true)
  expect(await t.type('\x03')).toContain('^C')
  expect(t.machine.processes().some((p) => p.argv[0] === 'sleep')).toBe(false)
  expect(await t.type('echo $?\r')).toContain('130\r\n')
})

test('^Z stops a job, bg and fg continue it', async () => {
  const t = await terminal()
  await t.type('sleep 100\r')
  expect(await t.type('\x1a')).toContain('[1]+  Stopped                 sleep 100')
  expect(await t.type('jobs\r')).toContain('[1]+  Stopped                 sleep 100')
  expect(await t.type('bg\r')).toContain('[1]+ sleep 100 &')
  await t.type('fg\r')
  await t.clock.advance(200_000)
  expect(await t.type('echo done $?\r')).toContain('done 0\r\n')
})

test('the last command that began alike is proposed in grey, and the right arrow takes it', async () => {
  const t = await terminal(shellProgram({ flavour: 'bash', hints: () => true }))
  await t.type('echo first thing\r')
  expect(await t.type('echo f')).toContain('echo f\x1b[90mirst thing\x1b[39m')
  expect(await t.type('\x1b[C\r')).toContain('first thing\r\n')
  // What wasn't taken isn't run.
  expect(await t.type('echo\r')).toMatch(/echo\r\x1b\[6C\r\n\x1b\[\?2004l\r\n/)
})

test('^D at an empty prompt ends the shell', async () => {
  const t = await terminal()
  await t.type('\x04')
  expect(t.process.status).toEqual({ code: 0 })
})

test('history: up, search and the file', async () => {
  const t = await terminal()
  await t.type('echo first\r')
  await t.type('echo second\r')
  expect(await t.type('\x1b[A\x1b[A\r')).toContain('first\r\n')
  expect(await t.type('\x12sec\r')).toContain('second\r\n')
  expect(t.machine.fs.readText('/root/.bash_history')).toBe('echo first\necho second\necho first\necho second\n')
})

test('line editing: ^A, ^E, ^W, ^U and words', async () => {
  const t = await terminal()
  expect(await t.type('cho x\x01e\x05 y\r')).toContain('x y\r\n')
  expect(await t.type('echo a bbb\x17c\r')).toContain('a c\r\n')
  expect(await t.type('rubbish\x15echo clean\r')).toContain('clean\r\n')
})

test('an open quote or block asks for more lines', async () => {
  const t = await terminal()
  expect(await t.type('for i in 1 2; do\r')).toContain('> ')
  await t.type('echo n$i\r')
  expect(await t.type('done\r')).toContain('n1\r\nn2\r\n')
})

test('pasted lines wait for Enter', async () => {
  const t = await terminal()
  const pasted = await t.type('\x1b[200~echo one\necho two\n\x1b[201~')
  expect(pasted).not.toContain('one\r\nt')
  const out = await t.type('\r')
  expect(out).toContain('one\r\n')
  expect(out).toContain('two\r\n')
})

test('Tab completes commands, files and what the completer offers', async () => {
  const t = await terminal(shellProgram({ flavour: 'bash', completer: ({ words }) => words[0] === 'kubectl' ? [{ value: 'get' }, { value: 'apply' }] : undefined }), { '/root/manifest.yaml': 'kind: Pod\n' })
  expect(await t.type('cat man\t\r')).toContain('kind: Pod\r\n')
  expect(await t.type('echo kubectl; kubectl g\t')).toContain('kubectl get ')
})

test('a command that reads gets the terminal\'s lines in cooked mode', async () => {
  const t = await terminal()
  await t.type('cat\r')
  expect(await t.type('abc\r')).toBe('abc\r\nabc\r\n')
  await t.type('\x04')
  expect(await t.type('echo back\r')).toContain('back\r\n')
})

test("what complete says decides what Tab proposes: words, or what a function leaves", async () => {
  const t = await terminal()
  await t.type("complete -W 'alpha beta' greet; _f() { echo noise; COMPREPLY=($(compgen -W \"$1-one other\" -- \"$2\")); }; complete -F _f say\r")
  expect(await t.type('echo greet; greet al\t')).toContain('greet alpha ')
  await t.type('\x15')
  const said = await t.type('say s\t')
  expect(said).toContain('say say-one ')
  expect(said).not.toContain('noise')
  await t.type('\x15')
  expect(await t.type('complete -p\r')).toContain("complete -W 'alpha beta' greet\r\ncomplete -F _f say\r\n")
})
