import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, tabOf, waitForPrompt } from './app.ts'
import type { App, Tab } from './app.ts'

/** What the page is for those who see little of it, have no mouse, or have come with the wrong browser. */
let app: App
let tab: Tab

beforeAll(async () => {
  app = await startApp()
  tab = await app.open()
})
afterAll(() => app?.stop())

/** Name and role of what has the focus, through all shadow roots. */
const focused = () => tab.page.evaluate(() => {
  let at = document.activeElement
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
  return `${at?.tagName.toLowerCase()} ${at?.getAttribute('aria-label') ?? at?.textContent?.trim().slice(0, 40) ?? ''}`.trim()
})

test('menus and dialogs give the focus back to what opened them', async () => {
  const { page } = tab
  const menu = page.getByRole('button', { name: 'Menu', exact: true })
  await menu.press('Enter')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Escape')
  await expect.poll(focused).toBe('button Menu')
  for (const [item, dialog] of [['Keyboard', 'Keyboard'], ['Glossary', 'Glossary'], ['Start over', 'Start over?']] as const) {
    await menu.press('Enter')
    await page.getByRole('button', { name: item }).press('Enter')
    await page.getByRole('dialog', { name: dialog }).waitFor()
    expect(await page.getByRole('banner').count(), `banners while ${dialog} is open`).toBeLessThanOrEqual(1)
    await page.keyboard.press('Escape')
    await expect.poll(focused, { message: item }).toBe('button Menu')
  }
  const machine = page.getByRole('button', { name: 'What to do with the machine drydock-worker', exact: true })
  await machine.press('Enter')
  await page.getByRole('menuitem', { name: 'Cut the power' }).press('Enter')
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).press('Enter')
  await expect.poll(focused).toBe('button What to do with the machine drydock-worker')
})

test('a step that is gone to is where reading goes on', async () => {
  const { page } = tab
  await page.getByRole('button', { name: 'Begin with lesson 1' }).press('Enter')
  await expect.poll(focused).toMatch(/^h2 Step 1 of/)
  await page.getByRole('button', { name: 'Next step' }).press('Enter')
  await expect.poll(focused).toMatch(/^h2 Step 2 of/)
  await page.getByRole('button', { name: 'All lessons' }).press('Enter')
  await expect.poll(focused).toBe('h2 Lessons')
})

test('panes at the side are put away, stay so over a reload, and come back for what is shown in them', async () => {
  const { page } = tab
  await page.getByRole('button', { name: 'Show the cluster' }).click()
  await expect.poll(() => page.getByRole('region', { name: 'Cluster' }).count()).toBe(0)
  await page.reload()
  await page.getByRole('button', { name: 'Show the cluster' }).waitFor()
  expect(await page.getByRole('button', { name: 'Show the cluster' }).getAttribute('aria-pressed')).toBe('false')
  await page.getByRole('button', { name: 'Show the cluster' }).click()
  await page.getByRole('region', { name: 'Cluster' }).waitFor()
})

test('at four times the size nothing sticks out, and there is room to read', async () => {
  const { page } = tab
  // 1280 by 1024 pixels at 400 %.
  await page.setViewportSize({ width: 320, height: 256 })
  await page.getByRole('navigation', { name: 'Panes' }).getByRole('button', { name: 'Lesson' }).click()
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
  const pane = await page.getByRole('region', { name: 'Lesson' }).boundingBox()
  expect(pane!.height).toBeGreaterThan(256 * 0.6)
  await page.getByRole('button', { name: 'Menu', exact: true }).click()
  const last = page.getByRole('button', { name: 'Keyboard' })
  await last.scrollIntoViewIfNeeded()
  expect((await last.boundingBox())!.y).toBeLessThan(256)
  await page.keyboard.press('Escape')
  await page.setViewportSize({ width: 1440, height: 900 })
})

test('on paper there is the whole lesson and nothing else', async () => {
  const { page } = tab
  await page.getByRole('button', { name: 'Continue: Pods' }).click()
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')))
  await page.emulateMedia({ media: 'print' })
  expect(await page.getByRole('heading', { level: 2 }).count()).toBe(10)
  expect(await page.locator('header').first().isVisible()).toBe(false)
  expect(await page.locator('dd-terminal-pane').isVisible()).toBe(false)
  await page.evaluate(() => dispatchEvent(new Event('afterprint')))
  await page.emulateMedia({ media: null })
  await page.getByRole('heading', { level: 2, name: 'Start your first pod' }).waitFor()
})

