import { LitElement, css, html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import type { Operations } from '../host/protocol.ts'
import { clusterNowMs } from './cluster-client.ts'
import type { ClusterClient } from './cluster-client.ts'
import { icons } from './icons.ts'
import { Localized, language, t, timeOfDay } from './localization.ts'
import { sharedStyles } from './shared-styles.ts'

const SPEEDS = [0.25, 0.5, 1, 2, 5, 10, 60]

/** Shows the cluster's time and lets it pause, step, and run at another speed. */
class ClockControls extends LitElement {
  static override properties = { busy: { state: true } }
  declare busy: boolean
  declare client: ClusterClient
  #timer: ReturnType<typeof setInterval> | undefined

  constructor() {
    super()
    this.busy = false
    new Localized(this)
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.client.on('clock', () => this.requestUpdate())
    this.#timer = setInterval(() => { if (!document.hidden) this.#showTime() }, 250)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearInterval(this.#timer)
  }

  /** Only the digits, not the whole component, four times a second. */
  #showTime(): void {
    const output = this.renderRoot.querySelector('time')
    const nowMs = clusterNowMs(this.client)
    if (!output || nowMs === undefined) return
    const date = new Date(nowMs)
    const text = timeOfDay(date)
    if (output.textContent !== text) output.textContent = text
    output.dateTime = date.toISOString()
    output.title = date.toLocaleString(language())
  }

  async #set(ask: Operations['clock']['ask']): Promise<void> {
    this.busy = true
    try {
      await this.client.ask('clock', ask)
    } catch {
      // A restart meanwhile: the new worker tells its own time.
    } finally {
      this.busy = false
    }
  }

  override updated(): void {
    this.#showTime()
  }

  override render(): TemplateResult {
    const { clock } = this.client
    if (!clock) return html``
    const paused = clock.mode === 'paused'
    return html`<div role="group" aria-label=${t('clock.label')} class=${paused ? 'paused' : ''}>
      <time aria-label=${t('clock.time')}></time>
      <button class="icon-button" aria-label=${t(paused ? 'clock.resume' : 'clock.pause')} title=${t(paused ? 'clock.resume' : 'clock.pause')} ?disabled=${this.busy}
        @click=${() => this.#set({ mode: paused ? 'running' : 'paused' })}>${paused ? icons.play : icons.pause}</button>
      ${paused ? html`
        <button class="icon-button step" title=${t('clock.step', { seconds: 1 })} aria-label=${t('clock.step', { seconds: 1 })} ?disabled=${this.busy} @click=${() => this.#set({ stepMs: 1_000 })}>+1s</button>
        <button class="icon-button step" title=${t('clock.step', { seconds: 10 })} aria-label=${t('clock.step', { seconds: 10 })} ?disabled=${this.busy} @click=${() => this.#set({ stepMs: 10_000 })}>+10s</button>
        <button class="icon-button step" title=${t('clock.stepMinute')} aria-label=${t('clock.stepMinute')} ?disabled=${this.busy} @click=${() => this.#set({ stepMs: 60_000 })}>+1m</button>` : nothing}
      ${paused ? nothing : html`<label><span class="visually-hidden">${t('clock.speed')}</span>
        <select title=${t('clock.speed')} @change=${(event: Event) => this.#set({ scale: Number((event.target as HTMLSelectElement).value) })}>
          ${(SPEEDS.includes(clock.scale) ? SPEEDS : [...SPEEDS, clock.scale].sort((a, b) => a - b)).map((speed) => html`<option value=${speed} ?selected=${speed === clock.scale}>${t('clock.times', { factor: speed.toLocaleString(language()) })}</option>`)}
        </select></label>`}
    </div>`
  }

  static override styles = [sharedStyles, css`
    div { display: flex; align-items: center; gap: 2px; }
    time { font: 550 var(--small) / 1 var(--mono); font-variant-numeric: tabular-nums; padding-inline-end: 4px; min-width: 8.2ch; text-align: end; }
    .paused time { color: var(--waiting); }
    .step { font: 550 var(--tiny) / 1 var(--mono); }
    select { border: 1px solid transparent; border-radius: var(--radius); background: var(--surface); font-size: var(--small); padding: 4px 0; }
    select:hover { border-color: var(--line-strong); }
  `]
}
customElements.define('dd-clock-controls', ClockControls)

declare global {
  interface HTMLElementTagNameMap { 'dd-clock-controls': ClockControls }
}
