import type { LessonSummary, StepWords } from '../lessons/lesson.ts'

/** A lesson that a search found, with those of its steps that have the words. */
export interface FoundLesson {
  lesson: LessonSummary
  steps: { id: string; title: string }[]
}

/** So many steps are named per lesson: more would be the lesson again. */
const MAX_STEPS = 3

/** What was found, the better the earlier: words of a lesson's title, of a step's title, of its summary, of a step's text. All words of the query must be there. */
export function searchLessons(query: string, lessons: readonly LessonSummary[], words: ReadonlyMap<string, readonly StepWords[]>): FoundLesson[] {
  const wanted = plain(query).split(/\s+/).filter((word) => word !== '')
  if (wanted.length === 0) return []
  const has = (text: string) => {
    const folded = plain(text)
    return wanted.every((word) => folded.includes(word))
  }
  const found: (FoundLesson & { rank: number })[] = []
  for (const lesson of lessons) {
    const all = words.get(lesson.id) ?? []
    const titled = all.filter((step) => has(step.title))
    const steps = [...titled, ...all.filter((step) => !titled.includes(step) && has(`${step.title} ${step.words}`))]
    const rank = has(lesson.title) || has(`${lesson.order}`) ? 0 : titled.length > 0 ? 1 : has(`${lesson.title} ${lesson.summary}`) ? 2 : steps.length > 0 ? 3 : undefined
    if (rank !== undefined) found.push({ lesson, steps: steps.slice(0, MAX_STEPS).map(({ id, title }) => ({ id, title })), rank })
  }
  return found.sort((a, b) => a.rank - b.rank || a.lesson.order - b.lesson.order).map(({ lesson, steps }) => ({ lesson, steps }))
}

/** Small letters without accents: `Überblick` is found as `uberblick`. */
function plain(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}
