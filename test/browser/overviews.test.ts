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

test('what kubectl asks for is shown with each step on its way, and what is refused with the reason', async () => {
  const { page } = tab
  await page.getByRole('region', { name: 'Cluster', exact: true }).getByRole('button', { name: 'API requests' }).click()
  const view = page.getByRole('region', { name: 'API requests' })
  await view.getByText('Nothing yet.').waitFor()
  expect(await tab.run('kubectl create namespace quay')).toBe('namespace/quay created')
  expect(await tab.run('kubectl run web --image=nginx -n quay')).toBe('pod/web created')
  const created = view.locator('details', { hasText: '/api/v1/namespaces/quay/pods' }).filter({ hasText: 'POST' })
  await created.locator('summary').press('Enter')
  await expect.poll(() => created.locator('.steps > li > b').allTextContents()).toEqual(['Authentication: who asks', 'Priority and fairness', 'Authorization: is it allowed?', 'Admission: change', 'Validation by the kind’s rules', 'Admission: check', 'Stored in etcd'])
  expect(await created.textContent()).toContain('spec.serviceAccountName: "default"')
  expect(await created.textContent()).toContain('/registry/pods/quay/web')
  await tab.shot('api-requests')
  await tab.run('kubectl delete pod web -n quay --as ann')
  const refused = view.locator('details', { hasText: 'DELETE' })
  expect(await refused.locator('summary').textContent()).toContain('403')
  await refused.locator('summary').press('Enter')
  expect(await refused.textContent()).toContain('User "ann" cannot delete resource "pods"')
  await page.keyboard.press('Escape')
  await expect.poll(() => view.count()).toBe(0)
  // Nobody looks: nothing is noted, and nothing is left when it is opened again.
  await page.getByRole('button', { name: 'API requests' }).click()
  await view.getByText('Nothing yet.').waitFor()
})

test('the way to a Service is shown by the rules of the node it begins on', async () => {
  const { page } = tab
  await tab.run('kubectl create deployment ships --image=nginx --replicas=2; kubectl expose deployment ships --port=80; kubectl rollout status deployment ships')
  await page.getByRole('button', { name: 'Ways to Services' }).click()
  const view = page.getByRole('region', { name: 'Ways to Services' })
  await view.getByRole('combobox', { name: 'Service' }).selectOption('default/ships')
  await view.getByText('ships.default.svc.cluster.local').waitFor()
  await expect.poll(() => view.locator('summary').count()).toBe(2)
  expect(await view.textContent()).toMatch(/-A KUBE-SERVICES -d 10\.96\.\d+\.\d+\/32 .* -j KUBE-SVC-/)
  await view.locator('summary').last().press('Enter')
  expect(await view.textContent()).toMatch(/-j DNAT --to-destination 10\.244\./)
  await tab.shot('traffic')
  await tab.run('kubectl scale deployment ships --replicas=0')
  await view.getByText('The node refuses the packet.').waitFor()
  await page.keyboard.press('Escape')
})
