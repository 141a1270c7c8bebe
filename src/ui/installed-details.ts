import { LitElement, css, html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import type { VersionComparison } from '../host/deployment-versions.ts'
import type { Installed, InstalledItem, InstalledSection } from '../host/installed.ts'
import type { ClusterClient } from './cluster-client.ts'
import { clusterName } from './cluster-names.ts'
import { healthMark, icons } from './icons.ts'
import { Localized, textsOf } from './localization.ts'
import { installedTexts } from './messages/installed.ts'
import { sharedStyles } from './shared-styles.ts'

/** How often it looks again, in milliseconds. */
const REFRESH_MS = 3_000

/** The commands that show the same. */
const COMMANDS: Readonly<Record<InstalledSection, string>> = {
  runtime: 'get nodes -o wide',
  network: 'get daemonsets -A -o wide',
  storage: 'get storageclasses,csidrivers,csinodes',
  dns: 'get services,deployments,pods -n kube-system -l k8s-app=kube-dns -o wide',
  ingress: 'get ingressclasses',
  metrics: 'get apiservices',
}
const SECTIONS = Object.keys(COMMANDS) as InstalledSection[]
const text = textsOf(installedTexts)

type View = 'title' | 'images'

/** What a cluster consists of besides its pods, and what the Deployments of several clusters run, kept fresh. */
class InstalledDetails extends LitElement {
  static override properties = { view: { state: true }, installed: { state: true }, versions: { state: true }, problem: { state: true } }
  declare view: View
  declare installed: Installed | undefined
  declare versions: VersionComparison | undefined
  declare problem: string | undefined
  declare client: ClusterClient
  #timer: ReturnType<typeof setTimeout> | undefined
  #loading = 0
  #stop = () => {}

  constructor() {
    super()
    new Localized(this)
    this.view = 'title'
  }

  override connectedCallback(): void {
    super.connectedCallback()
    void this.#load()
    this.#stop = this.client.on('clusters', () => {
      if (this.client.clusters.length < 2) this.view = 'title'
      this.requestUpdate()
    })
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearTimeout(this.#timer)
    this.#loading++
    this.#stop()
  }

  focusPane(): void {
    this.renderRoot.querySelector<HTMLElement>('[role=tab][aria-selected=true]')?.focus()
  }

  get #views(): View[] {
    return this.client.clusters.length > 1 ? ['title', 'images'] : ['title']
  }

  #choose(view: View): void {
    this.view = view
    clearTimeout(this.#timer)
    void this.#load()
  }

  async #load(): Promise<void> {
    const loading = ++this.#loading
    const isWanted = () => loading === this.#loading
    try {
      if (this.view === 'images') {
        const versions = await this.client.ask('versions', {})
        if (isWanted()) this.versions = versions
      } else {
        const installed = await this.client.ask('installed', { cluster: this.client.shownCluster })
        if (isWanted()) this.installed = installed
      }
      if (isWanted()) this.problem = undefined
    } catch (error) {
      if (isWanted()) this.problem = text('failed', { message: (error as Error).message })
    }
    if (isWanted()) this.#timer = setTimeout(() => this.#again(), REFRESH_MS)
  }

  #again(): void {
    if (document.hidden) this.#timer = setTimeout(() => this.#again(), REFRESH_MS)
    else void this.#load()
  }

  readonly #onKey = (event: KeyboardEvent) => {
    if (event.key === 'Escape') this.#close()
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (!step || (event.target as HTMLElement).getAttribute('role') !== 'tab') return
    event.preventDefault()
    const views = this.#views
    this.#choose(views[(views.indexOf(this.view) + step + views.length) % views.length]!)
    void this.updateComplete.then(() => this.focusPane())
  }

  #close(): void {
    this.dispatchEvent(new CustomEvent('close-details'))
  }

  override render(): TemplateResult {
    return html`<div class="all" role="region" aria-label=${text('title')} @keydown=${this.#onKey}>
      <div class="bar">
        <div role="tablist" aria-label=${text('title')}>${this.#views.map((view) => html`
          <button role="tab" aria-selected=${view === this.view} tabindex=${view === this.view ? 0 : -1} @click=${() => this.#choose(view)}>${text(`tab.${view}`)}</button>`)}</div>
        <button class="icon-button" aria-label=${text('close')} title=${`${text('close')} (Esc)`} @click=${() => this.#close()}>${icons.close}</button>
      </div>
      <div class="content" role="tabpanel" tabindex="0" aria-label=${text(`tab.${this.view}`)}>
        ${this.problem ? html`<p class="problem">${this.problem}</p>` : nothing}
        ${this.view === 'images' ? this.#renderVersions() : this.#renderSections()}
      </div>
    </div>`
  }

  #renderSections(): TemplateResult {
    const { installed } = this
    if (!installed) return html`<p class="quiet">${this.problem ? nothing : text('loading')}</p>`
    return html`${SECTIONS.map((section) => {
      const items = installed.sections[section]
      const command = `kubectl ${installed.flag ? `${installed.flag} ` : ''}${COMMANDS[section]}`
      return html`<section aria-labelledby=${section}>
        <div class="head"><h3 id=${section}>${text(section)}</h3>
          <button class="icon-button" aria-label=${`${text('run')}: ${command}`} title=${`${text('run')}: ${command}`} @click=${() => this.dispatchEvent(new CustomEvent('run-commands', { detail: { commands: command }, bubbles: true, composed: true }))}>${icons.play}</button></div>
        <p class="about">${text(`about.${section}`)}</p>
        ${items.length === 0 ? html`<p class="none">${text(`none.${section}`)}</p>` : html`<ul>${items.map((item) => this.#renderItem(item))}</ul>`}
        ${section === 'network' && installed.networkProblem ? html`<p class="problem">${installed.networkProblem}</p>` : nothing}
      </section>`
    })}`
  }

  #renderItem({ name, object, facts, isDefault, health, ready }: InstalledItem): TemplateResult {
    const title = html`${health ? html`<span class=${health}>${healthMark(health)}</span>` : nothing}<b>${name}</b>`
    return html`<li>
      <div class="item">${object ? html`<button title=${`${object.kind} ${name}`} @click=${() => this.dispatchEvent(new CustomEvent('show-details', { detail: object }))}>${title}</button>` : html`<span>${title}</span>`}
        ${isDefault ? html`<small class="badge">${text('default')}</small>` : nothing}${ready ? html`<small class="ready">${text('ready', { value: ready })}</small>` : nothing}</div>
      <small>${facts.map(([fact, value]) => html`<span class=${fact}>${fact === 'nodes' && value === '1' ? text('node') : text(fact, { value })}</span>`)}</small>
    </li>`
  }

  #renderVersions(): TemplateResult {
    const { versions } = this
    if (!versions) return html`<p class="quiet">${this.problem ? nothing : text('loading')}</p>`
    const clusters = this.client.clusters.filter(({ state }) => state === 'running')
    const { deployments, more, silent } = versions
    return html`<p class="about">${text('compare')}</p>${deployments.length === 0 ? html`<p class="none">${text('noDeployments')}</p>` : deployments.map(({ namespace, name, images }) => {
      const there = clusters.flatMap(({ id }) => images[id] ? [images[id].join()] : [])
      const kinds = new Set(there)
      return html`<section aria-label=${`${namespace}/${name}`}>
        <div class="head"><h3>${namespace === 'default' ? name : `${namespace}/${name}`}</h3><small class=${kinds.size > 1 ? 'badge differs' : 'ready'}>${kinds.size > 1 ? text('versions', { count: kinds.size }) : there.length === clusters.length ? text('same') : nothing}</small></div>
        <dl>${clusters.map((cluster) => html`<dt>${clusterName(cluster)}</dt><dd>${images[cluster.id]?.map((image) => html`<span>${image}</span>`) ?? html`<span class="none">${text(silent.includes(cluster.id) ? 'silent' : 'missing')}</span>`}</dd>`)}</dl>
      </section>`
    })}${more > 0 ? html`<p class="none">${text('more', { count: more })}</p>` : nothing}`
  }

  static override styles = [sharedStyles, css`
    :host { display: flex; min-height: 0; border-top: 1px solid var(--line-strong); background: var(--raised); }
    .all { flex: 1; min-width: 0; display: flex; flex-direction: column; }
    .bar { flex: none; display: flex; align-items: center; justify-content: space-between; min-height: 38px; padding: 0 8px 0 12px; border-bottom: 1px solid var(--line); }
    [role='tablist'] { display: flex; gap: 2px; align-self: end; min-width: 0; }
    [role='tab'] { min-height: 36px; padding: 2px 9px; border: 0; border-bottom: 2px solid transparent; margin-bottom: -1px; background: none; color: var(--ink-soft); font-size: var(--small); font-weight: 550; white-space: nowrap; }
    [role='tab'][aria-selected='true'] { color: var(--ink); border-color: var(--lead); }
    .content { flex: 1; min-height: 0; overflow: auto; padding: 12px 16px; overscroll-behavior: contain; }
    .content:focus-visible { outline-offset: -2px; }
    section { margin-bottom: 16px; }
    .head { display: flex; align-items: center; gap: 8px; }
    h3 { flex: 1; min-width: 0; margin: 0; font-size: var(--small); font-weight: 650; overflow-wrap: anywhere; }
    p { margin: 0 0 6px; font-size: var(--small); }
    .about, .none { color: var(--ink-soft); }
    .none { font-style: italic; }
    .problem { margin-top: 6px; color: var(--bad); overflow-wrap: anywhere; }
    ul { display: flex; flex-direction: column; gap: 4px; margin: 0; padding: 0; list-style: none; }
    li { padding: 6px 10px 7px; border-radius: 5px; background: var(--paper); }
    .item { display: flex; align-items: center; gap: 8px; }
    .item > button, .item > span { display: flex; align-items: center; gap: 7px; min-width: 0; min-height: 24px; padding: 0; border: 0; background: none; text-align: start; overflow-wrap: anywhere; }
    .item > button:hover b { text-decoration: underline; text-underline-offset: 3px; }
    .item b { font: 600 var(--small) var(--mono); }
    .badge { padding: 0 7px; border-radius: 9px; background: var(--accent-soft); color: var(--ink); font-size: var(--tiny); }
    .differs { background: var(--waiting-soft); }
    .ready { flex: none; margin-inline-start: auto; color: var(--ink-soft); font-size: var(--tiny); }
    .mark { display: block; flex: none; width: 10px; height: 10px; }
    .good { color: var(--good); } .waiting { color: var(--waiting); } .bad { color: var(--bad); }
    li > small { display: flex; flex-wrap: wrap; gap: 0 12px; color: var(--ink-soft); font-size: var(--tiny); overflow-wrap: anywhere; }
    dl { display: grid; grid-template-columns: fit-content(45%) 1fr; gap: 2px 12px; margin: 4px 0 0; font-size: var(--small); }
    dt { color: var(--ink-soft); overflow-wrap: anywhere; }
    dd { margin: 0; min-width: 0; overflow-wrap: anywhere; font: 12.5px var(--mono); }
    dd span { display: block; }
    @media (pointer: coarse) { .item > button { min-height: 34px; } }
  `]
}
customElements.define('dd-installed-details', InstalledDetails)

declare global {
  interface HTMLElementTagNameMap { 'dd-installed-details': InstalledDetails }
}
