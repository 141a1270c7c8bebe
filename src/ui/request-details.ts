import { LitElement, css, html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import type { TraceStep, TracedRequest } from '../host/protocol.ts'
import type { ClusterClient } from './cluster-client.ts'
import { icons } from './icons.ts'
import { Localized, textsOf, timeOfDay } from './localization.ts'
import { requestsTexts } from './messages/requests.ts'
import { overviewStyles } from './overview-styles.ts'
import { sharedStyles } from './shared-styles.ts'

/** How often it asks for more, in milliseconds. */
const REFRESH_MS = 700
/** Paths that say which kinds there are, and whether the server is well: asked so often that the rest would be hard to find. */
const SMALL_TALK = /^\/(?:(?:healthz|livez|readyz|openapi)(?:\/[^?]*)?|version|api(?:\/v1)?|apis(?:\/[^/?]+){0,2})\/?(?:\?|$)/
const text = textsOf(requestsTexts)

/** What the API server is asked for while this is open: who asks, whether they may, what admission makes of it, and what is stored. */
class RequestDetails extends LitElement {
  static override properties = { requests: { state: true }, withSmallTalk: { state: true }, problem: { state: true } }
  declare requests: readonly TracedRequest[]
  declare withSmallTalk: boolean
  declare problem: string | undefined
  declare client: ClusterClient
  #timer: ReturnType<typeof setTimeout> | undefined
  #cluster = ''
  #isClosed = false

  constructor() {
    super()
    new Localized(this)
    this.requests = []
    this.withSmallTalk = false
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#isClosed = false
    this.#cluster = this.client.shownCluster
    void this.#load()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#isClosed = true
    clearTimeout(this.#timer)
    void this.client.ask('requests', { cluster: this.#cluster, follow: false }).catch(() => {})
  }

  focusPane(): void {
    this.renderRoot.querySelector<HTMLElement>('h2')?.focus()
  }

  async #load(): Promise<void> {
    try {
      const { requests } = await this.client.ask('requests', { cluster: this.#cluster, follow: true })
      if (this.#isClosed) return
      this.requests = requests
      this.problem = undefined
    } catch (error) {
      this.problem = text('failed', { message: (error as Error).message })
    }
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#load(), REFRESH_MS)
  }

  override render(): TemplateResult {
    const shown = this.requests.filter(({ uri }) => this.withSmallTalk || !SMALL_TALK.test(uri)).reverse()
    return html`<div class="all" role="region" aria-label=${text('title')} @keydown=${(event: KeyboardEvent) => { if (event.key === 'Escape') this.#close() }}>
      <div class="bar"><h2 tabindex="-1">${text('title')}</h2>
        <button class="icon-button" aria-label=${text('close')} title=${`${text('close')} (Esc)`} @click=${() => this.#close()}>${icons.close}</button></div>
      <div class="content" tabindex="0">
        <p class="about">${text('about')}</p>
        <label><input type="checkbox" .checked=${this.withSmallTalk} @change=${(event: Event) => { this.withSmallTalk = (event.target as HTMLInputElement).checked }} />${text('smallTalk')}</label>
        ${this.problem ? html`<p class="problem" role="alert">${this.problem}</p>` : nothing}
        ${shown.length === 0 ? html`<p class="none">${text('none')}</p>` : html`<ol reversed aria-label=${text('list')}>${repeat(shown, ({ number }) => number, (request) => html`<li>${this.#renderRequest(request)}</li>`)}</ol>`}
      </div>
    </div>`
  }

  #close(): void {
    this.dispatchEvent(new CustomEvent('close-details'))
  }

  #renderRequest({ method, uri, code, tookMs, beganMs, problem, userAgent, steps }: TracedRequest): TemplateResult {
    const isBad = code !== undefined && code >= 400
    const began = new Date(beganMs)
    return html`<details>
      <summary><span class="method">${method}</span><span class="uri">${uri}</span><span class=${isBad ? 'code bad' : 'code'}>${code ?? text('running')}</span></summary>
      <p class="facts"><time datetime=${began.toISOString()}>${timeOfDay(began)}</time>${tookMs === undefined ? nothing : html`<span>${text('took', { ms: Math.round(tookMs) })}</span>`}${userAgent ? html`<span>${text('by', { agent: userAgent })}</span>` : nothing}</p>
      ${problem ? html`<p class="problem">${problem}</p>` : nothing}
      <ol class="steps" aria-label=${text('steps')}>${grouped(steps).map((group) => html`<li class=${group.outcome}>${this.#renderGroup(group)}</li>`)}</ol>
    </details>`
  }

  #renderGroup({ stage, steps, quiet, outcome }: StepGroup): TemplateResult {
    const names = quiet.map(({ name }) => name).join(', ')
    return html`<b>${text(stage)}</b>${outcome === 'refused' ? html` <small class="badge">${text('refused')}</small>` : nothing}
      ${steps.map(({ name, detail, changes, outcome }) => html`<div class="step">${name ? html`<code>${name}</code>` : nothing}${outcome === 'passed' ? nothing : html` <small>${text(outcome)}</small>`}${detail ? html`<small class="detail">${detail}</small>` : nothing}
        ${changes ? html`<ul>${changes.map((change) => html`<li><code>${change}</code>${change.includes(': ') || change === '…' ? nothing : html` <small>${text('removed')}</small>`}</li>`)}</ul>` : nothing}</div>`)}
      ${quiet.length > 0 ? html`<small class="detail">${text(stage === 'mutation' ? 'unchanged' : 'agreed', { count: quiet.length, names })}</small>` : nothing}`
  }

  static override styles = [sharedStyles, overviewStyles, css`
    label { display: flex; align-items: center; gap: 6px; margin-bottom: 8px; color: var(--ink-soft); font-size: var(--tiny); }
    input { margin: 0; accent-color: var(--accent); }
    details { margin-bottom: 4px; border-radius: 5px; background: var(--paper); }
    summary { display: flex; align-items: baseline; gap: 8px; min-height: 30px; padding: 5px 10px; font: 12.5px var(--mono); }
    .method { flex: none; font-weight: 650; }
    .uri { flex: 1; min-width: 0; overflow-wrap: anywhere; }
    .code { flex: none; color: var(--good); }
    .code.bad { color: var(--bad); }
    .facts { display: flex; flex-wrap: wrap; gap: 0 14px; padding: 0 10px; color: var(--ink-soft); font-size: var(--tiny); overflow-wrap: anywhere; }
    details > .problem { padding: 0 10px; }
    .steps { padding: 0 10px 8px 14px; }
    .steps > li.changed::before { background: var(--waiting); }
    .steps > li.refused::before { background: var(--bad); }
    .step { overflow-wrap: anywhere; }
    code { font: 12.5px var(--mono); overflow-wrap: anywhere; }
    small { color: var(--ink-soft); font-size: var(--tiny); overflow-wrap: anywhere; }
    .detail { display: block; }
    .badge { padding: 0 7px; border-radius: 9px; background: var(--waiting-soft); color: var(--ink); }
    .step ul { padding-inline-start: 12px; }
    @media (pointer: coarse) { summary, label { min-height: 40px; } }
  `]
}
customElements.define('dd-request-details', RequestDetails)

interface StepGroup {
  stage: TraceStep['stage']
  /** Worth a line of their own. */
  steps: TraceStep[]
  /** Plugins that had nothing to do. */
  quiet: TraceStep[]
  outcome: TraceStep['outcome']
}

/** Steps of one stage together; of admission plugins only those that did something stand alone. */
function grouped(steps: readonly TraceStep[]): StepGroup[] {
  const groups: StepGroup[] = []
  for (const step of steps) {
    let group = groups.at(-1)
    if (group?.stage !== step.stage) groups.push(group = { stage: step.stage, steps: [], quiet: [], outcome: 'passed' })
    const isQuiet = (step.stage === 'mutation' || step.stage === 'validation') && step.outcome === 'passed' && !step.name.startsWith('webhook ')
    ;(isQuiet ? group.quiet : group.steps).push(step)
    if (step.outcome === 'refused' || group.outcome === 'passed') group.outcome = step.outcome
  }
  return groups
}

declare global {
  interface HTMLElementTagNameMap { 'dd-request-details': RequestDetails }
}
