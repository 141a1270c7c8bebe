import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/images/adminer/server.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('adminer') })
afterAll(() => lab.stop())

test('Adminer signs in to MySQL, shows tables and rows, and runs SQL', async () => {
  await lab.out('kubectl run db --image=mysql:8.4 --port=3306 --expose --env=MYSQL_ROOT_PASSWORD=secret --env=MYSQL_DATABASE=shop >/dev/null; kubectl run adminer --image=adminer --port=8080 --expose >/dev/null; kubectl wait --for=condition=Ready pod/db pod/adminer --timeout=100s; sleep 15')
  await lab.out(`kubectl exec db -- mysql -psecret shop -e "create table goods (id int primary key, name varchar(20)); insert into goods values (1, '<b>tea</b>'), (2, null)" 2>/dev/null`)
  const browse = (script: string) => lab.out(`kubectl port-forward svc/adminer 8080 >/dev/null & sleep 2; ${script}; kill %1`)
  const login = (password: string, server = 'db') => browse(`curl -sL -c jar -b jar -d 'auth[server]=${server}' -d 'auth[username]=root' -d 'auth[password]=${password}' localhost:8080/`)
  expect(await browse(`curl -s 'localhost:8080/?server=db&username=root&db=shop'`)).toContain('auth[password]')
  expect(await login('wrong')).toMatch(/Access denied for user &#039;root&#039;@&#039;10\.\d+\.\d+\.\d+&#039; \(using password: YES\)/)
  expect(await login('secret', 'nobody')).toContain('php_network_getaddresses: getaddrinfo for nobody failed')
  expect(await login('secret')).toContain('>shop</a>')
  const rows = await browse(`curl -s -b jar 'localhost:8080/?server=db&username=root&db=shop&select=goods'`)
  expect(rows).toContain('<td>&lt;b&gt;tea&lt;/b&gt;</td>')
  expect(rows).toContain('<i>NULL</i>')
  expect(await browse(`curl -s -o /dev/null -w '%{http_code}' -b jar --data-urlencode 'query=drop table goods' 'localhost:8080/?db=shop&sql='`)).toBe('403')
  const token = /name="token" value="(\w+)"/.exec(rows)?.[1]
  expect(await browse(`curl -s -b jar -d token=${token} --data-urlencode 'query=delete from goods where id = 2; selec 1' 'localhost:8080/?server=db&username=root&db=shop&sql='`)).toMatch(/Query executed OK, 1 row affected\.[\s\S]*Error in query \(1064\)/)
  expect(await lab.out(`kubectl exec db -- mysql -psecret -Ne 'select count(*) from shop.goods' 2>/dev/null`)).toBe('1\n')
}, 60_000)
