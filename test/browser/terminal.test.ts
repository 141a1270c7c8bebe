import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { startApp } from './app.ts'
import type { App, Tab } from './app.ts'

let app: App
let tab: Tab
let page: Page

beforeAll(async () => {
  app = await startApp({ serviceWorker: true })
  tab = await app.open()
  page = tab.page
  await tab.run('kubectl create deployment web --image=nginx:1.27 --replicas=3; kubectl expose deployment web --port=80; kubectl wait --for=condition=Available deployment/web')
})
afterAll(() => app?.stop())

const focus = () => page.locator('dd-terminal-pane .screen:not([hidden])').click({ position: { x: 200, y: 60 } })
const type = async (text: string) => { await page.keyboard.insertText(text) }
const shows = (pattern: RegExp, timeout = 10_000) => expect.poll(() => tab.screen(), { timeout }).toMatch(pattern)
const columns = () => page.evaluate(() => (document.querySelector('dd-app')!.shadowRoot!.querySelector('dd-terminal-pane') as unknown as { current: { terminal: { cols: number } } }).current.terminal.cols)

test('a pipeline, and the size of the window', async () => {
  expect(await tab.run("kubectl get pods -o name | grep web | wc -l")).toBe('3')
  const before = await columns()
  await page.setViewportSize({ width: 1700, height: 900 })
  await expect.poll(columns).toBeGreaterThan(before)
  expect(await tab.run('stty size | cut -d" " -f2')).toBe(String(await columns()))
  await page.setViewportSize({ width: 1440, height: 900 })
})

test('vi edits a file on a screen of its own', async () => {
  await focus()
  await type('vi note.txt')
  await page.keyboard.press('Enter')
  await shows(/"note\.txt" \[New\]/)
  await type('ihello')
  await shows(/-- INSERT --/)
  await page.keyboard.press('Escape')
  await type('yyp:wq')
  await page.keyboard.press('Enter')
  await expect.poll(() => tab.screen()).not.toMatch(/INSERT/)
  expect(await tab.run('cat note.txt')).toBe('hello\nhello')
})

test('kubectl edit uses the editor that $EDITOR names', async () => {
  await focus()
  await type('EDITOR=vi kubectl edit deployment web')
  await page.keyboard.press('Enter')
  await shows(/apiVersion: apps\/v1[\s\S]*kubectl-edit/)
  await type(':%s/replicas: 3/replicas: 2/')
  await page.keyboard.press('Enter')
  await type(':wq')
  await page.keyboard.press('Enter')
  await shows(/deployment\.apps\/web edited/)
  expect(await tab.run("kubectl get deployment web -o jsonpath='{.spec.replicas}'")).toBe('2')
})

test('top shows processes until q, and a watch goes on until ^C', async () => {
  await focus()
  await type('top')
  await page.keyboard.press('Enter')
  await shows(/load average: [\d., ]+\n[\s\S]*PID USER[\s\S]*bash/)
  await page.keyboard.press('q')
  expect(await tab.run('echo back')).toBe('back')
  await focus()
  await type('kubectl get pods -w | sed "s/^/seen: /"')
  await page.keyboard.press('Enter')
  await shows(/seen: NAME/)
  await page.evaluate(() => (document.querySelector('dd-app') as unknown as { client: { ask(name: string, ask: unknown): Promise<unknown> } }).client.ask('run', { argv: ['kubectl', 'run', 'late', '--image=busybox:1.37', '--', 'sleep', '1000'] }))
  // Through the pipe line by line, while the watch goes on.
  await shows(/seen: late +1\/1 +Running/)
  await page.keyboard.press('Control+c')
  await shows(/\^C\n~ \$ ?$/)
})

