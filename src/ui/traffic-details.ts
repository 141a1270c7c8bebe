import { LitElement, css, html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import type { ServiceTraffic, TrafficPath, TrafficTarget } from '../host/service-traffic.ts'
import type { ClusterClient } from './cluster-client.ts'
import { icons } from './icons.ts'
import { Localized, textsOf } from './localization.ts'
import { trafficTexts } from './messages/traffic.ts'
import { overviewStyles } from './overview-styles.ts'
import { sharedStyles } from './shared-styles.ts'

/** How often it looks again, in milliseconds. */
const REFRESH_MS = 2_000
const text = textsOf(trafficTexts)

/** The way of a packet from a node to a Service's pods, by the node's own rules and routes, kept fresh. */
class TrafficDetails extends LitElement {
  static override properties = { traffic: { state: true }, problem: { state: true } }
  declare traffic: ServiceTraffic | undefined
  declare problem: string | undefined
  declare client: ClusterClient
  #wanted: { service?: string; node?: string } = {}
  #timer: ReturnType<typeof setTimeout> | undefined
  #loading = 0

  constructor() {
    super()
    new Localized(this)
  }

  override connectedCallback(): void {
    super.connectedCallback()
    void this.#load()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearTimeout(this.#timer)
    this.#loading++
  }

  focusPane(): void {
    this.renderRoot.querySelector<HTMLElement>('h2')?.focus()
  }

  async #load(): Promise<void> {
    clearTimeout(this.#timer)
    const loading = ++this.#loading
    try {
      const traffic = await this.client.ask('traffic', { cluster: this.client.shownCluster, ...this.#wanted })
      if (loading !== this.#loading) return
      this.traffic = traffic
      this.problem = undefined
    } catch (error) {
      if (loading !== this.#loading) return
      this.problem = text('failed', { message: (error as Error).message })
    }
    this.#timer = setTimeout(() => this.#again(), REFRESH_MS)
  }

  #again(): void {
    if (document.hidden) this.#timer = setTimeout(() => this.#again(), REFRESH_MS)
    else void this.#load()
  }

  #want(what: 'service' | 'node', value: string): void {
    this.#wanted = { ...this.#wanted, [what]: value }
    void this.#load()
  }

  #close(): void {
    this.dispatchEvent(new CustomEvent('close-details'))
  }

  override render(): TemplateResult {
    return html`<div class="all" role="region" aria-label=${text('title')} @keydown=${(event: KeyboardEvent) => { if (event.key === 'Escape') this.#close() }}>
      <div class="bar"><h2 tabindex="-1">${text('title')}</h2>
        <button class="icon-button" aria-label=${text('close')} title=${`${text('close')} (Esc)`} @click=${() => this.#close()}>${icons.close}</button></div>
      <div class="content" tabindex="0">
        <p class="about">${text('about')}</p>
        ${this.problem ? html`<p class="problem" role="alert">${this.problem}</p>` : nothing}
        ${this.traffic ? this.#renderTraffic(this.traffic) : this.problem ? nothing : html`<p class="about">${text('loading')}</p>`}
      </div>
    </div>`
  }

  #renderTraffic({ services, nodes, service, node, dnsName, clusterIP, paths }: ServiceTraffic): TemplateResult {
    if (nodes.length === 0) return html`<p class="none">${text('noNodes')}</p>`
    if (services.length === 0) return html`<p class="none">${text('noServices')}</p>`
    return html`<div class="choose">${this.#renderSelect('node', nodes, node)}${this.#renderSelect('service', services, service)}</div>
      <ol class="steps"><li><b>${text('name')}</b><small>${text('name.text', { name: dnsName ?? '', address: clusterIP ?? '' })}</small></li></ol>
      ${paths.map((path) => this.#renderPath(path, node))}`
  }

  #renderSelect(what: 'service' | 'node', values: readonly string[], chosen: string | undefined): TemplateResult {
    return html`<label>${text(what)} <select @change=${(event: Event) => this.#want(what, (event.target as HTMLSelectElement).value)}>${values.map((value) => html`<option value=${value} .selected=${value === chosen}>${value}</option>`)}</select></label>`
  }

  #renderPath({ port, entry, refusal, targets }: TrafficPath, from: string | undefined): TemplateResult {
    return html`<section aria-label=${port}><h3>${port}</h3><ol class="steps">
      ${entry ? html`<li><b>${text('entry')}</b><code>${entry}</code></li>` : nothing}
      ${refusal ? html`<li class="bad"><b>${text('refusal')}</b><code>${refusal}</code><small>${text('refusal.text')}</small></li>` : nothing}
      ${!entry && !refusal ? html`<li class="bad"><small>${text('noRules')}</small></li>` : nothing}
      ${targets.length > 0 ? html`<li><b>${targets.length === 1 ? text('only') : text('choice', { count: targets.length })}</b>${targets.map((target) => this.#renderTarget(target, from))}</li>` : nothing}
    </ol></section>`
  }

  #renderTarget({ address, share, choice, translation, pod, node, route }: TrafficTarget, from: string | undefined): TemplateResult {
    return html`<details>
      <summary><span class="pod">${pod ?? address}</span><small>${node === undefined ? nothing : node === from ? text('here') : text('there', { node })}</small><span class="share">${text('chance', { percent: Math.round(share * 100) })}</span></summary>
      <code>${choice}</code>
      <small>${text('translation', { address })}</small><code>${translation}</code>
      <small>${text('route')}</small>${route ? html`<code>${route}</code>` : html`<small class="problem">${text('noRoute')}</small>`}
    </details>`
  }

  static override styles = [sharedStyles, overviewStyles, css`
    .choose { display: flex; flex-wrap: wrap; gap: 6px 12px; margin-bottom: 10px; }
    label { display: flex; align-items: center; gap: 6px; min-width: 0; color: var(--ink-soft); font-size: var(--small); }
    select { min-width: 0; max-width: 100%; min-height: 28px; border: 1px solid var(--line-strong); border-radius: 4px; background: var(--raised); color: var(--ink); font: 12.5px var(--mono); }
    h3 { margin: 6px 0 2px; font: 600 var(--small) var(--mono); }
    .steps > li.bad::before { background: var(--bad); }
    code { display: block; margin: 2px 0; padding: 4px 8px; border-radius: 4px; background: var(--paper); font: 12px/1.45 var(--mono); overflow-wrap: anywhere; }
    small { display: block; color: var(--ink-soft); font-size: var(--tiny); overflow-wrap: anywhere; }
    details { margin: 4px 0; }
    summary { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 10px; min-height: 26px; padding: 3px 8px; border-radius: 5px; background: var(--paper); }
    summary small { display: inline; }
    .pod { font: 12.5px var(--mono); overflow-wrap: anywhere; }
    .share { margin-inline-start: auto; font-variant-numeric: tabular-nums; }
    @media (pointer: coarse) { summary { min-height: 40px; align-items: center; } select { min-height: 40px; } }
  `]
}
customElements.define('dd-traffic-details', TrafficDetails)

declare global {
  interface HTMLElementTagNameMap { 'dd-traffic-details': TrafficDetails }
}
