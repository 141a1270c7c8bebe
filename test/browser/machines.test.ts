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

const region = () => tab.page.getByRole('region', { name: 'Cluster' })
/** Cluster time passes fast while something waits for it. */
const hurry = (scale: number) => tab.page.evaluate(async (scale) => { await (document.querySelector('dd-app') as unknown as { client: { ask(name: string, ask: object): Promise<unknown> } }).client.ask('clock', { scale }) }, scale)

test('a node is added with a button, and joins as kubeadm does it', async () => {
  await hurry(8)
  await region().getByRole('button', { name: 'Add a node' }).click()
  await region().getByText('starting').waitFor()
  await region().getByRole('button', { name: /^drydock-worker3/ }).waitFor({ timeout: 30_000 })
  await hurry(1)
  expect(await tab.until('kubectl get nodes', (out) => /drydock-worker3 +Ready/.test(out))).toContain('drydock-worker3')
  expect(await tab.run('kubectl get csr --no-headers')).toContain('Approved,Issued')
})

test("a machine's menu is reached with keys, asks where it hurts, and takes the power away", async () => {
  const button = region().getByRole('button', { name: 'What to do with the machine drydock-worker3' })
  await button.focus()
  await tab.page.keyboard.press('Enter')
  await expect.poll(() => region().getByRole('menuitem').allTextContents()).toEqual(['Reboot', 'Shut down', 'Cut the power', 'Remove the machine'])
  await tab.shot('machine-menu')
  await tab.page.keyboard.press('ArrowDown')
  await tab.page.keyboard.press('ArrowDown')
  await tab.page.keyboard.press('Enter')
  const dialog = tab.page.getByRole('dialog', { name: 'drydock-worker3: Cut the power' })
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  expect(await tab.run('ssh drydock-worker3 hostname')).toBe('drydock-worker3')
  await button.click()
  await region().getByRole('menuitem', { name: 'Cut the power' }).click()
  await dialog.getByRole('button', { name: 'Cut the power' }).click()
  await region().getByRole('button', { name: /^drydock-worker3 off/ }).waitFor()
  expect(await tab.run('ssh drydock-worker3 hostname')).toBe('ssh: connect to host drydock-worker3 port 22: No route to host')
})

test('what is off is off after a reload, and can be removed', async () => {
  await tab.page.close()
  tab = await app.open()
  await region().getByRole('button', { name: /^drydock-worker3 off/ }).waitFor()
  await region().getByRole('button', { name: 'What to do with the machine drydock-worker3' }).click()
  expect(await region().getByRole('menuitem').allTextContents()).toEqual(['Switch on', 'Remove the machine'])
  await region().getByRole('menuitem', { name: 'Remove the machine' }).click()
  await tab.page.getByRole('dialog').getByRole('button', { name: 'Remove the machine' }).click()
  await expect.poll(() => region().getByRole('button', { name: /^drydock-/ }).count()).toBe(3)
  expect(await tab.run('kubectl get nodes')).not.toContain('worker3')
  expect(app.errors).toEqual([])
})
