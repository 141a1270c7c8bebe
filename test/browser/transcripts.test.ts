import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
// @ts-expect-error plain JavaScript
import { comparable, parse } from '../transcripts/transcript.mjs'
import { root, startApp, waitForPrompt } from './app.ts'
import type { App } from './app.ts'

/**
 * Terminal sessions recorded with the real kubectl, typed into the page's terminal, each on a fresh cluster. All of them run in
 * test/transcripts without a browser; here are those that need little time, or all with TRANSCRIPTS=all.
 */
const folder = path.join(root, 'test/transcripts')
const pending = JSON.parse(fs.readFileSync(path.join(folder, 'pending.json'), 'utf8')) as Record<string, string>
const QUICK = /^(?:01|02|04|06|07|08|09|1[0-9]|2[04])-/
const names = fs.readdirSync(folder).filter((name) => name.endsWith('.txt')).map((name) => name.slice(0, -4)).filter((name) => !(name in pending))
/** Where what is printed depends on how soon a container starts again, and time runs fast here. */
const UNHURRIED = new Set(['06-logs-previous'])
const asked = process.env['TRANSCRIPTS']
const chosen = asked === 'all' ? names : asked ? names.filter((name) => name.includes(asked)) : names.filter((name) => QUICK.test(name) && !UNHURRIED.has(name)).slice(0, 48)

interface Client {
  ask(operation: string, ask: unknown): Promise<{ text: string }>
  status: { phase: string }
}

let app: App
beforeAll(async () => { app = await startApp() })
afterAll(() => app?.stop())

/** The first difference, or undefined. */
async function replay(name: string, page: Awaited<ReturnType<App['open']>>['page']): Promise<string | undefined> {
  const transcript = parse(fs.readFileSync(path.join(folder, `${name}.txt`), 'utf8'))
  const ask = (operation: string, question: unknown) => page.evaluate(([operation, question]) => (document.querySelector('dd-app') as unknown as { client: Client }).client.ask(operation as string, question), [operation, question] as const)
  // A fresh cluster whose waits are short.
  await ask('reset', {})
  await page.waitForFunction(() => (document.querySelector('dd-app') as unknown as { client: Client }).client.status.phase !== 'ready')
  await page.waitForFunction(() => (document.querySelector('dd-app') as unknown as { client: Client }).client.status.phase === 'ready')
  await waitForPrompt(page)
  await ask('clock', { scale: 20 })
  for (const [file, text] of Object.entries(transcript.files as Record<string, string>)) await ask('writeFile', { path: file, text })
  await ask('run', { argv: ['bash', '-c', 'mkdir .bin; ln -s $(command -v kubectl) .bin/kubectl; cp .kube/config .kubeconfig'] })
  const terminal = page.locator('dd-terminal-pane .screen:not([hidden])')
  await terminal.click()
  let number = 0
  /** Types a line and waits for the file that its end writes; the exit code stands in it. */
  const type = async (line: string): Promise<number> => {
    const file = `.end-${++number}`
    await page.keyboard.insertText(`${line}; echo "$?" >${file}`)
    await page.keyboard.press('Enter')
    const deadline = performance.now() + 60_000
    for (;;) {
      const { text } = await ask('readFile', { path: file })
      if (text !== '') return Number(text)
      if (performance.now() > deadline) throw new Error(`${line} still runs`)
      await page.waitForTimeout(10)
    }
  }
  await type('export KUBECONFIG=$HOME/.kubeconfig')
  for (const step of transcript.steps) {
    await ask('writeFile', { path: '.cmd', text: step.cmd })
    const code = await type('bash -c "$(cat .cmd)" >.out 2>.err </dev/null')
    const [out, err] = await Promise.all(['.out', '.err'].map(async (file) => (await ask('readFile', { path: file })).text))
    if (step.kind === '@') {
      if (code !== 0) return `@ ${step.cmd}\n    exit ${code}: ${(err || out)!.slice(0, 400)}`
      continue
    }
    const lines = (text: string) => text === '' ? [] : text.replace(/\n$/, '').split('\n').map((line) => line.replaceAll('/home/learner/', '').replaceAll('/home/learner', '.'))
    for (const [what, want, got] of [
      ['stdout', comparable(step.out, step.sort, step.cmd), comparable(lines(out!), step.sort, step.cmd)],
      ['stderr', comparable(step.err, true), comparable(lines(err!), true)],
      ['exit code', [String(step.exit)], [String(code)]],
    ] as [string, string[], string[]][]) {
      const i = [...Array(Math.max(want.length, got.length)).keys()].find((i) => want[i] !== got[i])
      if (i !== undefined) return `$ ${step.cmd}\n    ${what}, line ${i + 1}\n    want: ${want[i] ?? '(nothing)'}\n    got:  ${got[i] ?? '(nothing)'}`
    }
  }
  return undefined
}

test(`${chosen.length} recorded sessions give the same in the page's terminal`, async () => {
  const failures: string[] = []
  const queue = [...chosen]
  const times: [string, number][] = []
  const work = async (): Promise<void> => {
    const context = await app.browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', serviceWorkers: 'block' })
    const page = await context.newPage()
    await page.goto(app.url)
    await waitForPrompt(page)
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const began = performance.now()
      const found = await replay(name, page).catch((error: Error) => `did not end: ${error.message.slice(0, 300)}`)
      times.push([name, performance.now() - began])
      if (found) failures.push(`${name}\n  ${found}`)
    }
    await context.close()
  }
  await Promise.all([work(), work()])
  if (process.env['TIMES']) for (const [name, ms] of times.sort((a, b) => a[1] - b[1])) console.log(`${Math.round(ms)} ms ${name}`)
  console.log(`${chosen.length - failures.length} of ${chosen.length} recorded sessions passed in Chromium`)
  expect(failures.join('\n\n')).toBe('')
}, 900_000)
