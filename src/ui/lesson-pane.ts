import { LitElement, css, html, nothing } from 'lit'
import type { PropertyValues, TemplateResult } from 'lit'
import type { GoalState, Progress } from '../host/protocol.ts'
import type { Block, Lesson, Step } from '../lessons/lesson.ts'
import type { ClusterClient } from './cluster-client.ts'
import { healthMark, icons } from './icons.ts'
import { loadLesson } from './lesson-library.ts'
import { lessonFragment, parseLessonLink } from './lesson-link.ts'
import type { LessonLink } from './lesson-link.ts'
import './confirm-dialog.ts'
import './lesson-list.ts'
import { Localized, language, t } from './localization.ts'
import { markdown } from './markdown.ts'
import { sharedStyles } from './shared-styles.ts'

/** What changes the page's address: `push` what the learner goes to, so that the browser's way back leads here again; `replace` what the page itself shows. */
type Visit = 'push' | 'replace' | 'none'

/** The list of lessons, or the lesson that is open, one step at a time with its goals. The page's address names the step. */
class LessonPane extends LitElement {
  static override properties = { lesson: { state: true }, stepId: { state: true }, states: { state: true }, problem: { state: true }, said: { state: true }, copied: { state: true }, savedFile: { state: true }, isPrinting: { state: true }, isOpening: { state: true }, fileProblem: { state: true } }
  declare lesson: Lesson | undefined
  declare stepId: string
  declare states: GoalState[]
  declare problem: string | undefined
  /** For screen readers. */
  declare said: string
  declare copied: string | undefined
  declare savedFile: string | undefined
  declare fileProblem: { file: string; message: string } | undefined
  /** A lesson's text is being fetched. */
  declare isOpening: boolean
  /** All steps at once, for paper. */
  declare isPrinting: boolean
  declare client: ClusterClient
  /** Whether the worker has told what was done before; what is saved earlier would take its place. */
  #isKnown = false
  /** What the learner wanted before that, or what the page's address asks for. */
  #wanted: LessonLink | undefined = parseLessonLink(location.hash)
  readonly #stops: (() => void)[] = []
  #shownLanguage = language()
  #opening = 0

