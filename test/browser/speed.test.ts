import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp } from './app.ts'
import type { App, Tab } from './app.ts'

/** How long somebody at the page waits. Runs alone: beside other tests it would be their load that is measured. */
let app: App
let tab: Tab

beforeAll(async () => {
  app = await startApp({ serviceWorker: true })
  tab = await app.open()
  await tab.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
})
afterAll(() => app?.stop())

test('a warm load has its prompt within a second', async () => {
  const loads: number[] = []
  for (let i = 0; i < 3; i++) {
    const again = await app.open()
    loads.push(again.promptAfterMs)
    await again.page.close()
  }
  // The best of three: other work on the machine must not decide.
  expect(Math.min(...loads)).toBeLessThan(1_000)
})

test('key echo does not wait for a rollout', async () => {
  await tab.run('kubectl create deployment busy --image=registry.k8s.io/pause:3.10 --replicas=80')
  const waits = await tab.page.evaluate(async () => {
    const pane = document.querySelector('dd-app')!.shadowRoot!.querySelector('dd-terminal-pane') as unknown as { current: { terminal: { input(data: string): void; onWriteParsed(f: () => void): { dispose(): void } } } }
    const { terminal } = pane.current
    const waits: number[] = []
    for (let i = 0; i < 21; i++) {
      const started = performance.now()
      await new Promise<void>((resolve) => {
        const listener = terminal.onWriteParsed(() => { listener.dispose(); resolve() })
        terminal.input('x')
      })
      waits.push(performance.now() - started)
    }
    return waits.sort((a, b) => a - b)
  })
  await tab.page.keyboard.press('Control+u')
  await tab.run('kubectl delete deployment busy')
  expect(waits[10]).toBeLessThan(50)
  expect(waits[20]).toBeLessThan(500)
})

test('Tab completes the name of a pod from the live cluster within 50 ms', async () => {
  const { page } = tab
  await tab.run('kubectl create deployment web --image=nginx:1.27 --replicas=2; kubectl wait --for=condition=Available deployment/web')
  await page.locator('dd-terminal-pane .screen:not([hidden])').click()
  const times: number[] = []
  for (let i = 0; i < 5; i++) {
    await page.keyboard.insertText('kubectl logs we')
    times.push(await page.evaluate(async () => {
      const { terminal } = (document.querySelector('dd-app')!.shadowRoot!.querySelector('dd-terminal-pane') as unknown as { current: { terminal: { input(data: string): void; buffer: { active: { baseY: number; cursorY: number; getLine(i: number): { translateToString(trim: boolean): string } } } } } }).current
      const line = () => terminal.buffer.active.getLine(terminal.buffer.active.baseY + terminal.buffer.active.cursorY).translateToString(true)
      while (!line().endsWith('logs we')) await new Promise((resolve) => setTimeout(resolve, 5))
      const began = performance.now()
      terminal.input('\t')
      while (!/logs web-\w+-/.test(line())) await new Promise((resolve) => setTimeout(resolve, 1))
      return performance.now() - began
    }))
    await page.keyboard.press('Control+u')
    await page.waitForTimeout(100)
  }
  console.log(`Tab on a pod's name: ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`)
  // The best: other work on the machine must not decide.
  expect(Math.min(...times)).toBeLessThan(50)
})

test('no page complained', () => {
  expect(app.errors).toEqual([])
})
