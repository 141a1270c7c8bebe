import type { ReactiveController, ReactiveControllerHost } from 'lit'
import type { Language } from '../lessons/lesson.ts'
import { de } from './messages/de.ts'
import { en } from './messages/en.ts'
import type { MessageKey, Messages } from './messages/en.ts'
import { readSetting, saveSetting } from './settings.ts'

const CATALOGUES: Record<Language, Messages> = { en, de }
const listeners = new Set<() => void>()
let current: Language = readSetting('language') ?? (navigator.language.toLowerCase().startsWith('de') ? 'de' : 'en')
document.documentElement.lang = current

export function language(): Language {
  return current
}

export function setLanguage(language: Language): void {
  if (language === current) return
  current = language
  document.documentElement.lang = language
  document.title = t('app.title')
  saveSetting('language', language)
  for (const listener of listeners) listener()
}

/** The text in the page's language. */
export function t(key: MessageKey, values: Readonly<Record<string, string | number>> = {}): string {
  return CATALOGUES[current][key].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''))
}

/** Renders its component again when the language changes. */
export class Localized implements ReactiveController {
  readonly #host: ReactiveControllerHost
  constructor(host: ReactiveControllerHost) {
    this.#host = host
    host.addController(this)
  }

  readonly #update = () => this.#host.requestUpdate()
  hostConnected(): void { listeners.add(this.#update) }
  hostDisconnected(): void { listeners.delete(this.#update) }
}
