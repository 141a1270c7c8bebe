import { expect, it } from 'vitest'
import { testMachine } from '../test-machine.ts'
import { utilityPrograms } from './list.ts'

it('ss shows what a filter asks for', async () => {
  const on = testMachine({ programs: utilityPrograms('gnu') })
  for (const port of [80, 443, 8080]) on.machine.net.listenTcp(port, () => {})
  on.machine.net.listenUdp(53, () => undefined)
  const ports = async (...args: string[]) => (await on.run(['ss', ...args])).stdout.split('\n').flatMap((line) => /:(\d+) /.exec(line)?.[1] ?? [])
  expect(await ports('-ant46', 'sport = :8080')).toEqual(['8080'])
  expect(await ports('-ant46', 'sport = :31000')).toEqual([])
  expect(await ports('-tln', 'sport', '=', ':80', 'or', 'sport', 'ge', ':8000')).toEqual(['80', '8080'])
  expect(await ports('-tuln', '( sport :80 or sport :53 ) and not dport :1')).toEqual(['80', '53'])
  expect(await ports('-tna', 'state', 'established')).toEqual([])
  expect(await ports('-tn')).toEqual([])
  expect(await ports('-tn', 'state', 'listening')).toEqual(['80', '443', '8080'])
  expect(await ports('-tln', 'src', '[::1]:80')).toEqual([])
  expect((await on.run(['ss', '-tlH', 'sport', '=', ':80'])).stdout).toMatch(/^LISTEN +0 +4096 +\S+:80 +0\.0\.0\.0:\*\n$/)
  expect((await on.run(['netstat', '-tn'])).stdout.split('\n')).toEqual(['Active Internet connections (w/o servers)', expect.stringMatching(/^Proto /), ''])
  expect((await on.run(['netstat', '-tan'])).stdout).toMatch(/^Active Internet connections \(servers and established\)\n.*\ntcp .*:80 /)
  expect(await on.run(['ss', '-t', 'nonsense'])).toMatchObject({ status: { code: 1 }, stderr: expect.stringContaining('syntax error') as string })
})
