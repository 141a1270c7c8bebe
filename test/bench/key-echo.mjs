// Key echo in the page's terminal while a Deployment of 1,000 replicas rolls: from the key to the parsed echo on the screen, in Chromium.
import fs from 'node:fs'
import path from 'node:path'
import { chromium } from 'playwright-core'
import { serveFolder } from '../tools/start.mjs'
import { root } from '../tools/ensure.mjs'

const executablePath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'
if (!fs.existsSync(executablePath)) {
  console.log('key echo: skipped, no Chromium at CHROMIUM_PATH')
  process.exit(0)
}
const { url, close } = await serveFolder(path.join(root, 'dist/app'))
const browser = await chromium.launch({ executablePath, args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] })
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
await page.goto(url)
await page.waitForFunction(() => document.querySelector('dd-app')?.client?.status.phase === 'ready', undefined, { timeout: 60_000 })
await page.waitForTimeout(1_500)
const kubectl = (...argv) => page.evaluate((argv) => document.querySelector('dd-app').client.ask('run', { argv: ['kubectl', ...argv] }), argv)

/** Milliseconds from key to echo, one key every 40 ms. */
const measure = (keys) => page.evaluate(async (keys) => {
  const { terminal } = document.querySelector('dd-app').shadowRoot.querySelector('dd-terminal-pane').current
  const waits = []
  for (let i = 0; i < keys; i++) {
    const began = performance.now()
    await new Promise((resolve) => {
      const listener = terminal.onWriteParsed(() => { listener.dispose(); resolve() })
      terminal.input('x')
    })
    waits.push(performance.now() - began)
    await new Promise((resolve) => setTimeout(resolve, 40))
    if (i % 50 === 49) terminal.input('\x15')
  }
  return waits.sort((a, b) => a - b)
}, keys)

const at = (waits, share) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))].toFixed(1)
const say = (what, waits) => console.log(`  ${what.padEnd(34)} p50 ${at(waits, 0.5).padStart(6)} ms   p99 ${at(waits, 0.99).padStart(6)} ms   max ${waits.at(-1).toFixed(1).padStart(6)} ms   (${waits.length} keys)`)
const count = async () => (await kubectl('get', 'deployment', 'busy', '-o', 'jsonpath={.status.replicas} {.status.readyReplicas} {.status.updatedReplicas}')).stdout

console.log('key echo in Chromium')
say('at rest', await measure(200))
await kubectl('create', 'deployment', 'busy', '--image=registry.k8s.io/pause:3.9', '--replicas=1000')
const rolling = await measure(400)
say('while 1,000 pods come up', rolling)
console.log(`    replicas, ready, updated: ${await count()}`)
await kubectl('set', 'image', 'deployment/busy', '*=registry.k8s.io/pause:3.10')
const update = await measure(400)
say('while they roll to another image', update)
console.log(`    replicas, ready, updated: ${await count()}`)
await browser.close()
await close()
const verdict = (waits) => `${Number(at(waits, 0.99)) < 16 ? 'within' : 'beyond'} a frame (p99 ${at(waits, 0.99)} ms, at most 16)`
console.log(`  rolling: ${verdict(update)}; coming up: ${verdict(rolling)}`)
process.exit(Number(at(update, 0.99)) < 16 ? 0 : 1)
