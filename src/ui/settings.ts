import type { Language } from '../lessons/lesson.ts'

export type Theme = 'auto' | 'light' | 'dark'

/** Choices of this browser that aren't part of the cluster. Kept in localStorage; `theme.js` reads the theme before the first paint. */
export interface Settings {
  language: Language
  theme: Theme
  screenReader: boolean
  /** Whether the shell proposes how a line may go on. */
  hints: boolean
  /** Widths and heights of panes by name, in pixels. */
  panes: Record<string, number>
  scope: 'mine' | 'all'
  /** Id of the cluster that is shown. */
  cluster: string
}

const PREFIX = 'drydock.'
const VALID: { [Name in keyof Settings]: (value: unknown) => boolean } = {
  language: (value) => value === 'en' || value === 'de',
  theme: (value) => value === 'auto' || value === 'light' || value === 'dark',
  screenReader: (value) => typeof value === 'boolean',
  hints: (value) => typeof value === 'boolean',
  panes: (value) => value !== null && typeof value === 'object' && Object.values(value).every((each) => typeof each === 'number' && Number.isFinite(each)),
  scope: (value) => value === 'mine' || value === 'all',
  cluster: (value) => typeof value === 'string',
}

/** Undefined when never chosen, unreadable or nonsense. */
export function readSetting<Name extends keyof Settings>(name: Name): Settings[Name] | undefined {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(PREFIX + name) ?? 'null')
    return value !== null && VALID[name](value) ? value as Settings[Name] : undefined
  } catch {
    return undefined
  }
}

export function saveSetting<Name extends keyof Settings>(name: Name, value: Settings[Name]): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value))
  } catch {
    // Storage may be full or forbidden; the choice then holds until the page closes.
  }
}

export function applyTheme(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
}