  constructor() {
    super()
    new Localized(this)
    this.states = []
    this.said = ''
    this.stepId = ''
    this.isPrinting = this.isOpening = false
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#stops.push(
      this.client.on('progress', (progress) => this.#onProgress(progress)),
      this.client.on('goals', ({ lesson, step, states }) => { if (lesson === this.lesson?.id && step === this.stepId) this.#onGoals(states) }),
      this.client.on('restarted', ({ isFresh }) => {
        this.states = []
        if (isFresh) this.#isKnown = false
      }),
    )
    addEventListener('popstate', this.#onHistory)
    addEventListener('beforeprint', this.#onPrint)
    addEventListener('afterprint', this.#onPrint)
    if (this.client.isProgressKnown) this.#onProgress(this.client.progress)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    for (const stop of this.#stops.splice(0)) stop()
    removeEventListener('popstate', this.#onHistory)
    removeEventListener('beforeprint', this.#onPrint)
    removeEventListener('afterprint', this.#onPrint)
  }

  focusPane(): void {
    const list = this.renderRoot.querySelector('dd-lesson-list')
    if (list) list.focusPane()
    else this.renderRoot.querySelector<HTMLElement>('h2')?.focus()
  }

  readonly #onHistory = () => {
    const link = parseLessonLink(location.hash)
    if (link) void this.#open(link, 'none')
    else if (this.lesson) this.#close('none')
  }

  /** The browser takes its picture right after the event: nothing may wait for the next rendering. */
  readonly #onPrint = (event: Event) => {
    this.isPrinting = event.type === 'beforeprint'
    this.performUpdate()
  }

  #onProgress(progress: Progress): void {
    const { current } = progress
    const isFirst = !this.#isKnown
    this.#isKnown = true
    const wanted = this.#wanted
    this.#wanted = undefined
    if (wanted) void this.#open(wanted, 'replace', current?.lesson !== wanted.lesson)
    else if (isFirst && this.lesson && this.lesson.id !== current?.lesson) {
      // Another cluster has come, with a progress of its own.
      if (current) void this.#open(current, 'replace', false)
      else this.#show(undefined, 'replace')
    } else if (isFirst && current) void this.#open(current, 'replace', false)
    else if (this.lesson && current?.lesson === this.lesson.id) void this.#watch()
    // What another tab opens meanwhile is there alone.
    this.requestUpdate()
  }

  /** Opens a lesson at a step, or where it is to go on. */
  async #open({ lesson: id, step: stepId }: LessonLink, visit: Visit = 'push', begin = true): Promise<void> {
    if (!this.#isKnown) { this.#wanted = { lesson: id, ...(stepId ? { step: stepId } : {}) }; return }
    const opening = ++this.#opening
    this.problem = undefined
    this.isOpening = true
    try {
      const lesson = this.lesson?.id === id && this.#shownLanguage === language() ? this.lesson : await loadLesson(id, language())
      if (opening !== this.#opening) return
      this.isOpening = false
      const isOpen = lesson === this.lesson
      this.#shownLanguage = language()
      this.lesson = lesson
      const done = this.client.progress.done[id] ?? []
      const step = lesson.steps.find((each) => each.id === stepId) ?? lesson.steps.find((each) => !done.includes(each.id)) ?? lesson.steps[0]!
      // A lesson that is finished begins again, with what it starts from: its last step may have cleared that away.
      await this.#goTo(step.id, visit, !isOpen && begin && (done.length === 0 || lesson.steps.every((each) => done.includes(each.id))))
    } catch (error) {
      if (opening !== this.#opening) return
      this.#show(undefined, visit === 'push' ? 'push' : 'replace')
      this.problem = (error as Error).message
    }
  }

  #close(visit: Visit = 'push'): void {
    this.#show(undefined, visit)
    void this.#save({ done: this.client.progress.done })
    void this.updateComplete.then(() => this.focusPane())
  }

  #show(lesson: Lesson | undefined, visit: Visit): void {
    this.lesson = lesson
    this.problem = undefined
    this.stepId = ''
    this.isOpening = false
    this.#opening++
    this.#visit(visit)
  }

  /** Lets address and title of the page follow what is shown. */
  #visit(visit: Visit): void {
    const fragment = lessonFragment(this.lesson && { lesson: this.lesson.id, step: this.stepId })
    const address = `${location.pathname}${location.search}${fragment}`
    if (visit !== 'none' && fragment !== location.hash) history[visit === 'push' ? 'pushState' : 'replaceState'](null, '', address)
    document.title = this.lesson ? `Drydock: ${this.lesson.title}` : t('app.title')
  }

  async #goTo(stepId: string, visit: Visit = 'push', begin = false): Promise<void> {
    if (stepId !== this.stepId) {
      const isLearners = visit === 'push'
      this.stepId = stepId
      this.states = []
      this.said = ''
      this.copied = this.savedFile = undefined
      await this.updateComplete
      this.renderRoot.querySelector('.scroll')?.scrollTo(0, 0)
      // Whoever can't see that the text is another one hears its title, and goes on from there.
      if (isLearners) this.renderRoot.querySelector<HTMLElement>('h2')?.focus({ preventScroll: true })
    }
    if (!this.lesson) return
    this.#visit(visit)
    await this.#save({ current: { lesson: this.lesson.id, step: stepId }, done: this.client.progress.done })
    // A step that only tells something is done by looking at it.
    if (this.#step?.goals.length === 0) this.#markDone(stepId)
    await this.#watch(begin)
  }

  async #watch(begin = false): Promise<void> {
    const step = this.#step
    if (!this.lesson || !step) return
    if (begin) this.problem = undefined
    await this.client.ask('watchGoals', { lesson: this.lesson.id, step: step.id, goals: step.goals, ...(begin && this.lesson.start ? { manifest: this.lesson.start } : {}) }).catch((error: Error) => {
      // Otherwise the worker has gone, and what comes in its place is asked again.
      if (begin && this.lesson?.start) this.problem = error.message
    })
  }

  /** Forgets what was done of the lesson, and makes anew what it begins with, should it have been deleted. */
  async #beginAgain(): Promise<void> {
    const lesson = this.lesson!
    const text = `${t('lesson.againText')}${lesson.start ? ` ${t('lesson.againStart')}` : ''}`
    if (!await this.renderRoot.querySelector('dd-confirm-dialog')!.ask({ title: t('lesson.againTitle', { lesson: lesson.title }), text, confirm: t('lesson.beginAgain') })) return
    if (this.lesson !== lesson) return
    const { [lesson.id]: _, ...done } = this.client.progress.done
    this.client.progress = { ...this.client.progress, done }
    this.stepId = ''
    await this.#goTo(lesson.steps[0]!.id, 'push', true)
  }

  async #share(): Promise<void> {
    const copied = await copyText(location.href)
    this.dispatchEvent(new CustomEvent('say', { detail: copied ? 'lesson.linkCopied' : 'lesson.linkInAddress', bubbles: true, composed: true }))
  }

  async #save(progress: Progress): Promise<void> {
    if (!this.#isKnown) return
    this.client.progress = progress
    this.requestUpdate()
    await this.client.ask('saveProgress', progress).catch(() => {})
  }

  #onGoals(states: GoalState[]): void {
    const step = this.#step!
    const fresh = step.goals.filter((_, i) => states[i]?.met && !this.states[i]?.met)
    this.states = states
    if (fresh.length > 0) this.said = fresh.map((goal) => t('lesson.announceGoal', { goal: goal.text })).join(' ')
    if (step.goals.length > 0 && states.length === step.goals.length && states.every((state) => state.met)) {
      if (!this.#isDone(step)) this.said = t('lesson.allMet')
      this.#markDone(step.id)
    }
  }

  #markDone(stepId: string): void {
    const lesson = this.lesson!
    const done = this.client.progress.done[lesson.id] ?? []
    if (done.includes(stepId)) return
    void this.#save({ current: { lesson: lesson.id, step: this.stepId }, done: { ...this.client.progress.done, [lesson.id]: [...done, stepId] } })
  }

