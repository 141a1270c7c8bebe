import fs from 'node:fs'
import path from 'node:path'
import { chromium } from 'playwright-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll } from 'vitest'
// @ts-expect-error plain JavaScript
import { serveFolder } from '../tools/start.mjs'

export const root = path.resolve(import.meta.dirname, '../..')

const ARGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

/** The built app on a local port with a browser context of its own, whose storage starts empty. */
export interface App {
  readonly url: string
  /** What all apps of a test file share. */
  readonly browser: Browser
  readonly context: BrowserContext
  /** Errors that pages threw or wrote to the console, to be looked at by tests. */
  readonly errors: string[]
  /** A new tab; resolves once the shell's prompt is there. */
  open(options?: { hash?: string }): Promise<Tab>
  /** Ends the server: from then on there is no network. */
  stopServing(): Promise<void>
  /** The server comes back, at the same address. */
  serveAgain(): Promise<void>
  stop(): Promise<void>
}

/** A page with its terminal. */
export interface Tab {
  readonly page: Page
  /** Milliseconds from navigation to the prompt. */
  readonly promptAfterMs: number
  /** Everything on the terminal in front, trailing blanks removed. */
  screen(): Promise<string>
  /** Types a command into the terminal and resolves with what it printed once the prompt is back. */
  run(command: string, options?: { timeoutMs?: number }): Promise<string>
  /** Runs a command again and again until its output satisfies. */
  until(command: string, satisfied: (output: string) => boolean, timeoutMs?: number): Promise<string>
  /** Writes a picture of the page into the folder that the environment's SHOTS names, to be looked at; does nothing without one. */
  shot(name: string): Promise<void>
}

/** One browser for all apps of a test file: to start one takes as long as some tests do. */
let launched: Promise<Browser> | undefined
afterAll(async () => { await (await launched)?.close() })

/** What a test may want of its app. */
export interface AppOptions {
  /**
   * Whether the page is kept for use without a network. Off where a test isn't about that: filling the cache with the whole app keeps
   * a processor busy for seconds, in each context anew.
   */
  serviceWorker?: boolean
}

export async function startApp({ serviceWorker = false }: AppOptions = {}): Promise<App> {
  const folder = path.join(root, 'dist/app')
  if (!fs.existsSync(path.join(folder, 'index.html'))) throw new Error('dist/app is missing: run npm run build first')
  let server = await serveFolder(folder) as { url: string; close(): Promise<void> }
  launched ??= chromium.launch({ executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium', args: ARGS })
  const browser = await launched
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-GB', serviceWorkers: serviceWorker ? 'allow' : 'block' })
  const errors: string[] = []
  let serving = true
  const stopServing = async () => {
    if (serving) await server.close()
    serving = false
  }
  return {
    url: server.url, browser, context, errors, stopServing,
    async serveAgain() {
      server = await serveFolder(folder, Number(new URL(server.url).port)) as typeof server
      serving = true
    },
    async open({ hash = '' } = {}) {
      const page = await context.newPage()
      page.on('pageerror', (error) => errors.push(error.stack ?? error.message))
      page.on('console', (message) => { if (message.type() === 'error') errors.push(message.text()) })
      const started = performance.now()
      await page.goto(server.url + hash)
      await waitForPrompt(page)
      return tabOf(page, performance.now() - started)
    },
    async stop() {
      await context.close()
      await stopServing()
    },
  }
}

/** The lines of the terminal in front. */
function readScreen(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const pane = document.querySelector('dd-app')?.shadowRoot?.querySelector('dd-terminal-pane') as unknown as { current?: { terminal: { buffer: { active: { length: number; getLine(i: number): { isWrapped: boolean; translateToString(trim: boolean): string } } } } } } | null
    const buffer = pane?.current?.terminal.buffer.active
    const lines: string[] = []
    for (let i = 0; i < (buffer?.length ?? 0); i++) {
      const line = buffer!.getLine(i)
      if (line.isWrapped) lines[lines.length - 1] += line.translateToString(true)
      else lines.push(line.translateToString(true))
    }
    while (lines.length > 0 && lines.at(-1) === '') lines.pop()
    return lines
  })
}

const PROMPT = /^~\S* \$ ?$/

export async function waitForPrompt(page: Page, timeoutMs = 30_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const lines = await readScreen(page)
    if (PROMPT.test(lines.at(-1) ?? '')) return
    // An empty terminal, or none, says nothing about what went wrong; the page may.
    if (performance.now() > deadline) throw new Error(`no prompt after ${timeoutMs} ms; ${lines.length > 0 ? `the terminal shows:\n${lines.join('\n')}` : `the page shows:\n${await page.locator('body').ariaSnapshot()}`}`)
    await page.waitForTimeout(15)
  }
}

/** Screens outlive their page, so that a mark must not come twice. */
let lastMark = 0

export function tabOf(page: Page, promptAfterMs = 0): Tab {
  const tab: Tab = {
    page,
    promptAfterMs,
    screen: async () => (await readScreen(page)).join('\n'),
    async run(command, { timeoutMs = 30_000 } = {}) {
      const mark = `__${++lastMark}__`
      // The quotes keep the echo of the typed line from looking like the mark itself.
      const typed = `${command}; echo __''${lastMark}__`
      await page.locator('dd-terminal-pane .screen:not([hidden])').click()
      await page.keyboard.insertText(typed)
      await page.keyboard.press('Enter')
      const deadline = performance.now() + timeoutMs
      for (;;) {
        const lines = await readScreen(page)
        const begin = lines.findLastIndex((line) => line.endsWith(typed.slice(-20)))
        const end = lines.findIndex((line, i) => i > begin && line.endsWith(mark))
        if (begin >= 0 && end > begin && PROMPT.test(lines.at(-1) ?? '')) return [...lines.slice(begin + 1, end), lines[end]!.slice(0, -mark.length)].join('\n').trimEnd()
        if (performance.now() > deadline) throw new Error(`"${command}" did not end within ${timeoutMs} ms; the terminal shows:\n${lines.join('\n')}`)
        await page.waitForTimeout(20)
      }
    },
    async until(command, satisfied, timeoutMs = 40_000) {
      const deadline = performance.now() + timeoutMs
      for (;;) {
        const output = await tab.run(command)
        if (satisfied(output)) return output
        if (performance.now() > deadline) throw new Error(`"${command}" still prints after ${timeoutMs} ms:\n${output}`)
        await page.waitForTimeout(200)
      }
    },
    async shot(name) {
      const folder = process.env['SHOTS']
      if (folder) await page.screenshot({ path: path.join(folder, `${name}.png`) })
    },
  }
  return tab
}
