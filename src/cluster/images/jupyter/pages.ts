import { Html, html } from '../web/html.ts'

const STYLE = new Html('body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem;color:#212121}table{width:100%;border-collapse:collapse}td,th{text-align:left;border-bottom:1px solid #ddd;padding:.35rem}form.inline{display:inline}button{font:inherit;padding:.25rem .7rem;cursor:pointer}textarea{width:100%;box-sizing:border-box;font:13px/1.4 monospace}.cell{border-left:3px solid #1976d2;padding-left:.7rem;margin:1rem 0}.cell.markdown{border-color:#bbb}.note{background:#fff3e0;border-left:4px solid #f57c00;padding:.5rem .8rem}pre{background:#f5f5f5;padding:.5rem;white-space:pre-wrap}input[type=password]{font:inherit;padding:.3rem}')

/** What every page says of what isn't there. */
export const NO_KERNEL = 'There is no Python in this server, so no kernel can be started: notebooks can be written and kept, their cells are not run.'

const page = (title: string, body: Html) => html`<!DOCTYPE HTML>
<html>
<head>
<meta charset="utf-8">
<title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<style>${STYLE}</style>
</head>
<body>${body}</body>
</html>
`.text

/** Asks for the token. `base` is what comes before every address of the server. */
export function loginPage(base: string, next: string, xsrf: string, failed: boolean): string {
  return page('Jupyter Server', html`<h1>Jupyter</h1>${failed && html`<p class="note">Invalid credentials</p>`}<form action="${base}/login?next=${encodeURIComponent(next)}" method="post"><input type="hidden" name="_xsrf" value="${xsrf}"><label for="password_input"><strong>Password or token:</strong></label> <input type="password" name="password" id="password_input"> <button type="submit" id="login_submit">Log in</button></form><h3>Token authentication is enabled</h3><p>The server has written its token into its log; it goes into the field above, or behind the address as ?token=.</p>`)
}

/** An entry of a directory. */
export interface Entry { name: string; path: string; type: 'directory' | 'notebook' | 'file'; modified: string; size: number }

const encodePath = (path: string) => path.split('/').map(encodeURIComponent).join('/')

/** The dashboard. */
export function treePage(base: string, path: string, entries: readonly Entry[], xsrf: string): string {
  const act = (action: string, label: string, target: string) => html`<form class="inline" method="post" action="${base}/tree/${encodePath(path)}"><input type="hidden" name="_xsrf" value="${xsrf}"><input type="hidden" name="action" value="${action}"><input type="hidden" name="target" value="${target}"><button>${label}</button></form> `
  return page('Home Page - Select or create a notebook', html`<h1>Jupyter</h1><form class="inline" method="post" action="${base}/logout"><input type="hidden" name="_xsrf" value="${xsrf}"><button>Logout</button></form><p class="note">${NO_KERNEL}</p><p>${act('notebook', 'New notebook', '')}${act('file', 'New text file', '')}${act('directory', 'New folder', '')}</p><table id="notebook_list"><tr><th>/${path}</th><th>Last modified</th><th>Size</th><th></th></tr>${path !== '' && html`<tr><td><a href="${base}/tree/${encodePath(path.split('/').slice(0, -1).join('/'))}">..</a></td><td></td><td></td><td></td></tr>`}${entries.map((entry) => html`<tr><td><a href="${base}/${entry.type === 'directory' ? 'tree' : entry.type === 'notebook' ? 'notebooks' : 'edit'}/${encodePath(entry.path)}">${entry.name}${entry.type === 'directory' && '/'}</a></td><td>${entry.modified}</td><td>${entry.type !== 'directory' && `${entry.size} B`}</td><td>${act('delete', 'Delete', entry.path)}</td></tr>`)}</table>`)
}

/** A notebook's cells. */
export interface Cell { cell_type: string; source: string | string[]; metadata?: object; outputs?: { text?: string | string[]; data?: Record<string, string | string[]> }[]; execution_count?: number | null }

/** Text that notebooks keep whole or by lines. */
export const joined = (text: string | string[] | undefined) => Array.isArray(text) ? text.join('') : text ?? ''

/** A notebook to write in. */
export function notebookPage(base: string, path: string, cells: readonly Cell[], xsrf: string): string {
  return page(`${path.split('/').at(-1)} - Jupyter Notebook`, html`<p><a href="${base}/tree/${encodePath(path.split('/').slice(0, -1).join('/'))}">Jupyter</a> <b>${path}</b></p><p class="note">${NO_KERNEL}</p><form method="post" action="${base}/notebooks/${encodePath(path)}"><input type="hidden" name="_xsrf" value="${xsrf}"><p><button name="action" value="save">Save</button> <button name="action" value="code">+ Code</button> <button name="action" value="markdown">+ Markdown</button> <button name="action" value="run">Run</button></p>${cells.map((cell) => html`<div class="cell ${cell.cell_type}"><input type="hidden" name="type" value="${cell.cell_type}"><textarea name="source" rows="${Math.max(2, joined(cell.source).split('\n').length)}" spellcheck="false">${joined(cell.source)}</textarea>${(cell.outputs ?? []).map((output) => html`<pre>${joined(output.text) || joined(output.data?.['text/plain'])}</pre>`)}</div>`)}</form>`)
}

/** A text file to write in. */
export function editPage(base: string, path: string, text: string, xsrf: string): string {
  return page(path, html`<p><a href="${base}/tree/${encodePath(path.split('/').slice(0, -1).join('/'))}">Jupyter</a> <b>${path}</b></p><form method="post" action="${base}/edit/${encodePath(path)}"><input type="hidden" name="_xsrf" value="${xsrf}"><textarea name="source" rows="24" spellcheck="false">${text}</textarea><p><button>Save</button></p></form>`)
}

/** A page of a few words. */
export function plainPage(title: string, text: string): string { return page(title, html`<h1>${title}</h1><p>${text}</p>`) }
