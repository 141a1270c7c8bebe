import { expect, test } from 'vitest'
import { ash } from '../shell/sh.ts'
import { testMachine } from '../test-machine.ts'
import { utilityPrograms } from './list.ts'

const sh = async (script: string) => (await testMachine({ programs: { ...utilityPrograms('gnu', { directory: '/bin' }), '/bin/sh': ash } }).run(['/bin/sh', '-c', script])).stdout

test('dd begins where it is told to, and what lay behind goes unless it is to be kept', async () => {
  expect(await sh('printf 0123456789 > /f; printf ab | dd of=/f bs=1 seek=3 conv=notrunc status=none; cat /f; printf cd | dd of=/f bs=1 seek=4 status=none; echo; cat /f')).toBe('012ab56789\n012acd')
})

test('dd makes a file of a size without a byte', async () => {
  expect(await sh('dd if=/dev/zero of=/f bs=1M count=0 seek=5 status=none; stat -c %s /f; dd if=/dev/zero of=/g bs=1M count=0 seek=5 conv=notrunc status=none; stat -c %s /g')).toBe(`${5 * 2 ** 20}\n0\n`)
})

test("dd's blocks have a size for what is read and one for what is written", async () => {
  expect(await sh('printf 0123456789 > /f; dd if=/f ibs=2 skip=1 count=2 status=none; echo; printf x > /g; dd if=/f of=/g ibs=2 count=1 obs=1 seek=1 status=none; cat /g')).toBe('2345\nx01')
})
