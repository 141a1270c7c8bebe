import { LitElement, css, html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import type { LessonSummary, StepWords } from '../lessons/lesson.ts'
import { PARTS } from '../lessons/parts.ts'
import type { Part } from '../lessons/parts.ts'
import type { Progress } from '../host/protocol.ts'
import { icons } from './icons.ts'
import { lessonList, loadLessonWords } from './lesson-library.ts'
import type { LessonLink } from './lesson-link.ts'
import { searchLessons } from './lesson-search.ts'
import { Localized, language, t, textsOf } from './localization.ts'
import { lessonListTexts } from './messages/lesson-list.ts'
import { readSetting, saveSetting } from './settings.ts'
import { sharedStyles } from './shared-styles.ts'

const text = textsOf(lessonListTexts)

/** How far somebody has come with a lesson. */
interface Standing {
  lesson: LessonSummary
  finishedSteps: number
  isFinished: boolean
}

/** All lessons by topic, with what was done of them; finds them by words. Tells by `open-lesson` events which one is wanted. */
class LessonList extends LitElement {
  static override properties = { progress: { attribute: false }, problem: { attribute: false }, query: { state: true }, words: { state: true }, toggled: { state: true }, isWelcomed: { state: true } }
  declare progress: Progress
  /** Why a lesson could not be opened. */
  declare problem: string | undefined
  declare query: string
  /** By lesson, in {@link language}; undefined until somebody searches. */
  declare words: ReadonlyMap<string, readonly StepWords[]> | undefined
  /** Parts that were opened or closed by hand. */
  declare toggled: ReadonlyMap<Part, boolean>
  declare isWelcomed: boolean
  #wordsLanguage = language()

  constructor() {
    super()
    new Localized(this)
    this.query = ''
    this.toggled = new Map()
    this.isWelcomed = readSetting('welcomed') ?? false
  }

  focusPane(): void {
    this.renderRoot.querySelector<HTMLElement>('h2')?.focus()
  }

  #open(link: LessonLink): void {
    this.dispatchEvent(new CustomEvent('open-lesson', { detail: link }))
  }

  async #search(query: string): Promise<void> {
    this.query = query
    if (query.trim() === '' || (this.words && this.#wordsLanguage === language())) return
    const wanted = language()
    // Titles and summaries are searched meanwhile, and alone where the words can't be fetched.
    const words = await loadLessonWords(wanted).catch(() => undefined)
    if (!words || wanted !== language()) return
    this.#wordsLanguage = wanted
    this.words = words
  }

  #welcomed(): void {
    saveSetting('welcomed', true)
    this.isWelcomed = true
    this.focusPane()
  }

  /** Only what was done by hand is remembered; otherwise the part that is next is open. */
  #toggle(event: Event, part: Part): void {
    event.preventDefault()
    const { open } = (event.currentTarget as HTMLElement).closest('details')!
    this.toggled = new Map(this.toggled).set(part, !open)
  }

  #standings(): Standing[] {
    const { done } = this.progress
    return lessonList(language()).map((lesson) => {
      const finishedSteps = lesson.steps.filter((step) => done[lesson.id]?.includes(step)).length
      return { lesson, finishedSteps, isFinished: finishedSteps === lesson.steps.length }
    })
  }

  /** What was begun last and isn't finished, else the first that is not. Undefined when all are. */
  #next(standings: readonly Standing[]): Standing | undefined {
    const begun = Object.keys(this.progress.done).reverse().map((id) => standings.find(({ lesson }) => lesson.id === id)).find((each) => each && each.finishedSteps > 0 && !each.isFinished)
    return begun ?? standings.find(({ isFinished }) => !isFinished)
  }

  override willUpdate(): void {
    if (this.words && this.#wordsLanguage !== language()) void this.#search(this.query)
  }

  override render(): TemplateResult {
    const standings = this.#standings()
    const isNew = standings.every(({ finishedSteps }) => finishedSteps === 0)
    const next = this.#next(standings)
    return html`<div class="scroll">
      <h2 tabindex="-1">${t('lesson.list')}</h2>
      ${isNew && !this.isWelcomed ? this.#renderWelcome(standings[0]!.lesson) : nothing}
      ${!isNew ? this.#renderOverall(standings, next) : this.isWelcomed ? html`<p class="quiet">${t('lesson.listText')}</p>` : nothing}
      ${this.problem ? html`<p role="alert" class="problem">${t('lesson.failed', { message: this.problem })}</p>` : nothing}
      <div class="search" role="search">${icons.search}<input type="search" aria-label=${text('search')} placeholder=${text('searchHint')} autocomplete="off" spellcheck="false" .value=${this.query}
        @input=${(event: Event) => void this.#search((event.target as HTMLInputElement).value)}
        @keydown=${(event: KeyboardEvent) => { if (event.key === 'Escape' && this.query !== '') { event.preventDefault(); this.query = '' } }} /></div>
      ${this.query.trim() === '' ? this.#renderParts(standings, next, isNew) : this.#renderFound(standings)}
      <h3 class="free">${t('lesson.free')}</h3>
      <p class="quiet">${text('freeText')}</p>
    </div>`
  }

  #renderWelcome(first: LessonSummary): TemplateResult {
    return html`<aside class="welcome" aria-labelledby="welcome">
      <button class="icon-button" aria-label=${text('welcomeHide')} title=${text('welcomeHide')} @click=${() => this.#welcomed()}>${icons.close}</button>
      <h3 id="welcome">${text('welcomeTitle')}</h3>
      <p><span class="wide">${text('welcome1')}</span><span class="narrow">${text('welcomePhone')}</span></p>
      <p>${text('welcome2')}</p>
      <button class="button primary" @click=${() => this.#open({ lesson: first.id })}>${text('welcomeBegin')}</button>
    </aside>`
  }

  #renderOverall(standings: readonly Standing[], next: Standing | undefined): TemplateResult {
    const done = standings.filter(({ isFinished }) => isFinished).length
    const left = standings.reduce((sum, { lesson, finishedSteps }) => sum + lesson.minutes * (1 - finishedSteps / lesson.steps.length), 0)
    const words = text('overall', { done, total: standings.length })
    return html`<div class="overall">
      <progress max=${standings.length} value=${done} aria-label=${words}></progress>
      <p class="quiet">${words}${left > 0 ? html` · ${text('left', { time: duration(left) })}` : nothing}</p>
      ${next ? html`<button class="button primary" @click=${() => this.#open({ lesson: next.lesson.id })}>${text('goOn', { lesson: next.lesson.title })}${icons.right}</button>` : nothing}
    </div>`
  }

  #renderParts(standings: readonly Standing[], next: Standing | undefined, isNew: boolean): TemplateResult[] {
    return PARTS.map((part) => {
      const mine = standings.filter(({ lesson }) => lesson.part === part)
      const finished = mine.filter(({ isFinished }) => isFinished).length
      const isOpen = this.toggled.get(part) ?? next?.lesson.part === part
      const time = duration(mine.reduce((sum, { lesson }) => sum + lesson.minutes, 0))
      return html`<details ?open=${isOpen}>
        <summary @click=${(event: Event) => this.#toggle(event, part)}><h3>${text(`part.${part}`)}</h3><small>${finished === 0 ? text('partAll', { total: mine.length }) : text('partDone', { done: finished, total: mine.length })} · ${time}</small>${finished === mine.length ? html`<span class="check">${icons.check}</span>` : nothing}</summary>
        <ol>${mine.map((standing) => this.#renderLesson(standing, isNew && this.isWelcomed && standing === next))}</ol>
      </details>`
    })
  }

  #renderFound(standings: readonly Standing[]): TemplateResult {
    const found = searchLessons(this.query, standings.map(({ lesson }) => lesson), this.words ?? new Map())
    const count = found.length === 0 ? text('foundNone', { query: this.query.trim() }) : found.length === 1 ? text('foundOne') : text('found', { count: found.length })
    return html`<p class="quiet count" role="status">${count}</p>
      <ol>${found.map(({ lesson, steps }) => this.#renderLesson(standings.find((each) => each.lesson === lesson)!, false, steps))}</ol>`
  }

  #renderLesson({ lesson, finishedSteps, isFinished }: Standing, isNext: boolean, steps?: readonly { id: string; title: string }[]): TemplateResult {
    const words = t(isFinished ? 'lesson.again' : finishedSteps > 0 ? 'lesson.continue' : 'lesson.open')
    const needs = lesson.needs.map((id) => lessonList(language()).find((each) => each.id === id)!.title).join(', ')
    return html`<li class=${isFinished ? 'finished' : ''}>
      <span class="number" aria-hidden="true">${isFinished ? icons.check : lesson.order}</span>
      <div>
        ${steps === undefined ? html`<h4>${lesson.title}</h4>` : html`<h3>${lesson.title}</h3>`}
        <p>${lesson.summary}</p>
        ${finishedSteps === 0 && needs ? html`<p class="needs">${t('lesson.needs', { lessons: needs })}</p>` : nothing}
        ${steps?.length ? html`<ul>${steps.map((step) => html`<li><button class="step" @click=${() => this.#open({ lesson: lesson.id, step: step.id })}>${step.title}</button></li>`)}</ul>` : nothing}
        <div class="foot">
          <button class="button ${isNext ? 'primary' : ''}" aria-label=${`${words}: ${lesson.title}`} @click=${() => this.#open({ lesson: lesson.id })}>${words}</button>
          <small class="quiet">${finishedSteps > 0 && !isFinished ? t('lesson.stepsDone', { done: finishedSteps, total: lesson.steps.length }) : t('lesson.minutes', { minutes: lesson.minutes })}</small>
        </div>
      </div>
    </li>`
  }

  static override styles = [sharedStyles, css`
    :host { display: flex; flex-direction: column; min-height: 0; }
    .scroll { flex: 1; min-height: 0; overflow-y: auto; padding: 22px 22px 28px; overscroll-behavior: contain; }
    h2 { margin: 0 0 12px; font-size: 23px; font-weight: 680; line-height: 1.22; letter-spacing: -0.017em; outline: none; }
    h3, h4, p, ol, ul { margin: 0; padding: 0; }
    ol, ul { list-style: none; }
    .welcome .icon-button { float: inline-end; margin: -7px -9px 0 4px; color: var(--ink-soft); }
    .welcome .button { margin-top: 4px; }
    .welcome { margin-bottom: 18px; padding: 14px 16px 16px; border: 1px solid var(--line); border-inline-start: 4px solid var(--lead); border-radius: var(--radius); background: var(--raised); }
    .welcome h3 { margin-bottom: 6px; font-size: 16px; font-weight: 650; }
    .welcome p { margin-bottom: 8px; font-size: var(--small); }
    .narrow { display: none; }
    .overall p { margin: 6px 0 12px; font-size: var(--small); }
    progress { display: block; width: 100%; height: 6px; appearance: none; border: 0; border-radius: 3px; background: var(--sunken); overflow: hidden; }
    progress::-webkit-progress-bar { background: var(--sunken); }
    progress::-webkit-progress-value { background: var(--good); }
    progress::-moz-progress-bar { background: var(--good); }
    .problem { margin-top: 12px; color: var(--bad); }
    .search { position: relative; margin: 18px 0 14px; }
    .search svg { position: absolute; left: 10px; top: 50%; width: 15px; height: 15px; margin-top: -7.5px; color: var(--ink-soft); pointer-events: none; }
    .search input { width: 100%; height: 36px; padding: 0 10px 0 33px; border: 1px solid var(--line-strong); border-radius: var(--radius); background: var(--raised); font-size: var(--small); }
    .search input::placeholder { color: var(--ink-soft); opacity: 1; }
    .count { margin-bottom: 6px; font-size: var(--small); }
    details { border-top: 1px solid var(--line); }
    details + .free { border-top: 1px solid var(--line); }
    summary { position: relative; display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 10px; min-height: 48px; padding: 12px 26px 12px 0; cursor: pointer; list-style: none; }
    summary::-webkit-details-marker { display: none; }
    summary::after { content: ''; position: absolute; right: 6px; top: 20px; width: 7px; height: 7px; border: solid var(--ink-soft); border-width: 0 1.5px 1.5px 0; transform: rotate(45deg) translate(-2px, -2px); }
    details[open] > summary::after { transform: rotate(-135deg) translate(-2px, -2px); }
    summary h3 { flex: 1 1 auto; font-size: 16px; font-weight: 650; letter-spacing: -0.008em; }
    summary:hover h3 { color: var(--accent); }
    summary small { flex: none; color: var(--ink-soft); font-size: var(--tiny); font-variant-numeric: tabular-nums; }
    .check { position: absolute; right: 22px; top: 14px; color: var(--good); }
    .check svg { width: 16px; height: 16px; }
    summary:has(.check) small { padding-inline-end: 20px; }
    ol { padding-bottom: 6px; }
    ol > li { display: flex; gap: 12px; padding: 12px 0 14px; border-top: 1px solid var(--line); }
    details ol > li:first-child { border-top: 0; padding-top: 2px; }
    ol > li > div { flex: 1; min-width: 0; }
    .number { flex: none; width: 28px; font: 700 20px/1.2 var(--sans); color: var(--lead); font-variant-numeric: tabular-nums; letter-spacing: -0.02em; }
    .finished .number { color: var(--good); }
    .finished .number svg { width: 22px; height: 22px; }
    h4, li h3 { margin-bottom: 2px; font-size: var(--text); font-weight: 650; letter-spacing: -0.006em; }
    ol > li p { margin-bottom: 9px; color: var(--ink-soft); font-size: var(--small); line-height: 1.45; }
    ol > li .needs { margin-top: -5px; font-size: var(--tiny); }
    ul { margin: 0 0 9px; }
    .step { padding: 3px 0; border: 0; background: none; color: var(--accent); font-size: var(--small); text-align: start; text-decoration: underline; text-underline-offset: 3px; text-decoration-thickness: 1px; }
    .foot { display: flex; align-items: center; gap: 12px; }
    .free { padding-top: 20px; font-size: 16px; font-weight: 650; letter-spacing: -0.008em; }
    .free + p { margin-top: 3px; font-size: var(--small); }
    @media (max-width: 759px) { .wide { display: none; } .narrow { display: inline; } }
    @media (pointer: coarse) { .search input { height: 42px; } .step { min-height: 36px; } }
    @media (max-height: 480px) { .scroll { padding-top: 12px; } }
    @media print {
      :host, .scroll { display: block; overflow: visible; }
      .search, .foot .button, .welcome, summary::after, .overall .button { display: none; }
      details::details-content { content-visibility: visible; display: block; height: auto; }
    }
    @media (forced-colors: active) { progress { border: 1px solid; } summary::after { border-color: CanvasText; } .step { color: LinkText; } }
  `]
}
customElements.define('dd-lesson-list', LessonList)

/** Minutes as people say them: whole ones below an hour, else half hours. */
export function duration(minutes: number): string {
  if (minutes < 55) return t('lesson.minutes', { minutes: Math.max(5, Math.round(minutes / 5) * 5) })
  return text('hours', { hours: (Math.round(minutes / 30) / 2).toLocaleString(language()) })
}

declare global {
  interface HTMLElementTagNameMap { 'dd-lesson-list': LessonList }
}
