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

type Values = Readonly<Record<string, string | number>>
const filled = (text: string, values: Values) => text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''))

/** The text in the page's language. */
export function t(key: MessageKey, values: Values = {}): string {
  return filled(CATALOGUES[current][key], values)
}

/** As {@link t}, for texts that are loaded with the part of the page that shows them. */
export function textsOf<Key extends string>(catalogues: Record<Language, Record<Key, string>>): (key: Key, values?: Values) => string {
  return (key, values = {}) => filled(catalogues[current][key], values)
}

const timeFormats: Partial<Record<Language, Intl.DateTimeFormat>> = {}

/** A time of day to the second, in the page's language and the browser's time zone: the one that the cluster's clock shows. */
export function timeOfDay(date: Date): string {
  const format = timeFormats[current] ??= new Intl.DateTimeFormat(current, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
  return format.format(date)
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
