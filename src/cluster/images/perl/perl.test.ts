import { expect, it } from 'vitest'
import { testMachine } from '../../../unix/test-machine.ts'
import { perlImage } from './perl.ts'

const perl = (...args: string[]) => testMachine({ programs: { '/bin/perl': perlImage.programs!['/usr/local/bin/perl']! } }).run(['perl', ...args], { env: { NAME: 'sea' } })

it('bpi counts as many digits of pi as it is asked for', async () => {
  expect((await perl('-Mbignum=bpi', '-wle', 'print bpi(30)')).stdout).toBe('3.14159265358979323846264338328\n')
  const { stdout } = await perl('-Mbignum=bpi', '-wle', 'print bpi(2000)')
  expect(stdout).toHaveLength(2002)
  expect(stdout).toMatch(/904780275901\n$/)
})

it('prints, reckons, sleeps and ends with the code that it is told', async () => {
  expect(await perl('-le', 'print "hello ", 2 + 3 * 4, " from $ENV{NAME}"; sleep 2; exit 3')).toMatchObject({ stdout: 'hello 14 from sea\n', status: { code: 3 } })
  expect(await perl('-e', 'die "no"')).toMatchObject({ stderr: 'no at -e line 1.\n', status: { code: 255 } })
})

it('nothing is divided by zero', async () => {
  expect((await perl('-le', 'print 7 % 4')).stdout).toBe('3\n')
  for (const [sign, problem] of [['/', 'division by zero'], ['%', 'modulus zero']]) expect(await perl('-e', `print 1 ${sign} 0`)).toMatchObject({ stderr: `Illegal ${problem} at -e line 1.\n`, status: { code: 255 } })
})

it('what it does not know it says', async () => {
  expect((await perl('-e', 'while (1) { print "x" }')).stderr).toMatch(/^syntax error at -e line 1, near "while"\n/)
})
