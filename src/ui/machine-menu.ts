import { LitElement, css, html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import type { MachineAction, MachineView } from '../host/protocol.ts'
import { FIRST_CLUSTER } from '../host/protocol.ts'
import type { ClusterClient } from './cluster-client.ts'
import './confirm-dialog.ts'
import { icons } from './icons.ts'
import { Localized, t } from './localization.ts'
import { sharedStyles } from './shared-styles.ts'

type Action = Exclude<MachineAction, 'add'>
/** What is asked about first: it takes something away from whoever uses the machine. */
const HURTS: ReadonlySet<Action> = new Set(['shutdown', 'reboot', 'cut', 'remove'])

/** What can be done with the machine of a node: its power, and whether it is there at all. */
class MachineMenu extends LitElement {
  static override properties = { machine: { attribute: false }, joined: { attribute: false }, controlPlanes: { attribute: false } }
  declare machine: MachineView
  /** Whether it is a node. */
  declare joined: boolean
  /** How many control planes the cluster has. */
  declare controlPlanes: number
  declare client: ClusterClient

  constructor() {
    super()
    new Localized(this)
    this.joined = true
    this.controlPlanes = 1
  }

  get #menu(): HTMLElement {
    return this.renderRoot.querySelector<HTMLElement>('#menu')!
  }

  get #actions(): Action[] {
    const { power, controlPlane } = this.machine
    // Machines of further clusters come and go with the program that made them.
    const isFirst = this.client.shownCluster === FIRST_CLUSTER
    const remove: Action[] = controlPlane || !isFirst ? [] : ['remove']
    if (power === 'off') return ['start', ...remove]
    if (power !== 'on') return ['cut']
    return [...(this.joined || controlPlane || !isFirst ? [] : ['join' as const]), 'reboot', 'shutdown', 'cut', ...remove]
  }

  async #act(action: Action): Promise<void> {
    this.#menu.hidePopover()
    // The question gives the focus back to where it is now.
    this.renderRoot.querySelector<HTMLElement>('[popovertarget=menu]')!.focus()
    const { name, controlPlane } = this.machine
    if (HURTS.has(action)) {
      const text = `${t(`machine.ask.${action as 'shutdown' | 'reboot' | 'cut' | 'remove'}`)}${!controlPlane ? '' : this.controlPlanes < 2 ? ` ${t('machine.ask.controlPlane')}` : ` ${t('machine.ask.controlPlanes', { count: this.controlPlanes })}`}`
      if (!await this.renderRoot.querySelector('dd-confirm-dialog')!.ask({ title: `${name}: ${t(`machine.${action}`)}`, text, confirm: t(`machine.${action}`), danger: true })) return
    }
    await actOnMachine(this, this.client, action, name)
  }

  readonly #onToggle = (event: Event) => {
    if ((event as ToggleEvent).newState !== 'open') {
      if (this.shadowRoot!.activeElement?.closest('#menu') || document.activeElement === document.body) this.renderRoot.querySelector<HTMLElement>('[popovertarget=menu]')!.focus()
      return
    }
    const button = this.renderRoot.querySelector('button')!.getBoundingClientRect()
    const menu = this.#menu
    const { width, height } = menu.getBoundingClientRect()
    menu.style.left = `${Math.max(8, Math.min(button.right - width, innerWidth - width - 8))}px`
    menu.style.top = `${button.bottom + 4 + height > innerHeight ? Math.max(8, button.top - height - 4) : button.bottom + 4}px`
    this.renderRoot.querySelector<HTMLElement>('[role=menuitem]')?.focus()
  }

  readonly #onKey = (event: KeyboardEvent) => {
    const items = [...this.renderRoot.querySelectorAll<HTMLElement>('[role=menuitem]')]
    const at = items.indexOf(this.shadowRoot!.activeElement as HTMLElement)
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key]
    if (next === undefined || at < 0) return
    event.preventDefault()
    event.stopPropagation()
    items[(next + items.length) % items.length]!.focus()
  }

  override render(): TemplateResult | typeof nothing {
    const label = t('machine.menu', { name: this.machine.name })
    return html`
      <button class="icon-button" popovertarget="menu" aria-haspopup="menu" aria-label=${label} title=${label}>${icons.more}</button>
      <div id="menu" popover role="menu" aria-label=${label} @toggle=${this.#onToggle} @keydown=${this.#onKey}>
        ${this.#actions.map((action) => html`<button role="menuitem" class=${action === 'remove' || action === 'cut' ? 'danger' : ''} @click=${() => this.#act(action)}>${t(`machine.${action}`)}</button>`)}
      </div>
      <dd-confirm-dialog></dd-confirm-dialog>`
  }

  static override styles = [sharedStyles, css`
    :host { flex: none; }
    .icon-button { width: 26px; height: 26px; min-height: 26px; padding: 4px; }
    #menu { position: fixed; inset: auto; min-width: 190px; max-height: calc(100dvh - 16px); overflow: auto; margin: 0; padding: 5px; border: 1px solid var(--line); border-radius: 9px; background: var(--raised); color: var(--ink); box-shadow: var(--shadow); }
    #menu button { display: block; width: 100%; min-height: 32px; padding: 5px 10px; border: 0; border-radius: 5px; background: none; font-size: var(--small); text-align: start; }
    #menu button:hover, #menu button:focus-visible { background: var(--sunken); }
    #menu .danger { color: var(--bad); }
    @media (pointer: coarse) { .icon-button { width: 38px; height: 38px; } #menu button { min-height: 40px; } }
  `]
}
customElements.define('dd-machine-menu', MachineMenu)

/** Asks the worker; what fails is told where the element stands. */
export async function actOnMachine(from: HTMLElement, client: ClusterClient, action: MachineAction, name?: string): Promise<void> {
  try {
    await client.ask('machine', { do: action, cluster: client.shownCluster, ...(name === undefined ? {} : { name }) })
  } catch (error) {
    from.dispatchEvent(new CustomEvent('machine-problem', { detail: `${name ?? ''}${name ? ': ' : ''}${(error as Error).message}`, bubbles: true, composed: true }))
  }
}

declare global {
  interface HTMLElementTagNameMap { 'dd-machine-menu': MachineMenu }
}
