import { expect, test } from 'vitest'
import { bash } from '../shell/sh.ts'
import { testMachine } from '../test-machine.ts'
import { utilityPrograms } from './list.ts'

const machine = (flavour: 'gnu' | 'busybox') => testMachine({
  programs: { ...utilityPrograms(flavour), '/bin/bash': bash },
  files: { '/w/d/one.txt': { content: '1\n', mode: 0o640 }, '/w/d/sub/two.txt': '2\n', [`/w/d/${'long'.repeat(40)}.txt`]: 'x'.repeat(1300), '/out': { directory: true } },
})
const run = async (flavour: 'gnu' | 'busybox', script: string, stdin = '') => {
  const { stdout, stderr, status } = await machine(flavour).run(['bash', '-c', script], { cwd: '/w', stdin })
  return { stdout, stderr, code: status.code }
}

for (const flavour of ['gnu', 'busybox'] as const) {
  test(`${flavour} tar streams a tree through a pipe`, async () => {
    const { stdout, stderr, code } = await run(flavour, 'ln -s one.txt d/link; tar cf - d | tar -xmf - -C /out && cat /out/d/one.txt /out/d/sub/two.txt && readlink /out/d/link && wc -c < /out/d/longlong*.txt && stat -c %a /out/d/one.txt')
    expect({ stdout: stdout.replace(/^ +/gm, ''), stderr, code }).toEqual({ stdout: '1\n2\none.txt\n1300\n640\n', stderr: '', code: 0 })
  })

  test(`${flavour} tar makes, lists and unpacks a compressed archive`, async () => {
    expect((await run(flavour, 'rm d/long*; tar czf x.tgz d && tar tzf x.tgz && tar xzf x.tgz -C /out d/sub && find /out -type f && tar -xOf x.tgz d/one.txt')).stdout).toBe('d/\nd/one.txt\nd/sub/\nd/sub/two.txt\n/out/d/sub/two.txt\n1\n')
  })
}

test('names lose their leading slash, with a remark', async () => {
  expect(await run('busybox', 'tar cf - /w/d/one.txt | tar tf -')).toEqual({ stdout: 'w/d/one.txt\n', stderr: "tar: removing leading '/' from member names\n", code: 0 })
  expect((await run('gnu', 'tar cf - /w/d/one.txt | tar tf -')).stderr).toBe("tar: Removing leading `/' from member names\n")
})

test('what isn\'t there or isn\'t an archive fails in the family\'s words', async () => {
  expect(await run('busybox', 'tar cf - nothere > /dev/null')).toEqual({ stdout: '', stderr: 'tar: nothere: No such file or directory\ntar: error exit delayed from previous errors\n', code: 1 })
  expect(await run('gnu', 'tar cf - nothere > /dev/null')).toEqual({ stdout: '', stderr: 'tar: nothere: Cannot stat: No such file or directory\ntar: Exiting with failure status due to previous errors\n', code: 2 })
  expect((await run('gnu', 'tar xf -', 'z'.repeat(600))).stderr).toContain('This does not look like a tar archive')
})

test('tar -tv shows modes, owners, sizes and times', async () => {
  expect((await run('gnu', 'tar cf - d/one.txt | tar tvf -')).stdout).toBe('-rw-r----- root/root         2 2023-11-14 22:13 d/one.txt\n')
})