test('^R finds a command again, also after a reload', async () => {
  await tab.run('echo needle-in-history')
  await focus()
  await page.keyboard.press('Control+r')
  await type('needle')
  await shows(/\(reverse-i-search\)`needle': echo needle-in-history/)
  await page.keyboard.press('Control+c')
  const again = await app.open()
  await again.page.locator('dd-terminal-pane .screen:not([hidden])').click()
  await again.page.keyboard.press('Control+r')
  await again.page.keyboard.insertText('needle')
  await expect.poll(() => again.screen()).toMatch(/\(reverse-i-search\)`needle': echo needle-in-history/)
  await again.page.close()
})

test('a pasted manifest of several lines is one command', async () => {
  await focus()
  await page.evaluate(() => (document.querySelector('dd-app')!.shadowRoot!.querySelector('dd-terminal-pane') as unknown as { current: { terminal: { paste(text: string): void } } }).current.terminal.paste(`cat <<EOF | kubectl apply -f -
apiVersion: v1
kind: ConfigMap
metadata:
  name: pasted
data:
  a: "1"
EOF
`))
  await shows(/ {2}a: "1"\n(> )?EOF/)
  expect(await tab.screen()).not.toMatch(/configmap\/pasted created/)
  await page.keyboard.press('Enter')
  await shows(/configmap\/pasted created/)
  expect(await tab.run("kubectl get configmap pasted -o jsonpath='{.data.a}'")).toBe('1')
})

test('an address that port-forward prints opens the page in the browser pane, where it can do no harm', async () => {
  await tab.run(`kubectl create configmap site --from-literal=index.html='<h1 id=h>Ahoy</h1><a href=second.html>on</a><script>document.getElementById("h").textContent += ", sailor"; try { parent.document.title = "taken" } catch { document.body.append("kept out") }; fetch("second.html").then(async (a) => document.body.append(" [" + (await a.text()).trim() + "]"))</script>' --from-literal=second.html='<p>The second page</p>'`)
  await tab.run(`kubectl run site --image=nginx:1.27 --overrides='{"spec":{"volumes":[{"name":"v","configMap":{"name":"site"}}],"containers":[{"name":"site","image":"nginx:1.27","volumeMounts":[{"name":"v","mountPath":"/usr/share/nginx/html"}]}]}}'; kubectl wait --for=condition=Ready pod/site`)
  await focus()
  await type('kubectl port-forward pod/site 8080:80')
  await page.keyboard.press('Enter')
  await shows(/Forwarding from 127\.0\.0\.1:8080 -> 80/)
  // The address is a link without a scheme.
  const place = await page.evaluate(() => {
    const pane = document.querySelector('dd-app')!.shadowRoot!.querySelector('dd-terminal-pane') as unknown as { current: { element: HTMLElement; terminal: { cols: number; rows: number; buffer: { active: { length: number; viewportY: number; getLine(i: number): { translateToString(trim: boolean): string } | undefined } } } } }
    const { terminal, element } = pane.current
    const { active } = terminal.buffer
    let row = -1
    for (let i = 0; i < active.length; i++) if (active.getLine(i)?.translateToString(true).startsWith('Forwarding from 127.0.0.1')) row = i
    const box = element.querySelector('.xterm-screen')!.getBoundingClientRect()
    return { x: box.left + box.width / terminal.cols * 20.5, y: box.top + box.height / terminal.rows * (row - active.viewportY + 0.5) }
  })
  await page.mouse.move(place.x - 3, place.y)
  await page.mouse.move(place.x, place.y)
  await page.waitForTimeout(100)
  await page.mouse.click(place.x, place.y)
  const frame = page.frameLocator('dd-browser-pane iframe')
  await expect.poll(() => frame.locator('body').innerText(), { timeout: 10_000 }).toMatch(/Ahoy, sailor[\s\S]*kept out \[<p>The second page<\/p>\]/)
  expect(await page.title()).toMatch(/^Drydock/)
  await frame.getByRole('link', { name: 'on' }).click()
  await expect.poll(() => frame.locator('body').innerText()).toBe('The second page')
  await expect.poll(() => page.getByRole('textbox', { name: 'Address' }).inputValue()).toBe('http://127.0.0.1:8080/second.html')
  await page.getByRole('button', { name: 'Close the browser' }).click()
  await focus()
  await page.keyboard.press('Control+c')
  await shows(/\^C/)
})

test('without a network the pages of the cluster are shown too, but for their scripts', async () => {
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
  await app.stopServing()
  await page.reload()
  await expect.poll(() => tab.screen(), { timeout: 20_000 }).toMatch(/~ \$ ?$/)
  const ip = (await tab.run("kubectl get pod site -o jsonpath='{.status.podIP}'")).trim()
  await page.getByRole('button', { name: 'Menu' }).click()
  await page.getByRole('button', { name: 'Browser', exact: true }).click()
  await page.getByRole('textbox', { name: 'Address' }).fill('http://127.0.0.1:8081')
  await tab.run(`kubectl port-forward pod/site 8081:80 >/dev/null & sleep 1; echo ${ip}`)
  await page.getByRole('textbox', { name: 'Address' }).press('Enter')
  const frame = page.frameLocator('dd-browser-pane iframe')
  await expect.poll(() => frame.locator('h1').innerText().catch(() => ''), { timeout: 10_000 }).toBe('Ahoy')
  await frame.getByRole('link', { name: 'on' }).click()
  await expect.poll(() => frame.locator('body').innerText().catch(() => ''), { timeout: 10_000 }).toBe('The second page')
})

test('a pod runs JavaScript: what it needs is loaded when it is needed, and says its names', async () => {
  const script = 'const { EventEmitter } = require("events"); class A {}; require("http").createServer((q, s) => s.end("hi")).listen(80, () => console.log(new A(), EventEmitter.name, Buffer.from("a"), process.version))'
  await tab.run(`kubectl run js --image=node:22-alpine -- node -e '${script}'; kubectl wait --for=condition=Ready pod/js --timeout=60s`)
  expect(await tab.until('kubectl logs js', (output) => output.includes('v22'))).toMatch(/^A \{\} EventEmitter <Buffer 61> v22\./)
  expect(await tab.run('kubectl exec js -- wget -qO- localhost')).toBe('hi')
  expect(await tab.run('kubectl exec js -- sh -c \'cd /tmp; npm init -y >/dev/null; npm i express >/dev/null; node -p "typeof require(\\"express\\")().get"\'')).toBe('function')
})

test('letters keep their distance when the window changes and motion is reduced', async () => {
  const { page } = tab
  const before = page.viewportSize()!
  const spacing = () => page.locator('dd-terminal-pane .screen:not([hidden]) .xterm-rows').evaluate((rows) => [getComputedStyle(rows).fontSize, Math.abs(Number.parseFloat(getComputedStyle(rows).letterSpacing)) < 0.5])
  await page.emulateMedia({ reducedMotion: 'reduce' })
  for (const [width, size] of [[2560, '17px'], [1280, '12.5px']] as const) {
    await page.setViewportSize({ width, height: 800 })
    await expect.poll(spacing).toEqual([size, true])
  }
  await page.emulateMedia({ reducedMotion: null })
  await page.setViewportSize(before)
})

test('no page complained', () => {
  expect(app.errors.filter((text) => !/Blocked a frame|Blocked script|ERR_CONNECTION_REFUSED|chrome-error/.test(text))).toEqual([])
})
