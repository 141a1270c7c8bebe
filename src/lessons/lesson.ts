import { parse as parseYaml } from 'yaml'
import { GoalError, parseGoalCondition } from './goal.ts'
import type { Goal } from './goal.ts'
import { PARTS } from './parts.ts'
import type { Part } from './parts.ts'

const LANGUAGES = ['en', 'de'] as const
export type Language = (typeof LANGUAGES)[number]

/** A piece of a step's text. Prose and hints are Markdown. */
export type Block =
  | { type: 'prose'; markdown: string }
  /** Commands that a click types into the terminal. */
  | { type: 'run'; commands: string }
  /** A file that a click puts into the home directory. */
  | { type: 'file'; name: string; language: string; text: string }
  /** Source or output to look at. */
  | { type: 'code'; language: string; text: string }

export interface Step {
  /** Stays the same in all languages and when the title changes: progress is kept by it. */
  id: string
  title: string
  blocks: Block[]
  goals: Goal[]
  hints: string[]
  /** Shell commands that reach the goals. */
  solution?: string
}

export interface Lesson {
  /** File name without order and language: `pods`. */
  id: string
  /** Place in the list, from the file name. */
  order: number
  language: Language
  title: string
  summary: string
  part: Part
  minutes: number
  /** Lessons that should come before. */
  needs: string[]
  /** Manifest that is applied when the lesson is begun. */
  start?: string
  steps: Step[]
}

/** What the list of lessons shows. */
export type LessonSummary = Pick<Lesson, 'id' | 'order' | 'language' | 'title' | 'summary' | 'part' | 'minutes' | 'needs'> & { steps: string[] }

/** What a search finds a step by. */
export interface StepWords {
  id: string
  title: string
  /** Words that the text stresses, commands and names from it; small letters, each once. */
  words: string
}

/** A lesson file that breaks the rules of docs/LESSONS.md. */
class LessonError extends Error {
  readonly file: string
  /** Which part: `front matter: minutes`, `step "first": goal 2`. */
  readonly field: string
  constructor(file: string, field: string, problem: string) {
    super(`${file}: ${field}: ${problem}`)
    this.file = file
    this.field = field
  }
}

