import { base64Of } from '../base/base64.ts'
import { LitElement, css, html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import type { EditRequest, FileEntry } from '../host/protocol.ts'
import type { ClusterClient } from './cluster-client.ts'
import type { CodeEditor } from './code-editor.ts'
import './confirm-dialog.ts'
import { icons } from './icons.ts'
import { Localized, t } from './localization.ts'
import { saveFile } from './save-file.ts'
import { sharedStyles } from './shared-styles.ts'

/** Files of the home directory as a tree, and an editor for one of them; also the editor that `kubectl edit` waits for. */
export class EditorPane extends LitElement {
  static override properties = {
    path: { state: true }, entries: { state: true }, openFolders: { state: true }, unsaved: { state: true }, changedOutside: { state: true }, request: { state: true }, loading: { state: true }, problem: { state: true }, naming: { state: true }, dropping: { state: true },
  }
  /** The open file: below the home directory, or absolute. */
  declare path: string | undefined
  /** By folder; `''` is the home directory. */
  declare entries: Record<string, FileEntry[]>
  declare openFolders: Set<string>
  declare unsaved: boolean
  declare changedOutside: boolean
  declare request: EditRequest | undefined
  declare loading: boolean
  declare problem: string | undefined
  declare naming: boolean
  /** Files hang over the tree. */
  declare dropping: boolean
  declare client: ClusterClient
  #editor: CodeEditor | undefined
  #savedText = ''
  #leave: (() => void)[] = []

  constructor() {
    super()
    new Localized(this)
    this.entries = {}
    this.openFolders = new Set()
    this.unsaved = this.changedOutside = this.loading = this.naming = this.dropping = false
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#leave = [
      this.client.on('files', (paths) => void this.#onFilesChanged(paths)),
      this.client.on('edit-gone', (edit) => { if (this.request?.edit === edit) this.#endRequest() }),
      this.client.on('restarted', () => this.#endRequest()),
      this.client.on('status', () => void this.#list('')),
    ]
    void this.#list('')
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    for (const leave of this.#leave) leave()
    // Whoever waits for the editor must not wait for ever.
    if (this.request) void this.client.ask('finishEdit', { edit: this.request.edit, code: 1 }).catch(() => {})
    this.#editor?.destroy()
  }

  focusPane(): void {
    if (this.#editor) this.#editor.focus()
    // Right after it has come the files aren't listed yet.
    else void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>('.tree button')?.focus())
  }

  /** Opens a file; unsaved changes of the one before are saved. */
  async open(path: string, line?: number): Promise<void> {
    if (this.unsaved) await this.#save()
    this.loading = true
    this.problem = undefined
    this.changedOutside = false
    try {
      const [{ createCodeEditor }, { text }] = await Promise.all([import('./code-editor.ts'), this.client.ask('readFile', { path })])
      this.path = path
      this.#savedText = text
      this.unsaved = false
      await this.updateComplete
      this.#editor?.destroy()
      this.#editor = createCodeEditor({
        parent: this.renderRoot.querySelector<HTMLElement>('.editor')!, root: this.shadowRoot!, path, text, label: t('editor.open', { file: path }),
        onChange: () => { this.unsaved = this.#editor!.text !== this.#savedText },
        onSave: () => void this.#save(),
      })
      this.#editor.focus(line)
    } catch (error) {
      this.problem = (error as Error).message
    } finally {
      this.loading = false
    }
  }

  /** Edits for a program that waits. */
  async edit(request: EditRequest): Promise<void> {
    if (this.request) await this.client.ask('finishEdit', { edit: this.request.edit, code: 1 }).catch(() => {})
    await this.open(request.path, request.line)
    this.request = request
  }

  async #save(): Promise<boolean> {
    if (!this.path || !this.#editor) return false
    const text = this.#editor.text
    try {
      await this.client.ask('writeFile', { path: this.path, text })
      this.#savedText = text
      this.unsaved = this.#editor.text !== text
      this.changedOutside = false
      this.problem = undefined
      return true
    } catch (error) {
      this.problem = (error as Error).message
      return false
    }
  }

  async #finish(save: boolean): Promise<void> {
    if (save && !await this.#save()) return
    const request = this.request
    this.#endRequest()
    if (request) await this.client.ask('finishEdit', { edit: request.edit, code: 0 }).catch(() => {})
    this.#close()
  }

  #endRequest(): void {
    if (!this.request) return
    this.request = undefined
    this.#clear()
  }

  #clear(): void {
    this.#editor?.destroy()
    this.#editor = undefined
    this.path = undefined
    this.unsaved = false
  }

  async #close(): Promise<void> {
    if (this.unsaved && !this.request) await this.#save()
    this.dispatchEvent(new CustomEvent('close-editor'))
  }

  async #list(folder: string): Promise<void> {
    try {
      this.entries = { ...this.entries, [folder]: await this.client.ask('listFiles', { path: folder }) }
    } catch {
      const { [folder]: _, ...rest } = this.entries
      this.entries = rest
    }
  }

  async #onFilesChanged(paths: string[]): Promise<void> {
    await Promise.all(['', ...this.openFolders].map((folder) => this.#list(folder)))
    if (!this.path || !this.#editor || !paths.includes(this.path)) return
    const text = await this.client.ask('readFile', { path: this.path }).then((file) => file.text, () => undefined)
    if (text === undefined || text === this.#savedText || text === this.#editor.text) return
    if (this.unsaved) this.changedOutside = true
    else await this.open(this.path)
  }

  #toggle(folder: string): void {
    const open = new Set(this.openFolders)
    if (!open.delete(folder)) { open.add(folder); void this.#list(folder) }
    this.openFolders = open
  }

  async #create(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    const path = new FormData(event.target as HTMLFormElement).get('name')!.toString().trim().replace(/^~?\/+/, '')
    this.naming = false
    if (!path) return
    try {
      // An existing file is opened, never emptied.
      await this.client.ask('readFile', { path }).catch(() => this.client.ask('writeFile', { path, text: '' }))
      await this.open(path)
    } catch (error) {
      this.problem = (error as Error).message
    }
  }

  async #delete(entry: FileEntry): Promise<void> {
    if (!await this.renderRoot.querySelector('dd-confirm-dialog')!.ask({ title: t('editor.deleteTitle', { file: entry.name }), text: t('editor.deleteText'), confirm: t('editor.deleteConfirm'), danger: true })) return
    await this.client.ask('removeFile', { path: entry.path })
    if (this.path === entry.path) this.#clear()
  }

  /** Files of this computer become files of the laptop. */
  async #addFiles(files: readonly File[], folder = ''): Promise<void> {
    this.problem = undefined
    try {
      for (const file of files) await this.client.ask('writeBytes', { path: `${folder}${folder ? '/' : ''}${file.name}`, data: new Uint8Array(await file.arrayBuffer()) })
      if (files.length === 1 && files[0]!.size < 1_000_000 && /\.(?:ya?ml|json|txt|sh|md|conf|env|html)$/.test(files[0]!.name)) await this.open(`${folder}${folder ? '/' : ''}${files[0]!.name}`)
    } catch (error) {
      this.problem = (error as Error).message
    }
  }

  async #download(entry: FileEntry): Promise<void> {
    try {
      const { data } = await this.client.ask('readBytes', { path: entry.path })
      saveFile(entry.name, data.slice())
    } catch (error) {
      this.problem = (error as Error).message
    }
  }

  readonly #onDragOver = (event: DragEvent) => {
    if (!event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    event.dataTransfer.dropEffect = 'copy'
    this.dropping = true
  }

  readonly #onDragLeave = (event: DragEvent) => {
    if (!(event.relatedTarget instanceof Node && this.shadowRoot!.contains(event.relatedTarget))) this.dropping = false
  }

  readonly #onDrop = (event: DragEvent) => {
    event.preventDefault()
    this.dropping = false
    const folder = (event.composedPath().find((each) => each instanceof HTMLElement && each.dataset['folder'] !== undefined) as HTMLElement | undefined)?.dataset['folder'] ?? ''
    void this.#addFiles([...event.dataTransfer?.files ?? []], folder)
  }

  /** Content for a drag out of the page has to be there when it begins: it is fetched when the pointer comes near. */
  readonly #near = new Map<string, string>()

  async #prepareDrag(entry: FileEntry): Promise<void> {
    if (entry.sizeBytes > 1_000_000) return
    const { data } = await this.client.ask('readBytes', { path: entry.path }).catch(() => ({ data: undefined }))
    if (!data) return
    this.#near.set(entry.path, `data:application/octet-stream;base64,${base64Of(data)}`)
  }

  #onDragStart(event: DragEvent, entry: FileEntry): void {
    const url = this.#near.get(entry.path)
    event.dataTransfer!.setData('text/plain', `~/${entry.path}`)
    if (url) event.dataTransfer!.setData('DownloadURL', `application/octet-stream:${entry.name}:${url}`)
    event.dataTransfer!.effectAllowed = 'copy'
  }

  async #apply(): Promise<void> {
    if (!await this.#save()) return
    this.dispatchEvent(new CustomEvent('run-commands', { detail: { commands: `kubectl apply -f ${/^[\w./-]+$/.test(this.path!) ? `~/${this.path}` : `~/'${this.path!.replaceAll("'", "'\\''")}'`}` }, bubbles: true, composed: true }))
  }

  override render(): TemplateResult {
    const isManifest = this.path !== undefined && !this.path.startsWith('/') && /\.(?:ya?ml|json)$/.test(this.path)
    return html`
      <div class="bar">
        <span class="stencil">${this.path ? nothing : t('pane.editor')}</span>
        ${this.path ? html`<b class="mono">${this.path.startsWith('/') ? this.path : `~/${this.path}`}</b>${this.unsaved ? html`<span class="dot" role="img" aria-label=${t('editor.unsaved')} title=${t('editor.unsaved')}></span>` : nothing}` : nothing}
        <span class="buttons">
          ${this.path && !this.request ? html`<button class="button" ?disabled=${!this.unsaved} @click=${() => this.#save()}>${t(this.unsaved ? 'editor.save' : 'editor.saved')}</button>` : nothing}
          ${isManifest && !this.request ? html`<button class="button primary" @click=${() => this.#apply()}>${t('editor.apply')}</button>` : nothing}
          ${this.request ? nothing : html`<button class="icon-button" aria-label=${t('editor.close')} title=${t('editor.close')} @click=${() => this.#close()}>${icons.close}</button>`}
        </span>
      </div>
      ${this.request ? html`<div class="banner" role="status"><span>${t('editor.waiting')}</span>
        <button class="button primary" @click=${() => this.#finish(true)}>${t('editor.saveAndClose')}</button>
        <button class="button" @click=${() => this.#finish(false)}>${t('editor.discard')}</button></div>` : nothing}
      ${this.changedOutside ? html`<div class="banner" role="status"><span>${t('editor.changedOutside')}</span><button class="button" @click=${() => { this.unsaved = false; void this.open(this.path!) }}>${t('editor.reload')}</button></div>` : nothing}
      ${this.problem ? html`<div class="banner bad" role="alert">${this.problem}</div>` : nothing}
      <div class="body ${this.path ? '' : 'choosing'}" @dragover=${this.#onDragOver} @dragleave=${this.#onDragLeave} @drop=${this.#onDrop}>
        ${this.dropping ? html`<p class="drop">${t('editor.dropHere')}</p>` : nothing}
        ${this.request ? nothing : html`<nav class="tree" aria-label=${t('editor.files')}>
          ${this.#tree('')}
          ${this.naming ? html`<form @submit=${this.#create}><input name="name" autofocus aria-label=${t('editor.newName')} placeholder="pod.yaml" @keydown=${(event: KeyboardEvent) => { if (event.key === 'Escape') this.naming = false }} /></form>`
            : html`<button class="new" @click=${async () => { this.naming = true; await this.updateComplete; this.renderRoot.querySelector('input')?.focus() }}>${icons.plus}${t('editor.newFile')}</button>`}
          <button class="new" title=${t('editor.upload')} @click=${() => this.renderRoot.querySelector<HTMLInputElement>('.upload')!.click()}>${icons.upload}<span>${t('editor.uploadShort')}</span></button>
          <input class="upload" type="file" multiple hidden aria-label=${t('editor.upload')} @change=${(event: Event) => { const input = event.target as HTMLInputElement; void this.#addFiles([...input.files ?? []]); input.value = '' }} />
        </nav>`}
        <div class="editor" ?hidden=${!this.path}></div>
        ${this.path ? nothing : html`<p class="empty quiet">${t(this.loading ? 'editor.loading' : 'editor.empty')}</p>`}
      </div>
      <dd-confirm-dialog></dd-confirm-dialog>`
  }

  #tree(folder: string): TemplateResult {
    const entries = this.entries[folder]
    if (!entries) return html``
    const shown = entries.filter((entry) => !entry.name.startsWith('.') && entry.type !== 'other')
    return html`<ul>${shown.length === 0 && folder === '' ? html`<li class="quiet none">${t('editor.noFiles')}</li>` : nothing}${shown.map((entry) => entry.type === 'directory'
      ? html`<li data-folder=${entry.path}><div class="row"><button aria-expanded=${this.openFolders.has(entry.path)} @click=${() => this.#toggle(entry.path)}>${icons.folder}<span>${entry.name}</span></button></div>${this.openFolders.has(entry.path) ? this.#tree(entry.path) : nothing}</li>`
      : html`<li><div class="row"><button draggable="true" @pointerenter=${() => void this.#prepareDrag(entry)} @dragstart=${(event: DragEvent) => this.#onDragStart(event, entry)} aria-current=${entry.path === this.path ? 'true' : 'false'} @click=${() => this.open(entry.path)}>${icons.file}<span>${entry.name}</span></button>
          <button class="icon-button delete" aria-label=${t('editor.download', { file: entry.name })} title=${t('editor.download', { file: entry.name })} @click=${() => void this.#download(entry)}>${icons.download}</button>
          <button class="icon-button delete" aria-label=${t('editor.delete', { file: entry.name })} title=${t('editor.delete', { file: entry.name })} @click=${() => this.#delete(entry)}>${icons.trash}</button></div></li>`)}</ul>`
  }

  static override styles = [sharedStyles, css`
    :host { display: flex; flex-direction: column; min-height: 0; background: var(--raised); color: var(--ink); }
    .bar { flex: none; display: flex; align-items: center; gap: 8px; min-height: 40px; padding: 0 6px 0 14px; border-bottom: 1px solid var(--line); background: var(--surface); }
    .bar b { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: var(--small); font-weight: 600; }
    .dot { flex: none; width: 8px; height: 8px; border-radius: 50%; background: var(--lead); }
    .buttons { display: flex; align-items: center; gap: 6px; margin-inline-start: auto; }
    .buttons .button { min-height: 28px; padding-block: 2px; }
    .banner { flex: none; display: flex; flex-wrap: wrap; align-items: center; gap: 8px; padding: 7px 14px; background: var(--waiting-soft); font-size: var(--small); }
    .banner span { margin-inline-end: auto; }
    .banner.bad { background: var(--bad-soft); color: var(--bad); }
    .body { flex: 1; min-height: 0; display: flex; }
    .tree { flex: none; width: clamp(190px, 20%, 360px); max-width: 45%; overflow: auto; padding: 8px 6px; border-inline-end: 1px solid var(--line); background: var(--surface); font-size: var(--small); }
    .tree ul { list-style: none; margin: 0; padding: 0; }
    .tree ul ul { padding-inline-start: 14px; }
    .row { display: flex; position: relative; border-radius: 5px; }
    .tree button { display: flex; align-items: center; gap: 7px; min-width: 0; min-height: 28px; padding: 2px 7px; border: 0; border-radius: 5px; background: none; text-align: start; }
    .row > button:first-child { flex: 1; }
    .tree span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
    .tree svg { flex: none; width: 14px; height: 14px; color: var(--ink-soft); }
    .tree button:hover { background: var(--sunken); }
    .tree [aria-current='true'] { background: var(--accent-soft); font-weight: 600; }
    .tree .delete { min-width: 26px; padding: 0; justify-content: center; }
    .row:not(:hover, :focus-within) .delete { position: absolute; opacity: 0; pointer-events: none; }
    @media (pointer: coarse) { .row .delete.delete { position: static; opacity: 1; pointer-events: auto; min-width: 38px; } }
    .new { width: 100%; color: var(--ink-soft); }
    .body { position: relative; }
    .drop { position: absolute; inset: 8px; z-index: 2; display: grid; place-items: center; margin: 0; border: 2px dashed var(--accent); border-radius: 10px; background: color-mix(in srgb, var(--raised) 88%, transparent); color: var(--accent); font-weight: 600; pointer-events: none; }
    .none { padding: 4px 7px; }
    .tree input { width: 100%; height: 28px; padding: 0 7px; border: 1px solid var(--accent); border-radius: 5px; background: var(--raised); }
    .editor { flex: 1; min-width: 0; }
    .empty { margin: auto; padding: 20px; font-size: var(--small); }
    @media (max-width: 759px) {
      .tree { width: 130px; }
      .choosing .tree { width: 100%; max-width: none; border: 0; }
      .choosing .empty { display: none; }
      .choosing .tree button { min-height: 38px; }
    }
  `]
}
customElements.define('dd-editor-pane', EditorPane)

declare global {
  interface HTMLElementTagNameMap { 'dd-editor-pane': EditorPane }
}
