import type { Client, FromWorker, ToWorker } from './protocol.ts'

/** Held by the tab whose worker runs the cluster. */
const OWNER_LOCK = 'drydock-owner'
const CHANNEL = 'drydock'
const tabLock = (tab: string) => `drydock-tab-${tab}`

type Relayed =
  | { to: 'owner'; from: string; message: ToWorker }
  | { to: string; message: FromWorker }
  /** A new owner serves. */
  | { to: 'all'; owner: string }

export interface OwnerDuties {
  connect(client: Client): void
  disconnect(clientId: string): void
  take(clientId: string, message: ToWorker): void
}

/**
 * Decides which tab's worker runs the cluster. The owner serves pages of other tabs over a BroadcastChannel; when it goes, one of them
 * becomes the owner. Liveness is told by Web Locks, which the browser releases however a tab ends.
 */
export class Ownership {
  readonly tab: string
  readonly #channel = new BroadcastChannel(CHANNEL)
  readonly #sendToPage: (message: FromWorker) => void
  #duties: OwnerDuties | undefined
  readonly #remote = new Set<string>()
  #attached = false
  /** What the page said before it was clear who serves it. */
  #early: ToWorker[] = []

  constructor(tab: string, sendToPage: (message: FromWorker) => void) {
    this.tab = tab
    this.#sendToPage = sendToPage
    this.#channel.onmessage = (event: MessageEvent<Relayed>) => this.#relayed(event.data)
  }

  /** Calls `own` as soon as this tab is the owner, which may be never; until then the page is attached to the one that is. */
  async begin(own: (takenOver: boolean) => Promise<OwnerDuties>): Promise<void> {
    await new Promise<void>((held) => void navigator.locks.request(tabLock(this.tab), () => { held(); return new Promise(() => {}) }))
    const serve = async (takenOver: boolean) => {
      this.#attached = false
      const duties = await own(takenOver)
      this.#duties = duties
      duties.connect({ id: this.tab, send: this.#sendToPage })
      for (const message of this.#early.splice(0)) duties.take(this.tab, message)
      this.#channel.postMessage({ to: 'all', owner: this.tab } satisfies Relayed)
      await new Promise(() => {})
    }
    const isOwner = await new Promise<boolean>((resolve) => {
      void navigator.locks.request(OWNER_LOCK, { ifAvailable: true }, (lock) => {
        resolve(lock !== null)
        return lock ? serve(false) : undefined
      })
    })
    if (isOwner) return
    this.#attached = true
    this.#sendToPage({ type: 'status', status: { phase: 'starting', attached: true } })
    for (const message of [{ type: 'hello' } as const, ...this.#early.splice(0)]) this.#channel.postMessage({ to: 'owner', from: this.tab, message } satisfies Relayed)
    void navigator.locks.request(OWNER_LOCK, () => {
      this.#sendToPage({ type: 'restarted' })
      return serve(true)
    })
  }

  /** A message of this tab's page. */
  fromPage(message: ToWorker): void {
    if (message.type === 'hello') return // said on its behalf, once it is clear to whom
    if (this.#duties) this.#duties.take(this.tab, message)
    else if (this.#attached) this.#channel.postMessage({ to: 'owner', from: this.tab, message } satisfies Relayed)
    else this.#early.push(message)
  }

  #relayed(relayed: Relayed): void {
    if (relayed.to === 'owner' && 'from' in relayed) this.#serveRemote(relayed.from, relayed.message)
    else if (relayed.to === this.tab && 'message' in relayed) this.#sendToPage(relayed.message as FromWorker)
    else if (relayed.to === 'all' && this.#attached) {
      this.#sendToPage({ type: 'restarted' })
      this.#channel.postMessage({ to: 'owner', from: this.tab, message: { type: 'hello' } } satisfies Relayed)
    }
  }

  #serveRemote(tab: string, message: ToWorker): void {
    const duties = this.#duties
    if (!duties) return
    if (message.type === 'hello') {
      if (this.#remote.has(tab)) duties.disconnect(tab)
      else {
        this.#remote.add(tab)
        void navigator.locks.request(tabLock(tab), () => this.#forget(tab))
      }
      duties.connect({ id: tab, send: (answer) => this.#channel.postMessage({ to: tab, message: attachedStatus(answer) } satisfies Relayed) })
    } else if (message.type === 'bye') this.#forget(tab)
    else if (this.#remote.has(tab)) duties.take(tab, message)
  }

  #forget(tab: string): void {
    if (this.#remote.delete(tab)) this.#duties?.disconnect(tab)
  }
}

function attachedStatus(message: FromWorker): FromWorker {
  return message.type === 'status' ? { type: 'status', status: { ...message.status, attached: true } } : message
}
