import { describe, expect, test } from 'vitest'
import { testMachine } from '../test-machine.ts'
import { utilityPrograms } from '../utilities/list.ts'
import { ash, bash, dash } from './sh.ts'
import cases from './shell-cases.json'

interface Expected { out: string; err: string; code: number }

/** Scripts with what the real dash and bash did with them. */
const recorded = cases as { script: string; dash?: Expected; bash?: Expected }[]

function machineWith(shell: typeof dash) {
  return testMachine({
    programs: { ...utilityPrograms('gnu'), '/bin/dash': dash, '/bin/bash': bash, '/bin/ash': ash, '/bin/sh': shell },
    files: { '/w/lib.sh': 'libf() { echo from lib; }\n', '/w/notexec.txt': 'text\n', '/w/bin': { directory: true } },
  })
}

for (const name of ['dash', 'bash'] as const) {
  describe(`scripts do what they do in ${name}`, () => {
    for (const row of recorded) {
      const want = row[name]
      if (!want) continue
      test(row.script, async () => {
        const { stdout, stderr, status } = await machineWith(name === 'dash' ? dash : bash).run([name, '-c', row.script], { cwd: '/w' })
        expect({ out: stdout, err: stderr, code: status.code }).toEqual(want)
      })
    }
  })
}

describe('what bash adds', () => {
  const run = async (script: string) => (await machineWith(bash).run(['bash', '-c', script], { cwd: '/w' })).stdout
  test('arrays', async () => expect(await run('a=(x "y z"); a+=(w); echo "${a[1]}" ${#a[@]}; for i in "${a[@]}"; do echo "<$i>"; done')).toBe('y z 3\n<x>\n<y z>\n<w>\n'))
  test('[[ with patterns and regular expressions', async () => expect(await run('[[ foo == f* && ! bar =~ ^z ]] && echo yes; [[ v1.2 =~ ^v([0-9]+) ]] && echo ${BASH_REMATCH[1]}')).toBe('yes\n1\n'))
  test('here-strings, $\'...\' and brace ranges', async () => expect(await run("read a b <<< 'x y'; echo $b$'\\t'z {01..03}")).toBe('y\tz 01 02 03\n'))
  test('replacement, case and substrings', async () => expect(await run('x=hello; echo ${x/l/L} ${x//l/L} ${x^} ${x^^} ${x:1:3} ${x: -2}')).toBe('heLlo heLLo Hello HELLO ell lo\n'))
  test('pipefail', async () => expect(await run('set -o pipefail; false | true; echo $?')).toBe('1\n'))
  test('process substitution', async () => expect(await run('cat <(echo a) <(echo b)')).toBe('a\nb\n'))
  test('process substitution as the value of an option', async () => expect(await run('f() { echo $#; cat "${1#--file=}"; }; f --file=<(echo a)')).toBe('1\na\n'))
  test('arrays by name, declared with their elements or without', async () => {
    expect(await run('declare -A m=([x]=1 [y-z]="2 3"); k=new; m[$k]=4; m[x]+=0; unset "m[y-z]"; for k in "${!m[@]}"; do echo "$k=${m[$k]}"; done')).toBe('x=10\nnew=4\n')
    expect(await run("a=(1 2 3 4); i=0; unset 'a[-1]' 'a[i+1]'; echo ${!a[@]} ${a[@]}; unset 'a[@]'; echo ${#a[@]}")).toBe('0 2 1 3\n0\n')
    expect(await run("declare -A m=([-1]=x [y]=z); unset 'm[-1]'; echo ${!m[@]}")).toBe('y\n')
    expect(await run('declare -A n; for w in a b a; do ((n[$w]++)); done; echo ${n[a]} ${n[b]} ${#n[@]}; [[ -v n[a] && ! -v n[c] ]] && (echo sub ${n[a]})')).toBe('2 1 2\nsub 2\n')
    expect(await run('a=([2]=c [5]=f g); echo ${!a[@]} ${a[@]} $((a[2+3]=7, a[5]+1)); f() { local -a l=(1 2 3); echo ${#l[@]}; }; f; echo ${l-gone}; readonly r=(a b); declare -p r')).toBe('2 5 6 c f g 8\n3\ngone\ndeclare -ar r=([0]="a" [1]="b")\n')
  })
  test('aliases of scripts that ask for them', async () => expect(await run("alias hi='echo hello'\nhi there 2>/dev/null\nshopt -s expand_aliases\nhi you; shopt -q nullglob || shopt expand_aliases")).toBe('hello you\nexpand_aliases \ton\n'))
  test('counted for loops and (( ))', async () => expect(await run('for ((i=0;i<3;i++)); do echo -n $i; done; (( i == 3 )) && echo ok')).toBe('012ok\n'))
})

test('BusyBox\' shell words its messages as BusyBox does', async () => {
  const { stderr, status } = await machineWith(ash).run(['sh', '-c', 'nosuch'])
  expect(stderr).toBe('sh: nosuch: not found\n')
  expect(status.code).toBe(127)
})

test('a shell becomes its last command, so that signals reach it', async () => {
  const box = testMachine({ programs: { ...utilityPrograms('busybox'), '/bin/sh': ash }, ownInit: false })
  const nowhere = { write: async () => {}, close() {} }
  const process = box.machine.start(['sh', '-c', 'echo start; exec sleep 100'], { env: { PATH: '/bin' }, cwd: '/', user: { uid: 0, gid: 0, groups: [], name: 'root', home: '/' }, stdout: nowhere, stderr: nowhere })
  await box.clock.settle()
  expect(process.argv).toEqual(['sleep', '100'])
  expect(box.machine.processes()).toHaveLength(1)
})

test('a background job has its files open before the next command runs', async () => {
  const { stdout, stderr } = await machineWith(bash).run(['bash', '-c', 'sleep 1 > log & cat log; echo $?'], { cwd: '/w' })
  expect([stdout, stderr]).toEqual(['0\n', ''])
})
