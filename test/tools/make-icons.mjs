// Draws public/icon-*.png from public/icon.svg with a Chromium. Run it after changing the icon; the results are committed.
import fs from 'node:fs'
import path from 'node:path'
import { chromium } from 'playwright-core'
import { ensureChromium, root } from './ensure.mjs'

const svg = fs.readFileSync(path.join(root, 'public/icon.svg'), 'utf8')
const browser = await chromium.launch({ executablePath: await ensureChromium(), args: ['--no-sandbox'] })
const page = await browser.newPage()
for (const { name, size, padding = 0 } of [{ name: 'icon-180', size: 180 }, { name: 'icon-192', size: 192 }, { name: 'icon-512', size: 512 }, { name: 'icon-maskable-512', size: 512, padding: 56 }]) {
  await page.setViewportSize({ width: size, height: size })
  // A maskable icon's corners are cut off by the system: its ground reaches the edge, the drawing keeps away from it.
  const ground = padding > 0 || size === 180 ? '#14566e' : 'transparent'
  await page.setContent(`<style>html,body{margin:0;background:${ground}}svg{display:block;width:${size - 2 * padding}px;height:${size - 2 * padding}px;margin:${padding}px}</style>${svg}`)
  await page.screenshot({ path: path.join(root, `public/${name}.png`), omitBackground: ground === 'transparent' })
}
await browser.close()
