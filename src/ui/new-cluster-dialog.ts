import { LitElement, css, html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import type { ClusterPreset } from '../host/protocol.ts'
import { FIRST_CLUSTER } from '../host/protocol.ts'
import type { ClusterClient } from './cluster-client.ts'
import { clusterName } from './cluster-names.ts'
import { icons } from './icons.ts'
import { Localized, t, textsOf } from './localization.ts'
import { newClusterTexts } from './messages/new-cluster.ts'
import { saveFile } from './save-file.ts'
import { sharedStyles } from './shared-styles.ts'

const PRESETS: readonly ClusterPreset[] = ['nodes', 'single', 'high-availability', 'no-network', 'raspberry-pi', 'cri-o']
const text = textsOf(newClusterTexts)

/** Asks what the next cluster is to be, and says what is lost for it. */
class NewClusterDialog extends LitElement {
  static override properties = { preset: { state: true }, problem: { state: true }, isBusy: { state: true }, exported: { state: true } }
  declare preset: ClusterPreset
  declare problem: string | undefined
  declare isBusy: boolean
  /** Name of the file that was saved from here. */
  declare exported: string | undefined
  declare client: ClusterClient

  constructor() {
    super()
    new Localized(this)
    this.preset = 'nodes'
    this.isBusy = false
  }

  async open(): Promise<void> {
    this.problem = this.exported = undefined
    this.preset = 'nodes'
    // Clusters may have come or gone since it was open last.
    this.requestUpdate()
    await this.updateComplete
    this.#dialog.showModal()
    // What is lost is read first, also where the dialog is higher than the window.
    this.#dialog.scrollTop = 0
  }

  async #export(): Promise<void> {
    this.problem = undefined
    try {
      const { name, data } = await this.client.ask('export', {})
      saveFile(name, data)
      this.exported = name
    } catch (error) {
      this.problem = t('export.failed', { message: (error as Error).message })
    }
  }

  get #dialog(): HTMLDialogElement {
    return this.renderRoot.querySelector('dialog')!
  }

  async #startOver(): Promise<void> {
    this.isBusy = true
    try {
      await this.client.ask('reset', { preset: this.preset })
      this.#dialog.close()
    } catch (error) {
      this.problem = text('failed', { message: (error as Error).message })
    }
    this.isBusy = false
  }

  override render(): TemplateResult {
    const further = this.client.clusters.filter(({ id }) => id !== FIRST_CLUSTER).map(clusterName)
    return html`<dialog aria-labelledby="title" aria-describedby="lost">
      <h2 id="title" tabindex="-1" autofocus>${t('reset.title')}</h2>
      <div id="lost"><p>${t('reset.text')}</p>${further.length > 0 ? html`<p>${text('further', { names: further.join(', ') })}</p>` : nothing}</div>
      <p class="export"><button class="button" @click=${() => void this.#export()}>${icons.download}${t('menu.export')}</button><span role="status">${this.exported ? text('exported', { file: this.exported }) : nothing}</span></p>
      <fieldset><legend>${text('choose')}</legend>${PRESETS.map((preset) => html`
        <label><input type="radio" name="preset" value=${preset} aria-describedby=${`${preset}-for`} .checked=${preset === this.preset} @change=${() => { this.preset = preset }} />
          <span><b>${text(preset)}</b><small id=${`${preset}-for`}>${text(`${preset}.for`)}</small></span></label>`)}
      </fieldset>
      <p class="problem" role="alert">${this.problem ?? nothing}</p>
      <div class="buttons">
        <button class="button" @click=${() => this.#dialog.close()}>${t('dialog.cancel')}</button>
        <button class="button danger" ?disabled=${this.isBusy} @click=${() => this.#startOver()}>${t('reset.confirm')}</button>
      </div>
    </dialog>`
  }

  static override styles = [sharedStyles, css`
    dialog { width: min(520px, calc(100vw - 24px)); max-height: calc(100dvh - 24px); overflow: auto; padding: 22px 24px; border: 1px solid var(--line); border-radius: 10px; background: var(--raised); color: var(--ink); box-shadow: var(--shadow); }
    dialog::backdrop { background: rgb(8 20 27 / 45%); }
    h2 { margin: 0 0 8px; font-size: 18px; letter-spacing: -0.01em; }
    h2:focus { outline: none; }
    p { margin: 0 0 12px; color: var(--ink-soft); }
    fieldset { display: flex; flex-direction: column; gap: 6px; margin: 4px 0 18px; padding: 0; border: 0; }
    legend { margin-bottom: 6px; padding: 0; font-size: var(--small); font-weight: 650; }
    label { display: flex; gap: 10px; padding: 9px 12px; border: 1px solid var(--line-strong); border-radius: var(--radius); cursor: pointer; }
    label:has(:checked) { border-color: var(--accent); background: var(--accent-soft); }
    label:hover { border-color: var(--ink-soft); }
    input { flex: none; margin: 4px 0 0; accent-color: var(--accent); }
    b { display: block; font-size: var(--small); font-weight: 650; }
    small { display: block; color: var(--ink-soft); font-size: var(--small); line-height: 1.4; }
    label:has(:checked) small { color: var(--ink); }
    .export { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 12px; font-size: var(--small); }
    .problem { color: var(--bad); }
    .problem:empty { display: none; }
    .buttons { display: flex; flex-wrap: wrap; justify-content: flex-end; gap: 8px; }
  `]
}
customElements.define('dd-new-cluster-dialog', NewClusterDialog)

declare global {
  interface HTMLElementTagNameMap { 'dd-new-cluster-dialog': NewClusterDialog }
}
