import { afterEach, expect, test } from 'vitest'
import { startApp } from './app.ts'
import type { App } from './app.ts'

let app: App
afterEach(() => app?.stop())

test("databases run in the page, and what is on their volumes outlives the tab", async () => {
  app = await startApp()
  let tab = await app.open()
  await tab.run(`printf 'apiVersion: v1\\nkind: PersistentVolumeClaim\\nmetadata: {name: data}\\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\\n' | kubectl apply -f -`)
  await tab.run(`kubectl run sql --image=mysql:8.4 --env=MYSQL_ROOT_PASSWORD=x --overrides='{"spec":{"containers":[{"name":"sql","image":"mysql:8.4","env":[{"name":"MYSQL_ROOT_PASSWORD","value":"x"}],"volumeMounts":[{"name":"data","mountPath":"/var/lib/mysql"}]}],"volumes":[{"name":"data","persistentVolumeClaim":{"claimName":"data"}}]}}'; kubectl run documents --image=mongo:8; kubectl wait --for=condition=Ready pod/sql pod/documents`, { timeoutMs: 60_000 })
  expect(await tab.until(`kubectl exec documents -- mongosh --quiet --eval 'db.a.insertOne({ n: 1 }); db.a.find({}, { _id: 0 })' 2>/dev/null`, (text) => text !== '')).toMatch(/^\[ \{ n: 1 \}/)
  await tab.until(`kubectl exec sql -- mysql -px -e 'create database shop; create table shop.t (n int); insert into shop.t values (7)' 2>/dev/null && kubectl exec sql -- mysql -px -Ne 'select n from shop.t' 2>/dev/null`, (text) => text === '7', 60_000)
  await tab.run('sleep 2')
  await tab.page.close()
  tab = await app.open()
  expect(await tab.until(`kubectl exec sql -- mysql -px -Ne 'select n from shop.t' 2>/dev/null`, (text) => text !== '', 60_000)).toBe('7')
  expect(app.errors).toEqual([])
}, 180_000)

test("PostgreSQL's files are loaded when it is first needed, and are there without a network from then on", async () => {
  app = await startApp({ serviceWorker: true })
  let tab = await app.open()
  await tab.page.waitForFunction(() => navigator.serviceWorker.controller !== null, undefined, { timeout: 60_000 })
  const kept = () => tab.page.evaluate(async () => {
    const urls = await Promise.all((await caches.keys()).map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => url)))
    return urls.flat().flatMap((url) => /(?:pglite|prepopulatedfs)-[^/]*\.(?:wasm|data|tgz)$/.exec(url)?.[0].replace(/-.*(?=\.)/, '') ?? []).sort()
  })
  expect(await kept()).toEqual([])
  await tab.run('kubectl run pg --image=postgres:18 --env=POSTGRES_PASSWORD=x && kubectl wait --for=condition=Ready pod/pg', { timeoutMs: 60_000 })
  const ask = () => tab.until("kubectl exec pg -- psql -U postgres -h localhost -Atc 'select 6 * 7' 2>/dev/null", (text) => text !== '', 60_000)
  expect(await ask()).toBe('42')
  expect(await kept()).toEqual(['pglite.data', 'pglite.wasm', 'prepopulatedfs.tgz'])
  await tab.run('sleep 2')
  await tab.page.close()
  await app.stopServing()
  tab = await app.open()
  expect(await ask()).toBe('42')
  expect(app.errors).toEqual([])
}, 180_000)

test('without a network PostgreSQL can\'t be pulled, and is once there is one', async () => {
  app = await startApp({ serviceWorker: true })
  const tab = await app.open()
  await tab.page.waitForFunction(() => navigator.serviceWorker.controller !== null, undefined, { timeout: 60_000 })
  await app.stopServing()
  await tab.run('kubectl run pg --image=postgres:18 --env=POSTGRES_PASSWORD=x')
  expect(await tab.until('kubectl get events --field-selector involvedObject.name=pg,reason=Failed -o jsonpath={.items[*].message}', (text) => text !== '', 60_000)).toContain('failed to pull and unpack image "docker.io/library/postgres:18": failed to copy: httpReadSeeker: failed open: failed to do request: ')
  await app.serveAgain()
  await tab.run('kubectl wait --for=condition=Ready pod/pg --timeout=120s', { timeoutMs: 150_000 })
  expect(await tab.until("kubectl exec pg -- psql -U postgres -h localhost -Atc 'select 6 * 7' 2>/dev/null", (text) => text !== '', 60_000)).toBe('42')
}, 240_000)
