import { LitElement, css, html } from 'lit'
import type { TemplateResult } from 'lit'
import { t } from './localization.ts'
import { sharedStyles } from './shared-styles.ts'

interface Question {
  title: string
  text: string
  confirm: string
  danger?: boolean
}

/** A yes-or-no question in a modal dialog. */
class ConfirmDialog extends LitElement {
  static override properties = { question: { state: true } }
  declare question: Question | undefined
  #answer: (yes: boolean) => void = () => {}

  /** Resolves with whether it was confirmed. */
  async ask(question: Question): Promise<boolean> {
    this.question = question
    await this.updateComplete
    this.renderRoot.querySelector('dialog')!.showModal()
    return new Promise((resolve) => { this.#answer = resolve })
  }

  #close(yes: boolean): void {
    this.#answer(yes)
    this.renderRoot.querySelector('dialog')!.close()
  }

  override render(): TemplateResult {
    const question = this.question
    return html`<dialog aria-labelledby="title" aria-describedby="text" @close=${() => this.#answer(false)}>
      <h2 id="title">${question?.title}</h2>
      <p id="text">${question?.text}</p>
      <div class="buttons">
        <button class="button" autofocus @click=${() => this.#close(false)}>${t('dialog.cancel')}</button>
        <button class="button ${question?.danger ? 'danger' : 'primary'}" @click=${() => this.#close(true)}>${question?.confirm}</button>
      </div>
    </dialog>`
  }

  static override styles = [sharedStyles, css`
    dialog { width: min(460px, calc(100vw - 32px)); padding: 22px 24px; border: 1px solid var(--line); border-radius: 10px; background: var(--raised); color: var(--ink); box-shadow: var(--shadow); }
    dialog::backdrop { background: rgb(8 20 27 / 45%); }
    h2 { margin: 0 0 8px; font-size: 18px; letter-spacing: -0.01em; }
    p { margin: 0 0 20px; color: var(--ink-soft); }
    .buttons { display: flex; flex-wrap: wrap; justify-content: flex-end; gap: 8px; }
  `]
}
customElements.define('dd-confirm-dialog', ConfirmDialog)

declare global {
  interface HTMLElementTagNameMap { 'dd-confirm-dialog': ConfirmDialog }
}
