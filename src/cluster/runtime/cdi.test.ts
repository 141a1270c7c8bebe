import { expect, test } from 'vitest'
import { createMemoryFileSystem } from '../../unix/file-system.ts'
import { cdiEdits } from './cdi.ts'

const filesWith = (edits: string) => createMemoryFileSystem({
  clock: { nowMs: () => 0 },
  files: { '/etc/cdi/vendor.yaml': `cdiVersion: 0.5.0\nkind: vendor.com/gpu\ncontainerEdits: {env: [ALL=1]}\ndevices:\n- name: a\n  containerEdits: ${edits}\n- name: b\n  containerEdits: {env: [B=2]}\n` },
})

test('devices bring their variables and mounts, and those of all once', () => {
  const files = filesWith('{env: ["A=x=y"], mounts: [{hostPath: /opt/lib, containerPath: /lib, options: [ro, bind]}]}')
  const { env, mounts } = cdiEdits(files, ['vendor.com/gpu=a', 'vendor.com/gpu=b'])
  expect(env).toEqual({ ALL: '1', A: 'x=y', B: '2' })
  expect(mounts.map(({ containerPath, subPath, readOnly }) => [containerPath, subPath, readOnly])).toEqual([['/lib', '/opt/lib', true]])
  expect(() => cdiEdits(files, ['vendor.com/gpu=c'])).toThrow('CDI device injection failed: unresolvable CDI devices vendor.com/gpu=c')
})

test.each([
  ['{netDevices: [{hostInterfaceName: eth9, name: net1}]}', 'network devices are not supported'], ['{intelRdt: {closID: one}}', 'Intel RDT is not supported'],
  ['{additionalGids: [44]}', 'additional groups are not supported'], ['{hooks: [{hookName: createContainer, path: /bin/hook}]}', 'hooks are not supported: /bin/hook'],
])('what nothing follows is refused: %s', (edits, problem) => {
  expect(() => cdiEdits(filesWith(edits), ['vendor.com/gpu=a'])).toThrow(problem)
  expect(cdiEdits(filesWith(edits), ['vendor.com/gpu=b']).env).toEqual({ ALL: '1', B: '2' })
})
