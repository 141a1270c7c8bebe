import { LitElement, css, html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import { findTerms } from './glossary-search.ts'
import { icons } from './icons.ts'
import { Localized, language, t, textsOf } from './localization.ts'
import { glossaryTexts } from './messages/glossary.ts'
import { sharedStyles } from './shared-styles.ts'

const text = textsOf(glossaryTexts)

/** The field's terms in a sentence or two each, with the names that older texts have for them. */
class GlossaryDialog extends LitElement {
  static override properties = { query: { state: true } }
  declare query: string

  constructor() {
    super()
    new Localized(this)
    this.query = ''
  }

  open(): void {
    this.query = ''
    this.renderRoot.querySelector('dialog')!.showModal()
  }

  override render(): TemplateResult {
    const isAsked = this.query.trim() !== ''
    const found = findTerms(this.query, language())
    return html`<dialog aria-labelledby="title">
      <div class="head"><h2 id="title">${text('title')}</h2><form method="dialog"><button class="icon-button" aria-label=${t('dialog.close')} title=${t('dialog.close')}>${icons.close}</button></form></div>
      <input type="search" autofocus aria-label=${text('search')} placeholder=${text('search')} .value=${this.query} @input=${(event: Event) => { this.query = (event.target as HTMLInputElement).value }} />
      <p class="found" role="status">${!isAsked ? nothing : found.length === 0 ? text('none') : text('found', { count: found.length })}</p>
      <dl tabindex="0" aria-labelledby="title">${found.map(({ term, formerly, also, [language()]: meaning }) => html`<div><dt lang="en">${term}</dt>
        ${formerly ? html`<dd class="names">${text('formerly', { names: formerly.join(', ') })}</dd>` : nothing}${also ? html`<dd class="names">${text('also', { names: also.join(', ') })}</dd>` : nothing}<dd>${meaning}</dd></div>`)}</dl>
    </dialog>`
  }

  static override styles = [sharedStyles, css`
    dialog { width: min(620px, calc(100vw - 24px)); height: min(700px, calc(100dvh - 24px)); padding: 18px 22px; border: 1px solid var(--line); border-radius: 10px; background: var(--raised); color: var(--ink); box-shadow: var(--shadow); }
    dialog[open] { display: flex; flex-direction: column; }
    dialog::backdrop { background: rgb(8 20 27 / 45%); }
    .head { display: flex; align-items: center; justify-content: space-between; margin-bottom: 10px; }
    h2 { margin: 0; font-size: 18px; }
    input { padding: 7px 10px; border: 1px solid var(--line-strong); border-radius: var(--radius); background: var(--surface); color: var(--ink); font: inherit; }
    .found { min-height: 1.4em; margin: 6px 2px; color: var(--ink-soft); font-size: var(--tiny); }
    dl { flex: 1; min-height: 0; overflow: auto; margin: 0; overscroll-behavior: contain; }
    dl > div { display: flex; flex-wrap: wrap; align-items: baseline; column-gap: 12px; padding: 8px 2px; border-top: 1px solid var(--line); }
    dt { font-weight: 650; }
    dl > div:first-child { border-top: 0; }
    dd { flex-basis: 100%; margin: 2px 0 0; font-size: var(--small); line-height: 1.5; }
    .names { flex-basis: auto; color: var(--ink-soft); font-size: var(--tiny); }
  `]
}
customElements.define('dd-glossary-dialog', GlossaryDialog)

declare global {
  interface HTMLElementTagNameMap { 'dd-glossary-dialog': GlossaryDialog }
}
