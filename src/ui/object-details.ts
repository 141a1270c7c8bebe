import { LitElement, css, html, nothing } from 'lit'
import type { PropertyValues, TemplateResult } from 'lit'
import type { ObjectAddress } from '../host/protocol.ts'
import type { ClusterClient } from './cluster-client.ts'
import { icons } from './icons.ts'
import { Localized, t } from './localization.ts'
import { sharedStyles } from './shared-styles.ts'

type View = 'describe' | 'logs' | 'yaml' | 'events' | 'explain'

/** How often an open view looks again, in milliseconds. */
const REFRESH_MS = 1_500

/** What kubectl says about one object, kept fresh, with the command that says it. */
export class ObjectDetails extends LitElement {
  static override properties = { object: { attribute: false }, view: { state: true }, text: { state: true }, failed: { state: true }, flag: { state: true } }
  declare object: ObjectAddress
  declare view: View
  declare text: string | undefined
  declare failed: boolean
  /** What makes the learner's kubectl reach the cluster that is shown. */
  declare flag: string | undefined
  declare client: ClusterClient
  #timer: ReturnType<typeof setTimeout> | undefined
  #loading = 0

  constructor() {
    super()
    new Localized(this)
    this.view = 'describe'
    this.failed = false
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearTimeout(this.#timer)
    this.#loading++
  }

  focusPane(): void {
    this.renderRoot.querySelector<HTMLElement>('[role=tab][aria-selected=true]')?.focus()
  }

  get #views(): View[] {
    return this.object.kind === 'pod' ? ['describe', 'logs', 'yaml', 'events', 'explain'] : ['describe', 'yaml', 'events', 'explain']
  }

