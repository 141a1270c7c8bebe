import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp } from './app.ts'
import type { App, Tab } from './app.ts'

let app: App
let tab: Tab

beforeAll(async () => {
  app = await startApp()
  tab = await app.open()
})
afterAll(() => app?.stop())

const databases = () => tab.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name).sort())
test('kind makes a further cluster in the page, which keeps what it holds over a reload', async () => {
  const made = await tab.run('kind create cluster --wait 2m', { timeoutMs: 120_000 })
  expect(made).toContain('✓ Starting control-plane')
  expect(made).toContain('Set kubectl context to "kind-kind"')
  await tab.shot('kind')
  expect(await tab.run('kubectl create configmap kept --from-literal=a=b')).toBe('configmap/kept created')
  expect(await databases()).toEqual(['drydock', 'drydock/kind/kind'])
  await tab.page.close()
  tab = await app.open()
  expect(await tab.until('kubectl get configmap kept -o jsonpath={.data.a}', (out) => out === 'b')).toBe('b')
  expect(await tab.run('kubectl get nodes --no-headers')).toMatch(/^kind-control-plane +Ready/)
  expect(await tab.run('kubectl --context drydock get nodes -o name')).toBe('node/drydock-control-plane\nnode/drydock-worker\nnode/drydock-worker2')
})

test('a cluster that is deleted frees its place on disk', async () => {
  expect(await tab.run('kind delete cluster')).toContain('Deleted nodes: ["kind-control-plane"]')
  expect(await databases()).toEqual(['drydock'])
  expect(app.errors).toEqual([])
})