for (const platform of ['Linux x86_64', 'MacIntel']) {
  test(`Ctrl+C interrupts, and copies what is selected only where Ctrl is the key to copy: ${platform}`, async () => {
    const context = await app.browser.newContext({ locale: 'de-DE', permissions: ['clipboard-read', 'clipboard-write'], serviceWorkers: 'block' })
    await context.addInitScript((name) => { Object.defineProperty(navigator, 'platform', { get: () => name }) }, platform)
    const page = await context.newPage()
    await page.goto(app.url)
    await waitForPrompt(page)
    await page.evaluate(() => navigator.clipboard.writeText('nothing'))
    const { screen } = tabOf(page)
    await page.locator('dd-terminal-pane .screen:not([hidden])').click()
    await page.keyboard.insertText('echo cargo; sleep 1000')
    await page.keyboard.press('Enter')
    await expect.poll(screen).toMatch(/^cargo$/m)
    await page.evaluate(() => (document.querySelector('dd-app')!.shadowRoot!.querySelector('dd-terminal-pane') as unknown as { current: { terminal: { selectAll(): void } } }).current.terminal.selectAll())
    await page.keyboard.press('Control+c')
    const copied = () => page.evaluate(() => navigator.clipboard.readText())
    if (platform === 'MacIntel') {
      await waitForPrompt(page)
      expect(await copied()).toBe('nothing')
    } else {
      await expect.poll(copied).toMatch(/^cargo$/m)
      expect(await screen()).not.toContain('^C')
      await page.keyboard.press('Control+c')
      await waitForPrompt(page)
    }
    await page.keyboard.press('F1')
    await page.getByText(platform === 'MacIntel' ? '⌘C' : 'Strg+C', { exact: true }).waitFor()
    await page.getByText('Strg+Umschalt+F', { exact: true }).waitFor()
    await context.close()
  })
}

test('where there can be no cluster the page says why', async () => {
  const old = await app.browser.newContext({ locale: 'de-DE', serviceWorkers: 'block' })
  await old.addInitScript(() => { delete (HTMLElement.prototype as { popover?: unknown }).popover })
  const page = await old.newPage()
  await page.goto(app.url)
  await page.getByRole('heading', { name: 'Dieser Browser ist zu alt für Drydock' }).waitFor()
  await old.close()
  const broken = await app.browser.newContext({ locale: 'en-GB', serviceWorkers: 'block' })
  const other = await broken.newPage()
  await other.route('**/assets/app-*.js', (route) => route.abort())
  await other.goto(app.url)
  await other.getByRole('heading', { name: 'Drydock could not be loaded' }).waitFor()
  await other.unroute('**/assets/app-*.js')
  await other.getByRole('button', { name: 'Load again' }).click()
  await other.getByRole('button', { name: 'Begin with lesson 1' }).waitFor()
  await broken.close()
})

test('a part that does not come is said, and stays said when something else was', async () => {
  const context = await app.browser.newContext({ locale: 'en-GB', permissions: ['clipboard-read', 'clipboard-write'], serviceWorkers: 'block' })
  const page = await context.newPage()
  await page.goto(`${app.url}#lesson/pods`)
  await page.getByRole('heading', { level: 2, name: 'What you have in front of you' }).waitFor()
  await page.route('**/assets/new-cluster-dialog-*.js', (route) => route.abort())
  await page.getByRole('button', { name: 'Menu', exact: true }).click()
  await page.getByRole('button', { name: 'Start over' }).click()
  await page.getByText('A part of the page did not come.').waitFor()
  await page.getByRole('button', { name: 'Copy a link to this step' }).click()
  await page.getByText('The link to this step is copied.').waitFor()
  await page.locator('.notice').getByRole('button', { name: 'Close' }).click()
  await page.getByText('A part of the page did not come.').waitFor()
  await context.close()
})

test('no page complained', () => {
  expect(app.errors).toEqual([])
})
