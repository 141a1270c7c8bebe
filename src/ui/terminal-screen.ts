import { FitAddon } from '@xterm/addon-fit'
import { SearchAddon } from '@xterm/addon-search'
import { SerializeAddon } from '@xterm/addon-serialize'
import { WebLinksAddon } from '@xterm/addon-web-links'
import { Terminal } from '@xterm/xterm'
import type { ClusterClient, TerminalConnection } from './cluster-client.ts'
import type { KeptTerminal } from './kept-terminals.ts'
import { isApple } from './keyboard.ts'
import { t } from './localization.ts'
import { isInSandbox } from './sandboxed-page.ts'
import { readSetting } from './settings.ts'

/** The terminal keeps its dark hull in both themes; sixteen colours that read well on it (4.5:1 and better). */
const THEME = {
  foreground: '#dce5e8', cursor: '#f0a18a', cursorAccent: '#13222b', selectionBackground: '#35617480',
  black: '#2c3e48', red: '#ff8d7f', green: '#67d0a1', yellow: '#e8bd68', blue: '#7db8f0', magenta: '#c7a9f0', cyan: '#77d0e4', white: '#dce5e8',
  brightBlack: '#8fa4ae', brightRed: '#ffb0a5', brightGreen: '#95e4c0', brightYellow: '#f5d595', brightBlue: '#a9d0f7', brightMagenta: '#dcc8f8', brightCyan: '#a4e2f0', brightWhite: '#ffffff',
}

/** Addresses with a port that stand alone. */
const ADDRESS = /(?<![\w./:@-])(?:127\.0\.0\.1|localhost|10(?:\.\d{1,3}){3}):\d{2,5}(?![\w:.-])(?:\/[\w./?=&%-]*)?/g

/** Lines above the screen that outlive the page. */
const KEPT_LINES = 1_000

/** What reads well on a window of this width, in pixels. A laptop's has room for the widest common table: all pods, about 102 columns. */
function fontSize(): number {
  return innerWidth >= 3200 ? 20 : innerWidth >= 2400 ? 17 : innerWidth < 480 ? 11 : innerWidth < 760 ? 12 : innerWidth < 1600 ? 12.5 : 13
}

/** One terminal: an xterm on the page joined to a shell in the worker. */
export class TerminalScreen {
  readonly number: number
  readonly element = document.createElement('div')
  readonly terminal: Terminal
  readonly search = new SearchAddon()
  readonly #fit = new FitAddon()
  readonly #serialize = new SerializeAddon()
  readonly #client: ClusterClient
  #connection: TerminalConnection | undefined
  #ended = false
  #opened = false
  #typedAhead = ''
  /** Where the shell last said that it is. */
  #cwd: string | undefined
  /** Worker's number of the terminal, to tell whose edit request it is. */
  id = -1
  /** The next key counts as one with Ctrl. */
  ctrl = false
  onCtrlUsed: () => void = () => {}
  onKey: (event: KeyboardEvent) => boolean = () => true
  /** Somebody wants to see an address of the sandbox. */
  onPage: (url: string) => void = () => {}

