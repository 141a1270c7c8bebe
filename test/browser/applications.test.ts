import { afterEach, beforeEach, expect, test } from 'vitest'
import { startApp } from './app.ts'
import type { App } from './app.ts'

let app: App
beforeEach(async () => { app = await startApp() })
afterEach(() => app?.stop())

test('a blog is set up, signed in to and written in the browser pane, and its SQLite file holds it', async () => {
  const tab = await app.open()
  const { page } = tab
  await tab.run('kubectl run blog --image=ghost:4 --port=2368 && kubectl expose pod blog --type=NodePort --overrides=\'{"spec":{"ports":[{"port":2368,"nodePort":30368}]}}\' && kubectl wait --for=condition=Ready pod/blog --timeout=120s', { timeoutMs: 90_000 })
  await tab.until('kubectl logs blog | grep -c "Ghost booted"', (text) => text === '1', 60_000)
  const node = (await tab.run(`kubectl get nodes -o jsonpath='{.items[0].status.addresses[0].address}'; echo`)).trim()
  await page.getByRole('button', { name: 'Menu' }).click()
  await page.getByRole('button', { name: 'Browser', exact: true }).click()
  await page.getByRole('textbox', { name: 'Address' }).fill(`http://${node}:30368/ghost/`)
  await page.getByRole('textbox', { name: 'Address' }).press('Enter')
  const frame = page.frameLocator('dd-browser-pane iframe')
  await frame.locator('#blog-title').fill('Docks & ships', { timeout: 30_000 })
  await frame.locator('#name').fill('Ada')
  await frame.locator('#email').fill('ada@example.com')
  await frame.locator('#password').fill('correct horse')
  await frame.getByRole('button', { name: /Create account/ }).click()
  await frame.getByRole('link', { name: 'New post' }).click({ timeout: 30_000 })
  await frame.locator('#title').fill('Kiel')
  await frame.locator('#html').fill('<p>Locks and <b>docks</b></p>')
  await frame.getByRole('button', { name: 'Publish', exact: true }).click()
  await frame.getByRole('link', { name: 'View site' }).click({ timeout: 30_000 })
  await frame.getByRole('heading', { name: 'Kiel' }).waitFor({ timeout: 30_000 })
  if (process.env['SCREENSHOTS']) await page.screenshot({ path: `${process.env['SCREENSHOTS']}/ghost.png` })
  expect(await tab.run('kubectl exec blog -- head -c 15 content/data/ghost.db; echo')).toBe('SQLite format 3')
  expect(app.errors).toEqual([])
}, 180_000)
