import { expect, test } from 'vitest'
import { createMemoryFileSystem } from '../../../unix/file-system.ts'
import { readK3sFlags } from './flags.ts'

const files = createMemoryFileSystem({ clock: { nowMs: () => 0 }, files: { '/etc/mine.yaml': 'disable: [traefik, servicelb]\ntoken: filed\n' } })
const read = (args: string[], env: Record<string, string> = {}) => readK3sFlags('server', args, env, files)

test('the command line comes before the environment, and that before the configuration file', () => {
  expect(read([], { K3S_CONFIG_FILE: '/etc/mine.yaml' }).list('disable')).toEqual(['traefik', 'servicelb'])
  expect(read(['-c', '/etc/mine.yaml']).value('token')).toBe('filed')
  expect(read(['-c', '/etc/mine.yaml'], { K3S_TOKEN: 'said' }).value('token')).toBe('said')
  expect(read(['-c=/etc/mine.yaml', '-t', 'typed'], { K3S_TOKEN: 'said' }).value('token')).toBe('typed')
})

test('what nothing follows is refused, wherever it is said', () => {
  expect(() => read(['--datastore-endpoint', 'mysql://'])).toThrow('drydock: --datastore-endpoint is not supported')
  expect(() => read([], { K3S_DATASTORE_ENDPOINT: 'mysql://' })).toThrow('drydock: the variable K3S_DATASTORE_ENDPOINT is not supported')
  expect(() => read(['--frob'])).toThrow('flag provided but not defined: -frob')
})
