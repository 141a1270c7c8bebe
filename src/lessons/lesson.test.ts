import { describe, expect, test } from 'vitest'
import fs from 'node:fs'
import path from 'node:path'
import { checkLessons, parseLesson, wordsOf } from './lesson.ts'
import type { GoalCondition } from './goal.ts'
import type { Lesson, Step } from './lesson.ts'

const HEAD = '---\ntitle: T\nsummary: S\npart: basics\nminutes: 5\n---\n'
const STEP = '\n## One {#one}\n\nText.\n'
const goal = (line: string) => `${HEAD}${STEP}\n\`\`\`goal\n# It is so\n${line}\n\`\`\`\n\`\`\`solution\ntrue\n\`\`\`\n`
const parse = (source: string) => parseLesson('lessons/1-x.en.md', source)

describe('lesson files', () => {
  test('become steps with text, commands, files, goals, hints and a solution', () => {
    const lesson = parse(`${HEAD}${STEP}
\`\`\`run
kubectl get pods
\`\`\`

\`\`\`yaml file=pods/a.yaml
kind: Pod
\`\`\`
\`\`\`goal
# Three are ready
deployment/web -n shop .status.readyReplicas == 3
\`\`\`
\`\`\`hint
Try it.
\`\`\`
\`\`\`solution
kubectl apply -f a.yaml
\`\`\`
`)
    expect(lesson).toMatchObject({ id: 'x', order: 1, language: 'en', title: 'T', needs: [] })
    expect(lesson.steps[0]).toMatchObject({ id: 'one', title: 'One', hints: ['Try it.'], solution: 'kubectl apply -f a.yaml' })
    expect(lesson.steps[0]!.blocks).toEqual([
      { type: 'prose', markdown: 'Text.' }, { type: 'run', commands: 'kubectl get pods' }, { type: 'file', name: 'pods/a.yaml', language: 'yaml', text: 'kind: Pod\n' },
    ])
    expect(lesson.steps[0]!.goals[0]).toEqual({
      text: 'Three are ready', source: 'deployment/web -n shop .status.readyReplicas == 3',
      condition: {
        type: 'field', object: { base: '/apis/apps/v1', resource: 'deployments', namespaced: true, name: 'web', namespace: 'shop' },
        path: ['status', 'readyReplicas'], comparison: { operator: '==', operand: '3' },
      },
    })
  })

  for (const [what, source, message] of [
    ['missing front matter', STEP, 'lessons/1-x.en.md: front matter: must stand at the top'],
    ['a missing title', '---\nsummary: S\nminutes: 5\n---\n' + STEP, 'lessons/1-x.en.md: front matter: title: is missing'],
    ['an unknown field', '---\ntitle: T\nsummary: S\nminutes: 5\nauthor: me\n---\n' + STEP, 'front matter: author: is unknown'],
    ['a missing part', '---\ntitle: T\nsummary: S\nminutes: 5\n---\n' + STEP, 'front matter: part: is missing'],
    ['an unknown part', '---\ntitle: T\nsummary: S\npart: cooking\nminutes: 5\n---\n' + STEP, 'front matter: part: must be one of basics, '],
    ['minutes that are no number', '---\ntitle: T\nsummary: S\npart: basics\nminutes: soon\n---\n' + STEP, 'front matter: minutes: must be a whole number'],
    ['YAML that does not parse', '---\ntitle: [T\n---\n' + STEP, 'front matter: '],
    ['a step without an id', `${HEAD}\n## One\n\nText.\n`, 'step "One": the heading must end with an id'],
    ['an id that is used twice', HEAD + STEP + STEP, 'step "one": the id is used twice'],
    ['a goal without words', `${HEAD}${STEP}\n\`\`\`goal\npod/a exists\n\`\`\`\n`, 'step "one": goal 1: "pod/a exists" needs a line before it'],
    ['a goal without a solution', `${HEAD}${STEP}\n\`\`\`goal\n# A\npod/a exists\n\`\`\`\n`, 'step "one": solution: is missing'],
    ['a solution without a goal', `${HEAD}${STEP}\n\`\`\`solution\ntrue\n\`\`\`\n`, 'step "one": goal: is missing'],
    ['an unknown resource', goal('gadget/a exists'), 'step "one": goal 1: "gadget/a exists": "gadget" is no resource of Kubernetes'],
    ['an unknown operator', goal('pod/a .spec.nodeName equals b'), 'needs one of =='],
    ['a broken regular expression', goal('pod/a .spec.nodeName =~ ('), 'Invalid regular expression'],
    ['a number that is none', goal('pods count >= many'), '>= needs a number, not "many"'],
    ['a field that can not be read', goal('pod/a .spec[x == b'), 'can\'t read the field'],
    ['a cluster without its maker', goal('in east pod/a exists'), 'a cluster is written as its maker and its name, as in kind/east, not "east"'],
    ['a cluster of which nothing is said', goal('cluster kind/east'), 'after the cluster exists or absent must follow'],
    ['a cluster in a cluster', goal('in kind/east cluster kind/west absent'), '"cluster" is no'],
    ['a goal that says nothing', goal('pod/a'), 'says nothing about the object'],
    ['a code block without end', `${HEAD}${STEP}\n\`\`\`run\nls\n`, 'the code block "run" is not closed'],
    ['a file outside the home directory', `${HEAD}${STEP}\n\`\`\`yaml file=../a\n\`\`\`\n`, 'is no path below the home directory'],
  ] as const) test(`${what} is refused with file and field`, () => { expect(() => parse(source)).toThrow(message) })

  test('are found by what their steps stress, name and run', () => {
    const lesson = parse(`${HEAD}\n## One {#one}\n\nA **persistent volume** and \`kubectl get pvc\`, nothing else.\n\n\`\`\`run\nkubectl apply -f claim.yaml\n\`\`\`\n`)
    expect(wordsOf(lesson)).toEqual([{ id: 'one', title: 'One', words: 'persistent volume kubectl get pvc apply claim.yaml' }])
  })

  test('a translation must have the same goals', () => {
    const en = parseLesson('lessons/1-x.en.md', goal('pod/a exists'))
    const de = parseLesson('lessons/1-x.de.md', goal('pod/b exists'))
    expect(() => checkLessons([{ file: 'lessons/1-x.en.md', lesson: en }, { file: 'lessons/1-x.de.md', lesson: de }])).toThrow('lessons/1-x.de.md: step "one": goal: is not the same as in lessons/1-x.en.md')
    expect(() => checkLessons([{ file: 'lessons/1-x.en.md', lesson: en }])).toThrow('there is no de version of this lesson')
  })
})

