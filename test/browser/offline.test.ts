import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp } from './app.ts'
import type { App } from './app.ts'

let app: App
beforeAll(async () => { app = await startApp({ serviceWorker: true }) })
afterAll(() => app?.stop())

test('the page loads and works with the network off', async () => {
  const first = await app.open()
  await first.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
  // Everything is in the cache once the worker is active.
  await first.run('kubectl create configmap offline --from-literal=a=b')
  await first.page.close()
  await app.stopServing()
  const second = await app.open()
  expect(await second.run('kubectl get configmap offline -o name')).toBe('configmap/offline')
  // Parts that load later are there too.
  await second.page.getByRole('button', { name: 'Begin: Pods' }).click()
  await second.page.getByRole('heading', { name: 'What you have in front of you' }).waitFor()
})
