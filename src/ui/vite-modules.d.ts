/// <reference types="vite/client" />

declare module 'virtual:lessons' {
  import type { LessonSummary } from '../lessons/lesson.ts'
  const summaries: LessonSummary[]
  export default summaries
}
