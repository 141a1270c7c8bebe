import { expect, test } from 'vitest'
import type { LessonSummary, StepWords } from '../lessons/lesson.ts'
import { searchLessons } from './lesson-search.ts'

const lesson = (order: number, id: string, title: string, summary: string): LessonSummary => ({ id, order, language: 'de', title, summary, part: 'basics', minutes: 10, needs: [], steps: [] })
const lessons = [lesson(1, 'pods', 'Pods', 'Programme starten.'), lesson(9, 'storage', 'Speicher', 'Was bleibt, wenn Pods gehen.'), lesson(7, 'deployments', 'Deployments', 'Neue Versionen.')]
const words = new Map<string, StepWords[]>([
  ['pods', [{ id: 'first', title: 'Der erste Pod', words: 'kubectl run' }]],
  ['storage', [{ id: 'claim', title: 'Ein Volume beanspruchen', words: 'persistentvolumeclaim pvc kubectl apply' }, { id: 'back', title: 'Zurück', words: 'pvc' }]],
  ['deployments', [{ id: 'undo', title: 'Zurück zur alten Version', words: 'kubectl rollout undo' }]],
])
const ids = (query: string) => searchLessons(query, lessons, words).map((found) => [found.lesson.id, ...found.steps.map((step) => step.id)])

test('titles of lessons come before titles of steps, summaries and texts', () => {
  expect(ids('pod')).toEqual([['pods', 'first'], ['storage']])
  expect(ids('kubectl')).toEqual([['pods', 'first'], ['deployments', 'undo'], ['storage', 'claim']])
})

test('abbreviations of the text, numbers and words without accents are found', () => {
  expect(ids('PVC')).toEqual([['storage', 'claim', 'back']])
  expect(ids('9')).toEqual([['storage']])
  expect(ids('zuruck version')).toEqual([['deployments', 'undo']])
})

test('nothing is found by nothing, and not by words of different places', () => {
  expect(ids('  ')).toEqual([])
  expect(ids('pvc rollout')).toEqual([])
})
