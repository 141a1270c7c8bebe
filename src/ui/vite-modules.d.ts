/// <reference types="vite/client" />

declare module 'virtual:lessons' {
  import type { LessonSummary } from '../lessons/lesson.ts'
  const summaries: LessonSummary[]
  export default summaries
}

declare module 'virtual:lesson-words' {
  import type { Language, StepWords } from '../lessons/lesson.ts'
  const words: { id: string; language: Language; steps: StepWords[] }[]
  export default words
}
