import { svg, html } from 'lit'
import type { TemplateResult } from 'lit'
import type { Health } from '../host/protocol.ts'

const icon = (paths: TemplateResult) => html`<svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${paths}</svg>`

export const icons = {
  plus: icon(svg`<path d="M8 3v10M3 8h10"/>`),
  close: icon(svg`<path d="M4 4l8 8M12 4l-8 8"/>`),
  search: icon(svg`<circle cx="7" cy="7" r="4"/><path d="M10 10l3.5 3.5"/>`),
  up: icon(svg`<path d="M4 10l4-4 4 4"/>`),
  down: icon(svg`<path d="M4 6l4 4 4-4"/>`),
  left: icon(svg`<path d="M10 3.5L5.5 8l4.5 4.5"/>`),
  right: icon(svg`<path d="M6 3.5L10.5 8 6 12.5"/>`),
  reload: icon(svg`<path d="M13 8a5 5 0 1 1-1.6-3.7M13 2.5v2.6h-2.6"/>`),
  globe: icon(svg`<circle cx="8" cy="8" r="5.7"/><path d="M2.3 8h11.4M8 2.3c2 1.6 2.6 3.4 2.6 5.7S10 12.1 8 13.7C6 12.1 5.4 10.3 5.4 8S6 3.9 8 2.3z"/>`),
  upload: icon(svg`<path d="M8 10.5V3M5 5.8L8 2.8l3 3M3 11.5v1.7h10v-1.7"/>`),
  download: icon(svg`<path d="M8 2.8v7.5M5 7.5l3 3 3-3M3 11.5v1.7h10v-1.7"/>`),
  play: icon(svg`<path d="M5 3.2v9.6L12.5 8z" fill="currentColor"/>`),
  pause: icon(svg`<path d="M5.5 3.5v9M10.5 3.5v9" stroke-width="2"/>`),
  step: icon(svg`<path d="M4 3.5v9L10 8z" fill="currentColor"/><path d="M12.3 3.5v9"/>`),
  menu: icon(svg`<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11"/>`),
  sun: icon(svg`<circle cx="8" cy="8" r="2.8"/><path d="M8 1.5v1.4M8 13.1v1.4M1.5 8h1.4M13.1 8h1.4M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1"/>`),
  moon: icon(svg`<path d="M13 9.6A5.6 5.6 0 0 1 6.4 3a5.6 5.6 0 1 0 6.6 6.6z"/>`),
  auto: icon(svg`<circle cx="8" cy="8" r="5.5"/><path d="M8 2.5a5.5 5.5 0 0 1 0 11z" fill="currentColor"/>`),
  file: icon(svg`<path d="M4 1.8h5l3 3v9.4H4z"/><path d="M9 1.8v3h3"/>`),
  folder: icon(svg`<path d="M1.8 4h4l1.4 1.6h7v7.6H1.8z"/>`),
  link: icon(svg`<path d="M6.8 9.2a2.6 2.6 0 0 0 3.8.2l2-2a2.6 2.6 0 0 0-3.7-3.7l-1 1M9.2 6.8a2.6 2.6 0 0 0-3.8-.2l-2 2a2.6 2.6 0 0 0 3.7 3.7l1-1"/>`),
  sideLeft: icon(svg`<rect x="1.8" y="2.8" width="12.4" height="10.4" rx="1.4"/><path d="M6 2.8v10.4"/><path d="M3.6 5.4h.8M3.6 7.6h.8"/>`),
  sideRight: icon(svg`<rect x="1.8" y="2.8" width="12.4" height="10.4" rx="1.4"/><path d="M10 2.8v10.4"/><path d="M11.6 5.4h.8M11.6 7.6h.8"/>`),
  copy: icon(svg`<rect x="5.5" y="5.5" width="8" height="8" rx="1.2"/><path d="M3.5 10.5h-1v-8h8v1"/>`),
  terminal: icon(svg`<rect x="1.8" y="2.8" width="12.4" height="10.4" rx="1.4"/><path d="M4.5 6l2 2-2 2M8.5 10.2h3"/>`),
  lesson: icon(svg`<path d="M8 4.2C6.6 3 4.6 2.6 2 2.8v9.4c2.6-.2 4.6.2 6 1.4 1.4-1.2 3.4-1.6 6-1.4V2.8c-2.6-.2-4.6.2-6 1.4zM8 4.2v9.4"/>`),
  cluster: icon(svg`<path d="M2 10.5h12l-1.6 3H3.6z"/><path d="M4.5 10.5V7h7v3.5M7 7V3h2.5v4"/>`),
  requests: icon(svg`<path d="M2 4.5h9M8.5 2L11 4.5 8.5 7M14 11.5H5M7.5 9L5 11.5 7.5 14"/>`),
  layers: icon(svg`<path d="M8 2.2l6 3-6 3-6-3zM2.4 8.2L8 11l5.6-2.8M2.4 11.2L8 14l5.6-2.8"/>`),
  balancer: icon(svg`<path d="M1.5 8h4M5.5 8l5-4.5h4M5.5 8h9M5.5 8l5 4.5h4"/>`),
  power: icon(svg`<path d="M8 2v5.5M4.7 4.4a5 5 0 1 0 6.6 0"/>`),
  trash: icon(svg`<path d="M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.6 9h5.8l.6-9"/>`),
  more: icon(svg`<path d="M3.5 8h.01M8 8h.01M12.5 8h.01" stroke-width="2.4"/>`),
  check: icon(svg`<path d="M3.5 8.5l3 3 6-7" stroke-width="1.8"/>`),
}

/** Health by shape as well as colour: disc, ring, diamond, ticked square, dashed triangle. The meaning is said in words beside it. */
export function healthMark(health: Health): TemplateResult {
  switch (health) {
    case 'good': return html`<svg class="mark good" viewBox="0 0 12 12" aria-hidden="true"><circle cx="6" cy="6" r="4.5" fill="currentColor"/></svg>`
    case 'waiting': return html`<svg class="mark waiting" viewBox="0 0 12 12" aria-hidden="true"><circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" stroke-width="2" stroke-dasharray="4.2 2.08"/></svg>`
    case 'bad': return html`<svg class="mark bad" viewBox="0 0 12 12" aria-hidden="true"><path d="M6 .6 11.4 6 6 11.4.6 6z" fill="currentColor"/></svg>`
    case 'done': return html`<svg class="mark done" viewBox="0 0 12 12" aria-hidden="true"><rect x="1.2" y="1.2" width="9.6" height="9.6" rx="1.5" fill="none" stroke="currentColor" stroke-width="1.6"/><path d="M3.4 6.2l1.9 1.9 3.4-4" fill="none" stroke="currentColor" stroke-width="1.6"/></svg>`
    case 'leaving': return html`<svg class="mark leaving" viewBox="0 0 12 12" aria-hidden="true"><path d="M1.3 2.5h9.4L6 10.5z" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linejoin="round"/></svg>`
  }
}
