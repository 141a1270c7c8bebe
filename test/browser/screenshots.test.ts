import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root, startApp } from './app.ts'
import type { App, Tab } from './app.ts'

/** Pictures for the documentation: `SCREENSHOTS=1` writes them to docs/screenshots, else they go to a temporary folder and only the layout is checked. */
const folder = process.env['SCREENSHOTS'] ? path.join(root, 'docs/screenshots') : fs.mkdtempSync(path.join(os.tmpdir(), 'screenshots-'))
let app: App
let tab: Tab

beforeAll(async () => {
  fs.mkdirSync(folder, { recursive: true })
  app = await startApp()
  tab = await app.open()
  const { page } = tab
  await page.getByRole('button', { name: 'Begin: Pods' }).click()
  await page.getByRole('button', { name: /^Step 4 of/ }).click()
  await tab.run('kubectl create deployment web --image=nginx:1.27 --replicas=4')
  await tab.run('kubectl run typo --image=nginx:1.72')
  await tab.run('kubectl run once --image=busybox:1.37 --restart=Never -- echo "the cargo is ashore"')
  await tab.run(`kubectl run giant --image=nginx:1.27 --overrides='{"spec":{"containers":[{"name":"giant","image":"nginx:1.27","resources":{"requests":{"cpu":"50"}}}]}}'`)
  await page.getByRole('button', { name: 'Save as ~/watchman.yaml' }).click()
  await page.getByRole('button', { name: 'Close files' }).click()
  await tab.run('kubectl apply -f watchman.yaml; kubectl wait --for=condition=Ready pod/watchman')
  await tab.until('kubectl get pod typo', (output) => output.includes('ImagePullBackOff'))
  for (const line of ['clear', 'kubectl get pods']) {
    await page.keyboard.type(line)
    await page.keyboard.press('Enter')
  }
  await page.waitForTimeout(1_000)
  await page.keyboard.type('kubectl logs watchman')
  await page.keyboard.press('Enter')
  await page.waitForTimeout(600)
})
afterAll(() => app?.stop())

/** Takes the picture; nothing may stick out of the page sideways. */
async function picture(name: string): Promise<void> {
  await tab.page.waitForTimeout(400)
  // What is said in passing is not what the picture is of.
  const notice = tab.page.locator('.notice').getByRole('button', { name: 'Close' })
  if (await notice.isVisible()) await notice.click()
  expect(await tab.page.evaluate(() => document.documentElement.scrollWidth - innerWidth), `${name} is wider than the window`).toBeLessThanOrEqual(0)
  expect(await tab.page.getByRole('heading', { level: 1, name: 'Drydock' }).count(), `${name} says what page it is`).toBe(1)
  await tab.page.screenshot({ path: path.join(folder, `${name}.png`) })
}

test('light', () => picture('light'))

test('dark, with the details of a pod', async () => {
  await tab.page.emulateMedia({ colorScheme: 'dark' })
  await tab.page.getByRole('button', { name: /^Pod typo/ }).click()
  await expect.poll(() => tab.page.getByRole('region', { name: 'Details of pod typo' }).getByRole('tabpanel').textContent()).toContain('Name:')
  await picture('dark')
  await tab.page.keyboard.press('Escape')
})

test('in German the tabs of a pod\'s details stand in one row', async () => {
  const { page } = tab
  await page.emulateMedia({ colorScheme: 'light' })
  await page.getByRole('combobox', { name: 'Language' }).first().selectOption('de')
  await page.getByRole('button', { name: /^Pod typo/ }).click()
  const tabs = page.locator('dd-object-details').getByRole('tab')
  await expect.poll(() => tabs.count()).toBe(5)
  const rows = await tabs.evaluateAll((all) => new Set(all.map((each) => Math.round(each.getBoundingClientRect().top))).size)
  await page.keyboard.press('Escape')
  await page.getByRole('combobox', { name: 'Sprache' }).first().selectOption('en')
  expect(rows).toBe(1)
})

test('German, with the editor', async () => {
  await tab.page.emulateMedia({ colorScheme: 'light' })
  await tab.page.getByRole('combobox', { name: 'Language' }).first().selectOption('de')
  await tab.page.getByRole('button', { name: 'Menü' }).click()
  await tab.page.getByRole('button', { name: 'Dateien und Editor' }).click()
  await tab.page.getByRole('button', { name: 'watchman.yaml', exact: true }).click()
  await tab.page.getByRole('region', { name: 'Dateien' }).getByRole('textbox').waitFor()
  await picture('german')
  await tab.page.getByRole('button', { name: 'Dateien schließen' }).click()
  await tab.page.getByRole('combobox', { name: 'Sprache' }).first().selectOption('en')
})

test('a tablet', async () => {
  await tab.page.setViewportSize({ width: 1024, height: 768 })
  await picture('tablet')
})

for (const width of [360, 390]) {
  test(`a phone of ${width} pixels`, async () => {
    await tab.page.setViewportSize({ width, height: 760 })
    for (const pane of ['Lesson', 'Terminal', 'Cluster', 'Files']) {
      await tab.page.getByRole('navigation', { name: 'Panes' }).getByRole('button', { name: pane }).click()
      await tab.page.getByRole('region', { name: pane }).waitFor()
      await picture(`phone-${pane.toLowerCase()}${width === 360 ? '-360' : ''}`)
    }
    await tab.page.getByRole('navigation', { name: 'Panes' }).getByRole('button', { name: 'Terminal' }).click()
  })
}

test('a wall of 4K', async () => {
  await tab.page.setViewportSize({ width: 3840, height: 2160 })
  await picture('4k')
  expect(app.errors).toEqual([])
})
