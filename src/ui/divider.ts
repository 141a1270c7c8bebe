import { LitElement, css, html } from 'lit'
import type { TemplateResult } from 'lit'
import { sharedStyles } from './shared-styles.ts'

/** A line between two panes that can be dragged, or moved with the arrow keys. Tells by `move-divider` events how many pixels. */
class Divider extends LitElement {
  static override properties = { orientation: { type: String }, label: { type: String }, value: { attribute: false }, min: { attribute: false }, max: { attribute: false } }
  declare orientation: 'vertical' | 'horizontal'
  declare label: string
  declare value: number
  declare min: number
  declare max: number

  #move(deltaPx: number): void {
    this.dispatchEvent(new CustomEvent('move-divider', { detail: deltaPx }))
  }

  readonly #onKey = (event: KeyboardEvent) => {
    const [less, more] = this.orientation === 'vertical' ? ['ArrowLeft', 'ArrowRight'] : ['ArrowUp', 'ArrowDown']
    if (event.key !== less && event.key !== more) return
    event.preventDefault()
    this.#move((event.key === more ? 1 : -1) * (event.shiftKey ? 80 : 20))
  }

  readonly #onPointer = (event: PointerEvent) => {
    if (event.button !== 0) return
    event.preventDefault()
    const handle = event.currentTarget as HTMLElement
    handle.setPointerCapture(event.pointerId)
    let last = this.orientation === 'vertical' ? event.clientX : event.clientY
    const move = (next: PointerEvent) => {
      const here = this.orientation === 'vertical' ? next.clientX : next.clientY
      if (here !== last) this.#move(here - last)
      last = here
    }
    const end = () => {
      handle.removeEventListener('pointermove', move)
      handle.removeEventListener('pointerup', end)
      handle.removeEventListener('pointercancel', end)
    }
    handle.addEventListener('pointermove', move)
    handle.addEventListener('pointerup', end)
    handle.addEventListener('pointercancel', end)
  }

  override render(): TemplateResult {
    return html`<div role="separator" tabindex="0" aria-orientation=${this.orientation} aria-label=${this.label} aria-valuenow=${this.value} aria-valuemin=${this.min} aria-valuemax=${this.max}
      class=${this.orientation} @pointerdown=${this.#onPointer} @keydown=${this.#onKey}></div>`
  }

  static override styles = [sharedStyles, css`
    :host { position: relative; z-index: 2; display: block; }
    div { position: absolute; touch-action: none; }
    .vertical { inset-block: 0; left: -4px; width: 8px; cursor: col-resize; }
    .horizontal { inset-inline: 0; top: -4px; height: 8px; cursor: row-resize; }
    div:hover, div:focus-visible { background: color-mix(in srgb, var(--accent) 55%, transparent); outline: none; }
  `]
}
customElements.define('dd-divider', Divider)

declare global {
  interface HTMLElementTagNameMap { 'dd-divider': Divider }
}
