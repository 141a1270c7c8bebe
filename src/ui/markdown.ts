import DOMPurify from 'dompurify'
import { html } from 'lit'
import type { TemplateResult } from 'lit'
import { unsafeHTML } from 'lit/directives/unsafe-html.js'
import { Marked } from 'marked'

const marked = new Marked({ gfm: true, breaks: false })
const purify = DOMPurify()
purify.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName === 'A') {
    node.setAttribute('target', '_blank')
    node.setAttribute('rel', 'noopener noreferrer')
  }
})

/** Markdown as HTML that holds nothing that could run. */
export function markdown(source: string): TemplateResult {
  const clean = purify.sanitize(marked.parse(source, { async: false }), { USE_PROFILES: { html: true }, FORBID_TAGS: ['style', 'form', 'input', 'iframe', 'img'], FORBID_ATTR: ['style', 'id', 'class', 'name'] })
  return html`${unsafeHTML(clean)}`
}
