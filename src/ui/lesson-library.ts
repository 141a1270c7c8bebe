import summaries from 'virtual:lessons'
import type { Language, Lesson, LessonSummary, StepWords } from '../lessons/lesson.ts'

const files = import.meta.glob<{ default: Lesson }>('../../lessons/*.md')

/** All lessons in a language, in order. */
export function lessonList(language: Language): LessonSummary[] {
  return summaries.filter((lesson) => lesson.language === language)
}

/** Loads a lesson's text. @throws Error when it doesn't exist or can't be fetched. */
export async function loadLesson(id: string, language: Language): Promise<Lesson> {
  const summary = summaries.find((lesson) => lesson.id === id && lesson.language === language)
  const load = summary && files[`../../lessons/${summary.order}-${id}.${language}.md`]
  if (!load) throw new Error(`no lesson "${id}" in ${language}`)
  return (await load()).default
}

/** What lessons are found by, by lesson; fetched when somebody searches. */
export async function loadLessonWords(language: Language): Promise<ReadonlyMap<string, readonly StepWords[]>> {
  const { default: all } = await import('virtual:lesson-words')
  return new Map(all.filter((lesson) => lesson.language === language).map((lesson) => [lesson.id, lesson.steps]))
}
