import { expect, test } from 'vitest'
import { testMachine } from '../test-machine.ts'
import { utilityPrograms } from './list.ts'

test('id shows groups sorted in BusyBox, the primary one first in GNU', async () => {
  const id = async (flavour: 'gnu' | 'busybox') => (await testMachine({ programs: utilityPrograms(flavour) }).run(['id'], { user: { uid: 5000, gid: 3000, groups: [2000, 3000], name: '5000', home: '/' } })).stdout
  expect(await id('busybox')).toBe('uid=5000 gid=3000 groups=2000,3000\n')
  expect(await id('gnu')).toBe('uid=5000 gid=3000 groups=3000,2000\n')
})