  constructor(number: number, client: ClusterClient, kept?: KeptTerminal) {
    this.number = number
    this.#client = client
    this.element.className = 'screen'
    this.terminal = new Terminal({
      allowProposedApi: true, cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches, fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--mono').trim(),
      fontSize: fontSize(), lineHeight: 1.2, scrollback: 5_000, macOptionIsMeta: true,
      screenReaderMode: readSetting('screenReader') ?? false, rightClickSelectsWord: false,
      theme: { ...THEME, background: getComputedStyle(document.documentElement).getPropertyValue('--hull').trim() },
    })
    this.terminal.loadAddon(this.#fit)
    this.terminal.loadAddon(this.search)
    this.terminal.loadAddon(this.#serialize)
    const openLink = (uri: string) => {
      if (isInSandbox(uri)) this.onPage(uri)
      else open(uri, '_blank', 'noopener')
    }
    this.terminal.loadAddon(new WebLinksAddon((_event, uri) => openLink(uri)))
    this.terminal.options.linkHandler = { activate: (_event, uri) => openLink(uri) }
    // `Forwarding from 127.0.0.1:8080 -> 80`: an address without a scheme.
    this.terminal.registerLinkProvider({
      provideLinks: (row, answer) => {
        const text = this.terminal.buffer.active.getLine(row - 1)?.translateToString(true) ?? ''
        answer([...text.matchAll(ADDRESS)].map((match) => ({ text: match[0], range: { start: { x: match.index + 1, y: row }, end: { x: match.index + match[0].length, y: row } }, activate: () => this.onPage(`http://${match[0]}`) })))
      },
    })
    // OSC 7: the shell says where it is.
    this.terminal.parser.registerOscHandler(7, (data) => {
      this.#cwd = data.replace(/^file:\/\/[^/]*/, '')
      return true
    })
    this.#cwd = kept?.cwd
    if (kept?.text) this.terminal.write(kept.text + this.#interruption())
    this.terminal.attachCustomKeyEventHandler((event) => this.#key(event))
    this.terminal.onData((data) => this.#input(data))
    this.terminal.onResize(({ cols, rows }) => this.#connection?.resize(cols, rows))
  }

  /** Once its element is in the page and has a size. */
  open(): void {
    if (!this.#opened) {
      this.#opened = true
      this.terminal.open(this.element)
    }
    this.fit()
    if (!this.#connection && !this.#ended) this.connect()
  }

  /** In the page's language. The Tab key is the shell's, so it is said how else to leave. */
  label(): void {
    this.terminal.textarea?.setAttribute('aria-label', t('terminal.name', { number: this.number }))
    this.terminal.textarea?.setAttribute('aria-description', t('pane.hint'))
  }

  connect(): void {
    this.#ended = false
    this.#connection = this.#client.openTerminal(this.terminal.cols, this.terminal.rows, {
      onData: (data) => this.terminal.write(data, () => this.#connection?.drawn(data.length)),
      onExit: (code) => this.#exit(code),
    }, this.#cwd)
    this.id = this.#connection.terminal
    if (this.#typedAhead) this.#connection.input(this.#typedAhead)
    this.#typedAhead = ''
  }

  /** The worker was restarted: another shell on the same screen, and an empty one if it is another cluster's. */
  reconnect(isFresh: boolean): void {
    this.#connection = undefined
    if (isFresh) {
      this.#cwd = undefined
      this.terminal.reset()
    } else this.terminal.write(`\x1b[?1049l${this.#interruption()}`)
    if (this.#opened) this.connect()
  }

  /** What a later page shows of it. */
  kept(): KeptTerminal {
    return { text: this.#serialize.serialize({ scrollback: KEPT_LINES, excludeModes: true, excludeAltBuffer: true }), ...(this.#cwd ? { cwd: this.#cwd } : {}) }
  }

  #interruption(): string {
    return `\x1b[0m\r\n\x1b[90m${t('terminal.restored')}\x1b[0m\r\n`
  }

  fit(): void {
    if (!this.#opened || this.element.offsetParent === null) return
    this.terminal.options.fontSize = fontSize()
    this.#fit.fit()
  }

  /** Types keys, as the row of keys on a phone does. */
  press(data: string): void {
    this.#input(data)
    this.terminal.focus()
  }

  /** Types a command and Enter. */
  run(commands: string): void {
    this.#input(`${commands.replace(/\n/g, '\r')}\r`)
  }

  close(): void {
    this.#connection?.close()
    this.terminal.dispose()
    this.element.remove()
  }

  setTheme(): void {
    this.terminal.options.theme = { ...THEME, background: getComputedStyle(document.documentElement).getPropertyValue('--hull').trim() }
  }

  #input(given: string): void {
    let data = given
    if (this.ctrl) {
      this.ctrl = false
      this.onCtrlUsed()
      if (/^[@-_a-z]$/.test(data)) data = String.fromCharCode(data.toUpperCase().charCodeAt(0) & 31)
    }
    if (this.#ended) {
      if (data.includes('\r')) { this.terminal.reset(); this.connect() }
    } else if (this.#connection) this.#connection.input(data)
    else this.#typedAhead += data
  }

  #exit(code: number): void {
    this.#ended = true
    this.#connection = undefined
    this.terminal.write(`\r\n\x1b[90m${t('terminal.ended', { code })}\x1b[0m\r\n`)
  }

  #key(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown') return true
    // A program that has the whole screen has the keys, too.
    const isFullScreen = this.terminal.buffer.active.type === 'alternate'
    const isPlain = !event.ctrlKey && !event.altKey && !event.metaKey && !event.shiftKey
    if (event.key === 'F6' || (event.key === 'F1' && isPlain && !isFullScreen)) return false
    // On Apple's keyboards ⌘ copies and pastes, and Ctrl is the program's.
    if (!isApple && event.ctrlKey && !event.altKey && !event.metaKey && !event.shiftKey && !isFullScreen) {
      // As in other programs: the browser pastes by itself, where the terminal leaves the key alone.
      if (event.key === 'v') return false
      // Without a selection it interrupts, as ever.
      if (event.key === 'c' && this.terminal.hasSelection()) {
        void navigator.clipboard?.writeText(this.terminal.getSelection()).catch(() => {})
        this.terminal.clearSelection()
        event.preventDefault()
        return false
      }
    }
    const isCopy = event.code === 'KeyC' && event.ctrlKey && event.shiftKey
    if (isCopy) {
      if (this.terminal.hasSelection()) void navigator.clipboard?.writeText(this.terminal.getSelection()).catch(() => {})
      event.preventDefault()
      return false
    }
    return this.onKey(event)
  }
}
