import { expect, test } from 'vitest'
import { envoyFlags } from './flags.ts'

test('flags come as one argument or as two, and decide what is logged', () => {
  const { configPath, shows } = envoyFlags(['-c', '/config/envoy.json', '--service-cluster projectcontour', '--service-node', 'envoy-1', '--log-level warn'])
  expect([configPath, shows('info'), shows('warning'), shows('critical')]).toEqual(['/config/envoy.json', false, true, true])
  expect(envoyFlags([]).configPath).toBeUndefined()
})

test('what nothing follows is refused', () => {
  expect(() => envoyFlags(['-c', 'a', '--concurrency', '2'])).toThrow('Argument: --concurrency')
  expect(() => envoyFlags(['--log-level', 'loud'])).toThrow("invalid log level specified 'loud'")
  expect(() => envoyFlags(['-c'])).toThrow('Missing a value')
})