test('all lessons of the project hold together', () => {
  const folder = path.resolve(import.meta.dirname, '../../lessons')
  const all: { file: string; lesson: Lesson }[] = fs.readdirSync(folder).filter((name) => name.endsWith('.md')).map((name) => ({ file: name, lesson: parseLesson(name, fs.readFileSync(path.join(folder, name), 'utf8')) }))
  checkLessons(all)
  expect(all.length).toBeGreaterThan(0)
  // What a goal compares with is given in a step's text in all languages or in none: who reads only one of them can't know it otherwise.
  const untold = all.flatMap(({ file, lesson }) => lesson.steps.flatMap((step, i) => step.goals.flatMap(({ condition }) => {
    const words = operandOf(condition)
    const others = all.filter((other) => other.lesson.id === lesson.id).map((other) => givenBy(other.lesson.steps[i]!))
    return words !== undefined && others.some((text) => text.includes(words)) && !givenBy(step).includes(words) ? [`${file}: step "${step.id}": ${words}`] : []
  })))
  expect(untold).toEqual([])
})

/** What a goal compares something with, if that is more than a number. */
function operandOf(condition: GoalCondition): string | undefined {
  if (condition.type === 'in') return operandOf(condition.condition)
  const comparison = 'comparison' in condition ? condition.comparison : undefined
  return typeof comparison === 'object' && !/^\d+$/.test(comparison.operand) ? comparison.operand : undefined
}

/** The names, values and commands that a step gives to learners, but for its goals and its solution. */
function givenBy({ blocks, hints }: Step): string {
  const given = (markdown: string) => (markdown.match(/`[^`]+`/g) ?? []).join('\n')
  return [...blocks.map((block) => block.type === 'prose' ? given(block.markdown) : block.type === 'run' ? block.commands : block.text), ...hints.map(given)].join('\n')
}
