import type { Language } from '../lessons/lesson.ts'
import { glossary } from './messages/glossary.ts'
import type { GlossaryEntry } from './messages/glossary.ts'

/** The entries that a query finds, all of them for an empty one: those that are called so come before those that only mention it. */
export function findTerms(query: string, language: Language): readonly GlossaryEntry[] {
  const wanted = plain(query.trim())
  if (wanted === '') return glossary
  const isCalled = ({ term, formerly = [], also = [] }: GlossaryEntry) => [term, ...formerly, ...also].some((name) => plain(name).includes(wanted))
  return [...glossary.filter(isCalled), ...glossary.filter((entry) => !isCalled(entry) && plain(entry[language]).includes(wanted))]
}

/** As it is compared: what is the API server here is the API-Server in German. */
function plain(text: string): string {
  return text.toLowerCase().replaceAll('-', ' ')
}
