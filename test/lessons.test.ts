import fs from 'node:fs'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parseLesson } from '../src/lessons/lesson.ts'
import type { Lesson, Step } from '../src/lessons/lesson.ts'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'

/** Every lesson proves itself: what a step asks for isn't so before, and its solution, typed into the terminal, makes it so. */
const folder = path.resolve(import.meta.dirname, '../lessons')
/** How long a goal may take after its solution, in milliseconds of cluster time. */
const PATIENCE_MS = 180_000
/** Files of other lessons are out of the way, so that each brings its own, and come back for whoever takes it again. */
const PUT_ASIDE = 'mkdir -p .aside; for each in *; do [ ! -e "$each" ] || { cp -r "$each" .aside/ && rm -rf "$each"; }; done'
const TAKE_BACK = 'mkdir -p .aside; for each in .aside/*; do [ ! -e "$each" ] || cp -r "$each" .; done'

const lessons = fs.readdirSync(folder).filter((name) => name.endsWith('.en.md')).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  .map((file) => parseLesson(file, fs.readFileSync(path.join(folder, file), 'utf8')))

/** Whether a lesson clears away what it made, so that it can be taken again in the same cluster. */
const clearsAway = (lesson: Lesson) => lesson.steps.at(-1)!.id === 'clean-up'
const stepsToPlay = (lesson: Lesson) => lesson.steps.filter(({ goals }) => goals.length > 0)

/** Where lessons that clear away are taken; another one begins when a lesson has failed in it. */
let shared: Lab | undefined
afterAll(async () => { await shared?.stop() })

// From the last to the first, so that none lives on what an earlier one made. Those that leave something have a cluster of their own.
for (const lesson of [...lessons].reverse()) {
  describe(lesson.title, () => {
    let lab: Lab | undefined
    let played = 0
    afterAll(async () => {
      if (lab === shared && played === stepsToPlay(lesson).length) return
      if (lab === shared) shared = undefined
      await lab?.stop()
    })
    for (const step of stepsToPlay(lesson)) {
      test(step.title, async () => {
        if (!lab) {
          lab = clearsAway(lesson) ? shared ??= await startLab('lessons') : await startLab(`lesson ${lesson.id}`)
          expect(await lab.run(PUT_ASIDE)).toMatchObject({ code: 0, stderr: '' })
          await begin(lab, lesson)
        }
        await play(lab, step)
        played++
      }, 120_000)
    }
  })
}

test('no goal of a lesson that clears away is about events, which stay for an hour', () => {
  expect(lessons.filter(clearsAway).flatMap(({ steps }) => steps).flatMap(({ goals }) => goals).filter(({ condition }) => JSON.stringify(condition).includes('"resource":"events"'))).toEqual([])
})

test('all lessons go one after the other in the same cluster, also those that were taken there before', async () => {
  const lab = shared ??= await startLab('lessons')
  expect(await lab.run(TAKE_BACK)).toMatchObject({ code: 0, stderr: '' })
  for (const lesson of lessons) {
    await begin(lab, lesson)
    for (const step of stepsToPlay(lesson)) await play(lab, step).catch((error: Error) => { throw new Error(`${lesson.title}: ${step.title}: ${error.message}`) })
  }
}, 600_000)

async function begin(lab: Lab, lesson: Lesson): Promise<void> {
  if (!lesson.start) return
  lab.writeFile('start.yaml', lesson.start)
  expect(await lab.run('kubectl apply -f start.yaml && rm start.yaml')).toMatchObject({ code: 0 })
}

async function play(lab: Lab, step: Step): Promise<void> {
  const met = async () => Promise.all(step.goals.map((goal) => lab.met(goal)))
  expect(await met(), 'all goals are met before the learner acts').toContain(false)
  // A file that a click puts into the home directory is there before the commands run.
  for (const block of step.blocks) if (block.type === 'file') lab.writeFile(block.name, block.text)
  const result = await lab.run(step.solution!, { withinMs: 300_000 })
  expect(result, result.stderr).toMatchObject({ code: 0 })
  const deadlineMs = lab.cluster.clock.nowMs() + PATIENCE_MS
  let now = await met()
  while (now.includes(false) && lab.cluster.clock.nowMs() < deadlineMs) {
    await lab.cluster.clock.advance(1_000)
    now = await met()
  }
  expect(step.goals.filter((_, i) => !now[i]).map((goal) => goal.text)).toEqual([])
}
