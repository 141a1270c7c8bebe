import { autocompletion, closeBrackets, closeBracketsKeymap, completeAnyWord, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { json } from '@codemirror/legacy-modes/mode/javascript'
import { shell } from '@codemirror/legacy-modes/mode/shell'
import { yaml } from '@codemirror/lang-yaml'
import { HighlightStyle, StreamLanguage, bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language'
import { linter, lintGutter } from '@codemirror/lint'
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search'
import { EditorState } from '@codemirror/state'
import { EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { parseAllDocuments } from 'yaml'

export interface CodeEditor {
  readonly text: string
  focus(line?: number): void
  destroy(): void
}

interface Options {
  parent: HTMLElement
  root: ShadowRoot
  path: string
  text: string
  label: string
  onChange(): void
  onSave(): void
}

const highlighting = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: 'var(--lead)' },
  { tag: tags.comment, color: 'var(--ink-soft)', fontStyle: 'italic' },
  { tag: [tags.keyword, tags.typeName, tags.labelName], color: 'var(--leaving)' },
  { tag: [tags.meta, tags.punctuation, tags.separator], color: 'var(--ink-soft)' },
])

const looks = EditorView.theme({
  '&': { height: '100%', fontSize: '13.5px', backgroundColor: 'var(--raised)', color: 'var(--ink)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55' },
  '.cm-gutters': { backgroundColor: 'var(--raised)', color: 'var(--ink-soft)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'color-mix(in srgb, var(--accent) 7%, transparent)' },
  '.cm-cursor': { borderLeftColor: 'var(--lead)', borderLeftWidth: '2px' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'color-mix(in srgb, var(--accent) 25%, transparent)' },
  '.cm-tooltip, .cm-panels': { backgroundColor: 'var(--raised)', color: 'var(--ink)', borderColor: 'var(--line)' },
})

/** Marks what isn't YAML; whether it is Kubernetes, the API server says. */
const yamlLinter = linter((view) => parseAllDocuments(view.state.doc.toString()).flatMap((document) => 'errors' in document ? document.errors.map((error) => ({
  from: Math.min(error.pos[0], view.state.doc.length), to: Math.min(Math.max(error.pos[1], error.pos[0]), view.state.doc.length), severity: 'error' as const, message: error.message.split('\n')[0]!,
})) : []), { delay: 400 })

/** A CodeMirror for one file; a chunk of its own, loaded when the first file is opened. */
export function createCodeEditor({ parent, root, path, text, label, onChange, onSave }: Options): CodeEditor {
  const language = /\.ya?ml$/.test(path) ? [yaml(), yamlLinter, lintGutter()] : /\.json$/.test(path) ? StreamLanguage.define(json) : /\.(?:sh|bash)$|(?:^|\/)\.(?:bashrc|profile|bash_\w+)$/.test(path) ? StreamLanguage.define(shell) : []
  const view = new EditorView({
    parent, root,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(), highlightActiveLineGutter(), history(), foldGutter(), drawSelection(), EditorState.allowMultipleSelections.of(true), indentOnInput(), indentUnit.of('  '),
        bracketMatching(), closeBrackets(), autocompletion({ override: [completeAnyWord] }), highlightActiveLine(), highlightSelectionMatches(),
        syntaxHighlighting(highlighting), looks, language, EditorView.contentAttributes.of({ 'aria-label': label }),
        keymap.of([{ key: 'Mod-s', run: () => { onSave(); return true } }, ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, indentWithTab]),
        EditorView.updateListener.of((update) => { if (update.docChanged) onChange() }),
      ],
    }),
  })
  return {
    get text() { return view.state.doc.toString() },
    focus(line) {
      if (line !== undefined && line >= 1 && line <= view.state.doc.lines) view.dispatch({ selection: { anchor: view.state.doc.line(line).from }, scrollIntoView: true })
      view.focus()
    },
    destroy: () => view.destroy(),
  }
}