  get #step(): Step | undefined {
    return this.lesson?.steps.find((step) => step.id === this.stepId)
  }

  #isDone(step: Step): boolean {
    return this.client.progress.done[this.lesson!.id]?.includes(step.id) ?? false
  }

  #run(commands: string): void {
    this.dispatchEvent(new CustomEvent('run-commands', { detail: { commands }, bubbles: true, composed: true }))
  }

  async #copy(text: string): Promise<void> {
    if (await copyText(text)) this.copied = text
    this.said = t(this.copied === text ? 'lesson.copied' : 'lesson.copyFailed')
  }

  async #putFile(block: Extract<Block, { type: 'file' }>): Promise<void> {
    try {
      await this.client.ask('writeFile', { path: block.name, text: block.text })
    } catch (error) {
      this.said = t('lesson.fileFailed', { file: block.name, message: (error as Error).message })
      this.fileProblem = { file: block.name, message: this.said }
      return
    }
    this.fileProblem = undefined
    this.savedFile = block.name
    this.said = t('lesson.fileSaved', { file: block.name })
    this.dispatchEvent(new CustomEvent('open-file', { detail: { path: block.name }, bubbles: true, composed: true }))
  }

  override willUpdate(_: PropertyValues): void {
    // The language was switched with a lesson open: the same step in the other one.
    if (this.lesson && this.#shownLanguage !== language()) {
      this.#shownLanguage = language()
      void loadLesson(this.lesson.id, language()).then((lesson) => {
        // It may have been closed meanwhile, or the language switched once more.
        if (this.lesson?.id !== lesson.id || lesson.language !== language()) return
        this.lesson = lesson
        this.#visit('none')
      }, () => {})
    }
  }

  override render(): TemplateResult {
    return html`${this.lesson && this.#step ? this.isPrinting ? this.#renderPaper(this.lesson) : this.#renderStep(this.lesson, this.#step) : html`
        <dd-lesson-list .progress=${this.client.progress} .problem=${this.problem} @open-lesson=${(event: CustomEvent<LessonLink>) => this.#open(event.detail)}></dd-lesson-list>`}
      ${this.isOpening ? html`<div class="progress"></div>` : nothing}
      <div class="visually-hidden" role="status" aria-live="polite">${this.isOpening ? t('lesson.loading') : this.said}</div>
      <dd-confirm-dialog></dd-confirm-dialog>`
  }

  /** The whole lesson for paper: no hints and no solutions, and nothing to click. */
  #renderPaper(lesson: Lesson): TemplateResult {
    return html`<article class="paper"><h1>${lesson.title}</h1><p class="quiet">${lesson.summary}</p>${lesson.steps.map((step, i) => html`
      <section><h2><small>${t('lesson.step', { number: i + 1, total: lesson.steps.length })}</small>${step.title}</h2>
        ${step.blocks.map((block) => block.type === 'prose' ? html`<div class="prose">${markdown(block.markdown)}</div>`
          : html`${block.type === 'file' ? html`<p class="mono">~/${block.name}</p>` : nothing}<pre class="code">${block.type === 'run' ? block.commands : block.text}</pre>`)}
        ${step.goals.length > 0 ? html`<div class="goals"><h3 class="stencil">${t('lesson.goals')}</h3><ul>${step.goals.map((goal) => html`<li><span class="box"></span>${goal.text}</li>`)}</ul></div>` : nothing}
      </section>`)}</article>`
  }

  #renderStep(lesson: Lesson, step: Step): TemplateResult {
    const at = lesson.steps.indexOf(step)
    const next = lesson.steps[at + 1]
    const isDone = this.#isDone(step)
    return html`
      <div class="top">
        <button class="icon-button" aria-label=${t('lesson.back')} title=${t('lesson.back')} @click=${() => this.#close()}>${icons.left}</button>
        <span class="stencil">${lesson.title}</span>
        <span class="tools">
          <button class="icon-button" aria-label=${t('lesson.share')} title=${t('lesson.share')} @click=${() => void this.#share()}>${icons.link}</button>
          <button class="icon-button" aria-label=${t('lesson.beginAgain')} title=${t('lesson.beginAgain')} @click=${() => void this.#beginAgain()}>${icons.reload}</button>
        </span>
      </div>
      <nav class="rail" aria-label=${t('lesson.steps')}>${lesson.steps.map((each, i) => {
        const done = this.#isDone(each)
        return html`<button class="${done ? 'done' : ''} ${each === step ? 'current' : ''}" aria-current=${each === step ? 'step' : 'false'} title=${each.title}
          aria-label=${`${t('lesson.step', { number: i + 1, total: lesson.steps.length })}: ${each.title}${done ? `, ${t('lesson.stepDone')}` : ''}`} @click=${() => this.#goTo(each.id)}></button>`
      })}</nav>
      <div class="scroll">
        <h2 tabindex="-1"><small>${t('lesson.step', { number: at + 1, total: lesson.steps.length })}</small>${step.title}</h2>
        ${this.problem ? html`<div role="alert" class="problem"><p>${t('lesson.startFailed', { message: this.problem })}</p><button class="button" @click=${() => void this.#watch(true)}>${t('failure.retry')}</button></div>` : nothing}
        ${step.blocks.map((block) => this.#renderBlock(block))}
        ${step.goals.length > 0 ? this.#renderGoals(step, isDone) : nothing}
        ${step.hints.map((hint, i) => html`<details><summary>${t('lesson.hint', { number: i + 1 })}</summary><div class="prose">${markdown(hint)}</div></details>`)}
        ${step.solution ? html`<details><summary>${t('lesson.solution')}</summary>${this.#renderCommands(step.solution)}</details>` : nothing}
      </div>
      <div class="bottom">
        <button class="button" ?disabled=${at === 0} @click=${() => this.#goTo(lesson.steps[at - 1]!.id)}>${t('lesson.previous')}</button>
        <button class="button ${isDone ? 'primary' : ''}" @click=${() => next ? this.#goTo(next.id) : this.#close()}>${next ? t(isDone ? 'lesson.next' : 'lesson.skip') : t('lesson.finish')}${icons.right}</button>
      </div>`
  }

  #renderGoals(step: Step, isDone: boolean): TemplateResult {
    const allMet = step.goals.every((_, i) => this.states[i]?.met)
    return html`<div class="goals ${allMet || isDone ? 'met' : ''}">
      <h3 class="stencil">${t('lesson.goals')}</h3>
      <ul>${step.goals.map((goal, i) => {
        const state = this.states[i]
        const met = state?.met ?? false
        return html`<li class=${met ? 'met' : ''}>${healthMark(met ? 'done' : 'waiting')}
          <span>${goal.text}<span class="visually-hidden">: ${t(met ? 'lesson.goalMet' : 'lesson.goalOpen')}</span>${!met && state?.found && state.found.length < 60 ? html` <small class="quiet">${t('lesson.found', { found: state.found === 'absent' ? t('lesson.foundNothing') : state.found })}</small>` : nothing}</span></li>`
      })}</ul>
      ${allMet || isDone ? html`<p>${t('lesson.allMet')}</p>` : nothing}
    </div>`
  }

  #renderBlock(block: Block): TemplateResult {
    switch (block.type) {
      case 'prose': return html`<div class="prose">${markdown(block.markdown)}</div>`
      case 'run': return this.#renderCommands(block.commands)
      case 'code': return html`<pre class="code" tabindex="0">${block.text}</pre>`
      case 'file': return html`<figure class="file"><figcaption>${icons.file}<span class="mono">${block.name}</span>
        <button class="button" @click=${() => this.#putFile(block)}>${this.savedFile === block.name ? html`${icons.check}${t('editor.saved')}` : t('lesson.putFile', { file: block.name })}</button></figcaption>${this.fileProblem?.file === block.name ? html`<p class="problem" role="alert">${this.fileProblem.message}</p>` : nothing}<pre class="code" tabindex="0">${block.text}</pre></figure>`
    }
  }

  #renderCommands(commands: string): TemplateResult {
    return html`<div class="commands">
      <pre>${commands}</pre>
      <div>
        <button class="icon-button" aria-label=${`${t('lesson.copy')}: ${commands}`} title=${t(this.copied === commands ? 'lesson.copied' : 'lesson.copy')} @click=${() => this.#copy(commands)}>${this.copied === commands ? icons.check : icons.copy}</button>
        <button class="icon-button run" aria-label=${`${t('lesson.run')}: ${commands}`} title=${t('lesson.run')} @click=${() => this.#run(commands)}>${icons.play}</button>
      </div>
    </div>`
  }

  static override styles = [sharedStyles, css`
    :host { display: flex; flex-direction: column; min-height: 0; background: var(--surface); }
    .scroll { flex: 1; min-height: 0; overflow-y: auto; padding: 18px 22px 28px; overscroll-behavior: contain; }
    .top { flex: none; display: flex; align-items: center; gap: 6px; min-height: 38px; padding: 0 10px; }
    .rail { flex: none; display: flex; gap: 4px; padding: 0 22px 0 16px; }
    .rail button { flex: 1; height: 20px; padding: 0; border: 0; background: none; position: relative; }
    .rail button::before { content: ''; position: absolute; inset: 8px 0; border-radius: 2px; background: var(--line-strong); opacity: 0.55; }
    .rail button.done::before { background: var(--good); opacity: 1; }
    .rail button.current::before { inset: 6px 0; background: var(--accent); opacity: 1; }
    .rail button.current.done::before { background: var(--good); }
    .rail button:hover::before { opacity: 1; }
    h2 { margin: 0 0 14px; font-size: 23px; font-weight: 680; line-height: 1.22; letter-spacing: -0.017em; text-wrap: balance; outline: none; }
    h2 small { display: block; margin-bottom: 4px; font-size: var(--small); font-weight: 500; letter-spacing: 0; color: var(--ink-soft); }
    .prose { max-width: 68ch; }
    .prose > :first-child { margin-top: 0; }
    .prose p, .prose ul, .prose ol { margin: 0 0 12px; }
    .prose ul, .prose ol { padding-inline-start: 22px; }
    .prose li + li { margin-top: 4px; }
    .prose :is(p, li, td) code { padding: 1px 5px; border-radius: 4px; background: var(--sunken); overflow-wrap: anywhere; }
    .prose a { color: var(--accent); }
    .prose table { border-collapse: collapse; margin-bottom: 12px; font-size: var(--small); }
    .prose :is(th, td) { padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); text-align: start; vertical-align: top; }
    .prose blockquote { margin: 0 0 12px; padding: 2px 0 2px 14px; border-inline-start: 3px solid var(--lead); color: var(--ink-soft); }
    .prose :is(h3, h4) { margin: 18px 0 6px; font-size: var(--text); }
    .commands { display: flex; align-items: flex-start; margin: 0 0 14px; border-radius: var(--radius); background: var(--hull); color: var(--hull-ink); overflow: hidden; }
    .commands pre { flex: 1; min-width: 0; margin: 0; padding: 10px 4px 10px 14px; white-space: pre-wrap; overflow-wrap: anywhere; font-size: var(--small); line-height: 1.55; }
    .commands > div { display: flex; padding: 4px; }
    .commands .icon-button { color: var(--hull-soft); }
    .commands .run { color: #f0a18a; }
    .commands :focus-visible { outline-color: #77d0e4; outline-offset: -2px; }
    .code { margin: 0 0 14px; padding: 10px 14px; border: 1px solid var(--line); border-radius: var(--radius); background: var(--paper); overflow-x: auto; font-size: var(--small); line-height: 1.5; }
    .file { margin: 0 0 14px; border: 1px solid var(--line); border-radius: var(--radius); overflow: hidden; }
    .file figcaption { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; padding: 6px 6px 6px 12px; border-bottom: 1px solid var(--line); background: var(--raised); font-size: var(--small); }
    .file figcaption svg { width: 15px; height: 15px; }
    .file figcaption .button { margin-inline-start: auto; }
    .file .code { margin: 0; border: 0; border-radius: 0; }
    .goals { margin: 18px 0 14px; padding: 12px 16px; border: 1px solid var(--line); border-inline-start: 4px solid var(--waiting); border-radius: var(--radius); background: var(--raised); }
    .goals.met { border-inline-start-color: var(--good); background: var(--good-soft); }
    .goals h3 { margin: 0 0 6px; }
    .goals ul { list-style: none; margin: 0; padding: 0; }
    .goals li { display: flex; gap: 10px; padding: 3px 0; }
    .goals li .mark { flex: none; width: 13px; height: 13px; margin-top: 5px; color: var(--waiting); }
    .goals li.met .mark { color: var(--good); }
    .goals p { margin: 6px 0 0; font-weight: 600; color: var(--good); }
    .goals small { font-family: var(--mono); font-size: var(--tiny); }
    details { margin-bottom: 8px; border-bottom: 1px solid var(--line); }
    summary { padding: 7px 0; cursor: pointer; color: var(--ink-soft); font-size: var(--small); font-weight: 550; }
    summary:hover { color: var(--ink); }
    .bottom { flex: none; display: flex; justify-content: space-between; gap: 8px; padding: 10px 16px; border-top: 1px solid var(--line); }
    .problem { color: var(--bad); }
    :host { position: relative; }
    /* What comes at once shows no such thing. */
    .progress { position: absolute; inset: 0 0 auto 0; height: 2px; background: linear-gradient(90deg, transparent, var(--accent), transparent); background-size: 40% 100%; background-repeat: no-repeat; opacity: 0; animation: run 1s linear infinite, appear 0s 250ms forwards; }
    @keyframes run { from { background-position: -40% 0; } to { background-position: 140% 0; } }
    @keyframes appear { to { opacity: 1; } }
    .problem p { margin: 0 0 8px; }
    .problem:has(button) { margin-bottom: 14px; padding: 10px 14px; border-radius: var(--radius); background: var(--bad-soft); }
    .file .problem { margin: 0; padding: 6px 12px; font-size: var(--small); }
    dd-lesson-list { flex: 1; }
    .top .stencil { min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
    .tools { display: flex; flex: none; margin-inline-start: auto; color: var(--ink-soft); }
    /* Where little is to be seen at once, all of it scrolls. */
    @media (max-height: 480px) {
      :host { display: block; overflow-y: auto; }
      .scroll { overflow: visible; padding-block: 10px; }
      dd-lesson-list { height: 100%; }
      .bottom { padding-block: 6px; }
    }
    @media print {
      :host { display: block; overflow: visible; background: none; }
      .paper { padding: 0; }
      .paper h1 { margin: 0; font-size: 26px; }
      .paper section { margin-top: 26px; }
      .paper h2 { font-size: 19px; break-after: avoid; }
      .paper .code { white-space: pre-wrap; overflow-wrap: anywhere; break-inside: avoid; background: none; }
      .paper .goals { break-inside: avoid; background: none; }
      .paper .goals li { align-items: baseline; }
      .box { flex: none; width: 11px; height: 11px; border: 1.5px solid var(--ink); border-radius: 2px; }
    }
    @media (forced-colors: active) {
      .rail button::before { background: GrayText; }
      .rail button:is(.done, .current)::before { background: CanvasText; forced-color-adjust: none; }
      .rail button.current::before { background: Highlight; }
      .rail button::before { forced-color-adjust: none; }
      .commands { border: 1px solid; }
      .commands .icon-button { color: ButtonText; }
      .goals.met { border-inline-start-width: 8px; }
    }
  `]
}
customElements.define('dd-lesson-pane', LessonPane)

/** Whether it worked: without a secure connection, or when it is forbidden, there is no clipboard. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}

declare global {
  interface HTMLElementTagNameMap { 'dd-lesson-pane': LessonPane }
}
