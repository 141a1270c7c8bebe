/** A lesson, and perhaps one of its steps, as an address within the page names it. */
export interface LessonLink {
  lesson: string
  step?: string
}

/** Reads `#lesson/pods/first` or `#lesson/pods`; undefined for any other fragment. Whether there is such a lesson isn't looked at. */
export function parseLessonLink(fragment: string): LessonLink | undefined {
  const parts = /^#lesson\/([a-z][a-z0-9-]*)(?:\/([a-z][a-z0-9-]*))?$/.exec(fragment)
  return parts ? { lesson: parts[1]!, ...(parts[2] ? { step: parts[2] } : {}) } : undefined
}

/** The fragment that {@link parseLessonLink} reads; empty for no lesson. */
export function lessonFragment(link: LessonLink | undefined): string {
  return link ? `#lesson/${link.lesson}${link.step ? `/${link.step}` : ''}` : ''
}
