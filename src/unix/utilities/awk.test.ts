import { expect, test } from 'vitest'
import { createPipe } from '../../base/streams.ts'
import { bash } from '../shell/sh.ts'
import { testMachine } from '../test-machine.ts'
import { utilityPrograms } from './list.ts'

const box = () => testMachine({ programs: { ...utilityPrograms('gnu'), '/bin/sh': bash } })
const PODS = 'NAME READY STATUS RESTARTS\nweb-1 1/1 Running 0\nweb-2 0/1 Pending 12\ndb-1 1/1 Running 3\n'

test.each([
  ["awk '{print $1}'", 'NAME\nweb-1\nweb-2\ndb-1\n'],
  ["awk 'NR>1 {print $1, $3}'", 'web-1 Running\nweb-2 Pending\ndb-1 Running\n'],
  ["awk '$3==\"Running\"{n++} END{print n}'", '2\n'],
  ["awk 'NR>1{s+=$4} END{print s, s/3}'", '15 5\n'],
  ["awk -F/ 'NR==2{print $2}'", '1 Running 0\n'],
  ["awk -F'[ /]' 'NR==2{print $3}'", '1\n'],
  ["awk '/web/{print NR\": \"$0}'", '2: web-1 1/1 Running 0\n3: web-2 0/1 Pending 12\n'],
  ["awk '!/web/'", 'NAME READY STATUS RESTARTS\ndb-1 1/1 Running 3\n'],
  ["awk 'NR==2,NR==3'", 'web-1 1/1 Running 0\nweb-2 0/1 Pending 12\n'],
  ["awk '{print $NF}' | head -2", 'RESTARTS\n0\n'],
  ["awk 'BEGIN{OFS=\",\"} NR==2{$1=$1; print}'", 'web-1,1/1,Running,0\n'],
  ["awk '$4>2 && NR>1{print $1}'", 'web-2\ndb-1\n'],
  ["awk 'NR>1{c[$3]++} END{for(k in c) print k, c[k]}' | sort", 'Pending 1\nRunning 2\n'],
  ["awk 'BEGIN{printf \"%-5s|%5.1f|%03d|%x\\n\", \"ab\", 3.14159, 7, 255}'", 'ab   |  3.1|007|ff\n'],
  ["awk '{gsub(/web/,\"www\"); print $1}' | tail -3", 'www-1\nwww-2\ndb-1\n'],
  ["awk 'NR==2{sub(/[0-9]+$/,\"<&>\",$1); print $1}'", 'web-<1>\n'],
  ["awk 'BEGIN{n=split(\"a:b:c\",p,\":\"); print n, p[3], length(\"héé\"), substr(\"hello\",2,3), index(\"hello\",\"l\")}'", '3 c 3 ell 3\n'],
  ["awk 'BEGIN{print toupper(\"a\") tolower(\"B\"), 7%3, 2^10, 1e3, 0.1+0.2, 10/4}'", 'Ab 1 1024 1000 0.3 2.5\n'],
  ["awk -v x=5 'BEGIN{print x+1; if (x==5) print \"five\"; else print \"other\"}'", '6\nfive\n'],
  ["awk 'BEGIN{while(i<3){i++; if(i==2) continue; print i}}'", '1\n3\n'],
  ["awk 'BEGIN{for(i=0;i<5;i++){if(i==3)break}; print i; do{i--}while(i>0); print i}'", '3\n0\n'],
  ["awk 'function f(a,b){return a*b} BEGIN{print f(3,4)}'", '12\n'],
  ["awk 'function fill(t){t[\"x\"]=1} BEGIN{fill(a); print length(a), (\"x\" in a), (\"y\" in a)}'", '1 1 0\n'],
  ["awk 'BEGIN{\"echo hi\" | getline v; print v; print \"b\\na\" | \"sort\"; close(\"sort\"); print \"end\"}'", 'hi\na\nb\nend\n'],
  ["awk 'NR==1{next} {print $1; exit 0}'", 'web-1\n'],
  ["awk 'NR==2 && match($1,/[0-9]/){print RSTART, RLENGTH}'", '5 1\n'],
  ["awk 'length($0)>20{print NR}'", '1\n'],
  ["awk '{print > \"/tmp/o\"} END{close(\"/tmp/o\"); while((getline l < \"/tmp/o\")>0) n++; print n}'", '4\n'],
  ["awk 'BEGIN{print 1==1.0, \"a\"<\"b\", \"10\"<\"9\", 10<9}'", '1 1 1 0\n'],
  ["awk '{ if ($4 > 1) { print $1 } else if ($4 == 0) print \"zero\", $1 }' | tail -3", 'zero web-1\nweb-2\ndb-1\n'],
  ["awk '$1 ~ /^web/ {print $1; n+=1} END {print \"total:\", n}'", 'web-1\nweb-2\ntotal: 2\n'],
])('%s', async (command, expected) => {
  expect(await box().run(['sh', '-c', command], { stdin: PODS, cwd: '/tmp' })).toMatchObject({ stdout: expected, stderr: '', status: { code: 0 } })
})

test('a record is answered before the next one comes', async () => {
  const { machine, clock } = box()
  const input = createPipe()
  let out = ''
  machine.start(['awk', '{print $2}'], { env: { PATH: '/usr/bin:/bin' }, cwd: '/', user: { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }, stdin: input.reader, stdout: { write: async (data) => { out += typeof data === 'string' ? data : new TextDecoder().decode(data) }, close() {} }, stderr: { write: async () => {}, close() {} } })
  await input.writer.write('a b\n')
  await clock.settle()
  expect(out).toBe('b\n')
})

test('what is wrong is said', async () => {
  const { run } = box()
  expect(await run(['awk', '{print $1'])).toMatchObject({ stderr: 'awk: syntax error near end of program\n', status: { code: 2 } })
  expect(await run(['awk', '1', '/nope'])).toMatchObject({ stderr: 'awk: cannot open "/nope" (No such file or directory)\n', status: { code: 2 } })
  expect(await run(['awk', 'BEGIN{exit 3}'])).toMatchObject({ status: { code: 3 } })
})
