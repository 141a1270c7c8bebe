import { LitElement, css, html } from 'lit'
import type { TemplateResult } from 'lit'
import type { ClusterClient } from './cluster-client.ts'
import './confirm-dialog.ts'
import { icons } from './icons.ts'
import { isApple, keyNames } from './keyboard.ts'
import { Localized, language, setLanguage, t } from './localization.ts'
import { saveFile } from './save-file.ts'
import { readSetting, saveSetting } from './settings.ts'
import { sharedStyles } from './shared-styles.ts'

/** Export, import, reset, and the few settings. */
class MainMenu extends LitElement {
  static override properties = { problem: { state: true } }
  declare problem: string | undefined
  declare client: ClusterClient

  constructor() {
    super()
    new Localized(this)
  }

  get #menu(): HTMLElement {
    return this.renderRoot.querySelector<HTMLElement>('#menu')!
  }

  get #confirm() {
    return this.renderRoot.querySelector('dd-confirm-dialog')!
  }

  /** What opens a dialog: the dialog gives the focus back to where it is now, which has to be something that stays. */
  #do(action: () => unknown): () => void {
    return () => {
      this.#menu.hidePopover()
      this.#opener.focus()
      void action()
    }
  }

  get #opener(): HTMLElement {
    return this.renderRoot.querySelector<HTMLElement>('[popovertarget=menu]')!
  }

  /** Closed by Escape or by its own items, it would leave the focus nowhere; a click elsewhere takes it along. */
  readonly #onToggle = (event: ToggleEvent) => {
    if (event.newState === 'closed' && (document.activeElement === document.body || this.shadowRoot!.activeElement?.closest('#menu'))) this.#opener.focus()
  }

  async #export(): Promise<void> {
    try {
      const { name, data } = await this.client.ask('export', {})
      saveFile(name, data)
    } catch (error) {
      await this.#tell(t('export.failed', { message: (error as Error).message }))
    }
  }

  async #tell(problem: string): Promise<void> {
    this.problem = problem
    await this.updateComplete
    this.renderRoot.querySelector<HTMLDialogElement>('#problem')!.showModal()
  }

  /** Shows which keys there are. */
  showKeys(): void {
    const dialog = this.renderRoot.querySelector<HTMLDialogElement>('#keys')!
    if (dialog.open) return
    dialog.showModal()
    // The button at its end has the focus; what is read comes first.
    dialog.scrollTop = 0
  }

  async #import(input: HTMLInputElement): Promise<void> {
    const file = input.files?.[0]
    input.value = ''
    if (!file) return
    if (!await this.#confirm.ask({ title: t('import.title'), text: t('import.text', { file: file.name }), confirm: t('import.confirm'), danger: true })) return
    try {
      await this.client.ask('import', { data: new Uint8Array(await file.arrayBuffer()) })
    } catch (error) {
      await this.#tell(t('import.failed', { message: (error as Error).message }))
    }
  }

  async #reset(): Promise<void> {
    await import('./new-cluster-dialog.ts')
    await this.renderRoot.querySelector('dd-new-cluster-dialog')!.open()
  }

  async #openGlossary(): Promise<void> {
    await import('./glossary-dialog.ts')
    const dialog = this.renderRoot.querySelector('dd-glossary-dialog')!
    await dialog.updateComplete
    dialog.open()
  }

  #setScreenReader(on: boolean): void {
    saveSetting('screenReader', on)
    this.dispatchEvent(new CustomEvent('screen-reader'))
  }

  #setHints(on: boolean): void {
    saveSetting('hints', on)
    void this.client.ask('hints', { on }).catch(() => {})
  }

  override render(): TemplateResult {
    const keys: [string, string][] = [
      ['F6', t('keys.pane')],
      ['F1', t('keys.keys')],
      [isApple ? '⌘C' : keyNames('Ctrl+C'), t('keys.copy')],
      [isApple ? '⌘V' : keyNames('Ctrl+V'), t('keys.paste')],
      [keyNames('Ctrl+Shift+F'), t('keys.search')],
      [keyNames('Ctrl+Shift+E'), t('keys.newTerminal')],
      [isApple ? '⌘S' : keyNames('Ctrl+S'), t('keys.save')],
      ['↑ ↓ ← →', t('keys.arrows')],
      ['Esc', t('keys.escape')],
    ]
    return html`
      <button class="icon-button" popovertarget="menu" aria-label=${t('menu.label')} title=${t('menu.label')}>${icons.menu}</button>
      <div id="menu" popover @toggle=${this.#onToggle}>
        <button @click=${this.#do(() => this.dispatchEvent(new CustomEvent('open-files')))}>${t('menu.files')}</button>
        <button @click=${this.#do(() => this.dispatchEvent(new CustomEvent('open-browser')))}>${t('menu.browser')}</button>
        <hr />
        <button @click=${this.#do(() => this.#export())}>${t('menu.export')}</button>
        <button @click=${this.#do(() => this.renderRoot.querySelector('input')!.click())}>${t('menu.import')}</button>
        <button @click=${this.#do(() => this.#reset())}>${t('menu.reset')}</button>
        <hr />
        <label class="language">${t('language.label')}
          <select @change=${(event: Event) => setLanguage((event.target as HTMLSelectElement).value as 'en' | 'de')}>
            <option value="en" lang="en" ?selected=${language() === 'en'}>English</option>
            <option value="de" lang="de" ?selected=${language() === 'de'}>Deutsch</option>
          </select></label>
        <label><input type="checkbox" ?checked=${readSetting('hints') ?? true} @change=${(event: Event) => this.#setHints((event.target as HTMLInputElement).checked)} /> ${t('menu.hints')}</label>
        <label><input type="checkbox" ?checked=${readSetting('screenReader') ?? false} @change=${(event: Event) => this.#setScreenReader((event.target as HTMLInputElement).checked)} /> ${t('menu.screenReader')}</label>
        <button @click=${this.#do(() => this.#openGlossary())}>${t('menu.glossary')}</button>
        <button @click=${this.#do(() => this.showKeys())}>${t('menu.keys')}<kbd>F1</kbd></button>
        <p>${t('menu.source')}</p>
      </div>
      <input type="file" hidden accept=".drydock" aria-label=${t('menu.import')} @change=${(event: Event) => this.#import(event.target as HTMLInputElement)} />
      <dialog id="keys" aria-labelledby="keys-title">
        <h2 id="keys-title">${t('keys.title')}</h2>
        <dl>${keys.map(([key, meaning]) => html`<dt><kbd>${key}</kbd></dt><dd>${meaning}</dd>`)}</dl>
        <form method="dialog"><button class="button" autofocus>${t('dialog.close')}</button></form>
      </dialog>
      <dialog id="problem" aria-labelledby="problem-text"><p id="problem-text">${this.problem}</p><form method="dialog"><button class="button" autofocus>${t('dialog.close')}</button></form></dialog>
      <dd-confirm-dialog></dd-confirm-dialog>
      <dd-glossary-dialog></dd-glossary-dialog>
      <dd-new-cluster-dialog .client=${this.client}></dd-new-cluster-dialog>`
  }

  static override styles = [sharedStyles, css`
    #menu { position: fixed; inset: 44px 8px auto auto; width: 300px; max-width: calc(100vw - 16px); max-height: calc(100dvh - 52px); overflow: auto; overscroll-behavior: contain; margin: 0; padding: 6px; border: 1px solid var(--line); border-radius: 10px; background: var(--raised); color: var(--ink); box-shadow: var(--shadow); font-size: var(--small); }
    #menu > button, #menu > label { display: flex; align-items: center; gap: 8px; width: 100%; min-height: 34px; padding: 5px 10px; border: 0; border-radius: var(--radius); background: none; text-align: start; }
    #menu > button:hover, #menu > label:hover { background: var(--sunken); }
    #menu kbd { margin-inline-start: auto; }
    #menu select { margin-inline-start: auto; background: var(--raised); border: 1px solid var(--line-strong); border-radius: 4px; }
    hr { border: 0; border-top: 1px solid var(--line); margin: 6px 4px; }
    #menu p { margin: 4px 10px 6px; color: var(--ink-soft); font-size: var(--tiny); }
    dialog { width: min(480px, calc(100vw - 32px)); padding: 22px 24px; border: 1px solid var(--line); border-radius: 10px; background: var(--raised); color: var(--ink); box-shadow: var(--shadow); }
    dialog::backdrop { background: rgb(8 20 27 / 45%); }
    h2 { margin: 0 0 14px; font-size: 18px; }
    dl { display: grid; grid-template-columns: auto 1fr; gap: 9px 16px; margin: 0 0 20px; font-size: var(--small); }
    dd { margin: 0; }
    kbd { padding: 2px 6px; border: 1px solid var(--line-strong); border-bottom-width: 2px; border-radius: 5px; background: var(--surface); font: var(--tiny) var(--mono); white-space: nowrap; }
    form { text-align: end; }
  `]
}
customElements.define('dd-main-menu', MainMenu)

declare global {
  interface HTMLElementTagNameMap { 'dd-main-menu': MainMenu }
}
