import { LitElement, css, html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import type { Failure } from '../host/protocol.ts'
import type { ClusterClient } from './cluster-client.ts'
import './confirm-dialog.ts'
import { Localized, t } from './localization.ts'
import { saveFile } from './save-file.ts'
import { sharedStyles } from './shared-styles.ts'

/** Shown instead of the panes when there is no cluster: says why, and offers the ways out. */
class FailurePage extends LitElement {
  static override properties = { failure: { attribute: false }, problem: { state: true } }
  declare failure: Failure
  declare problem: string | undefined
  declare client: ClusterClient

  constructor() {
    super()
    new Localized(this)
  }

  async #export(): Promise<void> {
    try {
      const { name, data } = await this.client.ask('export', {})
      saveFile(name, data)
    } catch (error) {
      this.problem = (error as Error).message
    }
  }

  async #reset(): Promise<void> {
    if (!await this.renderRoot.querySelector('dd-confirm-dialog')!.ask({ title: t('reset.title'), text: t('reset.text'), confirm: t('reset.confirm'), danger: true })) return
    try {
      await this.client.ask('reset', {})
    } catch (error) {
      this.problem = (error as Error).message
    }
  }

  override render(): TemplateResult {
    const { kind, message } = this.failure
    return html`<main>
      <img src="./icon.svg" alt="" width="44" height="44" />
      <h1>${t(`failure.title.${kind}`)}</h1>
      <p>${t(`failure.text.${kind}`)}</p>
      <div class="buttons">
        <button class="button primary" @click=${() => location.reload()}>${t('failure.retry')}</button>
        ${kind === 'denied' ? nothing : html`<button class="button" @click=${this.#export}>${t('failure.export')}</button>
        <button class="button" @click=${this.#reset}>${t('failure.reset')}</button>`}
      </div>
      <p role="alert" class="problem">${this.problem ?? ''}</p>
      <details><summary>${t('failure.details')}</summary><pre>${message}</pre></details>
      <dd-confirm-dialog></dd-confirm-dialog>
    </main>`
  }

  static override styles = [sharedStyles, css`
    :host { display: grid; place-items: center; min-height: 100%; padding: 24px; overflow: auto; }
    main { width: min(560px, 100%); }
    h1 { margin: 18px 0 8px; font-size: 26px; line-height: 1.2; letter-spacing: -0.015em; text-wrap: balance; }
    p { margin: 0 0 20px; color: var(--ink-soft); }
    .buttons { display: flex; flex-wrap: wrap; gap: 8px; margin-bottom: 20px; }
    .problem { color: var(--bad); }
    .problem:empty { display: none; }
    summary { cursor: pointer; color: var(--ink-soft); font-size: var(--small); }
    pre { padding: 12px; background: var(--sunken); border-radius: var(--radius); overflow: auto; white-space: pre-wrap; }
  `]
}
customElements.define('dd-failure-page', FailurePage)

declare global {
  interface HTMLElementTagNameMap { 'dd-failure-page': FailurePage }
}
