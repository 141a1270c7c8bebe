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
  /** Whether the newcomer's hint was put away. */
  welcomed: boolean
  /** Panes at the side that were put away, where there is room for all. */
  hidden: ('lesson' | 'cluster')[]
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
  welcomed: (value) => typeof value === 'boolean',
  hidden: (value) => Array.isArray(value) && value.every((each) => each === 'lesson' || each === 'cluster'),
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

/** Colours of the header, with which the window around the page is painted. */
const WINDOW_COLORS: Record<'light' | 'dark', string> = { light: '#faf9f5', dark: '#121d24' }

export function applyTheme(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
  for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name=theme-color]')) meta.content = WINDOW_COLORS[theme !== 'auto' ? theme : meta.media.includes('dark') ? 'dark' : 'light']
}

let isAsked = false

/** Asks the browser not to clear away what the cluster is kept in when room gets scarce. Done once there is something to lose, as some browsers ask the learner. */
export function keepStorage(): void {
  if (isAsked) return
  isAsked = true
  void navigator.storage?.persisted?.().then((isKept) => { if (!isKept) void navigator.storage.persist() }).catch(() => {})
}
