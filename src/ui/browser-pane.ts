import { LitElement, css, html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import type { ClusterClient } from './cluster-client.ts'
import { icons } from './icons.ts'
import { Localized, t } from './localization.ts'
import { selfContained } from './sandboxed-page.ts'
import type { Load, PageAnswer } from './sandboxed-page.ts'
import { sharedStyles } from './shared-styles.ts'

interface Visit {
  url: string
  method?: string
  body?: string
}

/** How long the sandboxed frame may take to come, in milliseconds. */
const FRAME_MS = 1_500

/**
 * The sandbox's browser: pages that programs of the cluster serve, fetched by the laptop through the simulated network. What they hold is
 * not trusted: HTML runs in a frame without an origin, that can reach nothing but this network.
 */
class BrowserPane extends LitElement {
  static override properties = { url: { state: true }, answer: { state: true }, problem: { state: true }, loading: { state: true }, at: { state: true } }
  declare url: string
  declare answer: PageAnswer | undefined
  declare problem: string | undefined
  declare loading: boolean
  declare at: number
  declare client: ClusterClient
  #visits: Visit[] = []
  #turn = 0

  constructor() {
    super()
    new Localized(this)
    this.url = ''
    this.loading = false
    this.at = -1
  }

  override connectedCallback(): void {
    super.connectedCallback()
    addEventListener('message', this.#onMessage)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    removeEventListener('message', this.#onMessage)
  }

  focusPane(): void {
    this.renderRoot.querySelector<HTMLInputElement>('.address input')?.focus()
  }

  /** Opens an address. */
  async visit(url: string, init: Omit<Visit, 'url'> = {}): Promise<void> {
    const full = /^[a-z]+:\/\//i.test(url) ? url : `http://${url}`
    this.#visits = [...this.#visits.slice(0, this.at + 1), { url: full, ...init }]
    this.at = this.#visits.length - 1
    await this.#show()
  }

  readonly #load: Load = async (url, init = {}) => {
    const { status, url: final, headers, body } = await this.client.ask('browse', { url, method: init.method ?? 'GET', headers: init.headers ?? [], ...(init.body === undefined ? {} : { body: init.body }) })
    return { status, url: final, contentType: headers.find(([name]) => name === 'content-type')?.[1] ?? '', body }
  }

  async #show(): Promise<void> {
    const visit = this.#visits[this.at]
    if (!visit) return
    const turn = ++this.#turn
    this.url = visit.url
    this.loading = true
    this.problem = undefined
    try {
      const answer = await this.#load(visit.url, { method: visit.method ?? 'GET', ...(visit.body === undefined ? {} : { body: visit.body, headers: [['content-type', 'application/x-www-form-urlencoded']] as [string, string][] }) })
      if (turn !== this.#turn) return
      this.answer = answer
      this.url = answer.url
      if (/\bhtml\b/.test(answer.contentType)) await this.#frame(answer, turn)
    } catch (error) {
      if (turn !== this.#turn) return
      this.answer = undefined
      this.problem = (error as Error).message
    } finally {
      if (turn === this.#turn) this.loading = false
    }
  }

  #pending: string | undefined

  /** A new frame for every page, so that nothing of the one before is left. */
  async #frame(answer: PageAnswer, turn: number): Promise<void> {
    const page = await selfContained(answer, this.#load)
    if (turn !== this.#turn) return
    await this.updateComplete
    const holder = this.renderRoot.querySelector('.page')!
    holder.replaceChildren()
    const frame = document.createElement('iframe')
    frame.title = t('browser.page', { url: answer.url })
    frame.setAttribute('sandbox', 'allow-scripts allow-forms')
    frame.referrerPolicy = 'no-referrer'
    frame.src = './sandbox-frame.html'
    this.#pending = page
    holder.append(frame)
    clearTimeout(this.#patience)
    this.#patience = setTimeout(() => { if (this.#pending === page && turn === this.#turn) this.#showStill(answer, page, holder) }, FRAME_MS)
  }

  #patience: ReturnType<typeof setTimeout> | undefined

  /**
   * Without a network there is no sandboxed frame to be had: a service worker doesn't serve what has no origin. Then the page is shown without
   * its scripts, in a frame that may run none, and its links and forms are followed from here.
   */
  #showStill(answer: PageAnswer, page: string, holder: Element): void {
    this.#pending = undefined
    const frame = document.createElement('iframe')
    frame.title = t('browser.page', { url: answer.url })
    frame.setAttribute('sandbox', 'allow-same-origin allow-forms')
    frame.referrerPolicy = 'no-referrer'
    frame.srcdoc = page
    frame.addEventListener('load', () => {
      const shown = frame.contentDocument
      shown?.addEventListener('click', (event) => {
        const link = (event.target as Element | null)?.closest?.('a[href]')?.getAttribute('href')
        if (!link || link.startsWith('#')) return
        event.preventDefault()
        const url = new URL(link, answer.url)
        if (/^https?:$/.test(url.protocol)) void this.visit(url.href)
      })
      shown?.addEventListener('submit', (event) => {
        event.preventDefault()
        const form = event.target as HTMLFormElement
        const fields = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)])).toString()
        const url = new URL(form.getAttribute('action') ?? '', answer.url)
        const isGet = (form.getAttribute('method') ?? 'get').toLowerCase() !== 'post'
        if (isGet) url.search = fields
        void this.visit(url.href, isGet ? {} : { method: 'POST', body: fields })
      })
    })
    holder.replaceChildren(frame)
  }

  readonly #onMessage = (event: MessageEvent<{ type?: string; id?: number; url?: string; method?: string; headers?: [string, string][]; body?: string } | undefined>) => {
    const frame = this.renderRoot.querySelector('iframe')
    if (!frame || event.source !== frame.contentWindow || typeof event.data !== 'object') return
    const { data } = event
    const send = (message: object) => frame.contentWindow?.postMessage(message, '*')
    switch (data?.type) {
      case 'frame-ready':
        send({ type: 'page', html: this.#pending })
        this.#pending = undefined
        return
      case 'go':
        if (typeof data.url === 'string' && /^https?:/.test(data.url)) void this.visit(data.url, { ...(typeof data.method === 'string' ? { method: data.method } : {}), ...(typeof data.body === 'string' ? { body: data.body } : {}) })
        return
      case 'ask': {
        const { id } = data
        if (typeof data.url !== 'string') return
        this.#load(data.url, { method: String(data.method ?? 'GET'), headers: Array.isArray(data.headers) ? data.headers.map(([name, value]) => [String(name), String(value)]) : [], ...(typeof data.body === 'string' ? { body: data.body } : {}) }).then(
          ({ status, contentType, body }) => send({ type: 'answer', id, status, contentType, body: body.slice().buffer }),
          (error: unknown) => send({ type: 'answer', id, error: (error as Error).message }),
        )
      }
    }
  }

  #step(by: number): void {
    if (!this.#visits[this.at + by]) return
    this.at += by
    void this.#show()
  }

  override render(): TemplateResult {
    const isPage = this.answer !== undefined && /\bhtml\b/.test(this.answer.contentType)
    return html`
      <form class="bar" role="search" aria-label=${t('pane.browser')} @submit=${(event: SubmitEvent) => { event.preventDefault(); void this.visit(new FormData(event.target as HTMLFormElement).get('url')!.toString().trim()) }}>
        <button type="button" class="icon-button" aria-label=${t('browser.back')} title=${t('browser.back')} ?disabled=${this.at <= 0} @click=${() => this.#step(-1)}>${icons.left}</button>
        <button type="button" class="icon-button" aria-label=${t('browser.forward')} title=${t('browser.forward')} ?disabled=${this.at >= this.#visits.length - 1} @click=${() => this.#step(1)}>${icons.right}</button>
        <button type="button" class="icon-button" aria-label=${t('browser.reload')} title=${t('browser.reload')} ?disabled=${this.at < 0} @click=${() => void this.#show()}>${icons.reload}</button>
        <label class="address"><span class="visually-hidden">${t('browser.address')}</span><input name="url" type="text" inputmode="url" autocapitalize="off" autocomplete="off" spellcheck="false" placeholder="http://localhost:8080" .value=${this.url} /></label>
        <button type="button" class="icon-button" aria-label=${t('browser.close')} title=${t('browser.close')} @click=${() => this.dispatchEvent(new CustomEvent('close-browser'))}>${icons.close}</button>
        <div class="progress" ?hidden=${!this.loading}></div>
      </form>
      <div class="page" ?hidden=${!isPage || this.problem !== undefined}></div>
      ${this.problem !== undefined ? html`<div class="note" role="alert"><h2>${t('browser.unreachable')}</h2><p>${this.problem}</p><p class="quiet">${t('browser.hint')}</p></div>`
        : this.answer === undefined ? html`<div class="note"><p class="quiet">${t('browser.empty')}</p></div>`
        : isPage ? nothing
        : html`<pre tabindex="0" aria-label=${t('browser.page', { url: this.answer.url })}>${new TextDecoder().decode(this.answer.body)}</pre>`}
      ${this.answer && this.answer.status >= 400 ? html`<div class="status" role="status">HTTP ${this.answer.status}</div>` : nothing}`
  }

  static override styles = [sharedStyles, css`
    :host { display: flex; flex-direction: column; min-height: 0; background: var(--raised); color: var(--ink); position: relative; }
    .bar { flex: none; position: relative; display: flex; align-items: center; gap: 2px; min-height: 40px; margin: 0; padding: 0 6px; border-bottom: 1px solid var(--line); background: var(--surface); }
    .address { flex: 1; min-width: 0; margin-inline: 6px; }
    .address input { width: 100%; height: 28px; padding: 0 12px; border: 1px solid var(--line); border-radius: 14px; background: var(--raised); font: var(--small) var(--mono); }
    .progress { position: absolute; inset: auto 0 -1px 0; height: 2px; background: linear-gradient(90deg, transparent, var(--accent), transparent); background-size: 40% 100%; background-repeat: no-repeat; animation: run 1s linear infinite; }
    @keyframes run { from { background-position: -40% 0; } to { background-position: 140% 0; } }
    .page { flex: 1; min-height: 0; display: flex; background: #fff; }
    iframe { flex: 1; border: 0; background: #fff; color-scheme: light; }
    pre { flex: 1; min-height: 0; overflow: auto; margin: 0; padding: 14px 16px; font-size: var(--small); white-space: pre-wrap; overflow-wrap: anywhere; }
    .note { margin: auto; max-width: 46ch; padding: 24px; text-align: center; }
    .note h2 { margin: 0 0 8px; font-size: 18px; }
    .note p { margin: 0 0 8px; }
    .status { position: absolute; inset-inline-end: 12px; bottom: 10px; padding: 3px 10px; border-radius: 12px; background: var(--bad-soft); color: var(--bad); font: 600 var(--tiny) var(--mono); }
  `]
}
customElements.define('dd-browser-pane', BrowserPane)

declare global {
  interface HTMLElementTagNameMap { 'dd-browser-pane': BrowserPane }
}