  #argv(): string[] {
    const { kind, name, namespace } = this.object
    const inNamespace = namespace && namespace !== 'default' ? ['-n', namespace] : []
    switch (this.view) {
      case 'describe': return ['kubectl', 'describe', kind, name, ...inNamespace]
      case 'logs': return ['kubectl', 'logs', name, ...inNamespace, '--all-containers', '--tail=500']
      case 'yaml': return ['kubectl', 'get', kind, name, ...inNamespace, '-o', 'yaml']
      case 'explain': return ['kubectl', 'explain', kind]
      case 'events': return ['kubectl', 'events', '--for', `${kind}/${name}`, ...(kind === 'node' ? ['-A'] : inNamespace)]
    }
  }

  override willUpdate(changed: PropertyValues): void {
    if (changed.has('object') && this.view === 'logs' && this.object.kind !== 'pod') this.view = 'describe'
    if (changed.has('object') || changed.has('view')) {
      this.text = undefined
      clearTimeout(this.#timer)
      void this.#load()
    }
  }

  async #load(): Promise<void> {
    const loading = ++this.#loading
    try {
      const { stdout, stderr, code, flag } = await this.client.ask('run', { argv: this.#argv(), cluster: this.client.shownCluster })
      if (loading !== this.#loading) return
      this.flag = flag
      this.failed = code !== 0
      this.text = code === 0 ? stdout : stdout + stderr
    } catch (error) {
      if (loading !== this.#loading) return
      this.failed = true
      this.text = (error as Error).message
    }
    // What a kind of object is doesn't change; where it could not be asked for, it is asked again.
    if (this.view !== 'explain' || this.failed) this.#timer = setTimeout(() => this.#again(), REFRESH_MS)
  }

  #again(): void {
    if (document.hidden) this.#timer = setTimeout(() => this.#again(), REFRESH_MS)
    else void this.#load()
  }

  override updated(changed: PropertyValues): void {
    // Logs stay at their end.
    if (!changed.has('text') || this.view !== 'logs') return
    const pre = this.renderRoot.querySelector('pre')!
    if (changed.get('text') === undefined || pre.scrollTop + pre.clientHeight > pre.scrollHeight - 80) pre.scrollTop = pre.scrollHeight
  }

  readonly #onKey = (event: KeyboardEvent) => {
    if (event.key === 'Escape') this.#close()
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (!step || (event.target as HTMLElement).getAttribute('role') !== 'tab') return
    event.preventDefault()
    const views = this.#views
    this.view = views[(views.indexOf(this.view) + step + views.length) % views.length]!
    void this.updateComplete.then(() => this.focusPane())
  }

  #close(): void {
    this.dispatchEvent(new CustomEvent('close-details'))
  }

  override render(): TemplateResult {
    const { kind, name } = this.object
    const [kubectl, ...words] = this.#argv()
    const command = [kubectl, ...(this.flag ? [this.flag] : []), ...words].join(' ')
    const empty = this.text?.trim() === '' ? t(this.view === 'logs' ? 'details.noLogs' : 'details.noEvents') : undefined
    return html`<div class="all" role="region" aria-label=${t('details.label', { kind, name })} @keydown=${this.#onKey}>
      <div class="bar"><span class="stencil">${kind}</span><b title=${name}>${name}</b>
        <button class="icon-button" aria-label=${t('details.close')} title=${`${t('details.close')} (Esc)`} @click=${() => this.#close()}>${icons.close}</button></div>
      <div role="tablist" aria-label=${t('details.label', { kind, name })}>${this.#views.map((view) => html`
        <button role="tab" aria-selected=${view === this.view} tabindex=${view === this.view ? 0 : -1} @click=${() => { this.view = view }}>${t(`details.${view}`)}</button>`)}</div>
      <pre role="tabpanel" tabindex="0" class=${this.failed ? 'failed' : this.view === 'explain' ? 'explain' : ''} aria-busy=${this.text === undefined} aria-label=${t(`details.${this.view}`)}>${empty ?? this.text ?? nothing}</pre>
      <div class="command"><span class="visually-hidden">${t('details.command')}</span><code>$ ${command}</code>
        <button class="icon-button" aria-label=${`${t('lesson.run')}: ${command}`} title=${t('lesson.run')} @click=${() => this.dispatchEvent(new CustomEvent('run-commands', { detail: { commands: command }, bubbles: true, composed: true }))}>${icons.play}</button></div>
    </div>`
  }

  static override styles = [sharedStyles, css`
    :host { display: flex; min-height: 0; border-top: 1px solid var(--line-strong); background: var(--raised); }
    .all { flex: 1; min-width: 0; display: flex; flex-direction: column; }
    .bar { flex: none; display: flex; align-items: center; gap: 8px; min-height: 38px; padding: 0 8px 0 16px; }
    .bar b { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font: 600 var(--small) var(--mono); }
    .bar .icon-button { margin-inline-start: auto; }
    [role='tablist'] { flex: none; display: flex; flex-wrap: wrap; gap: 0; padding: 0 9px; border-bottom: 1px solid var(--line); }
    [role='tab'] { min-height: 32px; padding: 2px 5px; border: 0; border-bottom: 2px solid transparent; margin-bottom: -1px; background: none; color: var(--ink-soft); font-size: var(--small); font-weight: 550; }
    [role='tab'][aria-selected='true'] { color: var(--ink); border-color: var(--lead); }
    pre { flex: 1; min-height: 0; margin: 0; padding: 12px 16px; overflow: auto; font-size: 12.5px; line-height: 1.5; overscroll-behavior: contain; }
    pre:focus-visible { outline-offset: -2px; }
    pre.explain { white-space: pre-wrap; }
    pre.failed { color: var(--bad); white-space: pre-wrap; }
    .command { flex: none; display: flex; align-items: center; padding: 3px 6px 3px 16px; background: var(--hull); color: var(--hull-ink); }
    .command code { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 12px; }
    .command button { color: #f0a18a; }
    @media (forced-colors: active) {
      .command button { color: ButtonText; }
      [role='tab'] { border-color: transparent; forced-color-adjust: none; background: Canvas; color: CanvasText; }
      [role='tab'][aria-selected='true'] { border-color: Highlight; }
    }
    .command :focus-visible { outline-color: #77d0e4; outline-offset: -2px; }
  `]
}
customElements.define('dd-object-details', ObjectDetails)

declare global {
  interface HTMLElementTagNameMap { 'dd-object-details': ObjectDetails }
}
