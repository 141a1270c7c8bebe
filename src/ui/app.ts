import { LitElement, css, html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import type { EditRequest, ObjectAddress } from '../host/protocol.ts'
import type { ClusterClient } from './cluster-client.ts'
import { icons } from './icons.ts'
import { Localized, language, setLanguage, t } from './localization.ts'
import type { MessageKey } from './messages/en.ts'
import { applyTheme, keepStorage, readSetting, saveSetting } from './settings.ts'
import type { Settings, Theme } from './settings.ts'
import { sharedStyles } from './shared-styles.ts'
import './clock-controls.ts'
import './cluster-pane.ts'
import './divider.ts'
import './editor-pane.ts'
import './failure-page.ts'
import './lesson-pane.ts'
import './main-menu.ts'
import './terminal-pane.ts'
import type { EditorPane } from './editor-pane.ts'
import type { TerminalPane } from './terminal-pane.ts'

type PaneName = 'lesson' | 'terminal' | 'cluster' | 'editor' | 'browser'
/** `phone`: one pane at a time; `tablet`: terminal and one more; `desk`: all beside each other. */
type Layout = 'phone' | 'tablet' | 'desk'

interface Notice {
  text: MessageKey
  action?: { label: MessageKey; run: () => void }
}

const LIMITS: Record<string, [min: number, max: number]> = { lesson: [260, 900], cluster: [260, 1100], editor: [120, 1600] }

/** The page: header, panes, and what connects them. */
export class DrydockApp extends LitElement {
  static override properties = { layout: { state: true }, active: { state: true }, editorOpen: { state: true }, browserOpen: { state: true }, front: { state: true }, panes: { state: true }, away: { state: true }, theme: { state: true }, notice: { state: true }, offer: { state: true } }
  declare layout: Layout
  /** The pane in front on a phone; on a tablet the one beside the terminal. */
  declare active: PaneName
  declare editorOpen: boolean
  declare browserOpen: boolean
  /** Which of the two shares the place above the terminal. */
  declare front: 'editor' | 'browser'
  declare panes: Record<string, number>
  /** Panes at the side that were put away; only where there is room for all. */
  declare away: Settings['hidden']
  declare theme: Theme
  /** Said in passing. */
  declare notice: Notice | undefined
  /** Waits for an answer; what is said in passing stands before it for a while. */
  declare offer: Notice | undefined
  declare client: ClusterClient
  readonly #media = [matchMedia('(max-width: 759px)'), matchMedia('(max-width: 1099px)')]

  static define(): void {
    if (!customElements.get('dd-app')) customElements.define('dd-app', DrydockApp)
  }

  constructor() {
    super()
    new Localized(this)
    this.panes = readSetting('panes') ?? {}
    this.away = readSetting('hidden') ?? []
    this.theme = readSetting('theme') ?? 'auto'
    this.layout = this.#layoutNow()
    this.active = this.layout === 'phone' ? 'terminal' : 'lesson'
    this.editorOpen = this.browserOpen = false
    this.front = 'editor'
    this.notice = this.offer = undefined
  }

  override connectedCallback(): void {
    this.querySelector('.shell')?.remove()
    super.connectedCallback()
    document.title = t('app.title')
    for (const media of this.#media) media.addEventListener('change', this.#onMedia)
    addEventListener('keydown', this.#onKey)
    this.client.on('status', (status) => {
      this.requestUpdate()
      if (status.phase === 'ready' && readSetting('hints') === false) void this.client.ask('hints', { on: false }).catch(() => {})
    })
    this.client.on('progress', ({ done }) => { if (Object.values(done).some((steps) => steps.length > 1)) keepStorage() })
    this.client.on('edit', (request) => void this.#edit(request))
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    for (const media of this.#media) media.removeEventListener('change', this.#onMedia)
    removeEventListener('keydown', this.#onKey)
  }

  /** Shows or puts away a pane at the side. */
  #putAway(name: 'lesson' | 'cluster', isAway: boolean): void {
    this.away = [...this.away.filter((each) => each !== name), ...(isAway ? [name] : [])]
    saveSetting('hidden', this.away)
  }

  /** Says something in passing. */
  announce(key: MessageKey): void {
    const notice = { text: key }
    this.notice = notice
    setTimeout(() => { if (this.notice === notice) this.notice = undefined }, 6_000)
  }

  /** Offers to load the page again. */
  offerReload(text: 'status.update' | 'status.partMissing', run: () => void): void {
    this.offer = { text, action: { label: 'status.reload', run } }
  }

  #layoutNow(): Layout {
    return this.#media[0]!.matches ? 'phone' : this.#media[1]!.matches ? 'tablet' : 'desk'
  }

  readonly #onMedia = () => {
    this.layout = this.#layoutNow()
    if (this.layout !== 'phone' && this.active === 'terminal') this.active = 'lesson'
  }

  readonly #onKey = (event: KeyboardEvent) => {
    if (event.key === 'F1' && !event.ctrlKey && !event.altKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault()
      this.renderRoot.querySelector('dd-main-menu')?.showKeys()
      return
    }
    if (event.key !== 'F6' || event.ctrlKey || event.altKey || event.metaKey) return
    event.preventDefault()
    const shown = [...this.renderRoot.querySelectorAll<HTMLElement>('[data-pane]')].filter((pane) => !pane.hidden)
    if (shown.length === 0) return
    const at = shown.findIndex((pane) => pane.contains(this.shadowRoot!.activeElement))
    const next = shown[(at + (event.shiftKey ? shown.length - 1 : 1) + (at < 0 && event.shiftKey ? 1 : 0)) % shown.length]!
    next.querySelector<HTMLElement & { focusPane?(): void }>(':scope > *')?.focusPane?.()
  }

  get #terminal(): TerminalPane {
    return this.renderRoot.querySelector<TerminalPane>('dd-terminal-pane')!
  }

  async #openEditor(): Promise<EditorPane> {
    this.editorOpen = true
    this.front = 'editor'
    if (this.layout === 'phone') this.active = 'editor'
    await this.updateComplete
    return this.renderRoot.querySelector<EditorPane>('dd-editor-pane')!
  }

  readonly #openBrowser = async (url?: string): Promise<void> => {
    await import('./browser-pane.ts')
    this.browserOpen = true
    this.front = 'browser'
    if (this.layout === 'phone') this.active = 'browser'
    await this.updateComplete
    const pane = this.renderRoot.querySelector('dd-browser-pane')!
    if (url === undefined) { await pane.updateComplete; pane.focusPane() } else await pane.visit(url)
  }

  async #edit(request: EditRequest): Promise<void> {
    if (!this.#terminal.owns(request.terminal)) return
    await (await this.#openEditor()).edit(request)
  }

  readonly #onRun = (event: CustomEvent<{ commands: string }>) => {
    if (this.layout === 'phone') this.active = 'terminal'
    void this.updateComplete.then(() => this.#terminal.run(event.detail.commands))
  }

  readonly #onOpenFile = async (event: CustomEvent<{ path: string }>) => {
    await (await this.#openEditor()).open(event.detail.path)
  }

  #closeEditor(): void {
    this.editorOpen = false
    this.front = 'browser'
    if (this.active === 'editor') this.active = 'terminal'
    void this.updateComplete.then(() => this.#terminal.focusPane())
  }

  #closeBrowser(): void {
    this.browserOpen = false
    this.front = 'editor'
    if (this.active === 'browser') this.active = 'terminal'
    void this.updateComplete.then(() => this.#terminal.focusPane())
  }

  #resizePane(name: string, deltaPx: number, fallbackPx: number): void {
    const [min, max] = LIMITS[name]!
    const room = name === 'editor' ? innerHeight * 0.75 : innerWidth * 0.33
    this.panes = { ...this.panes, [name]: Math.round(Math.max(min, Math.min(max, room, (this.panes[name] ?? fallbackPx) + deltaPx))) }
    saveSetting('panes', this.panes)
  }

  override render(): TemplateResult {
    const { status } = this.client
    if (status.phase === 'failed') return html`<dd-failure-page .client=${this.client} .failure=${status.failure}></dd-failure-page>`
    return html`
      ${this.#header()}
      <main class=${this.layout} style=${this.#columns()} @run-commands=${this.#onRun} @open-file=${this.#onOpenFile} @show-object=${this.#onShowObject} @open-page=${(event: CustomEvent<{ url: string }>) => void this.#openBrowser(event.detail.url)} @say=${(event: CustomEvent<MessageKey>) => this.announce(event.detail)}>
        ${this.#side('lesson', html`<dd-lesson-pane .client=${this.client}></dd-lesson-pane>`)}
        ${this.#isBeside('lesson') ? this.#divider('lesson', 'vertical', 1, 380) : nothing}
        <div class="center" ?hidden=${this.layout === 'phone' && !['terminal', 'editor', 'browser'].includes(this.active)}>
          ${this.editorOpen && this.browserOpen && this.layout !== 'phone' ? html`<nav class="upper-tabs" aria-label=${t('app.panes')}>${(['editor', 'browser'] as const).map((name) => html`
            <button aria-current=${this.front === name ? 'true' : 'false'} @click=${() => { this.front = name }}>${name === 'editor' ? icons.file : icons.globe}${t(`pane.${name}`)}</button>`)}</nav>` : nothing}
          ${this.editorOpen ? html`
            <section data-pane="editor" aria-label=${t('pane.editor')} ?hidden=${this.layout === 'phone' ? this.active !== 'editor' : this.front !== 'editor'}>
              <dd-editor-pane .client=${this.client} @close-editor=${() => this.#closeEditor()}></dd-editor-pane>
            </section>` : nothing}
          ${this.browserOpen ? html`
            <section data-pane="browser" aria-label=${t('pane.browser')} ?hidden=${this.layout === 'phone' ? this.active !== 'browser' : this.front !== 'browser'}>
              <dd-browser-pane .client=${this.client} @close-browser=${() => this.#closeBrowser()}></dd-browser-pane>
            </section>` : nothing}
          ${this.editorOpen || this.browserOpen ? html`
            ${this.layout === 'phone' ? nothing : this.#divider('editor', 'horizontal', 1, Math.round(innerHeight * 0.42))}` : nothing}
          <section data-pane="terminal" id="terminal" aria-label=${t('pane.terminal')} ?hidden=${this.layout === 'phone' && this.active !== 'terminal'}>
            <dd-terminal-pane .client=${this.client}></dd-terminal-pane>
          </section>
        </div>
        ${this.#isBeside('cluster') ? this.#divider('cluster', 'vertical', -1, 400) : nothing}
        ${this.#side('cluster', html`<dd-cluster-pane .client=${this.client}></dd-cluster-pane>`)}
      </main>
      ${this.layout === 'phone' ? this.#tabs(['lesson', 'terminal', 'cluster', 'editor', ...(this.browserOpen ? ['browser' as const] : [])], 'bottom') : nothing}
      ${this.#renderNotice()}`
  }

  #renderNotice(): TemplateResult {
    const notice = this.notice ?? this.offer
    return html`<div class="notice" role="status" ?hidden=${!notice}>
        ${notice ? t(notice.text) : nothing}
        ${notice?.action ? html`<button class="button" @click=${notice.action.run}>${t(notice.action.label)}</button>` : nothing}
        ${notice ? html`<button class="icon-button" aria-label=${t('dialog.close')} @click=${() => { if (this.notice) this.notice = undefined; else this.offer = undefined }}>${icons.close}</button>` : nothing}
    </div>`
  }

  #header(): TemplateResult {
    const { status } = this.client
    const key: MessageKey = status.phase === 'starting' ? 'status.starting' : status.attached ? 'status.attached' : 'status.ready'
    return html`<header>
      <button class="button skip" @click=${() => { if (this.layout === 'phone') this.active = 'terminal'; void this.updateComplete.then(() => this.#terminal.focusPane()) }}>${t('app.skip')}</button>
      <div class="brand"><img src="./icon.svg" alt="" width="24" height="24" /><h1>Drydock</h1></div>
      <div class="state" role="status" data-phase=${status.phase}><span class="lamp"></span><span class="words">${t(key)}</span></div>
      <dd-clock-controls .client=${this.client}></dd-clock-controls>
      <div class="tools">
        <label class="language"><span class="visually-hidden">${t('language.label')}</span>
          <select @change=${(event: Event) => setLanguage((event.target as HTMLSelectElement).value as 'en' | 'de')}>
            <option value="en" lang="en" ?selected=${language() === 'en'}>English</option>
            <option value="de" lang="de" ?selected=${language() === 'de'}>Deutsch</option>
          </select></label>
        ${this.layout === 'desk' ? (['lesson', 'cluster'] as const).map((name) => html`<button class="icon-button" aria-pressed=${!this.away.includes(name)} aria-label=${t(`pane.show.${name}`)} title=${t(`pane.show.${name}`)}
          @click=${() => this.#putAway(name, !this.away.includes(name))}>${name === 'lesson' ? icons.sideLeft : icons.sideRight}</button>`) : nothing}
        ${this.#themeButton()}
        <dd-main-menu .client=${this.client} @open-files=${async () => (await this.#openEditor()).focusPane()} @open-browser=${() => void this.#openBrowser()} @screen-reader=${() => this.#terminal.applySettings()}></dd-main-menu>
      </div>
    </header>`
  }

  #themeButton(): TemplateResult {
    const order: Theme[] = ['auto', 'light', 'dark']
    const next = order[(order.indexOf(this.theme) + 1) % order.length]!
    const name = t(`theme.${this.theme}`)
    return html`<button class="icon-button" aria-label=${`${t('theme.label')}: ${name}`} title=${`${t('theme.label')}: ${name}`} @click=${() => {
      this.theme = next
      saveSetting('theme', next)
      applyTheme(next)
    }}>${{ auto: icons.auto, light: icons.sun, dark: icons.moon }[this.theme]}</button>`
  }

  /** Whether it stands beside the terminal, with a line between them. */
  #isBeside(name: 'lesson' | 'cluster'): boolean {
    return this.layout === 'desk' && !this.away.includes(name)
  }

  #side(name: 'lesson' | 'cluster', content: TemplateResult): TemplateResult {
    const shown = this.layout === 'desk' ? this.#isBeside(name) : this.active === name || (this.layout === 'tablet' && name === 'lesson' && this.active !== 'cluster')
    return html`<div class="side ${name}" ?hidden=${!shown}>
      ${this.layout === 'tablet' ? this.#tabs(['lesson', 'cluster'], 'top') : nothing}
      <section data-pane=${name} aria-label=${t(`pane.${name}`)}>${content}</section>
    </div>`
  }

  #tabs(names: PaneName[], where: 'top' | 'bottom'): TemplateResult {
    const symbols = { lesson: icons.lesson, terminal: icons.terminal, cluster: icons.cluster, editor: icons.file, browser: icons.globe }
    const current = names.includes(this.active) ? this.active : names[0]
    return html`<nav class="pane-tabs ${where}" aria-label=${t('app.panes')}>${names.map((name) => html`
      <button aria-current=${name === current ? 'true' : 'false'} @click=${async () => {
        if (name === 'editor') await this.#openEditor()
        this.active = name
        if (name === 'terminal') { await this.updateComplete; this.#terminal.focusPane() }
      }}>${symbols[name]}<span>${t(`pane.${name}`)}</span></button>`)}</nav>`
  }

  #divider(name: string, orientation: 'vertical' | 'horizontal', sign: number, fallbackPx: number): TemplateResult {
    const [min, max] = LIMITS[name]!
    return html`<dd-divider orientation=${orientation} label=${t('pane.resize', { pane: t(`pane.${name as PaneName}`) })} .value=${this.panes[name] ?? fallbackPx} .min=${min} .max=${max}
      @move-divider=${(event: CustomEvent<number>) => this.#resizePane(name, sign * event.detail, fallbackPx)}></dd-divider>`
  }

  /** What was chosen in a wide window leaves room for the terminal in a narrow one. */
  #columns(): string {
    const side = (name: 'lesson' | 'cluster', usual: string) => !this.#isBeside(name) ? '0' : this.panes[name] ? `min(${this.panes[name]}px, 33vw)` : usual
    return `--lesson:${side('lesson', 'clamp(300px, 22vw, 620px)')};--cluster:${side('cluster', 'clamp(308px, 22vw, 760px)')};--editor:${this.panes['editor'] ? `min(${this.panes['editor']}px, 75vh)` : '42%'}`
  }

  readonly #onShowObject = (event: CustomEvent<ObjectAddress>) => {
    if (this.layout !== 'desk') this.active = 'cluster'
    else if (this.away.includes('cluster')) this.#putAway('cluster', false)
    void this.updateComplete.then(() => this.renderRoot.querySelector('dd-cluster-pane')!.show(event.detail))
  }

  static override styles = [sharedStyles, css`
    :host { display: flex; flex-direction: column; height: 100vh; height: 100dvh; background: var(--paper); }
    .skip { position: absolute; left: 8px; top: -60px; z-index: 10; box-shadow: var(--shadow); }
    .skip:focus { top: 7px; }
    header { display: flex; align-items: center; gap: 14px; flex: none; min-height: 46px; padding: 0 8px 0 14px; background: var(--surface); border-bottom: 1px solid var(--line); }
    .brand { display: flex; align-items: center; gap: 9px; }
    .brand img { display: block; border-radius: 6px; }
    h1 { margin: 0; font-size: 16px; font-weight: 700; letter-spacing: -0.01em; }
    .state { display: flex; align-items: center; gap: 7px; color: var(--ink-soft); font-size: var(--small); min-width: 0; white-space: nowrap; overflow: hidden; }
    .state .words { overflow: hidden; text-overflow: ellipsis; }
    .lamp { flex: none; width: 8px; height: 8px; border-radius: 50%; background: var(--good); }
    .state[data-phase='starting'] .lamp { background: none; border: 2px solid var(--waiting); animation: pulse 1.2s ease-in-out infinite; }
    @keyframes pulse { 50% { opacity: 0.3; } }
    dd-clock-controls { margin-inline-start: auto; }
    .tools { display: flex; align-items: center; gap: 4px; padding-inline-start: 10px; border-inline-start: 1px solid var(--line); }
    select { border: 1px solid transparent; border-radius: var(--radius); background: var(--surface); font-size: var(--small); padding: 4px 2px; }
    select:hover { border-color: var(--line-strong); }
    main { flex: 1; min-height: 0; display: grid; }
    main.desk { grid-template-columns: var(--lesson) 0 minmax(320px, 1fr) 0 var(--cluster); }
    .desk > .lesson { grid-column: 1; }
    .desk > .center { grid-column: 3; }
    .desk > .cluster { grid-column: 5; }
    .desk > dd-divider:has(+ .center) { grid-column: 2; }
    .desk > .center ~ dd-divider { grid-column: 4; }
    .desk > * { grid-row: 1; }
    .tools [aria-pressed='false'] { color: var(--ink-soft); opacity: 0.65; }
    main.tablet { grid-template-columns: minmax(290px, 40%) 1fr; }
    main.tablet .side { grid-row: 1; grid-column: 1; }
    main.tablet .center { grid-row: 1; grid-column: 2; }
    main.phone { grid-template-columns: minmax(0, 1fr); }
    .side, .center { min-width: 0; min-height: 0; display: flex; flex-direction: column; }
    .side { background: var(--surface); }
    .side.lesson { border-inline-end: 1px solid var(--line); }
    .side.cluster { border-inline-start: 1px solid var(--line); }
    section { flex: 1; min-height: 0; min-width: 0; display: flex; flex-direction: column; }
    section > * { flex: 1; min-height: 0; }
    .center { background: var(--hull); }
    .desk section:is([data-pane='editor'], [data-pane='browser']), .tablet section:is([data-pane='editor'], [data-pane='browser']) { flex: 0 0 var(--editor); }
    .upper-tabs { flex: none; display: flex; gap: 2px; padding: 4px 6px 0; background: var(--sunken); }
    .upper-tabs button { display: flex; align-items: center; gap: 6px; min-height: 30px; padding: 2px 12px; border: 1px solid transparent; border-bottom: 0; border-radius: 6px 6px 0 0; background: none; color: var(--ink-soft); font-size: var(--small); font-weight: 550; }
    .upper-tabs button[aria-current='true'] { background: var(--surface); border-color: var(--line); color: var(--ink); }
    .upper-tabs svg { width: 14px; height: 14px; }
    .pane-tabs { display: flex; flex: none; background: var(--surface); }
    .pane-tabs.top { border-bottom: 1px solid var(--line); }
    .pane-tabs.bottom { border-top: 1px solid var(--line); padding-bottom: env(safe-area-inset-bottom); }
    .pane-tabs button { flex: 1; display: flex; justify-content: center; align-items: center; gap: 7px; min-height: 40px; border: 0; background: none; color: var(--ink-soft); font-size: var(--small); font-weight: 550; }
    .pane-tabs.bottom button { flex-direction: column; gap: 2px; min-height: 54px; font-size: var(--tiny); }
    .pane-tabs svg { width: 18px; height: 18px; }
    .pane-tabs.top svg { display: none; }
    .pane-tabs button[aria-current='true'] { color: var(--accent); box-shadow: inset 0 -2px var(--accent); }
    .pane-tabs.bottom button[aria-current='true'] { box-shadow: inset 0 2px var(--accent); }
    .notice { position: fixed; inset-inline-end: 16px; bottom: 16px; width: fit-content; max-width: calc(100vw - 24px); display: flex; align-items: center; gap: 10px; padding: 8px 10px 8px 16px; background: var(--ink); color: var(--paper); border-radius: 8px; font-size: var(--small); box-shadow: var(--shadow); z-index: 20; }
    .notice .button { color: var(--ink); }
    /* Little height, as on a phone on its side or at a great zoom: the room is for what is shown. */
    @media (max-height: 480px) {
      header { min-height: 38px; }
      .pane-tabs.bottom button { flex-direction: row; gap: 7px; min-height: 38px; }
      .pane-tabs svg { width: 15px; height: 15px; }
    }
    @media (forced-colors: active) {
      .pane-tabs button, .upper-tabs button { border: 1px solid transparent; forced-color-adjust: none; background: Canvas; color: CanvasText; }
      .pane-tabs button[aria-current='true'], .upper-tabs button[aria-current='true'] { background: Highlight; color: HighlightText; box-shadow: none; }
      .notice, .skip { border: 1px solid; }
      .lamp { forced-color-adjust: none; background: CanvasText; }
      .tools [aria-pressed='true'] { border-width: 2px; }
    }
    @media print {
      :host { display: block; height: auto; background: none; }
      header, dd-divider, .center, .side.cluster, .pane-tabs, .notice { display: none !important; }
      main, .side.lesson[hidden], .side.lesson, .side.lesson section { display: block !important; border: 0; background: none; }
    }
    @media (max-width: 1099px) { .state .words { display: none; } }
    @media (max-width: 759px) {
      header { gap: 8px; padding-inline-start: 10px; }
      /* The page still has a name for those who hear it. */
      h1 { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
      .language { display: none; }
      .tools { padding-inline-start: 2px; border: 0; }
      .notice { inset: 52px 12px auto; width: auto; max-width: none; }
      .notice .icon-button { margin-inline-start: auto; }
    }
  `]
}
