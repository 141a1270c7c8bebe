import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseLesson } from '../../src/lessons/lesson.ts'
import { root, startApp } from './app.ts'
import type { App, Tab } from './app.ts'

let app: App
let tab: Tab
const lesson = parseLesson('lessons/1-pods.en.md', fs.readFileSync(path.join(root, 'lessons/1-pods.en.md'), 'utf8'))
const lessonCount = fs.readdirSync(path.join(root, 'lessons')).filter((file) => file.endsWith('.en.md')).length

beforeAll(async () => {
  app = await startApp()
  tab = await app.open()
})
afterAll(() => app?.stop())

test('the first lesson done by typing: every check turns green', async () => {
  const { page } = tab
  await page.getByRole('button', { name: `Begin: ${lesson.title}` }).click()
  // Crash loops and grace periods take minutes on a real clock.
  await page.getByRole('combobox', { name: 'Speed' }).selectOption('10')
  for (const [i, step] of lesson.steps.entries()) {
    await page.getByRole('heading', { name: step.title }).waitFor()
    const goals = page.getByRole('region', { name: 'Lesson' }).locator('.goals li')
    expect(await goals.count()).toBe(step.goals.length)
    if (step.goals.length > 0) {
      expect(await page.getByText('That’s it. The step is done.').count(), `${step.id} is not done before anything was typed`).toBe(0)
      await page.locator('dd-terminal-pane .screen:not([hidden])').click()
      for (const line of step.solution!.split('\n')) {
        await page.keyboard.insertText(line)
        await page.keyboard.press('Enter')
      }
      await expect.poll(() => page.getByRole('region', { name: 'Lesson' }).locator('.goals li.met').count(), { timeout: 45_000, message: step.id }).toBe(step.goals.length)
    }
    await page.getByRole('button', { name: i === lesson.steps.length - 1 ? 'Finish the lesson' : 'Next step' }).click()
  }
  await page.getByRole('button', { name: `Look again: ${lesson.title}` }).waitFor()
}, 240_000)

test('the list says which lessons should come before, in the language of the page', async () => {
  const { page } = tab
  const entry = (title: string) => page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: title, exact: true }) })
  await page.getByRole('heading', { name: 'Data that lasts' }).click()
  await expect.poll(() => entry('Storage').textContent()).toContain('Best after: Pods, Labels and selectors')
  // Nothing comes before the first one.
  expect(await entry('Pods').textContent()).not.toContain('Best after')
  await page.getByRole('combobox', { name: 'Language' }).first().selectOption('de')
  await expect.poll(() => entry('Speicher').textContent()).toContain('Am besten nach: Pods, Labels und Selektoren')
  await page.getByRole('combobox', { name: 'Sprache' }).first().selectOption('en')
})

test('the list says how far one has come, and goes on with the next lesson', async () => {
  const { page } = tab
  await page.getByRole('progressbar', { name: `1 of ${lessonCount} lessons done` }).waitFor()
  await page.getByRole('button', { name: 'Go on with Labels and selectors' }).waitFor()
})

test('a search leads to the step, the address names it, and the browser goes back', async () => {
  const { page } = tab
  await page.getByRole('searchbox', { name: 'Search lessons' }).fill('rollout undo')
  await page.getByRole('button', { name: 'Back to what worked' }).click()
  await expect.poll(() => new URL(page.url()).hash).toBe('#lesson/deployments/undo')
  expect(await page.title()).toBe('Drydock: Deployments')
  const link = page.url()
  const heading = await page.getByRole('heading', { level: 2 }).textContent()
  await page.goBack()
  await page.getByRole('heading', { name: 'Lessons' }).waitFor()
  expect(new URL(page.url()).hash).toBe('')
  // Whoever opens the link elsewhere is at the same step.
  const other = await app.open({ hash: new URL(link).hash })
  await expect.poll(() => other.page.getByRole('heading', { level: 2 }).textContent()).toBe(heading)
  await other.page.close()
  const nowhere = await app.open({ hash: '#lesson/cooking' })
  await nowhere.page.getByText('The lesson could not be loaded').waitFor()
  await nowhere.page.close()
})

test('a lesson begins again with what it needs, and forgets what was done of it', async () => {
  const { page } = tab
  await page.getByRole('button', { name: `Look again: ${lesson.title}` }).click()
  await page.getByRole('button', { name: 'Begin the lesson again' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Begin the lesson again' }).click()
  await page.getByRole('button', { name: `Step 2 of ${lesson.steps.length}: ${lesson.steps[1]!.title}`, exact: true }).waitFor()
  await page.getByRole('button', { name: 'All lessons' }).click()
  await page.getByRole('button', { name: `Continue: ${lesson.title}` }).waitFor()
})

test('progress is kept, and a click types a command', async () => {
  // A command's answer comes after what was saved before it.
  await tab.run('kubectl create namespace later')
  await tab.page.close()
  tab = await app.open()
  await tab.page.getByRole('button', { name: `Continue: ${lesson.title}` }).click()
  await tab.page.getByRole('button', { name: 'Back', exact: true }).click()
  await tab.page.getByRole('button', { name: 'Run in the terminal: kubectl get nodes' }).click()
  await expect.poll(() => tab.screen()).toContain('drydock-worker2')
  expect(app.errors).toEqual([])
})
