import { expect, it } from 'vitest'
import { html } from './html.ts'

it('escapes what is put into a template, and leaves templates in templates alone', () => {
  expect(html`<p title="${'"x" & <y>'}">${[html`<b>${'<'}</b>`, 'a<b']}${undefined}${false}${0}</p>`.text).toBe('<p title="&quot;x&quot; &amp; &lt;y&gt;"><b>&lt;</b>a&lt;b0</p>')
})
