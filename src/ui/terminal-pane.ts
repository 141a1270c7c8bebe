import xtermStyles from '@xterm/xterm/css/xterm.css?inline'
import { LitElement, css, html, nothing, unsafeCSS } from 'lit'
import type { PropertyValues, TemplateResult } from 'lit'
import type { ClusterClient } from './cluster-client.ts'
import { icons } from './icons.ts'
import { keyNames } from './keyboard.ts'
import { forgetKeptTerminals, keepTerminals, takeKeptTerminals } from './kept-terminals.ts'
import type { KeptTerminal } from './kept-terminals.ts'
import { Localized, t } from './localization.ts'
import { readSetting } from './settings.ts'
import { sharedStyles } from './shared-styles.ts'
import { TerminalScreen } from './terminal-screen.ts'

const MATCHES = { matchBackground: '#4d6b2f', matchOverviewRuler: '#8fb85a', activeMatchBackground: '#b5702c', activeMatchColorOverviewRuler: '#f0a18a' }

const KEYS: [label: string, data: string][] = [['Esc', '\x1b'], ['Tab', '\t'], ['Ctrl', 'ctrl'], ['←', '\x1b[D'], ['↑', '\x1b[A'], ['↓', '\x1b[B'], ['→', '\x1b[C'], ['|', '|'], ['-', '-'], ['/', '/'], ['~', '~']]

/** Terminals in tabs, with search. */
export class TerminalPane extends LitElement {
  static override properties = { screens: { state: true }, current: { state: true }, searching: { state: true }, found: { state: true }, ctrl: { state: true } }
  declare screens: TerminalScreen[]
  declare current: TerminalScreen | undefined
  declare searching: boolean
  declare found: boolean
  /** The next key counts as one with Ctrl. */
  declare ctrl: boolean
  declare client: ClusterClient
  #lastNumber = 0
  readonly #resizes = new ResizeObserver(() => this.current?.fit())
  readonly #onTheme = () => { for (const screen of this.screens) screen.setTheme() }
  readonly #themes = new MutationObserver(this.#onTheme)
  readonly #darkness = matchMedia('(prefers-color-scheme: dark)')
  #stopListening: () => void = () => {}

  constructor() {
    super()
    new Localized(this)
    this.screens = []
    this.searching = false
    this.found = true
    this.ctrl = false
  }

