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

const lessons = fs.readdirSync(folder).filter((name) => name.endsWith('.en.md')).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  .map((file) => parseLesson(file, fs.readFileSync(path.join(folder, file), 'utf8')))

for (const lesson of lessons) {
  describe(lesson.title, () => {
    let lab: Lab | undefined
    afterAll(async () => { await lab?.stop() })
    for (const step of lesson.steps) {
      if (step.goals.length === 0) continue
      test(step.title, async () => {
        if (!lab) {
          lab = await startLab(`lesson ${lesson.id}`)
          await begin(lab, lesson)
        }
        await play(lab, step)
      }, 120_000)
    }
  })
}

test('all lessons go one after the other in the same cluster, and those that clear away what they made twice in a row', async () => {
  const lab = await startLab('all lessons')
  try {
    for (const lesson of lessons) {
      for (let time = 1; time <= (lesson.steps.at(-1)!.id === 'clean-up' ? 2 : 1); time++) {
        await begin(lab, lesson)
        for (const step of lesson.steps) {
          if (step.goals.length > 0) await play(lab, step).catch((error: Error) => { throw new Error(`${lesson.title}: ${step.title}, taken for the ${time === 1 ? 'first' : 'second'} time: ${error.message}`) })
        }
      }
    }
  } finally {
    await lab.stop()
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
