import { expect, test } from 'vitest'
import { lessonFragment, parseLessonLink } from './lesson-link.ts'

test('a link leads to the step that it was made for', () => {
  for (const link of [{ lesson: 'pods' }, { lesson: 'site-with-database', step: 'first-try' }]) expect(parseLessonLink(lessonFragment(link))).toEqual(link)
  expect(lessonFragment(undefined)).toBe('')
})

test('other fragments are nobody\'s lesson', () => {
  for (const fragment of ['', '#', '#terminal', '#lesson/', '#lesson/Pods', '#lesson/pods/', '#lesson/pods/a/b', '#lesson/../x', '#lesson/pods/first?x']) expect(parseLessonLink(fragment), fragment).toBeUndefined()
})
