import { expect, test } from 'vitest'
import { bash } from '../shell/sh.ts'
import { testMachine } from '../test-machine.ts'
import { utilityPrograms } from './list.ts'

/** A machine with a program that uses half a core. */
function busyBox() {
  const box = testMachine({ programs: { ...utilityPrograms('gnu'), '/bin/sh': bash, '/usr/bin/worker': async (proc) => { for (;;) { await proc.sleep(1_000); proc.useCpu(500_000_000) } } } })
  box.machine.start(['worker'], { env: { PATH: '/usr/bin' }, cwd: '/', user: { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }, stdout: { write: async () => {}, close() {} }, stderr: { write: async () => {}, close() {} } })
  return box
}

test('ps and top tell the CPU time that was used', async () => {
  const { run, clock } = busyBox()
  await clock.advance(100_000)
  expect((await run(['ps', '-eo', 'comm,pcpu'])).stdout).toMatch(/worker +50\.0/)
  expect((await run(['top', '-b', '-n', '2', '-d', '10.5'])).stdout).toMatch(/ 50\.0 .*worker\n[\s\S]* 47\.6 .*worker\n/)
})

test('the load average follows the work of the last minutes', async () => {
  const { run, clock } = busyBox()
  await clock.advance(60_000)
  const load = async () => (await run(['cat', '/proc/loadavg'])).stdout.split(' ').slice(0, 3).map(Number)
  const [one, five, fifteen] = await load()
  // Half a core for a minute: 0.5 (1 - 1/e) and less over the longer windows.
  expect(one).toBeCloseTo(0.32, 1)
  expect(five!).toBeLessThan(one!)
  expect(fifteen!).toBeLessThan(five!)
  expect((await run(['uptime'])).stdout).toContain(`load average: ${[one, five, fifteen].map((each) => each!.toFixed(2)).join(', ')}`)
})

test('ping measures with the clock', async () => {
  const { run } = busyBox()
  expect((await run(['ping', '-c', '2', '127.0.0.1'])).stdout).toMatch(/icmp_seq=2 ttl=64 time=0\.000 ms\n[\s\S]*2 packets transmitted, 2 received, 0% packet loss, time 1000ms\nrtt min\/avg\/max\/mdev = 0\.000\/0\.000\/0\.000\/0\.000 ms\n/)
})
