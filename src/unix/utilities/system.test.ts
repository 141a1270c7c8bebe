import { expect, test } from 'vitest'
import { ash } from '../shell/sh.ts'
import { testMachine } from '../test-machine.ts'
import { utilityPrograms } from './list.ts'

test('id shows groups sorted in BusyBox, the primary one first in GNU', async () => {
  const id = async (flavour: 'gnu' | 'busybox') => (await testMachine({ programs: utilityPrograms(flavour) }).run(['id'], { user: { uid: 5000, gid: 3000, groups: [2000, 3000], name: '5000', home: '/' } })).stdout
  expect(await id('busybox')).toBe('uid=5000 gid=3000 groups=2000,3000\n')
  expect(await id('gnu')).toBe('uid=5000 gid=3000 groups=3000,2000\n')
})

test('tail -f of a device waits on, and ends with its signal', async () => {
  const { run } = testMachine({ programs: { ...utilityPrograms('busybox'), '/bin/sh': ash } })
  expect((await run(['sh', '-c', 'timeout 5 tail -f /dev/null; echo $?'])).stdout).toBe('143\n')
})

test('sysctl reads kernel parameters by either spelling and does not know others', async () => {
  const { run } = testMachine({ programs: utilityPrograms('busybox') })
  expect((await run(['sysctl', 'kernel.shm_rmid_forced'])).stdout).toBe('kernel.shm_rmid_forced = 0\n')
  expect((await run(['sysctl', '-n', 'net/ipv4/ip_forward'])).stdout).toBe('1\n')
  expect(await run(['sysctl', 'no.such'])).toMatchObject({ stderr: "sysctl: error: 'no.such' is an unknown key\n", status: { code: 1 } })
})

test('ip changes no devices for those who may not', async () => {
  const { run } = testMachine({ programs: utilityPrograms('busybox') })
  expect(await run(['ip', 'link', 'add', 'dummy0', 'type', 'dummy'], { user: { uid: 1000, gid: 1000, groups: [], name: 'guest', home: '/' } })).toMatchObject({ stderr: 'ip: RTNETLINK answers: Operation not permitted\n', status: { code: 2 } })
})

test('hexdump shows bytes beside their characters and leaves out lines like the one before', async () => {
  const { run } = testMachine({ programs: utilityPrograms('busybox') })
  expect((await run(['hexdump', '-C'], { stdin: `ab\n${'x'.repeat(45)}` })).stdout).toBe('00000000  61 62 0a 78 78 78 78 78  78 78 78 78 78 78 78 78  |ab.xxxxxxxxxxxxx|\n00000010  78 78 78 78 78 78 78 78  78 78 78 78 78 78 78 78  |xxxxxxxxxxxxxxxx|\n*\n00000030\n')
})

test('hexdump -e shows bytes as the format says', async () => {
  const { run } = testMachine({ programs: utilityPrograms('busybox') })
  const shown = async (format: string, stdin: string, ...more: string[]) => (await run(['hexdump', ...more, '-e', format], { stdin })).stdout
  expect(await shown('100 "%_p"', 'hello\n', '-n', '100')).toBe('hello.')
  expect(await shown('1/1 "%02x "', 'ab\n')).toBe('61 62 0a ')
  expect(await shown('"%_ax: " 4/1 "%3d " "\\n"', 'abcd')).toBe('0:  97  98  99 100\n')
})

test('df keeps its columns as wide as each family has them, and counts in blocks of 4 KiB', async () => {
  const lines = async (flavour: 'gnu' | 'busybox') => (await testMachine({ programs: utilityPrograms(flavour, { directory: '/bin' }), files: { '/note': 'x' } }).run(['df', '-h', '/'])).stdout.split('\n')
  expect(await lines('gnu')).toEqual(['Filesystem      Size  Used Avail Use% Mounted on', expect.stringMatching(/^overlay +64G +[\d.]+K +\S+ +\d+% \/$/), ''])
  expect((await lines('busybox'))[0]).toBe('Filesystem                Size      Used     Avail Use% Mounted on')
})

test('cp of a directory that is named by a dot copies what is in it', async () => {
  const { run } = testMachine({ programs: { ...utilityPrograms('busybox'), '/bin/sh': ash } })
  expect((await run(['sh', '-c', 'mkdir -p /from/sub /to; echo text > /from/sub/file; cp -a /from/. /to/; cp -r /from /to; find /to | sort'])).stdout).toBe('/to\n/to/from\n/to/from/sub\n/to/from/sub/file\n/to/sub\n/to/sub/file\n')
})

test('options that nothing follows are refused instead of passed over', async () => {
  const { run } = testMachine({ programs: utilityPrograms('gnu') })
  expect((await run(['umount'])).stderr).toContain('bad usage')
  expect((await run(['mount', '-a'])).stderr).toContain('are followed here')
  expect((await run(['mount'])).status.code).toBe(0)
  expect((await run(['dmesg', '-r'])).stderr).toContain('by -T')
  expect(await run(['dmesg', '-T'])).toMatchObject({ stderr: '', status: { code: 0 } })
  expect((await run(['setpriv', '--bounding-set', '-nonsense', 'true'])).stderr).toBe('setpriv: unknown capability "nonsense"\n')
})