  override firstUpdated(): void {
    this.#resizes.observe(this.renderRoot.querySelector('.screens')!)
    this.#stopListening = this.client.on('restarted', ({ isFresh }) => {
      if (isFresh) forgetKeptTerminals()
      for (const screen of this.screens) screen.reconnect(isFresh)
    })
    this.#themes.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    this.#darkness.addEventListener('change', this.#onTheme)
    const kept = takeKeptTerminals()
    for (const each of kept?.terminals ?? [undefined]) this.#add(each)
    if (kept) this.current = this.screens[kept.front]
    // The page may end without another word once it is hidden.
    addEventListener('pagehide', this.#onPageHide)
    document.addEventListener('visibilitychange', this.#onVisibility)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#resizes.disconnect()
    this.#themes.disconnect()
    this.#darkness.removeEventListener('change', this.#onTheme)
    // The failure page took the pane's place; another pane comes, and these screens must not ask the next cluster for shells.
    this.#stopListening()
    for (const screen of this.screens) screen.close()
    removeEventListener('pagehide', this.#onPageHide)
    document.removeEventListener('visibilitychange', this.#onVisibility)
  }

  #keep(isEnd: boolean): void {
    keepTerminals({ terminals: this.screens.map((screen) => screen.kept()), front: Math.max(0, this.screens.indexOf(this.current!)) }, isEnd)
  }

  readonly #onPageHide = () => this.#keep(true)

  readonly #onVisibility = () => {
    if (document.visibilityState === 'hidden') this.#keep(false)
  }

  /** Whether one of these terminals has that number in the protocol. */
  owns(terminal: number): boolean {
    const screen = this.screens.find((each) => each.id === terminal)
    if (screen) this.current = screen
    return screen !== undefined
  }

  /** Types commands into the terminal in front. */
  run(commands: string): void {
    this.current?.run(commands)
    this.focusPane()
  }

  focusPane(): void {
    this.current?.terminal.focus()
  }

  applySettings(): void {
    for (const screen of this.screens) screen.terminal.options.screenReaderMode = readSetting('screenReader') ?? false
  }

  #add(kept?: KeptTerminal): void {
    const screen = new TerminalScreen(++this.#lastNumber, this.client, kept)
    screen.onKey = (event) => this.#key(event)
    screen.onPage = (url) => this.dispatchEvent(new CustomEvent('open-page', { detail: { url }, bubbles: true, composed: true }))
    screen.onCtrlUsed = () => { this.ctrl = false }
    this.screens = [...this.screens, screen]
    this.current = screen
  }

  #close(screen: TerminalScreen): void {
    const at = this.screens.indexOf(screen)
    this.screens = this.screens.filter((each) => each !== screen)
    if (this.current === screen) this.current = this.screens[Math.min(at, this.screens.length - 1)]
    screen.close()
    if (this.screens.length === 0) this.#add()
  }

  #key(event: KeyboardEvent): boolean {
    if (!event.ctrlKey || !event.shiftKey) return true
    if (event.code === 'KeyF') void this.#openSearch()
    else if (event.code === 'KeyE') this.#add()
    else return true
    event.preventDefault()
    return false
  }

  async #openSearch(): Promise<void> {
    this.searching = true
    await this.updateComplete
    this.renderRoot.querySelector<HTMLInputElement>('.search input')!.select()
  }

  #closeSearch(): void {
    this.searching = false
    this.found = true
    this.current?.search.clearDecorations()
    this.focusPane()
  }

  #find(direction: 'next' | 'previous', incremental = false): void {
    const text = this.renderRoot.querySelector<HTMLInputElement>('.search input')!.value
    const search = this.current?.search
    if (!search) return
    if (text === '') { search.clearDecorations(); this.found = true; return }
    this.found = direction === 'next' ? search.findNext(text, { incremental, decorations: MATCHES }) : search.findPrevious(text, { decorations: MATCHES })
  }

  /** Keys that phones don't have. Ctrl counts for the next one. */
  #press(data: string): void {
    if (data === 'ctrl') { this.ctrl = !this.ctrl; if (this.current) this.current.ctrl = this.ctrl; this.current?.terminal.focus(); return }
    this.current?.press(data)
  }

  readonly #onTabKey = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (!step) return
    event.preventDefault()
    const at = this.screens.indexOf(this.current!)
    this.current = this.screens[(at + step + this.screens.length) % this.screens.length]
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>('[role=tab][aria-selected=true]')?.focus())
  }

  override updated(changed: PropertyValues): void {
    for (const screen of this.screens) screen.label()
    if (!changed.has('current') && !changed.has('screens')) return
    const holder = this.renderRoot.querySelector('.screens')!
    for (const screen of this.screens) {
      if (!screen.element.isConnected) holder.append(screen.element)
      screen.element.hidden = screen !== this.current
    }
    const screen = this.current
    if (!screen) return
    screen.open()
    screen.label()
    if (changed.get('current') !== undefined || document.activeElement === document.body) screen.terminal.focus()
  }

  override render(): TemplateResult {
    return html`
      <div class="bar">
        <div role="tablist" aria-label=${t('terminal.tabs')} @keydown=${this.#onTabKey}>${this.screens.map((screen) => {
          const selected = screen === this.current
          return html`<span class="tab ${selected ? 'selected' : ''}">
            <button role="tab" id=${`tab-${screen.number}`} aria-controls="screens" aria-selected=${selected} tabindex=${selected ? 0 : -1} @click=${() => { this.current = screen; screen.terminal.focus() }}>${t('terminal.name', { number: screen.number })}</button>
            ${this.screens.length > 1 ? html`<button class="icon-button close" aria-label=${t('terminal.close', { number: screen.number })} @click=${() => this.#close(screen)}>${icons.close}</button>` : ''}
          </span>`
        })}</div>
        <button class="icon-button" aria-label=${t('terminal.new')} title=${`${t('terminal.new')} (${keyNames('Ctrl+Shift+E')})`} @click=${() => this.#add()}>${icons.plus}</button>
        <button class="icon-button end" aria-label=${t('terminal.search')} title=${`${t('terminal.search')} (${keyNames('Ctrl+Shift+F')})`} aria-expanded=${this.searching} @click=${() => this.searching ? this.#closeSearch() : this.#openSearch()}>${icons.search}</button>
      </div>
      ${this.searching ? html`<div class="search" role="search" @keydown=${(event: KeyboardEvent) => { if (event.key === 'Escape') this.#closeSearch() }}>
        <input type="search" aria-label=${t('terminal.search')} placeholder=${t('terminal.search')} @input=${() => this.#find('next', true)}
          @keydown=${(event: KeyboardEvent) => { if (event.key === 'Enter') this.#find(event.shiftKey ? 'previous' : 'next') }} />
        <button class="icon-button" aria-label=${t('terminal.searchPrevious')} @click=${() => this.#find('previous')}>${icons.up}</button>
        <button class="icon-button" aria-label=${t('terminal.searchNext')} @click=${() => this.#find('next')}>${icons.down}</button>
        <span role="status">${this.found ? '' : t('terminal.noMatch')}</span>
        <button class="icon-button end" aria-label=${t('dialog.close')} @click=${() => this.#closeSearch()}>${icons.close}</button>
      </div>` : ''}
      <div class="screens" id="screens" role="tabpanel" aria-labelledby=${`tab-${this.current?.number}`}></div>
      <div class="keys" role="toolbar" aria-label=${t('terminal.keys')}>${KEYS.map(([label, data]) => html`<button @pointerdown=${(event: Event) => event.preventDefault()} @click=${() => this.#press(data)} aria-pressed=${data === 'ctrl' ? String(this.ctrl) : nothing}>${label}</button>`)}</div>`
  }

  static override styles = [sharedStyles, unsafeCSS(xtermStyles), css`
    :host { display: flex; flex-direction: column; min-height: 0; background: var(--hull); color: var(--hull-ink); }
    :focus-visible { outline-color: #77d0e4; }
    .bar, .search { flex: none; display: flex; align-items: center; gap: 4px; min-height: 38px; padding: 0 8px; border-bottom: 1px solid var(--hull-line); font-size: var(--small); }
    [role='tablist'] { display: flex; min-width: 0; overflow-x: auto; scrollbar-width: none; align-self: stretch; }
    .tab { display: flex; align-items: center; color: var(--hull-soft); border-bottom: 2px solid transparent; margin-bottom: -1px; }
    .tab.selected { color: var(--hull-ink); border-color: #f0a18a; }
    .tab > [role='tab'] { height: 100%; border: 0; background: none; padding: 0 10px; font-weight: 550; white-space: nowrap; }
    .tab .close { min-width: 24px; height: 24px; margin-inline-start: -6px; }
    .tab .close svg { width: 12px; height: 12px; }
    .end { margin-inline-start: auto; }
    .search input { flex: 0 1 240px; min-width: 80px; height: 28px; padding: 0 9px; border: 1px solid #3c505b; border-radius: var(--radius); background: #0b151b; color: var(--hull-ink); }
    .screens { flex: 1; min-height: 0; position: relative; }
    .screen { position: absolute; inset: 8px 4px 4px 12px; }
    .screen[hidden] { display: none; }
    .keys { display: none; flex: none; gap: 4px; padding: 5px 6px; border-top: 1px solid var(--hull-line); overflow-x: auto; scrollbar-width: none; }
    .keys button { flex: 1 0 auto; min-width: 36px; min-height: 36px; padding: 0 8px; border: 1px solid var(--hull-line); border-radius: 6px; background: color-mix(in srgb, var(--hull-ink) 8%, transparent); font: 600 var(--small) var(--mono); }
    .keys button[aria-pressed='true'] { background: #f0a18a; border-color: #f0a18a; color: #13222b; }
    @media (forced-colors: active) {
      .tab, .tab.selected { border-color: transparent; forced-color-adjust: none; background: Canvas; color: CanvasText; }
      .tab.selected { border-color: Highlight; }
      .keys button[aria-pressed='true'] { forced-color-adjust: none; background: Highlight; color: HighlightText; }
    }
    @media (max-width: 759px), (pointer: coarse) { .keys { display: flex; } }
    .xterm { height: 100%; }
    .xterm .xterm-viewport { background: transparent; }
  `]
}
customElements.define('dd-terminal-pane', TerminalPane)

declare global {
  interface HTMLElementTagNameMap { 'dd-terminal-pane': TerminalPane }
}
