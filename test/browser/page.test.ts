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

test('the page boots to a prompt in front of three Ready nodes', async () => {
  const nodes = await tab.run('kubectl get nodes')
  expect(nodes.split('\n').slice(1).map((line) => line.split(/\s+/).slice(0, 2).join(' '))).toEqual(['drydock-control-plane Ready', 'drydock-worker Ready', 'drydock-worker2 Ready'])
  expect(await tab.page.getByRole('region', { name: 'Cluster' }).getByRole('button', { name: /^drydock-/ }).count()).toBe(3)
})

test('pods appear in the live view, and a click tells what kubectl tells', async () => {
  await tab.run('kubectl run hello --image=nginx:1.27')
  const pod = tab.page.getByRole('button', { name: /^Pod hello, Running, 1\/1/ })
  await pod.waitFor()
  await pod.click()
  const details = tab.page.getByRole('region', { name: 'Details of pod hello' })
  await expect.poll(() => details.getByRole('tabpanel').textContent(), { timeout: 10_000 }).toMatch(/^Name: +hello\n/)
  await details.getByRole('tab', { name: 'YAML' }).click()
  await expect.poll(() => details.getByRole('tabpanel').textContent()).toContain('kind: Pod')
  await tab.page.keyboard.press('Escape')
  await expect.poll(() => details.count()).toBe(0)
})

test('kubectl edit waits for the page\'s editor', async () => {
  const { page } = tab
  await page.locator('dd-terminal-pane .screen:not([hidden])').click()
  await page.keyboard.insertText('kubectl edit pod hello')
  await page.keyboard.press('Enter')
  const editor = page.getByRole('region', { name: 'Files' }).getByRole('textbox')
  await editor.waitFor()
  await expect.poll(() => editor.textContent()).toContain('kind: Pod')
  await editor.click()
  await page.keyboard.press('Control+Home')
  // Through the search panel, as a learner would: replace the image.
  const replaced = await page.evaluate(() => {
    const content = document.querySelector('dd-app')!.shadowRoot!.querySelector('dd-editor-pane')!.shadowRoot!.querySelector('.cm-content') as HTMLElement & { cmTile?: { view: any }; cmView?: { view: any } }
    const view = content.cmTile?.view ?? content.cmView?.view
    const text: string = view.state.doc.toString()
    const at = text.indexOf('  name: hello')
    view.dispatch({ changes: { from: at, insert: '  labels:\n    edited: "yes"\n' } })
    return at > 0
  })
  expect(replaced).toBe(true)
  await page.getByRole('button', { name: 'Save and close' }).click()
  await expect.poll(() => tab.screen()).toMatch(/pod\/hello edited|error/)
  expect(await tab.run('kubectl get pod hello --show-labels')).toContain('edited=yes')
})

test('Tab completes commands, types and names of objects', async () => {
  const { page } = tab
  await page.locator('dd-terminal-pane .screen:not([hidden])').click()
  for (const part of ['kubectl des', ' pods', ' hel']) {
    await page.keyboard.type(part)
    await page.keyboard.press('Tab')
    await page.waitForTimeout(500)
    await page.keyboard.press('Backspace')
  }
  await expect.poll(() => tab.screen()).toMatch(/kubectl describe pods hello$/)
  await page.keyboard.press('Control+u')
})

test('the clock pauses, steps and runs on', async () => {
  const { page } = tab
  await page.getByRole('button', { name: 'Pause time' }).click()
  const before = await tab.run('date +%s')
  await page.getByRole('button', { name: 'Step by 1 min' }).click()
  await page.getByRole('button', { name: 'Let time run' }).click()
  const after = await tab.run('date +%s')
  expect(Number(after) - Number(before)).toBeGreaterThanOrEqual(60)
})

test('files written in the terminal show in the editor, and the other way round', async () => {
  const { page } = tab
  await tab.run('echo "kind: Pod" > from-shell.yaml')
  await page.getByRole('button', { name: 'Menu' }).click()
  await page.getByRole('button', { name: 'Files and editor' }).click()
  await page.getByRole('button', { name: 'from-shell.yaml', exact: true }).click()
  const editor = page.getByRole('region', { name: 'Files' }).getByRole('textbox')
  await expect.poll(() => editor.textContent()).toContain('kind: Pod')
  await editor.click()
  await page.keyboard.press('Control+End')
  await page.keyboard.type('# more')
  await page.keyboard.press('Control+s')
  await expect.poll(() => tab.run('cat from-shell.yaml')).toContain('# more')
  await page.getByRole('button', { name: 'Close files' }).click()
})

test('what the cluster and the learner write is text, never markup', async () => {
  await tab.run(`kubectl create configmap evil --from-literal='x=<img src=x onerror=document.title=1>'`)
  await tab.run(`kubectl annotate pod hello 'note=<script>document.title=2</script>'`)
  await tab.page.getByRole('button', { name: /^Pod hello/ }).click()
  await expect.poll(() => tab.page.getByRole('tabpanel').last().textContent()).toContain('<script>')
  expect(await tab.page.title()).toMatch(/^Drydock/)
  await tab.page.keyboard.press('Escape')
})

test('the language switches with everything on the page', async () => {
  const { page } = tab
  await page.getByRole('combobox', { name: 'Language' }).first().selectOption('de')
  expect(await page.locator('html').getAttribute('lang')).toBe('de')
  await page.getByRole('heading', { name: 'Lektionen' }).waitFor()
  await page.getByRole('button', { name: 'Beginnen: Pods' }).waitFor()
  await page.getByRole('combobox', { name: 'Sprache' }).first().selectOption('en')
})

test('no page complained', () => {
  expect(app.errors).toEqual([])
})
