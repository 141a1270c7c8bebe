import { expect, test } from 'vitest'
import { vi } from '../editors/vi.ts'
import { bash, dash } from '../shell/sh.ts'
import { testMachine } from '../test-machine.ts'
import { createTty } from '../tty.ts'
import type { Program } from '../types.ts'
import { utilityPrograms } from '../utilities/list.ts'
import { git } from './git.ts'
import cases from './recorded-cases.json'
import { CASES_ROOT, scriptOf } from './recorded-script.ts'

// Hundreds of commands without a pause: a slow machine takes long for them, and time must not be thought to stand still meanwhile.
const patient: Program = (proc) => proc.clock.outside(Promise.resolve(git(proc)))

function box() {
  return testMachine({
    programs: { ...utilityPrograms('gnu'), '/usr/bin/git': patient, '/bin/sh': dash, '/bin/bash': bash },
    files: { [`${CASES_ROOT}/work`]: { directory: true }, [`${CASES_ROOT}/home/.gitconfig`]: '[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n' },
  })
}

// Recorded from Git 2.39.5.
test.each(cases)('prints what Git prints, to the last hash: $name', async ({ lines, prints }) => {
  const { stdout } = await box().run(['bash', '-c', scriptOf(lines)])
  expect(stdout.split('\n').slice(0, -1)).toEqual(prints)
})

test('says who should be named where nobody said who commits', async () => {
  const { stdout, stderr, status } = await box().run(['bash', '-c', 'cd /tmp && git init -q r && cd r && git commit --allow-empty -m x'], { env: { HOME: '/nowhere' } })
  expect({ stdout, code: status.code }).toEqual({ stdout: '', code: 128 })
  expect(stderr).toContain('Author identity unknown\n\n*** Please tell me who you are.\n')
})

test('lets an editor on the terminal write the message, and shows colours there', async () => {
  const machine = testMachine({ programs: { ...utilityPrograms('gnu'), '/usr/bin/git': git, '/usr/bin/vi': vi, '/bin/sh': dash, '/bin/bash': bash }, files: { '/etc/gitconfig': '[user]\n\tname = a\n\temail = a@b\n' } })
  let screen = ''
  const tty = createTty({ columns: 80, rows: 24, output: { write: async (data) => { screen += typeof data === 'string' ? data : new TextDecoder().decode(data) }, close() {} } })
  const shell = machine.machine.start(['bash', '-c', 'git init -qb main r && cd r && echo 1 > a && git add a && git commit; git status; echo 2 > a; git status; git log --oneline'], { env: { PATH: '/usr/bin:/bin', HOME: '/root', TERM: 'xterm' }, cwd: '/tmp', user: { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }, stdin: tty.stdin, stdout: tty.stdout, stderr: tty.stdout, tty })
  await machine.clock.settle()
  tty.type('iFirst words\x1b:wq\r')
  await machine.clock.until(() => shell.status !== undefined, { withinMs: 60_000, what: 'the end' })
  expect(screen).toMatch(/\[main \(root-commit\) [0-9a-f]{7}\] First words\r\n 1 file changed, 1 insertion\(\+\)/)
  expect(screen).toContain('\t\x1b[31mmodified:   a\x1b[m\r\n')
  expect(screen).toMatch(/\x1b\[33m[0-9a-f]{7}\x1b\[m\x1b\[33m \(\x1b\[m\x1b\[1;36mHEAD -> \x1b\[m\x1b\[1;32mmain\x1b\[m\x1b\[33m\)\x1b\[m First words/)
})

test('a dry run of prune and of read-tree changes nothing', async () => {
  const { stdout } = await box().run(['bash', '-c', 'cd /tmp && git init -q r && cd r && echo 1 > a && git add a && git -c user.name=a -c user.email=a@b commit -qm x && echo 2 > a && git add a; git read-tree -n HEAD; git diff --cached --name-only; git reset -q --hard; git prune -n; git cat-file -t 0cfbf08; git prune; git prune -n; git cat-file -e 0cfbf08 || echo gone'])
  expect(stdout).toBe('a\n0cfbf08886fca9a91cb753ec8734c84fcbe52c9f blob\nblob\ngone\n')
})