/** Front matter: what may stand there and how it must look. */
const FRONT_MATTER: Record<string, { required: boolean; problem(value: unknown): string | undefined }> = {
  title: { required: true, problem: text(80) },
  summary: { required: true, problem: text(240) },
  part: { required: true, problem: (value) => (PARTS as readonly unknown[]).includes(value) ? undefined : `must be one of ${PARTS.join(', ')}` },
  minutes: { required: true, problem: (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 240 ? undefined : 'must be a whole number of minutes from 1 to 240' },
  needs: { required: false, problem: (value) => Array.isArray(value) && value.every((each) => typeof each === 'string' && /^[a-z][a-z0-9-]*$/.test(each)) ? undefined : 'must be a list of lesson ids' },
  start: { required: false, problem: text(20_000) },
}

function text(maxLength: number): (value: unknown) => string | undefined {
  return (value) => typeof value !== 'string' || value.trim() === '' ? 'must be a text' : value.length > maxLength ? `is longer than ${maxLength} characters` : undefined
}

const FILE_NAME = /^(?:.*\/)?(\d+)-([a-z][a-z0-9-]*)\.([a-z]{2})\.md$/

/** Reads a lesson. @throws LessonError with file and field. */
export function parseLesson(file: string, source: string): Lesson {
  const named = FILE_NAME.exec(file)
  if (!named) throw new LessonError(file, 'file name', 'must look like 1-pods.en.md: order, id, language')
  const language = named[3] as Language
  if (!LANGUAGES.includes(language)) throw new LessonError(file, 'file name', `language "${language}" is none of ${LANGUAGES.join(', ')}`)
  const parts = /^---\r?\n([\s\S]*?)\r?\n---\r?\n([\s\S]*)$/.exec(source)
  if (!parts) throw new LessonError(file, 'front matter', 'must stand at the top between two lines of ---')
  const matter = parseFrontMatter(file, parts[1]!)
  const steps = splitSteps(file, parts[2]!.replaceAll('\r\n', '\n'))
  if (steps.length === 0) throw new LessonError(file, 'steps', 'there are none (each begins with "## Title {#id}")')
  const seen = new Set<string>()
  for (const step of steps) {
    if (seen.has(step.id)) throw new LessonError(file, `step "${step.id}"`, 'the id is used twice')
    seen.add(step.id)
  }
  return {
    id: named[2]!, order: Number(named[1]), language,
    title: matter['title'] as string, summary: matter['summary'] as string, part: matter['part'] as Part, minutes: matter['minutes'] as number,
    needs: (matter['needs'] as string[] | undefined) ?? [],
    ...(matter['start'] !== undefined ? { start: matter['start'] as string } : {}),
    steps,
  }
}

export function summaryOf(lesson: Lesson): LessonSummary {
  const { id, order, language, title, summary, part, minutes, needs, steps } = lesson
  return { id, order, language, title, summary, part, minutes, needs, steps: steps.map((step) => step.id) }
}

/** The words by which a lesson's steps are found: what their text sets in bold or as code, and what stands in commands and files. */
export function wordsOf(lesson: Lesson): StepWords[] {
  return lesson.steps.map(({ id, title, blocks }) => {
    const texts = blocks.flatMap((block) => block.type === 'prose' ? [...block.markdown.matchAll(/\*\*([^*]+)\*\*|`([^`]+)`/g)].map((match) => match[1] ?? match[2]!) : [block.type === 'run' ? block.commands : block.text])
    const words = new Set(texts.join(' ').toLowerCase().split(/[^\p{L}\p{N}./_-]+/u).map((word) => word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '')).filter((word) => word.length > 2 && /\p{L}/u.test(word)))
    return { id, title, words: [...words].join(' ') }
  })
}

/**
 * Holds all lessons together: every language has every lesson with the same steps, goals and solutions, and what a lesson needs exists.
 * @throws LessonError
 */
export function checkLessons(lessons: readonly { file: string; lesson: Lesson }[]): void {
  const ids = new Set(lessons.map(({ lesson }) => lesson.id))
  for (const { file, lesson } of lessons) {
    for (const need of lesson.needs) if (!ids.has(need)) throw new LessonError(file, 'front matter: needs', `there is no lesson "${need}"`)
    const reference = lessons.find((other) => other.lesson.id === lesson.id)!
    if (reference.lesson === lesson) {
      for (const language of LANGUAGES) if (!lessons.some((other) => other.lesson.id === lesson.id && other.lesson.language === language)) throw new LessonError(file, 'language', `there is no ${language} version of this lesson`)
      continue
    }
    const field = (name: string, mine: unknown, theirs: unknown) => {
      if (JSON.stringify(mine) !== JSON.stringify(theirs)) throw new LessonError(file, name, `is not the same as in ${reference.file}`)
    }
    field('file name: order', lesson.order, reference.lesson.order)
    field('front matter: part', lesson.part, reference.lesson.part)
    field('front matter: minutes', lesson.minutes, reference.lesson.minutes)
    field('front matter: needs', lesson.needs, reference.lesson.needs)
    field('front matter: start', lesson.start, reference.lesson.start)
    field('steps', lesson.steps.map((step) => step.id), reference.lesson.steps.map((step) => step.id))
    lesson.steps.forEach((step, i) => {
      const other = reference.lesson.steps[i]!
      field(`step "${step.id}": goal`, step.goals.map((goal) => goal.source), other.goals.map((goal) => goal.source))
      field(`step "${step.id}": solution`, step.solution, other.solution)
      field(`step "${step.id}": run`, step.blocks.filter((block) => block.type === 'run'), other.blocks.filter((block) => block.type === 'run'))
      field(`step "${step.id}": hint`, step.hints.length, other.hints.length)
    })
  }
}

function parseFrontMatter(file: string, source: string): Record<string, unknown> {
  let matter: unknown
  try {
    matter = parseYaml(source)
  } catch (error) {
    throw new LessonError(file, 'front matter', (error as Error).message.split('\n')[0]!)
  }
  if (matter === null || typeof matter !== 'object' || Array.isArray(matter)) throw new LessonError(file, 'front matter', 'must be a map')
  const fields = matter as Record<string, unknown>
  for (const name of Object.keys(fields)) if (!Object.hasOwn(FRONT_MATTER, name)) throw new LessonError(file, `front matter: ${name}`, `is unknown; there are ${Object.keys(FRONT_MATTER).join(', ')}`)
  for (const [name, rule] of Object.entries(FRONT_MATTER)) {
    if (fields[name] === undefined) {
      if (rule.required) throw new LessonError(file, `front matter: ${name}`, 'is missing')
      continue
    }
    const problem = rule.problem(fields[name])
    if (problem) throw new LessonError(file, `front matter: ${name}`, problem)
  }
  return fields
}

interface Fence {
  info: string
  text: string
}

function splitSteps(file: string, body: string): Step[] {
  const steps: Step[] = []
  let current: { id: string; title: string; parts: (string | Fence)[] } | undefined
  let prose: string[] = []
  let fence: { marker: string; info: string; lines: string[] } | undefined
  const endProse = () => {
    const markdown = prose.join('\n').trim()
    prose = []
    if (!markdown) return
    if (!current) throw new LessonError(file, 'steps', `text before the first step: "${markdown.slice(0, 40)}"`)
    current.parts.push(markdown)
  }
  for (const line of body.split('\n')) {
    if (fence) {
      if (line.trim() === fence.marker) {
        current!.parts.push({ info: fence.info, text: fence.lines.join('\n') })
        fence = undefined
      } else fence.lines.push(line)
      continue
    }
    const opening = /^(`{3,}|~{3,})\s*(.*)$/.exec(line)
    if (opening) {
      endProse()
      if (!current) throw new LessonError(file, 'steps', 'a code block stands before the first step')
      fence = { marker: opening[1]!, info: opening[2]!.trim(), lines: [] }
      continue
    }
    const heading = /^##\s+(.*?)\s*$/.exec(line)
    if (heading) {
      endProse()
      if (current) steps.push(buildStep(file, current))
      const titled = /^(.+?)\s*\{#([a-z][a-z0-9-]*)\}$/.exec(heading[1]!)
      if (!titled) throw new LessonError(file, `step "${heading[1]}"`, 'the heading must end with an id, as in "## Start a pod {#start}"')
      current = { title: titled[1]!, id: titled[2]!, parts: [] }
      continue
    }
    prose.push(line)
  }
  if (fence) throw new LessonError(file, `step "${current?.id}"`, `the code block "${fence.info}" is not closed`)
  endProse()
  if (current) steps.push(buildStep(file, current))
  return steps
}

function buildStep(file: string, { id, title, parts }: { id: string; title: string; parts: (string | Fence)[] }): Step {
  const step: Step = { id, title, blocks: [], goals: [], hints: [] }
  const fail = (field: string, problem: string) => { throw new LessonError(file, `step "${id}": ${field}`, problem) }
  for (const part of parts) {
    if (typeof part === 'string') { step.blocks.push({ type: 'prose', markdown: part }); continue }
    const [language = '', ...attributes] = part.info.split(/\s+/)
    if (['run', 'solution', 'hint', 'goal'].includes(language) && part.text.trim() === '') fail(language, 'is empty')
    switch (language) {
      case 'run': step.blocks.push({ type: 'run', commands: part.text.trim() }); break
      case 'hint': step.hints.push(part.text.trim()); break
      case 'solution':
        if (step.solution !== undefined) fail('solution', 'there is more than one')
        step.solution = part.text.trim()
        break
      case 'goal': readGoals(part.text, step.goals, fail); break
      default: {
        const name = attributes.find((attribute) => attribute.startsWith('file='))?.slice(5)
        if (name !== undefined) {
          if (!/^[\w.-]+(?:\/[\w.-]+)*$/.test(name) || name.split('/').includes('..')) fail('file', `"${name}" is no path below the home directory`)
          step.blocks.push({ type: 'file', name, language, text: `${part.text}\n` })
        } else step.blocks.push({ type: 'code', language, text: part.text })
      }
    }
  }
  if (step.goals.length > 0 && step.solution === undefined) fail('solution', 'is missing; a step with a goal must show how to reach it')
  if (step.goals.length === 0 && step.solution !== undefined) fail('goal', 'is missing; a solution without a goal proves nothing')
  if (step.blocks.length === 0) fail('text', 'is missing')
  return step
}

/** A line beginning with # says in words what the next line says in fields. */
function readGoals(source: string, goals: Goal[], fail: (field: string, problem: string) => void): void {
  let words = ''
  for (const line of source.split('\n')) {
    const trimmed = line.trim()
    if (!trimmed) continue
    if (trimmed.startsWith('#')) { words = trimmed.replace(/^#+\s*/, ''); continue }
    const field = `goal ${goals.length + 1}`
    if (!words) fail(field, `"${trimmed}" needs a line before it that says it in words, as in "# The pod runs"`)
    try {
      goals.push({ text: words, source: trimmed, condition: parseGoalCondition(trimmed) })
    } catch (error) {
      if (!(error instanceof GoalError)) throw error
      fail(field, `"${trimmed}": ${error.message}`)
    }
    words = ''
  }
  if (words) fail(`goal ${goals.length + 1}`, `nothing follows "# ${words}"`)
}
