import { expect, test } from 'vitest'
import { bash, dash } from '../shell/sh.ts'
import { testMachine } from '../test-machine.ts'
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
