import { expect, it } from 'vitest'
import { capabilitiesOf } from './capabilities.ts'

const hex = (security: Partial<Parameters<typeof capabilitiesOf>[0]>) => capabilitiesOf({ privileged: false, ...security }).toString(16).padStart(16, '0')

it('containers have the usual capabilities, with what they add and without what they drop', () => {
  expect(hex({})).toBe('00000000a80425fb')
  expect(hex({ addCapabilities: ['NET_ADMIN', 'SYS_TIME'] })).toBe('00000000aa0435fb')
  expect(hex({ dropCapabilities: ['ALL'], addCapabilities: ['CAP_NET_BIND_SERVICE'] })).toBe('0000000000000400')
  expect(hex({ privileged: true })).toBe('000001ffffffffff')
})
