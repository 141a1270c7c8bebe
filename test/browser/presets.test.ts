import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root, startApp, waitForPrompt } from './app.ts'
import type { App, Tab } from './app.ts'

let app: App
let tab: Tab

beforeAll(async () => {
  app = await startApp()
  tab = await app.open()
})
afterAll(() => app?.stop())

const region = () => tab.page.getByRole('region', { name: 'Cluster', exact: true })
const nodeButtons = () => region().getByRole('button', { name: /^drydock/ })
const reload = async () => {
  await tab.page.close()
  tab = await app.open()
}

/** Through the menu and the dialog, with keys alone. */
async function startOverAs(preset: string): Promise<void> {
  const { page } = tab
  await page.getByRole('button', { name: 'Menu' }).click()
  await page.getByRole('button', { name: 'Start over …' }).click()
  const dialog = page.getByRole('dialog', { name: 'Start over?' })
  await dialog.waitFor()
  expect(await dialog.textContent()).toContain('the files of your home directory are deleted')
  await dialog.getByRole('radio', { name: preset }).focus()
  await page.keyboard.press('Space')
  await tab.shot(`preset-${preset.replaceAll(' ', '-')}`)
  await dialog.getByRole('button', { name: 'Delete and start over' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('status').filter({ hasText: 'Starting the cluster' }).waitFor()
  await waitForPrompt(page, 60_000)
}

test('a dialog that is cancelled changes nothing', async () => {
  const { page } = tab
  await tab.run('touch still-here')
  await page.getByRole('button', { name: 'Menu' }).click()
  await page.getByRole('button', { name: 'Start over …' }).click()
  const dialog = page.getByRole('dialog', { name: 'Start over?' })
  await dialog.waitFor()
  expect(await dialog.getByRole('radio').count()).toBe(6)
  await tab.shot('preset-dialog')
  await page.keyboard.press('Escape')
  await expect.poll(() => dialog.count()).toBe(0)
  expect(await tab.run('ls')).toBe('still-here')
})

test('three control planes stand behind a load balancer, also after a reload, and one of them may go', async () => {
  await startOverAs('Three control planes')
  expect(await tab.run('ls')).toBe('')
  expect(await tab.run('kubectl get nodes --no-headers -l node-role.kubernetes.io/control-plane | grep -c " Ready "')).toBe('3')
  await expect.poll(() => nodeButtons().count()).toBe(5)
  await region().getByRole('region', { name: 'drydock-external-load-balancer' }).getByText('load balancer of 3 control planes').waitFor()
  await tab.shot('high-availability')
  await reload()
  await expect.poll(() => nodeButtons().count()).toBe(5)
  await region().getByRole('region', { name: 'drydock-external-load-balancer' }).waitFor()
  await region().getByRole('button', { name: 'What to do with the machine drydock-control-plane', exact: true }).click()
  await region().getByRole('menuitem', { name: 'Cut the power' }).click()
  const dialog = tab.page.getByRole('dialog')
  await dialog.getByText('It is one of 3 control planes').waitFor()
  await dialog.getByRole('button', { name: 'Cut the power' }).click()
  await region().getByRole('button', { name: /^drydock-control-plane off/ }).waitFor()
  expect(await tab.run('kubectl create configmap written --from-literal=a=b')).toBe('configmap/written created')
})

test('without a pod network nodes are not ready, the overview says why, and a plugin can be installed', async () => {
  await startOverAs('Three nodes without a pod network')
  await expect.poll(() => tab.run('kubectl get nodes --no-headers | grep -c NotReady')).toBe('3')
  await region().getByRole('button', { name: 'What is installed' }).click()
  const network = () => tab.page.getByRole('region', { name: 'What is installed' }).getByRole('region', { name: 'Network', exact: true })
  await expect.poll(() => network().textContent()).toMatch(/cni plugin not initialized/)
  expect(await network().textContent()).not.toContain('kindnet')
  await tab.shot('no-network')
  await reload()
  expect(await tab.run('kubectl get nodes --no-headers | grep -c NotReady')).toBe('3')
  const text = fs.readFileSync(path.join(root, 'test/kube-flannel.yaml'), 'utf8')
  await tab.page.evaluate(async (text) => { await (document.querySelector('dd-app') as unknown as { client: { ask(name: string, ask: object): Promise<unknown> } }).client.ask('writeFile', { path: 'kube-flannel.yaml', text }) }, text)
  expect(await tab.run('kubectl apply -f kube-flannel.yaml')).toContain('daemonset.apps/kube-flannel-ds created')
  await tab.until('kubectl get nodes --no-headers', (out) => (out.match(/ Ready /g) ?? []).length === 3)
  await region().getByRole('button', { name: 'What is installed' }).click()
  await expect.poll(() => network().textContent(), { timeout: 10_000 }).toMatch(/kube-flannel\/kube-flannel-ds.*3\/3 ready/s)
  expect(await network().textContent()).not.toContain('cni plugin not initialized')
})

test('one node as k3s sets it up has its add-ons, also after a reload', async () => {
  await startOverAs('One node, as k3s sets it up')
  const nodes = await tab.run('kubectl get nodes')
  expect(nodes).toMatch(/^drydock +Ready +control-plane.*\+k3s1/m)
  expect(nodes.split('\n')).toHaveLength(2)
  await expect.poll(() => nodeButtons().count()).toBe(1)
  // Another machine would need k3s' own agent.
  expect(await region().getByRole('button', { name: 'Add a node' }).count()).toBe(0)
  await region().getByRole('button', { name: 'What is installed' }).click()
  const overview = tab.page.getByRole('region', { name: 'What is installed' })
  await expect.poll(() => overview.getByRole('region', { name: 'Network', exact: true }).textContent()).toMatch(/flannel.*The nodes’ agent brings the network along.*backend vxlan/s)
  // k3s installs its charts while it is ready already.
  await expect.poll(() => overview.getByRole('region', { name: 'Ingress and Gateway' }).textContent(), { timeout: 60_000 }).toContain('traefik')
  await expect.poll(() => overview.getByRole('region', { name: 'Metrics' }).textContent()).toContain('v1beta1.metrics.k8s.io')
  await tab.shot('single')
  await reload()
  expect(await tab.run('kubectl get nodes --no-headers')).toMatch(/^drydock +Ready/)
})

test('the ordinary cluster is what the dialog begins with', async () => {
  const { page } = tab
  await page.getByRole('button', { name: 'Menu' }).click()
  await page.getByRole('button', { name: 'Start over …' }).click()
  await page.getByRole('dialog', { name: 'Start over?' }).getByRole('button', { name: 'Delete and start over' }).click()
  await page.getByRole('status').filter({ hasText: 'Starting the cluster' }).waitFor()
  await waitForPrompt(page, 60_000)
  await expect.poll(() => nodeButtons().count()).toBe(3)
  expect(await tab.run('kubectl get nodes --no-headers | grep -c " Ready "')).toBe('3')
  expect(app.errors).toEqual([])
})
