import { LitElement, css, html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import { guard } from 'lit/directives/guard.js'
import { repeat } from 'lit/directives/repeat.js'
import type { ClusterEntry, Health, MachineView, NodeView, ObjectAddress, PodView } from '../host/protocol.ts'
import { FIRST_CLUSTER } from '../host/protocol.ts'
import { clusterName, stateOf } from './cluster-names.ts'
import type { ClusterClient } from './cluster-client.ts'
import { healthMark, icons } from './icons.ts'
import { Localized, language, t } from './localization.ts'
import { actOnMachine } from './machine-menu.ts'
import './object-details.ts'
import type { ObjectDetails } from './object-details.ts'
import { readSetting, saveSetting } from './settings.ts'
import { sharedStyles } from './shared-styles.ts'

/** What can be seen of the cluster as a whole. */
type Overview = 'installed' | 'requests' | 'traffic'

/** Beyond so many pods a berth shows marks without names. */
const NAMED_PODS = 36
/** Beyond so many pods a berth shows the first and those in trouble, and counts the rest. */
const DRAWN_PODS = 90
/** Many pods are drawn anew this seldom, in milliseconds, so that keys are never kept waiting by them. */
const CROWD_MS = 500
const CROWD_PODS = 120
/** So many pods more than last time a berth draws at once: a crowd arrives over some frames. */
const ARRIVING_PODS = 10
const SYSTEM_NAMESPACES = new Set(['kube-system', 'local-path-storage', 'kube-public', 'kube-node-lease'])
const HEALTHS: Health[] = ['good', 'waiting', 'bad', 'done', 'leaving']

interface Berth {
  node: NodeView | undefined
  pods: PodView[]
  hiddenSystemPods: number
}

/** The live cluster: nodes as berths with the pods that lie there, and pods that wait for one. */
class ClusterPane extends LitElement {
  static override properties = { scope: { state: true }, shown: { state: true }, overview: { state: true }, problem: { state: true }, announcement: { state: true } }
  declare scope: 'mine' | 'all'
  /** The object whose details are open. */
  declare shown: ObjectAddress | undefined
  /** The overview that is open, perhaps below an object's details. */
  declare overview: Overview | undefined
  /** What is said about clusters to who can't see them. */
  declare announcement: string
  /** What went wrong with a machine last. */
  declare problem: string | undefined
  declare client: ClusterClient
  #renderPending = false
  /** Pods drawn last time, by berth. */
  readonly #drawn = new Map<string, number>()
  #opener: HTMLElement | undefined
  #overviewOpener: HTMLElement | undefined
  /** As they were told last. */
  #clusters: readonly ClusterEntry[] = []
  #shownCluster = FIRST_CLUSTER
  readonly #stops: (() => void)[] = []

  constructor() {
    super()
    new Localized(this)
    this.scope = readSetting('scope') ?? 'mine'
    this.overview = undefined
    this.announcement = ''
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#stops.push(
      this.client.on('view', () => this.#renderSoon()),
      this.client.on('clusters', () => this.#clustersChanged()),
      this.client.on('restarted', () => { this.#closeAll(); this.#clusters = []; this.requestUpdate() }),
      this.client.on('status', ({ phase }) => {
        const kept = readSetting('cluster')
        if (phase === 'ready' && kept) void this.#showCluster(kept)
      }),
    )
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    for (const stop of this.#stops.splice(0)) stop()
  }

  focusPane(): void {
    const place = ['[data-object][tabindex="0"]', '.quay button', '.bar select', '.bar button'].map((each) => this.renderRoot.querySelector<HTMLElement>(each)).find((each) => each?.checkVisibility())
    place?.focus()
  }

  async #showCluster(wanted: string): Promise<void> {
    // The worker goes when it starts over: what comes in its place is asked again.
    const answer = await this.client.ask('showCluster', { cluster: wanted }).catch(() => undefined)
    if (!answer) return
    saveSetting('cluster', answer.cluster)
    this.#say(answer.cluster === wanted ? t('cluster.showing', { name: this.#nameOf(wanted) }) : '')
  }

  #clustersChanged(): void {
    const { clusters, shownCluster } = this.client
    const before = new Map(this.#clusters.map((each) => [each.id, each]))
    if (before.size > 0) {
      for (const each of clusters) {
        const old = before.get(each.id)
        if (!old) this.#say(t('cluster.came', { name: clusterName(each) }))
        else if (old.state !== each.state) this.#say(t('cluster.changed', { name: clusterName(each), state: t(`cluster.state.${each.state}`) }))
      }
      const lost = before.get(this.#shownCluster)
      if (lost && !clusters.some(({ id }) => id === lost.id)) {
        saveSetting('cluster', shownCluster)
        this.#say(t('cluster.gone', { name: clusterName(lost), other: this.#nameOf(shownCluster) }))
      }
    }
    this.#clusters = clusters
    if (shownCluster !== this.#shownCluster) {
      this.#closeAll()
      this.#drawn.clear()
      this.problem = undefined
    }
    this.#shownCluster = shownCluster
    this.requestUpdate()
  }

  #nameOf(id: string): string {
    const entry = this.client.clusters.find((each) => each.id === id)
    return entry ? clusterName(entry) : id
  }

  #say(text: string): void {
    this.announcement = text
  }

  #closeAll(): void {
    this.shown = undefined
    this.overview = undefined
  }

  async #openOverview(overview: Overview, opener: HTMLElement): Promise<void> {
    await { installed: () => import('./installed-details.ts'), requests: () => import('./request-details.ts'), traffic: () => import('./traffic-details.ts') }[overview]()
    this.#overviewOpener = opener
    this.shown = undefined
    this.overview = overview
    await this.updateComplete
    this.#focusOverview()
  }

  #focusOverview(): void {
    this.renderRoot.querySelector<HTMLElement & { focusPane(): void }>('dd-installed-details, dd-request-details, dd-traffic-details')?.focusPane()
  }

  #closeOverview(): void {
    this.overview = undefined
    this.#overviewOpener?.focus()
  }

  async #startCluster(): Promise<void> {
    try {
      await this.client.ask('startCluster', { cluster: this.client.shownCluster })
    } catch (error) {
      this.problem = (error as Error).message
    }
  }

  /** Opens the details of an object. */
  show(object: ObjectAddress): void {
    this.#opener = this.shadowRoot!.activeElement as HTMLElement | undefined ?? undefined
    this.shown = object
    void this.updateComplete.then(() => this.renderRoot.querySelector<ObjectDetails>('dd-object-details')?.focusPane())
  }

  #hide(): void {
    this.shown = undefined
    if (this.overview) void this.updateComplete.then(() => this.#focusOverview())
    else this.#opener?.focus()
  }

  /** At most one rendering per frame, however fast pods come and go. */
  #renderSoon(): void {
    if (this.#renderPending) return
    this.#renderPending = true
    if (this.client.pods.size > CROWD_PODS) setTimeout(() => this.#renderNextFrame(), CROWD_MS)
    else this.#renderNextFrame()
  }

  #renderNextFrame(): void {
    requestAnimationFrame(() => { this.#renderPending = false; this.requestUpdate() })
  }

  #setScope(scope: 'mine' | 'all'): void {
    this.scope = scope
    saveSetting('scope', scope)
  }

  /** Arrow keys go from object to object, so that a thousand pods are one tab stop. */
  readonly #onKey = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
    const target = (event.target as HTMLElement).closest<HTMLElement>('[data-object]')
    if (!step || !target) return
    event.preventDefault()
    const all = [...this.renderRoot.querySelectorAll<HTMLElement>('[data-object]')]
    const next = all[(all.indexOf(target) + step + all.length) % all.length]!
    for (const each of all) each.tabIndex = each === next ? 0 : -1
    next.focus()
  }

  override updated(): void {
    const all = [...this.renderRoot.querySelectorAll<HTMLElement>('[data-object]')]
    if (all.length > 0 && !all.some((each) => each.tabIndex === 0)) all[0]!.tabIndex = 0
    const which = this.renderRoot.querySelector('select')
    if (which) which.value = this.client.shownCluster
  }

  override render(): TemplateResult {
    const berths = berthsOf([...this.client.nodes.values()], [...this.client.pods.values()], this.scope)
    const anchorage = berths.find((berth) => !berth.node)
    const { clusters, nodes, machines } = this.client
    const entry = clusters.find(({ id }) => id === this.client.shownCluster)
    const isFirst = this.client.shownCluster === FIRST_CLUSTER
    // Before the first cluster has said which nodes it has, its machines aren't known to be anything else.
    const unjoined = nodes.size === 0 && isFirst ? [] : machines.filter((machine) => !berths.some((berth) => berth.node?.name === machine.name))
    return html`
      <div class="bar">
        ${clusters.length > 1 ? this.#renderSwitch(clusters) : html`<span class="stencil">${t('pane.cluster')}</span>`}
        <span class="visually-hidden" role="status">${t('cluster.summary', { nodes: nodes.size, pods: this.client.pods.size })}</span>
        <span class="visually-hidden" role="status">${this.announcement}</span>
        <div class="scope" role="group" aria-label=${t('cluster.scope')}>
          <button aria-pressed=${this.scope === 'mine'} @click=${() => this.#setScope('mine')}>${t('cluster.scopeMine')}</button>
          <button aria-pressed=${this.scope === 'all'} @click=${() => this.#setScope('all')}>${t('cluster.scopeAll')}</button>
        </div>
      </div>
      <div class="quay" @keydown=${this.#onKey} @machine-problem=${(event: CustomEvent<string>) => { this.problem = event.detail }}>
        <p class="problem" role="alert" ?hidden=${!this.problem}>${this.problem}<button class="icon-button" aria-label=${t('dialog.close')} @click=${() => { this.problem = undefined }}>${icons.close}</button></p>
        ${entry && entry.state !== 'running' ? this.#renderState(entry.state) : nodes.size === 0 ? html`<p class="quiet">${t('cluster.starting')}</p>` : nothing}
        ${anchorage && anchorage.pods.length > 0 ? html`<section class="anchorage"><h3 class="stencil">${t('cluster.anchorage')}</h3>${this.#renderPods(anchorage)}</section>` : nothing}
        ${this.client.loadBalancer ? this.#renderBalancer(this.client.loadBalancer) : nothing}
        ${berths.filter((berth) => berth.node).map((berth) => this.#renderBerth(berth, berth.node!, machines.find((machine) => machine.name === berth.node!.name)))}
        ${unjoined.map((machine) => this.#renderMachine(machine))}
        ${nodes.size === 0 ? nothing : html`<div class="actions">
          ${entry?.canGrow ? html`<button class="add" @click=${(event: Event) => actOnMachine(event.currentTarget as HTMLElement, this.client, 'add')}>${icons.plus}${t('machine.add')}</button>` : nothing}
          <button class="add installed" @click=${(event: Event) => this.#openOverview('installed', event.currentTarget as HTMLElement)}>${icons.layers}${t('cluster.installed')}</button>
          <button class="add installed" @click=${(event: Event) => this.#openOverview('requests', event.currentTarget as HTMLElement)}>${icons.requests}${t('cluster.requests')}</button>
          <button class="add installed" @click=${(event: Event) => this.#openOverview('traffic', event.currentTarget as HTMLElement)}>${icons.balancer}${t('cluster.traffic')}</button>
        </div>`}
        <ul class="legend" aria-label=${t('cluster.legend')}>${HEALTHS.map((health) => html`<li class=${health}>${healthMark(health)}${t(`health.${health}`)}</li>`)}</ul>
      </div>
      ${this.shown ? html`<dd-object-details .client=${this.client} .object=${this.shown} @close-details=${() => this.#hide()}></dd-object-details>`
        : this.overview === 'requests' ? html`<dd-request-details .client=${this.client} @close-details=${() => this.#closeOverview()}></dd-request-details>`
        : this.overview === 'traffic' ? html`<dd-traffic-details .client=${this.client} @close-details=${() => this.#closeOverview()}></dd-traffic-details>`
        : this.overview ? html`<dd-installed-details .client=${this.client} @close-details=${() => this.#closeOverview()} @show-details=${(event: CustomEvent<ObjectAddress>) => this.show(event.detail)}></dd-installed-details>` : nothing}`
  }

  #renderSwitch(clusters: readonly ClusterEntry[]): TemplateResult {
    return html`<label class="which"><span class="stencil">${t('pane.cluster')}</span>
      <select aria-label=${t('cluster.which')} @change=${(event: Event) => void this.#showCluster((event.target as HTMLSelectElement).value)}>
        ${repeat(clusters, ({ id }) => id, (each) => html`<option value=${each.id}>${clusterName(each)}${stateOf(each)}</option>`)}
      </select></label>`
  }

  /** A further cluster that isn't there, or not yet, or not any more. */
  #renderState(state: Exclude<ClusterEntry['state'], 'running'>): TemplateResult {
    return html`<p class="quiet">${t(`cluster.text.${state}`)}</p>
      ${state === 'off' ? html`<button class="button switch-on" @click=${() => this.#startCluster()}>${icons.power}${t('cluster.switchOn')}</button>` : nothing}`
  }

  #renderBalancer(name: string): TemplateResult {
    return html`<section class="berth balancer" aria-label=${name}>${icons.balancer}<div><b title=${name}>${name}</b><small>${t('cluster.balancer', { count: this.#controlPlanes })}</small></div></section>`
  }

  get #controlPlanes(): number {
    return this.client.machines.filter(({ controlPlane }) => controlPlane).length
  }

  /** A machine that is no node. */
  #renderMachine(machine: MachineView): TemplateResult {
    const words = machine.power === 'on' ? t('machine.notANode') : t(`machine.power.${machine.power}`)
    return html`<section class="berth machine" aria-label=${machine.name}><div class="inside"><div class="head"><span class="node"><b>${machine.name}</b><small>${words}</small></span><dd-machine-menu .client=${this.client} .machine=${machine} .joined=${false} .controlPlanes=${this.#controlPlanes}></dd-machine-menu></div></div></section>`
  }

  #renderBerth(berth: Berth, node: NodeView, machine: MachineView | undefined): TemplateResult {
    const share = node.cpuMillis > 0 ? Math.min(1, node.requestedCpuMillis / node.cpuMillis) : 0
    const cpu = t('cluster.cpu', { used: cores(node.requestedCpuMillis), total: cores(node.cpuMillis) })
    return html`<section class="berth ${node.health}" aria-label=${node.name}>
      <div class="gauge" role="img" aria-label=${cpu} title=${cpu}><i style=${`height:${Math.round(share * 100)}%`}></i></div>
      <div class="inside">
        <div class="head"><button class="node" data-object tabindex="-1" @click=${() => this.show({ kind: 'node', name: node.name })}>
          <span class="status ${node.health}">${healthMark(node.health)}</span><b title=${node.name}>${node.name}</b>
          <small>${[...(machine && machine.power !== 'on' ? [t(`machine.power.${machine.power}`)] : []), node.status, ...node.roles.filter((role) => !node.name.includes(role))].join(' · ')}</small>
        </button>${machine ? html`<dd-machine-menu .client=${this.client} .machine=${machine} .controlPlanes=${this.#controlPlanes}></dd-machine-menu>` : nothing}</div>
        ${this.#renderPods(berth)}
      </div>
    </section>`
  }

  #renderPods(berth: Berth): TemplateResult {
    const named = berth.pods.length <= NAMED_PODS
    const wanted = berth.pods.length <= DRAWN_PODS ? berth.pods : [...berth.pods.filter((pod) => pod.health === 'bad'), ...berth.pods.filter((pod) => pod.health !== 'bad')].slice(0, DRAWN_PODS)
    const place = berth.node?.name ?? ''
    const drawn = wanted.slice(0, (this.#drawn.get(place) ?? 0) + ARRIVING_PODS)
    this.#drawn.set(place, drawn.length)
    if (drawn.length < wanted.length && !this.#renderPending) {
      this.#renderPending = true
      this.#renderNextFrame()
    }
    return html`<div class="pods ${named ? '' : 'dense'}">
      ${repeat(drawn, (pod) => pod.uid, (pod) => guard([pod, named, language()], () => this.#renderPod(pod, named)))}
      ${drawn.length < berth.pods.length ? html`<span class="empty">${t('cluster.more', { count: berth.pods.length - drawn.length })}</span>` : nothing}
      ${berth.pods.length === 0 && berth.node && berth.hiddenSystemPods === 0 ? html`<span class="empty">${t('cluster.emptyBerth')}</span>` : nothing}
      ${berth.hiddenSystemPods > 0 ? html`<button class="system" @click=${() => this.#setScope('all')}>${t('cluster.system', { count: berth.hiddenSystemPods })}</button>` : nothing}
    </div>`
  }

  #renderPod(pod: PodView, named: boolean): TemplateResult {
    const place = pod.namespace === 'default' ? pod.name : `${pod.namespace}/${pod.name}`
    const label = `Pod ${place}, ${pod.status}, ${pod.readyContainers}/${pod.containers}${pod.restarts > 0 ? `, ${t('cluster.restarts', { count: pod.restarts })}` : ''}`
    return html`<button class="pod ${pod.health}" data-object tabindex="-1" aria-label=${label} title=${label} @click=${() => this.show({ kind: 'pod', name: pod.name, namespace: pod.namespace })}>
      ${healthMark(pod.health)}
      ${named ? html`<span class="name">${pod.name}</span>
        ${pod.health === 'good' && pod.readyContainers === pod.containers ? nothing : html`<span class="words">${pod.health === 'good' ? `${pod.readyContainers}/${pod.containers}` : pod.status}</span>`}
        ${pod.restarts > 0 ? html`<span class="restarts">↻${pod.restarts}</span>` : nothing}` : nothing}
    </button>`
  }

  static override styles = [sharedStyles, css`
    :host { display: flex; flex-direction: column; min-height: 0; background: var(--surface); }
    .bar { flex: none; display: flex; align-items: center; justify-content: space-between; min-height: 38px; padding: 0 10px 0 16px; border-bottom: 1px solid var(--line); }
    .which { display: flex; align-items: center; gap: 8px; min-width: 0; margin-inline-end: 8px; }
    .which select { min-width: 0; max-width: 100%; padding: 4px 2px; border: 1px solid var(--line-strong); border-radius: var(--radius); background: var(--raised); font-size: var(--small); font-weight: 550; text-overflow: ellipsis; }
    .scope { flex: none; display: flex; padding: 2px; border-radius: 7px; background: var(--sunken); }
    .scope button { min-height: 24px; padding: 2px 11px; border: 0; border-radius: 5px; background: none; color: var(--ink-soft); font-size: var(--tiny); font-weight: 550; }
    .scope button[aria-pressed='true'] { background: var(--raised); color: var(--ink); box-shadow: 0 1px 2px rgb(0 0 0 / 14%); }
    .quay { flex: 1; min-height: 110px; overflow-y: auto; padding: 12px 10px; display: flex; flex-direction: column; gap: 10px; overscroll-behavior: contain; }
    .quay > p { margin: 8px 4px; font-size: var(--small); }
    .berth { flex: none; display: flex; border: 1px solid var(--line); border-radius: var(--radius); background: var(--raised); overflow: hidden; }
    /* A draught gauge: how deep the node lies in the water. */
    .gauge { flex: none; position: relative; width: 13px; background: repeating-linear-gradient(to top, var(--line-strong) 0 1px, transparent 1px 20%), var(--sunken); border-inline-end: 1px solid var(--line); }
    .gauge i { position: absolute; inset-inline: 0; bottom: 0; background: var(--accent); opacity: 0.75; transition: height 0.4s ease; }
    .inside { flex: 1; min-width: 0; padding: 5px 6px 9px; }
    .head { display: flex; align-items: center; gap: 2px; }
    .problem { display: flex; align-items: center; gap: 8px; padding: 8px 8px 8px 12px; border-radius: var(--radius); background: var(--bad-soft); color: var(--bad); }
    .problem[hidden] { display: none; }
    .problem .icon-button { margin-inline-start: auto; }
    .add { flex: none; align-self: start; display: flex; align-items: center; gap: 7px; min-height: 30px; padding: 4px 12px 4px 9px; border: 1.5px dashed var(--line-strong); border-radius: var(--radius); background: none; color: var(--ink-soft); font-size: var(--small); }
    .add:hover { color: var(--ink); border-color: var(--ink-soft); }
    .add svg { width: 14px; height: 14px; }
    .actions { flex: none; display: flex; flex-wrap: wrap; gap: 8px; }
    .add.installed { border-style: solid; border-width: 1px; }
    .switch-on { align-self: start; }
    .machine { border-style: dashed; }
    .balancer { align-items: center; gap: 10px; padding: 7px 12px; }
    .balancer svg { flex: none; width: 16px; height: 16px; color: var(--ink-soft); }
    .balancer div { min-width: 0; }
    .balancer b, .balancer small { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
    .balancer b { font-size: var(--small); font-weight: 650; }
    .balancer small { color: var(--ink-soft); font-size: var(--tiny); }
    .node { flex: 1; min-width: 0; display: flex; align-items: baseline; gap: 6px; width: 100%; padding: 4px; border: 0; background: none; text-align: start; border-radius: 4px; }
    .node b { font-weight: 650; font-size: var(--small); letter-spacing: -0.003em; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
    .node small { flex: none; max-width: 55%; margin-inline-start: auto; color: var(--ink-soft); font-size: var(--tiny); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
    .node:hover b { text-decoration: underline; text-underline-offset: 3px; }
    .berth:not(.good):not(.machine) .node small { color: var(--bad); font-weight: 600; }
    .mark { flex: none; width: 11px; height: 11px; }
    .status .mark { width: 10px; height: 10px; }
    .status.good, .good > .mark { color: var(--good); }
    .status.waiting, .waiting > .mark { color: var(--waiting); }
    .status.bad, .bad > .mark { color: var(--bad); }
    .status.leaving, .leaving > .mark { color: var(--leaving); }
    .status.done, .done > .mark { color: var(--done); }
    .waiting > .mark { animation: turn 2.4s linear infinite; }
    @keyframes turn { to { transform: rotate(360deg); } }
    .pods { display: flex; flex-direction: column; gap: 3px; margin-top: 3px; }
    .pods.dense { flex-flow: row wrap; gap: 2px; }
    .pod { display: flex; align-items: center; gap: 8px; min-height: 26px; padding: 2px 9px 2px 8px; border: 1px solid transparent; border-radius: 5px; background: var(--paper); font-size: var(--small); text-align: start; animation: arrive 0.25s ease; }
    @keyframes arrive { from { opacity: 0; transform: translateX(-6px); } }
    .pod:hover { border-color: var(--line-strong); }
    .pod.bad { background: var(--bad-soft); }
    .pod.waiting { background: var(--waiting-soft); }
    .pod .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-family: var(--mono); font-size: 0.93em; }
    .pod .words { flex: none; max-width: 60%; overflow: hidden; text-overflow: ellipsis; margin-inline-start: auto; font-size: var(--tiny); font-weight: 550; color: var(--ink-soft); white-space: nowrap; }
    .pod.bad .words { color: var(--bad); }
    .pod.waiting .words { color: var(--waiting); }
    .pod.done, .pod.leaving { color: var(--ink-soft); }
    .pod .restarts { flex: none; font-size: var(--tiny); color: var(--ink-soft); margin-inline-start: auto; }
    .words + .restarts { margin-inline-start: 0; }
    .dense .pod { min-height: 0; padding: 4px; animation: none; }
    /* A hundred turning marks would keep the page busy with nothing else. */
    .dense .waiting > .mark { animation: none; }
    .berth, .anchorage { contain: content; }
    .empty, .system { min-height: 24px; padding: 3px 5px; font-size: var(--tiny); color: var(--ink-soft); }
    .system { align-self: start; border: 0; background: none; border-radius: 4px; }
    .system:hover { text-decoration: underline; text-underline-offset: 3px; }
    .anchorage { flex: none; padding: 10px 10px 11px; border: 1.5px dashed var(--line-strong); border-radius: var(--radius); }
    .anchorage h3 { margin: 0 0 6px 2px; }
    .legend { flex: none; display: flex; flex-wrap: wrap; gap: 4px 14px; margin: auto 2px 0; padding: 6px 0 0; list-style: none; color: var(--ink-soft); font-size: var(--tiny); }
    .legend li { display: flex; align-items: center; gap: 6px; }
    .legend .mark { width: 9px; height: 9px; animation: none; }
    dd-object-details, dd-installed-details, dd-request-details, dd-traffic-details { flex: 1.6 1 0; min-height: 200px; }
    @media (forced-colors: active) {
      .scope button { border: 1px solid ButtonBorder; forced-color-adjust: none; background: Canvas; color: CanvasText; }
      .scope button[aria-pressed='true'] { background: Highlight; color: HighlightText; }
      .gauge i { forced-color-adjust: none; background: Highlight; opacity: 1; }
    }
    @media (pointer: coarse) { .pod { min-height: 38px; } .node, .add, .which select { min-height: 38px; } .scope button { min-height: 34px; } }
  `]
}
customElements.define('dd-cluster-pane', ClusterPane)

/** Nodes by name, control plane first, each with its pods; the berth without a node holds pods that have none. */
function berthsOf(nodes: readonly NodeView[], pods: readonly PodView[], scope: 'mine' | 'all'): Berth[] {
  const sorted = [...nodes].sort((a, b) => Number(b.roles.includes('control-plane')) - Number(a.roles.includes('control-plane')) || byNumber(a.name, b.name))
  const berths = new Map<string, Berth>([['', { node: undefined, pods: [], hiddenSystemPods: 0 }], ...sorted.map((node): [string, Berth] => [node.name, { node, pods: [], hiddenSystemPods: 0 }])])
  for (const pod of pods) {
    const berth = berths.get(pod.node ?? '') ?? berths.get('')!
    // System pods in trouble are everybody's business.
    if (scope === 'mine' && SYSTEM_NAMESPACES.has(pod.namespace) && pod.health !== 'bad') berth.hiddenSystemPods++
    else berth.pods.push(pod)
  }
  for (const berth of berths.values()) {
    // A crowd isn't read by name.
    const compare = berth.pods.length > DRAWN_PODS ? byCode : byNumber
    berth.pods.sort((a, b) => Number(SYSTEM_NAMESPACES.has(a.namespace)) - Number(SYSTEM_NAMESPACES.has(b.namespace)) || byCode(a.namespace, b.namespace) || compare(a.name, b.name))
  }
  return [...berths.values()]
}

/** `web-2` before `web-10`. */
const byNumber = new Intl.Collator('en', { numeric: true }).compare
const byCode = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

function cores(millis: number): string {
  return (millis / 1000).toLocaleString(language(), { maximumFractionDigits: 2 })
}

declare global {
  interface HTMLElementTagNameMap { 'dd-cluster-pane': ClusterPane }
}
